"""The event loop: replicas that batch continuously, agents, hosts and the shared network.

Events are ordered by time, then by rank (network, replica, timed slot, arrival, sample), then by
number (of the flow's slot, the replica, the slot, the request); nothing depends on how a run is
sliced. A step counts as one event, whether it is taken by itself or skipped over in a stretch.
"""

import numpy as np

from engine.sim.codes import CAUSES
from engine.sim.kernels.agents import after_step
from engine.sim.kernels.arrivals import enqueue, into_pipe, slot_event, start_ingress
from engine.sim.kernels.choice import assign, choose
from engine.sim.kernels.compiling import bare, bare_kernel, inlined
from engine.sim.kernels.gate import arrive, leave_service, occupy
from engine.sim.kernels.heap import heap_remove, heap_top_key
from engine.sim.kernels.network import (
    Network,
    net_is_idle,
    net_is_touched,
    net_next_slot,
    net_next_time,
    net_runs,
    net_settle,
    net_start,
    net_stop,
)
from engine.sim.kernels.pulls import ask_pull, kick, pull_ended, start_pull
from engine.sim.kernels.retaining import retain
from engine.sim.kernels.samples import count_bin, row_of, take_sample
from engine.sim.kernels.scheduler import schedule
from engine.sim.kernels.sequences import (
    begin_decode,
    entry_blocks,
    leave_decode,
    mark_steps,
    release_promise,
    spend_steps,
    unlink_running,
)
from engine.sim.kernels.slots import give_slot, take_slot
from engine.sim.kernels.starting import serve, weights_came
from engine.sim.kernels.stretches import (
    catch_up_all,
    close_stretch,
    count_step,
    keep_blocks,
    skip_steps,
)
from engine.sim.kernels.waits import lost_cause
from engine.sim.kernels.world import (
    BYTES_A_TOKEN,
    COMMUNICATING,
    DRAINED,
    IDLE,
    OK,
    PREFILL_ROLE,
    PULLED,
    REACHED,
    SCALE_OUT,
    STALLED,
    STARTS,
    TABLE_FULL,
    World,
)
from engine.sim.state import (
    COMPLETED,
    EVENTS,
    FREE_SLOTS,
    IN_SYSTEM,
    KICKED,
    NEXT_ARRIVAL,
    NOW,
    PASSED,
    RING,
    SAMPLE_AT,
    STARTED,
    STEPS,
    THROUGH,
    TOKENS_OUT,
    TPOT_COUNT,
    TTFT_COUNT,
    State,
)

STAYS, HANDED = -1, -2  # what becomes of a whole prompt that is not done


