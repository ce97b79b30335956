"""How far apart chips are, and over how many ways: hops, latency, disjoint and equal paths."""

import msgspec
import networkx as nx
import numpy as np

from engine.analysis.cuts import Unit
from engine.analysis.quotient import Drawing, Part
from engine.analysis.routes import Routes, equal_ways, unreachable_pairs
from engine.catalog.devices import DeviceKind

_BEARING = frozenset({DeviceKind.CHIP, DeviceKind.RACK})


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
    unreachable_pairs: int  # ordered pairs of chips of different domains without a way
    exact: bool


def distances(drawing: Drawing, graph: nx.Graph, routes: Routes) -> Distances | None:
    """Distances between chips; None where fewer than two chips can talk.

    Args:
        drawing: the folded drawing.
        graph: its units (`unit_graph`).
        routes: between its chips.
    """
    hops, latency_s = _inside_hops(drawing)
    pair: tuple[Part, Part] | None = None
    far = np.where(np.isfinite(routes.hops), routes.hops, -1.0)
    late = np.where(np.isfinite(routes.hops), routes.latency_ps, -1.0) * 1e-12
    place = {part: i for i, part in enumerate(routes.chips)}
    for i, start in enumerate(routes.starts):
        # inside a domain distances are known without a search
        far[i, place[start]] = late[i, place[start]] = -1.0
    if far.size and far.max() > hops:
        i, j = divmod(int(far.argmax()), far.shape[1])
        hops, pair = int(far[i, j]), (routes.starts[i], routes.chips[j])
    if late.size:
        latency_s = max(latency_s, float(late.max()))
    if hops <= 0:
        return None
    disjoint, equal = _inside_ways(drawing)
    if pair is not None:
        equal = equal_ways(routes, *pair)
        disjoint = _disjoint(drawing, graph, *pair)
    names = () if pair is None else tuple(drawing.elements[part.element].name for part in pair)
    return Distances(
        diameter_hops=hops,
        worst_latency_s=latency_s,
        farthest=names,
        disjoint_paths=disjoint,
        equal_paths=equal,
        unreachable_pairs=round(unreachable_pairs(routes)),
        exact=routes.exact,
    )


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


def _inside_ways(drawing: Drawing) -> tuple[int, int]:
    """Ways between two chips of the rack domain with the fewest planes."""
    racks = [drawing.spec(element).rack for element in drawing.design.elements]
    ways = [
        (rack.planes, rack.planes) if rack.fabric == "switched" else (rack.chips_per_domain - 1, 1)
        for rack in racks
        if rack is not None
    ]
    return min(ways, default=(0, 0))


def _disjoint(drawing: Drawing, graph: nx.Graph, start: Part, end: Part) -> int:
    """Ways without a common cable between the devices or racks of two chips.

    A device between the two ends is crossed by as many ways as it has cables; stand-ins carry
    the cables of those they stand for. Two domains of one rack share its cables.
    """
    a, b = _unit(start), _unit(end)
    if a == b and Unit(a.element, -2) in graph:
        b = Unit(a.element, -2)
    if a == b:
        domains = drawing.inside(drawing.elements[start.element]).domains
        cables = (d["cables"] * graph.nodes[o]["stands_for"] for o, d in graph[a].items())
        return int(sum(cables)) // domains
    flow = nx.Graph()
    flow.add_nodes_from((a, b))
    for left, right, data in graph.edges(data=True):
        between = [unit for unit in (left, right) if unit not in (a, b)]
        if any(drawing.elements[unit.element].kind in _BEARING for unit in between):
            continue  # no chip or rack relays for others
        times = 1
        for unit in between:
            times *= graph.nodes[unit]["stands_for"]
        flow.add_edge(left, right, capacity=data["cables"] * times)
    return int(nx.maximum_flow_value(flow, a, b))


def _unit(part: Part) -> Unit:
    return Unit(part.element, part.member if part.member >= 0 else -1)
