"""The window on a hall of 1,024 racks while the run goes on: frames and simulated time per second.

Each case runs in a process of its own, as a user's does: the window's thread paints, the run's
thread simulates, and both wait for the same interpreter.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import hall
from tests.benchmarks.timing import Row, Table, bytes_text, peak_bytes

PLAYED_S = 12.0
CASES = {
    "requests 1": "20,480 requests/s, asked for real time",
    "agents 1": "100,000 agents, asked for real time",
    "singles 1": "20,480 requests/s, racks drawn singly, asked for real time",
    "requests 1000": "20,480 requests/s, as fast as it goes",
}


def _child(case: str, speed: float, picture: str = "") -> dict[str, float]:
    """Plays a hall in a window, measured from the first frame on."""
    from PySide6.QtCore import QTimer

    from app.document import Document
    from app.main import make_application
    from app.shell.main_window import MainWindow
    from app.support.settings import Settings
    from engine.storage.project_file import save_design

    scenario = hall.scenario(case)
    application = make_application()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hall.rackflow")
        save_design(path, scenario.design, scenario.catalog)
        window = MainWindow(Document(scenario.catalog), Settings(Path(folder, "own.ini")))
        window.resize(1600, 900)
        window.show()
        application.processEvents()
        window.complete()
        window.files.open_path(path)
        window.run.set_speed(speed)
        seen: list[tuple[float, float]] = []

        def note(update: object) -> None:
            seen.append((time.perf_counter(), update.frame.time_s))  # type: ignore[attr-defined]
            if len(seen) == 1:
                QTimer.singleShot(int(PLAYED_S * 1000), window.close)

        window.run.updated.connect(note)
        window.run.failed.connect(window.close)
        window.run.play()
        if picture:
            QTimer.singleShot(int(PLAYED_S * 900), lambda: window.grab().save(picture))
        application.exec()
    wall = seen[-1][0] - seen[0][0]
    longest = max(b[0] - a[0] for a, b in itertools.pairwise(seen))
    return {
        "frames_per_s": (len(seen) - 1) / wall,
        "speed": (seen[-1][1] - seen[0][1]) / wall,
        "longest_s": longest,
        "peak_bytes": peak_bytes(),
    }


def measure() -> Iterator[Table]:
    """Halls in a window of 1600x900."""
    rows = []
    for words, text in CASES.items():
        answer = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.window", *words.split()],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        found = json.loads(answer.splitlines()[-1])
        rows.append(
            Row(
                text,
                (
                    f"{found['frames_per_s']:.1f}",
                    f"{found['speed']:.2f}",
                    f"{found['longest_s'] * 1e3:.0f} ms",
                    bytes_text(found["peak_bytes"]),
                ),
            )
        )
    head = ("frames/s", "simulated s per s", "longest between frames", "peak memory")
    yield Table(
        "Window on 1,024 racks", head, rows, "Asked: 30 frames/s and real time on 2 cores."
    )


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(_child(sys.argv[1], float(sys.argv[2]), "".join(sys.argv[3:]))) + "\n"
    )
