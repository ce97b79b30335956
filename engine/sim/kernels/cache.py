"""Prefix entries of a replica: present or not, pinned by running requests, evicted by last use.

Where an entry has one replica at most (the context of an agent that stays with its replica), the
table has one row for all replicas.
"""

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.state import Records


@inlined
def cache_row(cache: Records, r: int) -> int:
    """The row of a replica."""
    return r if cache.shape[0] > 1 else 0


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
def _append(rep: Records, cache: Records, r: int, e: int) -> None:
    row = cache_row(cache, r)
    tail = rep[r].lru_tail
    cache[row, e].before = tail
    cache[row, e].after = -1
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
def cache_unpin(rep: Records, cache: Records, r: int, e: int) -> None:
    """Lets go of a pinned entry; without pins it is the most recently used."""
    row = cache_row(cache, r)
    cache[row, e].pins -= 1
    if cache[row, e].pins == 0:
        _append(rep, cache, r, e)


@bare
def cache_put(rep: Records, cache: Records, r: int, e: int, tokens: int, blocks: int) -> None:
    """Adds an absent entry that takes blocks over from a request."""
    row = cache_row(cache, r)
    cache[row, e].tokens = tokens
    cache[row, e].blocks = blocks
    cache[row, e].holder = r
    rep[r].cached += blocks
    _append(rep, cache, r, e)


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
def cache_touch(rep: Records, cache: Records, r: int, e: int) -> None:
    """Makes an unpinned entry the most recently used."""
    _unlink(rep, cache, r, e)
    _append(rep, cache, r, e)


@bare
def cache_make_room(rep: Records, cache: Records, r: int, need: int) -> bool:
    """Evicts least recently used entries until `need` blocks are free; False where it cannot."""
    while rep[r].free < need:
        e = rep[r].lru_head
        if e < 0:
            return False
        rep[r].free += cache_take(rep, cache, r, e)
    return True
