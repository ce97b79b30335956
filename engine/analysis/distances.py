"""How far apart chips are, and over how many ways: hops, latency, disjoint and equal paths."""

from typing import NamedTuple

import msgspec
import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from engine.analysis.cuts import Unit
from engine.analysis.quotient import Drawing
from engine.catalog.devices import DeviceKind, Medium

MAX_STARTS = 512  # beyond, the diameter is taken from so many chips in drawing order


class Distances(msgspec.Struct, frozen=True, kw_only=True):
    """The farthest pair of chips that can talk at all, and the ways between the worst pair.

    Hops count links, those between chip and NIC included. `exact` is False where a very large
    drawing without symmetry was measured from a part of its chips only.
    """

    diameter_hops: int
    worst_latency_s: float
    farthest: tuple[str, ...]  # names of the two ends
    disjoint_paths: int  # cable-disjoint ways between those two
    equal_paths: int  # shortest ways between those two, by devices
    exact: bool


def distances(drawing: Drawing, graph: nx.Graph) -> Distances | None:
    """Distances between chips; None where fewer than two chips are drawn."""
    inner = _inside_hops(drawing)
    bearing = [u for u in graph if drawing.elements[u.element].kind in _BEARING]
    if not bearing:
        return None
    index = {unit: i for i, unit in enumerate(graph)}
    hops, delay = _matrices(drawing, graph, index)
    starts, exact = _starts(drawing, graph, bearing)
    rows = np.array([index[unit] for unit in starts])
    ends = np.array([index[unit] for unit in bearing])
    steps = dijkstra(hops, unweighted=True, indices=rows)[:, ends]
    late = dijkstra(delay, indices=rows)[:, ends]
    end_hops = np.array([_end_hops(drawing, unit) for unit in bearing])
    start_hops = np.array([_end_hops(drawing, unit) for unit in starts])
    own = rows[:, None] == ends[None, :]
    total = steps + start_hops[:, None] + end_hops[None, :]
    total[own | ~np.isfinite(steps)] = -1.0
    best_hops, best_latency = inner
    names: tuple[str, ...] = ()
    pair: tuple[Unit, Unit] | None = None
    if total.size and total.max() > best_hops:
        i, j = np.unravel_index(int(total.argmax()), total.shape)
        best_hops = int(total[i, j])
        pair = (starts[i], bearing[j])
        names = tuple(drawing.elements[unit.element].name for unit in pair)
    reach = np.isfinite(late) & ~own
    if reach.any():
        ends_s = np.array([_end_latency_s(drawing, unit) for unit in bearing])
        starts_s = np.array([_end_latency_s(drawing, unit) for unit in starts])
        latest = (late + starts_s[:, None] + ends_s[None, :])[reach].max()
        best_latency = max(best_latency, float(latest))
    ways = _ways(graph, *pair) if pair else _inside_ways(drawing)
    between = _between_domains(drawing, graph)
    if between is not None and between.hops > best_hops:
        best_hops, names, ways = between.hops, (between.name, between.name), between.ways
    if between is not None:
        best_latency = max(best_latency, between.latency_s)
    if best_hops <= 0:
        return None
    disjoint, equal = ways
    return Distances(
        diameter_hops=best_hops,
        worst_latency_s=best_latency,
        farthest=names,
        disjoint_paths=disjoint,
        equal_paths=equal,
        exact=exact,
    )


_BEARING = frozenset({DeviceKind.CHIP, DeviceKind.RACK})


def _starts(drawing: Drawing, graph: nx.Graph, bearing: list[Unit]) -> tuple[list[Unit], bool]:
    """One unit of each set with equal device and equal links, in drawing order.

    Two such units can be swapped without a change to the graph, so they see equal distances.
    """
    seen: dict[tuple[str, frozenset[tuple[Unit, int, float]]], Unit] = {}
    latency = {link.id: drawing.cable(link).latency_s for link in drawing.design.links}
    for unit in bearing:
        links = frozenset(
            (other, data["cables"], latency[data["link"]]) for other, data in graph[unit].items()
        )
        seen.setdefault((drawing.elements[unit.element].spec, links), unit)
    starts = list(seen.values())
    return starts[:MAX_STARTS], len(starts) <= MAX_STARTS


