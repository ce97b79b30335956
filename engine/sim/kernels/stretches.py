"""Stretches: equal steps of a replica, one after the other, that no event has to visit one by one.

Steps that only decode the same sequences differ in their summed context alone, which grows by one
token a sequence. Step number i of a stretch of n sequences takes

    base_s + slope_s (C + n i) + link_s

so its first k steps take k (base_s + link_s) + slope_s (k C + n k (k - 1) / 2). The loop computes
every end of a step, every cause and every integral by such sums, whether it takes steps one by one
or many at a time: what it skips changes no bit of a result. Counts are whole numbers, and become
seconds when the stretch is closed.

A stretch is closed when its batch changes: somebody ends, is admitted or pushed out, or a prompt
is computed. It is planned ahead over steps in which none of these can happen: no sequence ends, KV
blocks last, and the head of the queue, if there is one, cannot come in, which stays so as room
only shrinks. A replica whose collectives share links with others takes steps one by one.
"""

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.cache import cache_make_room
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.heap import heap_set
from engine.sim.kernels.steps import collective_bytes, context_slope, step_causes
from engine.sim.kernels.world import (
    AFTER_STEP,
    COMPUTE,
    MEMORY,
    OVERHEAD,
    SCALE_OUT,
    SCALE_UP,
    World,
)
from engine.sim.state import EVENTS, RING, STEPS, TOKENS_OUT, Records, State

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]


@inlined
def shares_links(w: World, r: int) -> bool:
    """The coflow of a replica has a link that somebody else uses."""
    shared: bool = w.own_bytes_per_s[r] == 0.0
    return shared


@inlined
def keep_blocks(rep: Records, r: int, blocks: int, now: float) -> None:
    """So many more (or fewer) KV blocks belong to requests that are between two replicas."""
    rep[r].kept_s += rep[r].kept * (now - rep[r].kept_mark)
    rep[r].kept_mark = now
    rep[r].kept += blocks


@inlined
def context_of(rep: Records, r: int, steps: int) -> int:
    """Contexts that so many steps of the stretch read in all, in tokens."""
    grown = steps * (steps - 1) // 2
    context: int = steps * rep[r].first_context + rep[r].decoding * grown
    return context


@inlined
def grown_block_s(rep: Records, r: int) -> float:
    """Integral over the ended steps of the blocks that have come since the first, block s."""
    tokens = rep[r].first_context * rep[r].growth_sum + rep[r].decoding * rep[r].growth_moment
    step_s = rep[r].base_s + rep[r].link_s
    integral: float = step_s * rep[r].growth_sum + rep[r].slope_s * tokens
    return integral


@inlined
def stretch_end(rep: Records, r: int, steps: int) -> float:
    """When so many steps of the stretch have ended; before the collectives if links are shared."""
    whole_s = steps * (rep[r].base_s + rep[r].link_s)
    end_s: float = rep[r].start_s + (whole_s + rep[r].slope_s * context_of(rep, r, steps))
    return end_s


@inlined
def open_stretch(
    w: World, s: State, r: int, tokens: int, samples: int, chunks: int, area: float, now: float
) -> None:
    """Begins a stretch with its first step."""
    rep = s.rep
    decoding = rep[r].decoding
    pool = rep[r].pool
    step_causes(w.timing, pool, tokens, decoding, samples, 0.0, chunks, area, s.step_cause[r])
    base_s = 0.0
    for c in range(COMPUTE, AFTER_STEP):
        base_s += s.step_cause[r, c]
    moved = collective_bytes(w.timing, pool, tokens, decoding, chunks)
    link_s = 0.0
    shared = shares_links(w, r)
    if not shared:
        link_s = moved / w.own_bytes_per_s[r]
    rep[r].shared = 1 if shared else 0
    rep[r].stale = 0
    rep[r].samples = samples
    rep[r].chunks = chunks
    rep[r].moved = moved
    rep[r].start_s = now
    rep[r].base_s = base_s
    rep[r].slope_s = context_slope(w.timing, pool, decoding, chunks)
    rep[r].link_s = link_s
    rep[r].first_context = rep[r].context
    rep[r].used = rep[r].blocks - rep[r].free - rep[r].loose - rep[r].kept
    rep[r].growth = 0
    rep[r].growth_sum = 0
    rep[r].growth_moment = 0


@inlined
def count_step(rep: Records, r: int) -> None:
    """One more step of the stretch has ended."""
    growth = rep[r].growth
    if growth > 0:
        rep[r].growth_sum += growth
        rep[r].growth_moment += growth * rep[r].done
    rep[r].done += 1
    rep[r].context += rep[r].decoding
    rep[r].step += 1


