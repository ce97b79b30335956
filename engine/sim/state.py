"""The mutable state of a run: records and arrays, allocated here, changed only by kernels.

A table is one array of records (`state.req[q].prompt` in a kernel, `state.req["prompt"]` from
Python): an event touches one or two cache lines, and a kernel gets a few arrays instead of a
hundred, which cut its compile time by four.

A request lives in a slot: its agent's row for a closed loop, for an open loop the lowest that is
free, so that memory follows the requests in the system and not those of the whole run. Lists
(waiting, running, prefilling, ingress, host queues) are linked through arrays of slots, -1 ends.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.tables import PRIORITIES, Heap, ServiceTables, new_heap

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
Records = Any  # an array of records; numpy cannot type their fields

WHOLE, REAL = np.int64, np.float64

RING = 1024  # completion buckets of a replica, by step number modulo RING
SAMPLES = 2048
SAMPLE_COLUMNS = 12
TTFT_BINS = 512
BINS_A_DECADE = 64
FIRST_BIN_S = 1e-4


REPLICA = np.dtype(  # one row a replica
    [
        ("pool", WHOLE),
        ("list", WHOLE),  # of ServiceTables
        ("seat", WHOLE),  # its place in that list
        ("up", WHOLE),  # engine.sim.kernels.world: DOWN, DRAINING, UP
        ("down_mark", REAL),  # s since when it is
        ("down_s", REAL),  # before that
        ("step", WHOLE),  # steps done
        ("decoding", WHOLE),  # sequences in decode
        ("running", WHOLE),  # sequences admitted
        ("assigned", WHOLE),  # requests on their way to it, waiting or running
        ("waiting", WHOLE),  # sequences in the queue
        ("context", WHOLE),  # summed KV tokens of decoding sequences
        ("free", WHOLE),  # KV blocks neither running nor cached
        ("blocks", WHOLE),  # KV blocks in all
        ("promised", WHOLE),  # free blocks that running sequences will still take (no_evict)
        ("cached", WHOLE),  # blocks of cached entries
        ("loose", WHOLE),  # of which not pinned
        ("wait_head", WHOLE),
        ("run_head", WHOLE),  # in order of admission
        ("run_tail", WHOLE),
        ("fill_head", WHOLE),  # prefilling, in order of admission
        ("fill_tail", WHOLE),
        ("mode", WHOLE),  # 0 idle, 1 computing, 2 communicating over shared links
        ("samples", WHOLE),  # tokens that the running step will emit
        ("chunks", WHOLE),  # prompt chunks of the running step
        ("moved", REAL),  # bytes that a step of the stretch moves
        ("start_s", REAL),  # of the stretch: equal steps one after the other
        ("done", WHOLE),  # steps of it that have ended
        ("ahead", WHOLE),  # steps of it planned after the running one
        ("base_s", REAL),  # compute part of a step, without contexts
        ("slope_s", REAL),  # s per token of summed context
        ("link_s", REAL),  # a step's time on links of its own
        ("shared", WHOLE),  # 1 if the steps of the stretch move their bytes through the network
        ("stale", WHOLE),  # 1 if links have changed since the stretch began
        ("first_context", WHOLE),  # summed context of its first step
        ("used", WHOLE),  # KV blocks used in its first step
        ("growth", WHOLE),  # blocks that have come since
        ("growth_sum", WHOLE),  # sum of growth over the ended steps
        ("growth_moment", WHOLE),  # sum of growth x number of the step
        ("blocked", WHOLE),  # 1 while the head of the queue lacks KV blocks
        ("wait_mark", REAL),  # s up to which wait_kv is counted
        ("wait_kv", REAL),  # cumulative seconds in which the head lacked KV blocks
        ("busy_s", REAL),  # this and the next four: of stretches that are closed
        ("compute_s", REAL),
        ("kv_token_s", REAL),  # integral of used KV tokens
        ("own_link_s", REAL),  # seconds on links of its own
        ("own_link_bytes", REAL),  # bytes over them
        ("loading", WHOLE),  # 1 while its weights come or its process starts
        ("start_wait_s", REAL),  # of the process, once the weights are there
        ("latency_s", REAL),  # one way from the client
        ("remote", WHOLE),  # 1 if the coflow leaves the scale-up links
        (
            "pull_head",
            WHOLE,
        ),  # requests whose KV comes from a prefill replica, the first on its way
        ("pull_tail", WHOLE),
        ("pulls", WHOLE),  # their number
        ("pulling", WHOLE),  # 1 while the first is on its way
        ("kept", WHOLE),  # KV blocks of requests between two replicas
        ("kept_mark", REAL),  # s up to which kept_s is counted
        ("kept_s", REAL),  # integral of kept, block s
        ("kicked", WHOLE),  # 1 while it is on State.kicked
        ("join_head", WHOLE),  # requests whose KV has come: they decode from the next step on
        ("join_tail", WHOLE),
        ("in_head", WHOLE),  # requests whose prompts wait for the way in
        ("in_tail", WHOLE),
        ("out_bytes", REAL),  # bytes that wait for the way out
        ("lru_head", WHOLE),  # least recently used entry
        ("lru_tail", WHOLE),
    ],
    align=True,
)
REQUEST = np.dtype(  # one row a slot
    [
        ("phase", WHOLE),  # engine.sim.kernels.world phases
        ("row", WHOLE),  # of the request's tables; an agent's slot needs none
        ("tenant", WHOLE),
        ("priority", WHOLE),  # of its tenant
        ("replica", WHOLE),
        ("source", WHOLE),  # prefill replica that keeps its KV until it is pulled, -1 for none
        ("held", WHOLE),  # KV blocks that it keeps
        ("fetch", WHOLE),  # tokens of its prefix that come from elsewhere, 0 for none
        ("fetch_kind", WHOLE),  # FROM_HOST, FROM_STORAGE, FROM_PEER
        ("fetch_source", WHOLE),  # replica that they come from, -1 for a lower tier
        ("way", WHOLE),  # route of what comes: of TransferTables
        ("arrive_s", REAL),
        ("first_s", REAL),
        ("prompt", WHOLE),  # prompt tokens
        (
            "target",
            WHOLE,
        ),  # tokens to have in KV before decoding (prompt, or more after preemption)
        ("filled", WHOLE),  # tokens in KV
        ("chunk", WHOLE),  # tokens of the running step
        ("cached", WHOLE),
        ("output", WHOLE),
        ("emitted", WHOLE),  # tokens emitted before the present decode
        ("decode_step", WHOLE),  # replica step at which the decode began
        ("finish_step", WHOLE),
        ("start_tokens", WHOLE),  # KV tokens when the decode began
        ("blocks", WHOLE),  # own KV blocks
        ("pinned", WHOLE),  # entries of the prefix that are pinned
        ("preempted", WHOLE),  # PUSHED_OUT or LOST while it waits or is computed again, else 0
        ("mark_s", REAL),  # since when it waits, or recomputes
        ("mark_kv", REAL),  # the replica's wait_kv at that time
        ("mark_down", REAL),  # the replica's seconds down at that time
        ("queue_next", WHOLE),
        ("run_next", WHOLE),
        ("run_back", WHOLE),
        ("fill_next", WHOLE),
        ("ring_next", WHOLE),
    ],
    align=True,
)
AGENT = np.dtype(  # one row an agent; empty for an open loop
    [
        ("context", REAL),  # tokens of the conversation
        ("counter", WHOLE),  # draws done
        ("steps_left", WHOLE),
        ("append", REAL),  # of the running step
        ("tool_s", REAL),  # of the running tool
        ("cpu_s", REAL),
        ("tooling", WHOLE),  # 1 while a tool runs or waits for a core
        ("failed", WHOLE),  # 1 if it has failed or was cancelled
        ("extra", REAL),  # tokens to append besides: reports of sub-agents, or the error
        ("pending", WHOLE),  # sub-agents that have not ended
        ("host", WHOLE),  # node of the host that its tools run on, -1 for none
    ],
    align=True,
)
HOST = np.dtype(  # one row a node; only hosts are used
    [
        ("down", WHOLE),  # 1 while it is
        ("busy", WHOLE),
        ("head", WHOLE),
        ("tail", WHOLE),
        ("mark_s", REAL),
        ("busy_core_s", REAL),
    ],
    align=True,
)
SHORT = np.int32

CACHE = np.dtype(  # one row a (replica, prefix entry)
    [
        ("tokens", SHORT),
        ("blocks", SHORT),  # KV blocks held, 0 when absent
        ("pins", SHORT),  # requests that use it now
        ("holder", SHORT),  # row 0: the replica that had it last
        ("after", SHORT),  # next in order of last use
        ("before", SHORT),
        ("low", SHORT),  # tokens of the copy in a lower tier, 0 when absent
        ("tier", SHORT),  # 0 host memory, 1 storage
        ("low_after", SHORT),  # next of that tier in order of last use
        ("low_before", SHORT),
        ("used_s", REAL),  # last use
        ("low_used_s", REAL),  # last use of the copy
    ],
    align=True,
)
LOWER = np.dtype(  # one row a (replica, lower tier); no rows where nobody has any
    [
        ("room", WHOLE),  # tokens that it holds at most
        ("used", WHOLE),
        ("head", WHOLE),  # least recently used entry
        ("tail", WHOLE),
        ("written", WHOLE),  # tokens that have come in
    ],
    align=True,
)

TENANT_STATE = np.dtype(  # one row a tenant
    [
        ("arrived", WHOLE),
        ("completed", WHOLE),
        ("rejected", WHOLE),  # can never fit
        ("refused", WHOLE),  # at the gate: over the rate, or too many held
        ("failed", WHOLE),  # lost with a replica
        ("input_tokens", WHOLE),  # of completed requests
        ("cached_tokens", WHOLE),
        ("host_tokens", WHOLE),  # of which came from host memory
        ("storage_tokens", WHOLE),  # from storage
        ("peer_tokens", WHOLE),  # from another replica
        ("tools", WHOLE),  # begun
        ("tools_failed", WHOLE),
        ("tools_cancelled", WHOLE),
        ("subagents", WHOLE),  # sent out
        ("output_tokens", WHOLE),
        ("in_flight", WHOLE),  # beyond the gate
        ("held", WHOLE),  # at the gate for one in flight to end
        ("gate_head", WHOLE),
        ("gate_tail", WHOLE),
        ("free_s", REAL),  # when the next request may pass the rate (GCRA, theoretical arrival)
    ],
    align=True,
)

NOW, OCCUPANCY, OCCUPANCY_MARK, TOOL_WAIT, SAMPLE_EVERY, SAMPLE_AT = range(6)
REALS = 6
(
    NEXT_ARRIVAL,
    ARRIVED,
    COMPLETED,
    REJECTED,
    IN_SYSTEM,
    EVENTS,
    STEPS,
    PREEMPTIONS,
    SAMPLE_COUNT,
    TOKENS_OUT,
    TOKENS_IN,
    TOKENS_CACHED,
    TTFT_COUNT,
    TPOT_COUNT,
    LOGGED,
    FREE_SLOTS,
    THROUGH,  # 1 if every event up to and at NOW has been processed, 0 if some at NOW may be left
    KICKED,  # replicas on State.kicked
    STARTED,  # replicas that serve since the loop was called
    PASSED,  # steps of replicas below this number that end at NOW have ended
) = range(20)
WHOLES = 20

# columns of a step in `State.log`: what its time is a function of, and when it began
(
    LOG_REPLICA,
    LOG_STARTED_S,
    LOG_TOKENS,
    LOG_SAMPLES,
    LOG_DECODING,
    LOG_CONTEXT,
    LOG_CHUNKS,
    LOG_AREA,
) = range(8)
LOG_COLUMNS = 8


class State(NamedTuple):
    """Everything that a run changes, apart from the network."""

    real: F8  # [REALS]
    whole: I8  # [WHOLES]
    rep: Records  # [replicas] REPLICA
    ring: I4  # [replicas, RING] first slot that finishes at that step number, -1
    growing: I8  # [replicas, block tokens] decoding sequences that need a block at that step
    rep_cause: F8  # [replicas, CAUSES] cumulative seconds of steps
    step_cause: F8  # [replicas, CAUSES] split of a step of the stretch, without contexts
    rep_heap: Heap  # replicas by the end of their compute part, or of their stretch
    tails: I4  # [replicas, PRIORITIES] last of the queue of each priority, -1
    kicked: I4  # [replicas] replicas that may begin a step once the event is over: a stack
    next_seat: I8  # [lists] whose turn it is (round robin)
    tree: I4  # [places] winner trees of lists: the replica with the least requests at the root
    tenant: Records  # [tenants] TENANT_STATE
    req: Records  # [slots] REQUEST
    req_cause: F8  # [slots, CAUSES]
    mark_cause: F8  # [slots, CAUSES] the replica's causes at admission
    req_heap: Heap  # slots by their next timed event
    free_slots: I8  # [slots - agents] a heap of those that no request has
    agent: Records  # [agents] AGENT
    host: Records  # [nodes] HOST
    cache: Records  # [replicas, entries] CACHE; one row where an entry has one replica at most
    lower: Records  # [replicas, 2] LOWER; no rows without lower tiers
    numbers: F8  # [capacity, 3] finished requests: arrival, first token, finish
    counts: I8  # [capacity, 5] prompt, cached, output, replica, tenant
    out_cause: F8  # [capacity, CAUSES]
    sum_cause: F8  # [CAUSES] of all requests that have ended
    samples: F8  # [SAMPLES, SAMPLE_COLUMNS]
    ttft_bins: I8  # [TTFT_BINS] of the running interval
    tpot_bins: I8  # [TTFT_BINS]
    log: F8  # [rows, LOG_COLUMNS] the first steps of the run; no rows unless asked for


def new_state(
    *,
    replicas: int,
    slots: int,
    agents: int,
    nodes: int,
    entries: int,
    blocks: I8,
    block_tokens: int,
    cache_rows: int,
    lower_tokens: I8,
    pool: NDArray[np.int32],
    services: ServiceTables,
    tenants: int,
    latency_s: F8,
    remote: NDArray[np.bool_],
    capacity: int,
    sample_s: float,
    log_steps: int = 0,
) -> State:
    """An empty state; `capacity` finished requests fit before the output must grow.

    Args:
        replicas: to serve.
        slots: those of agents, and room for others before the table must grow.
        agents: each has a slot of its own, the first ones.
        nodes: of the fabric.
        entries: prefix entries.
        blocks: [replicas] KV blocks.
        block_tokens: tokens of the largest block.
        cache_rows: `replicas`, or 1 where an entry is cached by one replica at most.
        lower_tokens: [replicas, 2] what host memory and storage hold of prefixes; no rows for none.
        pool: [replicas] of each.
        services: the lists of replicas.
        tenants: rows.
        latency_s: [replicas] one way from the client.
        remote: [replicas] the coflow leaves the scale-up links.
        capacity: finished requests.
        sample_s: seconds between samples.
        log_steps: steps to log.
    """
    real = np.zeros(REALS)
    real[[SAMPLE_EVERY, SAMPLE_AT]] = sample_s
    rep = np.zeros(replicas, REPLICA)
    for name in ("run", "fill", "in", "lru", "pull", "join"):
        rep[f"{name}_head"] = rep[f"{name}_tail"] = -1
    rep["wait_head"] = -1
    rep["pool"] = pool
    rep["up"] = 2  # engine.sim.kernels.world.UP
    lists = np.repeat(np.arange(len(services.start) - 1), np.diff(services.start))
    rep["list"][services.replica] = lists
    rep["seat"][services.replica] = np.arange(len(lists)) - services.start[lists]
    tenant = np.zeros(tenants, TENANT_STATE)
    tenant["gate_head"] = tenant["gate_tail"] = -1
    rep["blocks"] = rep["free"] = blocks
    rep["latency_s"] = latency_s
    rep["remote"] = remote
    host = np.zeros(nodes, HOST)
    host["head"] = host["tail"] = -1
    cache = np.zeros((cache_rows, entries), CACHE)
    for name in ("after", "before", "low_after", "low_before", "holder"):
        cache[name] = -1
    lower = np.zeros((len(lower_tokens), 2), LOWER)
    lower["room"] = lower_tokens
    lower["head"] = lower["tail"] = -1
    whole = np.zeros(WHOLES, np.int64)
    whole[FREE_SLOTS] = slots - agents
    return State(
        real=real,
        whole=whole,
        rep=rep,
        ring=np.full((replicas, RING), -1, np.int32),
        growing=np.zeros((replicas, block_tokens), np.int64),
        rep_cause=np.zeros((replicas, CAUSES)),
        step_cause=np.zeros((replicas, CAUSES)),
        rep_heap=new_heap(replicas),
        tails=np.full((replicas, PRIORITIES), -1, np.int32),
        kicked=np.zeros(replicas, np.int32),
        next_seat=np.zeros(len(services.start) - 1, np.int64),
        tree=_first_tree(services),
        tenant=tenant,
        req=_new_slots(slots),
        free_slots=np.arange(agents, slots, dtype=np.int64),
        req_cause=np.zeros((slots, CAUSES)),
        mark_cause=np.zeros((slots, CAUSES)),
        req_heap=new_heap(slots),
        agent=np.zeros(agents, AGENT),
        host=host,
        cache=cache,
        lower=lower,
        numbers=np.zeros((capacity, 3)),
        counts=np.zeros((capacity, 5), np.int64),
        out_cause=np.zeros((capacity, CAUSES)),
        sum_cause=np.zeros(CAUSES),
        samples=np.zeros((SAMPLES, SAMPLE_COLUMNS)),
        ttft_bins=np.zeros(TTFT_BINS, np.int64),
        tpot_bins=np.zeros(TTFT_BINS, np.int64),
        log=np.zeros((log_steps, LOG_COLUMNS)),
    )


def _first_tree(services: ServiceTables) -> I4:
    """Winner trees of replicas without requests: the leftmost leaf wins everywhere."""
    tree = np.full(int(services.tree[-1]), -1, np.int32)
    for number in range(len(services.start) - 1):
        members = services.replica[services.start[number] : services.start[number + 1]]
        mine = tree[services.tree[number] : services.tree[number + 1]]
        if len(mine):
            leaves = len(mine) // 2
            mine[leaves : leaves + len(members)] = members
            for at in range(leaves - 1, 0, -1):
                mine[at] = mine[2 * at]
    return tree


def grown(state: State, capacity: int) -> State:
    """The same state with room for `capacity` finished requests."""
    done = len(state.numbers)
    numbers = np.zeros((capacity, 3))
    counts = np.zeros((capacity, 5), np.int64)
    cause = np.zeros((capacity, CAUSES))
    numbers[:done], counts[:done], cause[:done] = state.numbers, state.counts, state.out_cause
    return state._replace(numbers=numbers, counts=counts, out_cause=cause)


def with_more_slots(state: State, slots: int) -> State:
    """The same state with room for `slots` requests in the system; all that there are is in use."""
    old = len(state.req)
    req, heap = _new_slots(slots), new_heap(slots)
    req[:old] = state.req
    for mine, theirs in zip(heap[:3], state.req_heap[:3], strict=True):
        mine[:old] = theirs
    causes = [np.zeros((slots, CAUSES)) for _ in range(2)]
    causes[0][:old], causes[1][:old] = state.req_cause, state.mark_cause
    free = np.zeros(slots - len(state.agent), np.int64)
    free[: slots - old] = np.arange(old, slots)
    state.whole[FREE_SLOTS] = slots - old
    return state._replace(
        req=req,
        req_cause=causes[0],
        mark_cause=causes[1],
        req_heap=heap._replace(size=state.req_heap.size),
        free_slots=free,
    )


def _new_slots(slots: int) -> Records:
    req = np.zeros(slots, REQUEST)
    for name in (
        "replica",
        "source",
        "fetch_source",
        "way",
        "queue_next",
        "run_next",
        "run_back",
        "fill_next",
        "ring_next",
    ):
        req[name] = -1
    return req
