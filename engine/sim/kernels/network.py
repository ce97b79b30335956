"""Max-min fair rates of flows over links: the door of the network for the event loops.

A flow runs over a route (links with weights: at rate x it uses weight * x of each) and has a
fairness weight; a collective is one flow over all the links that it uses. Rates are the weighted
max-min allocation. Starts, stops and capacities may change at any time; `net_settle` then solves
only what they move (network_levels), or everything if most moves (network_fill).

All flows that a link limits have the same rate per weight, its level. The integral of the level is
the link's clock, and a flow is done at a fixed reading of it: a new level moves one key of the
heap, not one of each flow. Records and storage are in network_tables.
"""

from engine.sim.kernels.compiling import bare, bare_kernel, inlined
from engine.sim.kernels.heap import heap_remove, heap_set, heap_top_key
from engine.sim.kernels.network_fill import fill_levels
from engine.sim.kernels.network_levels import free_entry, solve_levels, touch, unfree_entry
from engine.sim.kernels.network_tables import (
    F8,
    FILLS,
    I4,
    I8,
    NEW,
    PASS,
    RUNNING,
    SOLVES,
    TOUCHED,
    WEIGHTED,
    WIDE,
    Network,
    Records,
    add_entry,
    disown,
    drop_entry,
    make_network,
    own,
)

__all__ = ["F8", "I4", "I8", "Network", "Records", "make_network"]

FILLS_IN_A_ROW = 1, 4096  # then the narrow way is tried again; twice as many if it was wide
WIDE_FLOWS, WIDE_SHARE = 64, 0.15  # a pass over more flows than these is wide
SUMMED_ANEW = 1024  # changes of a link's rate until it is summed from its flows


@inlined
def _account(net: Network, number: int, now_s: float) -> None:
    """Brings a link's clock and integral up to now."""
    link = net.link
    span = now_s - link[number].time_s
    if span > 0.0:
        link[number].bytes += link[number].rate * span
        if link[number].owned > 0:
            link[number].clock += link[number].level * span
    link[number].time_s = now_s


@inlined
def _busy(net: Network, number: int, moved_bytes: float) -> float:
    """Busy seconds of a link that has moved so many bytes."""
    since = moved_bytes - net.link[number].bytes_before
    busy: float = net.link[number].busy
    return busy + since / net.link[number].capacity if since > 0.0 else busy


@bare_kernel
def read_links(net: Network, now_s: float, rate: F8, moved: F8, busy: F8) -> None:
    """Bytes/s in use, bytes moved and busy seconds of every link up to now; changes nothing else."""
    for number in range(net.link.size):
        span = now_s - net.link[number].time_s
        rate[number] = net.link[number].rate
        moved[number] = net.link[number].bytes + net.link[number].rate * span
        busy[number] = _busy(net, number, moved[number])


@bare_kernel
def net_account(net: Network, now_s: float) -> None:
    """Brings the integrals of all links up to now."""
    for number in range(net.link.size):
        _account(net, number, now_s)
        _fold_busy(net, number)


@inlined
def _fold_busy(net: Network, number: int) -> None:
    net.link[number].busy = _busy(net, number, net.link[number].bytes)
    net.link[number].bytes_before = net.link[number].bytes


@bare
def net_start(net: Network, slot: int, route: int, size_bytes: float, now_s: float) -> None:
    """Starts a flow of `size_bytes` in an idle slot; without links or bytes it is done at once."""
    start_flow(net, slot, route, size_bytes, now_s)


@bare
def net_stop(net: Network, slot: int, now_s: float) -> None:
    """Takes a flow out, done or not; its slot is idle afterwards."""
    stop_flow(net, slot, now_s)


@bare
def net_settle(net: Network, now_s: float) -> None:
    """Gives every flow that a change since the last call can have touched its max-min rate."""
    if net.counter[TOUCHED] > 0:
        settle(net, now_s)


