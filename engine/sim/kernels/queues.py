"""Queues before the batches: one list a replica, in order of priority, then of arrival."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.state import Records

I4 = NDArray[np.int32]


@bare
def join_queue(rep: Records, req: Records, tails: I4, r: int, q: int, first: bool) -> bool:
    """Puts a request behind those of its priority, or before them; True if it heads the queue."""
    level = req[q].priority
    above = level - 1 if first else level
    before = -1
    while above >= 0 and before < 0:
        before = tails[r, above]
        above -= 1
    if before >= 0:
        req[q].queue_next = req[before].queue_next
        req[before].queue_next = q
    else:
        req[q].queue_next = rep[r].wait_head
        rep[r].wait_head = q
    if not first or tails[r, level] < 0:
        tails[r, level] = q
    rep[r].waiting += 1
    return before < 0


@inlined
def leave_queue(rep: Records, req: Records, tails: I4, r: int) -> None:
    """Takes the head of the queue out."""
    q = rep[r].wait_head
    rep[r].wait_head = req[q].queue_next
    req[q].queue_next = -1
    rep[r].waiting -= 1
    if tails[r, req[q].priority] == q:
        tails[r, req[q].priority] = -1