def _matrices(
    drawing: Drawing, graph: nx.Graph, index: dict[Unit, int]
) -> tuple[csr_array, csr_array]:
    latency = {link.id: max(drawing.cable(link).latency_s, 1e-15) for link in drawing.design.links}
    edges = [(index[a], index[b], latency[data["link"]]) for a, b, data in graph.edges(data=True)]
    table = np.array(edges, np.float64).reshape(-1, 3)
    source = np.concatenate([table[:, 0], table[:, 1]]).astype(np.int64)
    target = np.concatenate([table[:, 1], table[:, 0]]).astype(np.int64)
    value = np.concatenate([table[:, 2], table[:, 2]])
    shape = (len(index), len(index))
    ones = csr_array((np.ones(len(value)), (source, target)), shape=shape)
    return ones, csr_array((value, (source, target)), shape=shape)


def _end_hops(drawing: Drawing, unit: Unit) -> int:
    """Links between a chip and the port that its element's links leave from."""
    return 1 if drawing.spec(drawing.elements[unit.element]).rack is not None else 0


def _end_latency_s(drawing: Drawing, unit: Unit) -> float:
    rack = drawing.spec(drawing.elements[unit.element]).rack
    if rack is None:
        return 0.0
    chip = drawing.catalog.device(rack.chip)
    return next((p.latency_s.value for p in chip.ports if p.medium is Medium.PCIE), 0.0)


def _inside_hops(drawing: Drawing) -> tuple[int, float]:
    """The longest way between two chips of one domain of a rack, in hops and seconds."""
    hops, latency = 0, 0.0
    for element in drawing.design.elements:
        rack = drawing.spec(element).rack
        if rack is None or rack.chips_per_domain < 2:
            continue
        chip = drawing.catalog.device(rack.chip)
        port = next((p.latency_s.value for p in chip.ports if p.medium is rack.medium), 0.0)
        switched = rack.fabric == "switched"
        hops = max(hops, 2 if switched else 1)
        latency = max(latency, 2 * port + (rack.switch_latency_s.value if switched else 0.0))
    return hops, latency


class _Between(NamedTuple):
    """The way between two domains of one rack: out by the uplinks and in again."""

    hops: int
    latency_s: float
    name: str
    ways: tuple[int, int]


def _between_domains(drawing: Drawing, graph: nx.Graph) -> _Between | None:
    """The longest such way; None where no rack has two domains and a device beside it."""
    found = []
    for unit in graph:
        element = drawing.elements[unit.element]
        domains = drawing.inside(element).domains
        if domains < 2 or not graph[unit]:
            continue
        cables = {o: d["cables"] * graph.nodes[o]["stands_for"] for o, d in graph[unit].items()}
        latency = {link.id: drawing.cable(link).latency_s for link in drawing.links_of(element.id)}
        nearest = min(latency.values())
        ways = (sum(cables.values()) // domains, sum(graph.nodes[o]["stands_for"] for o in cables))
        late = 2 * (nearest + _end_latency_s(drawing, unit))
        found.append(_Between(4, late, element.name, ways))
    return max(found, default=None, key=lambda way: way.latency_s)


def _inside_ways(drawing: Drawing) -> tuple[int, int]:
    """Ways between two chips of the rack domain with the fewest planes."""
    racks = [drawing.spec(element).rack for element in drawing.design.elements]
    ways = [
        (rack.planes, rack.planes) if rack.fabric == "switched" else (rack.chips_per_domain - 1, 1)
        for rack in racks
        if rack is not None
    ]
    return min(ways, default=(0, 0))


def _ways(graph: nx.Graph, a: Unit, b: Unit) -> tuple[int, int]:
    """Cable-disjoint ways and shortest ways between two units, stand-ins counted in full.

    A device between the two ends is crossed by as many ways as it has cables; stand-ins carry
    the cables of those they stand for.
    """
    flow = nx.Graph()
    for left, right, data in graph.edges(data=True):
        times = 1
        for end in (left, right):
            if end not in (a, b):
                times *= graph.nodes[end]["stands_for"]
        flow.add_edge(left, right, capacity=data["cables"] * times)
    disjoint = int(nx.maximum_flow_value(flow, a, b))
    levels = nx.single_source_shortest_path_length(graph, a)
    counts = {a: 1}
    for unit in sorted(levels, key=lambda u: levels[u]):
        if unit == a:
            continue
        counts[unit] = sum(
            counts[before] * (1 if before == a else graph.nodes[before]["stands_for"])
            for before in graph[unit]
            if levels.get(before) == levels[unit] - 1
        )
    return disjoint, counts[b]
