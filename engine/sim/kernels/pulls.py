"""KV on its way: a replica pulls that of its admitted requests, one after the other.

A decode replica pulls whole prompts from prefill replicas; blocks of both are kept until they have
come. Another one pulls the part of a prefix that lies in a lower tier or at a replica of its list,
which may evict it meanwhile: it has been read. Each pull waits for the latency of its way and
then is a flow over the drawn links, which it shares with whatever else uses them.
"""

from engine.sim.kernels.agents import wake
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.network import Network, net_start
from engine.sim.kernels.retaining import retain
from engine.sim.kernels.sequences import entry_blocks
from engine.sim.kernels.stretches import cut_stretch, keep_blocks
from engine.sim.kernels.world import (
    FROM_HOST,
    FROM_STORAGE,
    JOINING,
    KV_TRANSFER,
    PULLED,
    World,
)
from engine.sim.state import KICKED, State


@inlined
def kick(s: State, r: int) -> None:
    """A replica that computes nothing may begin a step once the event is over."""
    if s.rep[r].mode == 0 and s.rep[r].kicked == 0 and s.rep[r].up:
        s.rep[r].kicked = 1
        s.kicked[s.whole[KICKED]] = r
        s.whole[KICKED] += 1


@inlined
def ask_pull(w: World, s: State, r: int, now: float) -> None:
    """The first request that waits for its KV gets it: after the latency of the way."""
    q = s.rep[r].pull_head
    s.rep[r].pulling = 1
    wake(s, q, PULLED, now + w.transfers.latency_s[s.req[q].way])


@inlined
def start_pull(w: World, net: Network, s: State, q: int, now: float) -> None:
    """The bytes of a request's KV begin to flow."""
    r = s.req[q].replica
    tokens = s.req[q].fetch if s.req[q].fetch > 0 else s.req[q].target
    moved = tokens * w.pools[s.rep[r].pool].kv_bytes
    net_start(net, 3 * w.replicas + r, 3 * w.replicas + s.req[q].way, moved, now)


@bare
def pull_ended(w: World, s: State, r: int, now: float) -> None:
    """The KV of a request has come: its source lets go of it, and it goes on with the next step."""
    rep, req = s.rep, s.req
    q = rep[r].pull_head
    rep[r].pull_head = req[q].queue_next
    if rep[r].pull_head < 0:
        rep[r].pull_tail = -1
    rep[r].pulling = 0
    s.req_cause[q, KV_TRANSFER] += now - req[q].mark_s
    if req[q].fetch > 0:
        req[q].filled += req[q].fetch
        _count_fetched(s, q)
        req[q].fetch = 0
    else:
        source = req[q].source
        req[q].source = -1
        keep_blocks(rep, source, -req[q].held - req[q].pinned * entry_blocks(w, s, source), now)
        if rep[source].up:
            retain(w, s, source, q, req[q].target, req[q].held, now)
        else:
            rep[source].free += req[q].held
        req[q].held = 0
        kick(s, source)
        req[q].filled = req[q].target
    req[q].phase = JOINING
    req[q].mark_s = now
    req[q].queue_next = -1
    if rep[r].join_tail >= 0:
        req[rep[r].join_tail].queue_next = q
    else:
        rep[r].join_head = q
    rep[r].join_tail = q
    if rep[r].ahead > 0:
        cut_stretch(w, s, r, now, False)
    kick(s, r)
    if rep[r].mode != 0 and rep[r].pull_head >= 0:
        ask_pull(w, s, r, now)


@inlined
def _count_fetched(s: State, q: int) -> None:
    """Tokens of a prefix that have come, by where they came from."""
    tenant, kind = s.req[q].tenant, s.req[q].fetch_kind
    if kind == FROM_HOST:
        s.tenant[tenant].host_tokens += s.req[q].fetch
    elif kind == FROM_STORAGE:
        s.tenant[tenant].storage_tokens += s.req[q].fetch
    else:
        s.tenant[tenant].peer_tokens += s.req[q].fetch
