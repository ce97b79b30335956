"""Prefix entries of a replica: present or not, pinned by running requests, evicted by last use.

Where an entry has one replica at most (the context of an agent that stays with its replica), the
table has one row for all replicas.

An entry that is evicted goes on to the replica's lower tiers, as far as it has any: host memory
first, storage when that is full. A copy there stays when the entry comes back, until it is pushed
out by later ones. `CACHE.holder` of row 0 is the replica that had an entry last.
"""

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.state import Records

TIERS = 2  # lower ones: host memory, storage


@inlined
def cache_row(cache: Records, r: int) -> int:
    """The row of a replica."""
    return r if cache.shape[0] > 1 else 0


@inlined
def is_fresh(used_s: float, ttl_s: float, now: float) -> bool:
    """An entry last used then may still be used; without `ttl_s` for ever."""
    return ttl_s <= 0.0 or now - used_s <= ttl_s


@bare
def _unlink(rep: Records, cache: Records, r: int, e: int) -> None:
    row = cache_row(cache, r)
    after, before = cache[row, e].after, cache[row, e].before
    if before >= 0:
        cache[row, before].after = after
    else:
        rep[r].lru_head = after
    if after >= 0:
        cache[row, after].before = before
    else:
        rep[r].lru_tail = before
    cache[row, e].after = -1
    cache[row, e].before = -1
    rep[r].loose -= cache[row, e].blocks


@bare
def _append(rep: Records, cache: Records, r: int, e: int, now: float) -> None:
    row = cache_row(cache, r)
    tail = rep[r].lru_tail
    cache[row, e].before = tail
    cache[row, e].after = -1
    cache[row, e].used_s = now
    if tail >= 0:
        cache[row, tail].after = e
    else:
        rep[r].lru_head = e
    rep[r].lru_tail = e
    rep[r].loose += cache[row, e].blocks


@bare
def cache_pin(rep: Records, cache: Records, r: int, e: int) -> None:
    """Keeps a present entry from eviction while a request uses it."""
    row = cache_row(cache, r)
    if cache[row, e].pins == 0:
        _unlink(rep, cache, r, e)
    cache[row, e].pins += 1


@bare
def cache_unpin(rep: Records, cache: Records, r: int, e: int, now: float) -> None:
    """Lets go of a pinned entry; without pins it is the most recently used."""
    row = cache_row(cache, r)
    cache[row, e].pins -= 1
    if cache[row, e].pins == 0:
        _append(rep, cache, r, e, now)


@bare
def cache_put(
    rep: Records, cache: Records, r: int, e: int, tokens: int, blocks: int, now: float
) -> None:
    """Adds an absent entry that takes blocks over from a request."""
    row = cache_row(cache, r)
    cache[row, e].tokens = tokens
    cache[row, e].blocks = blocks
    cache[0, e].holder = r
    rep[r].cached += blocks
    _append(rep, cache, r, e, now)


@bare
def cache_take(rep: Records, cache: Records, r: int, e: int) -> int:
    """Removes an unpinned entry and returns its blocks, which the caller now owns."""
    row = cache_row(cache, r)
    blocks: int = cache[row, e].blocks
    _unlink(rep, cache, r, e)
    cache[row, e].tokens = 0
    cache[row, e].blocks = 0
    rep[r].cached -= blocks
    return blocks


@bare
def cache_touch(rep: Records, cache: Records, r: int, e: int, now: float) -> None:
    """Makes an unpinned entry the most recently used."""
    _unlink(rep, cache, r, e)
    _append(rep, cache, r, e, now)


@bare
def cache_make_room(rep: Records, lower: Records, cache: Records, r: int, need: int) -> bool:
    """Evicts least recently used entries until `need` blocks are free; False where it cannot."""
    while rep[r].free < need:
        e = rep[r].lru_head
        if e < 0:
            return False
        row = cache_row(cache, r)
        tokens, used_s = cache[row, e].tokens, cache[row, e].used_s
        rep[r].free += cache_take(rep, cache, r, e)
        if lower.size > 0:
            lower_put(lower, cache, r, e, tokens, used_s)
    return True


@bare
def lower_put(lower: Records, cache: Records, r: int, e: int, tokens: int, used_s: float) -> None:
    """Puts an entry into the first lower tier that is large enough; others leave it for the next."""
    row = cache_row(cache, r)
    if cache[row, e].low > 0:
        lower_drop(lower, cache, r, e)
    tier = 0
    while tier < TIERS and lower[r, tier].room < tokens:
        tier += 1
    if tier == TIERS:
        return
    while lower[r, tier].used + tokens > lower[r, tier].room:
        v = lower[r, tier].head
        moved, moved_s = cache[row, v].low, cache[row, v].low_used_s
        lower_drop(lower, cache, r, v)
        if tier == 0 and lower[r, 1].room >= moved:
            while lower[r, 1].used + moved > lower[r, 1].room:
                lower_drop(lower, cache, r, lower[r, 1].head)
            _lower_append(lower, cache, r, v, moved, moved_s, 1)
    _lower_append(lower, cache, r, e, tokens, used_s, tier)


@bare
def _lower_append(
    lower: Records, cache: Records, r: int, e: int, tokens: int, used_s: float, tier: int
) -> None:
    row = cache_row(cache, r)
    tail = lower[r, tier].tail
    cache[row, e].low = tokens
    cache[row, e].low_used_s = used_s
    cache[row, e].tier = tier
    cache[row, e].low_before = tail
    cache[row, e].low_after = -1
    if tail >= 0:
        cache[row, tail].low_after = e
    else:
        lower[r, tier].head = e
    lower[r, tier].tail = e
    lower[r, tier].used += tokens
    lower[r, tier].written += tokens


@bare
def lower_drop(lower: Records, cache: Records, r: int, e: int) -> None:
    """Drops the copy of an entry in a lower tier."""
    row = cache_row(cache, r)
    tier = cache[row, e].tier
    after, before = cache[row, e].low_after, cache[row, e].low_before
    if before >= 0:
        cache[row, before].low_after = after
    else:
        lower[r, tier].head = after
    if after >= 0:
        cache[row, after].low_before = before
    else:
        lower[r, tier].tail = before
    lower[r, tier].used -= cache[row, e].low
    cache[row, e].low = 0
    cache[row, e].low_after = -1
    cache[row, e].low_before = -1


@bare
def lower_touch(lower: Records, cache: Records, r: int, e: int, now: float) -> None:
    """A copy in a lower tier has been read: it is the most recently used of its tier."""
    row = cache_row(cache, r)
    tokens, tier = cache[row, e].low, cache[row, e].tier
    lower_drop(lower, cache, r, e)
    _lower_append(lower, cache, r, e, tokens, now, tier)
    lower[r, tier].written -= tokens
