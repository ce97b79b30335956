"""Drag of elements and notes: a preview with snap and guides; the release is one command."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.gestures.base import Pointer, Stage, WithoutKeys
from engine.scenario.notes import box_of
from engine.scenario.notes import moved as notes_moved
from engine.topology.changes import Batch, Change, MoveElements

if TYPE_CHECKING:
    from app.canvas.camera import Point

START_PX = 4.0


class MoveGesture(WithoutKeys):
    """Moves the selection; Alt takes the snap away, Shift keeps to one axis."""

    def __init__(self, stage: Stage, pointer: Pointer, grabbed: str) -> None:
        self._stage = stage
        self._start = pointer
        selection = stage.document.selection
        moving = selection if grabbed in selection else frozenset({grabbed})
        elements = stage.document.topology.elements
        self._from = {name: (e.x, e.y) for name, e in elements.items() if name in moving}
        self._ids = frozenset(self._from)
        notes = {note.id: note for note in stage.scene.notes}
        self._notes = {name: (n.x, n.y) for name, n in notes.items() if name in moving}
        self._sizes = {name: box_of(notes[name])[2:] for name in self._notes}
        note = notes.get(grabbed)
        self._box = stage.scene.bodies[grabbed].box if note is None else box_of(note)
        self._moved: dict[str, Point] = {}
        self._by: Point = (0.0, 0.0)
        self._begun = False

    def move(self, pointer: Pointer) -> None:
        """Shows the elements where they would be."""
        dx = pointer.view[0] - self._start.view[0]
        dy = pointer.view[1] - self._start.view[1]
        if not self._begun and max(abs(dx), abs(dy)) < START_PX:
            return
        x, y = dx / self._stage.camera.scale, dy / self._stage.camera.scale
        if pointer.holds(Qt.KeyboardModifier.ShiftModifier):
            x, y = (x, 0.0) if abs(x) >= abs(y) else (0.0, y)
        self._stage.overlay.guides = []
        if not pointer.holds(Qt.KeyboardModifier.AltModifier):
            x, y = self._snapped(x, y)
        self._begun, self._by = True, (x, y)
        self._moved = {name: (a + x, b + y) for name, (a, b) in self._from.items()}
        self._stage.overlay.ghosts = [
            ((a + x, b + y, *self._sizes[name]), "") for name, (a, b) in self._notes.items()
        ]
        if self._moved:
            self._stage.preview(self._moved)
        self._stage.say(
            QCoreApplication.translate("Canvas", "Move by {0:g}, {1:g}  (Alt: no snap)").format(
                x, y
            )
        )

    def finish(self, _pointer: Pointer) -> bool:
        """Moves the elements for good."""
        x, y = self._by
        moved, notes = self._moved, self._notes
        self._leave()
        if (x, y) != (0.0, 0.0):
            changes: list[Change] = []
            if moved:
                changes.append(MoveElements(tuple(moved), tuple(moved.values())))
            document = self._stage.document
            if notes:
                places = {name: (a + x, b + y) for name, (a, b) in notes.items()}
                changes.append(notes_moved(document.design(), places))
            change = changes[0] if len(changes) == 1 else Batch(tuple(changes))
            document.perform(QCoreApplication.translate("Canvas", "Move"), change)
        return False

    def cancel(self) -> None:
        """Shows the elements where they are."""
        self._leave()

    def _leave(self) -> None:
        self._moved, self._by, self._begun = {}, (0.0, 0.0), False
        self._stage.overlay.clear_gesture()
        self._stage.preview({})

    def _snapped(self, x: float, y: float) -> tuple[float, float]:
        """The grid, or the middle and edges of another element where they are nearer."""
        left, top, width, height = self._box
        place = self._stage.snap((left + x, top + y, width, height), self._ids)
        return place[0] - left, place[1] - top
