"""Drag of a link from one device to another; the verdict shows before the release."""

from PySide6.QtCore import QCoreApplication

from app.canvas.camera import Point
from app.canvas.gestures.base import Pointer, Stage
from app.canvas.gestures.digits import Digits
from app.canvas.picking import element_at, elements_in, group_at, handle_at, handles_of
from engine.topology.changes import PutLinks
from engine.topology.naming import free_id
from engine.topology.rules import (
    Proposal,
    Verdict,
    best_ports,
    legal_targets,
    link_of,
    with_cables,
)
from engine.units import format_quantity

MOST_CABLES = 99_999
MOST_TARGETS = 1000  # that are lit up: some 25 ms
FAR_PX = 24.0


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class LinkGesture:
    """Pulls a bundle of all free ports from an element (or one of its port groups).

    Digits typed meanwhile say how many cables it has; a release on nothing asks for a new device.
    """

    def __init__(self, stage: Stage, pointer: Pointer, element: str, port: str) -> None:
        self._stage = stage
        self._element, self._port = element, port
        self._start = self._anchor(pointer)
        document = stage.document
        near = elements_in(stage.scene, stage.seen)
        if len(near) <= MOST_TARGETS:  # of more, from far away, only the one below is judged
            verdicts = legal_targets(document.topology, document.catalog, element, port, near)
            stage.overlay.targets = {name: verdict.ok for name, verdict in verdicts.items()}
        stage.overlay.wire = (self._start, pointer.scene)
        self._digits = Digits(MOST_CABLES)
        self._last = pointer

    def type_key(self, text: str) -> bool:
        """Takes digits and Backspace as the number of cables."""
        taken = self._digits.type_key(text)
        if taken:
            self.move(self._last)
        return taken

    def move(self, pointer: Pointer) -> None:
        """Shows what a release here would draw, or why it would not."""
        self._last = pointer
        overlay = self._stage.overlay
        overlay.wire = (self._start, pointer.scene)
        overlay.hovered = self._element
        overlay.hovered_port = ""
        offer = self._offer(pointer)
        if offer is None:
            overlay.verdict_ok = True
            overlay.verdict = _tr("Release on a device with a dashed frame, or here for a new one")
        elif isinstance(offer, Verdict):
            overlay.verdict_ok = False
            overlay.verdict = offer.reason
        else:
            overlay.verdict_ok = True
            overlay.verdict = describe(offer) + self._hint(offer)

    def finish(self, pointer: Pointer) -> bool:
        """Draws the link; a refusal is said and nothing is drawn."""
        offer = self._offer(pointer)
        self._stage.overlay.clear_gesture()
        if isinstance(offer, Verdict):
            self._stage.say(offer.reason)
        elif offer is not None:
            document = self._stage.document
            stem = f"{offer.a.element}-{offer.b.element}"
            link = link_of(offer, free_id(stem, document.topology.links))
            verdict = document.perform(_tr("Draw link"), PutLinks((link,)))
            if verdict.ok:
                document.select(frozenset({link.id}))
                self._stage.say(describe(offer))
            else:
                self._stage.say(verdict.reason)
        elif element_at(self._stage.scene, *pointer.scene) is None and self._is_far(pointer):
            self._stage.ask_device(self._element, self._port, pointer.scene, self._cables)
        return False

    @property
    def _cables(self) -> int:
        """Cables that were asked for, 0 for as many as fit."""
        return self._digits.value if self._digits.is_typed else 0

    def _is_far(self, pointer: Pointer) -> bool:
        """The pointer has left the element for good: no slip of the hand."""
        (x, y), scale = self._start, self._stage.camera.scale
        away = max(abs(pointer.scene[0] - x), abs(pointer.scene[1] - y))
        return away * scale >= FAR_PX

    def _hint(self, offer: Proposal) -> str:
        if self._digits.is_typed:
            return _tr("   (as typed)") if offer.cables == self._cables else _tr("   (all free)")
        return _tr("   (digits: fewer cables)") if offer.cables > 1 else ""

    def cancel(self) -> None:
        """Draws nothing."""
        self._stage.overlay.clear_gesture()

    def _offer(self, pointer: Pointer) -> Proposal | Verdict | None:
        scene, document = self._stage.scene, self._stage.document
        target = element_at(scene, *pointer.scene)
        frame = group_at(scene, *pointer.scene) if target is None else None
        if frame is not None and frame.collapsed:
            return Verdict(False, _tr("Expand {0} first").format(frame.name))
        if target is None or target == self._element:
            return None
        handle = handle_at(scene, self._stage.camera, target, *pointer.scene)
        self._stage.overlay.hovered = target
        offer = best_ports(
            document.topology,
            document.catalog,
            self._element,
            target,
            self._port,
            handle.port if handle is not None else "",
        )
        return with_cables(offer, self._cables) if isinstance(offer, Proposal) else offer

    def _anchor(self, pointer: Pointer) -> Point:
        body = self._stage.scene.bodies[self._element]
        if not self._port:
            x, y, width, height = body.box
            return x + width / 2, y + height / 2
        x, y = pointer.scene
        own = [h for h in handles_of(body) if h.port == self._port]
        near = min(own, key=lambda h: (h.x - x) ** 2 + (h.y - y) ** 2)
        return near.x, near.y


def describe(offer: Proposal) -> str:
    """A proposed link in words: ports, cables and what they carry."""
    rate = format_quantity(offer.bandwidth_bytes_per_s, "B/s")
    total = format_quantity(offer.bandwidth_bytes_per_s * offer.cables, "B/s")
    return _tr("{0} to {1}: {2} x {3} {4}, {5} in all").format(
        offer.a.port, offer.b.port, offer.cables, rate, offer.medium.value, total
    )
