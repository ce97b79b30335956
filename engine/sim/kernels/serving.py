"""The event loop: replicas that batch continuously, agents, hosts and the shared network.

Events are ordered by time, then by rank (network, replica, timed slot, arrival, sample), then by
number; nothing depends on how a run is sliced. The scheduler follows vLLM V1: running sequences
first (one token each, blocks taken as they grow, the last admitted pushed out when blocks run
out), then prefill chunks within the token budget, then admissions in order of arrival; none in a
step that pushed somebody out. Blocks of a whole prompt are reserved at admission.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
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


@njit(cache=True, nogil=True)
def advance(w: World, net: Network, s: State, until_s: float, budget: int) -> int:
    """Processes events up to `until_s`, at most `budget` of them; returns a Status."""
    real, whole = s.totals.real, s.totals.whole
    for _ in range(budget):
        if whole[COMPLETED] + w.limits.max_seqs + 1 > s.output.numbers.shape[0]:
            return OUTPUT_FULL
        if _is_drained(w, net, s):
            return DRAINED
        network_s = net_next_time(net)
        replica_s = heap_top_key(s.replica.heap, s.replica.key, s.replica.heap_size)
        slot_s = heap_top_key(s.request.heap, s.request.key, s.request.heap_size)
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


@njit(cache=True, nogil=True)
def _is_drained(w: World, net: Network, s: State) -> bool:
    return (
        w.agents.agents == 0
        and net.heap_size[0] == 0
        and s.totals.whole[IN_SYSTEM] == 0
        and s.totals.whole[NEXT_ARRIVAL] >= w.requests.arrival_s.size
    )


@njit(cache=True, nogil=True)
def _sample(s: State) -> None:
    waiting = running = 0
    used = total = 0.0
    for r in range(s.replica.step.size):
        waiting += s.replica.waiting[r]
        running += s.replica.running[r]
        used += s.replica.blocks[r] - s.replica.free[r] - s.replica.loose[r]
        total += s.replica.blocks[r]
    take_sample(s, waiting, running, used / max(total, 1.0))


@njit(cache=True, nogil=True)
def _occupy(s: State, delta: int, now: float) -> None:
    real, whole = s.totals.real, s.totals.whole
    real[OCCUPANCY] += whole[IN_SYSTEM] * (now - real[OCCUPANCY_MARK])
    real[OCCUPANCY_MARK] = now
    whole[IN_SYSTEM] += delta


# ---------------------------------------------------------------- network and replica events


@njit(cache=True, nogil=True)
def _flow_ended(w: World, net: Network, s: State, now: float) -> None:
    slot = net.heap[0]
    net_stop(net, slot)
    if slot < w.replicas:
        r = slot
        cause = SCALE_OUT if s.replica.remote[r] else SCALE_UP
        s.replica.cause[r, cause] += now - s.replica.computed_s[r]
        _step_ended(w, net, s, r, now)
    elif slot < 2 * w.replicas:
        r = slot - w.replicas
        q = s.replica.in_head[r]
        s.replica.in_head[r] = s.request.queue_next[q]
        s.request.queue_next[q] = -1
        if s.replica.in_head[r] < 0:
            s.replica.in_tail[r] = -1
        else:
            _start_ingress(w, net, s, r, now)
        _enqueue(w, net, s, q, now)
    else:
        r = slot - 2 * w.replicas
        if s.replica.out_bytes[r] > 0.0:
            _start_egress(w, net, s, r, now)


@njit(cache=True, nogil=True)
def _compute_ended(w: World, net: Network, s: State, now: float) -> None:
    rep = s.replica
    r = rep.heap[0]
    heap_remove(rep.heap, rep.place, rep.key, rep.heap_size, r)
    for c in range(CAUSES):
        rep.cause[r, c] += rep.step_cause[r, c]
    rep.busy_s[r] += rep.computed_s[r] - rep.started_s[r]
    rep.compute_s[r] += rep.step_cause[r, COMPUTE]
    moved = w.timing.collective_bytes[rep.tokens[r]]
    if moved > 0.0 and net.route_start[r + 1] > net.route_start[r]:
        rep.mode[r] = COMMUNICATING
        net_start(net, r, r, moved, now)
    else:
        _step_ended(w, net, s, r, now)


@njit(cache=True, nogil=True)
def _step_ended(w: World, net: Network, s: State, r: int, now: float) -> None:
    rep, req = s.replica, s.request
    rep.mode[r] = 0
    step = rep.step[r] + 1
    rep.step[r] = step
    s.totals.whole[STEPS] += 1
    s.totals.whole[TOKENS_OUT] += rep.samples[r]
    rep.context[r] += rep.decoding[r]
    bucket = step % RING
    q = rep.ring[r, bucket]
    rep.ring[r, bucket] = -1
    while q >= 0:
        following = req.ring_next[q]
        if req.finish_step[q] == step:
            tokens = _leave_decode(w, s, r, q, step)
            _complete(w, net, s, r, q, tokens, now)
        else:
            req.ring_next[q] = rep.ring[r, bucket]
            rep.ring[r, bucket] = q
        q = following
    q = rep.fill_head[r]
    while q >= 0 and req.chunk[q] > 0:
        following = req.fill_next[q]
        req.filled[q] += req.chunk[q]
        req.chunk[q] = 0
        if req.filled[q] >= req.target[q]:
            rep.fill_head[r] = following
            if following < 0:
                rep.fill_tail[r] = -1
            req.fill_next[q] = -1
            _prefilled(w, net, s, r, q, step, now)
        q = following
    _schedule(w, net, s, r, now)


@njit(cache=True, nogil=True)
def _prefilled(w: World, net: Network, s: State, r: int, q: int, step: int, now: float) -> None:
    """A prompt is whole: its next token is out; it decodes on, or is done."""
    rep, req = s.replica, s.request
    if req.preempted[q]:
        req.cause[q, KV_MEMORY] += now - req.mark_s[q]
        req.preempted[q] = 0
        for c in range(CAUSES):
            req.mark_cause[q, c] = rep.cause[r, c]
    if req.emitted[q] == 0:
        req.first_s[q] = now
        s.totals.whole[TTFT_COUNT] += 1
        count_bin(s.output.ttft_bins, now - req.arrive_s[q])
    req.emitted[q] += 1
    if req.emitted[q] >= req.output[q]:
        _complete(w, net, s, r, q, req.filled[q], now)
        return
    req.phase[q] = DECODE
    req.decode_step[q] = step
    req.start_tokens[q] = req.filled[q]
    req.finish_step[q] = step + req.output[q] - req.emitted[q]
    rep.decoding[r] += 1
    rep.context[r] += req.filled[q]
    rep.phase[r, (step - req.filled[q]) % w.limits.block_tokens] += 1
    bucket = req.finish_step[q] % RING
    req.ring_next[q] = rep.ring[r, bucket]
    rep.ring[r, bucket] = q


@njit(cache=True, nogil=True)
def _leave_decode(w: World, s: State, r: int, q: int, step: int) -> int:
    """Takes a sequence out of the decode sums and counts its grown blocks; returns its tokens."""
    rep, req = s.replica, s.request
    size = w.limits.block_tokens
    done = step - req.decode_step[q]
    tokens = req.start_tokens[q] + done
    req.blocks[q] += (tokens + size - 1) // size - (req.start_tokens[q] + size - 1) // size
    req.emitted[q] += done
    rep.decoding[r] -= 1
    rep.context[r] -= tokens
    rep.phase[r, (req.decode_step[q] - req.start_tokens[q]) % size] -= 1
    return tokens


# ---------------------------------------------------------------- the end of a request


@njit(cache=True, nogil=True)
def _complete(w: World, net: Network, s: State, r: int, q: int, tokens: int, now: float) -> None:
    rep, req, out = s.replica, s.request, s.output
    _occupy(s, -1, now)
    _unlink_running(s, r, q)
    row = s.totals.whole[COMPLETED]
    s.totals.whole[COMPLETED] += 1
    out.numbers[row, 0] = req.arrive_s[q]
    out.numbers[row, 1] = req.first_s[q]
    out.numbers[row, 2] = now
    out.counts[row, 0] = req.prompt[q]
    out.counts[row, 1] = req.cached[q]
    out.counts[row, 2] = req.output[q]
    out.counts[row, 3] = r
    for c in range(CAUSES):
        req.cause[q, c] += rep.cause[r, c] - req.mark_cause[q, c]
        out.cause[row, c] = req.cause[q, c]
    if req.output[q] > 1:
        s.totals.whole[TPOT_COUNT] += 1
        count_bin(s.output.tpot_bins, (now - req.first_s[q]) / (req.output[q] - 1))
    req.phase[q] = IDLE
    agents = w.agents.agents > 0
    if agents:
        s.agent.context[q] += w.agents.growth_ratio * (s.agent.append[q] + req.output[q])
    _mark_kv(w, s, r, now)
    _retain(w, s, r, q, tokens)
    if net.route_start[2 * w.replicas + r + 1] > net.route_start[2 * w.replicas + r]:
        rep.out_bytes[r] += BYTES_A_TOKEN * req.output[q]
        if net.flow_route[2 * w.replicas + r] < 0:
            _start_egress(w, net, s, r, now)
    if agents:
        _after_step(w, s, q, now)


@njit(cache=True, nogil=True)
def _unlink_running(s: State, r: int, q: int) -> None:
    rep, req = s.replica, s.request
    after, before = req.run_next[q], req.run_back[q]
    if before >= 0:
        req.run_next[before] = after
    else:
        rep.run_head[r] = after
    if after >= 0:
        req.run_back[after] = before
    else:
        rep.run_tail[r] = before
    req.run_next[q] = -1
    req.run_back[q] = -1
    rep.running[r] -= 1


@njit(cache=True, nogil=True)
def _retain(w: World, s: State, r: int, q: int, tokens: int) -> None:
    """The KV of a finished request becomes prefix entries, or is free again."""
    rep, req, cache = s.replica, s.request, s.cache
    own = req.blocks[q]
    req.blocks[q] = 0
    if not w.limits.prefix_cache:
        rep.free[r] += own
        return
    size = w.limits.block_tokens
    if w.agents.agents > 0:
        keep = min(tokens, int(s.agent.context[q]))
        blocks = min((keep + size - 1) // size, own)
        rep.free[r] += own - blocks
        if blocks > 0:
            if cache.blocks[r, q] > 0:
                rep.free[r] += cache_take(rep, cache, r, q)
            cache_put(rep, cache, r, q, keep, blocks)
        return
    first, last = w.requests.entry_start[q], w.requests.entry_start[q + 1]
    each = _entry_blocks(w)
    for at in range(last - 1, first - 1, -1):
        e = w.requests.entry[at]
        if at - first < req.pinned[q]:
            cache_unpin(rep, cache, r, e)
        elif cache.blocks[r, e] > 0:
            if cache.pins[r, e] == 0:
                cache_touch(rep, cache, r, e)
        elif own >= each and (at - first + 1) * w.requests.entry_tokens <= tokens:
            own -= each
            cache_put(rep, cache, r, e, w.requests.entry_tokens, each)
    req.pinned[q] = 0
    rep.free[r] += own


@njit(cache=True, nogil=True)
def _entry_blocks(w: World) -> int:
    return max(1, w.requests.entry_tokens // w.limits.block_tokens)


@njit(cache=True, nogil=True)
def _start_egress(w: World, net: Network, s: State, r: int, now: float) -> None:
    slot = 2 * w.replicas + r
    net_start(net, slot, slot, s.replica.out_bytes[r], now)
    s.replica.out_bytes[r] = 0.0


# ---------------------------------------------------------------- the scheduler


@njit(cache=True, nogil=True)
def _mark_kv(w: World, s: State, r: int, now: float) -> None:
    """Counts the KV tokens in use since the last mark."""
    rep = s.replica
    used = rep.blocks[r] - rep.free[r] - rep.loose[r]
    rep.kv_token_s[r] += used * w.limits.block_tokens * (now - rep.kv_mark[r])
    rep.kv_mark[r] = now


@njit(cache=True, nogil=True)
def _mark_wait(s: State, r: int, now: float) -> None:
    """Counts the time in which the head of the queue lacked KV blocks."""
    rep = s.replica
    if rep.blocked[r]:
        rep.wait_kv[r] += now - rep.wait_mark[r]
    rep.wait_mark[r] = now


@njit(cache=True, nogil=True)
def _schedule(w: World, net: Network, s: State, r: int, now: float) -> None:
    """Forms the next step of a replica, or leaves it idle."""
    rep, req, limits = s.replica, s.request, w.limits
    _mark_wait(s, r, now)
    rep.blocked[r] = 0
    _mark_kv(w, s, r, now)
    pushed_out = _grow(w, s, r, now)
    budget = limits.max_batched_tokens - rep.decoding[r]
    samples = rep.decoding[r]
    area = 0.0
    q = rep.fill_head[r]
    while q >= 0 and budget > 0:
        x = min(req.target[q] - req.filled[q], budget)
        area += _give(s, q, x)
        budget -= x
        if req.filled[q] + x >= req.target[q]:
            samples += 1
        q = req.fill_next[q]
    if not pushed_out:
        while rep.wait_head[r] >= 0 and budget > 0 and rep.running[r] < limits.max_seqs:
            q = rep.wait_head[r]
            if not _admit(w, s, r, q, budget, now):
                break
            x = min(req.target[q] - req.filled[q], budget)
            area += _give(s, q, x)
            budget -= x
            if req.filled[q] + x >= req.target[q]:
                samples += 1
    tokens = limits.max_batched_tokens - budget
    if tokens > 0:
        _begin(w, s, r, tokens, samples, area, now)


@njit(cache=True, nogil=True)
def _give(s: State, q: int, x: int) -> float:
    """Gives a prompt its chunk of the step; returns the attention area in tokens^2."""
    s.request.chunk[q] = x
    return x * (s.request.filled[q] + 0.5 * x)


@njit(cache=True, nogil=True)
def _begin(w: World, s: State, r: int, tokens: int, samples: int, area: float, now: float) -> None:
    rep, timing = s.replica, w.timing
    total = 0.0
    for c in range(CAUSES):
        rep.step_cause[r, c] = timing.dense_s[tokens, c]
    rep.step_cause[r, MEMORY] += timing.head_s[samples]
    rep.step_cause[r, MEMORY] += timing.decode_context_s * rep.context[r]
    rep.step_cause[r, COMPUTE] += timing.prefill_area_s * area
    rep.step_cause[r, OVERHEAD] += timing.sequence_s * samples
    for c in range(CAUSES):
        total += rep.step_cause[r, c]
    rep.mode[r] = COMPUTING
    rep.tokens[r] = tokens
    rep.samples[r] = samples
    rep.started_s[r] = now
    rep.computed_s[r] = now + total
    # what rounding of the clock adds or takes goes to the overhead, so that causes sum exactly
    rep.step_cause[r, OVERHEAD] += (rep.computed_s[r] - now) - total
    heap_set(rep.heap, rep.place, rep.key, rep.heap_size, r, rep.computed_s[r])


@njit(cache=True, nogil=True)
def _grow(w: World, s: State, r: int, now: float) -> bool:
    """Takes the blocks that decoding sequences need for their next token; True if some left."""
    rep = s.replica
    column = rep.step[r] % w.limits.block_tokens
    pushed_out = False
    while rep.phase[r, column] > 0:
        if cache_make_room(rep, s.cache, r, rep.phase[r, column]):
            break
        pushed_out = True
        _push_out(w, s, r, rep.run_tail[r], now)
    rep.free[r] -= rep.phase[r, column]
    return pushed_out


@njit(cache=True, nogil=True)
def _push_out(w: World, s: State, r: int, q: int, now: float) -> None:
    """Preempts a sequence: its blocks are free, it waits first in line and is computed again."""
    rep, req = s.replica, s.request
    s.totals.whole[PREEMPTIONS] += 1
    if req.phase[q] == DECODE:
        bucket = req.finish_step[q] % RING
        _unlink_ring(s, r, q, bucket)
        _leave_decode(w, s, r, q, rep.step[r])
    else:
        _unlink_fill(s, r, q)
    if req.preempted[q]:
        req.cause[q, KV_MEMORY] += now - req.mark_s[q]
    else:
        for c in range(CAUSES):
            req.cause[q, c] += rep.cause[r, c] - req.mark_cause[q, c]
    rep.free[r] += req.blocks[q]
    req.blocks[q] = 0
    first = w.requests.entry_start[q] if w.agents.agents == 0 else 0
    for at in range(req.pinned[q] - 1, -1, -1):
        cache_unpin(rep, s.cache, r, w.requests.entry[first + at])
    req.pinned[q] = 0
    _unlink_running(s, r, q)
    req.preempted[q] = 1
    req.phase[q] = WAITING
    req.target[q] = req.prompt[q] + req.emitted[q]
    req.filled[q] = 0
    req.chunk[q] = 0
    req.mark_s[q] = now
    req.queue_next[q] = rep.wait_head[r]
    rep.wait_head[r] = q
    if rep.wait_tail[r] < 0:
        rep.wait_tail[r] = q
    rep.waiting[r] += 1


@njit(cache=True, nogil=True)
def _unlink_ring(s: State, r: int, q: int, bucket: int) -> None:
    rep, req = s.replica, s.request
    at = rep.ring[r, bucket]
    if at == q:
        rep.ring[r, bucket] = req.ring_next[q]
        return
    while req.ring_next[at] != q:
        at = req.ring_next[at]
    req.ring_next[at] = req.ring_next[q]


@njit(cache=True, nogil=True)
def _unlink_fill(s: State, r: int, q: int) -> None:
    rep, req = s.replica, s.request
    at, before = rep.fill_head[r], -1
    while at != q:
        before = at
        at = req.fill_next[at]
    if before < 0:
        rep.fill_head[r] = req.fill_next[q]
    else:
        req.fill_next[before] = req.fill_next[q]
    if rep.fill_tail[r] == q:
        rep.fill_tail[r] = before
    req.fill_next[q] = -1


@njit(cache=True, nogil=True)
def _admit(w: World, s: State, r: int, q: int, budget: int, now: float) -> bool:
    """Moves the head of the queue into the batch if its blocks can be had."""
    rep, req, cache = s.replica, s.request, s.cache
    size = w.limits.block_tokens
    total = (req.target[q] + size - 1) // size
    closed = w.agents.agents > 0
    hit = reused = pinned = 0
    loose = rep.loose[r]
    if w.limits.prefix_cache and closed:
        reused = cache.blocks[r, q]
        hit = min(cache.tokens[r, q], req.target[q] - 1)
        loose -= reused
    elif w.limits.prefix_cache and w.requests.entry_tokens > 0:
        each = _entry_blocks(w)
        first, last = w.requests.entry_start[q], w.requests.entry_start[q + 1]
        longest = min(last - first, (req.target[q] - 1) // w.requests.entry_tokens)
        while pinned < longest and cache.blocks[r, w.requests.entry[first + pinned]] > 0:
            if cache.pins[r, w.requests.entry[first + pinned]] == 0:
                loose -= each
            pinned += 1
        reused = pinned * each
        hit = pinned * w.requests.entry_tokens
    if not w.limits.chunked_prefill and req.target[q] - hit > budget:
        return False
    need = total - reused
    if need > rep.free[r] + loose:
        rep.blocked[r] = 1
        return False
    if closed and reused > 0:
        cache_take(rep, cache, r, q)
    elif pinned > 0:
        first = w.requests.entry_start[q]
        for at in range(pinned):
            cache_pin(rep, cache, r, w.requests.entry[first + at])
        req.pinned[q] = pinned
    cache_make_room(rep, cache, r, need)
    rep.free[r] -= need
    req.blocks[q] = total if closed else need
    _link_running(s, r, q, hit, now)
    return True


@njit(cache=True, nogil=True)
def _link_running(s: State, r: int, q: int, hit: int, now: float) -> None:
    rep, req = s.replica, s.request
    rep.wait_head[r] = req.queue_next[q]
    if rep.wait_head[r] < 0:
        rep.wait_tail[r] = -1
    req.queue_next[q] = -1
    rep.waiting[r] -= 1
    waited = now - req.mark_s[q]
    if req.preempted[q]:
        req.cause[q, KV_MEMORY] += waited
        req.mark_s[q] = now
    else:
        lacked = min(rep.wait_kv[r] - req.mark_kv[q], waited)
        req.cause[q, KV_MEMORY] += lacked
        req.cause[q, QUEUE] += waited - lacked
        req.cached[q] = hit
        s.totals.whole[TOKENS_IN] += req.prompt[q]
        s.totals.whole[TOKENS_CACHED] += hit
    for c in range(CAUSES):
        req.mark_cause[q, c] = rep.cause[r, c]
    req.filled[q] = hit
    req.phase[q] = PREFILL
    tail = rep.run_tail[r]
    req.run_back[q] = tail
    req.run_next[q] = -1
    if tail >= 0:
        req.run_next[tail] = q
    else:
        rep.run_head[r] = q
    rep.run_tail[r] = q
    rep.running[r] += 1
    req.fill_next[q] = -1
    if rep.fill_tail[r] >= 0:
        req.fill_next[rep.fill_tail[r]] = q
    else:
        rep.fill_head[r] = q
    rep.fill_tail[r] = q


# ---------------------------------------------------------------- the way of a request


@njit(cache=True, nogil=True)
def _choose(w: World, s: State, q: int) -> int:
    """The replica of a request by the router's rule."""
    if w.limits.router == 2 and w.agents.agents > 0:
        return q % w.replicas
    if w.limits.router == 1:
        best = 0
        least = s.replica.running[0] + s.replica.waiting[0]
        for r in range(1, w.replicas):
            load = s.replica.running[r] + s.replica.waiting[r]
            if load < least:
                best = r
                least = load
        return best
    r = s.totals.whole[NEXT_REPLICA]
    s.totals.whole[NEXT_REPLICA] = (r + 1) % w.replicas
    return r


