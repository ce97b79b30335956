"""The mutable state of a run: NamedTuples of arrays, allocated here, changed only by kernels.

A request lives in a slot: its own row for an open loop, its agent's row for a closed loop. Lists
(waiting, running, prefilling, ingress, host queues) are linked through arrays of slots, -1 ends.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
I1 = NDArray[np.int8]

RING = 1024  # completion buckets of a replica, by step number modulo RING
SAMPLES = 2048
SAMPLE_COLUMNS = 12
TTFT_BINS = 512
BINS_A_DECADE = 64
FIRST_BIN_S = 1e-4


class ReplicaState(NamedTuple):
    """One row a replica."""

    step: I8  # steps done
    decoding: I4  # sequences in decode
    running: I4  # sequences admitted
    waiting: I4  # sequences in the queue
    context: I8  # summed KV tokens of decoding sequences
    free: I8  # KV blocks neither running nor cached
    blocks: I8  # KV blocks in all
    cached: I8  # blocks of cached entries
    loose: I8  # of which not pinned
    wait_head: I4
    wait_tail: I4
    run_head: I4  # in order of admission
    run_tail: I4
    fill_head: I4  # prefilling, in order of admission
    fill_tail: I4
    ring: I4  # [replicas, RING] head of the bucket of that step number
    phase: I4  # [replicas, block tokens] decoding sequences that need a block at that step
    mode: I1  # 0 idle, 1 computing, 2 communicating
    started_s: F8  # of the step
    computed_s: F8  # end of its compute part
    tokens: I4  # batch tokens of the step
    samples: I4  # tokens that the step will emit
    step_cause: F8  # [replicas, CAUSES] split of the step's compute part
    cause: F8  # [replicas, CAUSES] cumulative seconds of steps
    blocked: I1  # 1 while the head of the queue lacks KV blocks
    wait_mark: F8  # s up to which wait_kv is counted
    wait_kv: F8  # cumulative seconds in which the head lacked KV blocks
    busy_s: F8
    compute_s: F8
    kv_token_s: F8  # integral of used KV tokens
    kv_mark: F8
    latency_s: F8  # one way from the client
    remote: I1  # 1 if the coflow leaves the scale-up links
    in_head: I4  # requests whose prompts wait for the way in
    in_tail: I4
    out_bytes: F8  # bytes that wait for the way out
    lru_head: I4  # least recently used entry
    lru_tail: I4
    heap: I4
    place: I4
    key: F8
    heap_size: I8


class RequestState(NamedTuple):
    """One row a slot."""

    phase: I1  # engine.sim.kernels.serving phases
    replica: I4
    arrive_s: F8
    first_s: F8
    prompt: I4  # prompt tokens
    target: I4  # tokens to have in KV before decoding (prompt, or more after preemption)
    filled: I4  # tokens in KV
    chunk: I4  # tokens of the running step
    cached: I4
    output: I4
    emitted: I4  # tokens emitted before the present decode
    decode_step: I8  # replica step at which the decode began
    finish_step: I8
    start_tokens: I4  # KV tokens when the decode began
    blocks: I4  # own KV blocks
    pinned: I4  # entries of the prefix that are pinned
    preempted: I1
    mark_s: F8  # since when it waits, or recomputes
    mark_kv: F8  # the replica's wait_kv at that time
    mark_cause: F8  # [slots, CAUSES] the replica's causes at admission
    cause: F8  # [slots, CAUSES]
    queue_next: I4
    run_next: I4
    run_back: I4
    fill_next: I4
    ring_next: I4
    heap: I4
    place: I4
    key: F8
    heap_size: I8


class AgentState(NamedTuple):
    """One row an agent; empty for an open loop."""

    context: F8  # tokens of the conversation
    counter: I8  # draws done
    steps_left: I4
    append: F8  # of the running step
    tool_s: F8  # of the running tool
    cpu_s: F8


class HostState(NamedTuple):
    """One row a node; only hosts are used."""

    busy: I4
    head: I4
    tail: I4
    mark_s: F8
    busy_core_s: F8


class CacheState(NamedTuple):
    """Prefix entries by replica: blocks held (0 absent), pins, LRU links."""

    tokens: I4  # [replicas, entries]
    blocks: I4  # [replicas, entries]
    pins: I4  # [replicas, entries]
    after: I4  # [replicas, entries]
    before: I4  # [replicas, entries]


class OutputState(NamedTuple):
    """Finished requests in order of completion, and samples over time."""

    numbers: F8  # [capacity, 3] arrival, first token, finish
    counts: I4  # [capacity, 4] prompt, cached, output, replica
    cause: F8  # [capacity, CAUSES]
    samples: F8  # [SAMPLES, SAMPLE_COLUMNS]
    ttft_bins: I8  # [TTFT_BINS] of the running interval
    tpot_bins: I8  # [TTFT_BINS]


class Totals(NamedTuple):
    """Scalars of a run."""

    real: F8  # see REAL_*
    whole: I8  # see WHOLE_*


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
    NEXT_REPLICA,
    SAMPLE_COUNT,
    TOKENS_OUT,
    TOKENS_IN,
    TOKENS_CACHED,
    TTFT_COUNT,
    TPOT_COUNT,
) = range(15)
WHOLES = 15


class State(NamedTuple):
    """Everything that a run changes, apart from the network."""

    replica: ReplicaState
    request: RequestState
    agent: AgentState
    host: HostState
    cache: CacheState
    output: OutputState
    totals: Totals


def new_state(
    *,
    replicas: int,
    slots: int,
    agents: int,
    nodes: int,
    entries: int,
    blocks: I8,
    block_tokens: int,
    latency_s: F8,
    remote: I1,
    capacity: int,
    sample_s: float,
) -> State:
    """An empty state; `capacity` finished requests fit before the output must grow."""

    def none(*shape: int) -> I4:
        return np.full(shape, -1, np.int32)

    def ints(*shape: int) -> I4:
        return np.zeros(shape, np.int32)

    def longs(*shape: int) -> I8:
        return np.zeros(shape, np.int64)

    def bytes_(*shape: int) -> I1:
        return np.zeros(shape, np.int8)

    def reals(*shape: int) -> F8:
        return np.zeros(shape, np.float64)

    r, q = replicas, slots
    totals = Totals(reals(REALS), longs(WHOLES))
    totals.real[SAMPLE_EVERY] = sample_s
    totals.real[SAMPLE_AT] = sample_s
    return State(
        replica=ReplicaState(
            longs(r), ints(r), ints(r), ints(r), longs(r), blocks.copy(), blocks.copy(),
            longs(r), longs(r), none(r), none(r), none(r), none(r), none(r), none(r),
            none(r, RING), ints(r, block_tokens), bytes_(r), reals(r), reals(r), ints(r), ints(r),
            reals(r, CAUSES), reals(r, CAUSES), bytes_(r), reals(r), reals(r), reals(r), reals(r),
            reals(r), reals(r), latency_s.copy(), remote.copy(), none(r), none(r), reals(r),
            none(r), none(r), ints(r), none(r), reals(r), longs(1),
        ),
        request=RequestState(
            bytes_(q), none(q), reals(q), reals(q), ints(q), ints(q), ints(q), ints(q), ints(q),
            ints(q), ints(q), longs(q), longs(q), ints(q), ints(q), ints(q), bytes_(q), reals(q),
            reals(q), reals(q, CAUSES), reals(q, CAUSES), none(q), none(q), none(q), none(q),
            none(q), ints(q), none(q), reals(q), longs(1),
        ),
        agent=AgentState(
            reals(agents), longs(agents), ints(agents), reals(agents), reals(agents), reals(agents)
        ),
        host=HostState(ints(nodes), none(nodes), none(nodes), reals(nodes), reals(nodes)),
        cache=CacheState(
            ints(r, entries), ints(r, entries), ints(r, entries), none(r, entries),
            none(r, entries),
        ),
        output=OutputState(
            reals(capacity, 3), ints(capacity, 4), reals(capacity, CAUSES),
            reals(SAMPLES, SAMPLE_COLUMNS), longs(TTFT_BINS), longs(TTFT_BINS),
        ),
        totals=totals,
    )  # fmt: skip


def grown(state: State, capacity: int) -> State:
    """The same state with room for `capacity` finished requests."""
    out = state.output

    def longer(old: F8 | I4) -> F8 | I4:
        new = np.zeros((capacity, *old.shape[1:]), old.dtype)
        new[: len(old)] = old
        return new

    output = out._replace(
        numbers=longer(out.numbers), counts=longer(out.counts), cause=longer(out.cause)
    )
    return state._replace(output=output)
