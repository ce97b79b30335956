"""Completion times of flows on links: the network model alone, without serving."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.sim.kernels.network import Network, make_network, run_flows

F8 = NDArray[np.float64]


class FlowResults(NamedTuple):
    """When each flow ended, and the network afterwards (bytes and busy time of its links)."""

    finish_s: F8
    events: int
    network: Network


def simulate_flows(
    link_bytes_per_s: F8,
    route_start: NDArray[np.int64],
    route_link: NDArray[np.int32],
    start_s: F8,
    size_bytes: F8,
    route_weight: F8 | None = None,
) -> FlowResults:
    """Completion times of flows that share links max-min fairly.

    Args:
        link_bytes_per_s: [links] capacity of one direction.
        route_start: [flows + 1] rows of `route_link`.
        route_link: [hops] link of each hop.
        start_s: [flows] when each starts.
        size_bytes: [flows] bytes of each.
        route_weight: [hops] use of a link per unit of the flow's rate (1 where not given).

    Raises:
        ScenarioError: a flow can never end because a link of its route has no capacity.
    """
    weight = np.ones(len(route_link)) if route_weight is None else route_weight
    flows = len(start_s)
    network = make_network(link_bytes_per_s, route_start, route_link, weight, max(flows, 1))
    finish_s = np.zeros(flows)
    order = np.argsort(start_s, kind="stable").astype(np.int64)
    events = run_flows(network, start_s, size_bytes, order, finish_s)
    if events < 0:
        raise ScenarioError(
            "flows", "some never end: a link of their route has no capacity", "raise it"
        )
    return FlowResults(finish_s, int(events), network)
