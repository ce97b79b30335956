"""Drag of elements: a preview with snap and guides; the release is one command."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.gestures.base import Pointer, Stage
from engine.topology.changes import MoveElements
from engine.topology.layout import GRID

if TYPE_CHECKING:
    from app.canvas.camera import Point

START_PX = 4.0
GUIDE_PX = 5.0


class MoveGesture:
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
        self._grabbed = grabbed
        self._boxes = {name: stage.scene.bodies[name].box for name in stage.scene.ids}
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
        """The grid, or the centre and edges of another element where they are nearer."""
        own = self._boxes[self._grabbed]
        left, top = own[0] + x, own[1] + y
        snapped_x = round(left / GRID) * GRID - own[0]
        snapped_y = round(top / GRID) * GRID - own[1]
        reach = GUIDE_PX / self._stage.camera.scale
        others = [box for name, box in self._boxes.items() if name not in self._from]
        for box in others:
            middle = box[0] + box[2] / 2
            if abs(left + own[2] / 2 - middle) <= reach:
                snapped_x = middle - own[2] / 2 - own[0]
                ends = sorted((box[1], box[1] + box[3], top, top + own[3]))
                self._stage.overlay.guides.append(((middle, ends[0]), (middle, ends[-1])))
                break
        for box in others:
            middle = box[1] + box[3] / 2
            if abs(top + own[3] / 2 - middle) <= reach:
                snapped_y = middle - own[3] / 2 - own[1]
                ends = sorted((box[0], box[0] + box[2], left, left + own[2]))
                self._stage.overlay.guides.append(((ends[0], middle), (ends[-1], middle)))
                break
        return snapped_x, snapped_y
