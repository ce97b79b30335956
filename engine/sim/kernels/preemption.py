"""Who is pushed out of a batch when KV blocks run out, and how."""

from engine.sim.kernels.compiling import bare
from engine.sim.kernels.queues import join_queue
from engine.sim.kernels.sequences import (
    leave_decode,
    release_promise,
    spend_steps,
    unlink_running,
    unpin_entries,
)
from engine.sim.kernels.stretches import close_stretch
from engine.sim.kernels.waits import lost_cause
from engine.sim.kernels.world import DECODE, PUSHED_OUT, WAITING, World
from engine.sim.state import PREEMPTIONS, RING, Records, State


@bare
def last_running(rep: Records, req: Records, r: int) -> int:
    """The running sequence that is pushed out first: of the last priority the last admitted."""
    last = q = rep[r].run_tail
    while q >= 0:
        if req[q].priority > req[last].priority:
            last = q
        q = req[q].run_back
    return int(last)


@bare
def push_out(w: World, s: State, r: int, q: int, now: float) -> None:
    """Preempts a sequence: its blocks are free, it waits first in line and is computed again."""
    rep, req = s.rep, s.req
    close_stretch(w, s, r, now)
    s.whole[PREEMPTIONS] += 1
    if req[q].phase == DECODE:
        bucket = req[q].finish_step % RING
        _unlink_ring(s, r, q, bucket)
        leave_decode(w, s, r, q, rep[r].step)
    else:
        _unlink_fill(s, r, q)
        release_promise(w, s, r, q, req[q].target)
    if req[q].preempted:
        s.req_cause[q, lost_cause(req, q)] += now - req[q].mark_s
    else:
        spend_steps(s, r, q)
    rep[r].free += req[q].blocks
    req[q].blocks = 0
    unpin_entries(w, s, r, q, now)
    unlink_running(s, r, q)
    req[q].preempted = PUSHED_OUT
    req[q].phase = WAITING
    req[q].target = req[q].prompt + req[q].emitted
    req[q].filled = 0
    req[q].chunk = 0
    req[q].mark_s = now
    join_queue(rep, req, s.tails, r, q, True)


@bare
def _unlink_ring(s: State, r: int, q: int, bucket: int) -> None:
    req = s.req
    at = s.ring[r, bucket]
    if at == q:
        s.ring[r, bucket] = req[q].ring_next
        return
    while req[at].ring_next != q:
        at = req[at].ring_next
    req[at].ring_next = req[q].ring_next


@bare
def _unlink_fill(s: State, r: int, q: int) -> None:
    rep, req = s.rep, s.req
    at, before = rep[r].fill_head, -1
    while at != q:
        before = at
        at = req[at].fill_next
    if before < 0:
        rep[r].fill_head = req[q].fill_next
    else:
        req[before].fill_next = req[q].fill_next
    if rep[r].fill_tail == q:
        rep[r].fill_tail = before
    req[q].fill_next = -1
