"""Lays a drawing out in a thread of its own, with cancel."""

import threading
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.jobs.run_worker import lower_priority
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.topology.changes import MoveElements
from engine.topology.elements import Element


class LayoutJob(QObject):
    """One layout at a time, of the design as it was when it was asked for."""

    found = Signal(object, object)  # the design, its MoveElements
    ended = Signal()  # also after a cancel
    _done = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._done.connect(self._on_done)

    @property
    def is_running(self) -> bool:
        """A layout is under way."""
        return self._thread is not None

    def start(self, design: Design, catalog: Catalog, elements: Sequence[Element]) -> None:
        """Lays out elements of a design, unless a layout is under way."""
        if self._thread is not None:
            return
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._work,
            args=(design, catalog, elements),
            name="rackflow-layout",
            daemon=True,
        )
        self._thread.start()

    def cancel(self) -> None:
        """Stops soon; nothing is moved."""
        self._stop.set()

    def shut_down(self) -> None:
        """Ends; waits for the thread."""
        self._stop.set()
        self._join()

    def _work(self, design: Design, catalog: Catalog, elements: Sequence[Element]) -> None:
        from engine.topology.layered import LayoutStopped, layered

        lower_priority()
        move: MoveElements | None
        try:
            move = layered(elements, design.links, catalog, self._stop.is_set)
        except LayoutStopped:
            move = None
        self._done.emit(design, move)

    def _on_done(self, design: Design, move: MoveElements | None) -> None:
        self._join()
        if move is not None and not self._stop.is_set():
            self.found.emit(design, move)
        self.ended.emit()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
