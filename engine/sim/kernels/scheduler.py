"""The scheduler of a replica, after vLLM V1: what the next step computes.

Running sequences first (one token each, blocks taken as they grow, the last admitted pushed out
when blocks run out), then prefill chunks within the token budget, then admissions in order of
arrival; none in a step that pushed somebody out. Blocks of a whole prompt are reserved at
admission.
"""

from engine.sim.codes import CAUSES
from engine.sim.kernels.cache import (
    cache_make_room,
    cache_pin,
    cache_row,
    cache_take,
    cache_unpin,
)
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.heap import heap_remove, heap_set
from engine.sim.kernels.stretches import (
    close_stretch,
    open_stretch,
    plan_ahead,
    shares_links,
    stretch_end,
)
from engine.sim.kernels.world import (
    COMPUTING,
    DECODE,
    KV_MEMORY,
    PREFILL,
    QUEUE,
    WAITING,
    World,
)
from engine.sim.state import LOGGED, PREEMPTIONS, RING, TOKENS_CACHED, TOKENS_IN, Records, State

ADMITTED, LACKS_BLOCKS, TOO_LONG = range(3)


@inlined
def unlink_running(s: State, r: int, q: int) -> None:
    """Takes a sequence out of the running ones."""
    rep, req = s.rep, s.req
    after, before = req[q].run_next, req[q].run_back
    if before >= 0:
        req[before].run_next = after
    else:
        rep[r].run_head = after
    if after >= 0:
        req[after].run_back = before
    else:
        rep[r].run_tail = before
    req[q].run_next = -1
    req[q].run_back = -1
    rep[r].running -= 1


@inlined
def release_promise(w: World, s: State, r: int, q: int, tokens: int) -> None:
    """A sequence that has `tokens` in KV takes no more blocks: what it was promised is free."""
    if w.limits.no_evict:
        s.rep[r].promised -= _blocks_to_come(w, s, q, tokens)


@inlined
def _blocks_to_come(w: World, s: State, q: int, tokens: int) -> int:
    """Blocks that a sequence with `tokens` in KV still needs for its whole output."""
    size = w.limits.block_tokens
    whole = (s.req[q].prompt + s.req[q].output + size - 1) // size
    come: int = whole - (tokens + size - 1) // size
    return come


@inlined
def leave_decode(w: World, s: State, r: int, q: int, step: int) -> int:
    """Takes a sequence out of the decode sums and counts its grown blocks; returns its tokens."""
    rep, req = s.rep, s.req
    size = w.limits.block_tokens
    done = step - req[q].decode_step
    tokens: int = req[q].start_tokens + done
    req[q].blocks += (tokens + size - 1) // size - (req[q].start_tokens + size - 1) // size
    req[q].emitted += done
    rep[r].decoding -= 1
    rep[r].context -= tokens
    release_promise(w, s, r, q, tokens)
    s.growing[r, (req[q].decode_step - req[q].start_tokens) % size] -= 1
    return tokens


@inlined
def entry_blocks(w: World) -> int:
    """KV blocks of one prefix entry of a trace."""
    size = w.limits.block_tokens
    return (w.requests.entry_tokens + size - 1) // size


@inlined
def waited_kv(rep: Records, r: int, now: float) -> float:
    """Seconds so far in which the head of the queue lacked KV blocks."""
    waited: float = rep[r].wait_kv
    if rep[r].blocked:
        waited += now - rep[r].wait_mark
    return waited


@inlined
def _block(s: State, r: int, blocked: int, now: float) -> None:
    """The head of the queue lacks KV blocks, or does no more."""
    rep = s.rep
    if rep[r].blocked != blocked:
        rep[r].wait_kv = waited_kv(rep, r, now)
        rep[r].wait_mark = now
        rep[r].blocked = blocked


