"""How long the window's thread is blocked at once along the acceptance path.

Every event that Qt delivers is timed where it is delivered; what takes longest is named with the step
in which it came. Waits inside the path run a loop of their own and do not count.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.catalog.loader import load_catalog
from tests.benchmarks.timing import Row, Table, seconds

ASKED_S = 0.050
GIVE_UP_S = 120.0


def measure() -> Iterator[Table]:
    """The acceptance path in a window of 1280x720 in a process of its own, kernels compiled."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.blocking"], capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    rows = [
        Row(name, (seconds(worst), which, str(over), seconds(direct)))
        for name, worst, which, over, direct in json.loads(answer.splitlines()[-1])
    ]
    yield Table(
        "Blocking of the window's thread along the acceptance path",
        ("longest event", "which", "over 50 ms", "the step"),
        rows,
        "Asked: no event over 50 ms.",
    )


def _child() -> list[tuple[str, float, str, int, float]]:
    """Walks the path: step, longest event in s, which, how many over the limit, the step in s."""
    from PySide6.QtCore import QCoreApplication, QEvent, QObject
    from PySide6.QtWidgets import QApplication

    class Timed(QApplication):
        """Times each event that is delivered from the loop."""

        def __init__(self) -> None:
            super().__init__(["rackflow"])
            self.depth = 0
            self.longest: list[tuple[float, str]] = []

        def notify(self, receiver: QObject, event: QEvent) -> bool:
            """Delivers an event; only the outermost one is timed."""
            if self.depth:
                return super().notify(receiver, event)
            self.depth = 1
            owner = receiver.parent() if type(receiver).__name__ == "QTimer" else None
            name = f"{type(owner or receiver).__name__}"
            kind = event.type().name
            begun = time.perf_counter()
            try:
                return super().notify(receiver, event)
            finally:
                self.depth = 0
                spent = time.perf_counter() - begun
                self.longest.append((spent, f"{name}.{kind}"))

    from app.main import SWITCH_S, _calm_garbage_collection

    sys.setswitchinterval(SWITCH_S)
    application = Timed()
    application.setStyle("Fusion")
    from app.document import Document
    from app.shell.main_window import MainWindow
    from app.support.settings import Settings
    from tests.helpers.acceptance import path
    from tests.helpers.windows import RecordingNotifications

    def wait(condition: Callable[[], bool]) -> None:
        begun = time.perf_counter()
        while not condition():
            QCoreApplication.processEvents()
            time.sleep(0.002)
            assert time.perf_counter() - begun < GIVE_UP_S

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder, "own.ini"))
        window = MainWindow(Document(load_catalog()), settings, RecordingNotifications())
        window.resize(1280, 720)
        window.show()
        window.complete()
        keep = _calm_garbage_collection(application)
        wait(lambda: not window.checks._timer.isActive())
        steps = path(window, wait)
        while True:
            application.longest.clear()
            begun = time.perf_counter()
            name = next(steps, "")
            direct = time.perf_counter() - begun
            if not name:
                break
            events = sorted(application.longest, reverse=True)
            worst = events[0] if events else (0.0, "")
            over = sum(1 for spent, _ in events if spent > ASKED_S)
            rows.append((name, *worst, over, direct))
        keep.stop()
        window.document.undo_stack.setClean()
        window.close()
    return rows


if __name__ == "__main__":
    print(json.dumps(_child()))
