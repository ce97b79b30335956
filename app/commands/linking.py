"""Links drawn without the pointer: between selected devices, as one command."""

from PySide6.QtCore import QCoreApplication

from app.document import Document
from engine.catalog.devices import DeviceKind
from engine.topology.changes import PutLinks
from engine.topology.elements import Element, Link
from engine.topology.model import Topology
from engine.topology.naming import free_id
from engine.topology.rules import Verdict, best_ports, link_of

PAIR = 2


def _tr(text: str) -> str:
    return QCoreApplication.translate("Linking", text)


def link_selected(document: Document) -> Verdict | None:
    """Links two selected devices by their free ports, or each of several to the only switch.

    None where fewer than two are selected. Nothing is drawn if one of the links is refused.
    """
    topology = document.topology
    chosen = [e for e in topology.elements.values() if e.id in document.selection]
    if len(chosen) < PAIR:
        return None
    pairs = _pairs(chosen)
    if not pairs:
        return Verdict(False, _tr("Select two devices, or several and one switch"))
    draft = Topology(topology.elements.values(), topology.links.values(), topology.groups.values())
    made: list[Link] = []
    for first, second in pairs:
        offer = best_ports(draft, document.catalog, first.id, second.id, "", "")
        if isinstance(offer, Verdict):
            return Verdict(False, f"{first.name}, {second.name}: {offer.reason}")
        link = link_of(offer, free_id(f"{first.id}-{second.id}", draft.links))
        draft.apply(PutLinks((link,)))
        made.append(link)
    verdict = document.perform(_tr("Draw link"), PutLinks(tuple(made)))
    if verdict.ok:
        document.select(frozenset(link.id for link in made))
    return verdict


def _pairs(chosen: list[Element]) -> list[tuple[Element, Element]]:
    if len(chosen) == PAIR:
        return [(chosen[0], chosen[1])]
    switches = [element for element in chosen if element.kind is DeviceKind.SWITCH]
    if len(switches) != 1:
        return []
    return [(element, switches[0]) for element in chosen if element is not switches[0]]
