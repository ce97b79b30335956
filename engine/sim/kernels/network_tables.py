"""The records of the network's state, how an idle network is made, and its storage by link.

Rates, levels and events are in the files beside this one. Every link has a block of `active` (the
entries that run over it, in any order) and of `owned` (the flow slots that it limits, a heap by
the virtual time of their end). A block that is full moves to the end of the store with twice the
room; a store that is full is packed.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.tables import Heap, new_heap

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
Records = Any  # an array of records; numpy cannot type their fields

PASS, TOUCHED, SOLVES, RUNNING, ALIVE, WIDE, FILLS, STORE, NEW, WEIGHTED = range(
    10
)  # of `counter`

LINK = np.dtype(
    [
        ("capacity", np.float64),  # bytes/s
        ("rate", np.float64),  # bytes/s in use
        ("level", np.float64),  # rate per weight of the flows that this link limits
        ("clock", np.float64),  # integral of level until time_s: its virtual time
        ("time_s", np.float64),
        ("bytes", np.float64),  # integral of rate until time_s
        ("load", np.float64),  # of its flows per unit of level
        ("owned_load", np.float64),  # of the flows that it limits
        ("start", np.int64),  # its block in `active` and `owned`
        ("size", np.int32),  # length of the block
        ("active", np.int32),  # entries that run over it
        ("owned", np.int32),  # flows that it limits
        ("alive", np.int32),  # place in `alive`, -1 without a flow
        ("busy", np.float64),  # integral of rate / capacity until the capacity was set
        ("bytes_before", np.float64),  # bytes at that time
        ("age", np.int64),  # changes of `rate` since it was summed anew
    ],
    align=True,
)
PART = np.dtype(  # what one solution keeps of a link; read only while mark is the current pass
    [
        ("used", np.float64),  # of the capacity, by the flows that have a level
        ("load", np.float64),  # of the flows without a level
        ("owned", np.float64),  # load of the flows that still stand at the link's old level
        ("level", np.float64),  # the new one, -1 where the old stands
        ("free", np.int32),  # flows without a level
        ("standing", np.int32),  # flows that still stand at the link's old level
        ("head", np.int32),  # first entry of the chain of flows without a level, -1
        ("cut", np.int32),  # 1: its capacity fell below its use, all its flows lose their level
        ("mark", np.int64),  # pass that touched it
        ("stamp", np.int64),  # of the last release that changed it
    ],
    align=True,
)
FLOW = np.dtype(
    [
        ("route", np.int32),  # -1 when idle
        ("owner", np.int32),  # link that limits it, -1 before it has a level
        ("end", np.float64),  # virtual time of its owner at which it is done
        ("left", np.float64),  # bytes left while it has no owner
        ("weight", np.float64),  # of fairness
        ("stamp", np.int64),  # 2 pass: without a level; 2 pass + 1: has a new one
        ("place", np.int32),  # in its owner's heap
        ("hops", np.int32),
        ("next_owner", np.int32),  # scratch of a pass
    ],
    align=True,
)


class Network(NamedTuple):
    """State of all links and flow slots; every array is changed in place by the functions."""

    link: Records  # [links] LINK
    part: Records  # [links] PART, scratch
    flow: Records  # [slots] FLOW
    hop_link: I4  # [slots * width] link of entry slot * width + hop, -1 after the last hop
    hop_place: I4  # [slots * width] place among the active entries of the link
    hop_load: F8  # [slots * width] weight of the hop times weight of the flow
    chain: I4  # [slots * width] next entry of the same link without a level, -1
    active: I4  # [store] entries by link
    owned: I4  # [store] slots by link
    spare: I4  # [store] scratch of packing
    alive: I4  # [links] links with flows, in the order of the last full filling
    touched: I4  # [links] links touched in this pass
    changed: I4  # [links] scratch: links that a release changed
    moved: I4  # [slots] scratch: flows whose owner changes
    line: I4  # [links] scratch of the full filling: links in the order of their keys
    line_key: F8  # [links]
    far: I4  # [links] scratch of the full filling: a heap of links
    far_key: F8  # [links]
    heap: Heap  # links by the time at which the first of their flows is done
    level: Heap  # scratch: links by the level at which they must be looked at
    instant: Heap  # slots without links or bytes by their time
    route_start: I8  # [routes + 1]
    route_link: I8  # [hops]
    route_weight: F8  # [hops]
    counter: I8  # [10]
    width: int  # entries of a slot: a power of two from the hops of the longest route
    shift: int  # its logarithm


def make_network(
    link_bytes_per_s: F8, route_start: I8, route_link: I4, route_weight: F8, slots: int
) -> Network:
    """An idle network; `slots` flows may run at once, several on one route if need be."""
    links = len(link_bytes_per_s)
    hops = np.diff(route_start)
    shift = max(0, int(hops.max(initial=1)) - 1).bit_length()
    width = 1 << shift
    reserved = np.bincount(route_link, minlength=links).astype(np.int64)
    link = np.zeros(links, LINK)
    link["capacity"] = link_bytes_per_s
    link["start"] = np.cumsum(reserved) - reserved
    link["size"] = reserved
    link["alive"] = -1
    flow = np.zeros(slots, FLOW)
    flow["route"] = -1
    flow["owner"] = -1
    flow["weight"] = 1.0
    used = int(reserved.sum())
    store = used if slots == len(hops) else max(used, slots * width)
    store += 2 * min(store, slots * width) + 8 if slots < 100_000 else 2 * slots + 8
    counter = np.zeros(10, np.int64)
    counter[PASS], counter[STORE] = 1, used
    return Network(
        link=link,
        part=np.zeros(links, PART),
        flow=flow,
        hop_link=np.full(slots * width, -1, np.int32),
        hop_place=np.zeros(slots * width, np.int32),
        hop_load=np.zeros(slots * width),
        chain=np.zeros(slots * width, np.int32),
        active=np.zeros(store, np.int32),
        owned=np.zeros(store, np.int32),
        spare=np.zeros(store, np.int32),
        alive=np.zeros(links, np.int32),
        touched=np.zeros(links, np.int32),
        changed=np.zeros(links, np.int32),
        moved=np.zeros(slots, np.int32),
        line=np.zeros(links, np.int32),
        line_key=np.zeros(links),
        far=np.zeros(links, np.int32),
        far_key=np.zeros(links),
        heap=new_heap(links),
        level=new_heap(links),
        instant=new_heap(slots),
        route_start=np.array(route_start, np.int64),
        route_link=np.array(route_link, np.int64),
        route_weight=np.array(route_weight, np.float64),
        counter=counter,
        width=width,
        shift=shift,
    )


@bare
def grow_block(net: Network, number: int) -> None:
    """Gives a link's block twice its room."""
    link = net.link
    size = max(4, 2 * link[number].active)
    if net.counter[STORE] + size > net.active.size:
        _pack(net)
    start, new = link[number].start, net.counter[STORE]
    for i in range(link[number].active):
        net.active[new + i] = net.active[start + i]
        net.owned[new + i] = net.owned[start + i]
    link[number].start = new
    link[number].size = size
    net.counter[STORE] = new + size


