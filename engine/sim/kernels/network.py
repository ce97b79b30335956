"""Max-min fair rates of flows over links, re-solved only where something changed.

A flow runs over a route (links with weights: at rate x it uses weight * x of each) and has a
fairness weight; rates are the weighted max-min allocation (Bertsekas and Gallager, "Data
Networks", 1992, section 6.5: progressive filling). `settle` re-solves the connected component of
links and flows that starts, stops and capacity changes since the last call have touched.

A row of the entry arrays is one (flow slot, hop): entry = slot * width + hop; the active entries
of a link form a doubly linked list from `link_head`. Counters live in `size`: heap size, dirty
links, stamp.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.sim.kernels.heap import heap_remove, heap_set, heap_top_key

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]

DIRTY, STAMP, SOLVES = 0, 1, 2
SAME = 1e-14  # relative change of a rate that counts as none


class Network(NamedTuple):
    """State of all links and flow slots; every array is changed in place by the functions."""

    capacity: F8  # [links] bytes/s
    link_rate: F8  # [links] bytes/s in use
    link_bytes: F8  # [links] integral of use until link_time
    link_busy: F8  # [links] integral of use / capacity
    link_time: F8  # [links] s
    link_head: I8  # [links] first active entry, -1
    link_flows: I8  # [links] active entries
    route_start: I8  # [routes + 1]
    route_link: I4  # [hops]
    route_weight: F8  # [hops]
    flow_route: I4  # [slots] route, -1 when idle
    flow_weight: F8  # [slots] fairness weight
    flow_left: F8  # [slots] bytes left at flow_time
    flow_rate: F8  # [slots] bytes/s
    flow_time: F8  # [slots] s
    entry_next: I8  # [slots * width]
    entry_back: I8  # [slots * width]
    heap: I4  # [slots]
    place: I4  # [slots]
    key: F8  # [slots] completion time
    heap_size: I8  # [1]
    dirty: I4  # [links] links touched since the last settle
    is_dirty: NDArray[np.bool_]  # [links]
    mark_link: I8  # [links] stamps of the component search
    mark_flow: I8  # [slots]
    part_links: I4  # [links] scratch: links of the component
    part_flows: I4  # [slots] scratch: flows of the component
    room: F8  # [links] scratch: capacity left
    load: F8  # [links] scratch: weight of the flows not yet fixed
    free: I8  # [links] scratch: flows not yet fixed
    level_heap: I4  # [links] scratch
    level_place: I4  # [links] scratch, -1
    level: F8  # [links] scratch
    level_size: I8  # [1] scratch
    new_rate: F8  # [slots] scratch
    counter: I8  # [3] DIRTY, STAMP, SOLVES
    width: int  # hops of the longest route


def make_network(
    link_bytes_per_s: F8, route_start: I8, route_link: I4, route_weight: F8, slots: int
) -> Network:
    """An idle network; `slots` flows may run at once."""
    links = len(link_bytes_per_s)
    width = max(1, int(np.diff(route_start).max(initial=0)))
    entries = slots * width
    return Network(
        capacity=np.array(link_bytes_per_s, np.float64),
        link_rate=np.zeros(links),
        link_bytes=np.zeros(links),
        link_busy=np.zeros(links),
        link_time=np.zeros(links),
        link_head=np.full(links, -1, np.int64),
        link_flows=np.zeros(links, np.int64),
        route_start=np.array(route_start, np.int64),
        route_link=np.array(route_link, np.int32),
        route_weight=np.array(route_weight, np.float64),
        flow_route=np.full(slots, -1, np.int32),
        flow_weight=np.ones(slots),
        flow_left=np.zeros(slots),
        flow_rate=np.zeros(slots),
        flow_time=np.zeros(slots),
        entry_next=np.full(entries, -1, np.int64),
        entry_back=np.full(entries, -1, np.int64),
        heap=np.zeros(slots, np.int32),
        place=np.full(slots, -1, np.int32),
        key=np.zeros(slots),
        heap_size=np.zeros(1, np.int64),
        dirty=np.zeros(links, np.int32),
        is_dirty=np.zeros(links, np.bool_),
        mark_link=np.zeros(links, np.int64),
        mark_flow=np.zeros(slots, np.int64),
        part_links=np.zeros(links, np.int32),
        part_flows=np.zeros(slots, np.int32),
        room=np.zeros(links),
        load=np.zeros(links),
        free=np.zeros(links, np.int64),
        level_heap=np.zeros(links, np.int32),
        level_place=np.full(links, -1, np.int32),
        level=np.zeros(links),
        level_size=np.zeros(1, np.int64),
        new_rate=np.zeros(slots),
        counter=np.zeros(3, np.int64),
        width=width,
    )


@njit(cache=True, nogil=True)
def _touch(net: Network, link: int) -> None:
    if not net.is_dirty[link]:
        net.is_dirty[link] = True
        net.dirty[net.counter[DIRTY]] = link
        net.counter[DIRTY] += 1


@njit(cache=True, nogil=True)
def net_start(net: Network, slot: int, route: int, size_bytes: float, now_s: float) -> None:
    """Starts a flow of `size_bytes` in an idle slot; without links or bytes it is done at once."""
    net.flow_route[slot] = route
    net.flow_left[slot] = size_bytes
    net.flow_rate[slot] = 0.0
    net.flow_time[slot] = now_s
    first, last = net.route_start[route], net.route_start[route + 1]
    if first == last or size_bytes <= 0.0:
        heap_set(net.heap, net.place, net.key, net.heap_size, slot, now_s)
    else:
        heap_set(net.heap, net.place, net.key, net.heap_size, slot, np.inf)
    for hop in range(last - first):
        link = net.route_link[first + hop]
        entry = slot * net.width + hop
        head = net.link_head[link]
        net.entry_next[entry] = head
        net.entry_back[entry] = -1
        if head >= 0:
            net.entry_back[head] = entry
        net.link_head[link] = entry
        net.link_flows[link] += 1
        _touch(net, link)


@njit(cache=True, nogil=True)
def net_stop(net: Network, slot: int) -> None:
    """Takes a flow out, done or not; its slot is idle afterwards."""
    route = net.flow_route[slot]
    if route < 0:
        return
    first = net.route_start[route]
    for hop in range(net.route_start[route + 1] - first):
        link = net.route_link[first + hop]
        entry = slot * net.width + hop
        after, before = net.entry_next[entry], net.entry_back[entry]
        if before >= 0:
            net.entry_next[before] = after
        else:
            net.link_head[link] = after
        if after >= 0:
            net.entry_back[after] = before
        net.link_flows[link] -= 1
        _touch(net, link)
    net.flow_route[slot] = -1
    heap_remove(net.heap, net.place, net.key, net.heap_size, slot)


@njit(cache=True, nogil=True)
def net_set_capacity(net: Network, link: int, bytes_per_s: float, now_s: float) -> None:
    """Changes a link's capacity from now on; 0 stalls its flows."""
    _account(net, link, now_s)
    net.capacity[link] = bytes_per_s
    _touch(net, link)


