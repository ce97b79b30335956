"""Arrow keys move the selection by the grid, with Alt by one unit."""

from PySide6.QtCore import QCoreApplication, Qt

from app.document import Document
from engine.scenario.notes import moved
from engine.topology.changes import Batch, Change, MoveElements
from engine.topology.layout import GRID

SHIFT_KEYS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


def nudge(document: Document, key: Qt.Key, *, fine: bool) -> None:
    """Moves what is selected one step, as one command."""
    step = 1.0 if fine else GRID
    dx, dy = SHIFT_KEYS[key]
    elements = document.topology.elements
    ids = tuple(name for name in elements if name in document.selection)
    places = tuple((elements[n].x + dx * step, elements[n].y + dy * step) for n in ids)
    changes: list[Change] = [MoveElements(ids, places)] if ids else []
    design = document.design()
    notes = {
        note.id: (note.x + dx * step, note.y + dy * step)
        for note in design.notes
        if note.id in document.selection
    }
    if notes:
        changes.append(moved(design, notes))
    if changes:
        text = QCoreApplication.translate("Canvas", "Move")
        document.perform(text, changes[0] if len(changes) == 1 else Batch(tuple(changes)))