@bare
def _pack(net: Network) -> None:
    """Moves all blocks to the front, each as long as it is used."""
    _pack_store(net, net.owned)
    _pack_store(net, net.active)
    top = 0
    for number in range(net.link.size):
        net.link[number].start = top
        net.link[number].size = net.link[number].active
        top += net.link[number].active
    net.counter[STORE] = top


@bare
def _pack_store(net: Network, store: I4) -> None:
    for i in range(store.size):
        net.spare[i] = store[i]
    top = 0
    for number in range(net.link.size):
        start = net.link[number].start
        for i in range(net.link[number].active):
            store[top] = net.spare[start + i]
            top += 1


@inlined
def add_entry(net: Network, entry: int, number: int) -> None:
    """Puts an entry among the active ones of a link."""
    link = net.link
    at = link[number].active
    if at == link[number].size:
        grow_block(net, number)
    net.active[link[number].start + at] = entry
    net.hop_place[entry] = at
    link[number].active = at + 1
    link[number].load += net.hop_load[entry]
    if at == 0:
        place = net.counter[ALIVE]
        net.alive[place] = number
        link[number].alive = place
        net.counter[ALIVE] = place + 1


@inlined
def drop_entry(net: Network, entry: int, number: int) -> None:
    """Takes an entry out of the active ones of a link."""
    link = net.link
    last = link[number].active - 1
    link[number].active = last
    start = link[number].start
    moved = net.active[start + last]
    at = net.hop_place[entry]
    net.active[start + at] = moved
    net.hop_place[moved] = at
    load = net.hop_load[entry]
    link[number].load -= load
    if last > 0 and link[number].load < 1e-3 * load:
        link[number].load = 0.0
        for i in range(start, start + last):
            link[number].load += net.hop_load[net.active[i]]
    if last == 0:
        link[number].load = 0.0
        count = net.counter[ALIVE] - 1
        net.counter[ALIVE] = count
        other, place = net.alive[count], link[number].alive
        net.alive[place] = other
        link[other].alive = place
        link[number].alive = -1