@njit(cache=True, nogil=True)
def net_next_time(net: Network) -> float:
    """The earliest completion of a running flow, infinite when there is none."""
    return heap_top_key(net.heap, net.key, net.heap_size)


@njit(cache=True, nogil=True)
def _account(net: Network, link: int, now_s: float) -> None:
    span = now_s - net.link_time[link]
    if span > 0.0:
        rate = net.link_rate[link]
        if rate > 0.0:
            net.link_bytes[link] += rate * span
            net.link_busy[link] += rate / net.capacity[link] * span
    net.link_time[link] = now_s


@njit(cache=True, nogil=True)
def net_account(net: Network, now_s: float) -> None:
    """Brings the integrals of all links up to now."""
    for link in range(net.capacity.size):
        _account(net, link, now_s)


@njit(cache=True, nogil=True)
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
        net.link_rate[link] = 0.0
    for i in range(flows):
        slot = net.part_flows[i]
        rate = net.new_rate[slot]
        _set_rate(net, slot, rate, now_s)
        rate = net.flow_rate[slot]
        first = net.route_start[net.flow_route[slot]]
        for hop in range(net.route_start[net.flow_route[slot] + 1] - first):
            net.link_rate[net.route_link[first + hop]] += rate * net.route_weight[first + hop]


@njit(cache=True, nogil=True)
def _set_rate(net: Network, slot: int, rate: float, now_s: float) -> None:
    old = net.flow_rate[slot]
    if abs(rate - old) <= SAME * old and old > 0.0:
        return
    left = net.flow_left[slot] - old * (now_s - net.flow_time[slot])
    net.flow_left[slot] = max(left, 0.0)
    net.flow_time[slot] = now_s
    net.flow_rate[slot] = rate
    done_s = np.inf
    if net.flow_left[slot] <= 0.0:
        done_s = now_s
    elif rate > 0.0:
        done_s = now_s + net.flow_left[slot] / rate
    heap_set(net.heap, net.place, net.key, net.heap_size, slot, done_s)


