"""KV that is lost, or let go of, with what becomes of the requests that it was of."""

from engine.sim.kernels.compiling import bare, bare_kernel, inlined
from engine.sim.kernels.heap import heap_remove
from engine.sim.kernels.network import Network, net_stop
from engine.sim.kernels.pulls import kick
from engine.sim.kernels.queues import join_queue
from engine.sim.kernels.sequences import entry_blocks, release_promise, unpin_entries
from engine.sim.kernels.stretches import cut_stretch, keep_blocks
from engine.sim.kernels.waits import count_queued
from engine.sim.kernels.world import KV_TRANSFER, LOST, PULLED, RESENT, WAITING, World
from engine.sim.state import State


@inlined
def let_go(w: World, s: State, q: int, now: float) -> None:
    """The replica that keeps the KV of a request for another one keeps it no more."""
    source = s.req[q].source
    blocks = s.req[q].held + s.req[q].pinned * entry_blocks(w, s, source)
    keep_blocks(s.rep, source, -blocks, now)
    s.rep[source].free += s.req[q].held
    unpin_entries(w, s, source, q, now)
    s.req[q].source = -1
    s.req[q].held = 0
    kick(s, source)


@inlined
def lose_whole(w: World, s: State, q: int, now: float) -> None:
    """The KV of a request can not be reached: the replica that it is at computes it itself."""
    let_go(w, s, q, now)
    s.req[q].filled = s.req[q].target
    lose_progress(s, q)


@inlined
def lose_progress(s: State, q: int) -> None:
    """The KV of a request is gone: what it has is to be computed again."""
    req = s.req
    if req[q].filled > 0 or req[q].emitted > 0:
        req[q].preempted = LOST
    req[q].target = req[q].prompt + req[q].emitted
    req[q].filled = 0
    req[q].chunk = 0
    req[q].blocks = 0
    req[q].pinned = 0
    req[q].source = -1
    req[q].held = 0
    req[q].fetch = 0


@inlined
def lose_fetch(s: State, q: int) -> None:
    """The part of a prefix that was on its way does not come: it was no hit."""
    if not s.req[q].preempted:
        s.req[q].cached = 0
    s.req[q].preempted = LOST
    lose_progress(s, q)


@bare
def lose_kept(w: World, net: Network, s: State, r: int, now: float) -> None:
    """Requests elsewhere whose KV was kept here: their new replicas compute it themselves."""
    rep, req = s.rep, s.req
    for q in range(req.size):
        if req[q].fetch > 0 and req[q].fetch_source == r and req[q].phase == PULLED:
            if rep[req[q].replica].up and req[q].replica != r:
                end_pull(w, net, s, q, now)
            continue
        if req[q].source != r:
            continue
        if req[q].phase == PULLED and rep[req[q].replica].up:
            end_pull(w, net, s, q, now)
        elif req[q].phase == WAITING:
            req[q].filled = req[q].target
            lose_progress(s, q)
            d = req[q].replica
            count_queued(s, d, q, now - req[q].mark_s, now)
            req[q].mark_s = now
            if rep[d].ahead > 0:
                cut_stretch(w, s, d, now, True)
            kick(s, d)
        elif req[q].phase in (RESENT, PULLED):
            req[q].filled = req[q].target
            lose_progress(s, q)


@bare
def end_pull(w: World, net: Network, s: State, q: int, now: float) -> None:
    """Takes a request out of the pulls of its replica and puts it first in the queue there."""
    rep, req = s.rep, s.req
    d = req[q].replica
    heap_remove(s.req_heap, q)
    before, at = -1, rep[d].pull_head
    while at != q:
        before, at = at, req[at].queue_next
    if before >= 0:
        req[before].queue_next = req[q].queue_next
    else:
        net_stop(net, 3 * w.replicas + d, now)
        rep[d].pull_head = req[q].queue_next
        rep[d].pulling = 0
    if rep[d].pull_tail == q:
        rep[d].pull_tail = before
    rep[d].pulls -= 1
    release_promise(w, s, d, q, req[q].target)
    rep[d].free += req[q].blocks
    kept = req[q].blocks
    if req[q].fetch > 0:
        kept += req[q].pinned * entry_blocks(w, s, d)
    keep_blocks(rep, d, -kept, now)
    s.req_cause[q, KV_TRANSFER] += now - req[q].mark_s
    if req[q].fetch == 0:
        req[q].filled = req[q].target
        lose_progress(s, q)
    else:
        unpin_entries(w, s, d, q, now)
        lose_fetch(s, q)
    if rep[d].ahead > 0:
        cut_stretch(w, s, d, now, True)
    req[q].phase = WAITING
    req[q].mark_s = now
    join_queue(rep, req, s.tails, d, q, True)
    kick(s, d)


@bare_kernel
def end_dead_pulls(w: World, net: Network, s: State, now: float) -> None:
    """KV that is on a way which has no path any more is not waited for."""
    for r in range(s.rep.size):
        q = s.rep[r].pull_head
        while q >= 0:
            following = s.req[q].queue_next
            if not w.transfers.alive[s.req[q].way]:
                source = s.req[q].source
                if source >= 0:
                    let_go(w, s, q, now)
                end_pull(w, net, s, q, now)
            q = following


@bare_kernel
def lose_memory(w: World, net: Network, s: State, r: int, now: float) -> None:
    """What a replica that is down still had in KV memory can not be read any more."""
    if s.rep[r].up:
        return
    lose_kept(w, net, s, r, now)
    keep_blocks(s.rep, r, -s.rep[r].kept, now)
    s.rep[r].free = s.rep[r].blocks