@njit(cache=True, nogil=True)
def _arrive(
    w: World, net: Network, s: State, q: int, prompt: int, output: int, now: float
) -> None:
    rep, req = s.replica, s.request
    s.totals.whole[ARRIVED] += 1
    size = w.limits.block_tokens
    r = _choose(w, s, q)
    too_long = prompt + output > w.limits.window_tokens
    too_large = (prompt + output + size - 1) // size > rep.blocks[r]
    no_budget = not w.limits.chunked_prefill and prompt > w.limits.max_batched_tokens
    if too_long or too_large or no_budget:
        s.totals.whole[REJECTED] += 1
        if w.agents.agents > 0:
            req.output[q] = 0
            _after_step(w, s, q, now)
        return
    _occupy(s, 1, now)
    req.replica[q] = r
    req.arrive_s[q] = now
    req.first_s[q] = 0.0
    req.prompt[q] = prompt
    req.target[q] = prompt
    req.output[q] = output
    req.filled[q] = 0
    req.chunk[q] = 0
    req.cached[q] = 0
    req.emitted[q] = 0
    req.blocks[q] = 0
    req.pinned[q] = 0
    req.preempted[q] = 0
    for c in range(CAUSES):
        req.cause[q, c] = 0.0
    if rep.latency_s[r] > 0.0:
        _wake(s, q, ON_THE_WAY, now + rep.latency_s[r])
    else:
        _into_pipe(w, net, s, q, now)


