"""The drawing expanded into nodes and directed links, as arrays: what analysis and runs read.

Every chip, host, switch, NIC, storage and client is a node; a rack opens into its inside. All
racks of one template are made by repeating one block of arrays, so that a hall of 1,024 racks
costs no Python object per chip. The order is that of the drawing: elements in their order, of an
array or a rack array member by member, inside a rack chips, domain switches, hosts, NICs.

Bundles: the planes between a chip and its domain are one link of their summed bandwidth (the
fluid limit of packet spraying while all planes are whole). The cables of a link at a rack's
uplink ports are spread evenly over the rack's NICs, as dual-homed NICs are cabled. A link between
two arrays joins every member of one with every member of the other.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Medium, RackTemplate
from engine.topology.domains import scale_up_domains
from engine.topology.elements import Element, Endpoint, Link

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I1 = NDArray[np.int8]

KIND_CODE: dict[DeviceKind, int] = {
    DeviceKind.CHIP: 0,
    DeviceKind.HOST: 1,
    DeviceKind.SWITCH: 2,
    DeviceKind.NIC: 3,
    DeviceKind.STORAGE: 4,
    DeviceKind.CLIENT: 5,
    DeviceKind.RACK: 6,  # only in an expansion with whole racks
}

SCALE_UP_MEDIA = frozenset({Medium.ICN, Medium.NVLINK, Medium.HCCS, Medium.XGMI})


class Tier(IntEnum):
    """Class of a link; the numbers are those of `engine.sim.codes.LinkClass`."""

    SCALE_UP = 0
    PCIE = 1
    SCALE_OUT = 2
    CLIENT = 3
    STORAGE = 4


class Fabric(NamedTuple):
    """Rows as in `engine.sim.tables.FabricTables`: one node, one directed link (pairs 2i, 2i+1)."""

    node_kind: I1  # [nodes] KIND_CODE
    node_element: I4  # [nodes] index into the drawing's elements
    node_member: I4  # [nodes] number within that element and kind
    node_domain: I4  # [nodes] scale-up domain, -1 for none
    link_source: I4  # [links]
    link_target: I4  # [links]
    link_bytes_per_s: F8  # [links] of the whole bundle, one direction, usable
    link_latency_s: F8  # [links]
    link_class: I1  # [links] Tier
    link_drawn: I4  # [links] index into the drawing's links, -1 inside a rack
    link_multiplicity: I4  # [links] cables or planes in the bundle, at least 1


class Cable(NamedTuple):
    """What one cable of a drawn link carries, one direction, and how late: usable values."""

    bytes_per_s: float
    latency_s: float
    tier: Tier
    usable: float  # share of the data sheet's rate


class RackRates(NamedTuple):
    """Links inside a rack: usable rates of one plane and of PCIe, one direction, and latencies."""

    plane_bytes_per_s: float
    scale_up_latency_s: float  # of a chip's port; without the switch
    chip_to_host_bytes_per_s: float
    chip_to_nic_bytes_per_s: float
    host_to_nic_bytes_per_s: float
    pcie_latency_s: float


class _Block(NamedTuple):
    """The inside of one rack: nodes by kind and undirected links, numbered from 0."""

    kind: I1
    member: I4
    source: I4
    target: I4
    bytes_per_s: F8
    latency_s: F8
    tier: I1
    multiplicity: I4
    uplinks: I4  # nodes that carry the uplink ports, in order


class _Rows(NamedTuple):
    """Undirected links gathered so far, one array per chunk."""

    source: list[I4]
    target: list[I4]
    bytes_per_s: list[F8]
    latency_s: list[F8]
    tier: list[I1]
    drawn: list[I4]
    multiplicity: list[I4]


class _Placed(NamedTuple):
    """Where an element's nodes lie: `size` nodes a member from `first`, and its uplink nodes."""

    first: int
    members: int
    size: int
    spec: DeviceSpec
    uplinks: I4


def figure_value(element: Element, spec: DeviceSpec, name: str, default: float = 0.0) -> float:
    """The value of a figure as drawn: the user's override, else the catalogue's, else default."""
    override = element.overrides.get(name)
    return spec.value(name, default) if override is None else override.value