@inlined
def close_stretch(w: World, s: State, r: int, now: float) -> None:
    """Turns the ended steps of a stretch into seconds; nothing to do if they are already."""
    if s.rep[r].done > 0:
        size = w.pools[s.rep[r].pool].block_tokens
        _close(s.rep, s.rep_cause, s.step_cause, r, size, now)


@bare
def _close(
    rep: Records,
    rep_cause: F8,
    step_cause: F8,
    r: int,
    block_tokens: int,
    now: float,
) -> None:
    done = rep[r].done
    rep[r].done = 0
    attention_s = rep[r].slope_s * context_of(rep, r, done)
    compute_s = done * rep[r].base_s + attention_s
    span_s = now - rep[r].start_s
    link_s = done * rep[r].link_s
    if rep[r].shared:
        link_s = max(0.0, span_s - compute_s)
    else:
        rep[r].own_link_s += link_s
        rep[r].own_link_bytes += done * rep[r].moved
    total = 0.0
    for c in range(COMPUTE, AFTER_STEP):
        part = done * step_cause[r, c]
        if c == MEMORY:
            part += attention_s
        total += part
        rep_cause[r, c] += part
    rep_cause[r, SCALE_OUT if rep[r].remote else SCALE_UP] += link_s
    # what rounding of the clock adds or takes goes to the overhead, so that causes sum exactly
    rep_cause[r, OVERHEAD] += span_s - (total + link_s)
    rep[r].busy_s += compute_s
    rep[r].compute_s += done * step_cause[r, COMPUTE]
    rep[r].kv_token_s += (rep[r].used * span_s + grown_block_s(rep, r)) * block_tokens


@bare
def plan_ahead(
    rep: Records, ring: I4, growing: I8, most: int, chunked: int, block: int, r: int
) -> int:
    """Steps after the running one in which nobody ends and nobody comes in, at most `most`."""
    # without chunks the head may fail for its length alone: an eviction would change for what
    room = rep[r].free
    if chunked:
        room += rep[r].loose
    need = 0
    step = rep[r].step + 1
    ahead = 0
    while ahead < most and ring[r, step % RING] < 0:
        need += growing[r, step % block]
        if need > room:
            break
        step += 1
        ahead += 1
    return ahead


@bare
def skip_steps(
    rep: Records, growing: I8, cache: Records, lower: Records, whole: I8, pools: Records, r: int,
    steps: int,
) -> None:  # fmt: skip
    """Ends the running step and begins the next of the stretch, so many times."""
    block = pools[rep[r].pool].block_tokens
    need = 0
    for _ in range(steps):
        count_step(rep, r)
        grown = growing[r, rep[r].step % block]
        rep[r].growth += grown
        need += grown
    if need > 0:
        cache_make_room(rep, lower, cache, r, need)
        rep[r].free -= need
        if pools[rep[r].pool].no_evict:
            rep[r].promised -= need
    rep[r].ahead -= steps
    whole[STEPS] += steps
    whole[EVENTS] += steps
    whole[TOKENS_OUT] += steps * rep[r].samples


@inlined
def catch_up(w: World, s: State, r: int, now: float, through: bool) -> None:
    """Ends the planned steps that end before `now`, with `through` those at `now` too."""
    rep = s.rep
    ahead, done = rep[r].ahead, rep[r].done
    begun_s = stretch_end(rep, r, done)
    if _is_after(stretch_end(rep, r, done + 1), now, through):
        return
    # steps are nearly equal: the guess is off by a step or two
    mean_s = (stretch_end(rep, r, done + ahead) - begun_s) / ahead
    ended = ahead
    if now - begun_s < ahead * mean_s:
        ended = max(0, min(ahead, int((now - begun_s) / mean_s)))
    while ended < ahead and not _is_after(stretch_end(rep, r, done + ended + 1), now, through):
        ended += 1
    while ended > 0 and _is_after(stretch_end(rep, r, done + ended), now, through):
        ended -= 1
    if ended > 0:
        skip_steps(rep, s.growing, s.cache, s.lower, s.whole, w.pools, r, ended)


@inlined
def _is_after(end_s: float, now: float, through: bool) -> bool:
    """A step has not ended yet."""
    return end_s > now or (end_s == now and not through)


@bare
def catch_up_all(w: World, s: State, now: float, through: bool) -> None:
    """`catch_up` for every replica."""
    for r in range(s.rep.size):
        if s.rep[r].ahead > 0:
            catch_up(w, s, r, now, through)


@inlined
def cut_stretch(w: World, s: State, r: int, now: float, through: bool) -> None:
    """Somebody has come: what was planned after the running step is planned no more."""
    catch_up(w, s, r, now, through)
    if s.rep[r].ahead > 0:
        s.rep[r].ahead = 0
        heap_set(s.rep_heap, r, stretch_end(s.rep, r, s.rep[r].done + 1))
