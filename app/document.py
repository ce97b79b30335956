"""Document: the one design of a window, its undo stack, its file and what is selected.

Every edit goes through `perform`; nothing else changes the design. Views listen to `changed`,
which carries the change, so that drawing never edits and editing never draws.
"""

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.scenario.design import Design
from engine.scenario.editor import DesignEditor
from engine.scenario.own_devices import with_own_devices
from engine.storage.project_file import load_design, save_design
from engine.topology.changes import Change
from engine.topology.model import Topology
from engine.topology.rules import Verdict

if TYPE_CHECKING:
    from engine.catalog.devices import DeviceSpec


class Document(QObject):
    """A design that is edited by commands, and the file that it belongs to."""

    changed = Signal(object)  # the Change that was performed
    replaced = Signal()  # another design: everything is new
    selection_changed = Signal()
    dirty_changed = Signal()
    saved = Signal()  # the design is in its file
    path_changed = Signal()

    def __init__(self, catalog: Catalog, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shop = catalog
        self._own: tuple[tuple[DeviceSpec, ...], Catalog] = ((), catalog)
        self.undo_stack = QUndoStack(self)
        self._editor = DesignEditor(Design(), catalog)
        self._path: Path | None = None
        self._selection: frozenset[str] = frozenset()
        self.warnings: tuple[str, ...] = ()
        self._locked_because = ""
        self.undo_stack.cleanChanged.connect(self._on_clean_changed)

    @property
    def catalog(self) -> Catalog:
        """The shop with the design's own devices."""
        design = self._editor.snapshot()
        if self._own[0] is not design.devices:
            self._own = design.devices, with_own_devices(design, self.shop)
        return self._own[1]

    @property
    def path(self) -> Path | None:
        """Where the design was opened from or saved to last."""
        return self._path

    @property
    def is_dirty(self) -> bool:
        """True if there are edits that no file holds."""
        return not self.undo_stack.isClean()

    @property
    def read_only(self) -> str:
        """Why the design cannot be edited, '' if it can."""
        return self._locked_because

    @property
    def selection(self) -> frozenset[str]:
        """Ids of the selected elements, links and notes."""
        return self._selection

    @property
    def topology(self) -> Topology:
        """The drawing, to read; edits go through `perform`."""
        return self._editor.topology

    def design(self) -> Design:
        """The design at this moment, immutable; the same object until the next edit."""
        return self._editor.snapshot()

    def perform(self, text: str, change: Change) -> Verdict:
        """Performs a change as one undoable command; a refusal says why and changes nothing."""
        if self._locked_because:
            return Verdict(False, self._locked_because)
        try:
            inverse = self._editor.apply(change)
        except TopologyError as error:
            return Verdict(False, str(error))
        self.undo_stack.push(_Applied(self, text, change, inverse))
        self._announce(change)
        return Verdict(True, "")

    def select(self, ids: frozenset[str]) -> None:
        """Selects elements, links and notes; unknown ids are left out."""
        topology = self._editor.topology
        notes = {note.id for note in self._editor.snapshot().notes}
        known = frozenset(
            i for i in ids if i in topology.elements or i in topology.links or i in notes
        )
        if known != self._selection:
            self._selection = known
            self.selection_changed.emit()

    def new(self) -> None:
        """An empty design without a file."""
        self._replace(Design(), None)

    def open(self, path: Path, *, named: bool = True) -> None:
        """Takes a design from a file, which becomes its own unless it is to have no name yet.

        Raises:
            FileError: it cannot be read; the document is as it was.
        """
        loaded = load_design(path)
        self.warnings = tuple(loaded.warnings)
        self._replace(loaded.design, path if named else None)

    def show(self, design: Design, path: Path | None, why: str) -> None:
        """Takes a design that is only to be looked at; `why` it cannot be edited."""
        self.warnings = ()
        self._replace(design, path, why)

    def restore(self, design: Design, path: Path | None) -> None:
        """Takes a design whose last edits no file holds."""
        self.warnings = ()
        self._replace(design, path, dirty=True)

    def save(self, path: Path) -> None:
        """Writes the design to a file and makes it the document's own.

        Raises:
            FileError: it cannot be written; file and document are as they were.
        """
        save_design(path, self.design(), self.shop)
        self._path = path
        self._locked_because = ""
        self.undo_stack.setClean()
        self.path_changed.emit()
        self.saved.emit()

    def redo_change(self, change: Change) -> Change:
        """Performs a change for a command of the undo stack; returns its inverse."""
        inverse = self._editor.apply(change)
        self._announce(change)
        return inverse

    def _announce(self, change: Change) -> None:
        self.select(self._selection)  # forgets ids that are gone
        self.changed.emit(change)

    def _replace(
        self,
        design: Design,
        path: Path | None,
        locked_because: str = "",
        *,
        dirty: bool = False,
    ) -> None:
        self._locked_because = locked_because
        self._editor = DesignEditor(design, self.shop)
        self._path = path
        self._selection = frozenset()
        self.undo_stack.clear()
        if dirty:
            self.undo_stack.resetClean()
        self.replaced.emit()
        self.selection_changed.emit()
        self.path_changed.emit()
        self.dirty_changed.emit()

    def _on_clean_changed(self, _clean: bool) -> None:
        self.dirty_changed.emit()


class _Applied(QUndoCommand):
    """A change that is done already when the command is pushed; holds plain data only.

    The way back to the document is weak: a cycle through the undo stack, whose commands belong
    to C++, crashes when the garbage collector takes it apart.
    """

    def __init__(self, document: Document, text: str, change: Change, inverse: Change) -> None:
        super().__init__(text)
        self._document = weakref.ref(document)
        self._change = change
        self._inverse = inverse
        self._done = True

    def redo(self) -> None:
        """Performs the change again; the first call after the push is done already."""
        document = self._document()
        if not self._done and document is not None:
            self._inverse = document.redo_change(self._change)
        self._done = True

    def undo(self) -> None:
        """Restores the exact design before."""
        document = self._document()
        if document is not None:
            document.redo_change(self._inverse)
        self._done = False
