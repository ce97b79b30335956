"""What the kernels of the event loop share: the tables that a run reads, phases and codes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import Cause, Status
from engine.sim.tables import AgentTables, Limits, RequestTables, TimingTables

F8 = NDArray[np.float64]

(
    IDLE, ON_THE_WAY, IN_PIPE, WAITING, PREFILL, DECODE, THINKING, ON_CORE, CORE_QUEUE, TOOL,
) = range(10)  # phases of a slot  # fmt: skip

COMPUTING, COMMUNICATING = 1, 2  # modes of a replica

ROUND_ROBIN, LEAST_LOADED, SESSION_STICKY = range(3)  # Limits.router

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
TABLE_FULL = int(Status.TABLE_FULL)
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
    own_bytes_per_s: F8  # [replicas] rate of a coflow on links of its own, 0 where it shares some
    jump: int  # most steps of a stretch to plan ahead; 0 takes every step by itself
