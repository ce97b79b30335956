"""Fixtures of the shell's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell.main_window import MainWindow
from engine.catalog.catalog import Catalog
from tests.helpers.windows import close_window, drawn_document, make_window


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, shop: Catalog) -> Iterator[MainWindow]:
    made = make_window(drawn_document(shop), tmp_path)
    yield made
    close_window(made)
