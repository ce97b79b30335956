"""A replica fails: what becomes of its requests and of the KV that it held.

Called between two slices of the loop, when every event up to now has been processed. The step that
was running is lost. Requests go on to another replica, fail, or wait for the repair; tokens that
their clients have are not computed again, but their KV is.
"""

from engine.sim.kernels.agents import wake
from engine.sim.kernels.choice import assign, load_changed
from engine.sim.kernels.compiling import bare, bare_kernel, inlined
from engine.sim.kernels.gate import give_up
from engine.sim.kernels.heap import heap_remove
from engine.sim.kernels.losing import lose_fetch, lose_kept, lose_progress
from engine.sim.kernels.network import Network, net_stop
from engine.sim.kernels.queues import join_queue
from engine.sim.kernels.sequences import (
    entry_blocks,
    leave_decode,
    spend_steps,
)
from engine.sim.kernels.starting import halt_start
from engine.sim.kernels.stretches import close_stretch, keep_blocks, stretch_end
from engine.sim.kernels.waits import count_wait, lost_cause, waited_kv
from engine.sim.kernels.world import (
    DECODE,
    DOWN,
    FAULT,
    KV_TRANSFER,
    ON_THE_WAY,
    QUEUE,
    RESENT,
    SCALE_OUT,
    WAITING,
    World,
)
from engine.sim.state import PASSED, RING, State

RETRY, FAIL, WAIT, MIGRATE = range(4)  # policies: engine.scenario.faults.FaultPolicy


@bare_kernel
def fail_replica(
    w: World, net: Network, s: State, r: int, policy: int, readable: bool, detect_s: float,
    now: float,
) -> None:  # fmt: skip
    """Takes a replica down and sends its requests where the policy says.

    Args:
        w: what the run reads.
        net: its flows.
        s: the state.
        r: the replica.
        policy: RETRY, FAIL, WAIT or MIGRATE.
        readable: its KV memory is whole: under MIGRATE sequences that decode move with their KV.
        detect_s: until a router knows and sends a request again.
        now: the run's time.
    """
    rep = s.rep
    halt_start(w, net, s, r, now)
    if not rep[r].up:
        return
    ended_s = _stop_step(w, net, s, r, now)
    s.whole[PASSED] = w.replicas
    rep[r].up = DOWN
    rep[r].down_mark = now
    load_changed(w.services.tree, s.tree, rep, r)
    keeps = policy == MIGRATE and readable and rep[r].kept <= rep[r].blocks
    first = _collect_running(w, s, r, keeps, ended_s, now, -1)
    first = _collect_waiting(s, r, now, first)
    first = _collect_on_the_way(w, net, s, r, now, first)
    first = _collect_pulled(w, net, s, r, now, first)
    if keeps:
        _own_pinned(w, s, r)
    else:
        lose_kept(w, net, s, r, now)
    _clear(s, r, keeps, now)
    while first >= 0:
        q = first
        first = s.req[q].queue_next
        s.req[q].queue_next = -1
        assign(w, s, r, -1)
        if policy == FAIL:
            give_up(w, s, q, now)
        elif policy == WAIT and s.req[q].source < 0:
            assign(w, s, r, 1)
            s.req[q].phase = WAITING
            s.req[q].mark_s = now
            s.req[q].mark_kv = waited_kv(rep, r, now)
            s.req[q].mark_down = rep[r].down_s
            join_queue(rep, s.req, s.tails, r, q, False)
        else:
            s.req[q].mark_s = now
            wake(s, q, RESENT, now + detect_s)


@bare
def _stop_step(w: World, net: Network, s: State, r: int, now: float) -> float:
    """Stops what a replica computes and moves; returns when its last whole step ended."""
    rep = s.rep
    ended_s = now
    if rep[r].mode != 0:
        ended_s = stretch_end(rep, r, rep[r].done) if rep[r].done > 0 else rep[r].start_s
        rep[r].mode = 0
        rep[r].ahead = 0
        heap_remove(s.rep_heap, r)
    close_stretch(w, s, r, ended_s)
    for slot in (r, 2 * w.replicas + r):
        net_stop(net, slot, now)
    rep[r].out_bytes = 0.0
    return ended_s


@inlined
def _keep(w: World, s: State, r: int, q: int, tokens: int, now: float) -> bool:
    """Keeps the KV of a sequence for another replica, if there is room to count it as its own."""
    held = s.req[q].blocks + s.req[q].pinned * entry_blocks(w, s, r)
    if s.rep[r].kept + held > s.rep[r].blocks:
        return False
    s.req[q].source = r
    s.req[q].held = held
    s.req[q].blocks = 0
    s.req[q].pinned = 0
    s.req[q].target = tokens
    s.req[q].filled = tokens
    keep_blocks(s.rep, r, held, now)
    return True


@bare
def _own_pinned(w: World, s: State, r: int) -> None:
    """Prompts that wait here for another replica own the prefix entries that they have pinned."""
    for q in range(s.req.size):
        if s.req[q].source == r and s.req[q].pinned > 0:
            s.req[q].held += s.req[q].pinned * entry_blocks(w, s, r)
            s.req[q].pinned = 0


@inlined
def _put(s: State, q: int, first: int) -> int:
    s.req[q].queue_next = first
    return q


