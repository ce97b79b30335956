"""Drag of elements: a preview with snap and guides; the release is one command."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.gestures.base import Pointer, Stage, WithoutKeys
from engine.topology.changes import MoveElements

if TYPE_CHECKING:
    from app.canvas.camera import Point

START_PX = 4.0


class MoveGesture(WithoutKeys):
    """Moves the selection; Alt takes the snap away, Shift keeps to one axis."""

    def __init__(self, stage: Stage, pointer: Pointer, grabbed: str) -> None:
        self._stage = stage
        self._start = pointer
        topology = stage.document.topology
        ids = [name for name in topology.elements if name in stage.document.selection]
        self._from = {
            name: (topology.elements[name].x, topology.elements[name].y)
            for name in (ids if grabbed in ids else [grabbed])
        }
        self._ids = frozenset(self._from)
        self._box = stage.scene.bodies[grabbed].box
        self._moved: dict[str, Point] = {}

    def move(self, pointer: Pointer) -> None:
        """Shows the elements where they would be."""
        dx = pointer.view[0] - self._start.view[0]
        dy = pointer.view[1] - self._start.view[1]
        if not self._moved and max(abs(dx), abs(dy)) < START_PX:
            return
        x, y = dx / self._stage.camera.scale, dy / self._stage.camera.scale
        if pointer.holds(Qt.KeyboardModifier.ShiftModifier):
            x, y = (x, 0.0) if abs(x) >= abs(y) else (0.0, y)
        self._stage.overlay.guides = []
        if not pointer.holds(Qt.KeyboardModifier.AltModifier):
            x, y = self._snapped(x, y)
        self._moved = {name: (a + x, b + y) for name, (a, b) in self._from.items()}
        self._stage.preview(self._moved)
        self._stage.say(
            QCoreApplication.translate("Canvas", "Move by {0:g}, {1:g}  (Alt: no snap)").format(
                x, y
            )
        )

    def finish(self, _pointer: Pointer) -> bool:
        """Moves the elements for good."""
        moved = {name: place for name, place in self._moved.items() if place != self._from[name]}
        self._leave()
        if moved:
            text = QCoreApplication.translate("Canvas", "Move")
            ids = tuple(moved)
            change = MoveElements(ids, tuple(moved[name] for name in ids))
            self._stage.document.perform(text, change)
        return False

    def cancel(self) -> None:
        """Shows the elements where they are."""
        self._leave()

    def _leave(self) -> None:
        self._moved = {}
        self._stage.overlay.clear_gesture()
        self._stage.preview({})

    def _snapped(self, x: float, y: float) -> tuple[float, float]:
        """The grid, or the middle and edges of another element where they are nearer."""
        left, top, width, height = self._box
        place = self._stage.snap((left + x, top + y, width, height), self._ids)
        return place[0] - left, place[1] - top
