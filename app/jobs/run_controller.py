"""The window's side of a run: starts, paces and ends the worker, and knows when it is stale."""

from collections.abc import Sequence
from enum import Enum

import msgspec
from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.jobs.run_control import MAX_SPEED, RunUpdate
from app.jobs.run_worker import RunWorker
from engine.scenario.design import Design
from engine.scenario.faults import FaultEvent
from engine.scenario.scenario import Scenario

SPEEDS: tuple[float, ...] = (
    0.01,
    0.1,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
    100.0,
    300.0,
    1000.0,
    MAX_SPEED,
)
STEPS_PER_S = 10.0  # a step is a tenth of a wall second at the chosen speed
MAX_SPEED_STEP_S = 10.0


class RunState(Enum):
    """Where a run is."""

    IDLE = "idle"
    PREPARING = "preparing"
    PLAYING = "playing"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"


class RunController(QObject):
    """One run at a time of the document's design, of the moment when it was started."""

    state_changed = Signal(object)  # RunState
    compiling = Signal(int)  # kernels compiled so far, at the first run of an installation
    prepared = Signal(object)  # Lowered
    updated = Signal(object)  # RunUpdate
    finished = Signal(object)  # Summary
    summarised = Signal(object)  # Summary of the run so far
    failed = Signal(str)
    stale_changed = Signal(bool)
    speed_changed = Signal(float)
    cleared = Signal()  # there is no run any more: forget its frames

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._worker: RunWorker | None = None
        self._state = RunState.IDLE
        self._speed = 1.0
        self._play_when_ready = False
        self._design: Design | None = None
        self._stale = False
        document.changed.connect(self._on_document_changed)
        document.replaced.connect(self.reset)

    @property
    def state(self) -> RunState:
        """Where the run is."""
        return self._state

    @property
    def speed(self) -> float:
        """Simulated seconds per wall second; MAX_SPEED is as fast as possible."""
        return self._speed

    @property
    def is_stale(self) -> bool:
        """True if the drawing was edited after the run's snapshot was taken."""
        return self._stale

    @property
    def design(self) -> Design | None:
        """The snapshot that the run reads, or None without a run."""
        return self._design

    @property
    def is_playing(self) -> bool:
        """True while simulated time runs or will as soon as the run is prepared."""
        return self._state is RunState.PLAYING or (
            self._state is RunState.PREPARING and self._play_when_ready
        )

    def toggle(self) -> None:
        """Plays or pauses."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Plays on; starts anew where there is no run, it has ended, or the drawing changed."""
        if self._state is RunState.PREPARING:
            self._play_when_ready = True
            self.state_changed.emit(self._state)
        elif self._state is RunState.PAUSED and not self._stale and self._worker is not None:
            self._worker.play()
            self._set_state(RunState.PLAYING)
        elif self._state is not RunState.PLAYING:
            self._start(play=True)

    def pause(self) -> None:
        """Stops simulated time and keeps what was simulated."""
        self._play_when_ready = False
        if self._state is RunState.PLAYING and self._worker is not None:
            self._worker.pause()
            self._set_state(RunState.PAUSED)
        else:
            self.state_changed.emit(self._state)

    def step(self) -> None:
        """Simulates a tenth of a second at the chosen speed, then pauses."""
        seconds = MAX_SPEED_STEP_S if self._speed == MAX_SPEED else self._speed / STEPS_PER_S
        if self._state in (RunState.PLAYING, RunState.PAUSED) and self._worker is not None:
            self._worker.step(seconds)
            self._set_state(RunState.PAUSED)
        elif self._state is not RunState.PREPARING:
            self._start(play=False)
            if self._worker is not None:
                self._worker.step(seconds)

    def reset(self) -> None:
        """Forgets the run: the next play starts at zero with the drawing as it is then."""
        self.shut_down()
        self._design = None
        self._set_stale(stale=False)
        self._set_state(RunState.IDLE)
        self.cleared.emit()

    def set_speed(self, speed: float) -> None:
        """Sets how many simulated seconds pass in a wall second."""
        self._speed = speed
        if self._worker is not None:
            self._worker.set_speed(speed)
        self.speed_changed.emit(speed)

    def faster(self) -> None:
        """The next higher speed."""
        self.set_speed(SPEEDS[min(self._speed_index() + 1, len(SPEEDS) - 1)])

    def slower(self) -> None:
        """The next lower speed."""
        self.set_speed(SPEEDS[max(self._speed_index() - 1, 0)])

    def inject(self, events: Sequence[FaultEvent]) -> None:
        """Lets parts fail in the run; they are in the design already, which the run follows."""
        if self._worker is not None and not self._stale_but_for_faults():
            self._worker.inject(events)
            self._design = self._document.design()
            self._set_stale(stale=False)

    def _stale_but_for_faults(self) -> bool:
        """True if the drawing differs from the run's in more than the faults by hand."""
        if self._design is None:
            return True
        now = self._document.design()
        plan = msgspec.structs.replace(now.faults, events=self._design.faults.events)
        return msgspec.structs.replace(now, faults=plan) != self._design

    def request_summary(self) -> None:
        """Asks for the numbers of the run so far: `summarised` brings them."""
        if self._worker is not None:
            self._worker.request_summary()

    def shut_down(self) -> None:
        """Ends the thread and waits for it; called before the window goes."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.disconnect(self)
            worker.stop()
            worker.deleteLater()

    def _start(self, *, play: bool) -> None:
        self.shut_down()
        design = self._document.design()
        self._design = design
        scenario = Scenario(
            design=design,
            catalog=self._document.catalog,
            until_s=design.run.until_s,
            seed=design.run.seed,
        )
        worker = RunWorker(scenario, self._speed)
        worker.compiling.connect(self.compiling)
        worker.prepared.connect(self._on_prepared)
        worker.updated.connect(self._on_updated)
        worker.finished.connect(self._on_finished)
        worker.summarised.connect(self.summarised)
        worker.failed.connect(self._on_failed)
        self._worker = worker
        self._play_when_ready = play
        self.cleared.emit()
        self._set_stale(stale=False)
        self._set_state(RunState.PREPARING)
        worker.start()

    def _on_prepared(self, lowered: object) -> None:
        if self._worker is None:
            return
        self.prepared.emit(lowered)
        if self._play_when_ready:
            self._worker.play()
            self._set_state(RunState.PLAYING)
        else:
            self._set_state(RunState.PAUSED)

    def _on_updated(self, update: RunUpdate) -> None:
        if self._worker is None:
            return
        try:
            self.updated.emit(update)
        finally:
            self._worker.frame_taken()

    def _on_finished(self, summary: object) -> None:
        if self._worker is None:
            return
        self._set_state(RunState.FINISHED)
        self.finished.emit(summary)

    def _on_failed(self, text: str) -> None:
        if self._worker is None:
            return
        self.shut_down()
        self._set_state(RunState.FAILED)
        self.failed.emit(text)

    def _on_document_changed(self, _change: object) -> None:
        if self._design is not None:
            now = self._document.design()
            before = self._design  # views, notes and frames change no run
            same = msgspec.structs.replace(
                now, views=before.views, notes=before.notes, groups=before.groups
            )
            self._set_stale(stale=same != self._design)

    def _set_stale(self, *, stale: bool) -> None:
        if stale != self._stale:
            self._stale = stale
            self.stale_changed.emit(stale)

    def _set_state(self, state: RunState) -> None:
        self._state = state
        self.state_changed.emit(state)

    def _speed_index(self) -> int:
        return SPEEDS.index(self._speed) if self._speed in SPEEDS else SPEEDS.index(1.0)
