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
    is_fresh,
)
from engine.sim.kernels.compiling import inlined
from engine.sim.kernels.heap import heap_remove, heap_set
from engine.sim.kernels.losing import lose_whole
from engine.sim.kernels.preemption import last_running, push_out
from engine.sim.kernels.prefixes import find_elsewhere, looks_elsewhere, touch_fetched
from engine.sim.kernels.queues import leave_queue
from engine.sim.kernels.sequences import begin_decode, blocks_to_come, entry_blocks, mark_steps
from engine.sim.kernels.stretches import (
    close_stretch,
    keep_blocks,
    open_stretch,
    plan_ahead,
    stretch_end,
)
from engine.sim.kernels.waits import count_wait, waited_kv
from engine.sim.kernels.world import (
    COMPUTING,
    PREFILL,
    PREFILL_ROLE,
    PULLED,
    QUEUE,
    World,
)
from engine.sim.state import LOGGED, TOKENS_CACHED, TOKENS_IN, State

ADMITTED, LACKS_BLOCKS, TOO_LONG = range(3)


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
            verdict, hit, need, pinned = _fits(w, s, r, q, budget, now)
            if verdict != ADMITTED:
                break
            close_stretch(w, s, r, now)
            if req[q].source >= 0 and not _find_way(w, s, r, q):
                lose_whole(w, s, q, now)
                continue
            if req[q].source >= 0 or req[q].fetch > 0:
                _ask_for_kv(w, s, r, q, hit, need, pinned, now)
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
        if cache_make_room(rep, s.lower, s.cache, r, s.growing[r, column]):
            break
        pushed_out = True
        push_out(w, s, r, last_running(rep, req, r), now)
    rep[r].free -= s.growing[r, column]
    if limits.no_evict:
        rep[r].promised -= s.growing[r, column]
    return pushed_out


@inlined
def _fits(
    w: World, s: State, r: int, q: int, budget: int, now: float
) -> tuple[int, int, int, int]:
    """Whether the head of the queue can come in, its cached tokens, blocks to take, entries to pin.

    The first is ADMITTED, LACKS_BLOCKS or TOO_LONG. REQUEST.fetch says what more of the prefix is
    to come from elsewhere.
    """
    rep, req, cache = s.rep, s.req, s.cache
    limits = w.pools[rep[r].pool]
    size = limits.block_tokens
    total = (req[q].target + size - 1) // size
    req[q].fetch = 0
    hit = reused = pinned = 0
    loose = rep[r].loose
    if not limits.prefix_cache or req[q].source >= 0:
        pass
    elif q < w.agents.agents:
        row = cache_row(cache, r)
        if is_fresh(cache[row, q].used_s, limits.ttl_s, now):
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
                if not is_fresh(cache[r, e].used_s, limits.ttl_s, now):
                    break
                loose -= each
            pinned += 1
        reused = pinned * each
        hit = pinned * w.requests.entry_tokens
    if looks_elsewhere(w, s, r, q):
        find_elsewhere(w, s, r, q, hit, pinned, now)
    # one that was pushed out may be longer than a step: it starts in an empty one, in chunks
    whole = min(req[q].target - hit, limits.max_batched_tokens)
    need = max(0, total - reused)
    if not limits.chunked_prefill and whole > budget and req[q].source < 0:
        return TOO_LONG, hit, need, pinned
    come = blocks_to_come(w, s, r, q, req[q].target) if limits.no_evict else 0
    if need + come + rep[r].promised > rep[r].free + loose:
        return LACKS_BLOCKS, hit, need, pinned
    return ADMITTED, hit, need, pinned


@inlined
def _admit(
    w: World, s: State, r: int, q: int, hit: int, need: int, pinned: int, now: float
) -> None:
    """Moves the head of the queue into the batch."""
    _hold_prefix(w, s, r, q, hit, need, pinned)
    _take_blocks(w, s, r, q, need)
    _count_wait(s, r, q, hit, now)
    mark_steps(s, r, q)
    s.req[q].filled = hit
    _link_running(s, r, q)
    _link_filling(s, r, q)


@inlined
def _hold_prefix(w: World, s: State, r: int, q: int, hit: int, need: int, pinned: int) -> None:
    """The head of the queue takes over its context, or pins its entries, and owns `need` blocks."""
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


@inlined
def _link_filling(s: State, r: int, q: int) -> None:
    """A prompt is computed from the next step on, after those that are already."""
    rep, req = s.rep, s.req
    req[q].phase = PREFILL
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
        rep[r].promised += blocks_to_come(w, s, r, q, s.req[q].target)
    cache_make_room(rep, s.lower, s.cache, r, need)
    rep[r].free -= need


@inlined
def _count_wait(s: State, r: int, q: int, hit: int, now: float) -> None:
    """The wait of an admitted request by cause."""
    req = s.req
    count_wait(s, r, q, now - req[q].mark_s, now)
    if req[q].preempted:
        req[q].mark_s = now
    elif req[q].source < 0:
        req[q].cached = hit
        s.whole[TOKENS_IN] += req[q].prompt
        s.whole[TOKENS_CACHED] += hit


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
def _find_way(w: World, s: State, r: int, q: int) -> bool:
    """The way of the KV of a request that was at another replica; False where there is no path."""
    source = s.req[q].source
    first = w.transfers.peer[r]
    if w.pools[s.rep[source].pool].role == PREFILL_ROLE:
        first = w.transfers.first[r]
    if first < 0 or source == r:
        return False
    s.req[q].way = first + s.rep[source].seat
    alive: bool = w.transfers.alive[s.req[q].way] > 0
    return alive


@inlined
def _ask_for_kv(
    w: World, s: State, r: int, q: int, hit: int, need: int, pinned: int, now: float
) -> None:
    """Blocks for a request whose KV, or a part of its prefix, lies elsewhere: it may come."""
    rep, req = s.rep, s.req
    if req[q].source < 0:
        touch_fetched(w, s, r, q, pinned, now)
    _hold_prefix(w, s, r, q, hit, need, pinned)
    _take_blocks(w, s, r, q, need)
    _count_wait(s, r, q, hit + req[q].fetch, now)
    req[q].filled = hit
    req[q].mark_s = now
    req[q].phase = PULLED
    keep_blocks(rep, r, req[q].blocks + pinned * entry_blocks(w, s, r), now)
    if rep[r].pull_tail >= 0:
        req[rep[r].pull_tail].queue_next = q
    else:
        rep[r].pull_head = q
    rep[r].pull_tail = q
    rep[r].pulls += 1


@inlined
def _join(w: World, s: State, r: int, now: float) -> None:
    """Requests whose KV has come go on from this step on: they decode, or their prompts do."""
    rep, req = s.rep, s.req
    q = rep[r].join_head
    while q >= 0:
        following = req[q].queue_next
        req[q].queue_next = -1
        s.req_cause[q, QUEUE] += now - req[q].mark_s
        mark_steps(s, r, q)
        _link_running(s, r, q)
        if req[q].filled >= req[q].target:
            begin_decode(w, s, r, q)
        else:
            _link_filling(s, r, q)
            if req[q].preempted:
                req[q].mark_s = now
        keep_blocks(rep, r, -req[q].blocks - req[q].pinned * entry_blocks(w, s, r), now)
        rep[r].pulls -= 1
        q = following
    rep[r].join_head = -1
    rep[r].join_tail = -1
