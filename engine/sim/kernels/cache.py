"""Prefix entries of a replica: present or not, pinned by running requests, evicted by last use."""

from engine.sim.kernels.compiling import inner
from engine.sim.state import Records


@inner
def _unlink(rep: Records, cache: Records, r: int, e: int) -> None:
    after, before = cache[r, e].after, cache[r, e].before
    if before >= 0:
        cache[r, before].after = after
    else:
        rep[r].lru_head = after
    if after >= 0:
        cache[r, after].before = before
    else:
        rep[r].lru_tail = before
    cache[r, e].after = -1
    cache[r, e].before = -1
    rep[r].loose -= cache[r, e].blocks


@inner
def _append(rep: Records, cache: Records, r: int, e: int) -> None:
    tail = rep[r].lru_tail
    cache[r, e].before = tail
    cache[r, e].after = -1
    if tail >= 0:
        cache[r, tail].after = e
    else:
        rep[r].lru_head = e
    rep[r].lru_tail = e
    rep[r].loose += cache[r, e].blocks


@inner
def cache_pin(rep: Records, cache: Records, r: int, e: int) -> None:
    """Keeps a present entry from eviction while a request uses it."""
    if cache[r, e].pins == 0:
        _unlink(rep, cache, r, e)
    cache[r, e].pins += 1


@inner
def cache_unpin(rep: Records, cache: Records, r: int, e: int) -> None:
    """Lets go of a pinned entry; without pins it is the most recently used."""
    cache[r, e].pins -= 1
    if cache[r, e].pins == 0:
        _append(rep, cache, r, e)


@inner
def cache_put(rep: Records, cache: Records, r: int, e: int, tokens: int, blocks: int) -> None:
    """Adds an absent entry that takes blocks over from a request."""
    cache[r, e].tokens = tokens
    cache[r, e].blocks = blocks
    rep[r].cached += blocks
    _append(rep, cache, r, e)


@inner
def cache_take(rep: Records, cache: Records, r: int, e: int) -> int:
    """Removes an unpinned entry and returns its blocks, which the caller now owns."""
    blocks: int = cache[r, e].blocks
    _unlink(rep, cache, r, e)
    cache[r, e].tokens = 0
    cache[r, e].blocks = 0
    rep[r].cached -= blocks
    return blocks


@inner
def cache_touch(rep: Records, cache: Records, r: int, e: int) -> None:
    """Makes an unpinned entry the most recently used."""
    _unlink(rep, cache, r, e)
    _append(rep, cache, r, e)


@inner
def cache_make_room(rep: Records, cache: Records, r: int, need: int) -> bool:
    """Evicts least recently used entries until `need` blocks are free; False where it cannot."""
    while rep[r].free < need:
        e = rep[r].lru_head
        if e < 0:
            return False
        rep[r].free += cache_take(rep, cache, r, e)
    return True
