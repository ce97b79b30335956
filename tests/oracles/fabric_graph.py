"""Slow twins of the analysis: the drawing unfolded node by node, asked in plain Python."""

import heapq
from collections import defaultdict

import networkx as nx

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.topology.expand import Fabric, expand

CHIP = 0
RELAYS = (1, 2, 3)  # hosts, switches, NICs


class FlatFabric:
    """Every node and link of a design; chips, storage and clients never relay."""

    def __init__(self, design: Design, catalog: Catalog) -> None:
        self.fabric: Fabric = expand(design.elements, design.links, catalog)
        self.kind = self.fabric.node_kind.tolist()
        self.chips = [n for n, kind in enumerate(self.kind) if kind == CHIP]
        self.links = list(
            zip(
                self.fabric.link_source.tolist(),
                self.fabric.link_target.tolist(),
                self.fabric.link_bytes_per_s.tolist(),
                [max(1, round(late * 1e12)) for late in self.fabric.link_latency_s.tolist()],
                strict=True,
            )
        )
        self.into: dict[int, list[int]] = defaultdict(list)
        self.out: dict[int, list[int]] = defaultdict(list)
        for i, (source, target, _, _) in enumerate(self.links):
            self.out[source].append(i)
            self.into[target].append(i)

    def cost_to(self, goal: int, hops: bool) -> dict[int, int]:
        """The least cost from every node to one: picoseconds or links."""
        known: dict[int, int] = {}
        heap = [(0, goal)]
        while heap:
            cost, node = heapq.heappop(heap)
            if node in known:
                continue
            known[node] = cost
            if node != goal and self.kind[node] not in RELAYS:
                continue
            for i in self.into[node]:
                source, _, _, late = self.links[i]
                heapq.heappush(heap, (cost + (1 if hops else late), source))
        return known

    def farthest(self, hops: bool) -> tuple[int, int]:
        """The largest cost between two chips that can talk, and ordered pairs that cannot."""
        worst, missing = -1, 0
        for goal in self.chips:
            known = self.cost_to(goal, hops)
            others = [known.get(chip) for chip in self.chips if chip != goal]
            worst = max([worst, *(cost for cost in others if cost is not None)])
            missing += sum(cost is None for cost in others)
        return worst, missing

    def all_to_all(self) -> tuple[list[float], float]:
        """Load of every link while each chip sends one byte in all, and the rate that fills one."""
        load = [0.0] * len(self.links)
        for goal in self.chips:
            known = self.cost_to(goal, hops=False)
            waiting = {chip: 1.0 for chip in self.chips if chip != goal}
            for node in sorted(known, key=lambda n: -known[n]):
                amount = waiting.get(node, 0.0)
                if node == goal or not amount:
                    continue
                tight = [
                    i
                    for i in self.out[node]
                    if (self.links[i][1] == goal or self.kind[self.links[i][1]] in RELAYS)
                    and known.get(self.links[i][1], -1) + self.links[i][3] == known[node]
                    and self.links[i][1] in known
                ]
                total = sum(self.links[i][2] for i in tight)
                for i in tight:
                    part = amount * self.links[i][2] / total
                    load[i] += part / (len(self.chips) - 1)
                    waiting[self.links[i][1]] = waiting.get(self.links[i][1], 0.0) + part
        return load, min(
            (
                rate / amount
                for amount, (_, _, rate, _) in zip(load, self.links, strict=True)
                if amount
            ),
            default=float("inf"),
        )

    def flow(
        self,
        sources: set[int],
        targets: set[int],
        gone_nodes: frozenset[int] = frozenset(),
        gone: dict[int, float] | None = None,
    ) -> float:
        """The maximum flow between two sets of nodes.

        Args:
            sources: nodes that send.
            targets: nodes that receive.
            gone_nodes: nodes that failed.
            gone: bytes/s that failed of links.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from(["s", "t"])
        for i, (a, b, rate, _) in enumerate(self.links):
            left = rate - (gone or {}).get(i, 0.0)
            if a in gone_nodes or b in gone_nodes or left <= 1e-6 * rate:
                continue
            ends = ("out", a), ("in" if self.kind[b] not in RELAYS else "out", b)
            old = graph.get_edge_data(*ends, {"capacity": 0.0})["capacity"]
            graph.add_edge(*ends, capacity=old + left)
        graph.add_edges_from(("s", ("out", node)) for node in sources)
        graph.add_edges_from(
            (("in" if self.kind[node] not in RELAYS else "out", node), "t") for node in targets
        )
        return float(nx.maximum_flow_value(graph, "s", "t"))

    def largest_group(
        self, gone_nodes: frozenset[int] = frozenset(), gone_links: frozenset[int] = frozenset()
    ) -> int:
        """Chips on the joined relays that most chips hang on."""
        graph = nx.Graph()
        edges = []
        for i, (a, b, _, _) in enumerate(self.links):
            if i in gone_links or a in gone_nodes or b in gone_nodes:
                continue
            edges.append((a, b))
            if self.kind[a] in RELAYS and self.kind[b] in RELAYS:
                graph.add_edge(a, b)
            graph.add_nodes_from(n for n in (a, b) if self.kind[n] in RELAYS)
        label = {n: i for i, part in enumerate(nx.connected_components(graph)) for n in part}
        groups: dict[int, set[int]] = defaultdict(set)
        for a, b in edges:
            for chip, relay in ((a, b), (b, a)):
                if self.kind[chip] == CHIP and relay in label:
                    groups[label[relay]].add(chip)
        return max((len(group) for group in groups.values()), default=0)

    def nodes_of(self, design: Design, element: str) -> list[int]:
        """Nodes of a drawn element, member by member."""
        owner = next(i for i, e in enumerate(design.elements) if e.id == element)
        return [n for n, o in enumerate(self.fabric.node_element.tolist()) if o == owner]
