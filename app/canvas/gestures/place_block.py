"""Placing a block: its devices follow the pointer as ghosts, a click draws them as one edit."""

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.camera import Box, Point
from app.canvas.gestures.base import Pointer, Stage, WithoutKeys
from app.canvas.gestures.place_caption import PlaceCaption
from app.commands.clipboard import place
from engine.scenario.notes import box_of
from engine.storage.blocks import Block, shift_to
from engine.topology.layout import element_rect

if TYPE_CHECKING:
    from engine.catalog.devices import DeviceSpec

MOST_GHOSTS = 300


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class PlaceBlockGesture(WithoutKeys):
    """Follows the pointer until a click or a drop; with Shift it goes on placing."""

    def __init__(self, stage: Stage, block: Block) -> None:
        self._stage, self._block = stage, block
        devices = stage.document.catalog.devices
        parts = block.parts
        boxes: list[Box] = [box_of(note) for note in parts.notes]
        counts: Counter[str] = Counter()
        for element in parts.elements:
            spec = devices.get(element.spec)
            if spec is not None:
                boxes.append(element_rect(element, spec))
                counts[element.spec] += element.count
        dx, dy = shift_to(parts, 0.0, 0.0)
        self._boxes = [(x + dx, y + dy, width, height) for x, y, width, height in boxes]
        right = max((x + width for x, _, width, _ in self._boxes), default=0.0)
        bottom = max((y + height for _, y, _, height in self._boxes), default=0.0)
        self._size = right, bottom
        self._known: list[tuple[DeviceSpec, int]] = [(devices[n], c) for n, c in counts.items()]
        self._caption = self._make_caption()

    def move(self, pointer: Pointer) -> None:
        """Shows the devices where they would be."""
        x, y = self._corner(pointer)
        boxes = self._boxes if len(self._boxes) <= MOST_GHOSTS else [(0.0, 0.0, *self._size)]
        ghosts: list[tuple[Box, str]] = [((x + a, y + b, w, h), "") for a, b, w, h in boxes]
        text = self._caption.text(1, _tr("Alt: no snap   Esc: stop"))
        lowest = max(
            range(len(ghosts)), key=lambda n: ghosts[n][0][1] + ghosts[n][0][3], default=-1
        )
        if lowest >= 0:
            ghosts[lowest] = ghosts[lowest][0], text
        self._stage.overlay.ghosts = ghosts

    def finish(self, pointer: Pointer) -> bool:
        """Draws the block and selects it."""
        x, y = self._corner(pointer)
        stage, document = self._stage, self._stage.document
        stage.overlay.clear_gesture()
        text = _tr("Place {0}").format(self._block.name)
        verdict = place(document, self._block.parts, x, y, text)
        if not verdict.ok:
            stage.say(verdict.reason)
            return False
        again = pointer.holds(Qt.KeyboardModifier.ShiftModifier)
        if again:
            self._caption = self._make_caption()
        return again

    def cancel(self) -> None:
        """Draws nothing."""
        self._stage.overlay.clear_gesture()

    def _make_caption(self) -> PlaceCaption:
        document = self._stage.document
        return PlaceCaption(document.design(), document.catalog, self._known, self._block.name)

    def _corner(self, pointer: Pointer) -> Point:
        width, height = self._size
        x, y = pointer.scene[0] - width / 2, pointer.scene[1] - height / 2
        self._stage.overlay.guides = []
        if pointer.holds(Qt.KeyboardModifier.AltModifier):
            return x, y
        return self._stage.snap((x, y, width, height), frozenset())