def expand(
    elements: tuple[Element, ...],
    links: tuple[Link, ...],
    catalog: Catalog,
    *,
    whole_racks: bool = False,
    split_cables: bool = False,
) -> Fabric:
    """The fabric of a drawing.

    Args:
        elements: in the order of their nodes.
        links: in the order of their rows.
        catalog: the shop.
        whole_racks: each rack is one node of kind RACK.
        split_cables: each cable of a drawn link is a link of its own, for flows that are hashed
            onto one; planes inside racks stay bundles.

    Raises:
        CatalogError: an element's spec is not in the catalogue.
    """
    placed: dict[str, _Placed] = {}
    kinds: list[I1] = []
    owners: list[I4] = []
    members: list[I4] = []
    rows = _Rows([], [], [], [], [], [], [])
    first = 0
    blocks: dict[str, _Block] = {}  # of elements as the shop has them
    for index, element in enumerate(elements):
        spec = catalog.device(element.spec)
        block = None if element.overrides else blocks.get(element.spec)
        if block is None:
            block = _block(element, spec, catalog, whole_racks=whole_racks)
            if not element.overrides:
                blocks[element.spec] = block
        size = len(block.kind)
        placed[element.id] = _Placed(first, element.count, size, spec, block.uplinks)
        kinds.append(np.tile(block.kind, element.count))
        owners.append(np.full(size * element.count, index, np.int32))
        members.append(_members(block, element.count))
        if len(block.source):
            _repeat_block(rows, block, first, element.count, size)
        first += size * element.count
    by_id = {element.id: element for element in elements}
    for index, link in enumerate(links):
        _drawn_link(rows, index, link, placed, by_id, split_cables=split_cables)
    return _assemble(kinds, owners, members, rows, first)


def _members(block: _Block, count: int) -> I4:
    per_member = np.bincount(block.kind, minlength=len(KIND_CODE)).astype(np.int32)
    offset = np.repeat(np.arange(count, dtype=np.int32), len(block.kind))
    return np.asarray(
        np.tile(block.member, count) + offset * per_member[np.tile(block.kind, count)], np.int32
    )


def _block(element: Element, spec: DeviceSpec, catalog: Catalog, *, whole_racks: bool) -> _Block:
    empty4, empty8 = np.empty(0, np.int32), np.empty(0)
    if spec.rack is not None and not whole_racks:
        return _rack_block(element, spec.rack, catalog)
    return _Block(
        np.array([KIND_CODE[spec.kind]], np.int8),
        np.zeros(1, np.int32),
        empty4,
        empty4,
        empty8,
        empty8,
        np.empty(0, np.int8),
        empty4,
        np.zeros(1, np.int32),
    )


