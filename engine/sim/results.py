"""What a run hands out: frames for the screen, raw results for the metrics."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.fault_report import FaultReport
from engine.sim.link_loads import LinkUse
from engine.sim.scaling import ScalingReport

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Samples over simulated time, oldest first; every array has one row a sample."""

    time_s: F8
    output_tokens_per_s: F8
    input_tokens_per_s: F8  # prefilled and cached prompt tokens
    ttft_p50_s: F8  # of requests that got their first token in the interval (nan: none)
    tpot_p50_s: F8
    waiting: F8  # requests waiting for a slot, all replicas
    running: F8
    kv_occupancy: F8  # used / capacity over all replicas
    cache_hit_ratio: F8  # token-weighted in the interval (nan: no prompt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One look at a running simulation; arrays are copies and may be kept."""

    time_s: float
    until_s: float
    finished: bool
    chip_utilisation: F8  # [nodes] busy share since the last frame, nan: no chip, -1: down
    link_use: LinkUse  # of every link since the last frame
    host_utilisation: F8  # [nodes] busy share of the cores, nan where not a host
    replica_running: I8  # [replicas]
    replica_waiting: I8  # [replicas]
    replica_kv_occupancy: F8  # [replicas]
    requests_completed: int
    events: int
    series: Series
    replica_up: NDArray[np.bool_]  # [replicas] it serves
    faults: FaultReport | None  # None for a run without faults


class TenantCounts(NamedTuple):
    """What has become of each tenant's requests, [tenants]."""

    arrived: I8
    completed: I8
    rejected: I8  # can never fit
    refused: I8  # at the gate: over the rate, or too many held
    failed: I8  # lost with a replica
    input_tokens: I8  # of completed requests
    cached_tokens: I8
    output_tokens: I8
    host_tokens: I8  # of prefixes that came from host memory
    storage_tokens: I8  # from the drawn storage
    peer_tokens: I8  # from another replica
    tools: I8  # of agents, begun
    tools_failed: I8
    tools_cancelled: I8  # at their time limit
    subagents: I8  # sent out


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """Everything measured in a run; rows are finished requests in order of completion.

    Beyond `engine.sim.beginning.MOST_ROWS` of them the rows are a uniform sample of all, so that
    memory does not grow with simulated time: counts, tokens and causes in sum stay exact, the share
    of requests below a value is off by a standard error of at most 0.5 / sqrt(rows).
    """

    design_hash: str
    seed: int
    until_s: float
    time_s: float
    drained: bool
    arrived: int
    completed: int
    rejected: int  # can never fit (prompt over the KV capacity or the window), or refused
    in_flight: int
    arrival_s: F8
    first_token_s: F8
    finish_s: F8
    input_tokens: I8
    cached_tokens: I8
    output_tokens: I8
    replica: I8
    tenant: I8
    tenants: TenantCounts
    faults: FaultReport | None  # None for a run without a plan of faults
    scaling: ScalingReport | None  # None where no pool is scaled
    cause_seconds: F8  # [rows, CAUSES]; a row sums to finish - arrival
    ended_cause_seconds: F8  # [CAUSES] of all requests that have ended
    open_cause_seconds: F8  # [CAUSES] so far of unfinished requests, and tools that wait for cores
    link_bytes: F8  # [links] carried until time_s
    link_busy_s: F8  # [links] integral of utilisation
    chip_busy_s: F8  # [nodes] integral of busy
    chip_compute_s: F8  # [nodes] of which arithmetic bound
    host_busy_core_s: F8  # [nodes] core seconds
    tool_wait_s: float  # core seconds waited for by tools
    preemptions: int
    occupancy_integral: float  # integral of the number of requests in the system, request s
    kv_used_token_s: F8  # [replicas]
    events: int
    steps: int
    wall_s: float
    series: Series

    @property
    def requests_a_row(self) -> float:
        """Requests that a row stands for: 1 unless the rows are a sample."""
        return self.completed / max(len(self.arrival_s), 1)
