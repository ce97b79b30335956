"""The scheduler of a replica, after vLLM V1: what the next step computes.

Running sequences first (one token each, blocks taken as they grow, the last admitted pushed out
when blocks run out), then prefill chunks within the token budget, then admissions in order of
arrival; none in a step that pushed somebody out. Blocks of a whole prompt are reserved at
admission.
"""

from engine.sim.kernels.cache import (
    cache_make_room,
    cache_pin,
    cache_row,
    cache_take,
    cache_unpin,
)
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.heap import heap_remove, heap_set
from engine.sim.kernels.queues import join_queue, leave_queue
from engine.sim.kernels.stretches import (
    close_stretch,
    keep_blocks,
    open_stretch,
    plan_ahead,
    stretch_end,
)
from engine.sim.kernels.world import (
    AFTER_REPLICA,
    COMPUTE,
    COMPUTING,
    DECODE,
    FAULT,
    KV_MEMORY,
    LOST,
    PREFILL,
    PREFILL_ROLE,
    PULLED,
    PUSHED_OUT,
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
    if w.pools[s.rep[r].pool].no_evict:
        s.rep[r].promised -= _blocks_to_come(w, s, r, q, tokens)


@inlined
def _blocks_to_come(w: World, s: State, r: int, q: int, tokens: int) -> int:
    """Blocks that a sequence with `tokens` in KV still needs for its whole output here."""
    if w.pools[s.rep[r].pool].role == PREFILL_ROLE:
        return 0
    size = w.pools[s.rep[r].pool].block_tokens
    whole = (s.req[q].prompt + s.req[q].output + size - 1) // size
    come: int = whole - (tokens + size - 1) // size
    return come


@inlined
def leave_decode(w: World, s: State, r: int, q: int, step: int) -> int:
    """Takes a sequence out of the decode sums and counts its grown blocks; returns its tokens."""
    rep, req = s.rep, s.req
    size = w.pools[rep[r].pool].block_tokens
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
def entry_blocks(w: World, s: State, r: int) -> int:
    """KV blocks of one prefix entry of a trace."""
    size = w.pools[s.rep[r].pool].block_tokens
    blocks: int = (w.requests.entry_tokens + size - 1) // size
    return blocks


@inlined
def waited_kv(rep: Records, r: int, now: float) -> float:
    """Seconds so far in which the head of the queue lacked KV blocks."""
    waited: float = rep[r].wait_kv
    if rep[r].blocked:
        waited += now - rep[r].wait_mark
    return waited


@inlined
def waited_down(rep: Records, r: int, now: float) -> float:
    """Seconds so far in which the replica was down."""
    waited: float = rep[r].down_s
    if not rep[r].up:
        waited += now - rep[r].down_mark
    return waited


@inlined
def lost_cause(req: Records, q: int) -> int:
    """The cause of a request's being computed again."""
    return FAULT if req[q].preempted == LOST else KV_MEMORY


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
    rep, req, limits = s.rep, s.req, w.pools[s.rep[r].pool]
    if rep[r].join_head >= 0:
        close_stretch(w, s, r, now)
        _join(w, s, r, now)
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
        while (
            rep[r].wait_head >= 0
            and budget > 0
            and rep[r].running + rep[r].pulls < limits.max_seqs
        ):
            q = rep[r].wait_head
            verdict, hit, need, pinned = _fits(w, s, r, q, budget)
            if verdict != ADMITTED:
                break
            close_stretch(w, s, r, now)
            if req[q].source >= 0:
                _ask_for_kv(w, s, r, q, need, now)
                continue
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
    if chunks == 0 and not pushed_out and w.jump > 0 and rep[r].shared == 0:
        rep[r].ahead = plan_ahead(
            rep, s.ring, s.growing, w.jump, limits.chunked_prefill, limits.block_tokens, r
        )
    heap_set(s.rep_heap, r, stretch_end(rep, r, rep[r].done + 1 + rep[r].ahead))


@inlined
def _begin_step(
    w: World, s: State, r: int, tokens: int, samples: int, chunks: int, area: float, grown: int,
    now: float,
) -> None:  # fmt: skip
    """Begins a step: the next of the stretch if nothing has closed it, or the first of another."""
    rep = s.rep
    if rep[r].done > 0 and chunks == 0 and rep[r].stale == 0:
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
    rep, req = s.rep, s.req
    limits = w.pools[rep[r].pool]
    column = rep[r].step % limits.block_tokens
    pushed_out = False
    while s.growing[r, column] > 0:
        if cache_make_room(rep, s.cache, r, s.growing[r, column]):
            break
        pushed_out = True
        _push_out(w, s, r, _last_running(rep, req, r), now)
    rep[r].free -= s.growing[r, column]
    if limits.no_evict:
        rep[r].promised -= s.growing[r, column]
    return pushed_out


@bare
def _last_running(rep: Records, req: Records, r: int) -> int:
    """The running sequence that is pushed out first: of the last priority the last admitted."""
    last = q = rep[r].run_tail
    while q >= 0:
        if req[q].priority > req[last].priority:
            last = q
        q = req[q].run_back
    return int(last)


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
        s.req_cause[q, lost_cause(req, q)] += now - req[q].mark_s
    else:
        for c in range(COMPUTE, AFTER_REPLICA):
            s.req_cause[q, c] += s.rep_cause[r, c] - s.mark_cause[q, c]
    rep[r].free += req[q].blocks
    req[q].blocks = 0
    unpin_entries(w, s, r, q)
    unlink_running(s, r, q)
    req[q].preempted = PUSHED_OUT
    req[q].phase = WAITING
    req[q].target = req[q].prompt + req[q].emitted
    req[q].filled = 0
    req[q].chunk = 0
    req[q].mark_s = now
    join_queue(rep, req, s.tails, r, q, True)


@inlined
def unpin_entries(w: World, s: State, r: int, q: int) -> None:
    """Lets go of the prefix entries that a request keeps at a replica."""
    if s.req[q].pinned > 0:
        first = w.requests.entry_start[s.req[q].row]
        for at in range(s.req[q].pinned - 1, -1, -1):
            cache_unpin(s.rep, s.cache, r, w.agents.agents + w.requests.entry[first + at])
    s.req[q].pinned = 0


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
    limits = w.pools[rep[r].pool]
    size = limits.block_tokens
    total = (req[q].target + size - 1) // size
    hit = reused = pinned = 0
    loose = rep[r].loose
    if not limits.prefix_cache or req[q].source >= 0:
        pass
    elif q < w.agents.agents:
        row = cache_row(cache, r)
        reused = cache[row, q].blocks
        hit = min(cache[row, q].tokens, req[q].target - 1)
        loose -= reused
    elif w.requests.entry_tokens > 0:
        each = entry_blocks(w, s, r)
        asked = req[q].row
        first, last = w.requests.entry_start[asked], w.requests.entry_start[asked + 1]
        longest = min(last - first, (req[q].target - 1) // w.requests.entry_tokens)
        while pinned < longest:
            e = w.agents.agents + w.requests.entry[first + pinned]
            if cache[r, e].blocks == 0:
                break
            if cache[r, e].pins == 0:
                loose -= each
            pinned += 1
        reused = pinned * each
        hit = pinned * w.requests.entry_tokens
    # one that was pushed out may be longer than a step: it starts in an empty one, in chunks
    whole = min(req[q].target - hit, limits.max_batched_tokens)
    need = max(0, total - reused)
    if not limits.chunked_prefill and whole > budget and req[q].source < 0:
        return TOO_LONG, hit, need, pinned
    come = _blocks_to_come(w, s, r, q, req[q].target) if limits.no_evict else 0
    if need + come + rep[r].promised > rep[r].free + loose:
        return LACKS_BLOCKS, hit, need, pinned
    return ADMITTED, hit, need, pinned


@inlined
def _admit(
    w: World, s: State, r: int, q: int, hit: int, need: int, pinned: int, now: float
) -> None:
    """Moves the head of the queue into the batch."""
    rep, req, cache = s.rep, s.req, s.cache
    req[q].blocks = need
    if q < w.agents.agents:
        if hit > 0:
            req[q].blocks += cache_take(rep, cache, r, q)
    elif pinned > 0:
        first = w.agents.agents
        entry = w.requests.entry_start[req[q].row]
        for at in range(pinned):
            cache_pin(rep, cache, r, first + w.requests.entry[entry + at])
        req[q].pinned = pinned
    _take_blocks(w, s, r, q, need)
    _count_wait(s, r, q, hit, now)
    for c in range(COMPUTE, AFTER_REPLICA):
        s.mark_cause[q, c] = s.rep_cause[r, c]
    req[q].filled = hit
    req[q].phase = PREFILL
    _link_running(s, r, q)
    req[q].fill_next = -1
    if rep[r].fill_tail >= 0:
        req[rep[r].fill_tail].fill_next = q
    else:
        rep[r].fill_head = q
    rep[r].fill_tail = q


@inlined
def _take_blocks(w: World, s: State, r: int, q: int, need: int) -> None:
    """Takes the head of the queue out and gives it its blocks, and what it is promised."""
    rep = s.rep
    leave_queue(rep, s.req, s.tails, r)
    if w.pools[rep[r].pool].no_evict:
        rep[r].promised += _blocks_to_come(w, s, r, q, s.req[q].target)
    cache_make_room(rep, s.cache, r, need)
    rep[r].free -= need


@inlined
def _count_wait(s: State, r: int, q: int, hit: int, now: float) -> None:
    """The wait of an admitted request by cause."""
    req = s.req
    waited = now - req[q].mark_s
    if req[q].preempted:
        s.req_cause[q, lost_cause(req, q)] += waited
        req[q].mark_s = now
    else:
        count_queued(s, r, q, waited, now)
        if req[q].source < 0:
            req[q].cached = hit
            s.whole[TOKENS_IN] += req[q].prompt
            s.whole[TOKENS_CACHED] += hit


@inlined
def count_queued(s: State, r: int, q: int, waited: float, now: float) -> None:
    """Splits a wait in a queue: the replica was down, KV blocks lacked, a place in the batch did."""
    rep, req = s.rep, s.req
    down = min(waited_down(rep, r, now) - req[q].mark_down, waited)
    lacked = min(waited_kv(rep, r, now) - req[q].mark_kv, waited - down)
    s.req_cause[q, FAULT] += down
    s.req_cause[q, KV_MEMORY] += lacked
    s.req_cause[q, QUEUE] += waited - down - lacked


@inlined
def _link_running(s: State, r: int, q: int) -> None:
    rep, req = s.rep, s.req
    tail = rep[r].run_tail
    req[q].run_back = tail
    req[q].run_next = -1
    if tail >= 0:
        req[tail].run_next = q
    else:
        rep[r].run_head = q
    rep[r].run_tail = q
    rep[r].running += 1


@inlined
def _ask_for_kv(w: World, s: State, r: int, q: int, need: int, now: float) -> None:
    """Blocks for a request that was prefilled elsewhere: its KV may come."""
    rep, req = s.rep, s.req
    _take_blocks(w, s, r, q, need)
    _count_wait(s, r, q, 0, now)
    req[q].blocks = need
    req[q].mark_s = now
    req[q].phase = PULLED
    keep_blocks(rep, r, need, now)
    if rep[r].pull_tail >= 0:
        req[rep[r].pull_tail].queue_next = q
    else:
        rep[r].pull_head = q
    rep[r].pull_tail = q
    rep[r].pulls += 1


@inlined
def _join(w: World, s: State, r: int, now: float) -> None:
    """Requests whose KV has come decode from this step on."""
    rep, req = s.rep, s.req
    q = rep[r].join_head
    while q >= 0:
        following = req[q].queue_next
        req[q].queue_next = -1
        s.req_cause[q, QUEUE] += now - req[q].mark_s
        for c in range(COMPUTE, AFTER_REPLICA):
            s.mark_cause[q, c] = s.rep_cause[r, c]
        _link_running(s, r, q)
        begin_decode(w, s, r, q)
        keep_blocks(rep, r, -req[q].blocks, now)
        rep[r].pulls -= 1
        q = following
    rep[r].join_head = -1
    rep[r].join_tail = -1


@inlined
def begin_decode(w: World, s: State, r: int, q: int) -> None:
    """The KV of `filled` tokens is there: a token a step from the next one on."""
    rep, req = s.rep, s.req
    step = rep[r].step
    req[q].phase = DECODE
    req[q].decode_step = step
    req[q].start_tokens = req[q].filled
    req[q].finish_step = step + req[q].output - req[q].emitted
    rep[r].decoding += 1
    rep[r].context += req[q].filled
    s.growing[r, (step - req[q].filled) % w.pools[rep[r].pool].block_tokens] += 1
    bucket = req[q].finish_step % RING
    req[q].ring_next = s.ring[r, bucket]
    s.ring[r, bucket] = q