@njit(cache=True, nogil=True)
def _wake(s: State, q: int, phase: int, at_s: float) -> None:
    req = s.request
    req.phase[q] = phase
    heap_set(req.heap, req.place, req.key, req.heap_size, q, at_s)


@njit(cache=True, nogil=True)
def _into_pipe(w: World, net: Network, s: State, q: int, now: float) -> None:
    """The prompt of a request waits for, or takes, the replica's way in."""
    rep, req = s.replica, s.request
    r = req.replica[q]
    slot = w.replicas + r
    if net.route_start[slot + 1] == net.route_start[slot]:
        _enqueue(w, net, s, q, now)
        return
    req.phase[q] = IN_PIPE
    req.queue_next[q] = -1
    if rep.in_tail[r] >= 0:
        req.queue_next[rep.in_tail[r]] = q
        rep.in_tail[r] = q
        return
    rep.in_head[r] = q
    rep.in_tail[r] = q
    _start_ingress(w, net, s, r, now)


@njit(cache=True, nogil=True)
def _start_ingress(w: World, net: Network, s: State, r: int, now: float) -> None:
    q = s.replica.in_head[r]
    tokens = s.agent.append[q] if w.agents.agents > 0 else float(s.request.prompt[q])
    slot = w.replicas + r
    net_start(net, slot, slot, BYTES_A_TOKEN * tokens, now)


