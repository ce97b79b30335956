"""The event loop: replicas that batch continuously, agents, hosts and the shared network.

Events are ordered by time, then by rank (network, replica, timed slot, arrival, sample), then by
number; nothing depends on how a run is sliced. The scheduler follows vLLM V1: running sequences
first (one token each, blocks taken as they grow, the last admitted pushed out when blocks run
out), then prefill chunks within the token budget, then admissions in order of arrival; none in a
step that pushed somebody out. Blocks of a whole prompt are reserved at admission.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES, Cause, Status
from engine.sim.kernels.cache import (
    cache_make_room,
    cache_pin,
    cache_put,
    cache_take,
    cache_touch,
    cache_unpin,
)
from engine.sim.kernels.compiling import inner, kernel
from engine.sim.kernels.heap import heap_remove, heap_set, heap_top_key
from engine.sim.kernels.network import Network, net_next_time, net_settle, net_start, net_stop
from engine.sim.kernels.random import log_normal, uniform
from engine.sim.kernels.samples import count_bin, take_sample
from engine.sim.state import (
    ARRIVED,
    COMPLETED,
    EVENTS,
    IN_SYSTEM,
    NEXT_ARRIVAL,
    NEXT_REPLICA,
    NOW,
    OCCUPANCY,
    OCCUPANCY_MARK,
    PREEMPTIONS,
    REJECTED,
    RING,
    SAMPLE_AT,
    STEPS,
    TOKENS_CACHED,
    TOKENS_IN,
    TOKENS_OUT,
    TOOL_WAIT,
    TPOT_COUNT,
    TTFT_COUNT,
    State,
)
from engine.sim.tables import AgentTables, Limits, RequestTables, TimingTables

I8 = NDArray[np.int64]
F8 = NDArray[np.float64]

(
    IDLE, ON_THE_WAY, IN_PIPE, WAITING, PREFILL, DECODE, THINKING, ON_CORE, CORE_QUEUE, TOOL,
) = range(10)  # phases of a slot  # fmt: skip

COMPUTING, COMMUNICATING = 1, 2  # modes of a replica

BYTES_A_TOKEN = 4.0  # a token id on the wire

QUEUE = int(Cause.QUEUE)
KV_MEMORY = int(Cause.KV_MEMORY)
COMPUTE = int(Cause.COMPUTE)
MEMORY = int(Cause.MEMORY_BANDWIDTH)
OVERHEAD = int(Cause.OVERHEAD)
SCALE_UP = int(Cause.SCALE_UP)
SCALE_OUT = int(Cause.SCALE_OUT)

OK = int(Status.OK)
REACHED = int(Status.REACHED)
DRAINED = int(Status.DRAINED)
OUTPUT_FULL = int(Status.OUTPUT_FULL)
STALLED = int(Status.STALLED)

PREFIX, APPEND, OUTPUT, TOOL_TIME, THINK, CPU = range(6)  # rows of AgentTables.distributions


class World(NamedTuple):
    """What a run reads and never changes."""

    timing: TimingTables
    limits: Limits
    requests: RequestTables  # empty for a closed loop
    agents: AgentTables  # zero agents for an open loop
    host_cores: F8  # [nodes]
    think_share: float  # share of agents that begin in thought
    seed: int
    replicas: int


@kernel
def advance(w: World, net: Network, s: State, until_s: float, budget: int) -> int:
    """Processes events up to `until_s`, at most `budget` of them; returns a Status."""
    real, whole = s.real, s.whole
    for _ in range(budget):
        if whole[COMPLETED] + w.limits.max_seqs + 1 > s.numbers.shape[0]:
            return OUTPUT_FULL
        if _is_drained(w, net, s):
            return DRAINED
        network_s = net_next_time(net)
        replica_s = heap_top_key(s.rep_heap)
        slot_s = heap_top_key(s.req_heap)
        arrival_s = np.inf
        if whole[NEXT_ARRIVAL] < w.requests.arrival_s.size:
            arrival_s = w.requests.arrival_s[whole[NEXT_ARRIVAL]]
        first_s = min(network_s, replica_s, slot_s, arrival_s)
        if first_s == np.inf:
            return STALLED
        if min(first_s, real[SAMPLE_AT]) > until_s:
            real[NOW] = until_s
            return REACHED
        if real[SAMPLE_AT] < first_s:
            _sample(s)
            continue
        real[NOW] = max(real[NOW], first_s)
        whole[EVENTS] += 1
        if network_s <= first_s:
            _flow_ended(w, net, s, first_s)
        elif replica_s <= first_s:
            _compute_ended(w, net, s, first_s)
        elif slot_s <= first_s:
            _slot_event(w, net, s, first_s)
        else:
            q = whole[NEXT_ARRIVAL]
            whole[NEXT_ARRIVAL] += 1
            _arrive(w, net, s, q, w.requests.input_tokens[q], w.requests.output_tokens[q], first_s)
        net_settle(net, first_s)
    return OK


@inner
def _is_drained(w: World, net: Network, s: State) -> bool:
    return (
        w.agents.agents == 0
        and net.heap.size[0] == 0
        and s.whole[IN_SYSTEM] == 0
        and s.whole[NEXT_ARRIVAL] >= w.requests.arrival_s.size
    )


@inner
def _sample(s: State) -> None:
    waiting = running = 0
    used = total = 0.0
    for r in range(s.rep.size):
        waiting += s.rep[r].waiting
        running += s.rep[r].running
        used += s.rep[r].blocks - s.rep[r].free - s.rep[r].loose
        total += s.rep[r].blocks
    take_sample(s, waiting, running, used / max(total, 1.0))


@inner
def _occupy(s: State, delta: int, now: float) -> None:
    real, whole = s.real, s.whole
    real[OCCUPANCY] += whole[IN_SYSTEM] * (now - real[OCCUPANCY_MARK])
    real[OCCUPANCY_MARK] = now
    whole[IN_SYSTEM] += delta


# ---------------------------------------------------------------- network and replica events


@inner
def _flow_ended(w: World, net: Network, s: State, now: float) -> None:
    slot = net.heap.items[0]
    net_stop(net, slot)
    if slot < w.replicas:
        r = slot
        cause = SCALE_OUT if s.rep[r].remote else SCALE_UP
        s.rep_cause[r, cause] += now - s.rep[r].computed_s
        _step_ended(w, net, s, r, now)
    elif slot < 2 * w.replicas:
        r = slot - w.replicas
        q = s.rep[r].in_head
        s.rep[r].in_head = s.req[q].queue_next
        s.req[q].queue_next = -1
        if s.rep[r].in_head < 0:
            s.rep[r].in_tail = -1
        else:
            _start_ingress(w, net, s, r, now)
        _enqueue(w, net, s, q, now)
    else:
        r = slot - 2 * w.replicas
        if s.rep[r].out_bytes > 0.0:
            _start_egress(w, net, s, r, now)


@inner
def _compute_ended(w: World, net: Network, s: State, now: float) -> None:
    rep = s.rep
    r = s.rep_heap.items[0]
    heap_remove(s.rep_heap, r)
    for c in range(CAUSES):
        s.rep_cause[r, c] += s.step_cause[r, c]
    rep[r].busy_s += rep[r].computed_s - rep[r].started_s
    rep[r].compute_s += s.step_cause[r, COMPUTE]
    moved = w.timing.collective_bytes[rep[r].tokens]
    if moved > 0.0 and net.route_start[r + 1] > net.route_start[r]:
        rep[r].mode = COMMUNICATING
        net_start(net, r, r, moved, now)
    else:
        _step_ended(w, net, s, r, now)


@inner
def _step_ended(w: World, net: Network, s: State, r: int, now: float) -> None:
    rep, req = s.rep, s.req
    rep[r].mode = 0
    step = rep[r].step + 1
    rep[r].step = step
    s.whole[STEPS] += 1
    s.whole[TOKENS_OUT] += rep[r].samples
    rep[r].context += rep[r].decoding
    bucket = step % RING
    q = s.ring[r, bucket]
    s.ring[r, bucket] = -1
    while q >= 0:
        following = req[q].ring_next
        if req[q].finish_step == step:
            tokens = _leave_decode(w, s, r, q, step)
            _complete(w, net, s, r, q, tokens, now)
        else:
            req[q].ring_next = s.ring[r, bucket]
            s.ring[r, bucket] = q
        q = following
    q = rep[r].fill_head
    while q >= 0 and req[q].chunk > 0:
        following = req[q].fill_next
        req[q].filled += req[q].chunk
        req[q].chunk = 0
        if req[q].filled >= req[q].target:
            rep[r].fill_head = following
            if following < 0:
                rep[r].fill_tail = -1
            req[q].fill_next = -1
            _prefilled(w, net, s, r, q, step, now)
        q = following
    _schedule(w, net, s, r, now)


@inner
def _prefilled(w: World, net: Network, s: State, r: int, q: int, step: int, now: float) -> None:
    """A prompt is whole: its next token is out; it decodes on, or is done."""
    rep, req = s.rep, s.req
    if req[q].preempted:
        s.req_cause[q, KV_MEMORY] += now - req[q].mark_s
        req[q].preempted = 0
        for c in range(CAUSES):
            s.mark_cause[q, c] = s.rep_cause[r, c]
    if req[q].emitted == 0:
        req[q].first_s = now
        s.whole[TTFT_COUNT] += 1
        count_bin(s.ttft_bins, now - req[q].arrive_s)
    req[q].emitted += 1
    if req[q].emitted >= req[q].output:
        _complete(w, net, s, r, q, req[q].filled, now)
        return
    req[q].phase = DECODE
    req[q].decode_step = step
    req[q].start_tokens = req[q].filled
    req[q].finish_step = step + req[q].output - req[q].emitted
    rep[r].decoding += 1
    rep[r].context += req[q].filled
    s.growing[r, (step - req[q].filled) % w.limits.block_tokens] += 1
    bucket = req[q].finish_step % RING
    req[q].ring_next = s.ring[r, bucket]
    s.ring[r, bucket] = q


@inner
def _leave_decode(w: World, s: State, r: int, q: int, step: int) -> int:
    """Takes a sequence out of the decode sums and counts its grown blocks; returns its tokens."""
    rep, req = s.rep, s.req
    size = w.limits.block_tokens
    done = step - req[q].decode_step
    tokens: int = req[q].start_tokens + done
    req[q].blocks += (tokens + size - 1) // size - (req[q].start_tokens + size - 1) // size
    req[q].emitted += done
    rep[r].decoding -= 1
    rep[r].context -= tokens
    s.growing[r, (req[q].decode_step - req[q].start_tokens) % size] -= 1
    return tokens


# ---------------------------------------------------------------- the end of a request


@inner
def _complete(w: World, net: Network, s: State, r: int, q: int, tokens: int, now: float) -> None:
    rep, req = s.rep, s.req
    _occupy(s, -1, now)
    _unlink_running(s, r, q)
    row = s.whole[COMPLETED]
    s.whole[COMPLETED] += 1
    s.numbers[row, 0] = req[q].arrive_s
    s.numbers[row, 1] = req[q].first_s
    s.numbers[row, 2] = now
    s.counts[row, 0] = req[q].prompt
    s.counts[row, 1] = req[q].cached
    s.counts[row, 2] = req[q].output
    s.counts[row, 3] = r
    for c in range(CAUSES):
        s.req_cause[q, c] += s.rep_cause[r, c] - s.mark_cause[q, c]
        s.out_cause[row, c] = s.req_cause[q, c]
    if req[q].output > 1:
        s.whole[TPOT_COUNT] += 1
        count_bin(s.tpot_bins, (now - req[q].first_s) / (req[q].output - 1))
    req[q].phase = IDLE
    agents = w.agents.agents > 0
    if agents:
        s.agent[q].context += w.agents.growth_ratio * (s.agent[q].append + req[q].output)
    _mark_kv(w, s, r, now)
    _retain(w, s, r, q, tokens)
    if net.route_start[2 * w.replicas + r + 1] > net.route_start[2 * w.replicas + r]:
        rep[r].out_bytes += BYTES_A_TOKEN * req[q].output
        if net.flow[2 * w.replicas + r].route < 0:
            _start_egress(w, net, s, r, now)
    if agents:
        _after_step(w, s, q, now)


@inner
def _unlink_running(s: State, r: int, q: int) -> None:
    rep, req = s.rep, s.req
    after, before = req[q].run_next, req[q].run_back
    if before >= 0:
        req[before].run_next = after
    else:
        rep[r].run_head = after
    if after >= 0:
        req[after].run_back = before
    else:
        rep[r].run_tail = before
    req[q].run_next = -1
    req[q].run_back = -1
    rep[r].running -= 1


@inner
def _retain(w: World, s: State, r: int, q: int, tokens: int) -> None:
    """The KV of a finished request becomes prefix entries, or is free again."""
    rep, req, cache = s.rep, s.req, s.cache
    own = req[q].blocks
    req[q].blocks = 0
    if not w.limits.prefix_cache:
        rep[r].free += own
        return
    size = w.limits.block_tokens
    if w.agents.agents > 0:
        keep = min(tokens, int(s.agent[q].context))
        blocks = min((keep + size - 1) // size, own)
        rep[r].free += own - blocks
        if blocks > 0:
            if cache[r, q].blocks > 0:
                rep[r].free += cache_take(rep, cache, r, q)
            cache_put(rep, cache, r, q, keep, blocks)
        return
    first, last = w.requests.entry_start[q], w.requests.entry_start[q + 1]
    each = _entry_blocks(w)
    for at in range(last - 1, first - 1, -1):
        e = w.requests.entry[at]
        if at - first < req[q].pinned:
            cache_unpin(rep, cache, r, e)
        elif cache[r, e].blocks > 0:
            if cache[r, e].pins == 0:
                cache_touch(rep, cache, r, e)
        elif own >= each and (at - first + 1) * w.requests.entry_tokens <= tokens:
            own -= each
            cache_put(rep, cache, r, e, w.requests.entry_tokens, each)
    req[q].pinned = 0
    rep[r].free += own


@inner
def _entry_blocks(w: World) -> int:
    return max(1, w.requests.entry_tokens // w.limits.block_tokens)


@inner
def _start_egress(w: World, net: Network, s: State, r: int, now: float) -> None:
    slot = 2 * w.replicas + r
    net_start(net, slot, slot, s.rep[r].out_bytes, now)
    s.rep[r].out_bytes = 0.0


# ---------------------------------------------------------------- the scheduler


@inner
def _mark_kv(w: World, s: State, r: int, now: float) -> None:
    """Counts the KV tokens in use since the last mark."""
    rep = s.rep
    used = rep[r].blocks - rep[r].free - rep[r].loose
    rep[r].kv_token_s += used * w.limits.block_tokens * (now - rep[r].kv_mark)
    rep[r].kv_mark = now


@inner
def _mark_wait(s: State, r: int, now: float) -> None:
    """Counts the time in which the head of the queue lacked KV blocks."""
    rep = s.rep
    if rep[r].blocked:
        rep[r].wait_kv += now - rep[r].wait_mark
    rep[r].wait_mark = now


@inner
def _schedule(w: World, net: Network, s: State, r: int, now: float) -> None:
    """Forms the next step of a replica, or leaves it idle."""
    rep, req, limits = s.rep, s.req, w.limits
    _mark_wait(s, r, now)
    rep[r].blocked = 0
    _mark_kv(w, s, r, now)
    pushed_out = _grow(w, s, r, now)
    budget = limits.max_batched_tokens - rep[r].decoding
    samples = rep[r].decoding
    area = 0.0
    q = rep[r].fill_head
    while q >= 0 and budget > 0:
        x = min(req[q].target - req[q].filled, budget)
        area += _give(s, q, x)
        budget -= x
        if req[q].filled + x >= req[q].target:
            samples += 1
        q = req[q].fill_next
    if not pushed_out:
        while rep[r].wait_head >= 0 and budget > 0 and rep[r].running < limits.max_seqs:
            q = rep[r].wait_head
            if not _admit(w, s, r, q, budget, now):
                break
            x = min(req[q].target - req[q].filled, budget)
            area += _give(s, q, x)
            budget -= x
            if req[q].filled + x >= req[q].target:
                samples += 1
    tokens = limits.max_batched_tokens - budget
    if tokens > 0:
        _begin(w, s, r, tokens, samples, area, now)


@inner
def _give(s: State, q: int, x: int) -> float:
    """Gives a prompt its chunk of the step; returns the attention area in tokens^2."""
    s.req[q].chunk = x
    area: float = x * (s.req[q].filled + 0.5 * x)
    return area


@inner
def _begin(w: World, s: State, r: int, tokens: int, samples: int, area: float, now: float) -> None:
    rep, timing = s.rep, w.timing
    total = 0.0
    for c in range(CAUSES):
        s.step_cause[r, c] = timing.dense_s[tokens, c]
    s.step_cause[r, MEMORY] += timing.head_s[samples]
    s.step_cause[r, MEMORY] += timing.decode_context_s * rep[r].context
    s.step_cause[r, COMPUTE] += timing.prefill_area_s * area
    s.step_cause[r, OVERHEAD] += timing.sequence_s * samples
    for c in range(CAUSES):
        total += s.step_cause[r, c]
    rep[r].mode = COMPUTING
    rep[r].tokens = tokens
    rep[r].samples = samples
    rep[r].started_s = now
    rep[r].computed_s = now + total
    # what rounding of the clock adds or takes goes to the overhead, so that causes sum exactly
    s.step_cause[r, OVERHEAD] += (rep[r].computed_s - now) - total
    heap_set(s.rep_heap, r, rep[r].computed_s)


@inner
def _grow(w: World, s: State, r: int, now: float) -> bool:
    """Takes the blocks that decoding sequences need for their next token; True if some left."""
    rep = s.rep
    column = rep[r].step % w.limits.block_tokens
    pushed_out = False
    while s.growing[r, column] > 0:
        if cache_make_room(rep, s.cache, r, s.growing[r, column]):
            break
        pushed_out = True
        _push_out(w, s, r, rep[r].run_tail, now)
    rep[r].free -= s.growing[r, column]
    return pushed_out


@inner
def _push_out(w: World, s: State, r: int, q: int, now: float) -> None:
    """Preempts a sequence: its blocks are free, it waits first in line and is computed again."""
    rep, req = s.rep, s.req
    s.whole[PREEMPTIONS] += 1
    if req[q].phase == DECODE:
        bucket = req[q].finish_step % RING
        _unlink_ring(s, r, q, bucket)
        _leave_decode(w, s, r, q, rep[r].step)
    else:
        _unlink_fill(s, r, q)
    if req[q].preempted:
        s.req_cause[q, KV_MEMORY] += now - req[q].mark_s
    else:
        for c in range(CAUSES):
            s.req_cause[q, c] += s.rep_cause[r, c] - s.mark_cause[q, c]
    rep[r].free += req[q].blocks
    req[q].blocks = 0
    first = w.requests.entry_start[q] if w.agents.agents == 0 else 0
    for at in range(req[q].pinned - 1, -1, -1):
        cache_unpin(rep, s.cache, r, w.requests.entry[first + at])
    req[q].pinned = 0
    _unlink_running(s, r, q)
    req[q].preempted = 1
    req[q].phase = WAITING
    req[q].target = req[q].prompt + req[q].emitted
    req[q].filled = 0
    req[q].chunk = 0
    req[q].mark_s = now
    req[q].queue_next = rep[r].wait_head
    rep[r].wait_head = q
    if rep[r].wait_tail < 0:
        rep[r].wait_tail = q
    rep[r].waiting += 1


@inner
def _unlink_ring(s: State, r: int, q: int, bucket: int) -> None:
    req = s.req
    at = s.ring[r, bucket]
    if at == q:
        s.ring[r, bucket] = req[q].ring_next
        return
    while req[at].ring_next != q:
        at = req[at].ring_next
    req[at].ring_next = req[q].ring_next


@inner
def _unlink_fill(s: State, r: int, q: int) -> None:
    rep, req = s.rep, s.req
    at, before = rep[r].fill_head, -1
    while at != q:
        before = at
        at = req[at].fill_next
    if before < 0:
        rep[r].fill_head = req[q].fill_next
    else:
        req[before].fill_next = req[q].fill_next
    if rep[r].fill_tail == q:
        rep[r].fill_tail = before
    req[q].fill_next = -1


@inner
def _admit(w: World, s: State, r: int, q: int, budget: int, now: float) -> bool:
    """Moves the head of the queue into the batch if its blocks can be had."""
    rep, req, cache = s.rep, s.req, s.cache
    size = w.limits.block_tokens
    total = (req[q].target + size - 1) // size
    closed = w.agents.agents > 0
    hit = reused = pinned = 0
    loose = rep[r].loose
    if w.limits.prefix_cache and closed:
        reused = cache[r, q].blocks
        hit = min(cache[r, q].tokens, req[q].target - 1)
        loose -= reused
    elif w.limits.prefix_cache and w.requests.entry_tokens > 0:
        each = _entry_blocks(w)
        first, last = w.requests.entry_start[q], w.requests.entry_start[q + 1]
        longest = min(last - first, (req[q].target - 1) // w.requests.entry_tokens)
        while pinned < longest and cache[r, w.requests.entry[first + pinned]].blocks > 0:
            if cache[r, w.requests.entry[first + pinned]].pins == 0:
                loose -= each
            pinned += 1
        reused = pinned * each
        hit = pinned * w.requests.entry_tokens
    if not w.limits.chunked_prefill and req[q].target - hit > budget:
        return False
    need = total - reused
    if need > rep[r].free + loose:
        rep[r].blocked = 1
        return False
    if closed and reused > 0:
        cache_take(rep, cache, r, q)
    elif pinned > 0:
        first = w.requests.entry_start[q]
        for at in range(pinned):
            cache_pin(rep, cache, r, w.requests.entry[first + at])
        req[q].pinned = pinned
    cache_make_room(rep, cache, r, need)
    rep[r].free -= need
    req[q].blocks = total if closed else need
    _link_running(s, r, q, hit, now)
    return True


@inner
def _link_running(s: State, r: int, q: int, hit: int, now: float) -> None:
    rep, req = s.rep, s.req
    rep[r].wait_head = req[q].queue_next
    if rep[r].wait_head < 0:
        rep[r].wait_tail = -1
    req[q].queue_next = -1
    rep[r].waiting -= 1
    waited = now - req[q].mark_s
    if req[q].preempted:
        s.req_cause[q, KV_MEMORY] += waited
        req[q].mark_s = now
    else:
        lacked = min(rep[r].wait_kv - req[q].mark_kv, waited)
        s.req_cause[q, KV_MEMORY] += lacked
        s.req_cause[q, QUEUE] += waited - lacked
        req[q].cached = hit
        s.whole[TOKENS_IN] += req[q].prompt
        s.whole[TOKENS_CACHED] += hit
    for c in range(CAUSES):
        s.mark_cause[q, c] = s.rep_cause[r, c]
    req[q].filled = hit
    req[q].phase = PREFILL
    tail = rep[r].run_tail
    req[q].run_back = tail
    req[q].run_next = -1
    if tail >= 0:
        req[tail].run_next = q
    else:
        rep[r].run_head = q
    rep[r].run_tail = q
    rep[r].running += 1
    req[q].fill_next = -1
    if rep[r].fill_tail >= 0:
        req[rep[r].fill_tail].fill_next = q
    else:
        rep[r].fill_head = q
    rep[r].fill_tail = q


# ---------------------------------------------------------------- the way of a request


@inner
def _choose(w: World, s: State, q: int) -> int:
    """The replica of a request by the router's rule."""
    if w.limits.router == 2 and w.agents.agents > 0:
        return q % w.replicas
    if w.limits.router == 1:
        best = 0
        least = s.rep[0].running + s.rep[0].waiting
        for r in range(1, w.replicas):
            load = s.rep[r].running + s.rep[r].waiting
            if load < least:
                best = r
                least = load
        return best
    r = int(s.whole[NEXT_REPLICA])
    s.whole[NEXT_REPLICA] = (r + 1) % w.replicas
    return r


