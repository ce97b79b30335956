"""Checks the drawing in the background after edits: findings, sums of price and power, fit."""

import contextlib
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Document
from app.jobs.run_worker import lower_priority
from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.findings import Finding, Severity
from engine.scenario.design import Design

if TYPE_CHECKING:
    from engine.analysis.analyse import Analysis
    from engine.scenario.prices import PowerSum, PriceSum
    from engine.study.repairs import Repair

MOST_REPAIRED = 20  # findings for which repairs are looked for
SMALLEST = "one-chip.rackflow"  # the example that is quickest to prepare
QUIET_MS = 150  # an edit is checked when no other followed for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What can be said about a drawing without a run."""

    design: Design
    findings: tuple[Finding, ...]
    price: "PriceSum | None"
    power: "PowerSum | None"
    chips: int
    analysis: "Analysis | None" = None
    flow: tuple[str, float] | None = None  # between the two selected elements: names, bytes/s
    repairs: "tuple[tuple[Repair, ...], ...]" = ()  # of each finding


class CheckJob(QObject):
    """Checks the document's design whenever it has changed; one check at a time."""

    checked = Signal(object)  # Checked
    _done = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._thread: threading.Thread | None = None
        self._again = False
        self._shown_pair: tuple[str, ...] = ()
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._start)
        self._done.connect(self._on_done)
        document.changed.connect(self._on_changed)
        document.selection_changed.connect(self._on_selection)
        document.replaced.connect(self._timer.start)

    def request(self) -> None:
        """Asks for a check soon."""
        if not self._closed:
            self._timer.start()

    def shut_down(self) -> None:
        """Ends; waits for a check that is under way."""
        self._closed = True
        self._timer.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _on_changed(self, _change: object) -> None:
        self.request()

    def _on_selection(self) -> None:
        """Two selected elements ask for the flow between them; it goes with the selection."""
        pair = self._pair()
        if pair != self._shown_pair:
            self._shown_pair = pair
            self.request()

    def _pair(self) -> tuple[str, ...]:
        elements = self._document.topology.elements
        chosen = tuple(name for name in elements if name in self._document.selection)
        return chosen if len(chosen) == 2 else ()

    def _start(self) -> None:
        if self._closed:
            return
        if self._thread is not None and self._thread.is_alive():
            self._again = True
            return
        self._again = False
        design, catalog = self._document.design(), self._document.catalog
        self._thread = threading.Thread(
            target=self._work,
            args=(design, catalog, self._pair()),
            name="rackflow-check",
            daemon=True,
        )
        self._thread.start()

    def _work(self, design: Design, catalog: Catalog, pair: tuple[str, ...]) -> None:
        lower_priority()
        load_engine()
        self._done.emit(check(design, catalog, pair))

    def _on_done(self, result: Checked) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._closed:
            return
        self.checked.emit(result)
        if self._again:
            self._timer.start()


@lru_cache(maxsize=1)
def load_engine() -> None:
    """Loads what a run needs, once in a process, so that the first Play does not wait for it."""
    import app.jobs.run_loop  # noqa: F401
    from engine.catalog.loader import load_catalog
    from engine.sim.preload import preload
    from engine.storage.examples import examples_folder
    from engine.storage.project_file import load_design

    with contextlib.suppress(EngineError, MemoryError):
        preload(load_design(examples_folder() / SMALLEST).design, load_catalog())


def check(design: Design, catalog: Catalog, pair: tuple[str, ...] = ()) -> Checked:
    """Findings, sums and analysis of a design; what cannot be made becomes a finding.

    With a `pair` of element ids also the maximum flow between them.
    """
    from engine.analysis.analyse import analyse, max_flow
    from engine.scenario.prices import power_sum, price_sum
    from engine.sim.preflight import preflight
    from engine.study.repairs import repairs

    findings: list[Finding] = []
    price = power = None
    try:
        price = price_sum(design, catalog)
        power = power_sum(design, catalog)
    except EngineError as error:
        findings.append(_finding(error))
    try:
        if design.elements:
            findings += preflight(design, catalog)
    except EngineError as error:
        findings.append(_finding(error))
    analysis = flow = None
    try:
        analysis = analyse(design, catalog)
        if len(pair) == 2:
            names = {element.id: element.name for element in design.elements}
            value = max_flow(design, catalog, frozenset(pair[:1]), frozenset(pair[1:]))
            flow = (f"{names[pair[0]]} - {names[pair[1]]}", value)
    except EngineError:
        pass  # the findings name what is wrong with the drawing
    return Checked(
        design=design,
        repairs=tuple(
            tuple(repairs(design, catalog, finding)) if place < MOST_REPAIRED else ()
            for place, finding in enumerate(findings)
        ),
        findings=tuple(findings),
        price=price,
        power=power,
        chips=count_chips(design, catalog),
        analysis=analysis,
        flow=flow,
    )


def count_chips(design: Design, catalog: Catalog) -> int:
    """Chips of a design, those inside racks included."""
    chips = 0
    for element in design.elements:
        spec = catalog.devices.get(element.spec)
        if spec is None:
            continue
        if spec.rack is not None:
            chips += element.count * spec.rack.domains * spec.rack.chips_per_domain
        elif spec.kind.value == "chip":
            chips += element.count
    return chips


def _finding(error: EngineError) -> Finding:
    return Finding(severity=Severity.ERROR, code="check", subject="", text=str(error))
