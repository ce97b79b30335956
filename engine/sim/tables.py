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

NO_TENANTS = np.empty(0, np.int32)
PRIORITIES = 4


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
    """Step time of every pool, compiled: seconds as a function of the batch.

    The first axis is the pool; rows beyond a pool's own limits repeat its last. A step with m batch tokens (decode + prefill), n decoding sequences that have C tokens of
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

    dense_s: F8  # [pools, max_tokens + 1, CAUSES] by cause; row 0 is zero
    head_s: F8  # [pools, max_seqs + 1] language-model head and state of a sequence: memory bound
    decode_base_s: F8  # [pools, max_seqs + 1] attention of n sequences without context
    decode_context_s: F8  # [pools, max_seqs + 1] s per token of their summed context: memory
    prefill_area_s: F8  # [pools, max_tokens + 1] s per token^2: compute
    prompt_s: F8  # [pools] of a step that has prompts: its kernels are launched one by one
    sequence_s: F8  # [pools] per sampled sequence: overhead
    collective_bytes: F8  # [pools, max_tokens + 1] bytes on the busiest link of the coflow
    verified: I8  # [pools] tokens that a decoding sequence has in a step, 1 without speculation
    accepted: F8  # [pools] of which are emitted in the mean, 1.0 without speculation
    stages: I8  # [pools] of the pipeline
    last_row: I8  # [pools] largest number of tokens that a pool has a row for


class ReplicaTables(NamedTuple):
    """Replicas and the links that their exposed communication occupies.

    The replicas of a pool follow one another. The coflow of replica r occupies links
    coflow_link[coflow_start[r]:coflow_start[r + 1]] with weights coflow_weight (bytes on this link
    per byte of `collective_bytes`, at most 1).
    """

    pool: I4  # [replicas] engine.sim.lower.Lowered.pools
    chip_start: I8  # [replicas + 1] chips of replica r: chip[chip_start[r]:chip_start[r + 1]]
    chip: I4  # [chips in use] node of each chip
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

    @property
    def total(self) -> int:
        """Number of replicas."""
        return len(self.pool)

    @property
    def owner(self) -> I8:
        """[chips in use] replica of each chip."""
        return np.repeat(np.arange(len(self.pool)), np.diff(self.chip_start))


class TransferTables(NamedTuple):
    """Ways of KV and of weights into replicas.

    Prefill replica number i of its service and decode replica number j of it have the route
    `first[r of the decode replica] + i`; a replica that shares prefixes has the route `peer[r] + i`
    from replica number i of its list.
    """

    first: I8  # [replicas] first route into a decode replica, -1 for others
    peer: I8  # [replicas] first route from the replicas of its own list, -1 for none
    host: I8  # [replicas] route from its host's memory, -1 for none
    storage: I8  # [replicas] route from the drawn storage, -1 for none
    start: I8  # [routes + 1]
    link: I4  # [entries]
    weight: F8  # [entries] share of the bytes on that link
    latency_s: F8  # [routes]
    alive: I8  # [routes] 0 where there is no path any more


def no_transfers(replicas: int) -> TransferTables:
    """Tables of a design where nothing is moved into replicas."""
    none = np.full(replicas, -1, np.int64)
    nowhere = np.empty(0, np.int32)
    return TransferTables(
        none,
        none,
        none,
        none,
        np.zeros(1, np.int64),
        nowhere,
        np.empty(0),
        np.empty(0),
        np.empty(0, np.int64),
    )


class ServiceTables(NamedTuple):
    """Which replicas a request may be sent to: list 2k takes the requests of service k.

    List 2k + 1 has its decode replicas, and is empty where the first one decodes itself.
    """

    start: I8  # [2 services + 1] replicas of list l: replica[start[l]:start[l + 1]]
    replica: I4  # [entries]
    router: I8  # [2 services] engine.sim.kernels.world: ROUND_ROBIN ...
    capacity_tokens: I8  # [2 services] KV of the smallest replica
    longest_prompt: I8  # [2 services] that a step of any replica may begin
    window_tokens: I8  # [2 services] longest context that the model serves
    cached: I8  # [2 services] 1 where all replicas keep prefixes
    tree: I8  # [2 services + 1] places of the list in State.tree; empty unless it asks for loads
    slack: I8  # [2 services] requests more than the least loaded that a prefix is worth


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
    tenant: I4 = NO_TENANTS  # [requests] row of the tenants; empty: all are of the first


class AgentTables(NamedTuple):
    """Closed loop: agents and the distributions of their steps.

    Row of a tenant's `distributions` (engine.sim.kernels.world order: prefix, append, output,
    tool, think, cpu, prefix of a sub-agent, error): median, sigma of the logarithm, low, high.

    Rows of sub-agents come after those of the agents: `subagents` of its tenant for each agent.
    """

    agents: int  # rows, sub-agents too
    distributions: F8  # [tenants, LAWS, 4]
    steps_per_task: F8  # [tenants]
    growth_ratio: F8  # [tenants]
    compact_to: F8  # [tenants] share of the window
    window_tokens: I8  # [tenants]
    warm_start: NDArray[np.bool_]  # [tenants]
    tenant: I4  # [agents]
    host_of_agent: I4  # [agents] node of the host that runs its tools, -1 for none
    parent: I4  # [agents] who sends it out, -1 for those that nobody does
    first_child: I4  # [agents] its first sub-agent, -1 for none
    subagents: I8  # [tenants] sent out at once
    fanout_share: F8  # [tenants] share of steps that send them out
    subagent_steps: F8  # [tenants] mean of their tasks
    tool_fail_share: F8  # [tenants]
    tool_timeout_s: F8  # [tenants] 0 for none


class Limits(NamedTuple):
    """Scheduler limits of one pool, as plain numbers; a row of the kernels' POOL records."""

    max_seqs: int
    max_batched_tokens: int
    chunked_prefill: bool
    prefix_cache: bool
    block_tokens: int
    router: int  # 0 round robin, 1 least loaded, 2 session sticky, 3 prefix affinity
    window_tokens: int  # longest context that the model serves
    no_evict: bool  # admit a request only if its whole output will fit: nobody is pushed out
    role: int = 0  # engine.sim.codes.Role
    service: int = 0  # number of the service that it is part of
    slack: int = 8  # requests more than the least loaded that a prefix is worth
    shares: bool = False  # a replica fetches prefixes that only another one has
    host_tokens: int = 0  # prefixes that a replica keeps in host memory
    storage_tokens: int = 0  # and on the drawn storage
    ttl_s: float = 0.0  # a prefix is forgotten so long after its last use, 0: never
    kv_bytes: float = 0.0  # of one token in one copy, as it is moved
    weight_bytes: float = 0.0  # of a whole replica


class TenantLimits(NamedTuple):
    """What one tenant may do; a row of the kernels' TENANT records."""

    service: int = 0
    priority: int = 0  # 0 to PRIORITIES - 1, the least first
    rate_per_s: float = 0.0  # requests/s let in, 0 for no limit
    burst: float = 1.0  # requests that may come at once
    longest_wait_s: float = 0.0  # at the gate for the rate; a longer one is refused
    most_in_flight: int = 0  # requests beyond the gate, 0 for no limit
    most_held: int = 0  # requests held at the gate for these, more are refused
