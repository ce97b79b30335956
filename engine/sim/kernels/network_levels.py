"""Levels of the links that a change can move: filling that starts from the standing levels.

The level of a link is the rate per weight of the flows that it limits (its owned ones). A pass
looks at the touched links in increasing level. A link whose level would rise releases its flows;
one whose level would fall releases the flows that run faster than it elsewhere; flows without a
level get one from the first link that saturates (Bertsekas and Gallager, "Data Networks", 1992,
section 6.5). What no release reaches stands. Filling all links at once is in network_fill.
"""

import numpy as np

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.heap import heap_remove, heap_set
from engine.sim.kernels.network_tables import PASS, TOUCHED, Network

EQUAL = 1e-12  # relative difference of levels that counts as none
RISE, STAND, FALL = 1, 2, 3


@inlined
def touch(net: Network, number: int) -> None:
    """Makes a link part of the coming pass; the caller has to look at it with `look_at` later."""
    part = net.part
    part[number].mark = net.counter[PASS]
    part[number].load = 0.0
    part[number].free = 0
    part[number].head = -1
    part[number].cut = 0
    part[number].level = -1.0
    net.touched[net.counter[TOUCHED]] = number
    net.counter[TOUCHED] += 1


@inlined
def look_at(net: Network, number: int) -> None:
    """What a touched link has before the first release of the pass."""
    part, link = net.part, net.link
    part[number].used = link[number].rate
    part[number].owned = link[number].owned_load
    part[number].standing = link[number].owned
    part[number].stamp = -1


@inlined
def free_entry(net: Network, entry: int) -> None:
    """Chains an entry to the flows without a level of its (touched) link."""
    part, number = net.part, net.hop_link[entry]
    part[number].load += net.hop_load[entry]
    part[number].free += 1
    net.chain[entry] = part[number].head
    part[number].head = entry


@bare
def unfree_entry(net: Network, entry: int) -> None:
    """Takes an entry out of that chain again."""
    part, number = net.part, net.hop_link[entry]
    part[number].load -= net.hop_load[entry]
    part[number].free -= 1
    if part[number].free == 0:
        part[number].load = 0.0
    if part[number].head == entry:
        part[number].head = net.chain[entry]
        return
    at = part[number].head
    while net.chain[at] != entry:
        at = net.chain[at]
    net.chain[at] = net.chain[entry]


@inlined
def _release(net: Network, slot: int, stamp: int, changed: int) -> int:
    """Takes a flow's level away; lists the links that this changes from `changed` on."""
    part, flow = net.part, net.flow
    owner = flow[slot].owner
    level = net.link[owner].level
    flow[slot].stamp = 2 * net.counter[PASS]
    first = slot * net.width
    for entry in range(first, first + flow[slot].hops):
        number = net.hop_link[entry]
        if part[number].mark != net.counter[PASS]:
            touch(net, number)
            look_at(net, number)
        part[number].used -= level * net.hop_load[entry]
        free_entry(net, entry)
        if part[number].free == net.link[number].active:
            part[number].used = 0.0  # exactly, also on a dead link
        if number == owner:
            part[number].standing -= 1
            part[number].owned -= net.hop_load[entry]
            if part[number].standing == 0:
                part[number].owned = 0.0
        if part[number].stamp != stamp:
            part[number].stamp = stamp
            net.changed[changed] = number
            changed += 1
    return changed


@inlined
def _saturates_at(net: Network, number: int) -> float:
    """Level at which the flows without a level and the standing owned ones fill a link."""
    part = net.part
    load = part[number].load + part[number].owned
    if part[number].free + part[number].standing == 0 or load <= 0.0:
        return np.inf
    level = net.link[number].level
    room = net.link[number].capacity - part[number].used + part[number].owned * level
    level_there: float = max(0.0, room / load)
    return level_there


@inlined
def _key(net: Network, number: int) -> float:
    """Level at which a link must be looked at: it saturates, or its flows may rise."""
    key: float = _saturates_at(net, number)
    if net.part[number].standing > 0:
        key = min(key, net.link[number].level)
    return key


@inlined
def _push(net: Network, number: int) -> None:
    key = _key(net, number)
    if key < np.inf:
        heap_set(net.level, number, key)
    else:
        heap_remove(net.level, number)