@njit(cache=True, nogil=True)
def _enqueue(w: World, net: Network, s: State, q: int, now: float) -> None:
    rep, req = s.replica, s.request
    r = req.replica[q]
    req.cause[q, SCALE_OUT] += now - req.arrive_s[q]
    _mark_wait(s, r, now)
    req.phase[q] = WAITING
    req.mark_s[q] = now
    req.mark_kv[q] = rep.wait_kv[r]
    req.queue_next[q] = -1
    if rep.wait_tail[r] >= 0:
        req.queue_next[rep.wait_tail[r]] = q
    else:
        rep.wait_head[r] = q
    rep.wait_tail[r] = q
    rep.waiting[r] += 1
    if rep.mode[r] == 0:
        _schedule(w, net, s, r, now)


@njit(cache=True, nogil=True)
def _slot_event(w: World, net: Network, s: State, now: float) -> None:
    req = s.request
    q = req.heap[0]
    heap_remove(req.heap, req.place, req.key, req.heap_size, q)
    phase = req.phase[q]
    if phase == ON_THE_WAY:
        _into_pipe(w, net, s, q, now)
    elif phase == THINKING:
        s.agent.steps_left[q] = _draw_steps(w, s, q)
        _next_step(w, net, s, q, now)
    elif phase == ON_CORE:
        _core_free(w, s, q, now)
        _wake(s, q, TOOL, now + max(0.0, s.agent.tool_s[q] - s.agent.cpu_s[q]))
    elif phase == TOOL:
        _next_step(w, net, s, q, now)


