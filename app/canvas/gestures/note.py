"""Notes on the canvas: one is placed with a click, or dragged to another place."""

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.camera import Point
from app.canvas.gestures.base import Pointer, Stage, WithoutKeys
from app.canvas.gestures.move import START_PX
from engine.scenario.design import Note
from engine.scenario.notes import box_of, moved
from engine.topology.layout import GRID


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class PlaceNoteGesture(WithoutKeys):
    """A ghost follows the pointer; a click asks for the text."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def move(self, pointer: Pointer) -> None:
        """Shows where the note would be."""
        x, y = _on_grid(pointer, pointer.scene)
        _, _, width, height = box_of(Note(id="", text="", x=x, y=y))
        self._stage.overlay.ghosts = [((x, y, width, height), _tr("Click to write a note here"))]

    def finish(self, pointer: Pointer) -> bool:
        """Asks for the text."""
        self._stage.overlay.clear_gesture()
        self._stage.ask_note("", _on_grid(pointer, pointer.scene))
        return False

    def cancel(self) -> None:
        """Writes nothing."""
        self._stage.overlay.clear_gesture()


class MoveNoteGesture(WithoutKeys):
    """Moves a note; Alt takes the snap away."""

    def __init__(self, stage: Stage, pointer: Pointer, note_id: str) -> None:
        self._stage, self._start, self._id = stage, pointer, note_id
        self._note = next(note for note in stage.scene.notes if note.id == note_id)
        self._to: Point | None = None

    def move(self, pointer: Pointer) -> None:
        """Shows where it would be."""
        dx = pointer.view[0] - self._start.view[0]
        dy = pointer.view[1] - self._start.view[1]
        if self._to is None and max(abs(dx), abs(dy)) < START_PX:
            return
        scale = self._stage.camera.scale
        self._to = _on_grid(pointer, (self._note.x + dx / scale, self._note.y + dy / scale))
        _, _, width, height = box_of(self._note)
        self._stage.overlay.ghosts = [((*self._to, width, height), "")]

    def finish(self, _pointer: Pointer) -> bool:
        """Moves it for good."""
        self._stage.overlay.clear_gesture()
        if self._to is not None and self._to != (self._note.x, self._note.y):
            document = self._stage.document
            document.perform(_tr("Move note"), moved(document.design(), self._id, *self._to))
        return False

    def cancel(self) -> None:
        """Leaves it where it is."""
        self._stage.overlay.clear_gesture()


def _on_grid(pointer: Pointer, place: Point) -> Point:
    if pointer.holds(Qt.KeyboardModifier.AltModifier):
        return place
    return round(place[0] / GRID) * GRID, round(place[1] / GRID) * GRID