@bare_kernel
def advance(w: World, net: Network, s: State, until_s: float, budget: int) -> int:
    """Processes events up to `until_s`, at most `budget` of them; returns a Status."""
    real, whole = s.real, s.whole
    status = OK
    for _ in range(budget):
        # what is left of the last event, or of a fault, at the same time
        while whole[KICKED] > 0:
            whole[KICKED] -= 1
            idle = s.kicked[whole[KICKED]]
            s.rep[idle].kicked = 0
            schedule(w, s, idle, real[NOW])
            if s.rep[idle].pull_head >= 0 and s.rep[idle].pulling == 0:
                ask_pull(w, s, idle, real[NOW])
        if net_is_touched(net):
            net_settle(net, real[NOW])
        rows = s.numbers.shape[0]
        if rows < w.most_rows and whole[COMPLETED] + w.most_seqs + 1 > rows:
            status = TABLE_FULL
            break
        if w.requests.arrival_s.size > 0 and whole[FREE_SLOTS] == 0:
            status = TABLE_FULL
            break
        if _is_drained(w, net, s):
            status = DRAINED
            break
        network_s = net_next_time(net)
        replica_s = heap_top_key(s.rep_heap)
        slot_s = heap_top_key(s.req_heap)
        arrival_s = np.inf
        if _may_arrive(w, s):
            arrival_s = max(w.requests.arrival_s[whole[NEXT_ARRIVAL]], real[NOW])
        first_s = min(network_s, replica_s, slot_s, arrival_s)
        if first_s == np.inf:
            status = STALLED
            break
        if min(first_s, real[SAMPLE_AT]) > until_s:
            real[NOW] = until_s
            status = REACHED
            break
        if real[SAMPLE_AT] < first_s:
            _sample(w, s)
            continue
        real[NOW] = max(real[NOW], first_s)
        whole[EVENTS] += 1
        # what follows from an event, each at one place of the code: a call with the whole state
        # costs as much as a step, so that functions are put into their caller
        ended = came = -1  # replica whose step has ended; first slot of those at their replicas
        entering = -1  # slot whose prompt takes the way in
        flow_came = False
        whole[PASSED] = w.replicas
        if network_s <= first_s:
            whole[PASSED] = 0
            ended, came = _flow_ended(w, net, s, first_s)
            flow_came = True
        elif replica_s <= first_s:
            whole[PASSED] = s.rep_heap.items[0]
            ended = _compute_ended(w, net, s, first_s)
        elif slot_s <= first_s:
            entering = slot_event(w, s, first_s)
        else:
            row = whole[NEXT_ARRIVAL]
            whole[NEXT_ARRIVAL] += 1
            slot = take_slot(s)
            s.req[slot].row = row
            tenant = w.requests.tenant[row] if w.requests.tenant.size > 0 else 0
            prompt, output = w.requests.input_tokens[row], w.requests.output_tokens[row]
            entering = arrive(w, s, slot, tenant, prompt, output, first_s)
        if entering >= 0:
            if s.req[entering].phase == PULLED:
                start_pull(w, net, s, entering, first_s)
            elif s.req[entering].source >= 0:
                came = entering
            else:
                came = into_pipe(w, net, s, entering, first_s)
        if came >= 0:
            s.req_cause[came, SCALE_OUT] += first_s - s.req[came].mark_s
        elif ended >= 0:
            came = _end_step(w, net, s, ended, first_s)
            kick(s, ended)
        while came >= 0:
            following = s.req[came].queue_next
            # steps of replicas that end now have ended if they come before this event
            through = not flow_came and (ended < 0 or s.req[came].replica < ended)
            enqueue(w, s, came, first_s, through)
            kick(s, s.req[came].replica)
            came = following
        if whole[STARTED] > 0:
            whole[STARTED] = 0
            status = STARTS
            break
    whole[THROUGH] = 1 if status == REACHED else 0
    return status


@bare_kernel
def bring_up(w: World, s: State) -> None:
    """Counts the planned steps that have ended by now: to be called before a run is looked at.

    It changes no result, and not a run that goes on.
    """
    catch_up_all(w, s, s.real[NOW], s.whole[THROUGH] > 0)


@inlined
def _may_arrive(w: World, s: State) -> bool:
    """A request is left, and in a closed loop one of the `concurrency` places is free."""
    if s.whole[NEXT_ARRIVAL] >= w.requests.arrival_s.size:
        return False
    return w.requests.concurrency == 0 or s.whole[IN_SYSTEM] < w.requests.concurrency


@inlined
def _is_drained(w: World, net: Network, s: State) -> bool:
    return (
        s.whole[IN_SYSTEM] == 0
        and w.agents.agents == 0
        and s.whole[NEXT_ARRIVAL] >= w.requests.arrival_s.size
        and net_is_idle(net)
    )


@bare
def _sample(w: World, s: State) -> None:
    catch_up_all(w, s, s.real[SAMPLE_AT], True)
    waiting = running = 0
    used = total = 0.0
    for r in range(s.rep.size):
        waiting += s.rep[r].waiting
        running += s.rep[r].running
        used += s.rep[r].blocks - s.rep[r].free - s.rep[r].loose
        total += s.rep[r].blocks
    take_sample(s, waiting, running, used / max(total, 1.0))


