"""Levels of all links at once: one filling of the whole network, for when most of it moves.

Links leave a line in increasing level. The line starts in the order of the last filling, which is
nearly right: a link moves a few places when it is looked at too early, and one that has to move
far goes to a heap beside the line. The flows that a link limited before are nearly always those
that it limits again: then its list of them is streamed, and no flow is looked at twice. Otherwise
the entries that run over it are searched. Exact either way.
"""

import numpy as np

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.network_levels import touch
from engine.sim.kernels.network_tables import ALIVE, PASS, RUNNING, WEIGHTED, Network

NEAR = 0.98  # of its old level: a link is first looked at there, which spares most second looks
FAR = 48  # places that a link moves in the line at most


@inlined
def fill_levels(net: Network) -> int:
    """New levels of every link with flows; returns how many flows change their owner."""
    moved: int = _fill(net, NEAR)
    if moved < 0:
        moved = _fill(net, 0.0)
    return moved


@bare
def _fill(net: Network, near: float) -> int:
    """Fills with a guess that no level falls below `near` of its old one; -1 if one did."""
    count, far = _prepare(net, near)
    part, link = net.part, net.link
    line, key = net.line, net.line_key
    plain = net.counter[WEIGHTED] == 0
    moved = at = filled = 0
    highest = 0.0
    left = net.counter[RUNNING] - net.instant.size[0]
    while left > 0 and (at < count or far > 0):
        beside = far > 0 and (at == count or net.far_key[0] < key[at])
        number = net.far[0] if beside else line[at]
        if part[number].free > 0:
            if plain:
                part[number].load = part[number].free
            elif part[number].load < 1e-4 * link[number].load:
                part[number].load = _free_load(net, number)
            room = max(0.0, link[number].capacity - part[number].used)
            level = room / part[number].load
            if beside:
                if level > net.far_key[0] * (1.0 + 1e-15):
                    _sink(net, far, 0, number, level)
                    continue
            else:
                following = key[at + 1] if at + 1 < count else np.inf
                if far > 0:
                    following = min(following, net.far_key[0])
                if level > following * (1.0 + 1e-15):
                    at, far = _move_back(net, at, count, far, number, level)
                    continue
            if near > 0.0 and level < highest * (1.0 - 1e-13):
                _take_back(net, moved)
                return -1
            if part[number].stamp == 0 and part[number].free == link[number].owned:
                level = room / link[number].owned_load
                if plain:
                    left -= _stream_plain(net, number, level)
                else:
                    left -= _stream(net, number, level)
            else:
                level = room / _free_load(net, number)
                given, moved = _search(net, number, level, moved)
                left -= given
            highest = max(highest, level)
            part[number].level = level
            part[number].free = 0
        net.changed[filled] = number
        filled += 1
        if beside:
            far -= 1
            if far > 0:
                _sink(net, far, 0, net.far[far], net.far_key[far])
        else:
            at += 1
    if near > 0.0 and _is_overrun(net):
        _take_back(net, moved)
        return -1
    _keep_order(net, filled, at, count, far)
    return moved


@inlined
def _is_overrun(net: Network) -> bool:
    """A link carries more than it can: it was looked at too late."""
    for i in range(net.counter[ALIVE]):
        number = net.alive[i]
        if net.part[number].used > net.link[number].capacity * (1.0 + 1e-12):
            return True
    return False


@inlined
def _take_back(net: Network, moved: int) -> None:
    for i in range(moved):
        net.flow[net.moved[i]].stamp = 2 * net.counter[PASS]


@inlined
def _keep_order(net: Network, filled: int, at: int, count: int, far: int) -> None:
    """Lists the links in the order in which they left: the next filling begins with it."""
    for i in range(at, count):
        net.changed[filled] = net.line[i]
        filled += 1
    for i in range(far):
        net.changed[filled] = net.far[i]
        filled += 1
    for i in range(filled):
        net.alive[i] = net.changed[i]
        net.link[net.alive[i]].alive = i


@inlined
def _prepare(net: Network, near: float) -> tuple[int, int]:
    """Every link with flows into the line or beside it; `stamp` 1 marks lost flows."""
    part, link = net.part, net.link
    line, line_key = net.line, net.line_key
    count = far = 0
    for i in range(net.counter[ALIVE]):
        number = net.alive[i]
        if part[number].mark != net.counter[PASS]:
            touch(net, number)
        part[number].level = -1.0
        part[number].used = 0.0
        part[number].free = link[number].active
        part[number].stamp = 0
        part[number].load = link[number].load
        share = link[number].capacity / link[number].load
        if link[number].owned > 0:
            share = max(share, near * link[number].level)
        if count > FAR and line_key[count - FAR] > share:
            _rise(net, far, number, share)
            far += 1
            continue
        at = count
        while at > 0 and line_key[at - 1] > share:
            line_key[at] = line_key[at - 1]
            line[at] = line[at - 1]
            at -= 1
        line_key[at] = share
        line[at] = number
        count += 1
    return count, far


