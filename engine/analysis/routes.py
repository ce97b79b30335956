"""Where traffic goes without a run: distances, equal-cost ways and the load of an all-to-all.

Everything is asked on classes split by `stand_ins`: the first piece of every array is alone, so
what it sees of all other classes is what each member of the array sees. Chips of one domain are
told apart nowhere; what runs inside a domain is known in closed form and added by the caller.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from engine.analysis.flows import F8, Arcs, flow_arcs
from engine.analysis.quotient import CHIP, Classes, Drawing, Part, stand_ins
from engine.topology.expand import Tier

MAX_STARTS = 512  # beyond, so many classes of chips in drawing order stand for all
_SHOWN = 12  # links in the list of loads
_CHUNK = 64  # starts whose shares are held at once

B = NDArray[np.bool_]


class Routes(NamedTuple):
    """Distances between classes of chips, rows by the alone ones and columns by all classes."""

    classes: Classes
    arcs: Arcs
    cost_ps: F8  # [arcs] at least 1, whole
    chips: tuple[Part, ...]  # classes of chips
    starts: tuple[Part, ...]  # those of them that are measured from
    exact: bool  # whether these are all
    hops: F8  # [starts, chips] links crossed, infinite where there is no way
    latency_ps: F8  # [starts, chips] one way


def routes_of(drawing: Drawing) -> Routes:
    """Distances between all chips outside each other's domain."""
    classes = drawing.classes(stand_ins)
    arcs = flow_arcs(classes)
    delay = np.repeat([row.latency_s for row in classes.rows], 2)
    cost_ps = np.maximum(np.rint(delay * 1e12), 1.0)
    chips = tuple(part for part in classes.nodes if part.kind == CHIP)
    alone = tuple(part for part in chips if part.side == 0)
    starts = alone[:MAX_STARTS]
    rows = np.array([arcs.sends[part] for part in starts], np.int64)
    columns = np.array([arcs.receives[part] for part in chips], np.int64)
    empty = np.empty((len(rows), len(columns)))
    if not len(rows):
        return Routes(classes, arcs, cost_ps, chips, starts, True, empty, empty)
    near = _matrix(arcs, cost_ps, reverse=False)
    hops = dijkstra(near, unweighted=True, indices=rows)[:, columns]
    late = dijkstra(near, indices=rows)[:, columns]
    return Routes(classes, arcs, cost_ps, chips, starts, len(starts) == len(alone), hops, late)


def _matrix(arcs: Arcs, cost: F8, *, reverse: bool) -> csr_array:
    """The least cost between two nodes; a sum of parallel arcs would be wrong."""
    tail, head = (arcs.target, arcs.source) if reverse else (arcs.source, arcs.target)
    live = arcs.capacity > 0
    keys = (tail * arcs.nodes + head)[live]
    order = np.lexsort((cost[live], keys))
    _, first = np.unique(keys[order], return_index=True)
    kept = order[first]
    ends = tail[live][kept], head[live][kept]
    return csr_array((cost[live][kept], ends), shape=(arcs.nodes, arcs.nodes))


def unreachable_pairs(routes: Routes) -> float:
    """Ordered pairs of chips with no way between them, domains' insides aside."""
    nodes = routes.classes.nodes
    size = np.array([nodes[part] for part in routes.chips])
    lost = 0.0
    for i, part in enumerate(routes.starts):
        missing = ~np.isfinite(routes.hops[i]) & _others(routes, part)
        lost += float(size[missing].sum()) * members(routes, part)
    return lost


def members(routes: Routes, part: Part) -> float:
    """Chips of the whole class that an alone one stands for."""
    nodes = routes.classes.nodes
    return sum(nodes.get(part._replace(side=side), 0.0) for side in range(3))


def _others(routes: Routes, part: Part) -> B:
    """Classes of chips other than an alone one."""
    return np.array([chip != part for chip in routes.chips], bool)


class LinkLoad(msgspec.Struct, frozen=True, kw_only=True):
    """Equal links and the share of their capacity that an all-to-all at full speed takes."""

    subject: str  # id of a drawn link, or of an element for links inside it
    inside: bool
    share: float


class AllToAll(msgspec.Struct, frozen=True, kw_only=True):
    """Every chip sends to every other at one rate, over equal-cost shortest ways.

    `bytes_per_s` is what each chip sends in total when the fullest link is just full;
    `between_bytes_per_s` the same with links inside domains without limit.
    """

    bytes_per_s: float
    between_bytes_per_s: float | None
    bottleneck: str  # id of the drawn link, or of the element inside which it lies
    load: tuple[LinkLoad, ...]  # highest first


