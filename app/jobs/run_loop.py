"""The loop of the run's thread: paces simulated time against the wall clock, makes frames."""

import time
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from app.jobs.run_control import MAX_SPEED, RunControl, RunUpdate
from engine.metrics.bottlenecks import Bottleneck, rank
from engine.metrics.summary import Summary, summarise
from engine.scenario.scenario import Scenario
from engine.sim.lower import Lowered
from engine.sim.results import Frame

if TYPE_CHECKING:
    from engine.sim.run import Simulation

SLICE_S = 0.012  # wall seconds that one slice aims at
FRAME_S = 1.0 / 30.0
PACE_S = 0.010  # wall seconds that are simulated at once where the run keeps its pace
RANK_S = 0.5
MIN_EVENTS, MAX_EVENTS = 500, 2_000_000


class Wish(Enum):
    """What the loop does next."""

    TIME = "time"
    FRAME = "frame"
    SUMMARY = "summary"


class RunLoop:
    """The inner loop: paces simulated time against the wall clock and makes frames."""

    def __init__(
        self,
        control: RunControl,
        simulation: "Simulation",
        lowered: Lowered,
        scenario: Scenario,
        send: Callable[[RunUpdate], None],
        tell_end: Callable[[Summary], None],
        tell_summary: Callable[[Summary], None],
    ) -> None:
        self._control = control
        self._send, self._tell_end, self._tell_summary = send, tell_end, tell_summary
        self._simulation = simulation
        self._lowered = lowered
        self._scenario = scenario
        self._budget = MIN_EVENTS
        self._last_frame_wall_s = time.perf_counter()
        self._last_frame_time_s = 0.0
        self._frame_due_wall_s = self._last_frame_wall_s + FRAME_S
        self._last_rank_wall_s = -RANK_S
        self._anchor: tuple[float, float, float] | None = None  # wall, simulated, speed
        self._done = False

    def run(self) -> None:
        """Runs until the worker is stopped; a finished simulation waits to be stopped."""
        while True:
            self._wait_for_work()
            if self._take_step():
                continue
            target_s, nap_s = self._target()
            if nap_s > 0:
                self._nap(nap_s)
                continue
            self._advance(target_s)
            self._emit_if_due()

    def _wait_for_work(self) -> None:
        """Returns when simulated time shall pass; answers the window's wishes meanwhile."""
        while True:
            wish = self._next_wish()
            if wish is Wish.TIME:
                return
            if wish is Wish.FRAME:
                self._emit()
            else:
                self._tell_summary(self.summary())

    def _next_wish(self) -> Wish:
        """What the window wants now; waits until it wants anything."""
        control = self._control
        with control.condition:
            while True:
                control.check_stop()
                if control.summary_wanted:
                    control.summary_wanted = False
                    return Wish.SUMMARY
                if control.frame_wanted and not control.frame_on_its_way:
                    control.frame_wanted = False
                    return Wish.FRAME
                if not self._done and (control.playing or control.step_s > 0):
                    return Wish.TIME
                self._anchor = None
                control.condition.wait()

    def _take_step(self) -> bool:
        """Advances by the step that the window asked for, in slices; False if it did not."""
        control = self._control
        with control.condition:
            step_s, control.step_s = control.step_s, 0.0
        if step_s <= 0:
            return False
        target_s = min(self._simulation.time_s + step_s, self._scenario.until_s)
        while not self._done and self._simulation.time_s < target_s:
            self._advance(target_s)
            control.check_stop()
        with control.condition:
            control.frame_wanted = True
        return True

    def _target(self) -> tuple[float, float]:
        """The simulated time to advance to, and how long to sleep instead if that is too near."""
        now_s = self._simulation.time_s
        with self._control.condition:
            speed = self._control.speed
        end_s = self._scenario.until_s
        if speed == MAX_SPEED:
            self._anchor = None
            return end_s, 0.0
        wall_s = time.perf_counter()
        if self._anchor is None or self._anchor[2] != speed:
            self._anchor = (wall_s - FRAME_S, now_s, speed)
        target_s = self._anchor[1] + speed * (wall_s - self._anchor[0])
        if target_s - now_s > speed:  # a second behind: this machine cannot keep the pace
            self._anchor = None
            target_s = now_s + speed
        behind_s = (target_s - now_s) / speed
        if behind_s < PACE_S and target_s < end_s:
            # without a pause this thread would spin, and keep the interpreter from the window
            return now_s, min(FRAME_S, PACE_S - behind_s)
        return min(target_s, end_s), 0.0

    def _advance(self, target_s: float) -> None:
        if self._done:
            return
        with self._control.condition:
            faults, self._control.faults = self._control.faults, []
        if faults:
            self._simulation.inject(faults)
        start_s = time.perf_counter()
        self._done = self._simulation.advance(target_s, self._budget)
        took_s = time.perf_counter() - start_s
        if took_s > SLICE_S:
            self._budget = max(MIN_EVENTS, int(self._budget * max(0.3, SLICE_S / took_s)))
        elif took_s < SLICE_S / 2:
            self._budget = min(MAX_EVENTS, self._budget * 2)
        if self._done:
            self._finish()

    def _nap(self, seconds: float) -> None:
        self._emit_if_due()
        with self._control.condition:
            self._control.condition.wait(seconds)
            self._control.check_stop()

    def _finish(self) -> None:
        with self._control.condition:
            while self._control.frame_on_its_way and not self._control.stop:
                self._control.condition.wait()
            self._control.check_stop()
            self._control.playing = False
        self._last_rank_wall_s = -RANK_S
        self._emit()
        self._tell_end(self.summary())

    def summary(self) -> Summary:
        """The numbers of the run so far."""
        return summarise(self._simulation.results(), self._lowered, self._scenario)

    def _emit_if_due(self) -> None:
        if self._done or time.perf_counter() < self._frame_due_wall_s:
            return
        with self._control.condition:
            self._control.check_stop()
            if self._control.frame_on_its_way:
                return
        self._emit()

    def _emit(self) -> None:
        wall_s = time.perf_counter()
        # from when it was due, not from now: slices end when they end, the mean shall hold
        self._frame_due_wall_s = max(self._frame_due_wall_s, wall_s - FRAME_S) + FRAME_S
        frame = self._simulation.frame()
        passed_s = max(wall_s - self._last_frame_wall_s, 1e-9)
        speed = (frame.time_s - self._last_frame_time_s) / passed_s
        self._last_frame_wall_s, self._last_frame_time_s = wall_s, frame.time_s
        bottlenecks = None
        if wall_s - self._last_rank_wall_s >= RANK_S:
            self._last_rank_wall_s = wall_s
            bottlenecks = self._rank(frame)
        with self._control.condition:
            self._control.frame_on_its_way = True
        self._send(RunUpdate(frame=frame, bottlenecks=bottlenecks, speed=speed))

    def _rank(self, frame: Frame) -> tuple[Bottleneck, ...]:
        return rank(
            self._simulation.cause_seconds(),
            self._lowered,
            self._scenario.design,
            self._scenario.catalog,
            frame.link_use.utilisation(),
            frame.chip_utilisation,
        )
