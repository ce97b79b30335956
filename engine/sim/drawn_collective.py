"""Time of a collective on the drawing: its bottleneck link in the fitted curve of its library.

The bytes of each link give the rate that a rank's port and NIC really have; with the longest hop
they make a `CollectiveFabric`, on which `engine.cost.collectives` answers. So oversubscription,
planes, dead links and domains count as drawn, and an unblocked fabric gives the closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.cost.collectives import (
    Algorithm,
    CollectiveFabric,
    CollectiveParameters,
    chip_fabric,
    collective_s,
    load_collective_parameters,
    work_of,
)
from engine.cost.collectives.parameters import load_calibration
from engine.cost.collectives.work import OPS, algorithms_of
from engine.errors import ScenarioError
from engine.scenario.design import Design
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.collective_routes import (
    MAX_RANKS,
    Loads,
    Traffic,
    chip_groups,
    even_exchange,
    link_loads,
    pair_exchange,
    same_index_exchange,
)
from engine.sim.tables import FabricTables
from engine.topology.expand import expand, figure_value

F8 = NDArray[np.float64]

_TO_ALL = ("all_to_all", "ep_dispatch_ll", "ep_combine_ll")
_FREE_BYTES_PER_S = 1e18  # of a port or NIC that a collective does not use
REDUCES = "in_switch_reduction"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRanks:
    """Chips that take part, by what joins them, and what the shop says of them."""

    groups: tuple[tuple[int, ...], ...]
    chip: DeviceSpec
    in_switch: bool

    @property
    def count(self) -> int:
        """The number of ranks."""
        return sum(len(group) for group in self.groups)


class CollectiveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One collective on the drawing; times in seconds, rates in bytes/s.

    `ideal_s` is bytes over capacity of the bottleneck link alone, as drawn; `bus_bytes_per_s` is
    nccl-tests' bus bandwidth; `others` are the times of the algorithms that were not taken.
    """

    op: str
    size_bytes: float
    ranks: int
    domains: int
    algorithm: str
    others: dict[str, float]
    seconds: float
    low_s: float
    high_s: float
    ideal_s: float
    bus_bytes_per_s: float
    bottleneck: str
    bottleneck_class: str
    measured_rows: int


def drawn_collective(
    design: Design,
    catalog: Catalog,
    op: str,
    size_bytes: float,
    *,
    elements: frozenset[str] = frozenset(),
    implementation: str = "nccl",
    algorithm: Algorithm | None = None,
) -> CollectiveAnswer:
    """How long a collective takes among the chips of a drawing.

    Args:
        design: the drawing.
        catalog: the shop.
        op: one of `engine.cost.collectives.work.OPS`.
        size_bytes: see there for what it counts.
        elements: ids whose chips take part; empty: all.
        implementation: the library.
        algorithm: one in place of the library's choice.

    Raises:
        ScenarioError: unknown operation or element, fewer than two chips, chips of several kinds,
            no path between two of them.
    """
    if op not in OPS:
        raise ScenarioError("collective", f"'{op}' is unknown", f"use one of {', '.join(OPS)}")
    if not (np.isfinite(size_bytes) and size_bytes >= 0):
        raise ScenarioError("collective", f"its size is {size_bytes}", "use bytes from 0")
    fabric = FabricTables(*expand(design.elements, design.links, catalog))
    ranks = drawn_ranks(design, catalog, fabric, elements)
    raw = fabric._replace(
        link_bytes_per_s=fabric.link_bytes_per_s / usable_share(design, catalog, fabric)
    )
    parameters = load_collective_parameters(
        ranks.chip.family, implementation, chip_fabric(ranks.chip).kind
    )
    return _answer(design, op, size_bytes, ranks, fabric, raw, parameters, algorithm)


