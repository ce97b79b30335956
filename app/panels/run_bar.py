"""The run's part of the tool bar: speed, clock, progress and what the run is doing."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.jobs.run_control import MAX_SPEED, RunUpdate
from app.jobs.run_controller import SPEEDS, RunController, RunState
from app.panels.fields import QuietComboBox
from app.panels.scrub_bar import ScrubBar
from engine.units import format_quantity

PROGRESS_STEPS = 1000
KERNELS = 371  # that the first run of an installation compiles


class RunBar(QWidget):
    """Shows and sets the pace of the run."""

    def __init__(self, controller: RunController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.speed = QuietComboBox()
        self.speed.setToolTip(self.tr("Simulated seconds in a second ([ slower, ] faster)"))
        self.speed.setAccessibleName(self.tr("Speed"))
        self.speed.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for value in SPEEDS:
            self.speed.addItem(self.speed_text(value), value)
        self.speed.activated.connect(self._on_speed_chosen)
        self.clock = QLabel()
        self.clock.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.clock.setToolTip(self.tr("Simulated time of the run, and its end"))
        self.progress = ScrubBar()
        self.progress.setToolTip(self.tr("Drag to look at what was simulated; Play goes on"))
        self.progress.setRange(0, PROGRESS_STEPS)
        self.progress.setTextVisible(False)
        self.progress.setMinimumWidth(60)
        self.progress.setMaximumWidth(260)
        self.progress.setAccessibleName(self.tr("Progress of the run"))
        self.note = QLabel()
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.note.setMinimumWidth(10)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.setSpacing(10)
        layout.addWidget(self.speed)
        layout.addWidget(self.clock)
        layout.addWidget(self.progress, 1)
        layout.addWidget(self.note, 2)
        layout.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self._measured_speed = 0.0
        self._until_s = 0.0
        self._compiled = 0
        controller.state_changed.connect(self._on_state)
        controller.speed_changed.connect(self._on_speed)
        controller.updated.connect(self._on_update)
        controller.compiling.connect(self._on_compiling)
        controller.stale_changed.connect(self._show_note)
        controller.cleared.connect(self._on_cleared)
        self.progress.scrubbed.connect(self._on_scrubbed)
        self._on_speed(controller.speed)
        self._on_cleared()

    scrubbed = Signal(float)  # simulated time that the user looks at

    def speed_text(self, speed: float) -> str:
        """A speed as it is offered."""
        return self.tr("max") if speed == MAX_SPEED else f"{speed:g}x"

    def look_at(self, time_s: float) -> None:
        """Looks at a simulated time."""
        if self._until_s > 0:
            self.progress.look(time_s / self._until_s)

    def _on_speed_chosen(self, index: int) -> None:
        self._controller.set_speed(float(self.speed.itemData(index)))

    def _on_speed(self, speed: float) -> None:
        self.speed.setCurrentIndex(self.speed.findData(speed))

    def _on_state(self, _state: RunState) -> None:
        busy = self._controller.state is RunState.PREPARING
        self.progress.setRange(0, 0 if busy else PROGRESS_STEPS)
        self._show_note()

    def _on_update(self, update: RunUpdate) -> None:
        frame = update.frame
        self._until_s = frame.until_s
        self._measured_speed = update.speed
        self.progress.set_mark(None)
        self.clock.setText(f"{clock_text(frame.time_s)} / {clock_text(frame.until_s)}")
        self.progress.setRange(0, PROGRESS_STEPS)
        self.progress.setValue(int(PROGRESS_STEPS * frame.time_s / max(frame.until_s, 1e-12)))
        self._show_note()

    def _on_scrubbed(self, share: float) -> None:
        """Looks at an earlier time; a run that plays is paused for it."""
        if self._controller.is_playing:
            self._controller.pause()
        time_s = share * self._until_s
        self.clock.setText(f"{clock_text(time_s)} / {clock_text(self._until_s)}")
        self.scrubbed.emit(time_s)

    def _on_compiling(self, kernels: int) -> None:
        self._compiled = kernels
        self.progress.setRange(0, KERNELS)
        self.progress.setValue(min(kernels, KERNELS))
        self._show_note()

    def _on_cleared(self) -> None:
        self._compiled = 0
        self._measured_speed = 0.0
        self.progress.set_mark(None)
        self.clock.setText(f"{clock_text(0.0)}")
        self.progress.setValue(0)
        self._show_note()

    def _show_note(self) -> None:
        state, text = self._controller.state, ""
        if state is RunState.PREPARING:
            text = self.tr("Preparing ...")
            if self._compiled:
                text = self.tr("Compiling the simulation, once after installation: {0} of {1}")
                text = text.format(min(self._compiled, KERNELS), KERNELS)
        elif self._controller.is_stale:
            text = self.tr("Results of an earlier drawing: Play runs the new one")
        elif state is RunState.PLAYING:
            slow = 0 < self._measured_speed < 0.8 * self._controller.speed
            if slow or self._controller.speed == MAX_SPEED:
                text = self.tr("{0}x real time").format(f"{self._measured_speed:.3g}")
        elif state is RunState.FINISHED:
            text = self.tr("Finished")
        elif state is RunState.PAUSED:
            text = self.tr("Paused")
        elif state is RunState.FAILED:
            text = self.tr("Cannot run")
        self.note.setText(text)
        self.note.setToolTip(text)


def clock_text(seconds: float) -> str:
    """Simulated time as a clock of steady width."""
    if seconds < 1000:
        return f"{seconds:6.2f} s"
    return f"{format_quantity(seconds, 's', 4):>8}"