@inlined
def _flow_ended(w: World, net: Network, s: State, now: float) -> tuple[int, int]:
    """The replica whose step ends with a flow, and the slot whose prompt is there; -1 for none."""
    slot = net_next_slot(net)
    net_stop(net, slot, now)
    if slot < w.replicas:
        return slot, -1
    if slot < 2 * w.replicas:
        r = slot - w.replicas
        q = s.rep[r].in_head
        s.rep[r].in_head = s.req[q].queue_next
        s.req[q].queue_next = -1
        if s.rep[r].in_head < 0:
            s.rep[r].in_tail = -1
        else:
            start_ingress(w, net, s, r, now)
        return -1, q
    if slot >= 4 * w.replicas:
        weights_came(s, slot - 4 * w.replicas, now)
        return -1, -1
    if slot >= 3 * w.replicas:
        pull_ended(w, s, slot - 3 * w.replicas, now)
        return -1, -1
    r = slot - 2 * w.replicas
    if s.rep[r].out_bytes > 0.0:
        _start_egress(w, net, s, r, now)
    return -1, -1


@inlined
def _compute_ended(w: World, net: Network, s: State, now: float) -> int:
    """Ends planned steps and the compute part of the running one; its replica if it has ended."""
    rep = s.rep
    r: int = s.rep_heap.items[0]
    if rep[r].loading:
        serve(w, s, r, now)
        return -1
    if rep[r].ahead > 0:
        skip_steps(rep, s.growing, s.cache, s.lower, s.whole, w.pools, r, rep[r].ahead)
    if rep[r].shared and rep[r].moved > 0.0:
        heap_remove(s.rep_heap, r)
        rep[r].mode = COMMUNICATING
        net_start(net, r, r, rep[r].moved, now)
        return -1
    return r


@inlined
def _end_step(w: World, net: Network, s: State, r: int, now: float) -> int:
    """Ends a step; returns the first of the prompts that go on to a decode replica, or -1."""
    rep, req = s.rep, s.req
    rep[r].mode = 0
    s.whole[STEPS] += 1
    s.whole[TOKENS_OUT] += rep[r].samples
    count_step(rep, r)
    step = rep[r].step
    bucket = step % RING
    chunks = rep[r].chunks
    q = s.ring[r, bucket]
    if q >= 0 or chunks > 0 or rep[r].shared:
        close_stretch(w, s, r, now)
    if q >= 0:
        s.ring[r, bucket] = -1
    # first those that decode and end, then prompts: one loop, so that `_complete` is there once
    filling = handed = -1
    if chunks > 0:
        filling = rep[r].fill_head
    while True:
        tokens = -1
        if q >= 0:
            ended = q
            q = req[ended].ring_next
            if req[ended].finish_step == step:
                tokens = leave_decode(w, s, r, ended, step)
            else:
                req[ended].ring_next = s.ring[r, bucket]
                s.ring[r, bucket] = ended
        elif filling >= 0 and req[filling].chunk > 0:
            ended = filling
            filling = req[ended].fill_next
            req[ended].filled += req[ended].chunk
            req[ended].chunk = 0
            if req[ended].filled >= req[ended].target:
                rep[r].fill_head = filling
                if filling < 0:
                    rep[r].fill_tail = -1
                req[ended].fill_next = -1
                tokens = _prefilled(w, s, r, ended, now)
                if tokens == HANDED:
                    _hand_over(w, s, r, ended, now)
                    req[ended].queue_next = handed
                    handed = ended
        else:
            break
        if tokens >= 0:
            _complete(w, net, s, r, ended, tokens, now)
    return handed


