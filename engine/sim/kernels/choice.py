"""Which replica of a list a request is sent to.

A list that asks for loads keeps a winner tree: the leaf of seat i holds its replica, an inner node
the less loaded of its two children, the left one of equals. Replicas that are down come last.
"""

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.prefixes import prefix_holder
from engine.sim.kernels.world import (
    DRAINING,
    LEAST_LOADED,
    PREFIX_AFFINITY,
    SESSION_STICKY,
    UP,
    World,
)
from engine.sim.state import Records, State

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]


@inlined
def _wins(rep: Records, a: int, b: int) -> bool:
    """The left child of two is ahead of the right one, which may be absent."""
    if b < 0:
        return True
    if rep[a].up != rep[b].up:
        ahead: bool = rep[a].up > rep[b].up
        return ahead
    less: bool = rep[a].assigned <= rep[b].assigned
    return less


@bare
def _rise(tree: I4, rep: Records, first: int, leaf: int) -> None:
    at = leaf >> 1
    while at > 0:
        left, right = tree[first + 2 * at], tree[first + 2 * at + 1]
        tree[first + at] = left if _wins(rep, left, right) else right
        at >>= 1


@inlined
def load_changed(services_tree: I8, tree: I4, rep: Records, r: int) -> None:
    """The load of a replica, or whether it is up, has changed."""
    first = services_tree[rep[r].list]
    size = services_tree[rep[r].list + 1] - first
    if size > 0:
        _rise(tree, rep, first, (size >> 1) + rep[r].seat)


@inlined
def assign(w: World, s: State, r: int, delta: int) -> None:
    """Counts a request to or off a replica."""
    s.rep[r].assigned += delta
    load_changed(w.services.tree, s.tree, s.rep, r)


@bare
def _next_up(rep: Records, replica: I4, first: int, members: int, seat: int) -> int:
    """The seat of the next replica that is up, in turn from `seat`.

    One that drains if none is, that of `seat` if none does.
    """
    for wanted in (UP, DRAINING):
        for turn in range(members):
            at = (seat + turn) % members
            if rep[replica[first + at]].up == wanted:
                return at
    return seat % members


@inlined
def choose(w: World, s: State, number: int, q: int, now: float) -> int:
    """The replica of a list for a slot by the list's rule.

    Prefix affinity sends a prompt to the replica that has its prefix, unless that one has `slack`
    requests more than the least loaded one, as the router of SGLang does.
    """
    services = w.services
    first = services.start[number]
    members = services.start[number + 1] - first
    router = services.router[number]
    if router in (LEAST_LOADED, PREFIX_AFFINITY):
        least: int = s.tree[services.tree[number] + 1]
        if router == LEAST_LOADED or number % 2 == 1:
            return least
        h: int = prefix_holder(w, s, number, q, now)
        if h >= 0 and s.rep[h].assigned <= s.rep[least].assigned + services.slack[number]:
            return h
        return least
    sticky = router == SESSION_STICKY and q < w.agents.agents
    seat = _next_up(s.rep, services.replica, first, members, q if sticky else s.next_seat[number])
    if not sticky:
        s.next_seat[number] = (seat + 1) % members
    chosen: int = services.replica[first + seat]
    return chosen
