"""Drag of a link from one device to another; the verdict shows before the release."""

from PySide6.QtCore import QCoreApplication

from app.canvas.camera import Point
from app.canvas.gestures.base import Pointer, Stage
from app.canvas.picking import element_at, handle_at, handles_of
from engine.topology.changes import PutLinks
from engine.topology.naming import free_id
from engine.topology.rules import Proposal, Verdict, best_ports, legal_targets, link_of
from engine.units import format_quantity


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class LinkGesture:
    """Pulls a bundle of all free ports from an element (or one of its port groups)."""

    def __init__(self, stage: Stage, pointer: Pointer, element: str, port: str) -> None:
        self._stage = stage
        self._element, self._port = element, port
        self._start = self._anchor(pointer)
        document = stage.document
        verdicts = legal_targets(document.topology, document.catalog, element, port)
        stage.overlay.targets = {name: verdict.ok for name, verdict in verdicts.items()}
        stage.overlay.wire = (self._start, pointer.scene)

    def move(self, pointer: Pointer) -> None:
        """Shows what a release here would draw, or why it would not."""
        overlay = self._stage.overlay
        overlay.wire = (self._start, pointer.scene)
        overlay.hovered_port = ""
        offer = self._offer(pointer)
        if offer is None:
            overlay.verdict_ok = True
            overlay.verdict = _tr("Release on a device with a dashed frame")
        elif isinstance(offer, Verdict):
            overlay.verdict_ok = False
            overlay.verdict = offer.reason
        else:
            overlay.verdict_ok = True
            overlay.verdict = describe(offer)

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
        return False

    def cancel(self) -> None:
        """Draws nothing."""
        self._stage.overlay.clear_gesture()

    def _offer(self, pointer: Pointer) -> Proposal | Verdict | None:
        scene, document = self._stage.scene, self._stage.document
        target = element_at(scene, *pointer.scene)
        if target is None or target == self._element:
            return None
        handle = handle_at(scene, self._stage.camera, target, *pointer.scene)
        self._stage.overlay.hovered = target
        return best_ports(
            document.topology,
            document.catalog,
            self._element,
            target,
            self._port,
            handle.port if handle is not None else "",
        )

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
