"""Routes over the fabric: equal-cost shortest paths by latency, for one pair or for thousands.

Only switches, NICs and hosts relay; chips, storage and clients are ends. Distances are whole
picoseconds, so that equal paths are exactly equal. How a fabric uses equal paths is its `Routing`:

- spray: at each hop the traffic divides over the tight next hops in proportion to their capacity
  (the fluid limit of per-packet spraying while all planes and cables are whole);
- ecmp: a flow takes one of the n tight next hops of a node, number mix(key ^ node) modulo n, with
  key = mix over (seed, flow, source, target); mix is the finaliser of SplitMix64. Every cable is a
  link of its own then (`expand(..., split_cables=True)`), so that a flow has the rate of one cable.
  Planes of a scale-up fabric are sprayed under both rules: chips interleave memory over them.

There is no matrix of pairs: one search around the ends that many routes share (a client, a
storage) serves all of them, and each route is then walked over its own links only.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.design import Routing
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.kernels.routes import Found, Graph, Rule, Scratch, find_routes
from engine.sim.tables import FabricTables

HOP_PS = 1  # every hop costs at least this, so that zero-latency links cannot make loops

_RELAYS = (NodeKind.SWITCH, NodeKind.NIC, NodeKind.HOST)
_KEPT = 200_000  # routes of single pairs
_ROWS = 1 << 12  # links of routes that are found before more room is made

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
F8 = NDArray[np.float64]


class Route(NamedTuple):
    """Links that traffic between two nodes crosses and the share of the bytes on each."""

    links: I4
    shares: F8
    latency_s: float


class RouteTable(NamedTuple):
    """Many routes: route k has the rows start[k] to start[k + 1]; its links ascend."""

    start: I8  # [routes + 1]
    links: I4  # [rows]
    shares: F8  # [rows]
    latency_s: F8  # [routes] nan where there is no path


NO_ROUTE = Route(np.empty(0, np.int32), np.empty(0), 0.0)


class Router:
    """Answers routes on one fabric."""

    def __init__(
        self, fabric: FabricTables, routing: Routing = Routing.SPRAY, seed: int = 0
    ) -> None:
        self._graph = graph_of(fabric)
        self._scratch = _scratch(self._graph)
        self._hashing = routing is Routing.ECMP
        self._seed = seed
        self._routes: dict[tuple[int, int], Route | None] = {}

    def route(self, source: int, target: int) -> Route | None:
        """The route from one node to another, or None where the drawing has no path."""
        if source == target:
            return NO_ROUTE
        key = (source, target)
        if key not in self._routes:
            if len(self._routes) >= _KEPT:
                self._routes.clear()
            found = self._around(
                target, np.array([source], np.int32), np.zeros(1, np.int64), to_anchor=True
            )
            latency = float(found.latency_s[0])
            whole = Route(found.links, found.shares, latency)
            self._routes[key] = None if np.isnan(latency) else whole
        return self._routes[key]

    def require(self, source: int, target: int, what: str) -> Route:
        """The route, or an error that says what lacks a path.

        Raises:
            ScenarioError: the two nodes are not connected by links that relay.
        """
        route = self.route(source, target)
        if route is None:
            raise _no_path(what)
        return route

    def routes(self, sources: I4, targets: I4, flows: I8 | None = None) -> RouteTable:
        """The routes of many pairs; those that share an end are found by one search.

        Args:
            sources: [routes] nodes.
            targets: [routes] nodes.
            flows: [routes] numbers by which a hashing fabric keeps flows of equal ends apart.
        """
        count = len(sources)
        numbers = np.zeros(count, np.int64) if flows is None else flows.astype(np.int64)
        to_anchor = len(np.unique(targets)) <= len(np.unique(sources))
        anchors, ends = (targets, sources) if to_anchor else (sources, targets)
        order = np.argsort(anchors, kind="stable")
        bounds = np.flatnonzero(np.diff(anchors[order], prepend=-1, append=-1))
        parts = [
            self._around(
                int(anchors[group[0]]),
                ends[group].astype(np.int32),
                numbers[group],
                to_anchor=to_anchor,
            )
            for group in (order[a:b] for a, b in itertools.pairwise(bounds))
        ]
        return _in_order(parts, order)

    def require_all(
        self,
        sources: I4,
        targets: I4,
        what: Callable[[int], str],
        flows: I8 | None = None,
    ) -> RouteTable:
        """The routes of many pairs, or an error that says which lacks a path (`what` of it).

        Raises:
            ScenarioError: two nodes are not connected by links that relay.
        """
        table = self.routes(sources, targets, flows)
        lost = np.flatnonzero(np.isnan(table.latency_s))
        if len(lost):
            raise _no_path(what(int(lost[0])))
        return table

    def _around(self, anchor: int, ends: I4, flows: I8, *, to_anchor: bool) -> RouteTable:
        """Routes between one node and some ends, in their order."""
        rule = Rule(anchor, to_anchor, self._hashing, self._seed)
        count, done, rows = len(ends), 0, _ROWS
        found = Found(
            np.zeros(count + 1, np.int64),
            np.empty(rows, np.int32),
            np.empty(rows),
            np.zeros(count),
        )
        while True:
            done = find_routes(self._graph, self._scratch, rule, ends, flows, done, found)
            if done == count:
                break
            used = int(found.start[done])
            rows = max(2 * rows, int(1.1 * used / max(done, 1) * count))
            link, share = np.empty(rows, np.int32), np.empty(rows)
            link[:used], share[:used] = found.link[:used], found.share[:used]
            found = found._replace(link=link, share=share)
        used = int(found.start[count])
        return RouteTable(
            found.start, found.link[:used].copy(), found.share[:used].copy(), found.latency_s
        )


def graph_of(fabric: FabricTables) -> Graph:
    """The links of a fabric by the node they leave."""
    order = np.argsort(fabric.link_source, kind="stable").astype(np.int32)
    nodes = len(fabric.node_kind)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    back = fabric.link_bytes_per_s[order ^ 1] if len(order) else np.empty(0)
    return Graph(
        first=np.searchsorted(fabric.link_source[order], np.arange(nodes + 1)).astype(np.int64),
        link=order,
        peer=fabric.link_target[order].astype(np.int32),
        cost_ps=np.maximum(np.rint(fabric.link_latency_s[order] * 1e12), float(HOP_PS)),
        capacity=fabric.link_bytes_per_s[order].astype(np.float64),
        back=back.astype(np.float64),
        twin=place[order ^ 1] if len(order) else order,
        relays=np.isin(fabric.node_kind, _RELAYS),
        hashed=fabric.link_class[order] != LinkClass.SCALE_UP,
    )


def _scratch(graph: Graph) -> Scratch:
    nodes = len(graph.relays)
    rows = len(graph.link) + 1
    widest = int(np.diff(graph.first).max(initial=0))
    return Scratch(
        level_ps=np.empty(rows),
        level_head=np.empty(rows, np.int32),
        entry=np.empty(rows, np.int32),
        entry_next=np.empty(rows, np.int32),
        distance_ps=np.full(nodes, np.inf),
        wanted=np.zeros(nodes, np.bool_),
        listed=np.full(nodes, -1, np.int64),
        listed_end=np.zeros(nodes, np.int64),
        pool=np.empty(rows, np.int32),
        fan=np.full(nodes, -1, np.int32),
        on_way=np.zeros(nodes, np.bool_),
        inflow=np.zeros(nodes),
        touched=np.zeros(nodes, np.int32),
        walked=np.zeros(nodes, np.int32),
        tight=np.zeros(widest, np.int64),
        part=np.zeros(widest),
        counts=np.zeros(5, np.int64),
    )


def _in_order(parts: list[RouteTable], order: I8) -> RouteTable:
    """Tables one after the other with their routes put where `order` says they belong."""
    if not parts:
        return RouteTable(np.zeros(1, np.int64), NO_ROUTE.links, NO_ROUTE.shares, np.empty(0))
    sizes = np.concatenate([np.diff(part.start) for part in parts])
    links = np.concatenate([part.links for part in parts])
    shares = np.concatenate([part.shares for part in parts])
    latency = np.empty(len(order))
    latency[order] = np.concatenate([part.latency_s for part in parts])
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    begins = np.concatenate([[0], np.cumsum(sizes)])[:-1][place]
    counts = sizes[place]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    if (np.diff(order) > 0).all():
        return RouteTable(start, links, shares, latency)
    rows = np.repeat(begins - start[:-1], counts) + np.arange(start[-1])
    return RouteTable(start, links[rows], shares[rows], latency)


def _no_path(what: str) -> ScenarioError:
    return ScenarioError(
        what,
        "there is no path on the drawn links",
        "link its ends through a switch or NIC",
    )
