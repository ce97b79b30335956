"""What the ranks of a collective send each other, phase by phase, per byte of its size.

A phase is traffic that moves at once and the number of steps in which it does. No paths here
(`engine.sim.collective_routes` finds them), no times (`engine.sim.collective_time`).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.selection import GATHERS, Kind, latency_steps, port_share
from engine.sim.collective_routes import (
    Traffic,
    even_exchange,
    pair_exchange,
    same_index_exchange,
)

F8 = NDArray[np.float64]
Groups = Sequence[Sequence[int]]


class Phase(NamedTuple):
    """Traffic of ranks at once, and how many hops of it follow each other."""

    traffic: list[Traffic]
    steps: float


class Ends(NamedTuple):
    """Nodes that are no ranks but take part: reducing switches with their rates, storage."""

    switches: Sequence[int]
    switch_bytes_per_s: F8
    storage: Sequence[int]


def phases(kind: Kind, algorithm: Algorithm, groups: Groups, ends: Ends) -> list[Phase]:
    """The phases of a collective whose ranks lie in `groups`, in rank order.

    The algorithm must be one that `engine.cost.collectives.selection.runnable` names.
    """
    ranks = [chip for group in groups for chip in group]
    steps = latency_steps(kind, algorithm, len(ranks))
    share = port_share(kind, algorithm, len(ranks))
    if kind is Kind.ALL_REDUCE or kind in GATHERS:
        return _reduction(kind, algorithm, groups, ranks, ends, share, steps)
    if kind is Kind.POINT_TO_POINT:
        return [Phase([_sent(ranks[0], ranks[-1], 1.0)], 1.0)]
    if kind is Kind.KV_TRANSFER:
        half = len(ranks) // 2
        pairs = zip(ranks[:half], ranks[half:], strict=True)
        return [Phase([_sent(a, b, 1.0) for a, b in pairs], 1.0)]
    if kind is Kind.WEIGHT_LOAD:
        return [Phase([_gathered(chip, ends.storage, 1.0) for chip in ranks], 1.0)]
    if kind is Kind.INCAST:
        return [Phase([_gathered(ranks[0], ranks[1:], len(ranks) - 1.0)], 1.0)]
    if algorithm is Algorithm.HIERARCHICAL:
        return _by_rail(groups, len(ranks))
    return [Phase(list(pair_exchange([ranks], 1.0 / len(ranks), across=False)), steps)]


def _reduction(
    kind: Kind,
    algorithm: Algorithm,
    groups: Groups,
    ranks: list[int],
    ends: Ends,
    share: float,
    steps: float,
) -> list[Phase]:
    match algorithm:
        case Algorithm.RING:
            following = zip(ranks, ranks[1:] + ranks[:1], strict=True)
            return [Phase([_sent(a, b, share) for a, b in following], steps)]
        case Algorithm.HALVING_DOUBLING:
            return list(_halving(ranks, 2.0 if kind is Kind.ALL_REDUCE else 1.0))
        case Algorithm.TREE:
            return [Phase(list(_double_tree(ranks)), steps)]
        case Algorithm.IN_SWITCH:
            return [Phase(list(_through_switches(ranks, ends, share)), steps)]
        case Algorithm.HIERARCHICAL:
            inside, domains = len(groups[0]), len(groups)
            near = even_exchange(groups, 2.0 * (inside - 1) / inside)
            beyond = 2.0 * (domains - 1) / (domains * inside)
            far = same_index_exchange(groups, beyond, ring=True)
            return [Phase(list(near), 2.0), Phase(list(far), 2.0 * (domains - 1))]
        case _:
            return [Phase(list(even_exchange([ranks], share)), steps)]


def _sent(source: int, target: int, amount: float) -> Traffic:
    return Traffic(target, np.array([source], np.int64), np.array([amount]))


def _gathered(target: int, sources: Sequence[int], amount: float) -> Traffic:
    """Evenly from all sources, `amount` in sum."""
    each = np.full(len(sources), amount / len(sources))
    return Traffic(target, np.array(sources, np.int64), each)


def _halving(ranks: list[int], passes: float) -> Iterator[Phase]:
    """Pairs at distances n/2, n/4, ..., 1, which exchange 1/2, 1/4, ..., 1/n of the buffer."""
    count = len(ranks)
    distance = count // 2
    while distance:
        part = passes * distance / count
        yield Phase(
            [_sent(chip, ranks[i ^ distance], part) for i, chip in enumerate(ranks)], passes
        )
        distance //= 2


def tree_parents(count: int) -> list[int]:
    """Parent of each place in an in-order binary tree, -1 for the root; even places are leaves."""
    parents = [-1] * count

    def build(first: int, size: int, parent: int) -> None:
        if size <= 0:
            return
        root = 1 << (size.bit_length() - 1)
        parents[first + root - 1] = parent
        build(first, root - 1, first + root - 1)
        build(first + root, size - root, first + root - 1)

    build(0, count, -1)
    return parents


def _double_tree(ranks: list[int]) -> Iterator[Traffic]:
    """Half of the buffer up and down each of two trees; who is inner in one is a leaf in the other."""
    count = len(ranks)
    for shift in (0, 1):
        for place, parent in enumerate(tree_parents(count)):
            if parent >= 0:
                child, above = ranks[(place + shift) % count], ranks[(parent + shift) % count]
                yield _sent(child, above, 0.5)
                yield _sent(above, child, 0.5)


def _through_switches(ranks: list[int], ends: Ends, share: float) -> Iterator[Traffic]:
    """Every rank to all switches and back, in proportion to their rates."""
    parts = share * ends.switch_bytes_per_s / ends.switch_bytes_per_s.sum()
    everyone = np.array(ranks, np.int64)
    for switch, part in zip(ends.switches, parts.tolist(), strict=True):
        yield Traffic(switch, everyone, np.full(len(ranks), part))
    for chip in ranks:
        yield Traffic(chip, np.array(ends.switches, np.int64), parts)


def _by_rail(groups: Groups, ranks: int) -> list[Phase]:
    """All-to-all in two hops: to the peer of one's domain on the target's rail, then along it."""
    inside, domains = len(groups[0]), len(groups)
    near = pair_exchange(groups, domains / ranks, across=False)
    beyond = inside * (domains - 1) / ranks
    far = same_index_exchange(groups, beyond, ring=False)
    return [Phase(list(near), 1.0), Phase(list(far), 1.0)]
