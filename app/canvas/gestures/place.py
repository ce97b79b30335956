"""Placing devices of the palette: a ghost follows the pointer, a click draws them."""

import msgspec
from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.camera import Box, Point
from app.canvas.gestures.base import Pointer, Stage
from app.canvas.gestures.digits import Digits
from app.canvas.gestures.place_caption import PlaceCaption
from engine.catalog.devices import DeviceSpec
from engine.topology.changes import PutElements
from engine.topology.layout import element_size, member_size
from engine.topology.quick_add import MOST_MEMBERS, new_element


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class PlaceGesture:
    """Follows the pointer until a click or a drop; with Shift it goes on placing.

    Digits typed meanwhile say how many are placed, as one array.
    """

    def __init__(self, stage: Stage, spec: DeviceSpec, count: int = 1) -> None:
        self._stage = stage
        self._spec = spec
        self._digits = Digits(MOST_MEMBERS, count)
        document = stage.document
        self._caption = PlaceCaption(document.design(), document.catalog, [(spec, 1)], spec.name)
        self._draft = new_element(document.topology, spec, 0.0, 0.0)
        self._last: Pointer | None = None

    @property
    def count(self) -> int:
        """How many a click places."""
        return self._digits.value

    def move(self, pointer: Pointer) -> None:
        """Shows the ghost on the grid, or on a guide where an edge lines up."""
        self._last = pointer
        overlay = self._stage.overlay
        width, height = self._size()
        x, y = self._corner(pointer)
        box: Box = (x, y, width, height)
        overlay.ghosts = [(box, self._caption.text(self.count))]

    def type_key(self, text: str) -> bool:
        """Takes digits and Backspace as the number of devices."""
        taken = self._digits.type_key(text)
        if taken and self._last is not None:
            self.move(self._last)
        return taken

    def finish(self, pointer: Pointer) -> bool:
        """Draws the device and selects it."""
        x, y = self._corner(pointer)
        document = self._stage.document
        element = new_element(document.topology, self._spec, x, y, self.count)
        self._stage.overlay.clear_gesture()
        name = self._spec.name if self.count == 1 else f"{self.count} x {self._spec.name}"
        verdict = document.perform(_tr("Place {0}").format(name), PutElements((element,)))
        if verdict.ok:
            document.select(frozenset({element.id}))
        else:
            self._stage.say(verdict.reason)
        again = pointer.holds(Qt.KeyboardModifier.ShiftModifier)
        if again:
            spec = self._spec
            self._caption = PlaceCaption(
                document.design(), document.catalog, [(spec, 1)], spec.name
            )
        return again

    def cancel(self) -> None:
        """Draws nothing."""
        self._stage.overlay.clear_gesture()

    def _size(self) -> tuple[float, float]:
        return element_size(msgspec.structs.replace(self._draft, count=self.count), self._spec)

    def _corner(self, pointer: Pointer) -> Point:
        """The top left corner: the first member's middle is under the pointer."""
        width, height = member_size(self._spec)
        x, y = pointer.scene[0] - width / 2, pointer.scene[1] - height / 2
        self._stage.overlay.guides = []
        if pointer.holds(Qt.KeyboardModifier.AltModifier):
            return x, y
        return self._stage.snap((x, y, *self._size()), frozenset())
