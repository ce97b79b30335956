"""An indexed binary heap of item numbers ordered by (key, number): ties never depend on history.

`heap` holds items, `place[item]` is its position or -1, `key[item]` its key, `size[0]` the number
of items. All arrays are changed in place.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _rise(heap: I4, place: I4, key: F8, at: int) -> None:
    item = heap[at]
    value = key[item]
    while at > 0:
        above = (at - 1) >> 1
        other = heap[above]
        if key[other] < value or (key[other] == value and other < item):
            break
        heap[at] = other
        place[other] = at
        at = above
    heap[at] = item
    place[item] = at


@njit(cache=True, nogil=True)
def _sink(heap: I4, place: I4, key: F8, count: int, at: int) -> None:
    item = heap[at]
    value = key[item]
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        best = heap[child]
        if child + 1 < count:
            right = heap[child + 1]
            if key[right] < key[best] or (key[right] == key[best] and right < best):
                child += 1
                best = right
        if value < key[best] or (value == key[best] and item < best):
            break
        heap[at] = best
        place[best] = at
        at = child
    heap[at] = item
    place[item] = at


@njit(cache=True, nogil=True)
def heap_set(heap: I4, place: I4, key: F8, size: I8, item: int, value: float) -> None:
    """Inserts an item or moves it to a new key."""
    at = place[item]
    if at < 0:
        key[item] = value
        at = size[0]
        size[0] = at + 1
        heap[at] = item
        place[item] = at
        _rise(heap, place, key, at)
        return
    old = key[item]
    key[item] = value
    if value < old:
        _rise(heap, place, key, at)
    elif value > old:
        _sink(heap, place, key, size[0], at)


@njit(cache=True, nogil=True)
def heap_remove(heap: I4, place: I4, key: F8, size: I8, item: int) -> None:
    """Takes an item out; nothing happens if it is not in."""
    at = place[item]
    if at < 0:
        return
    last = size[0] - 1
    size[0] = last
    place[item] = -1
    if at == last:
        return
    moved = heap[last]
    heap[at] = moved
    place[moved] = at
    _rise(heap, place, key, at)
    _sink(heap, place, key, last, place[moved])


@njit(cache=True, nogil=True)
def heap_top_key(heap: I4, key: F8, size: I8) -> float:
    """The smallest key, infinite when empty."""
    if size[0] == 0:
        return np.inf
    top: float = key[heap[0]]
    return top
