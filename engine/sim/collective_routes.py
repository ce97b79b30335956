"""Bytes that a collective puts on every drawn link: spread over equal-cost shortest paths.

The rule is that of `engine.sim.routing` (distances in whole picoseconds, only switches, NICs and
hosts relay, traffic divides at each hop in proportion to capacity), but for all sources of one
target at once, so that an all-to-all of a thousand chips takes a second and not an hour.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from engine.errors import ScenarioError
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.routing import HOP_PS
from engine.sim.tables import FabricTables

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

MAX_RANKS = 4096
_RELAYS = (NodeKind.SWITCH, NodeKind.NIC, NodeKind.HOST)
_BATCH = 128  # targets whose distances are held at once


class Traffic(NamedTuple):
    """What goes to one target: sources and the bytes of each, per byte of the collective."""

    target: int
    sources: I8
    amounts: F8


class Loads(NamedTuple):
    """Bytes on each link per byte of the collective, and the longest way that a byte goes."""

    per_byte: F8  # [links]
    latency_s: float


def chip_groups(fabric: FabricTables, chips: Sequence[int]) -> list[list[int]]:
    """Chips by what joins them without a NIC: a scale-up domain, else a host over PCIe.

    Args:
        fabric: the expanded drawing.
        chips: nodes; their order is kept inside a group.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for chip in chips:
        domain = int(fabric.node_domain[chip])
        place = ("domain", domain) if domain >= 0 else ("host", _host_of(fabric, chip))
        groups.setdefault(place, []).append(chip)
    return list(groups.values())


def _host_of(fabric: FabricTables, chip: int) -> int:
    """The host that a chip hangs on over PCIe; a number of its own where there is none."""
    out = np.flatnonzero((fabric.link_source == chip) & (fabric.link_class == LinkClass.PCIE))
    peers = fabric.link_target[out]
    hosts = peers[fabric.node_kind[peers] == NodeKind.HOST]
    return int(hosts[0]) if len(hosts) else -1 - chip


def even_exchange(groups: Sequence[Sequence[int]], port_bytes: float) -> Iterator[Traffic]:
    """Every rank sends `port_bytes` in all, evenly to the others of its group."""
    for group in groups:
        members = np.array(group, np.int64)
        if len(members) < 2:
            continue
        for target in group:
            others = members[members != target]
            yield Traffic(target, others, np.full(len(others), port_bytes / len(others)))


def same_index_exchange(
    groups: Sequence[Sequence[int]], nic_bytes: float, *, ring: bool
) -> Iterator[Traffic]:
    """Every rank sends `nic_bytes` to the ranks of its index in other groups (a ring: the next).

    Groups of different sizes wrap around, so that every rank of the larger has a peer.
    """
    count = len(groups)
    if count < 2:
        return
    for place, group in enumerate(groups):
        senders = [(place - 1) % count] if ring else [k for k in range(count) if k != place]
        widest = max(len(groups[k]) for k in (place, *senders))
        for lane in range(widest):
            sources = [groups[k][lane % len(groups[k])] for k in senders]
            scale = np.array([len(groups[k]) / widest for k in senders])
            yield Traffic(
                group[lane % len(group)],
                np.array(sources, np.int64),
                nic_bytes / len(senders) * scale,
            )


def pair_exchange(
    groups: Sequence[Sequence[int]], pair_bytes: float, *, across: bool
) -> Iterator[Traffic]:
    """Every rank sends `pair_bytes` to each rank of the other groups, or of its own."""
    for place, group in enumerate(groups):
        if across:
            rest = [chip for k, other in enumerate(groups) if k != place for chip in other]
        else:
            rest = list(group)
        everyone = np.array(rest, np.int64)
        for target in group:
            sources = everyone[everyone != target]
            if len(sources):
                yield Traffic(target, sources, np.full(len(sources), pair_bytes))