def drawn_ranks(
    design: Design,
    catalog: Catalog,
    fabric: FabricTables,
    elements: frozenset[str],
    count: int = 0,
) -> DrawnRanks:
    """The chips of some elements (of all where none is named), by what joins them.

    With a `count` only so many take part, the first in the order of the drawing.

    Raises:
        ScenarioError: an id is unknown, or the chips are no two or more of one kind.
    """
    known = {element.id for element in design.elements}
    if elements - known:
        raise ScenarioError(
            ", ".join(sorted(elements - known)[:5]), "is not drawn", "name elements by their ids"
        )
    chips = [
        int(node)
        for node in np.flatnonzero(fabric.node_kind == NodeKind.CHIP)
        if not elements or design.elements[int(fabric.node_element[node])].id in elements
    ]
    if count > len(chips):
        raise ScenarioError(
            "collective",
            f"{count:,} ranks of {len(chips):,} drawn chips",
            "draw more, or ask less",
        )
    chips = chips[:count] if count else chips
    if not 2 <= len(chips) <= MAX_RANKS:
        raise ScenarioError(
            "collective", f"{len(chips):,} chips take part", f"choose 2 to {MAX_RANKS:,}"
        )
    owners = {int(fabric.node_element[chip]) for chip in chips}
    specs = {_chip_of(catalog.device(design.elements[owner].spec), catalog) for owner in owners}
    if len(specs) > 1:
        raise ScenarioError(
            "collective", f"its chips are {' and '.join(sorted(specs))}", "name chips of one kind"
        )
    groups = tuple(tuple(group) for group in chip_groups(fabric, chips))
    return DrawnRanks(
        groups=groups,
        chip=catalog.device(specs.pop()),
        in_switch=len(groups) == 1 and reduces_in_switch(design, catalog, fabric, groups[0]),
    )


def _chip_of(spec: DeviceSpec, catalog: Catalog) -> str:
    return catalog.device(spec.rack.chip).id if spec.rack is not None else spec.id


def reduces_in_switch(
    design: Design, catalog: Catalog, fabric: FabricTables, group: Sequence[int]
) -> bool:
    """True where every scale-up link of the chips ends at a switch that can add up."""
    out = np.isin(fabric.link_source, group) & (fabric.link_class == LinkClass.SCALE_UP)
    peers = np.unique(fabric.link_target[out])
    if not len(peers) or (fabric.node_kind[peers] != NodeKind.SWITCH).any():
        return False
    for owner in np.unique(fabric.node_element[peers]).tolist():
        spec = catalog.device(design.elements[owner].spec)
        switch = catalog.device(spec.rack.switch) if spec.rack is not None else spec
        if switch.value(REDUCES) <= 0:
            return False
    return True


def usable_share(design: Design, catalog: Catalog, fabric: FabricTables) -> F8:
    """The share of each link's data-sheet rate that the tables hold as usable.

    Fitted efficiencies are shares of the data sheet's rate, so that this must come off first.
    """
    drawn = np.ones(len(fabric.node_kind))
    inside = np.ones(len(fabric.node_kind))
    for index, element in enumerate(design.elements):
        spec = catalog.device(element.spec)
        rows = fabric.node_element == index
        drawn[rows] = figure_value(element, spec, "efficiency", 1.0)
        if spec.rack is not None:
            switch = catalog.device(spec.rack.switch)
            inside[rows] = figure_value(element, switch, "efficiency", 1.0)
    ends = np.minimum(drawn[fabric.link_source], drawn[fabric.link_target])
    rack = np.where(fabric.link_class == LinkClass.SCALE_UP, inside[fabric.link_source], 1.0)
    share = np.where(fabric.link_drawn >= 0, ends, rack)
    return np.asarray(np.where(share > 0, share, 1.0))


