"""The drawing folded by its symmetry: classes of interchangeable nodes and the cables between.

Members of an array that no link names singly are interchangeable, and so are the chips, hosts
and NICs of a rack; elements drawn one by one merge as well (`fold_twins`). Each class stands for
its nodes, each row of cables for all cables between two classes. What is asked of these rows is
in the files beside: flows, routes, tiers, losses.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import networkx as nx
import numpy as np

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.scenario.design import Design
from engine.topology.elements import Element, Link
from engine.topology.expand import KIND_CODE, Cable, Tier, cable_of, expand

CHIP, HOST, SWITCH, NIC = (
    KIND_CODE[kind]
    for kind in (DeviceKind.CHIP, DeviceKind.HOST, DeviceKind.SWITCH, DeviceKind.NIC)
)
RELAYS = frozenset({HOST, SWITCH, NIC})  # what forwards in a run; chips and the rest are ends


class Part(NamedTuple):
    """Interchangeable nodes: one kind inside one element, of some of its members.

    `member` is the number of a singled-out member or -1 for the rest; `side` numbers the pieces
    that a `Split` cuts the rest into.
    """

    element: str
    kind: int
    member: int
    side: int


class Wire(NamedTuple):
    """Cables between two kinds inside one member of an element, of a rack one domain."""

    a: int
    b: int
    links: float  # flat links, each a bundle
    bytes_per_s: float  # of one such link, one direction
    latency_s: float
    tier: Tier


class Inside(NamedTuple):
    """One member of an element, of a rack one domain: nodes by kind and the cables between."""

    nodes: dict[int, int]
    wires: tuple[Wire, ...]
    port: int  # kind that carries the drawn links
    domains: int  # such pieces a member


class Row(NamedTuple):
    """All flat links between two classes: how many, and what each carries one way."""

    a: Part
    b: Part
    links: float
    bytes_per_s: float
    latency_s: float
    tier: Tier
    drawn: str  # id of the drawn link, "" inside a rack
    cables: float  # of one member on each side


# unnamed members of an array -> (side, count)
Split = Callable[[Element, int], list[tuple[int, int]]]


def whole(_: Element, count: int) -> list[tuple[int, int]]:
    """Keeps all unnamed members of an array together."""
    return [(0, count)]


def halves(_: Element, count: int) -> list[tuple[int, int]]:
    """Splits the unnamed members of an array into two halves."""
    first = (count + 1) // 2
    return [(0, first), (1, count - first)] if count > first else [(0, first)]


def stand_ins(_: Element, count: int) -> list[tuple[int, int]]:
    """One member alone, one beside it, and the rest: distances and losses stay exact."""
    sizes = [1, 1, count - 2] if count > 2 else [1] * count
    return list(enumerate(sizes))


class Classes(NamedTuple):
    """Classes in the order of the drawing, with the nodes and pieces of each, and their rows."""

    nodes: dict[Part, float]
    pieces: dict[Part, float]
    rows: list[Row]


class Drawing:
    """A design with what is asked of it again and again: specs, insides, singled-out members."""

    def __init__(self, design: Design, catalog: Catalog) -> None:
        self.design = design
        self.catalog = catalog
        self.elements = {element.id: element for element in design.elements}
        self.named: dict[str, set[int]] = defaultdict(set)
        self._links_of: dict[str, list[Link]] = defaultdict(list)
        for link in design.links:
            for end in (link.a, link.b):
                if end.member >= 0:
                    self.named[end.element].add(end.member)
            self._links_of[link.a.element].append(link)
            if link.b.element != link.a.element:
                self._links_of[link.b.element].append(link)
        self._insides: dict[tuple[str, str], Inside] = {}
        self._cables: dict[str, Cable] = {}
        self._graphs: dict[Split, nx.Graph] = {}

    def spec(self, element: Element) -> DeviceSpec:
        """The device of an element."""
        return self.catalog.device(element.spec)

    def cable(self, link: Link) -> Cable:
        """One cable of a link."""
        if link.id not in self._cables:
            a, b = self.elements[link.a.element], self.elements[link.b.element]
            self._cables[link.id] = cable_of(link, a, self.spec(a), b, self.spec(b))
        return self._cables[link.id]

    def links_of(self, element_id: str) -> list[Link]:
        """Links with an end at an element."""
        return self._links_of.get(element_id, [])

    def chips(self, element: Element) -> int:
        """Chips of one member of an element."""
        inside = self.inside(element)
        return inside.nodes.get(CHIP, 0) * inside.domains

    def inside(self, element: Element) -> Inside:
        """One member of an element, opened up; of a rack one of its equal domains."""
        key = (element.spec, repr(sorted(element.overrides.items())) if element.overrides else "")
        if key not in self._insides:
            self._insides[key] = _inside(element, self.catalog)
        return self._insides[key]

    def parts(self, element: Element, split: Split) -> list[tuple[int, int, int]]:
        """(member, side, pieces) of an element's classes of members; a rack counts its domains."""
        named = sorted(self.named.get(element.id, ()))
        domains = self.inside(element).domains
        found = [(member, 0, domains) for member in named]
        rest = (element.count - len(named)) * domains
        if rest:
            found += [(-1, side, count) for side, count in split(element, rest) if count]
        return found

    def classes(self, split: Split) -> Classes:
        """All classes and the rows of cables between them."""
        nodes: dict[Part, float] = {}
        pieces: dict[Part, float] = {}
        rows: list[Row] = []
        ends: dict[tuple[str, int], list[tuple[Part, float]]] = defaultdict(list)
        for element in self.design.elements:
            inside = self.inside(element)
            for member, side, count in self.parts(element, split):
                for kind, number in inside.nodes.items():
                    part = Part(element.id, kind, member, side)
                    nodes[part], pieces[part] = number * count, count
                for w in inside.wires:
                    a, b = (Part(element.id, kind, member, side) for kind in (w.a, w.b))
                    n = w.links * count
                    rows.append(Row(a, b, n, w.bytes_per_s, w.latency_s, w.tier, "", 1.0))
                port = Part(element.id, inside.port, member, side)
                ends[element.id, -1].append((port, count / inside.domains))
                if member >= 0:
                    ends[element.id, member].append((port, count / inside.domains))
        for link in self.design.links:
            rows += self._drawn_rows(link, ends, nodes)
        return Classes(nodes, pieces, rows)

    def _drawn_rows(
        self,
        link: Link,
        ends: dict[tuple[str, int], list[tuple[Part, float]]],
        nodes: dict[Part, float],
    ) -> Iterator[Row]:
        cable = self.cable(link)
        for a, share_a in ends[link.a.element, link.a.member]:
            for b, share_b in ends[link.b.element, link.b.member]:
                times = share_a * share_b
                flat = max(self._width(a), self._width(b)) * times
                rate = cable.bytes_per_s * link.count * times / flat
                yield Row(a, b, flat, rate, cable.latency_s, cable.tier, link.id, link.count)

    def _width(self, part: Part) -> int:
        inside = self.inside(self.elements[part.element])
        return inside.nodes[part.kind] * inside.domains

    def flow_graph(self, split: Split = whole) -> nx.Graph:
        """Parts as nodes, capacities in bytes/s as edges; do not change it."""
        if split not in self._graphs:
            graph = nx.Graph()
            classes = self.classes(split)
            graph.add_nodes_from(classes.nodes)
            for row in classes.rows:
                _add(graph, row.a, row.b, row.links * row.bytes_per_s)
            self._graphs[split] = graph
        return self._graphs[split]


