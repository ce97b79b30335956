"""Slots of an open loop: a request has one while it is in the system, always the lowest free.

The lowest, so that requests which arrive together keep their order wherever slots break a tie.
"""

from engine.sim.kernels.compiling import inlined
from engine.sim.state import FREE_SLOTS, State


@inlined
def take_slot(s: State) -> int:
    """The lowest free slot; there must be one."""
    free = s.free_slots
    lowest: int = free[0]
    count = s.whole[FREE_SLOTS] - 1
    s.whole[FREE_SLOTS] = count
    last = free[count]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and free[child + 1] < free[child]:
            child += 1
        if last <= free[child]:
            break
        free[at] = free[child]
        at = child
    free[at] = last
    return lowest


@inlined
def give_slot(s: State, slot: int) -> None:
    """Nobody is in a slot any more."""
    free = s.free_slots
    at = s.whole[FREE_SLOTS]
    s.whole[FREE_SLOTS] = at + 1
    while at > 0:
        above = (at - 1) >> 1
        if free[above] <= slot:
            break
        free[at] = free[above]
        at = above
    free[at] = slot