@inlined
def schedule(w: World, s: State, r: int, now: float) -> None:
    """Forms the next step of a replica, or leaves it idle."""
    rep, req, limits = s.rep, s.req, w.limits
    pushed_out = _grow(w, s, r, now)
    grown = s.growing[r, rep[r].step % limits.block_tokens]
    budget = limits.max_batched_tokens - rep[r].decoding
    samples = rep[r].decoding
    chunks = 0
    area = 0.0
    q = rep[r].fill_head
    while q >= 0 and budget > 0:
        x = min(req[q].target - req[q].filled, budget)
        area += _give(s, q, x)
        chunks += 1
        budget -= x
        if req[q].filled + x >= req[q].target:
            samples += 1
        q = req[q].fill_next
    verdict = ADMITTED
    if not pushed_out:
        while rep[r].wait_head >= 0 and budget > 0 and rep[r].running < limits.max_seqs:
            q = rep[r].wait_head
            verdict, hit, need, pinned = _fits(w, s, r, q, budget)
            if verdict != ADMITTED:
                break
            close_stretch(w, s, r, now)
            _admit(w, s, r, q, hit, need, pinned, now)
            x = min(req[q].target - req[q].filled, budget)
            area += _give(s, q, x)
            chunks += 1
            budget -= x
            if req[q].filled + x >= req[q].target:
                samples += 1
    _block(s, r, 1 if verdict == LACKS_BLOCKS else 0, now)
    tokens = limits.max_batched_tokens - budget
    if tokens == 0:
        heap_remove(s.rep_heap, r)
        return
    _begin_step(w, s, r, tokens, samples, chunks, area, grown, now)
    rep[r].ahead = 0
    if chunks == 0 and not pushed_out and w.jump > 0 and not shares_links(w, r):
        rep[r].ahead = plan_ahead(rep, s.ring, s.growing, w.jump, w.limits.chunked_prefill, r)
    heap_set(s.rep_heap, r, stretch_end(rep, r, rep[r].done + 1 + rep[r].ahead))


@inlined
def _begin_step(
    w: World, s: State, r: int, tokens: int, samples: int, chunks: int, area: float, grown: int,
    now: float,
) -> None:  # fmt: skip
    """Begins a step: the next of the stretch if nothing has closed it, or the first of another."""
    rep = s.rep
    if rep[r].done > 0 and chunks == 0:
        rep[r].growth += grown
    else:
        close_stretch(w, s, r, now)
        open_stretch(w, s, r, tokens, samples, chunks, area, now)
    rep[r].mode = COMPUTING
    row = s.whole[LOGGED]
    if row < s.log.shape[0]:
        s.whole[LOGGED] += 1
        s.log[row, 0] = r
        s.log[row, 1] = now
        s.log[row, 2] = tokens
        s.log[row, 3] = samples
        s.log[row, 4] = rep[r].decoding
        s.log[row, 5] = rep[r].context
        s.log[row, 6] = chunks
        s.log[row, 7] = area


@inlined
def _give(s: State, q: int, x: int) -> float:
    """Gives a prompt its chunk of the step; returns the attention area in tokens^2."""
    s.req[q].chunk = x
    area: float = x * (s.req[q].filled + 0.5 * x)
    return area


@inlined
def _grow(w: World, s: State, r: int, now: float) -> bool:
    """Takes the blocks that decoding sequences need for their next token; True if some left."""
    rep = s.rep
    column = rep[r].step % w.limits.block_tokens
    pushed_out = False
    while s.growing[r, column] > 0:
        if cache_make_room(rep, s.cache, r, s.growing[r, column]):
            break
        pushed_out = True
        _push_out(w, s, r, rep[r].run_tail, now)
    rep[r].free -= s.growing[r, column]
    if w.limits.no_evict:
        rep[r].promised -= s.growing[r, column]
    return pushed_out


@bare
def _push_out(w: World, s: State, r: int, q: int, now: float) -> None:
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
        s.req_cause[q, KV_MEMORY] += now - req[q].mark_s
    else:
        for c in range(CAUSES):
            s.req_cause[q, c] += s.rep_cause[r, c] - s.mark_cause[q, c]
    rep[r].free += req[q].blocks
    req[q].blocks = 0
    first = w.requests.entry_start[req[q].row] if w.agents.agents == 0 else 0
    for at in range(req[q].pinned - 1, -1, -1):
        cache_unpin(rep, s.cache, r, w.requests.entry[first + at])
    req[q].pinned = 0
    unlink_running(s, r, q)
    req[q].preempted = 1
    req[q].phase = WAITING
    req[q].target = req[q].prompt + req[q].emitted
    req[q].filled = 0
    req[q].chunk = 0
    req[q].mark_s = now
    req[q].queue_next = rep[r].wait_head
    rep[r].wait_head = q
    if rep[r].wait_tail < 0:
        rep[r].wait_tail = q
    rep[r].waiting += 1


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