@inlined
def start_flow(net: Network, slot: int, route: int, size_bytes: float, now_s: float) -> None:
    """`net_start`, put into its caller."""
    flow = net.flow
    flow[slot].route = route
    flow[slot].owner = -1
    flow[slot].left = size_bytes
    flow[slot].hops = 0
    net.counter[RUNNING] += 1
    if size_bytes > 0.0:
        first = slot * net.width
        for hop in range(net.route_start[route], net.route_start[route + 1]):
            if net.route_weight[hop] <= 0.0:
                continue
            number = net.route_link[hop]
            entry = first + flow[slot].hops
            net.hop_link[entry] = number
            net.hop_load[entry] = net.route_weight[hop] * flow[slot].weight
            add_entry(net, entry, number)
            if net.part[number].mark != net.counter[PASS]:
                touch(net, number)
            free_entry(net, entry)
            if net.hop_load[entry] != 1.0:
                net.counter[WEIGHTED] = 1
            flow[slot].hops += 1
    if flow[slot].hops < net.width:
        net.hop_link[slot * net.width + flow[slot].hops] = -1
    if flow[slot].hops == 0:
        heap_set(net.instant, slot, now_s)
        return
    flow[slot].stamp = 2 * net.counter[PASS]
    net.counter[NEW] += 1


@inlined
def stop_flow(net: Network, slot: int, now_s: float) -> None:
    """`net_stop`, put into its caller."""
    flow, link = net.flow, net.link
    if flow[slot].route < 0:
        return
    flow[slot].route = -1
    net.counter[RUNNING] -= 1
    if flow[slot].hops == 0:
        heap_remove(net.instant, slot)
        return
    owner = flow[slot].owner
    level = link[owner].level if owner >= 0 else 0.0
    first = slot * net.width
    for entry in range(first, first + flow[slot].hops):
        number = net.hop_link[entry]
        if owner < 0:
            unfree_entry(net, entry)
        else:
            _account(net, number, now_s)
            if net.part[number].mark != net.counter[PASS]:
                touch(net, number)
        drop_entry(net, entry, number)
        if link[number].active == 0:
            link[number].rate = 0.0
        else:
            link[number].rate = max(0.0, link[number].rate - level * net.hop_load[entry])
    if owner >= 0:
        disown(net, slot)
        _set_key(net, owner, now_s)


@bare
def net_set_capacity(net: Network, number: int, bytes_per_s: float, now_s: float) -> None:
    """A link fails (0), degrades or is repaired; its flows stall or share what is left."""
    link = net.link
    _account(net, number, now_s)
    _fold_busy(net, number)
    link[number].capacity = bytes_per_s
    if link[number].active == 0:
        return
    if net.part[number].mark != net.counter[PASS]:
        touch(net, number)
    if link[number].rate > bytes_per_s:
        net.part[number].cut = 1


@bare
def net_set_weight(net: Network, slot: int, weight: float) -> None:
    """Fairness weight of the flows that start in an idle slot from now on."""
    net.flow[slot].weight = weight


@bare
def net_left_bytes(net: Network, slot: int, now_s: float) -> float:
    """Bytes that a running flow has still to move."""
    owner = net.flow[slot].owner
    if owner < 0:
        waiting: float = net.flow[slot].left
        return waiting
    clock = net.link[owner].clock + net.link[owner].level * (now_s - net.link[owner].time_s)
    left: float = (net.flow[slot].end - clock) * net.flow[slot].weight
    return max(0.0, left)


@bare
def net_rate(net: Network, slot: int) -> float:
    """Bytes/s of a flow since the last `net_settle`."""
    owner = net.flow[slot].owner
    if owner < 0:
        return 0.0
    rate: float = net.link[owner].level * net.flow[slot].weight
    return rate


@inlined
def net_next_time(net: Network) -> float:
    """The earliest completion of a running flow, infinite when there is none."""
    first_s: float = min(heap_top_key(net.heap), heap_top_key(net.instant))
    return first_s


