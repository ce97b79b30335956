"""Levels of all links at once: one filling of the whole network, for when most of it moves.

Links leave a heap in increasing level. The flows that a link limited before are nearly always
those that it limits again: then its list of them is streamed, and no flow is looked at twice.
Otherwise the entries that run over it are searched. Exact either way.
"""

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.network_levels import touch
from engine.sim.kernels.network_tables import ALIVE, PASS, RUNNING, WEIGHTED, Network

NEAR = 0.98  # of its old level: a link is first looked at there, which spares most second looks


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
    count = _prepare(net, near)
    part, link = net.part, net.link
    plain = net.counter[WEIGHTED] == 0
    moved = 0
    highest = 0.0
    left = net.counter[RUNNING] - net.instant.size[0]
    while left > 0 and count > 0:
        number = net.line[0]
        if part[number].free > 0:
            if plain:
                part[number].load = part[number].free
            elif part[number].load < 1e-4 * link[number].load:
                part[number].load = _free_load(net, number)
            room = max(0.0, link[number].capacity - part[number].used)
            level = room / part[number].load
            if level > net.line_key[0] * (1.0 + 1e-15):
                _sink(net, count, 0, number, level)
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
        count -= 1
        if count > 0:
            _sink(net, count, 0, net.line[count], net.line_key[count])
    if near > 0.0 and _is_overrun(net):
        _take_back(net, moved)
        return -1
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
def _prepare(net: Network, near: float) -> int:
    """Every link with flows into the heap by the level of its share; `stamp` 1 marks lost flows."""
    part, link = net.part, net.link
    count: int = net.counter[ALIVE]
    for i in range(count):
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
        net.line[i] = number
        net.line_key[i] = share
    for at in range((count - 2) >> 1, -1, -1):
        _sink(net, count, at, net.line[at], net.line_key[at])
    return count


@inlined
def _sink(net: Network, count: int, at: int, number: int, key: float) -> None:
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and net.line_key[child + 1] < net.line_key[child]:
            child += 1
        if net.line_key[child] >= key:
            break
        net.line_key[at] = net.line_key[child]
        net.line[at] = net.line[child]
        at = child
    net.line_key[at] = key
    net.line[at] = number


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
