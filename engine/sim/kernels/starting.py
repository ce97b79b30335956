"""Replicas that start and stop on purpose, and hosts that fail and are back."""

from engine.sim.kernels.agents import host_mark, tool_error, wake
from engine.sim.kernels.choice import load_changed
from engine.sim.kernels.compiling import bare_kernel, inlined
from engine.sim.kernels.heap import heap_remove, heap_set
from engine.sim.kernels.losing import lose_memory
from engine.sim.kernels.network import Network, net_start, net_stop
from engine.sim.kernels.pulls import kick
from engine.sim.kernels.world import CORE_QUEUE, TOOL, UP, World
from engine.sim.state import PASSED, STARTED, TOOL_WAIT, State


@bare_kernel
def start_replica(w: World, net: Network, s: State, r: int, start_s: float, now: float) -> None:
    """A replica that is down begins to start: its weights come from the drawn storage, if there is
    any, as a flow of its pool's `weight_bytes`; its process takes `start_s` more.
    """
    s.whole[PASSED] = w.replicas
    if s.rep[r].up or s.rep[r].loading:
        return
    lose_memory(w, net, s, r, now)
    s.rep[r].loading = 1
    s.rep[r].start_wait_s = start_s
    way = w.transfers.storage[r]
    if way >= 0:
        moved = w.pools[s.rep[r].pool].weight_bytes
        net_start(net, 4 * w.replicas + r, 3 * w.replicas + way, moved, now)
    else:
        heap_set(s.rep_heap, r, now + start_s)


@inlined
def weights_came(s: State, r: int, now: float) -> None:
    """The weights of a replica are there: its process starts."""
    heap_set(s.rep_heap, r, now + s.rep[r].start_wait_s)


@inlined
def serve(w: World, s: State, r: int, now: float) -> None:
    """A replica has started, with an empty cache."""
    rep = s.rep
    heap_remove(s.rep_heap, r)
    rep[r].loading = 0
    rep[r].down_s += now - rep[r].down_mark
    rep[r].up = UP
    s.whole[STARTED] += 1
    load_changed(w.services.tree, s.tree, rep, r)
    kick(s, r)


@inlined
def halt_start(w: World, net: Network, s: State, r: int, now: float) -> None:
    """A replica that was starting does so no more."""
    if s.rep[r].loading:
        net_stop(net, 4 * w.replicas + r, now)
        heap_remove(s.rep_heap, r)
        s.rep[r].loading = 0


@bare_kernel
def set_up(w: World, s: State, r: int, up: int, now: float) -> None:
    """A replica that serves gets no new requests from now on (DRAINING), or some again (UP)."""
    if not s.rep[r].up:
        return
    s.whole[PASSED] = w.replicas
    s.rep[r].up = up
    load_changed(w.services.tree, s.tree, s.rep, r)
    if up == UP:
        kick(s, r)


@bare_kernel
def fail_host(w: World, s: State, failed: int, detect_s: float, now: float) -> None:
    """Tools on a host are lost with it: their agents read an error after `detect_s` and try again.

    Its agents run their tools on the next host that is up, in the order of nodes; on none, as if
    without cores, if there is none.
    """
    s.whole[PASSED] = w.replicas
    host_mark(s, failed, now)
    s.host[failed].down = 1
    s.host[failed].busy = 0
    s.host[failed].head = -1
    s.host[failed].tail = -1
    other = _next_host(w, s, failed)
    for a in range(w.agents.agents):
        if s.agent[a].host != failed:
            continue
        s.agent[a].host = other
        if not s.agent[a].tooling:
            continue
        if s.req[a].phase == CORE_QUEUE:
            s.real[TOOL_WAIT] += now - s.req[a].mark_s
            s.req[a].queue_next = -1
        if not s.agent[a].failed:
            s.tenant[w.agents.tenant[a]].tools_failed += 1
            tool_error(w, s, a)
        wake(s, a, TOOL, now + detect_s)
        other = _next_host(w, s, other) if other >= 0 else other


@inlined
def _next_host(w: World, s: State, host: int) -> int:
    """The next node that is a host with cores and up, after `host` and around; -1 for none."""
    nodes = w.host_cores.size
    for turn in range(1, nodes + 1):
        at = (host + turn) % nodes
        if w.host_cores[at] >= 1.0 and not s.host[at].down:
            return at
    return -1


@bare_kernel
def repair_host(s: State, host: int, now: float) -> None:
    """A host is back: its agents run their next tools on it again."""
    host_mark(s, host, now)
    s.host[host].down = 0
