"""The thread that advances a simulation in short slices and hands out frames.

The kernels release the interpreter lock, so the window stays alive while a slice runs. One frame
at most is on its way: the next is made only after `frame_taken`. Nothing here touches a widget.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.jobs.run_control import RunControl, Stopped
from engine.errors import EngineError
from engine.scenario.faults import FaultEvent
from engine.scenario.scenario import Scenario

NICENESS = 5


class RunWorker(QObject):
    """Owns one simulation in a thread of its own; every method may be called from the window.

    Signals come from the worker's thread; connect them to objects of the window's thread.
    """

    compiling = Signal(int)  # kernels compiled so far; nothing is told when all are kept
    prepared = Signal(object)  # Lowered
    updated = Signal(object)  # RunUpdate; answer with frame_taken()
    finished = Signal(object)  # Summary
    summarised = Signal(object)  # Summary of the run so far, as asked for
    failed = Signal(str)  # the text of an EngineError

    def __init__(self, scenario: Scenario, speed: float) -> None:
        super().__init__()
        self._scenario = scenario
        self._control = RunControl(speed=speed)
        self._thread = threading.Thread(target=self._run, name="rackflow-run", daemon=True)

    def start(self) -> None:
        """Starts the thread; the simulation is prepared and then waits for play or step."""
        self._thread.start()

    def play(self) -> None:
        """Lets simulated time run."""
        with self._control.condition:
            self._control.playing = True
            self._control.condition.notify_all()

    def pause(self) -> None:
        """Stops simulated time after the current slice."""
        with self._control.condition:
            self._control.playing = False
            self._control.frame_wanted = True
            self._control.condition.notify_all()

    def step(self, seconds: float) -> None:
        """Advances by some simulated seconds, then pauses."""
        with self._control.condition:
            self._control.playing = False
            self._control.step_s += seconds
            self._control.condition.notify_all()

    def set_speed(self, speed: float) -> None:
        """Simulated seconds per wall second; MAX_SPEED for as fast as possible."""
        with self._control.condition:
            self._control.speed = speed
            self._control.condition.notify_all()

    def frame_taken(self) -> None:
        """Says that the window has shown the last frame and can take another."""
        with self._control.condition:
            self._control.frame_on_its_way = False
            self._control.condition.notify_all()

    def inject(self, events: Sequence[FaultEvent]) -> None:
        """Lets parts fail in the run, from now on."""
        with self._control.condition:
            self._control.faults += events
            self._control.condition.notify_all()

    def request_summary(self) -> None:
        """Asks for the numbers of the run so far: `summarised` brings them."""
        with self._control.condition:
            self._control.summary_wanted = True
            self._control.condition.notify_all()

    def stop(self) -> None:
        """Ends the thread and waits for it (one slice, or the end of a compilation)."""
        with self._control.condition:
            self._control.stop = True
            self._control.condition.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        text = self.tr("A defect of the program ended the simulation; the log file has details.")
        try:
            with contextlib.suppress(Stopped):
                self._simulate()
            text = ""
        except EngineError as error:
            text = str(error)
        except MemoryError:
            text = self.tr("The machine has not enough memory for this simulation.")
        finally:
            if text and not self._control.stop:
                self.failed.emit(text)

    def _simulate(self) -> None:
        # numba and scipy take a second to import: here, where the window does not wait for them
        from app.jobs.run_loop import RunLoop
        from engine.kernel_cache import watched_compilation
        from engine.sim.prepare import prepare_simulation

        scenario = with_trace(self._scenario)
        with watched_compilation(self.compiling.emit):
            simulation, lowered = prepare_simulation(scenario, may_inject=True)
            self._control.check_stop()
            simulation.warm_up()
        self._control.check_stop()
        lower_priority()  # from here on: until then somebody waits for the first frame
        self.prepared.emit(lowered)
        RunLoop(
            self._control,
            simulation,
            lowered,
            scenario,
            self.updated.emit,
            self.finished.emit,
            self.summarised.emit,
        ).run()


def with_trace(scenario: Scenario) -> Scenario:
    """The scenario with its trace read from the file that its workload names.

    Raises:
        TraceError: the file is missing or has a wrong value.
    """
    workload = scenario.design.traced()
    if workload is None or scenario.trace is not None:
        return scenario
    from engine.workload.trace_source import trace_of

    trace = trace_of(workload)
    return Scenario(
        design=scenario.design,
        catalog=scenario.catalog,
        until_s=scenario.until_s,
        seed=scenario.seed,
        trace=trace,
    )


def lower_priority() -> None:
    """Makes the calling thread yield to the window's thread where the system allows it."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
