"""Kinds of collectives, their textbook time for each algorithm, and which algorithms may be taken.

S is the size in bytes, B the rate of a rank's port in bytes/s (one direction), n the ranks, a the
latency of the longest hop in seconds; time = share S/B + steps a. S is the whole buffer of a rank
(all-reduce, all-gather, reduce-scatter, all-to-all, dispatch and combine), the message
(point to point), what each prefill rank sends (KV transfer) or each chip loads (weight load), or
what each sender has (incast). The drawn fabric is not known here: see `engine.sim.collective_time`.

References: Thakur, Rabenseifner, Gropp (2005) for ring, halving-doubling and their thresholds;
Sanders, Speck, Traff (2009) for the double tree; Klenk et al. (2020) for the switch's reduction.
"""

import math
from enum import StrEnum

from engine.cost.collectives.closed_forms import Algorithm

LONG_GATHER_BYTES = 524_288.0  # MPICH's ALLGATHER_LONG and REDSCAT_COMMUTATIVE_LONG messages
GATHER_SOURCE = "MPICH (Thakur, Rabenseifner, Gropp 2005)"
MODEL_SOURCE = "least modelled time, as NCCL's tuner takes it: steps x latency + bytes / bandwidth"


class Kind(StrEnum):
    """What is exchanged."""

    ALL_REDUCE = "all-reduce"
    ALL_GATHER = "all-gather"
    REDUCE_SCATTER = "reduce-scatter"
    ALL_TO_ALL = "all-to-all"
    EP_DISPATCH = "ep-dispatch"
    EP_COMBINE = "ep-combine"
    POINT_TO_POINT = "point-to-point"
    KV_TRANSFER = "kv-transfer"
    WEIGHT_LOAD = "weight-load"
    INCAST = "incast"


GATHERS = (Kind.ALL_GATHER, Kind.REDUCE_SCATTER)
TO_ALL = (Kind.ALL_TO_ALL, Kind.EP_DISPATCH, Kind.EP_COMBINE)


def runnable(kind: Kind, ranks: int, domains: int, *, in_switch: bool) -> tuple[Algorithm, ...]:
    """The algorithms that can run `kind` on so many ranks and domains.

    Args:
        kind: of the collective.
        ranks: that take part.
        domains: that they span, each with equally many of them (1 where they are not).
        in_switch: every scale-up link ends at a switch that can add up.
    """
    power = ranks & (ranks - 1) == 0
    several = (Algorithm.HIERARCHICAL,) if domains > 1 else ()
    if kind is Kind.ALL_REDUCE:
        found = (Algorithm.RING, Algorithm.TREE, *several)
        found += (Algorithm.IN_SWITCH,) if in_switch else ()
        found += (Algorithm.HALVING_DOUBLING,) if power else ()
        return (*found, Algorithm.ONE_SHOT, Algorithm.TWO_SHOT)
    if kind in GATHERS:
        doubling = (Algorithm.HALVING_DOUBLING,) if power else ()
        return (Algorithm.RING, *doubling, Algorithm.DIRECT)
    return (Algorithm.DIRECT, *several) if kind in TO_ALL else (Algorithm.DIRECT,)


def automatic(
    kind: Kind, ranks: int, domains: int, size_bytes: float, *, in_switch: bool
) -> tuple[Algorithm, ...]:
    """What a library chooses from: one by a threshold, or several by their modelled time."""
    options = runnable(kind, ranks, domains, in_switch=in_switch)
    if kind in GATHERS:
        small = size_bytes < LONG_GATHER_BYTES and Algorithm.HALVING_DOUBLING in options
        return (Algorithm.HALVING_DOUBLING if small else Algorithm.RING,)
    never = (Algorithm.HALVING_DOUBLING, Algorithm.ONE_SHOT, Algorithm.TWO_SHOT)
    return tuple(option for option in options if kind in TO_ALL or option not in never)


def port_share(kind: Kind, algorithm: Algorithm, ranks: int) -> float:
    """Bytes through the busiest port of one direction per byte of size, on one flat fabric.

    Hierarchical algorithms are counted on the ports of a single level here.

    Raises:
        ValueError: the algorithm does not run the kind.
    """
    n = float(ranks)
    if kind is Kind.ALL_REDUCE:
        tree = {2: 1.0, 3: 1.5}.get(ranks, 2.0)
        return {
            Algorithm.TREE: tree,
            Algorithm.ONE_SHOT: n - 1.0,
            Algorithm.IN_SWITCH: (n + 1.0) / n,
        }.get(algorithm, 2.0 * (n - 1.0) / n)
    if kind in GATHERS or kind in TO_ALL:
        return (n - 1.0) / n
    if kind in (Kind.POINT_TO_POINT, Kind.KV_TRANSFER):
        return 1.0
    if kind is Kind.WEIGHT_LOAD:
        return n
    return n - 1.0


def all_reduce_share(algorithm: Algorithm, ranks: int, inside: int) -> float:
    """Bytes on the busiest port or NIC of an all-reduce per byte, `inside` ranks to a domain."""
    levels = level_shares(Kind.ALL_REDUCE, algorithm, inside, max(1, ranks // inside))
    return port_share(Kind.ALL_REDUCE, algorithm, ranks) if levels is None else max(levels)


def latency_steps(kind: Kind, algorithm: Algorithm, ranks: int) -> float:
    """How many hops follow each other: 2(n-1) of a ring's all-reduce, 2 log2(n) of a tree's."""
    once = {
        Algorithm.RING: ranks - 1.0,
        Algorithm.HALVING_DOUBLING: math.log2(ranks),
        Algorithm.TREE: float(math.ceil(math.log2(ranks))),
        Algorithm.ONE_SHOT: 0.5,
    }.get(algorithm, 1.0)
    return 2.0 * once if kind is Kind.ALL_REDUCE else once


def closed_form_s(
    kind: Kind,
    algorithm: Algorithm,
    ranks: int,
    size_bytes: float,
    port_bytes_per_s: float,
    hop_s: float,
) -> float:
    """Textbook seconds on an unblocked fabric: share S/B + steps a."""
    volume = port_share(kind, algorithm, ranks) * size_bytes / port_bytes_per_s
    return volume + latency_steps(kind, algorithm, ranks) * hop_s


def level_shares(
    kind: Kind, algorithm: Algorithm, inside: int, domains: int
) -> tuple[float, float] | None:
    """Bytes on a rank's port and on its NIC per byte of size, over equal domains of ranks.

    With m inside and g domains, n = m g: direct all-to-all (m-1)/n and (n-m)/n, along rails
    g(m-1)/n and (n-m)/n; hierarchical all-reduce 2(m-1)/m and 2(g-1)/(g m). None: one level.
    """
    ranks = inside * domains
    if domains < 2:
        return None
    if kind in TO_ALL:
        factor = domains if algorithm is Algorithm.HIERARCHICAL else 1
        return factor * (inside - 1) / ranks, (ranks - inside) / ranks
    if algorithm is Algorithm.HIERARCHICAL:
        return 2.0 * (inside - 1) / inside, 2.0 * (domains - 1) / ranks
    return None