@inlined
def _fits(w: World, s: State, r: int, q: int, budget: int) -> tuple[int, int, int, int]:
    """Whether the head of the queue can come in, its cached tokens, blocks to take, entries to pin.

    The first is ADMITTED, LACKS_BLOCKS or TOO_LONG.
    """
    rep, req, cache = s.rep, s.req, s.cache
    size = w.limits.block_tokens
    total = (req[q].target + size - 1) // size
    hit = reused = pinned = 0
    loose = rep[r].loose
    if w.limits.prefix_cache and w.agents.agents > 0:
        row = cache_row(cache, r)
        reused = cache[row, q].blocks
        hit = min(cache[row, q].tokens, req[q].target - 1)
        loose -= reused
    elif w.limits.prefix_cache and w.requests.entry_tokens > 0:
        each = entry_blocks(w)
        asked = req[q].row
        first, last = w.requests.entry_start[asked], w.requests.entry_start[asked + 1]
        longest = min(last - first, (req[q].target - 1) // w.requests.entry_tokens)
        while pinned < longest and cache[r, w.requests.entry[first + pinned]].blocks > 0:
            if cache[r, w.requests.entry[first + pinned]].pins == 0:
                loose -= each
            pinned += 1
        reused = pinned * each
        hit = pinned * w.requests.entry_tokens
    # one that was pushed out may be longer than a step: it starts in an empty one, in chunks
    whole = min(req[q].target - hit, w.limits.max_batched_tokens)
    need = max(0, total - reused)
    if not w.limits.chunked_prefill and whole > budget:
        return TOO_LONG, hit, need, pinned
    come = _blocks_to_come(w, s, q, req[q].target) if w.limits.no_evict else 0
    if need + come + rep[r].promised > rep[r].free + loose:
        return LACKS_BLOCKS, hit, need, pinned
    return ADMITTED, hit, need, pinned


@inlined
def _admit(
    w: World, s: State, r: int, q: int, hit: int, need: int, pinned: int, now: float
) -> None:
    """Moves the head of the queue into the batch."""
    rep, req, cache = s.rep, s.req, s.cache
    if w.limits.no_evict:
        rep[r].promised += _blocks_to_come(w, s, q, req[q].target)
    req[q].blocks = need
    if w.agents.agents > 0:
        if hit > 0:
            req[q].blocks += cache_take(rep, cache, r, q)
    elif pinned > 0:
        first = w.requests.entry_start[req[q].row]
        for at in range(pinned):
            cache_pin(rep, cache, r, w.requests.entry[first + at])
        req[q].pinned = pinned
    cache_make_room(rep, cache, r, need)
    rep[r].free -= need
    _link_running(s, r, q, hit, now)


@inlined
def _link_running(s: State, r: int, q: int, hit: int, now: float) -> None:
    rep, req = s.rep, s.req
    rep[r].wait_head = req[q].queue_next
    if rep[r].wait_head < 0:
        rep[r].wait_tail = -1
    req[q].queue_next = -1
    rep[r].waiting -= 1
    waited = now - req[q].mark_s
    if req[q].preempted:
        s.req_cause[q, KV_MEMORY] += waited
        req[q].mark_s = now
    else:
        lacked = min(waited_kv(rep, r, now) - req[q].mark_kv, waited)
        s.req_cause[q, KV_MEMORY] += lacked
        s.req_cause[q, QUEUE] += waited - lacked
        req[q].cached = hit
        s.whole[TOKENS_IN] += req[q].prompt
        s.whole[TOKENS_CACHED] += hit
    for c in range(CAUSES):
        s.mark_cause[q, c] = s.rep_cause[r, c]
    req[q].filled = hit
    req[q].phase = PREFILL
    tail = rep[r].run_tail
    req[q].run_back = tail
    req[q].run_next = -1
    if tail >= 0:
        req[tail].run_next = q
    else:
        rep[r].run_head = q
    rep[r].run_tail = q
    rep[r].running += 1
    req[q].fill_next = -1
    if rep[r].fill_tail >= 0:
        req[rep[r].fill_tail].fill_next = q
    else:
        rep[r].fill_head = q
    rep[r].fill_tail = q
