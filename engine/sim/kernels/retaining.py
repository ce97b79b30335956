"""What becomes of the KV of a request that a replica is done with."""

from engine.sim.kernels.cache import cache_put, cache_row, cache_take, cache_touch, cache_unpin
from engine.sim.kernels.compiling import inlined
from engine.sim.kernels.sequences import entry_blocks
from engine.sim.kernels.world import DECODE_ROLE, World
from engine.sim.state import State


@inlined
def retain(
    w: World, s: State, r: int, q: int, tokens: int, own: int, now: float
) -> None:  # fmt: skip
    """The KV of a finished request becomes prefix entries, or is free again: `own` blocks."""
    rep, req, cache = s.rep, s.req, s.cache
    limits = w.pools[rep[r].pool]
    if not limits.prefix_cache or limits.role == DECODE_ROLE:
        rep[r].free += own
        return
    if q < w.agents.agents:
        size = limits.block_tokens
        keep = min(tokens, int(s.agent[q].context))
        blocks = min((keep + size - 1) // size, own)
        rep[r].free += own - blocks
        if blocks > 0:
            if cache[cache_row(cache, r), q].blocks > 0:
                rep[r].free += cache_take(rep, cache, r, q)
            cache_put(rep, cache, r, q, keep, blocks, now)
        return
    asked = req[q].row
    first, last = w.requests.entry_start[asked], w.requests.entry_start[asked + 1]
    each = entry_blocks(w, s, r)
    for at in range(last - 1, first - 1, -1):
        e = w.agents.agents + w.requests.entry[at]
        if at - first < req[q].pinned:
            cache_unpin(rep, cache, r, e, now)
        elif cache[r, e].blocks > 0:
            if cache[r, e].pins == 0:
                cache_touch(rep, cache, r, e, now)
        elif own >= each and (at - first + 1) * w.requests.entry_tokens <= tokens:
            own -= each
            cache_put(rep, cache, r, e, w.requests.entry_tokens, each, now)
    req[q].pinned = 0
    rep[r].free += own
