"""What a collective must move: bytes on a port and on a NIC per byte of its size, and its steps.

All is linear in the size, so one record serves every size. Conventions of the size S: the whole
buffer of a rank for all-reduce, all-gather, reduce-scatter and all-to-all (that of nccl-tests);
tokens x experts per token x bytes of a token for dispatch and combine of expert parallelism.

References: Thakur, Rabenseifner, Gropp (2005); Klenk et al., "An in-network architecture for
accelerating shared-memory multiprocessor collectives" (2020) for the switch's reduction; DeepSeek-AI,
"DeepSeek-V3 technical report" (2024), 3.2.2, for dispatch with one copy a node.
"""

import math
from dataclasses import dataclass

from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.fabric import CollectiveFabric
from engine.cost.collectives.selection import Kind, latency_steps, port_share

REDUCTIONS = ("all_reduce",)
GATHERS = ("all_gather", "reduce_scatter")
EXPERT_OPS = (
    "ep_dispatch_ll",
    "ep_combine_ll",
    "ep_dispatch_ht",
    "ep_combine_ht",
    "alltoall_dispatch",
    "alltoall_combine",
    "alltoall_combine_low_precision",
    "alltoall_prepare",
)
OPS = (*REDUCTIONS, *GATHERS, "all_to_all", "point_to_point", *EXPERT_OPS)
FREE_FAN_OUT = 4.0  # nodes a token that high-throughput dispatch serves at full rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertTraffic:
    """Routing of a dispatch or combine: experts of a token, nodes they may lie on (0: any).

    `local_ratio` is the size of a token's copy when it is summed at home, over its size on the
    wire: above 1 where the wire carries a narrower format.
    """

    top_k: int = 8
    node_limit: int = 0
    local_ratio: float = 1.0


