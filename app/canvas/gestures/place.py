"""Placing a device of the palette: a ghost follows the pointer, a click draws it."""

from PySide6.QtCore import QCoreApplication, Qt

from app.canvas.camera import Box, Point
from app.canvas.gestures.base import Pointer, Stage
from engine.catalog.devices import DeviceSpec
from engine.scenario.prices import seed_price
from engine.topology.changes import PutElements
from engine.topology.elements import Element
from engine.topology.layout import GRID, member_size
from engine.topology.naming import free_id, free_name
from engine.units import format_quantity


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class PlaceGesture:
    """Follows the pointer until a click or a drop; with Shift it goes on placing."""

    def __init__(self, stage: Stage, spec: DeviceSpec) -> None:
        self._stage = stage
        self._spec = spec
        self._caption = _caption(spec)

    def move(self, pointer: Pointer) -> None:
        """Shows the ghost on the grid."""
        x, y = self._corner(pointer)
        width, height = member_size(self._spec)
        box: Box = (x, y, width, height)
        self._stage.overlay.ghosts = [(box, self._caption)]

    def finish(self, pointer: Pointer) -> bool:
        """Draws the device and selects it."""
        x, y = self._corner(pointer)
        document = self._stage.document
        elements = document.topology.elements
        names = {element.name for element in elements.values()}
        stem = self._spec.name
        element = Element(
            id=free_id(self._spec.kind.value, elements),
            kind=self._spec.kind,
            spec=self._spec.id,
            name=free_name(stem, names),
            x=x,
            y=y,
        )
        self._stage.overlay.clear_gesture()
        text = _tr("Place {0}").format(self._spec.name)
        verdict = document.perform(text, PutElements((element,)))
        if verdict.ok:
            document.select(frozenset({element.id}))
        else:
            self._stage.say(verdict.reason)
        return pointer.holds(Qt.KeyboardModifier.ShiftModifier)

    def cancel(self) -> None:
        """Draws nothing."""
        self._stage.overlay.clear_gesture()

    def _corner(self, pointer: Pointer) -> Point:
        width, height = member_size(self._spec)
        x, y = pointer.scene[0] - width / 2, pointer.scene[1] - height / 2
        if pointer.holds(Qt.KeyboardModifier.AltModifier):
            return x, y
        return round(x / GRID) * GRID, round(y / GRID) * GRID


def _caption(spec: DeviceSpec) -> str:
    """What one more of it adds: price and power, marked where they are estimates."""
    parts = [spec.name]
    price = seed_price(spec)
    if price is not None:
        figure = spec.figure("price_cny") or spec.figure("price_usd")
        mark = _tr(" (estimate)") if figure is not None and figure.is_estimate else ""
        parts.append(f"+{format_quantity(price.amount, price.currency)}{mark}")
    power = spec.figure("power_w")
    if power is not None:
        mark = _tr(" (estimate)") if power.is_estimate else ""
        parts.append(f"+{format_quantity(power.value, 'W')}{mark}")
    return "   ".join(parts)