@inlined
def _move_back(
    net: Network, at: int, count: int, far: int, number: int, level: float
) -> tuple[int, int]:
    """Moves the first link of the line to its new place; returns where the line begins, and far."""
    line, line_key = net.line, net.line_key
    if at + FAR < count and line_key[at + FAR] < level:
        _rise(net, far, number, level)
        return at + 1, far + 1
    to = at
    while to + 1 < count and line_key[to + 1] < level:
        line_key[to] = line_key[to + 1]
        line[to] = line[to + 1]
        to += 1
    line_key[to] = level
    line[to] = number
    return at, far


@inlined
def _rise(net: Network, count: int, number: int, key: float) -> None:
    """Adds a link to the heap of `count` links beside the line."""
    at = count
    while at > 0:
        above = (at - 1) >> 1
        if net.far_key[above] <= key:
            break
        net.far_key[at] = net.far_key[above]
        net.far[at] = net.far[above]
        at = above
    net.far_key[at] = key
    net.far[at] = number


@inlined
def _sink(net: Network, count: int, at: int, number: int, key: float) -> None:
    """Puts a link at a place of that heap, or below it."""
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and net.far_key[child + 1] < net.far_key[child]:
            child += 1
        if net.far_key[child] >= key:
            break
        net.far_key[at] = net.far_key[child]
        net.far[at] = net.far[child]
        at = child
    net.far_key[at] = key
    net.far[at] = number


@inlined
def _stream(net: Network, number: int, level: float) -> int:
    """All flows that a link limited, and no others, get its new level."""
    part, width = net.part, net.width
    start = net.link[number].start
    count: int = net.link[number].owned
    part[number].used += level * net.link[number].owned_load
    for i in range(start, start + count):
        first = net.owned[i] * width
        for at in range(first, first + width):
            other = net.hop_link[at]
            if other < 0:
                break
            if other != number:
                load = net.hop_load[at]
                part[other].used += level * load
                part[other].load -= load
                part[other].free -= 1
    return count


@inlined
def _stream_plain(net: Network, number: int, level: float) -> int:
    """The same where every load is 1, so that a link's load is the count of its flows."""
    part, width = net.part, net.width
    start = net.link[number].start
    count: int = net.link[number].owned
    part[number].used += level * count
    for i in range(start, start + count):
        first = net.owned[i] * width
        for at in range(first, first + width):
            other = net.hop_link[at]
            if other < 0:
                break
            if other != number:
                part[other].used += level
                part[other].free -= 1
    return count


@inlined
def _is_free(net: Network, slot: int) -> bool:
    """No link of a flow has a level yet: neither its owner nor one that took it over."""
    if net.flow[slot].stamp == 2 * net.counter[PASS] + 1:
        return False
    owner = net.flow[slot].owner
    free: bool = owner < 0 or net.part[owner].level < 0.0
    return free


@inlined
def _free_load(net: Network, number: int) -> float:
    """Load of the flows of a link that have no level yet, summed anew."""
    load = 0.0
    start = net.link[number].start
    for i in range(start, start + net.link[number].active):
        at = net.active[i]
        if _is_free(net, at >> net.shift):
            load += net.hop_load[at]
    return load


@inlined
def _search(net: Network, number: int, level: float, moved: int) -> tuple[int, int]:
    """The flows of a link that have no level yet get its level."""
    part, flow, width = net.part, net.flow, net.width
    start = net.link[number].start
    given = 0
    for i in range(start, start + net.link[number].active):
        slot = net.active[i] >> net.shift
        if not _is_free(net, slot):
            continue
        given += 1
        owner = flow[slot].owner
        if owner != number:
            flow[slot].stamp = 2 * net.counter[PASS] + 1
            flow[slot].next_owner = number
            net.moved[moved] = slot
            moved += 1
            if owner >= 0:
                part[owner].stamp = 1
        first = slot * width
        for at in range(first, first + flow[slot].hops):
            other = net.hop_link[at]
            load = net.hop_load[at]
            part[other].used += level * load
            part[other].load -= load
            part[other].free -= 1
    return given, moved