def all_to_all(routes: Routes) -> AllToAll | None:
    """The uniform all-to-all; None where chips cannot reach each other or there are not two."""
    chips = sum(routes.classes.nodes[part] for part in routes.chips)
    if chips < 2 or unreachable_pairs(routes) or not routes.exact:
        return None
    carried = np.zeros(len(routes.arcs.source))
    for first in range(0, len(routes.starts), _CHUNK):
        carried += _towards(routes, routes.starts[first : first + _CHUNK])
    carried += _inside(routes)
    load, capacity, inner = _pooled(routes, carried / (chips - 1))
    taken = load / capacity
    if not taken.size or taken.max() <= 0:
        return None
    per_name: dict[tuple[str, bool], float] = {}
    for (name, inside, *_), value in zip(inner, taken.tolist(), strict=True):
        per_name[name, inside] = max(per_name.get((name, inside), 0.0), value)
    order = sorted(per_name, key=lambda key: -per_name[key])
    rate = 1.0 / float(taken.max())
    outer = max((v for (_, inside), v in per_name.items() if not inside), default=0.0)
    return AllToAll(
        bytes_per_s=rate,
        between_bytes_per_s=1.0 / outer if outer else None,
        bottleneck=order[0][0],
        load=tuple(
            LinkLoad(subject=key[0], inside=key[1], share=per_name[key] * rate)
            for key in order[:_SHOWN]
        ),
    )


_Key = tuple[str, bool, int, int, int, int, int]


def _pooled(routes: Routes, carried: F8) -> tuple[F8, F8, list[_Key]]:
    """Loads and capacities summed over links that the symmetry cannot tell apart."""
    number: dict[_Key, int] = {}
    places = []
    for row in routes.classes.rows:
        name, inside = row.drawn or row.a.element, not row.drawn and row.tier is Tier.SCALE_UP
        own = (row.a.member, row.a.kind, row.b.member, row.b.kind)
        places += [number.setdefault((name, inside, *own, way), len(number)) for way in (0, 1)]
    load = np.bincount(places, carried, len(number)).astype(np.float64)
    capacity = np.bincount(places, routes.arcs.capacity, len(number)).astype(np.float64)
    return load, capacity, list(number)


def _inside(routes: Routes) -> F8:
    """[arcs] what chips of one domain send each other, on the scale-up links between them."""
    carried = np.zeros(len(routes.arcs.source))
    for i, row in enumerate(routes.classes.rows):
        size = routes.classes.nodes[row.a] / routes.classes.pieces[row.a]
        if row.drawn or row.tier is not Tier.SCALE_UP or row.a.kind != CHIP or size < 2:
            continue
        pairs = routes.classes.nodes[row.a] * (size - 1)
        carried[2 * i : 2 * i + 2] = pairs / 2 if row.b.kind == CHIP else pairs
    return carried


def _towards(routes: Routes, targets: tuple[Part, ...]) -> F8:
    """[arcs] bytes carried while every other chip sends one byte to each chip of the classes.

    At each node traffic divides over the tight next hops in proportion to their capacity. Loads
    are weighted by the members that each target stands for.
    """
    arcs, nodes = routes.arcs, routes.classes.nodes
    goals = np.array([arcs.receives[part] for part in targets], np.int64)
    back = _matrix(arcs, routes.cost_ps, reverse=True)
    far = dijkstra(back, indices=goals)
    here, there = far[:, arcs.source], far[:, arcs.target]
    with np.errstate(invalid="ignore"):
        tight = np.isfinite(here) & (here == there + routes.cost_ps) & (arcs.capacity > 0)
    share = tight * arcs.capacity
    out = csr_array(
        (np.ones(len(arcs.source)), (np.arange(len(arcs.source)), arcs.source)),
        shape=(len(arcs.source), arcs.nodes),
    )
    into = csr_array(
        (np.ones(len(arcs.source)), (np.arange(len(arcs.source)), arcs.target)),
        shape=(len(arcs.source), arcs.nodes),
    )
    total = share @ out
    share /= np.where(total > 0, total, 1.0)[:, arcs.source]
    waiting = np.zeros((len(targets), arcs.nodes))
    for i, part in enumerate(targets):
        weight = members(routes, part) / nodes[part]
        for chip in routes.chips:
            if chip != part:
                waiting[i, arcs.sends[chip]] = nodes[chip] * nodes[part] * weight
    carried = np.zeros(len(arcs.source))
    while waiting.any():
        moved = waiting[:, arcs.source] * share
        carried += moved.sum(axis=0)
        waiting = moved @ into
        waiting[np.arange(len(targets)), goals] = 0.0
    return carried


def equal_ways(routes: Routes, start: Part, end: Part) -> int:
    """Shortest ways by hops between two chips of different domains, by devices passed."""
    arcs, nodes = routes.arcs, routes.classes.nodes
    ones = np.ones(len(arcs.source))
    graph = _matrix(arcs, ones, reverse=False)
    far = dijkstra(graph, unweighted=True, indices=arcs.sends[start])
    size = np.ones(arcs.nodes)
    for part, number in nodes.items():
        size[[arcs.sends[part], arcs.receives[part]]] = number
    links = np.repeat([row.links for row in routes.classes.rows], 2)
    tight = (arcs.capacity > 0) & (far[arcs.source] + 1 == far[arcs.target])
    count = np.zeros(arcs.nodes)
    count[arcs.sends[start]] = 1.0 / nodes[start]
    for level in range(1, int(far[arcs.receives[end]]) + 1):
        arc = tight & (far[arcs.target] == level)
        ways = count[arcs.source[arc]] * links[arc] / size[arcs.target[arc]]
        np.add.at(count, arcs.target[arc], ways)
    return round(float(count[arcs.receives[end]]))
