"""The first five minutes: one path through the whole window with real events."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.shell.recovery import crashed, restored
from engine.catalog.catalog import Catalog
from engine.scenario.hashing import design_hash
from tests.helpers.acceptance import path
from tests.helpers.windows import close_window, make_window, notes

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

WAIT_MS = 240_000  # the first run of a machine compiles


def test_the_first_five_minutes(qtbot: QtBot, tmp_path: Path, shop: Catalog) -> None:
    window = make_window(Document(shop), tmp_path)
    window.resize(1280, 720)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)  # keys reach no window before
    try:

        def wait(condition: Callable[[], bool]) -> None:
            qtbot.waitUntil(condition, timeout=WAIT_MS)

        steps = list(path(window, wait))
        assert len(steps) == 8
        assert notes(window).errors == []
        expected = design_hash(window.document.design())
        window.recovery.shut_down(keep=True)  # the process is gone
        (left,) = crashed(window.recovery.folder)
        design, failed = restored(left, shop)
        assert (design_hash(design), failed) == (expected, 0)
    finally:
        close_window(window)