@inner
def _arrive(
    w: World, net: Network, s: State, q: int, prompt: int, output: int, now: float
) -> None:
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
            _after_step(w, s, q, now)
        return
    _occupy(s, 1, now)
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
        _wake(s, q, ON_THE_WAY, now + rep[r].latency_s)
    else:
        _into_pipe(w, net, s, q, now)


@inner
def _wake(s: State, q: int, phase: int, at_s: float) -> None:
    req = s.req
    req[q].phase = phase
    heap_set(s.req_heap, q, at_s)


@inner
def _into_pipe(w: World, net: Network, s: State, q: int, now: float) -> None:
    """The prompt of a request waits for, or takes, the replica's way in."""
    rep, req = s.rep, s.req
    r = req[q].replica
    slot = w.replicas + r
    if net.route_start[slot + 1] == net.route_start[slot]:
        _enqueue(w, net, s, q, now)
        return
    req[q].phase = IN_PIPE
    req[q].queue_next = -1
    if rep[r].in_tail >= 0:
        req[rep[r].in_tail].queue_next = q
        rep[r].in_tail = q
        return
    rep[r].in_head = q
    rep[r].in_tail = q
    _start_ingress(w, net, s, r, now)


@inner
def _start_ingress(w: World, net: Network, s: State, r: int, now: float) -> None:
    q = s.rep[r].in_head
    tokens = s.agent[q].append if w.agents.agents > 0 else float(s.req[q].prompt)
    slot = w.replicas + r
    net_start(net, slot, slot, BYTES_A_TOKEN * tokens, now)