# ---------------------------------------------------------------- agents


@njit(cache=True, nogil=True)
def _draw(w: World, s: State, a: int, which: int) -> float:
    s.agent.counter[a] += 1
    row = w.agents.distributions[which]
    return log_normal(row[0], row[1], row[2], row[3], w.seed, a, s.agent.counter[a], which)


@njit(cache=True, nogil=True)
def _chance(w: World, s: State, a: int) -> float:
    s.agent.counter[a] += 1
    return uniform(w.seed, a, s.agent.counter[a], 99)


@njit(cache=True, nogil=True)
def _draw_steps(w: World, s: State, a: int) -> int:
    """Steps of a task: geometric with the mean of the profile, at least one."""
    mean = w.agents.steps_per_task
    if mean <= 1.0:
        return 1
    u = _chance(w, s, a)
    return 1 + int(np.log(u) / np.log(1.0 - 1.0 / mean))


@njit(cache=True, nogil=True)
def begin_agents(w: World, s: State) -> None:
    """Gives every agent its context and its first waking; with a warm start caches the contexts."""
    for a in range(w.agents.agents):
        window = float(w.agents.window_tokens)
        s.agent.context[a] = min(_draw(w, s, a, PREFIX), 0.95 * window)
        if w.agents.warm_start:
            if w.limits.prefix_cache and w.limits.router == 2:
                _warm(w, s, a)
            if _chance(w, s, a) >= w.think_share:
                s.agent.steps_left[a] = _draw_steps(w, s, a)
                row = w.agents.distributions[TOOL_TIME]
                left = _biased(w, s, a, row)
                _wake(s, a, TOOL, left)
            else:
                left = _biased(w, s, a, w.agents.distributions[THINK])
                _wake(s, a, THINKING, left)
        else:
            _wake(s, a, THINKING, _chance(w, s, a) * w.agents.distributions[THINK, 0])


