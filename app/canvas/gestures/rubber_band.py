"""Drag over empty ground: selects what lies wholly inside."""

from PySide6.QtCore import Qt

from app.canvas.camera import Box
from app.canvas.gestures.base import Pointer, Stage, WithoutKeys
from app.canvas.picking import elements_within


class RubberBandGesture(WithoutKeys):
    """Selects by a rectangle; Ctrl or Shift add to the selection."""

    def __init__(self, stage: Stage, pointer: Pointer) -> None:
        self._stage = stage
        self._start = pointer
        self._before = stage.document.selection
        adding = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        self._keep = self._before if pointer.keys & adding else frozenset[str]()
        if not self._keep:
            stage.document.select(frozenset())

    def move(self, pointer: Pointer) -> None:
        """Shows what the rectangle would select."""
        box = self._box(pointer)
        self._stage.overlay.rubber = box
        self._stage.overlay.caught = elements_within(self._stage.scene, box)

    def finish(self, _pointer: Pointer) -> bool:
        """Selects what was caught."""
        caught = self._stage.overlay.caught
        self._stage.overlay.clear_gesture()
        if caught:
            self._stage.document.select(self._keep | caught)
        return False

    def cancel(self) -> None:
        """Restores the selection before."""
        self._stage.overlay.clear_gesture()
        self._stage.document.select(self._before)

    def _box(self, pointer: Pointer) -> Box:
        (x1, y1), (x2, y2) = self._start.scene, pointer.scene
        return min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1)