@inner
def _enqueue(w: World, net: Network, s: State, q: int, now: float) -> None:
    rep, req = s.rep, s.req
    r = req[q].replica
    s.req_cause[q, SCALE_OUT] += now - req[q].arrive_s
    _mark_wait(s, r, now)
    req[q].phase = WAITING
    req[q].mark_s = now
    req[q].mark_kv = rep[r].wait_kv
    req[q].queue_next = -1
    if rep[r].wait_tail >= 0:
        req[rep[r].wait_tail].queue_next = q
    else:
        rep[r].wait_head = q
    rep[r].wait_tail = q
    rep[r].waiting += 1
    if rep[r].mode == 0:
        _schedule(w, net, s, r, now)


@inner
def _slot_event(w: World, net: Network, s: State, now: float) -> None:
    req = s.req
    q = s.req_heap.items[0]
    heap_remove(s.req_heap, q)
    phase = req[q].phase
    if phase == ON_THE_WAY:
        _into_pipe(w, net, s, q, now)
    elif phase == THINKING:
        s.agent[q].steps_left = _draw_steps(w, s, q)
        _next_step(w, net, s, q, now)
    elif phase == ON_CORE:
        _core_free(w, s, q, now)
        _wake(s, q, TOOL, now + max(0.0, s.agent[q].tool_s - s.agent[q].cpu_s))
    elif phase == TOOL:
        _next_step(w, net, s, q, now)


