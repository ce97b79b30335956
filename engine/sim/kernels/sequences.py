"""Sequences of a batch: how they begin to decode, what they hold, and how they leave."""

from engine.sim.kernels.cache import cache_unpin
from engine.sim.kernels.compiling import inlined
from engine.sim.kernels.world import AFTER_REPLICA, COMPUTE, DECODE, PREFILL_ROLE, World
from engine.sim.state import RING, State


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
        s.rep[r].promised -= blocks_to_come(w, s, r, q, tokens)


@inlined
def blocks_to_come(w: World, s: State, r: int, q: int, tokens: int) -> int:
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


@inlined
def unpin_entries(w: World, s: State, r: int, q: int, now: float) -> None:
    """Lets go of the prefix entries that a request keeps at a replica."""
    if s.req[q].pinned > 0:
        first = w.requests.entry_start[s.req[q].row]
        for at in range(s.req[q].pinned - 1, -1, -1):
            cache_unpin(s.rep, s.cache, r, w.agents.agents + w.requests.entry[first + at], now)
    s.req[q].pinned = 0


@inlined
def mark_steps(s: State, r: int, q: int) -> None:
    """From now on the seconds of the replica's steps are this sequence's too."""
    for c in range(COMPUTE, AFTER_REPLICA):
        s.mark_cause[q, c] = s.rep_cause[r, c]


@inlined
def spend_steps(s: State, r: int, q: int) -> None:
    """Adds the seconds of the replica's steps since `mark_steps` to the sequence's causes."""
    for c in range(COMPUTE, AFTER_REPLICA):
        s.req_cause[q, c] += s.rep_cause[r, c] - s.mark_cause[q, c]