@inlined
def _before(net: Network, one: int, other: int) -> bool:
    a, b = net.flow[one].end, net.flow[other].end
    return a < b or (a == b and one < other)


@inlined
def rise_owned(net: Network, start: int, at: int) -> None:
    """Lets the flow at a place of an owner's heap rise."""
    slot = net.owned[start + at]
    while at > 0:
        above = (at - 1) >> 1
        other = net.owned[start + above]
        if _before(net, other, slot):
            break
        net.owned[start + at] = other
        net.flow[other].place = at
        at = above
    net.owned[start + at] = slot
    net.flow[slot].place = at


@inlined
def sink_owned(net: Network, start: int, count: int, at: int) -> None:
    """Lets the flow at a place of an owner's heap sink."""
    slot = net.owned[start + at]
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        best = net.owned[start + child]
        if child + 1 < count and _before(net, net.owned[start + child + 1], best):
            child += 1
            best = net.owned[start + child]
        if _before(net, slot, best):
            break
        net.owned[start + at] = best
        net.flow[best].place = at
        at = child
    net.owned[start + at] = slot
    net.flow[slot].place = at


@inlined
def load_on(net: Network, slot: int, number: int) -> float:
    """What a flow loads on a link per unit of level."""
    first = slot * net.width
    for entry in range(first, first + net.flow[slot].hops):
        if net.hop_link[entry] == number:
            load: float = net.hop_load[entry]
            return load
    return 0.0


@inlined
def own(net: Network, slot: int, number: int, left: float) -> None:
    """A link limits a flow with so many bytes left; the link's clock is at the present."""
    link = net.link
    at = link[number].owned
    net.flow[slot].end = link[number].clock + left / net.flow[slot].weight
    net.flow[slot].owner = number
    net.owned[link[number].start + at] = slot
    link[number].owned = at + 1
    link[number].owned_load += load_on(net, slot, number)
    rise_owned(net, link[number].start, at)


@inlined
def disown(net: Network, slot: int) -> None:
    """The owner of a flow limits it no longer; `left` holds its bytes at the owner's clock."""
    link, flow = net.link, net.flow
    number = flow[slot].owner
    flow[slot].left = max(0.0, flow[slot].end - link[number].clock) * flow[slot].weight
    flow[slot].owner = -1
    start, last = link[number].start, link[number].owned - 1
    link[number].owned = last
    at = flow[slot].place
    if at != last:
        other = net.owned[start + last]
        net.owned[start + at] = other
        flow[other].place = at
        if _before(net, other, slot):
            rise_owned(net, start, at)
        else:
            sink_owned(net, start, last, at)
    load = load_on(net, slot, number)
    link[number].owned_load -= load
    if last == 0:
        link[number].owned_load = 0.0
        link[number].clock = 0.0
    elif link[number].owned_load < 1e-3 * load:
        total = 0.0
        for i in range(start, start + last):
            total += load_on(net, net.owned[i], number)
        link[number].owned_load = total
