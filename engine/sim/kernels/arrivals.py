"""The way of a request to its replica: arrival, client link, queue; and timed events of slots."""

import numpy as np

from engine.sim.kernels.agents import core_free, draw, draw_steps, forget, wake
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.gate import arrive, enter, pass_rate, resend
from engine.sim.kernels.heap import heap_remove
from engine.sim.kernels.network import Network, net_start
from engine.sim.kernels.queues import join_queue
from engine.sim.kernels.stretches import cut_stretch
from engine.sim.kernels.waits import waited_down, waited_kv
from engine.sim.kernels.world import (
    APPEND,
    AT_GATE,
    AT_RATE,
    BYTES_A_TOKEN,
    IN_PIPE,
    ON_CORE,
    ON_THE_WAY,
    OUTPUT,
    PULLED,
    RESENT,
    THINKING,
    TOOL,
    WAITING,
    World,
)
from engine.sim.state import State


@inlined
def into_pipe(w: World, net: Network, s: State, q: int, now: float) -> int:
    """The prompt of a request takes, or waits for, the replica's way in; its slot if none is."""
    rep, req = s.rep, s.req
    r = req[q].replica
    slot = w.replicas + r
    if net.route_start[slot + 1] == net.route_start[slot]:
        return q
    req[q].phase = IN_PIPE
    req[q].queue_next = -1
    if rep[r].in_tail >= 0:
        req[rep[r].in_tail].queue_next = q
        rep[r].in_tail = q
        return -1
    rep[r].in_head = q
    rep[r].in_tail = q
    start_ingress(w, net, s, r, now)
    return -1


@inlined
def start_ingress(w: World, net: Network, s: State, r: int, now: float) -> None:
    """Sends the next prompt through the way in."""
    q = s.rep[r].in_head
    tokens = s.agent[q].append if q < w.agents.agents else float(s.req[q].prompt)
    slot = w.replicas + r
    net_start(net, slot, slot, BYTES_A_TOKEN * tokens, now)


@inlined
def enqueue(w: World, s: State, q: int, now: float, through: bool) -> None:
    """A prompt, or KV that waits elsewhere, has reached its replica: the request waits.

    `through`: steps of the replica that end now have ended.
    """
    rep, req = s.rep, s.req
    r = req[q].replica
    heads = rep[r].waiting == 0 or req[q].priority < req[rep[r].wait_head].priority
    if rep[r].ahead > 0 and heads:
        cut_stretch(w, s, r, now, through)
    req[q].phase = WAITING
    req[q].mark_s = now
    req[q].mark_kv = waited_kv(rep, r, now)
    req[q].mark_down = waited_down(rep, r, now)
    join_queue(rep, req, s.tails, r, q, False)


@bare
def slot_event(w: World, s: State, now: float) -> int:
    """A timed event of a slot (on the way, thought, core or tool has ended); who enters a pipe."""
    req = s.req
    q = s.req_heap.items[0]
    heap_remove(s.req_heap, q)
    phase = req[q].phase
    if phase in (ON_THE_WAY, PULLED):
        return int(q)
    if phase == AT_RATE:
        through: int = pass_rate(w, s, q, now)
        return through
    if phase == AT_GATE:
        entered: int = enter(w, s, q, now)
        return entered
    if phase == ON_CORE:
        core_free(w, s, q, now)
        wake(s, q, TOOL, now + max(0.0, s.agent[q].tool_s - s.agent[q].cpu_s))
        return -1
    if phase == RESENT:
        again: int = resend(w, s, q, now)
        return again
    if phase == THINKING:
        s.agent[q].steps_left = draw_steps(w, s, q)
    entering: int = _next_step(w, s, q, now)
    return entering


@inlined
def _next_step(w: World, s: State, a: int, now: float) -> int:
    """One model step of an agent: its context so far and what a tool or a person appends."""
    tenant = w.agents.tenant[a]
    window = w.agents.window_tokens[tenant]
    if s.agent[a].failed:
        append = max(1.0, np.rint(s.agent[a].extra))
    else:
        append = max(1.0, np.rint(draw(w, s, a, APPEND))) + s.agent[a].extra
    s.agent[a].failed = 0
    s.agent[a].extra = 0.0
    s.agent[a].tooling = 0
    output = int(max(1.0, np.rint(draw(w, s, a, OUTPUT))))
    output = min(output, max(1, window // 4))
    if s.agent[a].context + append + output > window:
        s.agent[a].context = np.floor(w.agents.compact_to[tenant] * window)
        forget(w, s, a, now)
        append = max(1.0, min(append, window - s.agent[a].context - output))
    s.agent[a].append = append
    prompt = int(s.agent[a].context) + int(append)
    entering: int = arrive(w, s, a, tenant, prompt, output, now)
    return entering
