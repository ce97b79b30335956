"""Closed forms of collectives: time on one bandwidth, bytes on the busiest port, latency.

S is the message size in bytes, B a port's bandwidth of one direction in bytes/s, n the ranks and a
the latency of one hop in seconds. References: Thakur, Rabenseifner, Gropp, "Optimization of
collective communication operations in MPICH" (2005); Patarasuk and Yuan, "Bandwidth optimal
all-reduce algorithms" (2009); Sanders, Speck, Traff, "Two-tree algorithms" (2009).
"""

import math
from enum import StrEnum


class Algorithm(StrEnum):
    """How a collective is run."""

    RING = "ring"
    HALVING_DOUBLING = "halving-doubling"
    TREE = "tree"
    ONE_SHOT = "one-shot"
    TWO_SHOT = "two-shot"
    IN_SWITCH = "in-switch"
    DIRECT = "direct"
    HIERARCHICAL = "hierarchical"


def all_reduce_link_bytes(
    ranks: int, size_bytes: float, algorithm: Algorithm = Algorithm.RING
) -> float:
    """Bytes through the busiest port of one direction for an all-reduce of `size_bytes`."""
    if ranks < 2:
        return 0.0
    if algorithm is Algorithm.ONE_SHOT:
        return (ranks - 1) * size_bytes
    if algorithm is Algorithm.IN_SWITCH:
        return size_bytes
    if algorithm is Algorithm.TREE:
        return 2.0 * size_bytes
    return 2.0 * (ranks - 1) / ranks * size_bytes


def all_reduce_latency_s(ranks: int, hop_s: float, algorithm: Algorithm = Algorithm.RING) -> float:
    """The part of an all-reduce's time that no bandwidth shortens."""
    if ranks < 2:
        return 0.0
    steps = {
        Algorithm.RING: 2.0 * (ranks - 1),
        Algorithm.HALVING_DOUBLING: 2.0 * math.log2(ranks),
        Algorithm.TREE: 2.0 * math.ceil(math.log2(ranks)),
        Algorithm.ONE_SHOT: 1.0,
        Algorithm.TWO_SHOT: 2.0,
        Algorithm.IN_SWITCH: 2.0,
        Algorithm.DIRECT: 2.0,
        Algorithm.HIERARCHICAL: 2.0 * (ranks - 1),
    }[algorithm]
    return steps * hop_s


def all_reduce_s(
    ranks: int,
    size_bytes: float,
    port_bytes_per_s: float,
    hop_s: float = 0.0,
    algorithm: Algorithm = Algorithm.RING,
) -> float:
    """Time of an all-reduce; for the ring 2(n-1)/n S/B + 2(n-1)a."""
    return all_reduce_link_bytes(ranks, size_bytes, algorithm) / port_bytes_per_s + (
        all_reduce_latency_s(ranks, hop_s, algorithm)
    )


def all_gather_s(
    ranks: int, size_bytes: float, port_bytes_per_s: float, hop_s: float = 0.0
) -> float:
    """Time of a ring all-gather with S the gathered size: (n-1)/n S/B + (n-1)a."""
    return (ranks - 1) / ranks * size_bytes / port_bytes_per_s + (ranks - 1) * hop_s


def reduce_scatter_s(
    ranks: int, size_bytes: float, port_bytes_per_s: float, hop_s: float = 0.0
) -> float:
    """Time of a ring reduce-scatter with S the reduced size: as the all-gather."""
    return all_gather_s(ranks, size_bytes, port_bytes_per_s, hop_s)


def all_to_all_link_bytes(ranks: int, pair_bytes: float) -> float:
    """Bytes through a port for an all-to-all of `pair_bytes` to each other rank: (n-1)S."""
    return (ranks - 1) * pair_bytes


def all_to_all_s(ranks: int, pair_bytes: float, port_bytes_per_s: float) -> float:
    """Time of an all-to-all on a non-blocking fabric: (n-1)S/B."""
    return all_to_all_link_bytes(ranks, pair_bytes) / port_bytes_per_s


def all_to_all_oversubscribed_s(
    ranks: int, rack_ranks: int, ratio: float, pair_bytes: float, port_bytes_per_s: float
) -> float:
    """Time of an all-to-all over racks of m ranks oversubscribed r:1: max((n-1), r(n-m))S/B."""
    inside = (ranks - 1) * pair_bytes / port_bytes_per_s
    across = ratio * (ranks - rack_ranks) * pair_bytes / port_bytes_per_s
    return max(inside, across)


def incast_s(senders: int, size_bytes: float, port_bytes_per_s: float) -> float:
    """Time for N senders of S each into one port: N S/B."""
    return senders * size_bytes / port_bytes_per_s


def point_to_point_s(size_bytes: float, port_bytes_per_s: float, hop_s: float = 0.0) -> float:
    """Time of one message between two ranks: S/B + a."""
    return size_bytes / port_bytes_per_s + hop_s
