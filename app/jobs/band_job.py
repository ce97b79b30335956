"""Computes the bands of designs in the background: how far their step times may be off.

One design at a time. What is asked for is known by what its band depends on: the chip, deployment,
workload and own models; a drag on the canvas asks for nothing new. The document's
design is asked for after every edit; an answer that nobody wants any more is dropped.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Document
from app.jobs.run_worker import lower_priority
from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.errors import EngineError
from engine.scenario.design import Design

if TYPE_CHECKING:  # the module pulls numba and scipy in, which the window does not wait for
    from engine.study.design_bands import DesignBands

QUIET_MS = 200  # an edit is answered when no other followed for so long
MAX_KEPT = 32
_WITH_CHIPS = (DeviceKind.CHIP, DeviceKind.RACK)


@dataclass(frozen=True, slots=True)
class KnownBands:
    """What is known of a design's bands: nothing yet while pending, else bands or that it has none."""

    pending: bool
    bands: "DesignBands | None" = None


PENDING = KnownBands(True)


class BandJob(QObject):
    """The bands of the document's design and of the run's; one computation at a time."""

    changed = Signal()  # what is known has changed: of the document's design or of a run's
    _done = Signal(object, object)  # key, DesignBands or None

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._known: OrderedDict[bytes, KnownBands] = OrderedDict()
        self._run_design: Design | None = None
        self._shown_key = b""
        self._thread: threading.Thread | None = None
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._start)
        self._done.connect(self._on_done)
        document.changed.connect(self._on_edited)
        document.replaced.connect(self._on_edited)

    def of_document(self) -> KnownBands:
        """What is known of the document's design."""
        return self.of(self._document.design())

    def of(self, design: Design) -> KnownBands:
        """What is known of a design; it is computed only if it is the document's or the run's."""
        return self._known.get(band_key(design), PENDING)

    def follow_run(self, design: Design | None) -> None:
        """Also computes the bands of a run's design, though the document may move on."""
        self._run_design = design
        self.request()

    def request(self) -> None:
        """Asks for what is not known yet, soon."""
        if not self._closed:
            self._timer.start()

    def shut_down(self) -> None:
        """Ends; waits for a computation that is under way (a second or two)."""
        self._closed = True
        self._timer.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _on_edited(self, _change: object = None) -> None:
        key = band_key(self._document.design())
        if key != self._shown_key:
            self._shown_key = key
            self.changed.emit()  # what was shown belongs to another design
            self.request()

    def _wanted(self) -> Design | None:
        """The first design whose bands are wanted and not known."""
        for design in (self._document.design(), self._run_design):
            if design is not None and band_key(design) not in self._known:
                return design
        return None

    def _start(self) -> None:
        if self._closed or self._thread is not None:
            return
        design = self._wanted()
        if design is None:
            return
        self._thread = threading.Thread(
            target=self._work,
            args=(band_key(design), design, self._document.catalog),
            name="rackflow-bands",
            daemon=True,
        )
        self._thread.start()

    def _work(self, key: bytes, design: Design, catalog: Catalog) -> None:
        lower_priority()
        self._done.emit(key, bands_of(design, catalog))

    def _on_done(self, key: bytes, bands: "DesignBands | None") -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._closed:
            return
        self._known[key] = KnownBands(False, bands)
        while len(self._known) > MAX_KEPT:
            self._known.popitem(last=False)
        self.changed.emit()
        self._start()


def bands_of(design: Design, catalog: Catalog) -> "DesignBands | None":
    """The bands of a design; None where it has no chip, its model does not fit or is unknown."""
    from engine.study.design_bands import design_bands

    try:
        return design_bands(design, catalog)
    except EngineError:
        return None  # the findings name what is wrong with the design


def band_key(design: Design) -> bytes:
    """Equal for designs with equal bands: the chip, deployment, workload and own models."""
    allowed = set(design.deployment.chips)
    chips = (
        (element.spec, element.overrides)
        for element in design.elements
        if element.kind in _WITH_CHIPS and (not allowed or element.id in allowed)
    )
    asked = (next(chips, None), design.deployment, design.workload, design.llms)
    return msgspec.json.encode(asked, order="deterministic")
