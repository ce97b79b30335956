"""Completion times of flows on links: the network model alone, without serving."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.sim.kernels.network import Network, make_network, read_links
from engine.sim.kernels.network_run import EVENTS, Plan, read_flows, run_flows

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]


class CapacityChanges(NamedTuple):
    """Links that fail (0), degrade or are repaired; sorted by time."""

    time_s: F8
    link: I8
    bytes_per_s: F8


class LinkUse(NamedTuple):
    """Of every link: bytes/s at an instant, bytes moved and busy seconds until then."""

    bytes_per_s: F8
    moved_bytes: F8
    busy_s: F8


class FlowResults(NamedTuple):
    """When each flow ended, and the network afterwards (bytes and busy time of its links)."""

    finish_s: F8
    events: int
    network: Network


NO_CHANGES = CapacityChanges(np.zeros(0), np.zeros(0, np.int64), np.zeros(0))


class FlowRun:
    """A run of flows that can be looked at on its way; rows come and go in the caller's order."""

    def __init__(
        self,
        link_bytes_per_s: F8,
        route_start: I8,
        route_link: I4,
        start_s: F8,
        size_bytes: F8,
        *,
        route_weight: F8 | None = None,
        weight: F8 | None = None,
        latency_s: F8 | None = None,
        changes: CapacityChanges = NO_CHANGES,
        names: NDArray[np.str_] | None = None,
    ) -> None:
        """Takes the arguments of `simulate_flows`."""
        begin_s = start_s if latency_s is None else start_s + latency_s
        hop_weight = np.ones(len(route_link)) if route_weight is None else route_weight
        count = len(begin_s)
        share = np.ones(count) if weight is None else weight
        self._order = canonical_order(
            begin_s, size_bytes, share, route_start, route_link, hop_weight, names
        )
        rows, hops = _gather(route_start, self._order)
        self.network = make_network(
            link_bytes_per_s, rows, route_link[hops], hop_weight[hops], count
        )
        self.network.flow["weight"] = share[self._order]
        self._plan = Plan(
            begin_s=begin_s[self._order],
            size_bytes=size_bytes[self._order],
            order=np.arange(count),
            change_s=changes.time_s,
            change_link=changes.link,
            change_bytes_per_s=changes.bytes_per_s,
            so_far=np.zeros(4, np.int64),
            finish_s=np.full(count, np.nan),
        )

    def advance(self, until_s: float = np.inf) -> None:
        """Runs to an instant, or until all flows have ended.

        Raises:
            ScenarioError: the flows that are left can never end.
        """
        if not run_flows(self.network, self._plan, until_s):
            raise ScenarioError(
                "flows", "some never end: a link of their route has no capacity", "raise it"
            )

    def results(self) -> FlowResults:
        """What is known so far; flows that have not ended are NaN."""
        finish_s = np.empty(len(self._order))
        finish_s[self._order] = self._plan.finish_s
        return FlowResults(finish_s, int(self._plan.so_far[EVENTS]), self.network)

    def flows(self, now_s: float) -> tuple[F8, F8]:
        """Bytes/s and bytes left of every flow that runs, 0 for the others."""
        rate, left = np.zeros(len(self._order)), np.zeros(len(self._order))
        read_flows(self.network, now_s, rate, left)
        by_row = np.argsort(self._order)
        return rate[by_row], left[by_row]

    def links(self, now_s: float) -> LinkUse:
        """Use of every link."""
        use = LinkUse(*(np.zeros(len(self.network.link)) for _ in range(3)))
        read_links(self.network, now_s, *use)
        return use


def simulate_flows(
    link_bytes_per_s: F8,
    route_start: I8,
    route_link: I4,
    start_s: F8,
    size_bytes: F8,
    route_weight: F8 | None = None,
    *,
    weight: F8 | None = None,
    latency_s: F8 | None = None,
    changes: CapacityChanges = NO_CHANGES,
    names: NDArray[np.str_] | None = None,
) -> FlowResults:
    """Completion times of flows that share links max-min fairly, whatever the order of the rows.

    Args:
        link_bytes_per_s: [links] capacity of one direction.
        route_start: [flows + 1] rows of `route_link`.
        route_link: [hops] link of each hop.
        start_s: [flows] when each starts.
        size_bytes: [flows] bytes of each.
        route_weight: [hops] use of a link per unit of the flow's rate (1 where not given).
        weight: [flows] fairness weight (1 where not given).
        latency_s: [flows] of the whole path: a flow moves its first byte so much after its start.
        changes: of capacities on the way.
        names: [flows] tell apart flows that are equal in everything else.

    Raises:
        ScenarioError: a flow can never end because a link of its route has no capacity.
    """
    run = FlowRun(
        link_bytes_per_s,
        route_start,
        route_link,
        start_s,
        size_bytes,
        route_weight=route_weight,
        weight=weight,
        latency_s=latency_s,
        changes=changes,
        names=names,
    )
    run.advance()
    return run.results()


def canonical_order(
    begin_s: F8,
    size_bytes: F8,
    weight: F8,
    route_start: I8,
    route_link: I4,
    route_weight: F8,
    names: NDArray[np.str_] | None = None,
) -> I8:
    """Flows by begin, size, weight, route and name: sums run in this order, however they came."""
    order = np.lexsort((weight, size_bytes, begin_s))
    same = np.diff(begin_s[order]) == 0
    same &= np.diff(size_bytes[order]) == 0
    if not same.any():
        return order
    hops = np.diff(route_start)
    keys: list[NDArray[np.generic]] = [] if names is None else [names]
    for hop in reversed(range(int(hops.max(initial=0)))):
        at = np.minimum(route_start[:-1] + hop, max(0, len(route_link) - 1))
        keys.append(np.where(hop < hops, route_weight[at], 0.0))
        keys.append(np.where(hop < hops, route_link[at], -1))
    return np.lexsort((*keys, weight, size_bytes, begin_s))


def _gather(route_start: I8, order: I8) -> tuple[I8, I8]:
    """Starts of the rows in a new order, and where their hops were."""
    hops = np.diff(route_start)[order]
    rows = np.concatenate([[0], np.cumsum(hops)]).astype(np.int64)
    first = np.repeat(route_start[:-1][order] - rows[:-1], hops)
    return rows, first + np.arange(rows[-1])
