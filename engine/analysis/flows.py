"""The maximum flow between two sets of classes, folded further by colour refinement.

Chips, storage and clients are ends: traffic starts or stops there and never passes through, as
in a run. A maximum flow is a linear programme and folds along an equitable partition (Grohe,
Kersting, Mladenov, Selman, "Dimension reduction via colour refinement", 2014), so classes that
colour refinement cannot tell apart merge before the flow is computed.
"""

from typing import NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from engine.analysis.quotient import RELAYS, Classes, Part

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U8 = NDArray[np.uint64]

_SMALL = 24  # merged nodes up to which networkx' flow on floats is fast enough
_UNITS = 1 << 30  # whole units that the largest flow is divided into beyond


class Arcs(NamedTuple):
    """Directed arcs between nodes; an end has two nodes, where it sends and where it receives.

    Arcs come in pairs: 2i runs along row i of the classes from `a` to `b`, 2i + 1 back.
    """

    sends: dict[Part, int]
    receives: dict[Part, int]
    nodes: int
    source: I8  # [arcs]
    target: I8  # [arcs]
    capacity: F8  # [arcs] bytes/s of all flat links together


def flow_arcs(classes: Classes) -> Arcs:
    """The arcs of all rows, both directions."""
    sends: dict[Part, int] = {}
    receives: dict[Part, int] = {}
    count = 0
    for part in classes.nodes:
        sends[part] = count
        receives[part] = count if part.kind in RELAYS else count + 1
        count = receives[part] + 1
    source = [node for r in classes.rows for node in (sends[r.a], sends[r.b])]
    target = [node for r in classes.rows for node in (receives[r.b], receives[r.a])]
    capacity = np.repeat([r.links * r.bytes_per_s for r in classes.rows], 2)
    ends = np.array(source, np.int64), np.array(target, np.int64)
    return Arcs(sends, receives, count, *ends, capacity)


def max_flow_between(
    arcs: Arcs, sources: set[Part], targets: set[Part], capacity: F8 | None = None
) -> float:
    """The maximum flow between two sets of parts in bytes/s; 0 where they do not meet.

    Args:
        arcs: of the classes that the parts belong to.
        sources: parts that send.
        targets: parts that receive.
        capacity: [arcs] what is left of the capacities after a loss; all of it by default.
    """
    if not sources or not targets:
        return 0.0
    left = arcs.capacity if capacity is None else capacity
    start = np.zeros(arcs.nodes, np.int64)
    start[[arcs.sends[part] for part in sources]] = 1
    start[[arcs.receives[part] for part in targets]] = 2
    useful = (left > 0) & (start[arcs.target] != 1) & (start[arcs.source] != 2)
    tail, head, rate = arcs.source[useful], arcs.target[useful], left[useful]
    colour = refine(start, tail, head, rate)
    colour = np.where(start == 0, colour + 2, start - 1)
    names, number = np.unique(np.concatenate([[0, 1], colour]), return_inverse=True)
    number = number.reshape(-1)[2:]
    merged = csr_array(
        (rate, (number[tail], number[head])), shape=(len(names), len(names))
    )  # sums what runs between the same two
    return _flow(merged)


def _flow(merged: csr_array) -> float:
    """The maximum flow from node 0 to node 1."""
    merged.setdiag(0.0)
    merged.eliminate_zeros()
    reached = breadth_first_order(merged, 0, return_predecessors=False)
    if 1 not in reached:
        return 0.0
    if merged.shape[0] <= _SMALL:
        table = merged.tocoo()
        graph = nx.DiGraph()
        ends = zip(table.row.tolist(), table.col.tolist(), table.data.tolist(), strict=True)
        graph.add_weighted_edges_from(ends, weight="capacity")
        return float(nx.maximum_flow_value(graph, 0, 1))
    return _flow_of_units(merged)


def _flow_of_units(merged: csr_array) -> float:
    """The least cut of the capacities rounded to whole units, with its exact capacity."""
    most = min(float(merged[[0], :].sum()), float(merged[:, [1]].sum()))
    unit = most / _UNITS
    whole = merged.copy()
    whole.data = np.minimum(np.rint(merged.data / unit), _UNITS).astype(np.int32)
    flow = maximum_flow(whole, 0, 1, method="dinic").flow
    residual = csr_array(whole - flow)
    residual.eliminate_zeros()
    side = np.zeros(merged.shape[0], bool)
    side[breadth_first_order(residual, 0, return_predecessors=False)] = True
    table = merged.tocoo()
    return float(table.data[side[table.row] & ~side[table.col]].sum())


def refine(start: I8, tail: I8, head: I8, rate: F8) -> I8:
    """Stable colours: nodes of a colour see equal summed capacities to and from every colour.

    Capacities are summed before they are compared, so parallel arcs and one of their sum agree.
    """
    colour: I8 = np.unique(start, return_inverse=True)[1].reshape(-1).astype(np.int64)
    classes = int(colour.max(initial=0)) + 1
    nodes = len(start)
    ends = np.concatenate([tail, head])
    others = np.concatenate([head, tail])
    rates = np.concatenate([rate, rate])
    direction = np.repeat(np.array([0, 1], np.int64), len(tail))
    while len(tail):
        keys = (ends * classes + colour[others]) * 2 + direction
        pairs, place = np.unique(keys, return_inverse=True)
        sums = np.bincount(place.reshape(-1), rates)
        level = np.rint(np.log(sums) * 1e9).astype(np.int64).view(np.uint64)
        seen = np.zeros(nodes, np.uint64)
        np.add.at(seen, pairs // 2 // classes, _hash(level + _hash(_other(pairs, classes))))
        both = np.stack([colour.astype(np.uint64), seen], axis=1)
        colour = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        now = int(colour.max(initial=0)) + 1
        if now == classes:
            break
        classes = now
    return colour


def colours(classes: Classes, arcs: Arcs) -> dict[Part, int]:
    """Colours of classes: equal ones have equal numbers of nodes and equal surroundings."""
    start = np.zeros(arcs.nodes, np.int64)
    sizes = sorted({(part.kind, number) for part, number in classes.nodes.items()})
    place = {size: i for i, size in enumerate(sizes)}
    for part, number in classes.nodes.items():
        start[arcs.sends[part]] = start[arcs.receives[part]] = place[part.kind, number]
    colour = refine(start, arcs.source, arcs.target, arcs.capacity)
    return {part: int(colour[node]) for part, node in arcs.sends.items()}


def _other(pairs: I8, classes: int) -> U8:
    """Colour and direction of the other ends, as one number."""
    return (pairs % (2 * classes)).astype(np.uint64)


def _hash(value: U8) -> U8:
    """SplitMix64 finaliser: sums of hashes stand for multisets."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: U8 = value ^ (value >> np.uint64(31))
    return mixed
