"""The drawing folded by its symmetry: a small graph whose cuts equal those of the full one.

Members of an array that no link names singly are interchangeable, and so are the chips, hosts
and NICs of a rack. A maximum flow can be averaged over such permutations without losing value,
so interchangeable nodes merge into one with summed capacities and every cut between merged sets
stays exact. Elements drawn one by one merge as well (`fold_twins`), and before a flow is computed
whatever colour refinement cannot tell apart (Grohe, Kersting, Mladenov, Selman, "Dimension reduction via colour refinement", 2014: the
solutions of a linear programme, and a flow is one, fold along an equitable partition).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import networkx as nx
import numpy as np

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.scenario.design import Design
from engine.topology.elements import Element, Endpoint, Link
from engine.topology.expand import Cable, cable_of, expand

CHIP, HOST, SWITCH, NIC = 0, 1, 2, 3  # kinds of engine.topology.expand.KIND_CODE


class Part(NamedTuple):
    """Interchangeable nodes: one kind inside one element, of some of its members.

    `member` is the number of a singled-out member or -1 for the rest; `side` splits the rest in
    halves (0 and 1), for cuts through the middle of an array.
    """

    element: str
    kind: int
    member: int
    side: int


class Inside(NamedTuple):
    """One member of an element, of a rack one domain: nodes by kind, capacity between kinds."""

    nodes: dict[int, int]
    links: dict[tuple[int, int], float]  # one direction, bytes/s of all together
    port: int  # kind that carries the drawn links
    domains: int  # such pieces a member


Split = Callable[[Element, int], list[tuple[int, int]]]  # members without a name -> (side, count)


def whole(_: Element, count: int) -> list[tuple[int, int]]:
    """Keeps all unnamed members of an array together."""
    return [(0, count)]


def halves(_: Element, count: int) -> list[tuple[int, int]]:
    """Splits the unnamed members of an array into two halves."""
    first = (count + 1) // 2
    return [(0, first), (1, count - first)] if count > first else [(0, first)]


class Drawing:
    """A design with what is asked of it again and again: specs, insides, singled-out members."""

    def __init__(self, design: Design, catalog: Catalog) -> None:
        self.design = design
        self.catalog = catalog
        self.elements = {element.id: element for element in design.elements}
        self.named: dict[str, set[int]] = defaultdict(set)
        for link in design.links:
            for end in (link.a, link.b):
                if end.member >= 0:
                    self.named[end.element].add(end.member)
        self._links_of: dict[str, list[Link]] = defaultdict(list)
        for link in design.links:
            for name in {link.a.element, link.b.element}:
                self._links_of[name].append(link)
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

    def parts(self, element: Element, split: Split) -> Iterator[tuple[int, int, int]]:
        """(member, side, pieces) of an element's classes of members; a rack counts its domains."""
        named = sorted(self.named.get(element.id, ()))
        domains = self.inside(element).domains
        for member in named:
            yield member, 0, domains
        rest = (element.count - len(named)) * domains
        if rest:
            for side, count in split(element, rest):
                yield -1, side, count

    def flow_graph(self, split: Split = whole) -> nx.Graph:
        """Parts as nodes (`members`, `nodes`), capacities in bytes/s as edges; do not change it.

        Args:
            split: how the unnamed members of an array are divided.
        """
        if split in self._graphs:
            return self._graphs[split]
        graph = nx.Graph()
        for element in self.design.elements:
            inside = self.inside(element)
            for member, side, count in self.parts(element, split):
                for kind, nodes in inside.nodes.items():
                    graph.add_node(
                        Part(element.id, kind, member, side), members=count, nodes=nodes * count
                    )
                for (a, b), capacity in inside.links.items():
                    ends = (Part(element.id, a, member, side), Part(element.id, b, member, side))
                    _add(graph, *ends, capacity * count)
        for link in self.design.links:
            first, second = self.elements[link.a.element], self.elements[link.b.element]
            rate = self.cable(link).bytes_per_s * link.count
            for from_part, from_share in self._ends(first, link.a, split):
                for to_part, to_share in self._ends(second, link.b, split):
                    _add(graph, from_part, to_part, rate * from_share * to_share)
        self._graphs[split] = graph
        return graph

    def _ends(self, element: Element, end: Endpoint, split: Split) -> Iterator[tuple[Part, float]]:
        """Parts that carry a link's end, with the members each stands for."""
        inside = self.inside(element)
        for member, side, count in self.parts(element, split):
            if end.member < 0 or end.member == member:
                yield Part(element.id, inside.port, member, side), count / inside.domains


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
    links: dict[tuple[int, int], float] = {}
    source, target = fabric.node_kind[fabric.link_source], fabric.node_kind[fabric.link_target]
    for a in nodes:
        for b in nodes:
            rows = (source == a) & (target == b)
            if a < b and rows.any():
                links[a, b] = float(fabric.link_bytes_per_s[rows].sum()) / domains
    port = next(iter(nodes)) if len(nodes) == 1 else NIC if NIC in nodes else HOST
    return Inside(nodes, links, port, domains)


def folded_flow(graph: nx.Graph, sources: set[Part], targets: set[Part]) -> float:
    """The maximum flow between two sets of parts in bytes/s; 0 where they do not meet."""
    if not sources or not targets:
        return 0.0
    small = _fold(graph, sources, targets)
    if not nx.has_path(small, "source", "target"):
        return 0.0
    value: float = nx.maximum_flow_value(small, "source", "target")
    return float(value)


def _fold(graph: nx.Graph, sources: set[Part], targets: set[Part]) -> nx.Graph:
    """Merges what colour refinement cannot tell apart; sources and targets become two nodes."""
    order = {node: i for i, node in enumerate(graph)}
    ends = np.array([(order[a], order[b]) for a, b in graph.edges], np.int64).reshape(-1, 2)
    capacity = np.array([c for _, _, c in graph.edges(data="capacity")])
    start = np.array([1 if n in sources else 2 if n in targets else 0 for n in order])
    colour = _refine(start, ends, capacity)
    merged = nx.Graph()
    for side, name in ((1, "source"), (2, "target")):
        merged.add_node(name)
        colour = np.where(start == side, -side, colour)
    names = {-1: "source", -2: "target"}
    for (a, b), value in zip(colour[ends], capacity, strict=True):
        if a == b:
            continue
        left, right = names.get(int(a), int(a)), names.get(int(b), int(b))
        if merged.has_edge(left, right):
            merged[left][right]["capacity"] += float(value)
        else:
            merged.add_edge(left, right, capacity=float(value))
    return merged


def _refine(start: np.ndarray, ends: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Stable colours of nodes: equal colours see equal summed capacities to every colour."""
    colour = np.unique(start, return_inverse=True)[1]
    if not len(ends):
        return colour
    weight = np.unique(capacity, return_inverse=True)[1].astype(np.uint64)
    both = np.concatenate([ends, ends[:, ::-1]])
    weights = np.concatenate([weight, weight])
    classes = len(np.unique(colour))
    while True:
        seen = np.zeros(len(start), np.uint64)
        hashed = _hash(colour.astype(np.uint64)[both[:, 1]] * np.uint64(0x9E3779B1) + weights)
        np.add.at(seen, both[:, 0], hashed)
        pairs = np.column_stack([colour.astype(np.uint64), seen])
        colour = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
        now = len(np.unique(colour))
        if now == classes:
            return colour
        classes = now


def _hash(value: np.ndarray) -> np.ndarray:
    """SplitMix64 finaliser: sums of hashes stand for multisets."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = value ^ (value >> np.uint64(31))
    return mixed