USUAL_TRAFFIC = ExpertTraffic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Per byte of size: `port` leaves the busiest port, `nic` a rank's NIC, `local` stays at home.

    `steps` follow each other inside a domain, `nic_steps` between domains; `fan_out` is the mean
    number of nodes beyond four that one token goes to.
    """

    port: float
    local: float
    nic: float
    steps: float
    nic_steps: float
    fan_out: float = 0.0


def distinct(places: float, draws: int) -> float:
    """Expected number of different places that `draws` even draws hit: m(1 - (1 - 1/m)^k)."""
    return places * (1.0 - (1.0 - 1.0 / places) ** draws) if places > 1 else 1.0


def domains_of(ranks: int, fabric: CollectiveFabric) -> tuple[int, int]:
    """Ranks in a domain and number of domains that `ranks` of them span."""
    inside = max(1, min(ranks, fabric.ranks_per_domain))
    return inside, math.ceil(ranks / inside)


def algorithms_of(op: str, ranks: int, fabric: CollectiveFabric) -> tuple[Algorithm, ...]:
    """What a library such as NCCL may choose from for an operation on a fabric."""
    if op not in REDUCTIONS:
        return (Algorithm.RING if op in GATHERS else Algorithm.DIRECT,)
    _, domains = domains_of(ranks, fabric)
    if domains > 1:
        return (Algorithm.RING, Algorithm.TREE)
    if fabric.in_switch and ranks > 2:
        return (Algorithm.RING, Algorithm.IN_SWITCH)
    return (Algorithm.RING,)


def work_of(
    op: str,
    algorithm: Algorithm,
    ranks: int,
    fabric: CollectiveFabric,
    traffic: ExpertTraffic = USUAL_TRAFFIC,
) -> Work:
    """The work of one rank.

    Raises:
        ValueError: the operation is none of `OPS`.
    """
    inside, domains = domains_of(ranks, fabric)
    if op in REDUCTIONS:
        return _reduction(algorithm, ranks, inside, domains)
    if op in GATHERS:
        return Work(
            port=(ranks - 1) / ranks,
            local=1 / ranks,
            nic=(domains - 1) / (domains * inside),
            steps=inside - 1,
            nic_steps=domains - 1,
        )
    if op == "all_to_all":
        return _direct(ranks, inside, local=1 / ranks)
    if op == "point_to_point":
        alone = inside > 1
        return Work(
            port=1.0 * alone,
            local=0.0,
            nic=1.0 * (not alone),
            steps=1,
            nic_steps=1.0 * (not alone),
        )
    if op in EXPERT_OPS:
        return _experts(op, ranks, inside, domains, traffic)
    raise ValueError(f"'{op}' is no collective; use one of {', '.join(OPS)}")


def _reduction(algorithm: Algorithm, ranks: int, inside: int, domains: int) -> Work:
    ring = 2.0 * (ranks - 1) / ranks
    match algorithm:
        case Algorithm.ONE_SHOT:
            return Work(port=ranks - 1.0, local=1.0, nic=ranks - inside, steps=1, nic_steps=0)
        case Algorithm.TWO_SHOT:
            return Work(port=ring, local=1 / ranks, nic=0.0, steps=2, nic_steps=0)
        case Algorithm.IN_SWITCH:
            return Work(port=(ranks + 1) / ranks, local=0.0, nic=0.0, steps=2, nic_steps=0)
        case Algorithm.HALVING_DOUBLING:  # pairs at distances n/2 ... 1 in rank order
            return Work(
                port=2.0 * (inside - 1) / ranks,
                local=1 / ranks,
                nic=2.0 * (ranks - inside) / ranks,
                steps=2.0 * math.log2(inside),
                nic_steps=2.0 * math.log2(domains),
            )
        case Algorithm.TREE if domains == 1:  # two trees, each with half of the buffer
            return Work(
                port=port_share(Kind.ALL_REDUCE, Algorithm.TREE, ranks),
                local=1 / ranks,
                nic=0.0,
                steps=latency_steps(Kind.ALL_REDUCE, Algorithm.TREE, ranks),
                nic_steps=0.0,
            )
        case Algorithm.HIERARCHICAL:
            return Work(
                port=2.0 * (inside - 1) / inside,
                local=1 / ranks,
                nic=2.0 * (domains - 1) / (domains * inside),
                steps=2.0,
                nic_steps=2.0 * (domains - 1),
            )
        case Algorithm.TREE:
            return Work(
                port=2.0 * (inside - 1) / inside,
                local=1 / ranks,
                nic=2.0 * (domains - 1) / (domains * inside),
                steps=2.0 * (inside - 1),
                nic_steps=2.0 * math.log2(domains),
            )
        case _:
            return Work(
                port=ring,
                local=1 / ranks,
                nic=ring / inside if domains > 1 else 0.0,
                steps=2.0 * (inside - 1),
                nic_steps=2.0 * (domains - 1),
            )


def _direct(ranks: int, inside: int, local: float) -> Work:
    return Work(
        port=(inside - 1) / ranks,
        local=local,
        nic=(ranks - inside) / ranks,
        steps=1.0,
        nic_steps=1.0 if ranks > inside else 0.0,
    )


def _experts(op: str, ranks: int, inside: int, domains: int, traffic: ExpertTraffic) -> Work:
    depth = math.log2(ranks) if ranks > 1 else 0.0
    nic_depth = math.log2(2 * domains) if domains > 1 else 0.0
    if op == "alltoall_prepare":
        return Work(port=1.0, local=0.0, nic=0.0, steps=depth, nic_steps=nic_depth)
    if op.endswith("_ll"):  # a copy for each expert, straight to its rank
        direct = _direct(ranks, inside, local=traffic.local_ratio)
        return Work(
            port=direct.port, local=direct.local, nic=direct.nic, steps=depth, nic_steps=nic_depth
        )
    limit = traffic.node_limit
    nodes = min(domains, limit) if limit else domains
    hit_nodes = distinct(nodes, traffic.top_k)
    hit_ranks = distinct(nodes * inside, traffic.top_k)
    return Work(
        port=hit_ranks * (inside - 1) / inside / traffic.top_k,
        local=traffic.local_ratio,
        nic=hit_nodes * (domains - 1) / domains / traffic.top_k,
        steps=depth,
        nic_steps=nic_depth,
        fan_out=max(0.0, hit_nodes - FREE_FAN_OUT),
    )
