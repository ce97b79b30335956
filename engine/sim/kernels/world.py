"""What the kernels of the event loop share: the tables that a run reads, phases and codes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import Cause, Role, Status
from engine.sim.state import Records
from engine.sim.tables import (
    AgentTables,
    Limits,
    RequestTables,
    ServiceTables,
    TenantLimits,
    TimingTables,
    TransferTables,
)

F8 = NDArray[np.float64]

(
    IDLE, ON_THE_WAY, IN_PIPE, WAITING, PREFILL, DECODE, THINKING, ON_CORE, CORE_QUEUE, TOOL,
    AT_RATE, AT_GATE, PULLED, JOINING, RESENT, SENT_OUT,
) = range(16)  # phases of a slot  # fmt: skip

COMPUTING, COMMUNICATING = 1, 2  # modes of a replica

DOWN, DRAINING, UP = range(3)  # REPLICA.up: draining ones get no new requests

PUSHED_OUT, LOST = 1, 2  # why a request is computed again: for KV memory, or for a fault

ROUND_ROBIN, LEAST_LOADED, SESSION_STICKY, PREFIX_AFFINITY = range(4)  # Limits.router

FROM_HOST, FROM_STORAGE, FROM_PEER = range(3)  # where a part of a prefix comes from

BYTES_A_TOKEN = 4.0  # a token id on the wire

MIXED_ROLE, PREFILL_ROLE, DECODE_ROLE = int(Role.MIXED), int(Role.PREFILL), int(Role.DECODE)

# columns that are not zero: of one step COMPUTE to AFTER_STEP - 1, of a replica with its links
AFTER_STEP = int(Cause.NETWORK_LATENCY) + 1
AFTER_REPLICA = int(Cause.SCALE_OUT) + 1

QUEUE = int(Cause.QUEUE)
KV_MEMORY = int(Cause.KV_MEMORY)
COMPUTE = int(Cause.COMPUTE)
MEMORY = int(Cause.MEMORY_BANDWIDTH)
OVERHEAD = int(Cause.OVERHEAD)
SCALE_UP = int(Cause.SCALE_UP)
SCALE_OUT = int(Cause.SCALE_OUT)
KV_TRANSFER = int(Cause.KV_TRANSFER)
ADMISSION = int(Cause.ADMISSION)
FAULT = int(Cause.FAULT)

OK = int(Status.OK)
REACHED = int(Status.REACHED)
DRAINED = int(Status.DRAINED)
TABLE_FULL = int(Status.TABLE_FULL)
STALLED = int(Status.STALLED)
STARTS = int(Status.STARTED)

(
    PREFIX, APPEND, OUTPUT, TOOL_TIME, THINK, CPU, SUB_PREFIX, ERROR,
) = range(8)  # rows of AgentTables.distributions  # fmt: skip


POOL = np.dtype(
    [
        (name, np.float64 if name in ("ttl_s", "kv_bytes", "weight_bytes") else np.int64)
        for name in Limits._fields
    ]
)
TENANT = np.dtype(
    [
        (name, np.float64 if name in ("rate_per_s", "burst", "longest_wait_s") else np.int64)
        for name in TenantLimits._fields
    ]
)


class World(NamedTuple):
    """What a run reads and never changes."""

    timing: TimingTables
    pools: Records  # [pools] POOL: the fields of `Limits`
    services: ServiceTables
    transfers: TransferTables
    tenants: Records  # [tenants] TENANT: the fields of `TenantLimits`
    requests: RequestTables  # of the open loops; none if there are only agents
    agents: AgentTables
    host_cores: F8  # [nodes]
    think_share: F8  # [tenants] share of agents that begin in thought
    seed: int
    replicas: int
    most_seqs: int  # that one event can end
    most_rows: int  # of finished requests; beyond these the rows are a uniform sample of all
    own_bytes_per_s: F8  # [replicas] rate of a coflow on links of its own, 0 where it shares some
    jump: int  # most steps of a stretch to plan ahead; 0 takes every step by itself
