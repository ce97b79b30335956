"""What holds together, and what single loss breaks it.

The graph has one node a device or rack; of interchangeable members of an array three stand for
all, as a fourth changes neither components nor cut points.
"""

from typing import NamedTuple

import msgspec
import networkx as nx

from engine.analysis.quotient import Drawing
from engine.catalog.devices import DeviceKind
from engine.topology.elements import Element, Endpoint

STAND_INS = 3
NAMES = 20  # devices named per weak point

_BEARING = frozenset({DeviceKind.CHIP, DeviceKind.RACK})


class Unit(NamedTuple):
    """One device or rack of the drawing; `member` -1 - i is the i-th stand-in of the unnamed."""

    element: str
    member: int


class WeakPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A device or cable whose loss cuts chips off; `cut_off` names what loses its way."""

    subject: str  # element or link id
    name: str
    kind: str  # device | cable | inside
    cut_off: tuple[str, ...]
    chips: int  # chips cut off from the larger part or from all clients


class Connectivity(msgspec.Struct, frozen=True, kw_only=True):
    """The connected parts of a drawing, largest first, by element name."""

    connected: bool
    parts: tuple[tuple[str, ...], ...]


def unit_graph(drawing: Drawing) -> nx.Graph:
    """Devices and racks as nodes (`stands_for` members), links as edges (`cables`, `links`)."""
    graph = nx.Graph()
    for element in drawing.design.elements:
        for unit, stands_for in _units(drawing, element, -1):
            graph.add_node(unit, stands_for=stands_for)
    for link in drawing.design.links:
        a, b = drawing.elements[link.a.element], drawing.elements[link.b.element]
        for unit_a in _end_units(drawing, a, link.a):
            for unit_b in _end_units(drawing, b, link.b):
                if graph.has_edge(unit_a, unit_b):
                    graph[unit_a][unit_b]["cables"] += link.count
                else:
                    graph.add_edge(unit_a, unit_b, cables=link.count, link=link.id)
    return graph


def _units(drawing: Drawing, element: Element, member: int) -> list[tuple[Unit, int]]:
    named = sorted(drawing.named.get(element.id, ()))
    if member >= 0:
        return [(Unit(element.id, member), 1)]
    rest = element.count - len(named)
    stand_ins = min(rest, STAND_INS)
    units = [(Unit(element.id, number), 1) for number in named]
    rows = range(stand_ins)
    return units + [(Unit(element.id, -1 - i), 1 if i else rest - stand_ins + 1) for i in rows]


def _end_units(drawing: Drawing, element: Element, end: Endpoint) -> list[Unit]:
    return [unit for unit, _ in _units(drawing, element, end.member)]


def connectivity(drawing: Drawing, graph: nx.Graph) -> Connectivity:
    """Connected parts of the drawing; an empty drawing is connected."""
    parts = []
    for component in nx.connected_components(graph):
        names = {drawing.elements[unit.element].name for unit in component}
        parts.append((len(component), tuple(sorted(names))))
    parts.sort(key=lambda part: (-part[0], part[1]))
    return Connectivity(connected=len(parts) <= 1, parts=tuple(names for _, names in parts))


class _Side(NamedTuple):
    """What lies on one side of a cut."""

    chips: int
    clients: int
    names: tuple[str, ...]


def weak_points(drawing: Drawing, graph: nx.Graph) -> tuple[WeakPoint, ...]:
    """Single points of failure: devices, single cables, and single-plane insides of racks.

    A loss counts where chips no longer reach most of the other chips, or any client. One walk
    over the tree of blocks and cut devices answers for all of them.
    """
    cuts = set(nx.articulation_points(graph))
    blocks = [frozenset(block) for block in nx.biconnected_components(graph)]
    tree = nx.Graph()
    for i, block in enumerate(blocks):
        tree.add_node(i)
        tree.add_edges_from((i, unit) for unit in block & cuts)
    found = []
    for start in [next(iter(part)) for part in nx.connected_components(tree)]:
        found += _weak_in_tree(drawing, graph, tree, blocks, cuts, start)
    found += _inside(drawing)
    unique = {(point.subject, point.kind, point.chips): point for point in found}
    return tuple(sorted(unique.values(), key=lambda point: (-point.chips, point.name)))


def _weak_in_tree(
    drawing: Drawing,
    graph: nx.Graph,
    tree: nx.Graph,
    blocks: list[frozenset[Unit]],
    cuts: set[Unit],
    start: int | Unit,
) -> list[WeakPoint]:
    order = list(nx.dfs_preorder_nodes(tree, start))
    parent = {child: above for above, child in nx.dfs_edges(tree, start)}
    own = {
        node: _side(drawing, graph, blocks[node] - cuts if isinstance(node, int) else {node})
        for node in order
    }
    below = dict(own)
    for node in reversed(order[1:]):
        below[parent[node]] = _joined(below[parent[node]], below[node])
    whole = below[order[0]]
    found = []
    for node in order:
        if isinstance(node, int):
            found += _weak_cable(drawing, graph, blocks[node], node, parent, below, whole)
            continue
        sides = [below[child] for child in tree[node] if parent.get(child) == node]
        if node in parent:
            sides.append(_rest(whole, below[node]))
        found += _weak(drawing, sides, whole, node.element, _name(drawing, node), "device")
    return found


def _weak_cable(
    drawing: Drawing,
    graph: nx.Graph,
    block: frozenset[Unit],
    node: int,
    parent: dict[int | Unit, int | Unit],
    below: dict[int | Unit, _Side],
    whole: _Side,
) -> list[WeakPoint]:
    """A block of two devices is a bridge; of one cable it is a weak point."""
    if len(block) != 2:
        return []
    a, b = sorted(block)
    if graph[a][b]["cables"] != 1:
        return []
    inner = b if parent.get(node) == a else a
    side = below[inner] if inner in below else _side(drawing, graph, {inner})
    name = f"{_name(drawing, a)} to {_name(drawing, b)}"
    return _weak(drawing, [side, _rest(whole, side)], whole, graph[a][b]["link"], name, "cable")


def _weak(
    drawing: Drawing, sides: list[_Side], whole: _Side, subject: str, name: str, kind: str
) -> list[WeakPoint]:
    """The weak point of a cut, if it takes chips from the best side left, or all clients away."""
    served = whole.clients > 0
    sides = sorted(sides, key=lambda side: (side.clients > 0 or not served, side.chips))
    best = sides.pop()
    lost = [side for side in sides if side.chips]
    if served and not best.clients:
        lost.append(best)
    chips = sum(side.chips for side in lost)
    if not chips:
        return []
    names = tuple(dict.fromkeys(name for side in lost for name in side.names))
    return [WeakPoint(subject=subject, name=name, kind=kind, cut_off=names[:NAMES], chips=chips)]


def _side(drawing: Drawing, graph: nx.Graph, units: frozenset[Unit] | set[Unit]) -> _Side:
    names = tuple(sorted({_name(drawing, unit) for unit in units})[:NAMES])
    clients = sum(_is_client(drawing, unit) for unit in units)
    return _Side(_chips(drawing, graph, units), clients, names)


def _joined(a: _Side, b: _Side) -> _Side:
    return _Side(a.chips + b.chips, a.clients + b.clients, (*a.names, *b.names)[:NAMES])


def _rest(whole: _Side, side: _Side) -> _Side:
    """The other side of a cut; a removed device itself carries no chips of either side."""
    return _Side(whole.chips - side.chips, whole.clients - side.clients, ("the rest",))


def _is_client(drawing: Drawing, unit: Unit) -> bool:
    return drawing.elements[unit.element].kind is DeviceKind.CLIENT


def _chips(drawing: Drawing, graph: nx.Graph, part: frozenset[Unit] | set[Unit]) -> int:
    total = 0
    for unit in part:
        element = drawing.elements[unit.element]
        if element.kind in _BEARING:
            total += graph.nodes[unit]["stands_for"] * drawing.chips(element)
    return total


def _name(drawing: Drawing, unit: Unit) -> str:
    element = drawing.elements[unit.element]
    return f"{element.name} {unit.member}" if unit.member >= 0 else element.name


def _inside(drawing: Drawing) -> list[WeakPoint]:
    """Racks whose scale-up domain hangs on one switch plane."""
    found = []
    for element in drawing.design.elements:
        rack = drawing.spec(element).rack
        if rack is not None and rack.fabric == "switched" and rack.planes == 1:
            found.append(
                WeakPoint(
                    subject=element.id,
                    name=f"{element.name}: the only scale-up switch of a domain",
                    kind="inside",
                    cut_off=(f"{rack.chips_per_domain} chips lose their domain",),
                    chips=rack.chips_per_domain,
                )
            )
    return found
