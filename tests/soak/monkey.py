"""Random events on the whole window: no exception, no message of Qt, memory within a tenth.

Run as `python -m tests.soak.monkey SECONDS [SEED]`.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, qInstallMessageHandler
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

from app.actions.table import ACTIONS
from app.document import Document
from app.shell.main_window import MainWindow
from app.support.notifications import SaveChoice
from app.support.settings import Settings
from engine.catalog.loader import load_catalog
from tests.helpers.random_edits import random_change
from tests.helpers.windows import RecordingNotifications, close_window

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_SHARE = 0.25  # of the time until memory is compared
MOST_GROWTH = 0.10
LEFT_OUT = ("file.quit",)
KEYS = (
    Qt.Key.Key_Escape, Qt.Key.Key_Delete, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Plus,
    Qt.Key.Key_Minus, Qt.Key.Key_3, Qt.Key.Key_Backspace, Qt.Key.Key_Return, Qt.Key.Key_Tab,
)  # fmt: skip
BUTTONS = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton)
HELD = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier,
)  # fmt: skip
KNOWN_MESSAGES = ("propagateSizeHints", "does not support raise()")


class Monkey:
    """Does something at random, again and again."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        assert window.canvas is not None
        self._window, self._canvas = window, window.canvas
        self._rng = np.random.default_rng(seed)
        self._number = 0
        self._acts: tuple[Callable[[], None], ...] = (
            self._mouse, self._mouse, self._drag, self._wheel, self._key, self._action, self._edit,
            self._select, self._type, self._scrub,
        )  # fmt: skip

    def act(self) -> None:
        """One thing."""
        self._number += 1
        self._acts[self._rng.integers(len(self._acts))]()
        QApplication.processEvents()
        self._close_dialogs()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        if len(self._window.document.topology.elements) > 60:
            self._window.document.undo_stack.setClean()
            self._window.files.open_example()

    def _point(self) -> QPoint:
        return QPoint(
            int(self._rng.integers(self._canvas.width())),
            int(self._rng.integers(self._canvas.height())),
        )

    def _mouse(self) -> None:
        button, keys = BUTTONS[self._rng.integers(3)], HELD[self._rng.integers(4)]
        QTest.mouseClick(self._canvas, button, keys, self._point())

    def _drag(self) -> None:
        keys = HELD[self._rng.integers(4)]
        QTest.mousePress(self._canvas, BUTTONS[0], keys, self._point())
        for _ in range(int(self._rng.integers(1, 6))):
            QTest.mouseMove(self._canvas, self._point())
        if self._rng.random() < 0.2:
            QTest.keyClick(self._canvas, Qt.Key.Key_Escape)
        QTest.mouseRelease(self._canvas, BUTTONS[0], keys, self._point())

    def _wheel(self) -> None:
        place = QPointF(self._point())
        turn = QPoint(0, int(self._rng.integers(-240, 240)))
        event = QWheelEvent(
            place, place, QPoint(), turn, Qt.MouseButton.NoButton, HELD[0],
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self._canvas, event)

    def _key(self) -> None:
        focus = QApplication.focusWidget() or self._canvas
        QTest.keyClick(focus, KEYS[self._rng.integers(len(KEYS))], HELD[self._rng.integers(4)])

    def _action(self) -> None:
        record = ACTIONS[self._rng.integers(len(ACTIONS))]
        action = self._window.actions_by_id[record.id]
        if record.id not in LEFT_OUT and action.isEnabled():
            action.trigger()

    def _edit(self) -> None:
        document = self._window.document
        document.perform("edit", random_change(self._rng, document, 10**6 + self._number))
        if self._rng.random() < 0.3:
            document.undo_stack.undo()

    def _select(self) -> None:
        ids = self._window.document.design().ids()
        chosen = frozenset(name for name in ids if self._rng.random() < 0.3)
        self._window.document.select(chosen)

    def _type(self) -> None:
        chooser = self._window.quick_access.chooser
        if not chooser.isHidden():
            QTest.keyClicks(chooser.field, "al")
            QTest.keyClick(chooser.field, Qt.Key.Key_Escape)

    def _scrub(self) -> None:
        self._window.run_bar.scrubbed.emit(float(self._rng.uniform(0, 5)))

    def _close_dialogs(self) -> None:
        for widget in QApplication.topLevelWidgets():
            if widget is not self._window and widget.isVisible():
                if isinstance(widget, QDialog):
                    widget.reject()
                else:
                    widget.close()


def run(seconds: float, seed: int = 1) -> tuple[int, float]:
    """Plays so long.

    Returns:
        How many things were done, and by what share memory has grown since the first quarter.

    Raises:
        AssertionError: an exception in a slot, or a message of Qt.
    """
    trouble: list[str] = []
    hook = sys.excepthook
    sys.excepthook = lambda kind, value, trace: trouble.append(f"{kind.__name__}: {value}")

    def told(_kind: object, _context: object, text: str) -> None:
        if not any(known in text for known in KNOWN_MESSAGES):
            trouble.append(text)

    before = qInstallMessageHandler(told)
    try:
        with tempfile.TemporaryDirectory() as folder:
            notes = RecordingNotifications()
            notes.choice = SaveChoice.DISCARD
            notes.save_path = Path(folder, "monkey.rackflow")
            settings = Settings(Path(folder, "s.ini"))
            window = MainWindow(Document(load_catalog()), settings, notes)
            window.resize(1280, 720)
            window.show()
            window.complete()
            window.files.open_example()
            monkey = Monkey(window, seed)
            begun, done, first = time.monotonic(), 0, 0
            while time.monotonic() - begun < seconds and not trouble:
                monkey.act()
                done += 1
                if first == 0 and time.monotonic() - begun > LEAST_SHARE * seconds:
                    first = _memory_bytes()
            last = _memory_bytes()
            close_window(window)
    finally:
        sys.excepthook = hook
        qInstallMessageHandler(before)
    assert not trouble, f"seed {seed}, after {done} things: {trouble[0]}"
    return done, (last - first) / first if first else 0.0


def _memory_bytes() -> int:
    """What this process holds now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(seconds: float, seed: int) -> None:
    """Plays and says what came of it."""
    application = QApplication.instance() or QApplication(["monkey"])
    done, growth = run(seconds, seed)
    print(f"{done} things in {seconds:.0f} s, memory {growth:+.1%}, seed {seed}")
    assert growth <= MOST_GROWTH, "memory has grown"
    del application


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
