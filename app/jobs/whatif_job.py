"""What would help: the study of resources and fixes in a thread of its own, with progress."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.jobs.run_worker import lower_priority, with_trace
from engine.errors import EngineError
from engine.scenario.design import Design
from engine.scenario.scenario import Scenario

if TYPE_CHECKING:  # the modules pull numba in, which the window does not wait for
    from engine.study.fixes import Dropped, Fix
    from engine.study.whatif import WhatIf

RUNS = 3
LONGEST_S = 300.0  # simulated: some minutes say what holds requests up
STUDY_SHARE = 0.75  # of the progress; the fixes have the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Helped:
    """What a study found, and for which design."""

    design: Design
    resources: "tuple[WhatIf, ...]"
    fixes: "tuple[Fix, ...]"
    until_s: float
    runs: int
    dropped: "tuple[Dropped, ...]" = ()  # fixes that cannot be, with their reasons
    few: int | None = None  # requests that have finished in a run, where it is too few


class WhatIfJob(QObject):
    """One study at a time of the document's design, of the moment when it was asked for."""

    started = Signal()
    progressed = Signal(float)
    found = Signal(object)  # Helped
    failed = Signal(str)
    ended = Signal()  # after found, failed or a cancel

    _done = Signal(object, str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._done.connect(self._on_done)

    @property
    def is_running(self) -> bool:
        """A study is under way."""
        return self._thread is not None

    def start(self) -> None:
        """Begins a study, unless one is under way."""
        if self._thread is not None:
            return
        self._stop.clear()
        design = self._document.design()
        scenario = Scenario(
            design=design,
            catalog=self._document.catalog,
            until_s=min(design.run.until_s, LONGEST_S),
            seed=design.run.seed,
        )
        self._thread = threading.Thread(
            target=self._work, args=(scenario,), name="rackflow-whatif", daemon=True
        )
        self._thread.start()
        self.started.emit()

    def cancel(self) -> None:
        """Stops before the next run of the study."""
        self._stop.set()

    def shut_down(self) -> None:
        """Ends; waits for the run that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self, scenario: Scenario) -> None:
        from engine.study.fixes import trial
        from engine.study.whatif import FEW, Stopped, fewest_completed, what_if

        lower_priority()
        found: Helped | None = None
        text = ""
        try:
            scenario = with_trace(scenario)
            base, resources = what_if(
                scenario, RUNS, 1, lambda share: self._tell(STUDY_SHARE * share), self._stop.is_set
            )
            tried = trial(
                scenario,
                base,
                1,
                lambda share: self._tell(STUDY_SHARE + (1 - STUDY_SHARE) * share),
                self._stop.is_set,
            )
            found = Helped(
                design=scenario.design, resources=tuple(resources), fixes=tried.fixes,
                until_s=scenario.until_s, runs=RUNS, dropped=tried.dropped,
                few=fewest if (fewest := fewest_completed(base)) < FEW else None,
            )  # fmt: skip
        except Stopped:
            pass
        except EngineError as error:
            text = str(error)
        except MemoryError:
            text = self.tr("The machine has not enough memory for this study.")
        if not self._stop.is_set():
            self._done.emit(found, text)
        else:
            self._done.emit(None, "")

    def _tell(self, share: float) -> None:
        if not self._stop.is_set():
            self.progressed.emit(share)

    def _on_done(self, found: Helped | None, text: str) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if found is not None:
            self.found.emit(found)
        elif text:
            self.failed.emit(text)
        self.ended.emit()