@inlined
def solve_levels(net: Network) -> tuple[int, int]:
    """New levels of the touched links and of those that they move; flows that move, and got one."""
    part, link = net.part, net.link
    stamp = moved = given = 0
    for i in range(net.counter[TOUCHED]):
        look_at(net, net.touched[i])
    for i in range(net.counter[TOUCHED]):
        if part[net.touched[i]].cut == 1:
            _release_all(net, net.touched[i])
    for i in range(net.counter[TOUCHED]):
        _push(net, net.touched[i])
    while net.level.size[0] > 0:
        number = net.level.items[0]
        now = _key(net, number)
        if now > net.level.key[number] * (1.0 + 1e-14) and now < np.inf:
            heap_set(net.level, number, now)
            continue
        heap_remove(net.level, number)
        if now == np.inf:
            continue
        level = _saturates_at(net, number)
        old, owned = link[number].level, part[number].standing
        mode = FALL
        if owned > 0:
            if level > old * (1.0 + EQUAL):
                mode = RISE
            elif level >= old * (1.0 - EQUAL):
                mode, level = STAND, old
                if part[number].free == 0:
                    continue
        stamp += 1
        changed = 0
        if mode == RISE:
            changed = _release_owned(net, number, stamp)
        elif mode == FALL and (link[number].owned == 0 or level < old * (1.0 - EQUAL)):
            changed = _release_faster(net, number, level * (1.0 + EQUAL), stamp)
        if changed > 0:
            for i in range(changed):
                _push(net, net.changed[i])
            continue
        part[number].level = level
        count, move = _assign_free(net, number, level, moved)
        given += count
        moved = move
        if mode == FALL and part[number].standing > 0:
            given += part[number].standing
            _lower_owned(net, number, level, stamp)
    return moved, given


@inlined
def _release_all(net: Network, number: int) -> None:
    start = net.link[number].start
    for i in range(start, start + net.link[number].active):
        slot = net.active[i] >> net.shift
        if net.flow[slot].owner >= 0 and net.flow[slot].stamp < 2 * net.counter[PASS]:
            _release(net, slot, -1, 0)


@inlined
def _release_owned(net: Network, number: int, stamp: int) -> int:
    changed = 0
    start = net.link[number].start
    for i in range(start, start + net.link[number].owned):
        slot = net.owned[i]
        if net.flow[slot].stamp < 2 * net.counter[PASS]:
            changed = _release(net, slot, stamp, changed)
    return changed


@inlined
def _release_faster(net: Network, number: int, level: float, stamp: int) -> int:
    """Releases the flows of a link that other links let run above a level."""
    changed = 0
    start = net.link[number].start
    for i in range(start, start + net.link[number].active):
        slot = net.active[i] >> net.shift
        owner = net.flow[slot].owner
        if (
            net.flow[slot].stamp < 2 * net.counter[PASS]
            and owner != number
            and net.link[owner].level > level
        ):
            changed = _release(net, slot, stamp, changed)
    return changed


@inlined
def _assign_free(net: Network, number: int, level: float, moved: int) -> tuple[int, int]:
    """Gives the flows without a level on a saturated link that link's level."""
    part, flow = net.part, net.flow
    given = 0
    done = 2 * net.counter[PASS] + 1
    at = part[number].head
    while at >= 0:
        slot = at >> net.shift
        at = net.chain[at]
        if flow[slot].stamp == done:
            continue
        flow[slot].stamp = done
        given += 1
        if flow[slot].owner != number:
            flow[slot].next_owner = number
            net.moved[moved] = slot
            moved += 1
        first = slot * net.width
        for entry in range(first, first + flow[slot].hops):
            other = net.hop_link[entry]
            part[other].used += level * net.hop_load[entry]
            part[other].load -= net.hop_load[entry]
            part[other].free -= 1
            if part[other].free == 0:
                part[other].load = 0.0
    return given, moved


@inlined
def _lower_owned(net: Network, number: int, level: float, stamp: int) -> None:
    """Lets the flows that a link limits fall with its level."""
    part, flow = net.part, net.flow
    by = level - net.link[number].level
    changed = 0
    start = net.link[number].start
    for i in range(start, start + net.link[number].owned):
        slot = net.owned[i]
        if flow[slot].stamp >= 2 * net.counter[PASS]:
            continue
        flow[slot].stamp = 2 * net.counter[PASS] + 1
        first = slot * net.width
        for entry in range(first, first + flow[slot].hops):
            other = net.hop_link[entry]
            if part[other].mark != net.counter[PASS]:
                touch(net, other)
                look_at(net, other)
            part[other].used += by * net.hop_load[entry]
            if other != number and part[other].standing > 0 and part[other].stamp != stamp:
                part[other].stamp = stamp
                net.changed[changed] = other
                changed += 1
    part[number].standing = 0
    part[number].owned = 0.0
    for i in range(changed):
        _push(net, net.changed[i])