@njit(cache=True, nogil=True)
def _biased(w: World, s: State, a: int, row: F8) -> float:
    """What is left of an interval met at a random time: a uniform part of a length-biased draw.

    The length-biased log-normal has the median m exp(sigma^2); the draw is clipped as the law is.
    """
    s.agent.counter[a] += 1
    median = row[0] * np.exp(row[1] * row[1])
    length = log_normal(median, row[1], row[2], row[3], w.seed, a, s.agent.counter[a], 50)
    return length * _chance(w, s, a)


@njit(cache=True, nogil=True)
def _warm(w: World, s: State, a: int) -> None:
    r = a % w.replicas
    size = w.limits.block_tokens
    tokens = int(s.agent.context[a])
    blocks = (tokens + size - 1) // size
    if blocks > 0 and blocks <= s.replica.free[r]:
        s.replica.free[r] -= blocks
        cache_put(s.replica, s.cache, r, a, tokens, blocks)


@njit(cache=True, nogil=True)
def _next_step(w: World, net: Network, s: State, a: int, now: float) -> None:
    """One model step of an agent: its context so far and what a tool or a person appends."""
    window = w.agents.window_tokens
    append = max(1.0, np.rint(_draw(w, s, a, APPEND)))
    output = int(max(1.0, np.rint(_draw(w, s, a, OUTPUT))))
    output = min(output, max(1, window // 4))
    if s.agent.context[a] + append + output > window:
        s.agent.context[a] = np.floor(w.agents.compact_to * window)
        _forget(w, s, a)
        append = max(1.0, min(append, window - s.agent.context[a] - output))
    s.agent.append[a] = append
    _arrive(w, net, s, a, int(s.agent.context[a]) + int(append), output, now)


@njit(cache=True, nogil=True)
def _forget(w: World, s: State, a: int) -> None:
    """A compacted context is new to every cache."""
    for r in range(w.replicas):
        if s.cache.blocks[r, a] > 0 and s.cache.pins[r, a] == 0:
            s.replica.free[r] += cache_take(s.replica, s.cache, r, a)


@njit(cache=True, nogil=True)
def _after_step(w: World, s: State, a: int, now: float) -> None:
    """A tool runs, or the task is done and a person thinks."""
    s.agent.steps_left[a] -= 1
    if s.agent.steps_left[a] <= 0:
        _wake(s, a, THINKING, now + _draw(w, s, a, THINK))
        return
    s.agent.tool_s[a] = _draw(w, s, a, TOOL_TIME)
    s.agent.cpu_s[a] = min(_draw(w, s, a, CPU), s.agent.tool_s[a])
    host = w.agents.host_of_agent[a]
    if host < 0 or w.host_cores[host] < 1.0:
        _wake(s, a, TOOL, now + s.agent.tool_s[a])
    elif s.host.busy[host] < w.host_cores[host]:
        _host_mark(s, host, now)
        s.host.busy[host] += 1
        _wake(s, a, ON_CORE, now + s.agent.cpu_s[a])
    else:
        s.request.phase[a] = CORE_QUEUE
        s.request.mark_s[a] = now
        s.request.queue_next[a] = -1
        if s.host.tail[host] >= 0:
            s.request.queue_next[s.host.tail[host]] = a
        else:
            s.host.head[host] = a
        s.host.tail[host] = a


@njit(cache=True, nogil=True)
def _host_mark(s: State, host: int, now: float) -> None:
    s.host.busy_core_s[host] += s.host.busy[host] * (now - s.host.mark_s[host])
    s.host.mark_s[host] = now


@njit(cache=True, nogil=True)
def _core_free(w: World, s: State, a: int, now: float) -> None:
    host = w.agents.host_of_agent[a]
    _host_mark(s, host, now)
    following = s.host.head[host]
    if following < 0:
        s.host.busy[host] -= 1
        return
    s.host.head[host] = s.request.queue_next[following]
    if s.host.head[host] < 0:
        s.host.tail[host] = -1
    s.request.queue_next[following] = -1
    s.totals.real[TOOL_WAIT] += now - s.request.mark_s[following]
    _wake(s, following, ON_CORE, now + s.agent.cpu_s[following])