def link_loads(fabric: FabricTables, traffic: Sequence[Traffic]) -> Loads:
    """The bytes that all the traffic puts on each link, per byte of the collective.

    Raises:
        ScenarioError: two ranks have no path, or there are too many ranks.
    """
    nodes, links = len(fabric.node_kind), len(fabric.link_source)
    loads = np.zeros(links)
    worst_ps = 0.0
    targets = sorted({item.target for item in traffic})
    if len(targets) > MAX_RANKS:
        raise ScenarioError(
            "collective", f"it has {len(targets):,} ranks", f"choose at most {MAX_RANKS:,}"
        )
    cost = np.maximum(np.rint(fabric.link_latency_s * 1e12), HOP_PS)
    relays = np.isin(fabric.node_kind, _RELAYS)
    alive = fabric.link_bytes_per_s > 0
    backwards = _backwards(fabric, cost, relays, alive)
    by_target: dict[int, list[Traffic]] = {}
    for item in traffic:
        by_target.setdefault(item.target, []).append(item)
    for first in range(0, len(targets), _BATCH):
        batch = targets[first : first + _BATCH]
        distances = np.atleast_2d(dijkstra(backwards, indices=[nodes + t for t in batch]))
        for target, distance in zip(batch, distances, strict=True):
            away = distance[:nodes].copy()
            away[target] = 0.0
            inflow = np.zeros(nodes)
            for item in by_target[target]:
                np.add.at(inflow, item.sources, item.amounts)
            worst_ps = max(worst_ps, _reach(away, inflow))
            usable = alive & (relays[fabric.link_target] | (fabric.link_target == target))
            _pour(fabric, cost, usable, away, inflow, loads)
    return Loads(loads, worst_ps * 1e-12)


def _backwards(
    fabric: FabricTables, cost: F8, relays: NDArray[np.bool_], alive: NDArray[np.bool_]
) -> csr_array:
    """Reversed links: node `nodes + t` stands for t as a target, node r for r as a relay."""
    nodes = len(fabric.node_kind)
    source, target = fabric.link_source[alive], fabric.link_target[alive]
    through = relays[target]
    start = np.concatenate([nodes + target.astype(np.int64), target[through].astype(np.int64)])
    end = np.concatenate([source, source[through]]).astype(np.int64)
    weight = np.concatenate([cost[alive], cost[alive][through]])
    order = np.lexsort((weight, end, start))  # of parallel links the shortest counts
    start, end, weight = start[order], end[order], weight[order]
    first = np.ones(len(start), bool)
    first[1:] = (np.diff(start) != 0) | (np.diff(end) != 0)
    return csr_array((weight[first], (start[first], end[first])), shape=(2 * nodes, 2 * nodes))


def _reach(away: F8, inflow: F8) -> float:
    """The distance of the farthest source, in picoseconds.

    Raises:
        ScenarioError: a source has no path.
    """
    farthest = float(away[inflow > 0].max(initial=0.0))
    if not np.isfinite(farthest):
        raise ScenarioError(
            "collective",
            "two of its ranks have no path on the drawn links",
            "link them through a switch or NIC",
        )
    return farthest


def _pour(
    fabric: FabricTables,
    cost: F8,
    usable: NDArray[np.bool_],
    away: F8,
    inflow: F8,
    loads: F8,
) -> None:
    """Lets what is at each node flow to the target; adds it to `loads`, changes `inflow`."""
    source, target = fabric.link_source, fabric.link_target
    with np.errstate(invalid="ignore"):  # inf - inf where neither end reaches the target
        tight = np.flatnonzero(usable & (away[source] - away[target] == cost))
    order = np.argsort(-away[source[tight]], kind="stable")
    tight = tight[order]
    distance = away[source[tight]]
    capacity = fabric.link_bytes_per_s[tight]
    total = np.bincount(source[tight], weights=capacity, minlength=len(inflow))
    share = capacity / total[source[tight]]
    bounds = np.flatnonzero(np.diff(distance)) + 1
    for part in np.split(np.arange(len(tight)), bounds):
        moved = inflow[source[tight[part]]] * share[part]
        loads[tight[part]] += moved
        np.add.at(inflow, target[tight[part]], moved)
