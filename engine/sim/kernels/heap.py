"""An indexed binary heap of item numbers ordered by (key, number): ties never depend on history."""

import numpy as np

from engine.sim.kernels.compiling import inlined
from engine.sim.tables import Heap


@inlined
def _rise(h: Heap, at: int) -> None:
    item = h.items[at]
    value = h.key[item]
    while at > 0:
        above = (at - 1) >> 1
        other = h.items[above]
        if h.key[other] < value or (h.key[other] == value and other < item):
            break
        h.items[at] = other
        h.place[other] = at
        at = above
    h.items[at] = item
    h.place[item] = at


@inlined
def _sink(h: Heap, count: int, at: int) -> None:
    item = h.items[at]
    value = h.key[item]
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        best = h.items[child]
        if child + 1 < count:
            right = h.items[child + 1]
            if h.key[right] < h.key[best] or (h.key[right] == h.key[best] and right < best):
                child += 1
                best = right
        if value < h.key[best] or (value == h.key[best] and item < best):
            break
        h.items[at] = best
        h.place[best] = at
        at = child
    h.items[at] = item
    h.place[item] = at


@inlined
def heap_set(h: Heap, item: int, value: float) -> None:
    """Inserts an item or moves it to a new key."""
    at = h.place[item]
    if at < 0:
        h.key[item] = value
        at = h.size[0]
        h.size[0] = at + 1
        h.items[at] = item
        h.place[item] = at
        _rise(h, at)
        return
    old = h.key[item]
    h.key[item] = value
    if value < old:
        _rise(h, at)
    elif value > old:
        _sink(h, h.size[0], at)


@inlined
def heap_remove(h: Heap, item: int) -> None:
    """Takes an item out; nothing happens if it is not in."""
    at = h.place[item]
    if at < 0:
        return
    last = h.size[0] - 1
    h.size[0] = last
    h.place[item] = -1
    if at == last:
        return
    moved = h.items[last]
    h.items[at] = moved
    h.place[moved] = at
    _rise(h, at)
    _sink(h, last, h.place[moved])


@inlined
def heap_top_key(h: Heap) -> float:
    """The smallest key, infinite when empty."""
    if h.size[0] == 0:
        return np.inf
    top: float = h.key[h.items[0]]
    return top