@njit(cache=True, nogil=True)
def _component(net: Network) -> tuple[int, int]:
    """Links and flows connected to the dirty links, into part_links and part_flows."""
    net.counter[STAMP] += 1
    stamp = net.counter[STAMP]
    links = flows = 0
    for i in range(net.counter[DIRTY]):
        link = net.dirty[i]
        net.is_dirty[link] = False
        net.mark_link[link] = stamp
        net.part_links[links] = link
        links += 1
    net.counter[DIRTY] = 0
    at = 0
    while at < links:
        entry = net.link_head[net.part_links[at]]
        at += 1
        while entry >= 0:
            slot = entry // net.width
            if net.mark_flow[slot] != stamp:
                net.mark_flow[slot] = stamp
                net.part_flows[flows] = slot
                flows += 1
                first = net.route_start[net.flow_route[slot]]
                for at_hop in range(first, net.route_start[net.flow_route[slot] + 1]):
                    other = net.route_link[at_hop]
                    if net.mark_link[other] != stamp:
                        net.mark_link[other] = stamp
                        net.part_links[links] = other
                        links += 1
            entry = net.entry_next[entry]
    return links, flows


@njit(cache=True, nogil=True)
def _fill(net: Network, links: int, flows: int) -> None:
    """Progressive filling of one component: new_rate of its flows."""
    if flows == 0:
        return
    if flows == 1:
        slot = net.part_flows[0]
        first = net.route_start[net.flow_route[slot]]
        best = np.inf
        for hop in range(first, net.route_start[net.flow_route[slot] + 1]):
            best = min(best, net.capacity[net.route_link[hop]] / net.route_weight[hop])
        net.new_rate[slot] = best
        return
    net.level_size[0] = 0
    for i in range(links):
        link = net.part_links[i]
        net.room[link] = net.capacity[link]
        net.load[link] = 0.0
        net.free[link] = 0
        net.level_place[link] = -1
    for i in range(flows):
        slot = net.part_flows[i]
        net.new_rate[slot] = -1.0
        first = net.route_start[net.flow_route[slot]]
        for hop in range(first, net.route_start[net.flow_route[slot] + 1]):
            link = net.route_link[hop]
            net.load[link] += net.route_weight[hop] * net.flow_weight[slot]
            net.free[link] += 1
    for i in range(links):
        link = net.part_links[i]
        if net.free[link] > 0:
            net.level[link] = net.room[link] / net.load[link]
            at = net.level_size[0]
            net.level_size[0] = at + 1
            net.level_heap[at] = link
            net.level_place[link] = at
    _order(net)
    left = flows
    while left > 0:
        link = net.level_heap[0]
        if net.free[link] > 0:
            current = max(net.room[link], 0.0) / net.load[link]
            if current > net.level[link] * (1.0 + 1e-15):
                heap_set(net.level_heap, net.level_place, net.level, net.level_size, link, current)
                continue
            left -= _saturate(net, link, current)
        heap_remove(net.level_heap, net.level_place, net.level, net.level_size, link)


@njit(cache=True, nogil=True)
def _order(net: Network) -> None:
    """Makes a heap of the levels that were appended in any order."""
    count = net.level_size[0]
    for start in range((count - 2) >> 1, -1, -1):
        at = start
        item = net.level_heap[at]
        value = net.level[item]
        while True:
            child = 2 * at + 1
            if child >= count:
                break
            best = net.level_heap[child]
            if child + 1 < count:
                right = net.level_heap[child + 1]
                if net.level[right] < net.level[best] or (
                    net.level[right] == net.level[best] and right < best
                ):
                    child += 1
                    best = right
            if value < net.level[best] or (value == net.level[best] and item < best):
                break
            net.level_heap[at] = best
            net.level_place[best] = at
            at = child
        net.level_heap[at] = item
        net.level_place[item] = at


@njit(cache=True, nogil=True)
def _saturate(net: Network, link: int, level: float) -> int:
    """Fixes the rates of all flows that are still free on a saturated link; returns how many."""
    fixed = 0
    entry = net.link_head[link]
    while entry >= 0:
        slot = entry // net.width
        entry = net.entry_next[entry]
        if net.new_rate[slot] >= 0.0:
            continue
        rate = level * net.flow_weight[slot]
        net.new_rate[slot] = rate
        fixed += 1
        first = net.route_start[net.flow_route[slot]]
        for hop in range(first, net.route_start[net.flow_route[slot] + 1]):
            other = net.route_link[hop]
            weight = net.route_weight[hop]
            net.room[other] -= rate * weight
            net.load[other] -= weight * net.flow_weight[slot]
            net.free[other] -= 1
    return fixed


@njit(cache=True, nogil=True)
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
        while net.heap_size[0] > 0 and net.key[net.heap[0]] <= edge:
            slot = net.heap[0]
            finish_s[slot] = now
            done += 1
            net_stop(net, slot)
        while at < count and start_s[order[at]] <= now:
            slot = order[at]
            net_start(net, slot, slot, size_bytes[slot], now)
            at += 1
        net_settle(net, now)
    net_account(net, now)
    return events
