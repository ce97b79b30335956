"""WorkloadSpec: the document section that says who asks for what, and when."""

from enum import StrEnum
from typing import Any

import msgspec


class WorkloadKind(StrEnum):
    """How requests come: open loop, closed loop of clients or agents, or a trace file."""

    POISSON = "poisson"
    CLIENTS = "clients"
    AGENTS = "agents"
    TRACE = "trace"


class LogNormal(msgspec.Struct, frozen=True, kw_only=True):
    """A log-normal distribution by its median and the sigma of its logarithm, clipped."""

    median: float
    sigma: float
    low: float = 0.0
    high: float = 1e12
    extra: dict[str, Any] = {}


class WorkloadSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. Only the fields of its kind are read; lengths in tokens, times in seconds.

    Clients: `clients` of them, each sends its next request as soon as the last one is answered,
    `requests` in all (0: ten for each client); lengths are drawn as in an open loop.

    Agents: `agents` sessions, each a loop of think -> task of steps (mean `steps_per_task`,
    geometric); a step prefills what is not cached of (context + append), decodes `output`
    tokens, then runs a tool for `tool_s` which burns `tool_cpu_s` on a host core. The context
    starts at `prefix`, grows by `growth_ratio` x (append + output) a step and is compacted to
    `compact_to` of the model's window when it would overflow.

    After a share `fanout_share` of its steps an agent runs no tool but sends out `subagents`, each
    with a new context of `subagent_prefix_tokens` and a task of its own (mean `subagent_steps`); it
    goes on when all have ended, with their last outputs appended. A share `tool_fail_share` of tools
    fails at a uniform time of its run; one that takes longer than `tool_timeout_s` is cancelled
    then (0: never). Either way `error_tokens` are appended in place of a result and the task takes a
    step more.
    """

    kind: WorkloadKind = WorkloadKind.AGENTS
    profile: str = "coding-agent"
    agents: int = 100
    rate_per_s: float = 1.0
    clients: int = 16
    requests: int = 0  # open loop: stop after so many (0: no limit)
    input_tokens: LogNormal = LogNormal(median=1000.0, sigma=1.0, low=1.0, high=131072.0)
    output_tokens: LogNormal = LogNormal(median=200.0, sigma=1.0, low=1.0, high=16384.0)
    prefix_tokens: LogNormal = LogNormal(median=118656.0, sigma=0.658, low=1024.0, high=1e9)
    append_tokens: LogNormal = LogNormal(median=875.0, sigma=2.0, low=1.0, high=1e9)
    tool_s: LogNormal = LogNormal(median=0.3, sigma=2.5, low=0.0, high=3600.0)
    think_s: LogNormal = LogNormal(median=86.0, sigma=2.0, low=0.0, high=86400.0)
    tool_cpu_s: LogNormal = LogNormal(median=0.1, sigma=1.0, low=0.0, high=600.0)
    steps_per_task: float = 8.8
    growth_ratio: float = 0.26
    compact_to: float = 0.3
    fanout_share: float = 0.0
    subagents: int = 3
    subagent_steps: float = 5.0
    subagent_prefix_tokens: LogNormal = LogNormal(median=12000.0, sigma=0.5, low=256.0, high=1e9)
    tool_fail_share: float = 0.0
    tool_timeout_s: float = 0.0
    error_tokens: LogNormal = LogNormal(median=150.0, sigma=0.8, low=1.0, high=1e9)
    warm_start: bool = True  # agents begin with their context cached and at random phases
    trace_path: str = ""
    trace_format: str = ""
    extra: dict[str, Any] = {}
