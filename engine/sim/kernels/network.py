"""Max-min fair rates of flows over links, re-solved only where something changed.

A flow runs over a route (links with weights: at rate x it uses weight * x of each) and has a
fairness weight; rates are the weighted max-min allocation (Bertsekas and Gallager, "Data
Networks", 1992, section 6.5: progressive filling). `settle` re-solves the connected component of
links and flows that starts, stops and capacity changes since the last call have touched.

A row of the entry arrays is one (flow slot, hop): entry = slot * width + hop; the active entries
of a link form a doubly linked list from `link_head`. Counters live in `size`: heap size, dirty
links, stamp.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import inner, kernel
from engine.sim.kernels.heap import heap_remove, heap_set, heap_top_key
from engine.sim.tables import Heap, new_heap

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
Records = Any  # an array of records; numpy cannot type their fields

DIRTY, STAMP, SOLVES = 0, 1, 2
SAME = 1e-14  # relative change of a rate that counts as none

LINK = np.dtype(
    [
        ("capacity", np.float64),  # bytes/s
        ("rate", np.float64),  # bytes/s in use
        ("bytes", np.float64),  # integral of use until time_s
        ("busy", np.float64),  # integral of use / capacity
        ("time_s", np.float64),
        ("head", np.int64),  # first active entry, -1
        ("mark", np.int64),  # stamp of the component search
        ("dirty", np.int64),  # 1 if touched since the last settle
        ("room", np.float64),  # scratch: capacity left
        ("load", np.float64),  # scratch: weight of the flows not yet fixed
        ("free", np.int64),  # scratch: flows not yet fixed
    ],
    align=True,
)
FLOW = np.dtype(
    [
        ("route", np.int64),  # -1 when idle
        ("weight", np.float64),  # of fairness
        ("left", np.float64),  # bytes left at time_s
        ("rate", np.float64),  # bytes/s
        ("time_s", np.float64),
        ("mark", np.int64),  # stamp of the component search
        ("new_rate", np.float64),  # scratch
    ],
    align=True,
)
ENTRY = np.dtype([("after", np.int64), ("before", np.int64)], align=True)


class Network(NamedTuple):
    """State of all links and flow slots; every array is changed in place by the functions."""

    link: Records  # [links] LINK
    flow: Records  # [slots] FLOW
    entry: Records  # [slots * width] ENTRY
    route_start: I8  # [routes + 1]
    route_link: I8  # [hops]
    route_weight: F8  # [hops]
    heap: Heap  # slots by completion time
    level: Heap  # scratch: links by the rate at which they saturate
    dirty: I8  # [links] links touched since the last settle
    part_links: I8  # [links] scratch: links of the component
    part_flows: I8  # [slots] scratch: flows of the component
    counter: I8  # [3] DIRTY, STAMP, SOLVES
    width: int  # hops of the longest route


def make_network(
    link_bytes_per_s: F8, route_start: I8, route_link: I4, route_weight: F8, slots: int
) -> Network:
    """An idle network; `slots` flows may run at once."""
    links = len(link_bytes_per_s)
    width = max(1, int(np.diff(route_start).max(initial=0)))
    link = np.zeros(links, LINK)
    link["capacity"] = link_bytes_per_s
    link["head"] = -1
    flow = np.zeros(slots, FLOW)
    flow["route"] = -1
    flow["weight"] = 1.0
    entry = np.full(2 * slots * width, -1, np.int64).view(ENTRY)
    return Network(
        link=link,
        flow=flow,
        entry=entry,
        route_start=np.array(route_start, np.int64),
        route_link=np.array(route_link, np.int64),
        route_weight=np.array(route_weight, np.float64),
        heap=new_heap(slots),
        level=new_heap(links),
        dirty=np.zeros(links, np.int64),
        part_links=np.zeros(links, np.int64),
        part_flows=np.zeros(slots, np.int64),
        counter=np.zeros(3, np.int64),
        width=width,
    )


@inner
def _touch(net: Network, link: int) -> None:
    if net.link[link].dirty == 0:
        net.link[link].dirty = 1
        net.dirty[net.counter[DIRTY]] = link
        net.counter[DIRTY] += 1


@inner
def net_start(net: Network, slot: int, route: int, size_bytes: float, now_s: float) -> None:
    """Starts a flow of `size_bytes` in an idle slot; without links or bytes it is done at once."""
    net.flow[slot].route = route
    net.flow[slot].left = size_bytes
    net.flow[slot].rate = 0.0
    net.flow[slot].time_s = now_s
    first, last = net.route_start[route], net.route_start[route + 1]
    if first == last or size_bytes <= 0.0:
        heap_set(net.heap, slot, now_s)
    else:
        heap_set(net.heap, slot, np.inf)
    for hop in range(last - first):
        link = net.route_link[first + hop]
        entry = slot * net.width + hop
        head = net.link[link].head
        net.entry[entry].after = head
        net.entry[entry].before = -1
        if head >= 0:
            net.entry[head].before = entry
        net.link[link].head = entry
        _touch(net, link)


@inner
def net_stop(net: Network, slot: int, now_s: float) -> None:
    """Takes a flow out, done or not; its slot is idle afterwards."""
    route = net.flow[slot].route
    if route < 0:
        return
    first = net.route_start[route]
    for hop in range(net.route_start[route + 1] - first):
        link = net.route_link[first + hop]
        entry = slot * net.width + hop
        after, before = net.entry[entry].after, net.entry[entry].before
        if before >= 0:
            net.entry[before].after = after
        else:
            net.link[link].head = after
        if after >= 0:
            net.entry[after].before = before
        _touch(net, link)
    net.flow[slot].route = -1
    heap_remove(net.heap, slot)


@inner
def net_next_time(net: Network) -> float:
    """The earliest completion of a running flow, infinite when there is none."""
    first_s: float = heap_top_key(net.heap)
    return first_s


@inner
def net_next_slot(net: Network) -> int:
    """The flow that ends at `net_next_time`, the lowest slot of several."""
    slot: int = net.heap.items[0]
    return slot


@inner
def net_is_idle(net: Network) -> bool:
    """True without a running flow."""
    idle: bool = net.heap.size[0] == 0
    return idle


@inner
def net_runs(net: Network, slot: int) -> bool:
    """True while a flow is in the slot."""
    runs: bool = net.flow[slot].route >= 0
    return runs


@kernel
def read_links(net: Network, now_s: float, rate: F8, moved: F8, busy: F8) -> None:
    """Bytes/s in use, bytes moved and busy seconds of every link up to now; changes nothing else."""
    for link in range(net.link.size):
        span = now_s - net.link[link].time_s
        use = net.link[link].rate
        rate[link] = use
        moved[link] = net.link[link].bytes + use * span
        busy[link] = net.link[link].busy
        if use > 0.0:
            busy[link] += use / net.link[link].capacity * span


@inner
def _account(net: Network, link: int, now_s: float) -> None:
    span = now_s - net.link[link].time_s
    if span > 0.0:
        rate = net.link[link].rate
        if rate > 0.0:
            net.link[link].bytes += rate * span
            net.link[link].busy += rate / net.link[link].capacity * span
    net.link[link].time_s = now_s


@kernel
def net_account(net: Network, now_s: float) -> None:
    """Brings the integrals of all links up to now."""
    for link in range(net.link.size):
        _account(net, link, now_s)


@inner
def net_settle(net: Network, now_s: float) -> None:
    """Gives every flow that a change since the last call can have touched its max-min rate."""
    if net.counter[DIRTY] == 0:
        return
    net.counter[SOLVES] += 1
    links, flows = _component(net)
    _fill(net, links, flows)
    for i in range(links):
        link = net.part_links[i]
        _account(net, link, now_s)
        net.link[link].rate = 0.0
    for i in range(flows):
        slot = net.part_flows[i]
        rate = net.flow[slot].new_rate
        _set_rate(net, slot, rate, now_s)
        rate = net.flow[slot].rate
        first = net.route_start[net.flow[slot].route]
        for hop in range(net.route_start[net.flow[slot].route + 1] - first):
            net.link[net.route_link[first + hop]].rate += rate * net.route_weight[first + hop]


@inner
def _set_rate(net: Network, slot: int, rate: float, now_s: float) -> None:
    old = net.flow[slot].rate
    if abs(rate - old) <= SAME * old and old > 0.0:
        return
    left = net.flow[slot].left - old * (now_s - net.flow[slot].time_s)
    net.flow[slot].left = max(left, 0.0)
    net.flow[slot].time_s = now_s
    net.flow[slot].rate = rate
    done_s = np.inf
    if net.flow[slot].left <= 0.0:
        done_s = now_s
    elif rate > 0.0:
        done_s = now_s + net.flow[slot].left / rate
    heap_set(net.heap, slot, done_s)


@inner
def _component(net: Network) -> tuple[int, int]:
    """Links and flows connected to the dirty links, into part_links and part_flows."""
    net.counter[STAMP] += 1
    stamp = net.counter[STAMP]
    links = flows = 0
    for i in range(net.counter[DIRTY]):
        link = net.dirty[i]
        net.link[link].dirty = 0
        net.link[link].mark = stamp
        net.part_links[links] = link
        links += 1
    net.counter[DIRTY] = 0
    at = 0
    while at < links:
        entry = net.link[net.part_links[at]].head
        at += 1
        while entry >= 0:
            slot = entry // net.width
            if net.flow[slot].mark != stamp:
                net.flow[slot].mark = stamp
                net.part_flows[flows] = slot
                flows += 1
                first = net.route_start[net.flow[slot].route]
                for at_hop in range(first, net.route_start[net.flow[slot].route + 1]):
                    other = net.route_link[at_hop]
                    if net.link[other].mark != stamp:
                        net.link[other].mark = stamp
                        net.part_links[links] = other
                        links += 1
            entry = net.entry[entry].after
    return links, flows


@inner
def _fill(net: Network, links: int, flows: int) -> None:
    """Progressive filling of one component: new_rate of its flows."""
    if flows == 0:
        return
    if flows == 1:
        slot = net.part_flows[0]
        first = net.route_start[net.flow[slot].route]
        best = np.inf
        for hop in range(first, net.route_start[net.flow[slot].route + 1]):
            best = min(best, net.link[net.route_link[hop]].capacity / net.route_weight[hop])
        net.flow[slot].new_rate = best
        return
    net.level.size[0] = 0
    for i in range(links):
        link = net.part_links[i]
        net.link[link].room = net.link[link].capacity
        net.link[link].load = 0.0
        net.link[link].free = 0
        net.level.place[link] = -1
    for i in range(flows):
        slot = net.part_flows[i]
        net.flow[slot].new_rate = -1.0
        first = net.route_start[net.flow[slot].route]
        for hop in range(first, net.route_start[net.flow[slot].route + 1]):
            link = net.route_link[hop]
            net.link[link].load += net.route_weight[hop] * net.flow[slot].weight
            net.link[link].free += 1
    for i in range(links):
        link = net.part_links[i]
        if net.link[link].free > 0:
            net.level.key[link] = net.link[link].room / net.link[link].load
            at = net.level.size[0]
            net.level.size[0] = at + 1
            net.level.items[at] = link
            net.level.place[link] = at
    _order(net)
    left = flows
    while left > 0:
        link = net.level.items[0]
        if net.link[link].free > 0:
            current = max(net.link[link].room, 0.0) / net.link[link].load
            if current > net.level.key[link] * (1.0 + 1e-15):
                heap_set(net.level, link, current)
                continue
            left -= _saturate(net, link, current)
        heap_remove(net.level, link)


@inner
def _order(net: Network) -> None:
    """Makes a heap of the levels that were appended in any order."""
    count = net.level.size[0]
    for start in range((count - 2) >> 1, -1, -1):
        at = start
        item = net.level.items[at]
        value = net.level.key[item]
        while True:
            child = 2 * at + 1
            if child >= count:
                break
            best = net.level.items[child]
            if child + 1 < count:
                right = net.level.items[child + 1]
                if net.level.key[right] < net.level.key[best] or (
                    net.level.key[right] == net.level.key[best] and right < best
                ):
                    child += 1
                    best = right
            if value < net.level.key[best] or (value == net.level.key[best] and item < best):
                break
            net.level.items[at] = best
            net.level.place[best] = at
            at = child
        net.level.items[at] = item
        net.level.place[item] = at


@inner
def _saturate(net: Network, link: int, level: float) -> int:
    """Fixes the rates of all flows that are still free on a saturated link; returns how many."""
    fixed = 0
    entry = net.link[link].head
    while entry >= 0:
        slot = entry // net.width
        entry = net.entry[entry].after
        if net.flow[slot].new_rate >= 0.0:
            continue
        rate = level * net.flow[slot].weight
        net.flow[slot].new_rate = rate
        fixed += 1
        first = net.route_start[net.flow[slot].route]
        for hop in range(first, net.route_start[net.flow[slot].route + 1]):
            other = net.route_link[hop]
            weight = net.route_weight[hop]
            net.link[other].room -= rate * weight
            net.link[other].load -= weight * net.flow[slot].weight
            net.link[other].free -= 1
    return fixed


@kernel
def run_flows(net: Network, start_s: F8, size_bytes: F8, order: I8, finish_s: F8) -> int:
    """Runs every flow once: slot and route f from start_s[f]; returns the number of events.

    `order` sorts the flows by start. Completions within 1e-12 of each other (relative) are one
    event, as the solution cannot tell them apart.
    """
    count = order.size
    at = 0
    done = 0
    events = 0
    now = 0.0
    while done < count:
        arrival = start_s[order[at]] if at < count else np.inf
        finish = net_next_time(net)
        if arrival == np.inf and finish == np.inf:
            return -1
        now = max(now, min(arrival, finish))
        events += 1
        edge = now * (1.0 + 1e-12)
        while net.heap.size[0] > 0 and net.heap.key[net.heap.items[0]] <= edge:
            slot = net.heap.items[0]
            finish_s[slot] = now
            done += 1
            net_stop(net, slot, now)
        while at < count and start_s[order[at]] <= now:
            slot = order[at]
            net_start(net, slot, slot, size_bytes[slot], now)
            at += 1
        net_settle(net, now)
    net_account(net, now)
    return events
