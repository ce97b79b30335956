"""Prefix entries of a replica: present or not, pinned by running requests, evicted by last use."""

from numba import njit

from engine.sim.state import CacheState, ReplicaState


@njit(cache=True, nogil=True)
def _unlink(replica: ReplicaState, cache: CacheState, r: int, e: int) -> None:
    after, before = cache.after[r, e], cache.before[r, e]
    if before >= 0:
        cache.after[r, before] = after
    else:
        replica.lru_head[r] = after
    if after >= 0:
        cache.before[r, after] = before
    else:
        replica.lru_tail[r] = before
    cache.after[r, e] = -1
    cache.before[r, e] = -1
    replica.loose[r] -= cache.blocks[r, e]


@njit(cache=True, nogil=True)
def _append(replica: ReplicaState, cache: CacheState, r: int, e: int) -> None:
    tail = replica.lru_tail[r]
    cache.before[r, e] = tail
    cache.after[r, e] = -1
    if tail >= 0:
        cache.after[r, tail] = e
    else:
        replica.lru_head[r] = e
    replica.lru_tail[r] = e
    replica.loose[r] += cache.blocks[r, e]


@njit(cache=True, nogil=True)
def cache_pin(replica: ReplicaState, cache: CacheState, r: int, e: int) -> None:
    """Keeps a present entry from eviction while a request uses it."""
    if cache.pins[r, e] == 0:
        _unlink(replica, cache, r, e)
    cache.pins[r, e] += 1


@njit(cache=True, nogil=True)
def cache_unpin(replica: ReplicaState, cache: CacheState, r: int, e: int) -> None:
    """Lets go of a pinned entry; without pins it is the most recently used."""
    cache.pins[r, e] -= 1
    if cache.pins[r, e] == 0:
        _append(replica, cache, r, e)


@njit(cache=True, nogil=True)
def cache_put(
    replica: ReplicaState, cache: CacheState, r: int, e: int, tokens: int, blocks: int
) -> None:
    """Adds an absent entry that takes blocks over from a request."""
    cache.tokens[r, e] = tokens
    cache.blocks[r, e] = blocks
    replica.cached[r] += blocks
    _append(replica, cache, r, e)


@njit(cache=True, nogil=True)
def cache_take(replica: ReplicaState, cache: CacheState, r: int, e: int) -> int:
    """Removes an unpinned entry and returns its blocks, which the caller now owns."""
    blocks = cache.blocks[r, e]
    _unlink(replica, cache, r, e)
    cache.tokens[r, e] = 0
    cache.blocks[r, e] = 0
    replica.cached[r] -= blocks
    return blocks


@njit(cache=True, nogil=True)
def cache_touch(replica: ReplicaState, cache: CacheState, r: int, e: int) -> None:
    """Makes an unpinned entry the most recently used."""
    _unlink(replica, cache, r, e)
    _append(replica, cache, r, e)


@njit(cache=True, nogil=True)
def cache_make_room(replica: ReplicaState, cache: CacheState, r: int, need: int) -> bool:
    """Evicts least recently used entries until `need` blocks are free; False where it cannot."""
    while replica.free[r] < need:
        e = replica.lru_head[r]
        if e < 0:
            return False
        replica.free[r] += cache_take(replica, cache, r, e)
    return True
