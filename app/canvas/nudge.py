"""Arrow keys move the selection by the grid, with Alt by one unit."""

from PySide6.QtCore import QCoreApplication, Qt

from app.document import Document
from engine.topology.changes import MoveElements
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
    if ids:
        text = QCoreApplication.translate("Canvas", "Move")
        document.perform(text, MoveElements(ids, places))