@bare
def _collect_running(
    w: World, s: State, r: int, keeps: bool, ended_s: float, now: float, first: int
) -> int:  # fmt: skip
    """Requests of the batch, and those whose KV has just come, in a list before `first`."""
    rep, req = s.rep, s.req
    q = rep[r].run_head
    while q >= 0:
        following = req[q].run_next
        tokens = -1
        if req[q].phase == DECODE:
            tokens = leave_decode(w, s, r, q, rep[r].step)
        if req[q].preempted:
            s.req_cause[q, lost_cause(req, q)] += ended_s - req[q].mark_s
        else:
            spend_steps(s, r, q)
        s.req_cause[q, FAULT] += now - ended_s
        if not keeps or tokens < 0 or not _keep(w, s, r, q, tokens, now):
            lose_progress(s, q)
        req[q].run_next = -1
        req[q].run_back = -1
        req[q].fill_next = -1
        req[q].ring_next = -1
        first = _put(s, q, first)
        q = following
    q = rep[r].join_head
    while q >= 0:
        following = req[q].queue_next
        s.req_cause[q, QUEUE] += now - req[q].mark_s
        keep_blocks(rep, r, -req[q].blocks - req[q].pinned * entry_blocks(w, s, r), now)
        lose_progress(s, q)
        first = _put(s, q, first)
        q = following
    return first


@bare
def _collect_waiting(s: State, r: int, now: float, first: int) -> int:
    rep, req = s.rep, s.req
    q = rep[r].wait_head
    while q >= 0:
        following = req[q].queue_next
        count_wait(s, r, q, now - req[q].mark_s, now)
        first = _put(s, q, first)
        q = following
    return first


@bare
def _collect_on_the_way(
    w: World, net: Network, s: State, r: int, now: float, first: int
) -> int:  # fmt: skip
    rep, req = s.rep, s.req
    net_stop(net, w.replicas + r, now)
    q = rep[r].in_head
    while q >= 0:
        following = req[q].queue_next
        s.req_cause[q, SCALE_OUT] += now - req[q].mark_s
        first = _put(s, q, first)
        q = following
    for q in range(req.size):
        if req[q].phase == ON_THE_WAY and req[q].replica == r and s.req_heap.place[q] >= 0:
            heap_remove(s.req_heap, q)
            s.req_cause[q, SCALE_OUT] += now - req[q].mark_s
            first = _put(s, q, first)
    return first


@bare
def _collect_pulled(w: World, net: Network, s: State, r: int, now: float, first: int) -> int:
    """Requests whose KV was to come here: their sources still have it, or the prefix's tier."""
    rep, req = s.rep, s.req
    net_stop(net, 3 * w.replicas + r, now)
    q = rep[r].pull_head
    while q >= 0:
        following = req[q].queue_next
        heap_remove(s.req_heap, q)
        s.req_cause[q, KV_TRANSFER] += now - req[q].mark_s
        kept = req[q].blocks
        if req[q].fetch > 0:
            kept += req[q].pinned * entry_blocks(w, s, r)
            lose_fetch(s, q)
        keep_blocks(rep, r, -kept, now)
        req[q].blocks = 0
        first = _put(s, q, first)
        q = following
    return first


@bare
def _clear(s: State, r: int, keeps: bool, now: float) -> None:
    """An empty replica: no lists, no blocks in use but those kept for others, nothing cached."""
    rep, cache = s.rep, s.cache
    for at in range(RING):
        s.ring[r, at] = -1
    for at in range(s.growing.shape[1]):
        s.growing[r, at] = 0
    for level in range(s.tails.shape[1]):
        s.tails[r, level] = -1
    if rep[r].blocked:
        rep[r].wait_kv += now - rep[r].wait_mark
    rep[r].blocked = 0
    rep[r].decoding = rep[r].running = rep[r].waiting = rep[r].context = 0
    rep[r].pulls = rep[r].pulling = rep[r].promised = rep[r].cached = rep[r].loose = 0
    rep[r].chunks = rep[r].samples = 0
    if not keeps:
        keep_blocks(rep, r, -rep[r].kept, now)
    rep[r].free = rep[r].blocks - rep[r].kept
    rep[r].wait_head = rep[r].run_head = rep[r].fill_head = rep[r].in_head = -1
    rep[r].run_tail = rep[r].fill_tail = rep[r].in_tail = -1
    rep[r].pull_head = rep[r].pull_tail = rep[r].join_head = rep[r].join_tail = -1
    rep[r].lru_head = rep[r].lru_tail = -1
    row = r if cache.shape[0] > 1 else 0
    for e in range(cache.shape[1]):
        if cache.shape[0] > 1 or cache[row, e].holder == r:
            cache[row, e].tokens = 0
            cache[row, e].blocks = 0
            cache[row, e].pins = 0
            cache[row, e].after = -1
            cache[row, e].before = -1
            cache[row, e].low = 0
            cache[row, e].low_after = -1
            cache[row, e].low_before = -1
    if s.lower.size > 0:
        for tier in range(s.lower.shape[1]):
            s.lower[r, tier].used = 0
            s.lower[r, tier].head = s.lower[r, tier].tail = -1


@bare_kernel
def send_elsewhere(w: World, s: State, r: int, now: float) -> None:
    """Requests that wait at a replica that is down are sent again: somebody else serves now."""
    rep = s.rep
    if rep[r].up:
        return
    first = _collect_waiting(s, r, now, -1)
    rep[r].wait_head = -1
    rep[r].waiting = 0
    for level in range(s.tails.shape[1]):
        s.tails[r, level] = -1
    while first >= 0:
        q = first
        first = s.req[q].queue_next
        s.req[q].queue_next = -1
        assign(w, s, r, -1)
        s.req[q].mark_s = now
        wake(s, q, RESENT, now)
