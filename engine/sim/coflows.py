"""Collectives of a replica as one coflow: the drawn links that they use and how much of each."""

import itertools

import numpy as np
from numpy.typing import NDArray

from engine.scenario.design import Deployment
from engine.sim.routing import Route, Router, combine
from engine.sim.tables import FabricTables


def replica_coflow(
    row: NDArray[np.int32], deployment: Deployment, fabric: FabricTables, routes: Router
) -> tuple[NDArray[np.int32], NDArray[np.float64], float]:
    """Links of one replica's collectives, bytes on each per byte of its busiest port, latency.

    Inside one domain every rank exchanges evenly with every other (direct reduce-scatter and
    all-gather, or all-to-all): 1/(n-1) of a port's bytes to each peer. A TP group over several
    domains runs its all-reduce as a ring, so that each boundary is crossed once each way.
    """
    spans = np.unique(fabric.node_domain[row])
    ring = len(spans) > 1 or spans[0] < 0
    parts: list[tuple[Route, float]] = []
    group = deployment.tp * deployment.attention_dp
    stages = [row[i : i + group].tolist() for i in range(0, len(row), group)]
    for chips in stages:
        n = len(chips)
        if n < 2:
            continue
        if ring and deployment.attention_dp == 1:
            pairs = [(chips[i], chips[(i + 1) % n], 1.0) for i in range(n)]
        else:
            pairs = [(a, b, 1.0 / (n - 1)) for a in chips for b in chips if a != b]
        parts += [(routes.require(a, b, "collectives of a replica"), part) for a, b, part in pairs]
    if not parts and len(row) > 1:
        chips = row.tolist()
        parts = [
            (routes.require(a, b, "pipeline of a replica"), 1.0)
            for a, b in itertools.pairwise(chips)
        ]
    links, weights = combine(parts)
    return links, weights, max((route.latency_s for route, _ in parts), default=0.0)