def _add(graph: nx.Graph, a: Part, b: Part, capacity: float) -> None:
    if graph.has_edge(a, b):
        graph[a][b]["capacity"] += capacity
    else:
        graph.add_edge(a, b, capacity=capacity)


def _inside(element: Element, catalog: Catalog) -> Inside:
    single = Element(
        id=element.id,
        kind=element.kind,
        spec=element.spec,
        name=element.name,
        x=0.0,
        y=0.0,
        overrides=element.overrides,
    )
    fabric = expand((single,), (), catalog)
    rack = catalog.device(element.spec).rack
    domains = rack.domains if rack is not None else 1
    kinds, counts = np.unique(fabric.node_kind, return_counts=True)
    nodes = {int(k): int(n) // domains for k, n in zip(kinds, counts, strict=True)}
    source, target = fabric.node_kind[fabric.link_source], fabric.node_kind[fabric.link_target]
    wires = []
    for a in nodes:
        for b in nodes:
            rows = (source == a) & (target == b)
            if a > b or not rows.any():
                continue
            number = int(rows.sum()) / (2 if a == b else 1)
            wires.append(
                Wire(
                    a,
                    b,
                    number / domains,
                    float(fabric.link_bytes_per_s[rows].mean()),
                    float(fabric.link_latency_s[rows].max()),
                    Tier(int(fabric.link_class[rows][0])),
                )
            )
    port = next(iter(nodes)) if len(nodes) == 1 else NIC if NIC in nodes else HOST
    return Inside(nodes, tuple(wires), port, domains)
