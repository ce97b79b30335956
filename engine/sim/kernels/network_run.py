"""The event loop of the network alone: flows begin, links change, flows end; nothing is served."""

from typing import NamedTuple

import numpy as np

from engine.sim.kernels.compiling import bare_kernel
from engine.sim.kernels.network import (
    F8,
    I8,
    Network,
    net_account,
    net_left_bytes,
    net_next_slot,
    net_next_time,
    net_rate,
    net_set_capacity,
    settle,
    start_flow,
    stop_flow,
)
from engine.sim.kernels.network_tables import TOUCHED

BEGUN, CHANGED, DONE, EVENTS = range(4)  # of `Plan.so_far`
SAME_TIME = 1e-13  # relative; the solution cannot tell such times apart


class Plan(NamedTuple):
    """What happens when. Flow f runs once, in slot f over route f."""

    begin_s: F8  # [flows]
    size_bytes: F8  # [flows]
    order: I8  # [flows] flows by begin
    change_s: F8  # [changes] in order
    change_link: I8  # [changes]
    change_bytes_per_s: F8  # [changes] capacity from then on
    so_far: I8  # [4] BEGUN, CHANGED, DONE, EVENTS
    finish_s: F8  # [flows] filled in


@bare_kernel
def run_flows(net: Network, plan: Plan, until_s: float) -> bool:
    """Goes on until all flows have ended or `until_s`; False if the rest can never end."""
    count, flows, changes = plan.so_far, plan.order.size, plan.change_s.size
    now = 0.0
    while count[DONE] < flows:
        begin = plan.begin_s[plan.order[count[BEGUN]]] if count[BEGUN] < flows else np.inf
        change = plan.change_s[count[CHANGED]] if count[CHANGED] < changes else np.inf
        finish = net_next_time(net)
        first = min(begin, change, finish)
        if first > until_s:
            break
        if first == np.inf:
            return False
        now = max(now, first)
        count[EVENTS] += 1
        edge = now * (1.0 + SAME_TIME)
        while finish <= edge:
            slot = net_next_slot(net)
            plan.finish_s[slot] = max(now, finish)
            count[DONE] += 1
            stop_flow(net, slot, now)
            finish = net_next_time(net)
        while count[CHANGED] < changes and plan.change_s[count[CHANGED]] <= now:
            at = count[CHANGED]
            net_set_capacity(net, plan.change_link[at], plan.change_bytes_per_s[at], now)
            count[CHANGED] += 1
        while count[BEGUN] < flows and plan.begin_s[plan.order[count[BEGUN]]] <= now:
            slot = plan.order[count[BEGUN]]
            start_flow(net, slot, slot, plan.size_bytes[slot], now)
            count[BEGUN] += 1
        if net.counter[TOUCHED] > 0:
            settle(net, now)
    net_account(net, until_s if until_s < np.inf else now)
    return True


@bare_kernel
def read_flows(net: Network, now_s: float, rate: F8, left: F8) -> None:
    """Bytes/s and bytes left of every slot, 0 for idle ones; changes nothing else."""
    for slot in range(net.flow.size):
        running = net.flow[slot].route >= 0
        rate[slot] = net_rate(net, slot) if running else 0.0
        left[slot] = net_left_bytes(net, slot, now_s) if running else 0.0