# ---------------------------------------------------------------- agents


@inner
def _draw(w: World, s: State, a: int, which: int) -> float:
    s.agent[a].counter += 1
    row = w.agents.distributions[which]
    seed, drawn = w.seed, s.agent[a].counter
    value: float = log_normal(row[0], row[1], row[2], row[3], seed, a, drawn, which)
    return value


@inner
def _chance(w: World, s: State, a: int) -> float:
    s.agent[a].counter += 1
    share: float = uniform(w.seed, a, s.agent[a].counter, 99)
    return share


@inner
def _draw_steps(w: World, s: State, a: int) -> int:
    """Steps of a task: geometric with the mean of the profile, at least one."""
    mean = w.agents.steps_per_task
    if mean <= 1.0:
        return 1
    u = _chance(w, s, a)
    return 1 + int(np.log(u) / np.log(1.0 - 1.0 / mean))


@kernel
def begin_agents(w: World, s: State) -> None:
    """Gives every agent its context and its first waking; with a warm start caches the contexts."""
    for a in range(w.agents.agents):
        window = float(w.agents.window_tokens)
        s.agent[a].context = min(_draw(w, s, a, PREFIX), 0.95 * window)
        if w.agents.warm_start:
            if w.limits.prefix_cache and w.limits.router == 2:
                _warm(w, s, a)
            if _chance(w, s, a) >= w.think_share:
                s.agent[a].steps_left = _draw_steps(w, s, a)
                row = w.agents.distributions[TOOL_TIME]
                left = _biased(w, s, a, row)
                _wake(s, a, TOOL, left)
            else:
                left = _biased(w, s, a, w.agents.distributions[THINK])
                _wake(s, a, THINKING, left)
        else:
            _wake(s, a, THINKING, _chance(w, s, a) * w.agents.distributions[THINK, 0])


