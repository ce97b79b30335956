"""The way of a request to its replica: arrival, client link, queue; and timed events of slots."""

import numpy as np

from engine.sim.codes import CAUSES
from engine.sim.kernels.agents import after_step, core_free, draw, draw_steps, forget, wake
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.heap import heap_remove, heap_set
from engine.sim.kernels.network import Network, net_start
from engine.sim.kernels.scheduler import waited_kv
from engine.sim.kernels.slots import give_slot
from engine.sim.kernels.stretches import cut_stretch
from engine.sim.kernels.world import (
    APPEND,
    BYTES_A_TOKEN,
    IN_PIPE,
    LEAST_LOADED,
    ON_CORE,
    ON_THE_WAY,
    OUTPUT,
    SCALE_OUT,
    SESSION_STICKY,
    THINKING,
    TOOL,
    WAITING,
    World,
)
from engine.sim.state import (
    ARRIVED,
    IN_SYSTEM,
    NEXT_REPLICA,
    OCCUPANCY,
    OCCUPANCY_MARK,
    REJECTED,
    State,
)


@inlined
def occupy(s: State, delta: int, now: float) -> None:
    """Counts the requests in the system over time; `delta` come or go."""
    real, whole = s.real, s.whole
    real[OCCUPANCY] += whole[IN_SYSTEM] * (now - real[OCCUPANCY_MARK])
    real[OCCUPANCY_MARK] = now
    whole[IN_SYSTEM] += delta


@inlined
def assign(s: State, r: int, delta: int) -> None:
    """Counts a request to or off a replica."""
    s.rep[r].assigned += delta
    if s.load_heap.size[0] > 0:
        heap_set(s.load_heap, r, float(s.rep[r].assigned))


@inlined
def _choose(w: World, s: State, q: int) -> int:
    """The replica of a request by the router's rule."""
    if w.limits.router == SESSION_STICKY and w.agents.agents > 0:
        return q % w.replicas
    if w.limits.router == LEAST_LOADED:
        return int(s.load_heap.items[0])
    r = int(s.whole[NEXT_REPLICA])
    s.whole[NEXT_REPLICA] = (r + 1) % w.replicas
    return r


@inlined
def arrive(w: World, s: State, q: int, prompt: int, output: int, now: float) -> int:
    """A request comes, or is refused because it can never fit; its slot if it is there at once."""
    rep, req = s.rep, s.req
    s.whole[ARRIVED] += 1
    size = w.limits.block_tokens
    r = _choose(w, s, q)
    too_long = prompt + output > w.limits.window_tokens
    too_large = (prompt + output + size - 1) // size > rep[r].blocks
    no_budget = not w.limits.chunked_prefill and prompt > w.limits.max_batched_tokens
    if too_long or too_large or no_budget:
        s.whole[REJECTED] += 1
        if w.agents.agents > 0:
            req[q].output = 0
            after_step(w, s, q, now)
        else:
            give_slot(s, q)
        return -1
    occupy(s, 1, now)
    assign(s, r, 1)
    req[q].replica = r
    req[q].arrive_s = now
    req[q].first_s = 0.0
    req[q].prompt = prompt
    req[q].target = prompt
    req[q].output = output
    req[q].filled = 0
    req[q].chunk = 0
    req[q].cached = 0
    req[q].emitted = 0
    req[q].blocks = 0
    req[q].pinned = 0
    req[q].preempted = 0
    for c in range(CAUSES):
        s.req_cause[q, c] = 0.0
    if rep[r].latency_s > 0.0:
        wake(s, q, ON_THE_WAY, now + rep[r].latency_s)
        return -1
    return q


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
    tokens = s.agent[q].append if w.agents.agents > 0 else float(s.req[q].prompt)
    slot = w.replicas + r
    net_start(net, slot, slot, BYTES_A_TOKEN * tokens, now)


@inlined
def enqueue(w: World, s: State, q: int, now: float, through: bool) -> int:
    """A prompt has arrived: its request waits; returns its replica if that is idle.

    `through`: steps that end now have ended, as replicas come before slots and arrivals.
    """
    rep, req = s.rep, s.req
    r = req[q].replica
    s.req_cause[q, SCALE_OUT] += now - req[q].arrive_s
    if rep[r].ahead > 0 and rep[r].waiting == 0:
        cut_stretch(w, s, r, now, through)
    req[q].phase = WAITING
    req[q].mark_s = now
    req[q].mark_kv = waited_kv(rep, r, now)
    req[q].queue_next = -1
    if rep[r].wait_tail >= 0:
        req[rep[r].wait_tail].queue_next = q
    else:
        rep[r].wait_head = q
    rep[r].wait_tail = q
    rep[r].waiting += 1
    return r if rep[r].mode == 0 else -1


@bare
def slot_event(w: World, s: State, now: float) -> int:
    """A timed event of a slot (on the way, thought, core or tool has ended); who enters a pipe."""
    req = s.req
    q = s.req_heap.items[0]
    heap_remove(s.req_heap, q)
    phase = req[q].phase
    if phase == ON_THE_WAY:
        return int(q)
    if phase == ON_CORE:
        core_free(w, s, q, now)
        wake(s, q, TOOL, now + max(0.0, s.agent[q].tool_s - s.agent[q].cpu_s))
        return -1
    if phase == THINKING:
        s.agent[q].steps_left = draw_steps(w, s, q)
    entering: int = _next_step(w, s, q, now)
    return entering


@inlined
def _next_step(w: World, s: State, a: int, now: float) -> int:
    """One model step of an agent: its context so far and what a tool or a person appends."""
    window = w.agents.window_tokens
    append = max(1.0, np.rint(draw(w, s, a, APPEND)))
    output = int(max(1.0, np.rint(draw(w, s, a, OUTPUT))))
    output = min(output, max(1, window // 4))
    if s.agent[a].context + append + output > window:
        s.agent[a].context = np.floor(w.agents.compact_to * window)
        forget(w, s, a, now)
        append = max(1.0, min(append, window - s.agent[a].context - output))
    s.agent[a].append = append
    entering: int = arrive(w, s, a, int(s.agent[a].context) + int(append), output, now)
    return entering