class _Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A fabric as an algorithm finds it, and the loads behind it."""

    fabric: CollectiveFabric
    per_byte: F8


def _answer(
    design: Design,
    op: str,
    size_bytes: float,
    ranks: DrawnRanks,
    usable: FabricTables,
    raw: FabricTables,
    parameters: CollectiveParameters,
    algorithm: Algorithm | None,
) -> CollectiveAnswer:
    shape = _shape(ranks)
    options = algorithms_of(op, ranks.count, shape) if algorithm is None else (algorithm,)
    measured = {option: measure(raw, ranks, op, option) for option in options}
    times = {
        option: collective_s(op, ranks.count, size_bytes, found.fabric, parameters, option)
        for option, found in measured.items()
    }
    taken = min(times, key=lambda option: times[option])
    per_byte = measured[taken].per_byte
    busy = np.divide(
        per_byte, usable.link_bytes_per_s, out=np.zeros_like(per_byte), where=per_byte > 0
    )
    link = int(np.argmax(busy))
    low, high = _band(parameters.implementation, op)
    seconds = times[taken]
    return CollectiveAnswer(
        op=op,
        size_bytes=size_bytes,
        ranks=ranks.count,
        domains=len(ranks.groups),
        algorithm=taken.value,
        others={option.value: value for option, value in times.items() if option != taken},
        seconds=seconds,
        low_s=seconds * low,
        high_s=seconds * high,
        ideal_s=size_bytes * float(busy[link]),
        bus_bytes_per_s=bus_share(op, ranks.count) * size_bytes / seconds,
        bottleneck=link_name(design, usable, link),
        bottleneck_class=LinkClass(int(usable.link_class[link])).name.lower().replace("_", "-"),
        measured_rows=parameters.estimates_of(op, taken)["efficiency"].rows,
    )


def bus_share(op: str, ranks: int) -> float:
    """Bus bandwidth over algorithm bandwidth, as nccl-tests defines it."""
    if op == "all_reduce":
        return 2.0 * (ranks - 1) / ranks
    return 1.0 if op == "point_to_point" or op not in OPS[:4] else (ranks - 1) / ranks


def _shape(ranks: DrawnRanks) -> CollectiveFabric:
    """The fabric before it is measured: its kind, domains and reduction."""
    usual = chip_fabric(ranks.chip, ranks_per_domain=max(1, ranks.count // len(ranks.groups)))
    return CollectiveFabric(
        port_bytes_per_s=usual.port_bytes_per_s,
        hop_s=usual.hop_s,
        in_switch=ranks.in_switch and usual.kind == "nvlink",
        kind=usual.kind,
        ranks_per_domain=usual.ranks_per_domain,
    )


def measure(raw: FabricTables, ranks: DrawnRanks, op: str, algorithm: Algorithm) -> _Measured:
    """The rates of port and NIC and the hop that an algorithm finds on the drawn links.

    Raises:
        ScenarioError: two ranks have no path.
    """
    shape = _shape(ranks)
    work = work_of(op, algorithm, ranks.count, shape)
    near = link_loads(raw, list(_inside(ranks, op, work.port)))
    far = link_loads(raw, list(_across(ranks, op, work.nic, algorithm)))
    both = near.per_byte + far.per_byte
    port = _rate(work.port, both, near, raw)
    nic = _rate(work.nic, both, far, raw)
    hop = near.latency_s if work.port > 0 and near.latency_s > 0 else shape.hop_s
    return _Measured(
        fabric=CollectiveFabric(
            port_bytes_per_s=port,
            hop_s=hop,
            in_switch=shape.in_switch,
            kind=shape.kind,
            ranks_per_domain=shape.ranks_per_domain,
            nic_bytes_per_s=nic,
            nic_latency_s=far.latency_s,
        ),
        per_byte=both,
    )


def _rate(work: float, both: F8, own: Loads, raw: FabricTables) -> float:
    """The rate at which the busiest link of some traffic lets a rank's work through."""
    used = own.per_byte > 0
    if work <= 0 or not used.any():
        return _FREE_BYTES_PER_S
    return work / float((both[used] / raw.link_bytes_per_s[used]).max())


def _inside(ranks: DrawnRanks, op: str, port: float) -> list[Traffic]:
    if op == "point_to_point":
        return _one_message(ranks) if len(ranks.groups) == 1 else []
    if op in _TO_ALL:
        return list(pair_exchange(ranks.groups, 1.0 / ranks.count, across=False))
    return list(even_exchange(ranks.groups, port))


def _across(ranks: DrawnRanks, op: str, nic: float, algorithm: Algorithm) -> list[Traffic]:
    if op == "point_to_point":
        return _one_message(ranks) if len(ranks.groups) > 1 else []
    if op in _TO_ALL:
        return list(pair_exchange(ranks.groups, 1.0 / ranks.count, across=True))
    return list(same_index_exchange(ranks.groups, nic, ring=algorithm is Algorithm.RING))


def _one_message(ranks: DrawnRanks) -> list[Traffic]:
    """The first rank sends to the last."""
    first, last = ranks.groups[0][0], ranks.groups[-1][-1]
    return [Traffic(last, np.array([first], np.int64), np.ones(1))]


def _band(implementation: str, op: str) -> tuple[float, float]:
    known = {(s.implementation, s.op): (s.low, s.high) for s in load_calibration().spreads}
    for place in ((implementation, op), (implementation, ""), ("", "")):
        if place in known:
            return known[place]
    return 1.0, 1.0


def link_name(design: Design, fabric: FabricTables, link: int) -> str:
    """A link in the words of the drawing: its two ends."""
    ends = []
    for node in (int(fabric.link_source[link]), int(fabric.link_target[link])):
        element = design.elements[int(fabric.node_element[node])]
        kind = NodeKind(int(fabric.node_kind[node])).name.lower()
        many = element.count > 1 or element.kind.value == "rack"
        ends.append(
            f"{element.name} {kind} {int(fabric.node_member[node])}" if many else element.name
        )
    return " to ".join(ends)
