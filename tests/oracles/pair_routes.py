"""Slow twin of `engine.sim.routing`: spread routes pair by pair, with dictionaries and a heap.

Only switches, NICs and hosts relay; chips, storage and clients are ends. Distances are whole
picoseconds, so that equal paths are exactly equal. At each hop the traffic divides over the tight
next hops in proportion to their capacity (the fluid limit of per-packet spraying).
"""

import heapq

import numpy as np

from engine.sim.codes import NodeKind
from engine.sim.routing import NO_ROUTE, Route
from engine.sim.tables import FabricTables

HOP_PS = 1  # every hop costs at least this, so that zero-latency links cannot make loops

_RELAYS = (NodeKind.SWITCH, NodeKind.NIC, NodeKind.HOST)


class PairRouter:
    """Answers spread routes on one fabric; distances to a target are computed once and kept."""

    def __init__(self, fabric: FabricTables) -> None:
        self._fabric = fabric
        order = np.argsort(fabric.link_source, kind="stable")
        nodes = len(fabric.node_kind)
        self._out = order.astype(np.int32)
        self._first = np.searchsorted(fabric.link_source[order], np.arange(nodes + 1))
        self._cost_ps = np.maximum(np.rint(fabric.link_latency_s * 1e12), HOP_PS).astype(np.int64)
        self._relays = np.isin(fabric.node_kind, _RELAYS)
        self._searches: dict[int, tuple[dict[int, int], list[tuple[int, int]]]] = {}
        self._routes: dict[tuple[int, int], Route | None] = {}

    def route(self, source: int, target: int) -> Route | None:
        """The spread route from one node to another, or None where the drawing has no path."""
        if source == target:
            return NO_ROUTE
        key = (source, target)
        if key not in self._routes:
            self._routes[key] = self._spread(source, target)
        return self._routes[key]

    def _to_target(self, target: int, source: int) -> dict[int, int]:
        """Distance in ps to `target` of every node that is no farther than `source`.

        Dijkstra on reversed links, which goes on from where it stopped for the last source:
        a collective inside a domain never searches the hall.
        """
        distance, heap = self._searches.setdefault(target, ({}, [(0, target)]))
        while heap and (source not in distance or heap[0][0] <= distance[source]):
            so_far, node = heapq.heappop(heap)
            if node in distance:
                continue
            distance[node] = so_far
            if node != target and not self._relays[node]:
                continue
            for link in self._out[self._first[node] : self._first[node + 1]]:
                # links come in pairs of equal latency: link ^ 1 is the way back
                peer = int(self._fabric.link_target[link])
                if peer not in distance and self._fabric.link_bytes_per_s[link ^ 1] > 0:
                    heapq.heappush(heap, (so_far + int(self._cost_ps[link]), peer))
        return distance

    def _spread(self, source: int, target: int) -> Route | None:
        distance = self._to_target(target, source)
        if source not in distance:
            return None
        fabric = self._fabric
        share: dict[int, float] = {source: 1.0}
        on_link: dict[int, float] = {}
        heap = [(-distance[source], source)]
        seen = {source}
        while heap:
            _, node = heapq.heappop(heap)
            if node == target:
                continue
            tight = [
                int(link)
                for link in self._out[self._first[node] : self._first[node + 1]]
                if self._is_tight(int(link), node, distance, target)
            ]
            capacity = fabric.link_bytes_per_s[tight]
            for link, part in zip(tight, capacity / capacity.sum(), strict=True):
                peer = int(fabric.link_target[link])
                amount = share[node] * float(part)
                on_link[link] = on_link.get(link, 0.0) + amount
                share[peer] = share.get(peer, 0.0) + amount
                if peer not in seen:
                    seen.add(peer)
                    heapq.heappush(heap, (-distance[peer], peer))
        links = sorted(on_link)
        return Route(
            np.array(links, np.int32),
            np.array([on_link[link] for link in links]),
            distance[source] * 1e-12,
        )

    def _is_tight(self, link: int, node: int, distance: dict[int, int], target: int) -> bool:
        peer = int(self._fabric.link_target[link])
        if peer not in distance or self._fabric.link_bytes_per_s[link] <= 0:
            return False
        if peer != target and not self._relays[peer]:
            return False
        return distance[node] == distance[peer] + int(self._cost_ps[link])
