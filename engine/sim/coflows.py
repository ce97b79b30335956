"""Collectives of a replica as one coflow: the drawn links that they use and how much of each.

One coflow has all parts of a step: the all-reduces of TP, dispatch and combine of experts, and
what stages of a pipeline hand on. Times are in `engine.cost.communication`, single collectives in
`engine.sim.collective_time`, replicas that share a coflow in `engine.sim.coflow_classes`.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.selection import Kind, all_reduce_share, port_share, runnable
from engine.cost.communication import ExchangeShares
from engine.errors import ScenarioError
from engine.scenario.design import CollectiveAlgorithm, Deployment, Design
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.collective_phases import Ends, phases
from engine.sim.drawn_collective import reduces_in_switch
from engine.sim.routing import Router
from engine.sim.tables import FabricTables

CoflowRow = tuple[NDArray[np.int32], NDArray[np.float64], float]
Pairs = list[tuple[int, int, float]]


def replica_coflow(
    row: NDArray[np.int32],
    deployment: Deployment,
    fabric: FabricTables,
    routes: Router,
    shares: ExchangeShares | None = None,
) -> CoflowRow:
    """Links of one replica's collectives, bytes on each per byte of its busiest port, latency.

    Inside one domain every rank exchanges evenly with every other (direct reduce-scatter and
    all-gather, or all-to-all): 1/(n-1) of a port's bytes to each peer. A TP group over several
    domains runs its all-reduce as a ring, so that each boundary is crossed once each way. The
    deployment's `collective_algorithm` replaces both by its own pattern.

    Args:
        row: chips of the replica, by stage, then attention rank, then TP rank.
        deployment: its TP, attention DP, PP and algorithm.
        fabric: the expanded drawing.
        routes: over it.
        shares: parts of the bytes as `engine.cost.communication.exchange_shares` gives them; without
            them all bytes are those of TP or experts, or of the pipeline where there is neither.

    Raises:
        ScenarioError: ranks have no path, or the algorithm cannot run on them.
    """
    parts = shares or _usual_shares(deployment)
    pairs: Pairs = []
    group = deployment.tp * deployment.attention_dp
    stages = [row[i : i + group].tolist() for i in range(0, len(row), group)]
    for stage in stages:
        if parts.reduce > 0:
            for first in range(0, group, deployment.tp):
                chips = stage[first : first + deployment.tp]
                pairs += _scaled(_reduction(chips, deployment, fabric), parts.reduce)
        if parts.experts > 0:
            pairs += _scaled(_to_experts(stage, deployment, fabric), parts.experts)
    collectives = len(pairs)
    if parts.pipeline > 0:
        pairs += _pipeline(stages, parts.pipeline)
    table = routes.require_all(
        np.array([a for a, _, _ in pairs], np.int32),
        np.array([b for _, b, _ in pairs], np.int32),
        lambda pair: f"{'collectives' if pair < collectives else 'pipeline'} of a replica",
    )
    part = np.repeat(np.array([part for _, _, part in pairs]), np.diff(table.start))
    links, place = np.unique(table.links, return_inverse=True)
    weights = np.bincount(place, table.shares * part, len(links))
    latency_s = float(table.latency_s.max(initial=0.0))
    return links.astype(np.int32), weights.astype(np.float64), latency_s


def check_collective_algorithm(
    design: Design, catalog: Catalog, fabric: FabricTables, chips: NDArray[np.int32]
) -> None:
    """Refuses a reduction in switches that cannot add up.

    Args:
        design: with the deployment.
        catalog: the shop, which knows what switches can.
        fabric: the expanded drawing.
        chips: [replicas, chips of a replica] as they were placed.

    Raises:
        ScenarioError: some TP group spans domains, or hangs on a switch without the ability.
    """
    deployment = design.deployment
    if deployment.collective_algorithm is not CollectiveAlgorithm.IN_SWITCH or deployment.tp < 2:
        return
    domains = fabric.node_domain[chips].reshape(-1, deployment.tp)
    if (domains != domains[:, :1]).any() or (domains < 0).any():
        raise _refusal("in-switch", "a TP group spans more than one scale-up domain")
    if not reduces_in_switch(design, catalog, fabric, np.unique(chips).tolist()):
        raise _refusal("in-switch", "the switches of its chips cannot add up")


def _usual_shares(deployment: Deployment) -> ExchangeShares:
    if deployment.attention_dp > 1:
        return ExchangeShares(0.0, 1.0, 0.0)
    one = deployment.tp > 1
    return ExchangeShares(1.0, 0.0, 0.0) if one else ExchangeShares(0.0, 0.0, 1.0)


def _scaled(pairs: Pairs, factor: float) -> Pairs:
    return [(a, b, part * factor) for a, b, part in pairs]


def _reduction(chips: list[int], deployment: Deployment, fabric: FabricTables) -> Pairs:
    """Who sends whom how much of an all-reduce, per byte of the busiest port."""
    chosen = deployment.collective_algorithm
    if chosen is CollectiveAlgorithm.AUTO:
        spans = np.unique(fabric.node_domain[chips])
        one = len(spans) == 1 and spans[0] >= 0
        return _even(chips) if one else _ring(chips)
    algorithm = Algorithm(chosen.value)
    groups = _by_domain(chips, fabric)
    regular = len({len(group) for group in groups}) == 1
    can = runnable(Kind.ALL_REDUCE, len(chips), len(groups) if regular else 1, in_switch=True)
    if algorithm not in can:
        why = "they span no two domains of equally many"
        if algorithm is Algorithm.HALVING_DOUBLING:
            why = f"{len(chips)} are no power of two"
        raise _refusal(algorithm.value, f"of the ranks of a TP group: {why}")
    if algorithm is Algorithm.IN_SWITCH and len(groups) > 1:
        raise _refusal("in-switch", "a TP group spans more than one scale-up domain")
    inside = len(groups[0]) if regular else len(chips)
    share = all_reduce_share(algorithm, len(chips), inside)
    ends = switches_of(chips, fabric)
    if algorithm is Algorithm.IN_SWITCH and not ends.switches:
        raise _refusal("in-switch", "its chips hang on no scale-up switch")
    return _pairs(Kind.ALL_REDUCE, algorithm, groups, ends, share)


def _to_experts(chips: list[int], deployment: Deployment, fabric: FabricTables) -> Pairs:
    """Who sends whom how much of a dispatch or combine, per byte of what leaves a rank."""
    groups = _by_domain(chips, fabric)
    by_rail = deployment.collective_algorithm is CollectiveAlgorithm.HIERARCHICAL
    if by_rail and len(groups) > 1 and len({len(group) for group in groups}) == 1:
        share = port_share(Kind.ALL_TO_ALL, Algorithm.HIERARCHICAL, len(chips))
        none = Ends([], np.empty(0), [])
        return _pairs(Kind.ALL_TO_ALL, Algorithm.HIERARCHICAL, groups, none, share)
    return _even(chips)


def _pairs(
    kind: Kind, algorithm: Algorithm, groups: Sequence[Sequence[int]], ends: Ends, share: float
) -> Pairs:
    return [
        (int(source), item.target, float(amount) / share)
        for phase in phases(kind, algorithm, groups, ends)
        for item in phase.traffic
        for source, amount in zip(item.sources, item.amounts, strict=True)
    ]


def _even(chips: list[int]) -> Pairs:
    n = len(chips)
    return [(a, b, 1.0 / (n - 1)) for a in chips for b in chips if a != b]


def _ring(chips: list[int]) -> Pairs:
    n = len(chips)
    return [(chips[i], chips[(i + 1) % n], 1.0) for i in range(n)]


def _pipeline(stages: list[list[int]], part: float) -> Pairs:
    """Every rank to its peer of the next stage."""
    return [
        (a, b, part)
        for stage, following in itertools.pairwise(stages)
        for a, b in zip(stage, following, strict=True)
    ]


def _by_domain(chips: list[int], fabric: FabricTables) -> list[list[int]]:
    """Chips by scale-up domain, those without one each alone."""
    groups: dict[int, list[int]] = {}
    for chip in chips:
        domain = int(fabric.node_domain[chip])
        groups.setdefault(domain if domain >= 0 else -1 - chip, []).append(chip)
    return list(groups.values())


def switches_of(chips: Sequence[int], fabric: FabricTables) -> Ends:
    """The scale-up switches that chips hang on, and the rate at which they do."""
    up = np.isin(fabric.link_source, chips) & (fabric.link_class == LinkClass.SCALE_UP)
    up &= fabric.node_kind[fabric.link_target] == NodeKind.SWITCH
    switches, place = np.unique(fabric.link_target[up], return_inverse=True)
    rates = np.zeros(len(switches))
    np.add.at(rates, place, fabric.link_bytes_per_s[up])
    return Ends(switches.tolist(), rates, [])


def _refusal(algorithm: str, why: str) -> ScenarioError:
    return ScenarioError(
        "deployment collective_algorithm",
        f"{algorithm} cannot run: {why}",
        "set it to auto, or draw what it needs",
    )