@inner
def _biased(w: World, s: State, a: int, row: F8) -> float:
    """What is left of an interval met at a random time: a uniform part of a length-biased draw.

    The length-biased log-normal has the median m exp(sigma^2); the draw is clipped as the law is.
    """
    s.agent[a].counter += 1
    median = row[0] * np.exp(row[1] * row[1])
    length: float = log_normal(median, row[1], row[2], row[3], w.seed, a, s.agent[a].counter, 50)
    left: float = length * _chance(w, s, a)
    return left


@inner
def _warm(w: World, s: State, a: int) -> None:
    r = a % w.replicas
    size = w.limits.block_tokens
    tokens = int(s.agent[a].context)
    blocks = (tokens + size - 1) // size
    if blocks > 0 and blocks <= s.rep[r].free:
        s.rep[r].free -= blocks
        cache_put(s.rep, s.cache, r, a, tokens, blocks)


@inner
def _next_step(w: World, net: Network, s: State, a: int, now: float) -> None:
    """One model step of an agent: its context so far and what a tool or a person appends."""
    window = w.agents.window_tokens
    append = max(1.0, np.rint(_draw(w, s, a, APPEND)))
    output = int(max(1.0, np.rint(_draw(w, s, a, OUTPUT))))
    output = min(output, max(1, window // 4))
    if s.agent[a].context + append + output > window:
        s.agent[a].context = np.floor(w.agents.compact_to * window)
        _forget(w, s, a)
        append = max(1.0, min(append, window - s.agent[a].context - output))
    s.agent[a].append = append
    _arrive(w, net, s, a, int(s.agent[a].context) + int(append), output, now)


@inner
def _forget(w: World, s: State, a: int) -> None:
    """A compacted context is new to every cache."""
    for r in range(w.replicas):
        if s.cache[r, a].blocks > 0 and s.cache[r, a].pins == 0:
            s.rep[r].free += cache_take(s.rep, s.cache, r, a)


@inner
def _after_step(w: World, s: State, a: int, now: float) -> None:
    """A tool runs, or the task is done and a person thinks."""
    s.agent[a].steps_left -= 1
    if s.agent[a].steps_left <= 0:
        _wake(s, a, THINKING, now + _draw(w, s, a, THINK))
        return
    s.agent[a].tool_s = _draw(w, s, a, TOOL_TIME)
    s.agent[a].cpu_s = min(_draw(w, s, a, CPU), s.agent[a].tool_s)
    host = w.agents.host_of_agent[a]
    if host < 0 or w.host_cores[host] < 1.0:
        _wake(s, a, TOOL, now + s.agent[a].tool_s)
    elif s.host[host].busy < w.host_cores[host]:
        _host_mark(s, host, now)
        s.host[host].busy += 1
        _wake(s, a, ON_CORE, now + s.agent[a].cpu_s)
    else:
        s.req[a].phase = CORE_QUEUE
        s.req[a].mark_s = now
        s.req[a].queue_next = -1
        if s.host[host].tail >= 0:
            s.req[s.host[host].tail].queue_next = a
        else:
            s.host[host].head = a
        s.host[host].tail = a


@inner
def _host_mark(s: State, host: int, now: float) -> None:
    s.host[host].busy_core_s += s.host[host].busy * (now - s.host[host].mark_s)
    s.host[host].mark_s = now


@inner
def _core_free(w: World, s: State, a: int, now: float) -> None:
    host = w.agents.host_of_agent[a]
    _host_mark(s, host, now)
    following = s.host[host].head
    if following < 0:
        s.host[host].busy -= 1
        return
    s.host[host].head = s.req[following].queue_next
    if s.host[host].head < 0:
        s.host[host].tail = -1
    s.req[following].queue_next = -1
    s.real[TOOL_WAIT] += now - s.req[following].mark_s
    _wake(s, following, ON_CORE, now + s.agent[following].cpu_s)
