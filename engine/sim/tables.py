"""Tables that kernels read: NamedTuples of arrays, each with its legend.

Units are SI: bytes, bytes/s, FLOP/s, seconds. Index arrays are int32 or int64 with -1 as 'none'.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
I1 = NDArray[np.int8]


class Heap(NamedTuple):
    """An indexed binary heap of item numbers, ordered by (key, number)."""

    items: I8  # [capacity] the heap
    place: I8  # [capacity] position of an item, -1 when it is not in
    key: F8  # [capacity] key of an item
    size: I8  # [1] items that are in


def new_heap(capacity: int) -> Heap:
    """An empty heap for the items 0..capacity-1."""
    return Heap(
        np.zeros(capacity, np.int64),
        np.full(capacity, -1, np.int64),
        np.zeros(capacity),
        np.zeros(1, np.int64),
    )


class FabricTables(NamedTuple):
    """The drawn network, expanded. Row of node_*: one chip, host, switch, NIC, storage, client.

    Row of link_*: one directed link; links come in pairs (2i forward, 2i + 1 back). A bundle of
    parallel planes or cables between the same two ends is one link with its multiplicity.
    """

    node_kind: I1  # [nodes] engine.sim.codes.NodeKind
    node_element: I4  # [nodes] index into Lowered.element_ids
    node_member: I4  # [nodes] number within that element and kind: chip 0..127 of a rack
    node_domain: I4  # [nodes] scale-up domain, -1 for none
    link_source: I4  # [links] node
    link_target: I4  # [links] node
    link_bytes_per_s: F8  # [links] capacity of the whole bundle, one direction, efficiency applied
    link_latency_s: F8  # [links]
    link_class: I1  # [links] engine.sim.codes.LinkClass
    link_drawn: I4  # [links] index into Lowered.link_ids, -1 for a link inside a rack
    link_multiplicity: I4  # [links] parallel planes or cables in the bundle


class TimingTables(NamedTuple):
    """Step time of one deployment, compiled: seconds as a function of the batch.

    A step with m batch tokens (decode + prefill), n decoding sequences that have C tokens of
    context in all, p prompt chunks with an area of A token^2 (sum over chunks x (past + x/2)) and
    s sampled sequences takes
      sum(dense_s[m]) + head_s[s] + decode_base_s[n] + decode_context_s[n] C
      + prefill_area_s[m] A + (prompt_s if p > 0) + sequence_s s
    seconds of chip time, and then moves `collective_bytes[m]` through the replica's coflow.

    A pipeline works on as many micro-batches as it has stages; the rows are of a full one. With
    fewer sequences and prompts than stages it runs empty slots: each micro-batch is as large as
    in a batch of stages / micro-batches times the tokens, contexts and areas.

    With speculative decoding a decoding sequence has `verified` tokens in a step that emits
    `accepted` of them in the mean. A step of the loop emits one, so it stands for 1/accepted of
    such a step: what the decoding sequences cost is divided by `accepted`, what prompts add is not.
    """

    dense_s: F8  # [max_tokens + 1, CAUSES] by cause; row 0 is zero
    head_s: F8  # [max_seqs + 1] language-model head and state of a sequence: memory bound
    decode_base_s: F8  # [max_seqs + 1] attention of n sequences without context
    decode_context_s: F8  # [max_seqs + 1] s per token of their summed context: memory bandwidth
    prefill_area_s: F8  # [max_tokens + 1] s per token^2: compute
    prompt_s: float  # s of a step that has prompts: its kernels are launched one by one
    sequence_s: float  # s per sampled sequence: overhead
    collective_bytes: F8  # [max_tokens + 1] bytes on the busiest link of the coflow
    verified: int  # tokens that a decoding sequence has in a step, 1 without speculation
    accepted: float  # of which are emitted in the mean, 1.0 without speculation
    stages: int  # of the pipeline


class ReplicaTables(NamedTuple):
    """Replicas and the links that their exposed communication occupies.

    The coflow of replica r occupies links coflow_link[coflow_start[r]:coflow_start[r + 1]] with
    weights coflow_weight (bytes on this link per byte of `collective_bytes`, at most 1).
    """

    chips: I4  # [replicas, chips per replica] node of each chip
    host: I4  # [replicas] node of the host that schedules it, -1 for none
    kv_tokens: I8  # [replicas] KV capacity in tokens
    coflow_start: I8  # [replicas + 1]
    coflow_link: I4  # [entries] link
    coflow_weight: F8  # [entries]
    ingress_start: I8  # [replicas + 1] route client -> host (prompt bytes)
    ingress_link: I4
    ingress_weight: F8  # share of the bytes on that link (spray over equal-cost paths)
    egress_start: I8  # [replicas + 1] route host -> client (token bytes)
    egress_link: I4
    egress_weight: F8


class RequestTables(NamedTuple):
    """Open loop or trace: one row a request, sorted by arrival (stable).

    Request i shares prefix entries entry[entry_start[i]:entry_start[i + 1]] (ids of hash blocks of
    `entry_tokens` tokens each, shared between requests) with earlier requests.

    With `concurrency` above 0 the loop is closed over the list: so many requests are in the
    system at most, and the next one comes when one is done (or at its arrival, if that is later).
    """

    arrival_s: F8  # [requests]
    input_tokens: I4  # [requests]
    output_tokens: I4  # [requests]
    entry_start: I8  # [requests + 1]
    entry: I4  # [entries] id of a cacheable block, 0..blocks-1
    entry_tokens: int  # tokens of one block
    concurrency: int  # 0: an open loop


class AgentTables(NamedTuple):
    """Closed loop: agents and the distributions of their steps.

    Row of `distributions` (engine.sim.codes order: prefix, append, output, tool, think, cpu):
    median, sigma of the logarithm, low, high.
    """

    agents: int
    distributions: F8  # [6, 4]
    steps_per_task: float
    growth_ratio: float
    compact_to: float
    window_tokens: int
    warm_start: bool
    host_of_agent: I4  # [agents] node of the host that runs its tools, -1 for none


class Limits(NamedTuple):
    """Scheduler limits of the deployment, as plain numbers for kernels."""

    max_seqs: int
    max_batched_tokens: int
    chunked_prefill: bool
    prefix_cache: bool
    block_tokens: int
    router: int  # 0 round robin, 1 least loaded, 2 session sticky
    window_tokens: int  # longest context that the model serves
    no_evict: bool  # admit a request only if its whole output will fit: nobody is pushed out