def _rack_block(element: Element, template: RackTemplate, catalog: Catalog) -> _Block:
    chips = template.domains * template.chips_per_domain
    hosts = -(-chips // template.chips_per_host)
    nics = chips * template.nics_per_chip
    switched = template.fabric == "switched"
    switches = template.domains if switched else 0
    rates = rack_rates(element, template, catalog)
    chip = np.arange(chips, dtype=np.int32)
    parts: list[tuple[I4, I4, float, float, Tier, int]] = []
    scale_up_latency, plane = rates.scale_up_latency_s, rates.plane_bytes_per_s
    if switched:
        target = (chips + chip // template.chips_per_domain).astype(np.int32)
        latency = scale_up_latency + template.switch_latency_s.value / 2
        parts.append(
            (chip, target, plane * template.planes, latency, Tier.SCALE_UP, template.planes)
        )
    else:
        a, b = mesh_pairs(template)
        parts.append((a, b, plane, 2 * scale_up_latency, Tier.SCALE_UP, 1))
    host = (chips + switches + chip // template.chips_per_host).astype(np.int32)
    pcie_latency = rates.pcie_latency_s
    parts.append((chip, host, rates.chip_to_host_bytes_per_s, pcie_latency, Tier.PCIE, 1))
    first_nic = chips + switches + hosts
    if nics:
        nic = np.arange(first_nic, first_nic + nics, dtype=np.int32)
        owner = (np.arange(nics, dtype=np.int32) // template.nics_per_chip).astype(np.int32)
        parts.append((owner, nic, rates.chip_to_nic_bytes_per_s, pcie_latency, Tier.PCIE, 1))
        per_host = rates.host_to_nic_bytes_per_s
        parts.append((host[owner], nic, per_host, pcie_latency, Tier.PCIE, 1))
    kind = np.repeat(
        np.array([0, 2, 1, 3], np.int8), [chips, switches, hosts, nics]
    )  # chip, switch, host, nic: KIND_CODE
    member = np.concatenate([np.arange(n, dtype=np.int32) for n in (chips, switches, hosts, nics)])
    uplinks = (
        np.arange(first_nic, first_nic + nics, dtype=np.int32)
        if nics
        else np.arange(chips + switches, first_nic, dtype=np.int32)
    )
    sizes = [len(part[0]) for part in parts]
    return _Block(
        kind,
        member,
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.repeat([part[2] for part in parts], sizes),
        np.repeat([part[3] for part in parts], sizes),
        np.repeat(np.array([part[4] for part in parts], np.int8), sizes),
        np.repeat(np.array([part[5] for part in parts], np.int32), sizes),
        uplinks,
    )


def rack_rates(element: Element, template: RackTemplate, catalog: Catalog) -> RackRates:
    """Rates and latencies of the links inside a rack, with the user's own figures."""
    chip, nic = catalog.device(template.chip), catalog.device(template.nic)
    host, switch = catalog.device(template.host), catalog.device(template.switch)
    usable = figure_value(element, switch, "efficiency", 1.0)
    pcie = figure_value(element, chip, "pcie_bytes_per_s")
    of_nic = nic.value("pcie_bytes_per_s", pcie)
    return RackRates(
        plane_bytes_per_s=template.plane_link_bytes_per_s.value * usable,
        scale_up_latency_s=_port_latency(chip, template.medium),
        chip_to_host_bytes_per_s=pcie,
        chip_to_nic_bytes_per_s=min(pcie, of_nic),
        host_to_nic_bytes_per_s=min(of_nic, host.value("pcie_bytes_per_s", pcie)),
        pcie_latency_s=_port_latency(chip, Medium.PCIE),
    )


def mesh_pairs(template: RackTemplate) -> tuple[I4, I4]:
    """Chips of a rack that a mesh joins, by number, one row a pair."""
    upper_a, upper_b = np.triu_indices(template.chips_per_domain, 1)
    shift = np.repeat(np.arange(template.domains) * template.chips_per_domain, len(upper_a))
    return (
        (np.tile(upper_a, template.domains) + shift).astype(np.int32),
        (np.tile(upper_b, template.domains) + shift).astype(np.int32),
    )


def _port_latency(spec: DeviceSpec, medium: Medium) -> float:
    return next((port.latency_s.value for port in spec.ports if port.medium is medium), 0.0)


def _repeat_block(rows: _Rows, block: _Block, first: int, count: int, size: int) -> None:
    shift = np.repeat(first + size * np.arange(count, dtype=np.int32), len(block.source))
    rows.source.append((np.tile(block.source, count) + shift).astype(np.int32))
    rows.target.append((np.tile(block.target, count) + shift).astype(np.int32))
    rows.bytes_per_s.append(np.tile(block.bytes_per_s, count))
    rows.latency_s.append(np.tile(block.latency_s, count))
    rows.tier.append(np.tile(block.tier, count))
    rows.drawn.append(np.full(len(block.source) * count, -1, np.int32))
    rows.multiplicity.append(np.tile(block.multiplicity, count))


def _ends(place: _Placed, endpoint: Endpoint) -> I4:
    """The nodes that carry a port, [members that the endpoint names, nodes of each]."""
    first, last = (
        (0, place.members) if endpoint.member < 0 else (endpoint.member, endpoint.member + 1)
    )
    port_nodes = place.uplinks if place.size > 1 else np.zeros(1, np.int32)
    begins = place.first + place.size * np.arange(first, last, dtype=np.int32)
    return np.asarray(begins[:, None] + port_nodes, np.int32)


def _drawn_link(
    rows: _Rows,
    index: int,
    link: Link,
    placed: dict[str, _Placed],
    by_id: dict[str, Element],
    *,
    split_cables: bool,
) -> None:
    """Rows of one drawn link: by member of its first end, of its second, port node and cable."""
    a, b = placed[link.a.element], placed[link.b.element]
    cable = cable_of(link, by_id[link.a.element], a.spec, by_id[link.b.element], b.spec)
    nodes_a, nodes_b = _ends(a, link.a), _ends(b, link.b)
    lane = np.arange(max(nodes_a.shape[1], nodes_b.shape[1]))
    share = link.count / len(lane)
    bundle = max(1, round(share))
    cables = bundle if split_cables else 1
    shape = (len(nodes_a), len(nodes_b), len(lane), cables)
    source = np.broadcast_to(nodes_a[:, None, lane % nodes_a.shape[1], None], shape).ravel()
    target = np.broadcast_to(nodes_b[None, :, lane % nodes_b.shape[1], None], shape).ravel()
    rate = link.bandwidth_bytes_per_s * (share / cables) * cable.usable
    rows.source.append(source)
    rows.target.append(target)
    rows.bytes_per_s.append(np.full(len(source), rate))
    rows.latency_s.append(np.full(len(source), cable.latency_s))
    rows.tier.append(np.full(len(source), cable.tier, np.int8))
    rows.drawn.append(np.full(len(source), index, np.int32))
    rows.multiplicity.append(np.full(len(source), bundle // cables, np.int32))


def cable_of(link: Link, a: Element, a_spec: DeviceSpec, b: Element, b_spec: DeviceSpec) -> Cable:
    """One cable of a link: what the less efficient end leaves of it, and half of each switch."""
    usable = min(
        figure_value(a, a_spec, "efficiency", 1.0), figure_value(b, b_spec, "efficiency", 1.0)
    )
    latency = link.latency_s + _switching(a, a_spec) + _switching(b, b_spec)
    tier = _tier(link.medium, a_spec.kind, b_spec.kind)
    return Cable(link.bandwidth_bytes_per_s * usable, latency, tier, usable)


def _switching(element: Element, spec: DeviceSpec) -> float:
    """Half of a switch's port-to-port latency: a path pays it on the way in and on the way out."""
    if spec.kind is not DeviceKind.SWITCH:
        return 0.0
    return figure_value(element, spec, "latency_s") / 2


def _tier(medium: Medium, a: DeviceKind, b: DeviceKind) -> Tier:
    if medium in SCALE_UP_MEDIA:
        return Tier.SCALE_UP
    if medium is Medium.PCIE:
        return Tier.PCIE
    if DeviceKind.CLIENT in (a, b):
        return Tier.CLIENT
    if DeviceKind.STORAGE in (a, b):
        return Tier.STORAGE
    return Tier.SCALE_OUT


def _assemble(
    kinds: list[I1], owners: list[I4], members: list[I4], rows: _Rows, nodes: int
) -> Fabric:
    def joined(parts: list[NDArray[np.generic]], dtype: type) -> NDArray[np.generic]:
        return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype)

    source = np.asarray(joined(list(rows.source), np.int32), np.int32)
    target = np.asarray(joined(list(rows.target), np.int32), np.int32)
    tier = np.repeat(np.asarray(joined(list(rows.tier), np.int8), np.int8), 2)
    scale_up = tier == Tier.SCALE_UP
    both_source = np.column_stack([source, target]).ravel()
    both_target = np.column_stack([target, source]).ravel()
    return Fabric(
        node_kind=np.asarray(joined(list(kinds), np.int8), np.int8),
        node_element=np.asarray(joined(list(owners), np.int32), np.int32),
        node_member=np.asarray(joined(list(members), np.int32), np.int32),
        node_domain=scale_up_domains(nodes, both_source[scale_up], both_target[scale_up]),
        link_source=both_source,
        link_target=both_target,
        link_bytes_per_s=np.repeat(
            np.asarray(joined(list(rows.bytes_per_s), np.float64), float), 2
        ),
        link_latency_s=np.repeat(np.asarray(joined(list(rows.latency_s), np.float64), float), 2),
        link_class=tier,
        link_drawn=np.repeat(np.asarray(joined(list(rows.drawn), np.int32), np.int32), 2),
        link_multiplicity=np.repeat(
            np.asarray(joined(list(rows.multiplicity), np.int32), np.int32), 2
        ),
    )
