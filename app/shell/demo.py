"""The demo: opens the example, plays it, and on request leaves a screenshot and a summary."""

import sys
from pathlib import Path

import msgspec
from PySide6.QtCore import QElapsedTimer, QObject, QTimer

from app.jobs.run_control import RunUpdate
from app.shell.main_window import MainWindow
from engine.metrics.summary import Summary
from engine.report.ranges import summary_report

GIVE_UP_S = 300.0  # compiling included: a demo that never plays ends with an error


class Demo(QObject):
    """Plays for some wall seconds, then grabs the window, writes the summary and quits."""

    def __init__(
        self,
        window: MainWindow,
        *,
        seconds: float | None,
        screenshot: Path | None,
        summary: Path | None,
        speed: float,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._seconds = seconds
        self._screenshot, self._summary = screenshot, summary
        self._speed = speed
        self._clock = QElapsedTimer()
        self.failure = ""
        self.done = False
        self._grabbed = False
        self._result: Summary | None = None

    def start(self) -> None:
        """Opens the example and presses Play."""
        if not self._window.files.open_example():
            self._end(self.tr("the example could not be opened"))
            return
        self._window.run.set_speed(self._speed)
        if self._seconds is not None:
            self._window.run.updated.connect(self._on_update)
            self._window.run.failed.connect(self._end)
            self._window.run.finished.connect(self._on_finished)
            self._window.run.summarised.connect(self._on_summary)
            self._window.bands.changed.connect(self._write_when_known)
            QTimer.singleShot(int(GIVE_UP_S * 1000), self._on_timeout)
        self._window.run.play()

    def _on_update(self, _update: RunUpdate) -> None:
        if not self._clock.isValid():
            self._clock.start()
        elif self._clock.elapsed() >= 1000 * (self._seconds or 0.0):
            self._finish()

    def _on_finished(self, _summary: object) -> None:
        self._finish()

    def _on_timeout(self) -> None:
        if not self.done:
            self._end(self.tr("no frame within {0} s").format(GIVE_UP_S))

    def _finish(self) -> None:
        if not self._grabbed:
            self._grabbed = True
            self._grab()
            self._window.run.request_summary()

    def _grab(self) -> None:
        if self._screenshot is None:
            return
        try:
            self._screenshot.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.failure = str(error)
            return
        if not self._window.grab().save(str(self._screenshot)):
            self.failure = self.tr("{0} cannot be written").format(self._screenshot)

    def _on_summary(self, summary: Summary) -> None:
        self._result = summary
        self._write_when_known()

    def _write_when_known(self) -> None:
        """Writes the figures together with their ranges, which may still be on their way."""
        design = self._window.run.design
        if self._result is None or self.done or design is None:
            return
        known = self._window.bands.of(design)
        if known.pending:
            return
        if self._summary is not None:
            report = summary_report(self._result, known.bands)
            try:
                self._summary.parent.mkdir(parents=True, exist_ok=True)
                self._summary.write_bytes(
                    msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
                )
            except OSError as error:
                self.failure = str(error)
        self._end(self.failure)

    def _end(self, failure: str) -> None:
        self.done = True
        self.failure = failure
        if failure:
            print(f"rackflow demo: {failure}", file=sys.stderr)  # noqa: T201 - a program's message
        self._window.close()
