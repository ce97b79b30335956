"""New devices for a drawing: alone, as an array, or at the end of a link; and which of them fit there."""

from typing import NamedTuple

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.errors import TopologyError
from engine.topology.changes import Batch, PutElements, PutLinks
from engine.topology.elements import Element
from engine.topology.model import Topology
from engine.topology.naming import free_id, free_name
from engine.topology.rules import Proposal, Verdict, best_ports, link_of, with_cables

MOST_MEMBERS = 4096


class Fit(NamedTuple):
    """A device that a link may end at, and the link."""

    spec: DeviceSpec
    proposal: Proposal  # its end `b` is the new element


def new_element(
    topology: Topology, spec: DeviceSpec, x: float, y: float, count: int = 1
) -> Element:
    """An element with a free id and name, `count` of them as an array of rows.

    Raises:
        TopologyError: more members than an array takes.
    """
    if not 1 <= count <= MOST_MEMBERS:
        raise TopologyError(
            spec.name, f"{count} members are asked for", f"use 1 to {MOST_MEMBERS:,}"
        )
    names = {element.name for element in topology.elements.values()}
    return Element(
        id=free_id(spec.kind.value, topology.elements),
        kind=spec.kind,
        spec=spec.id,
        name=free_name(spec.name, names),
        x=x,
        y=y,
        count=count,
    )


def fitting(topology: Topology, catalog: Catalog, element_id: str, port: str = "") -> list[Fit]:
    """The devices of the shop that a link from an element (or one of its ports) may end at."""
    around = topology.links_of(element_id)
    known = {element_id, *(end.element for link in around for end in (link.a, link.b))}
    elements = [element for name, element in topology.elements.items() if name in known]
    found = []
    for spec in catalog.devices.values():
        candidate = new_element(topology, spec, 0.0, 0.0)
        world = Topology([*elements, candidate], around, topology.groups.values())
        proposal = best_ports(world, catalog, element_id, candidate.id, port)
        if isinstance(proposal, Proposal):
            found.append(Fit(spec, proposal))
    return found


def linked_element(
    topology: Topology, fit: Fit, x: float, y: float, cables: int = 0
) -> tuple[Element, Batch]:
    """A new element at the end of a link, and the one change that draws both.

    Args:
        topology: the drawing.
        fit: the device and the link.
        x: left edge of the element.
        y: its top edge.
        cables: of the link, 0 for as many as fit.
    """
    element = new_element(topology, fit.spec, x, y)
    end = msgspec.structs.replace(fit.proposal.b, element=element.id)
    proposal = with_cables(fit.proposal._replace(b=end), cables)
    stem = f"{proposal.a.element}-{element.id}"
    link = link_of(proposal, free_id(stem, topology.links))
    return element, Batch((PutElements((element,)), PutLinks((link,))))


def refusal(topology: Topology, catalog: Catalog, element_id: str, port: str = "") -> Verdict:
    """Why nothing fits at an element's port: all of its ports are taken, or it has none."""
    element = topology.elements[element_id]
    ports = [p for p in catalog.device(element.spec).ports if port in ("", p.name)]
    if not ports:
        return Verdict(False, f"{element.name} has no ports")
    used = ", ".join(
        f"{topology.ports_used(element_id, p.name)} of {p.count} {p.name}" for p in ports
    )
    return Verdict(
        False, f"{element.name} has no free port for another device ({used} are linked)"
    )