@inlined
def _prefilled(w: World, s: State, r: int, q: int, now: float) -> int:
    """A prompt is whole, its next token is out. It is done: its KV tokens. Else it decodes on."""
    req = s.req
    if req[q].preempted:
        s.req_cause[q, lost_cause(req, q)] += now - req[q].mark_s
        req[q].preempted = 0
        mark_steps(s, r, q)
    if req[q].emitted == 0:
        req[q].first_s = now
        s.whole[TTFT_COUNT] += 1
        count_bin(s.ttft_bins, now - req[q].arrive_s)
    req[q].emitted += 1
    if req[q].emitted >= req[q].output:
        tokens: int = req[q].filled
        release_promise(w, s, r, q, tokens)
        return tokens
    if w.pools[s.rep[r].pool].role == PREFILL_ROLE:
        return HANDED
    begin_decode(w, s, r, q)
    return STAYS


@inlined
def _hand_over(w: World, s: State, r: int, q: int, now: float) -> None:
    """A prompt goes on to a decode replica; its KV stays here until that one has room for it."""
    req = s.req
    unlink_running(s, r, q)
    assign(w, s, r, -1)
    release_promise(w, s, r, q, req[q].filled)
    spend_steps(s, r, q)
    req[q].source = r
    req[q].held = req[q].blocks
    req[q].blocks = 0
    keep_blocks(s.rep, r, req[q].held + req[q].pinned * entry_blocks(w, s, r), now)
    d = choose(w, s, s.rep[r].list + 1, q, now)
    assign(w, s, d, 1)
    req[q].replica = d


@inlined
def _complete(w: World, net: Network, s: State, r: int, q: int, tokens: int, now: float) -> None:
    rep, req = s.rep, s.req
    occupy(s, -1, now)
    assign(w, s, r, -1)
    unlink_running(s, r, q)
    leave_service(w, s, q, now)
    s.tenant[req[q].tenant].completed += 1
    s.tenant[req[q].tenant].input_tokens += req[q].prompt
    s.tenant[req[q].tenant].cached_tokens += req[q].cached
    s.tenant[req[q].tenant].output_tokens += req[q].output
    spend_steps(s, r, q)
    for c in range(CAUSES):
        s.sum_cause[c] += s.req_cause[q, c]
    row = row_of(s, s.whole[COMPLETED], w.seed)
    s.whole[COMPLETED] += 1
    if row >= 0:
        s.numbers[row, 0] = req[q].arrive_s
        s.numbers[row, 1] = req[q].first_s
        s.numbers[row, 2] = now
        s.counts[row, 0] = req[q].prompt
        s.counts[row, 1] = req[q].cached
        s.counts[row, 2] = req[q].output
        s.counts[row, 3] = r
        s.counts[row, 4] = req[q].tenant
        for c in range(CAUSES):
            s.out_cause[row, c] = s.req_cause[q, c]
    if req[q].output > 1:
        s.whole[TPOT_COUNT] += 1
        count_bin(s.tpot_bins, (now - req[q].first_s) / (req[q].output - 1))
    req[q].phase = IDLE
    is_agent = q < w.agents.agents
    if is_agent:
        growth = w.agents.growth_ratio[req[q].tenant]
        s.agent[q].context += growth * (s.agent[q].append + req[q].output)
    own = req[q].blocks
    req[q].blocks = 0
    retain(w, s, r, q, tokens, own, now)
    if net.route_start[2 * w.replicas + r + 1] > net.route_start[2 * w.replicas + r]:
        rep[r].out_bytes += BYTES_A_TOKEN * req[q].output
        if not net_runs(net, 2 * w.replicas + r):
            _start_egress(w, net, s, r, now)
    if is_agent:
        after_step(w, s, q, now)
    else:
        give_slot(s, q)


@inlined
def _start_egress(w: World, net: Network, s: State, r: int, now: float) -> None:
    slot = 2 * w.replicas + r
    net_start(net, slot, slot, s.rep[r].out_bytes, now)
    s.rep[r].out_bytes = 0.0
