"""Racks and arrays taken apart: the same drawing with their parts as elements of their own.

Nodes and links keep their order, so that the tables of both drawings have equal rows but for the
planes: a rack's domain switch stands for its planes, an opened rack has one switch for each.
"""

from typing import NamedTuple

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Medium, RackTemplate
from engine.errors import TopologyError
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropLinks,
    InsertAt,
    PutGroups,
)
from engine.topology.elements import Element, Endpoint, Group, Link, Override
from engine.topology.expand import RackRates, mesh_pairs, rack_rates
from engine.topology.layout import GRID
from engine.topology.model import Topology
from engine.topology.naming import free_id

_STEP = 11 * GRID


class _Parts(NamedTuple):
    """The elements of one opened rack, by what they are, and its links inside."""

    chips: list[Element]
    switches: list[Element]  # by domain, then plane
    hosts: list[Element]
    nics: list[Element]
    links: list[Link]

    @property
    def elements(self) -> list[Element]:
        """All, in the order of a rack's nodes."""
        return [*self.chips, *self.switches, *self.hosts, *self.nics]


def open_rack(topology: Topology, catalog: Catalog, rack_id: str) -> Change:
    """The change that puts a rack's chips, switches, hosts and NICs in its place, as a group.

    Uplinks are spread over the NICs as a run spreads them: where a NIC has less than a whole
    cable, it is drawn with one of as much less bandwidth.

    Raises:
        TopologyError: it is no single rack, or is linked to another rack.
    """
    rack = _element(topology, rack_id)
    spec = catalog.device(rack.spec)
    if spec.rack is None or rack.count != 1:
        raise TopologyError(rack.name, "is no single rack", "split an array first")
    group = Group(id=free_id(rack.name, topology.groups), name=rack.name, template=rack.spec)
    parts = _parts(rack, spec, spec.rack, catalog, group.id)
    ports = parts.nics or parts.hosts
    new_links = list(parts.links)
    for link in topology.links.values():
        if rack.id in (link.a.element, link.b.element):
            new_links += _uplinks(link, rack, ports, catalog, topology)
        else:
            new_links.append(link)
    return _replaced(topology, rack, parts.elements, new_links, (group,))


def split_array(topology: Topology, element_id: str) -> Change:
    """The change that draws each member of an array as an element of its own.

    Raises:
        TopologyError: there is no such element, or a link joins the array with itself.
    """
    array = _element(topology, element_id)
    singles = [
        msgspec.structs.replace(
            array,
            id=member_id(array.id, number),
            name=f"{array.name} {number}",
            x=array.x + _STEP * number,
            count=1,
            columns=0,
        )
        for number in range(array.count)
    ]
    new_links: list[Link] = []
    for link in topology.links.values():
        sides = [end.element == array.id for end in (link.a, link.b)]
        if all(sides):
            raise TopologyError(array.name, "is linked to itself", "remove the link first")
        if not any(sides):
            new_links.append(link)
            continue
        own = link.a if sides[0] else link.b
        chosen = range(array.count) if own.member < 0 else (own.member,)
        for number in chosen:
            end = msgspec.structs.replace(own, element=singles[number].id, member=-1)
            side = {"a": end} if sides[0] else {"b": end}
            new_links.append(msgspec.structs.replace(link, id=member_id(link.id, number), **side))
    return _replaced(topology, array, singles, new_links, ())


def member_id(own_id: str, number: int) -> str:
    """The id of one member of an array that was split."""
    return f"{own_id}.{number}"


def _element(topology: Topology, element_id: str) -> Element:
    found = topology.elements.get(element_id)
    if found is None:
        raise TopologyError(f"element {element_id}", "is not in the drawing")
    return found


def _replaced(
    topology: Topology,
    old: Element,
    elements: list[Element],
    links: list[Link],
    groups: tuple[Group, ...],
) -> Change:
    """The change that puts elements in one's place and leaves the links in a given order."""
    at = list(topology.elements).index(old.id)
    kept = set(topology.links)
    dropped = tuple(link.id for link in topology.links_of(old.id))
    remaining = kept - set(dropped)
    taken = remaining & {link.id for link in links if topology.links.get(link.id) is not link}
    taken |= set(topology.elements) & {element.id for element in elements}
    if taken:
        raise TopologyError(old.name, f"its parts need the id '{min(taken)}'", "rename that")
    rows = tuple((i, link) for i, link in enumerate(links) if link.id not in remaining)
    changes: list[Change] = [PutGroups(groups)] if groups else []
    if dropped:
        changes.append(DropLinks(dropped))
    changes.append(DropElements((old.id,)))
    changes.append(
        InsertAt(elements=tuple((at + i, part) for i, part in enumerate(elements)), links=rows)
    )
    return Batch(tuple(changes))


