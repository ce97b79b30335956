"""Typing into rows of a form, and the inspector that shows it."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.band_job import BandJob
from app.panels.fields import FieldRow, LineRow
from app.panels.inspector import InspectorPanel


@contextmanager
def inspecting(qtbot: QtBot, document: Document) -> Iterator[InspectorPanel]:
    """An inspector of a document, with its job ended afterwards."""
    bands = BandJob(document)
    panel = InspectorPanel(document, bands)
    qtbot.addWidget(panel)
    panel.resize(320, 600)
    yield panel
    bands.shut_down()


def enter(field: FieldRow, text: str) -> None:
    """Replaces the text of a row and presses Return."""
    assert isinstance(field, LineRow)
    field.edit.selectAll()
    QTest.keyClicks(field.edit, text)
    QTest.keyClick(field.edit, Qt.Key.Key_Return)
