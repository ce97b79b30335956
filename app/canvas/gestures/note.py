"""Notes on the canvas: one is placed with a click."""

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.camera import Point
from app.canvas.gestures.base import Pointer, Stage, WithoutKeys
from engine.scenario.design import Note
from engine.scenario.notes import box_of
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


def _on_grid(pointer: Pointer, place: Point) -> Point:
    if pointer.holds(Qt.KeyboardModifier.AltModifier):
        return place
    return round(place[0] / GRID) * GRID, round(place[1] / GRID) * GRID