def _parts(
    rack: Element, spec: DeviceSpec, template: RackTemplate, catalog: Catalog, group: str
) -> _Parts:
    chips = template.domains * template.chips_per_domain
    switches = template.domains * template.planes if template.fabric == "switched" else 0
    hosts = -(-chips // template.chips_per_host)

    def row(count: int, part: str, word: str, line: int) -> list[Element]:
        device = catalog.device(part)
        return [
            Element(
                id=f"{rack.id}.{word}-{number}",
                kind=device.kind,
                spec=part,
                name=f"{rack.name} {word} {number}",
                x=rack.x + _STEP * (number % 16),
                y=rack.y + _STEP * (line + number // 16),
                group=group,
                overrides=_own_figures(rack, spec, device),
            )
            for number in range(count)
        ]

    parts = _Parts(
        row(chips, template.chip, "chip", 0),
        row(switches, template.switch, "switch", 9),
        row(hosts, template.host, "host", 11),
        row(chips * template.nics_per_chip, template.nic, "nic", 13),
        [],
    )
    rates = rack_rates(rack, template, catalog)
    parts.links.extend(_scale_up(rack, template, parts, rates, catalog))
    parts.links.extend(_pcie(rack, template, parts, rates))
    return parts


def _own_figures(rack: Element, spec: DeviceSpec, part: DeviceSpec) -> dict[str, Override]:
    """The user's figures of a rack that mean this part of it."""
    return {
        name: override
        for name, override in rack.overrides.items()
        if name in part.figures and (part.kind is not DeviceKind.CHIP or name not in spec.figures)
    }


def _scale_up(
    rack: Element, template: RackTemplate, parts: _Parts, rates: RackRates, catalog: Catalog
) -> list[Link]:
    """A cable from each chip to each plane's switch, or between each two chips of a mesh."""
    switch = catalog.device(template.switch)
    chip_port = _port(parts.chips[0], template.medium, catalog)
    if template.fabric != "switched":
        first, second = mesh_pairs(template)
        return [
            _link(
                f"{rack.id}.mesh-{a}-{b}",
                (parts.chips[a], chip_port),
                (parts.chips[b], chip_port),
                template.medium,
                rates.plane_bytes_per_s,
                2 * rates.scale_up_latency_s,
            )
            for a, b in zip(first.tolist(), second.tolist(), strict=True)
        ]
    switch_port = _port(parts.switches[0], template.medium, catalog)
    beyond = template.switch_latency_s.value / 2 - switch.value("latency_s") / 2
    return [
        _link(
            f"{rack.id}.plane-{number}-{plane}",
            (chip, chip_port),
            (
                parts.switches[number // template.chips_per_domain * template.planes + plane],
                switch_port,
            ),
            template.medium,
            template.plane_link_bytes_per_s.value,
            rates.scale_up_latency_s + beyond,
        )
        for number, chip in enumerate(parts.chips)
        for plane in range(template.planes)
    ]


def _pcie(rack: Element, template: RackTemplate, parts: _Parts, rates: RackRates) -> list[Link]:
    """Chips to their hosts and NICs, then hosts to NICs."""

    def joined(word: str, number: int, a: Element, b: Element, rate: float) -> Link:
        ends = (a, "pcie"), (b, "pcie")
        name = f"{rack.id}.{word}-{number}"
        return _link(name, *ends, Medium.PCIE, rate, rates.pcie_latency_s)

    hosts = [parts.hosts[i // template.chips_per_host] for i in range(len(parts.chips))]
    owners = [i // template.nics_per_chip for i in range(len(parts.nics))]
    return [
        *(
            joined("chip-host", i, chip, hosts[i], rates.chip_to_host_bytes_per_s)
            for i, chip in enumerate(parts.chips)
        ),
        *(
            joined("chip-nic", i, parts.chips[owners[i]], nic, rates.chip_to_nic_bytes_per_s)
            for i, nic in enumerate(parts.nics)
        ),
        *(
            joined("host-nic", i, hosts[owners[i]], nic, rates.host_to_nic_bytes_per_s)
            for i, nic in enumerate(parts.nics)
        ),
    ]


def _uplinks(
    link: Link, rack: Element, ports: list[Element], catalog: Catalog, topology: Topology
) -> list[Link]:
    """A drawn link of the rack as links of its NICs, in the order of a run's rows."""
    at_a = link.a.element == rack.id
    other_end = link.b if at_a else link.a
    other = topology.elements[other_end.element]
    if catalog.device(other.spec).rack is not None:
        raise TopologyError(
            rack.name, f"is linked to the rack {other.name}", "put a switch between them"
        )
    port = _port(ports[0], link.medium, catalog)
    share = link.count / len(ports)
    whole = share >= 1 and share == int(share)
    members = (
        range(other.count) if other_end.member < 0 and other.count > 1 else (other_end.member,)
    )
    found = []
    for member in members:
        far = msgspec.structs.replace(other_end, member=member)
        for number, nic in enumerate(ports):
            near = Endpoint(element=nic.id, port=port)
            found.append(
                msgspec.structs.replace(
                    link,
                    id=f"{link.id}.{max(member, 0)}-{number}",
                    a=near if at_a else far,
                    b=far if at_a else near,
                    count=int(share) if whole else 1,
                    bandwidth_bytes_per_s=link.bandwidth_bytes_per_s * (1.0 if whole else share),
                )
            )
    return found


def _port(element: Element, medium: Medium, catalog: Catalog) -> str:
    """The port group of a medium.

    Raises:
        TopologyError: the device has none.
    """
    spec = catalog.device(element.spec)
    for port in spec.ports:
        if port.medium is medium:
            return port.name
    raise TopologyError(element.name, f"has no {medium.value} port", "leave the rack closed")


def _link(
    link_id: str,
    a: tuple[Element, str],
    b: tuple[Element, str],
    medium: Medium,
    bytes_per_s: float,
    latency_s: float,
) -> Link:
    return Link(
        id=link_id,
        a=Endpoint(element=a[0].id, port=a[1]),
        b=Endpoint(element=b[0].id, port=b[1]),
        medium=medium,
        count=1,
        bandwidth_bytes_per_s=bytes_per_s,
        latency_s=latency_s,
    )