@inlined
def net_next_slot(net: Network) -> int:
    """The flow that ends at `net_next_time`; of several the first by link, then by slot."""
    if heap_top_key(net.instant) <= heap_top_key(net.heap):
        idle: int = net.instant.items[0]
        return idle
    slot: int = net.owned[net.link[net.heap.items[0]].start]
    return slot


@inlined
def net_is_idle(net: Network) -> bool:
    """True without a running flow."""
    idle: bool = net.counter[RUNNING] == 0
    return idle


@bare
def net_runs(net: Network, slot: int) -> bool:
    """True while a flow is in the slot."""
    runs: bool = net.flow[slot].route >= 0
    return runs


@inlined
def net_is_touched(net: Network) -> bool:
    """Something has changed since the last `net_settle`."""
    touched: bool = net.counter[TOUCHED] > 0
    return touched


@inlined
def settle(net: Network, now_s: float) -> None:
    """`net_settle`, put into its caller; some link must be touched."""
    counter = net.counter
    counter[SOLVES] += 1
    running = counter[RUNNING] - net.instant.size[0]
    moved = 0
    if running > 0:
        wide = counter[WIDE] > 0 and counter[FILLS] < counter[WIDE]
        if wide or (4 * counter[NEW] > running and running > WIDE_FLOWS):
            counter[FILLS] += 1
            moved = fill_levels(net)
        else:
            counter[FILLS] = 0
            moved, given = solve_levels(net)
            if given > max(WIDE_FLOWS, WIDE_SHARE * running):
                least, most = FILLS_IN_A_ROW
                counter[WIDE] = min(max(least, 2 * counter[WIDE]), most)
            else:
                counter[WIDE] = 0
    _commit(net, moved, now_s)
    counter[TOUCHED] = 0
    counter[NEW] = 0
    counter[PASS] += 1


@inlined
def _commit(net: Network, moved: int, now_s: float) -> None:
    """Puts the solution of a pass into force."""
    link, part, flow = net.link, net.part, net.flow
    for i in range(net.counter[TOUCHED]):
        _account(net, net.touched[i], now_s)
    for i in range(moved):
        slot = net.moved[i]
        left = flow[slot].left
        if flow[slot].owner >= 0:
            disown(net, slot)
            left = flow[slot].left
        own(net, slot, flow[slot].next_owner, left)
    for i in range(net.counter[TOUCHED]):
        number = net.touched[i]
        if part[number].level >= 0.0:
            link[number].level = part[number].level
    for i in range(net.counter[TOUCHED]):
        number = net.touched[i]
        if link[number].active > 0:
            link[number].age += 1
            old = link[number].rate
            link[number].rate = part[number].used
            if link[number].age > SUMMED_ANEW or part[number].used < 1e-3 * old:
                _sum_anew(net, number)
        _set_key(net, number, now_s)


@inlined
def _sum_anew(net: Network, number: int) -> None:
    """Sheds the rounding of a link's rate and clock."""
    link, flow = net.link, net.flow
    link[number].age = 0
    start = link[number].start
    rate = 0.0
    for i in range(start, start + link[number].active):
        at = net.active[i]
        rate += net.hop_load[at] * link[flow[at >> net.shift].owner].level
    link[number].rate = rate
    clock = link[number].clock
    link[number].clock = 0.0
    for i in range(start, start + link[number].owned):
        flow[net.owned[i]].end -= clock


@inlined
def _set_key(net: Network, number: int, now_s: float) -> None:
    """When the first of the flows that a link limits will be done."""
    link = net.link
    if link[number].owned == 0:
        heap_remove(net.heap, number)
        return
    left = net.flow[net.owned[link[number].start]].end - link[number].clock
    done_s = now_s
    if left > 0.0:
        done_s = now_s + left / link[number].level
    heap_set(net.heap, number, done_s)
