"""The load of a scenario as tables: open-loop requests, traces, agents."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.scenario import Scenario
from engine.sim.codes import NodeKind
from engine.sim.tables import AgentTables, FabricTables, RequestTables
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace

MAX_REQUESTS = 20_000_000
REQUESTS_A_CLIENT = 10  # of a closed loop, where the workload does not say


def request_tables(scenario: Scenario) -> RequestTables | None:
    """Requests of an open loop or a trace, sorted by arrival; None for agents.

    Raises:
        ScenarioError: a rate or distribution that cannot be, or a trace that was not read.
    """
    workload = scenario.design.workload
    if scenario.trace is not None:
        return from_trace(scenario.trace, scenario.design.deployment.kv_block_tokens)
    if workload.kind is WorkloadKind.AGENTS:
        return None
    if workload.kind is WorkloadKind.TRACE:
        raise ScenarioError(
            "workload", "its trace file was not read", "give the trace (--trace FILE)"
        )
    if workload.kind is WorkloadKind.CLIENTS:
        return _clients(workload, scenario.seed)
    return _poisson(workload, scenario.until_s, scenario.seed)


def from_trace(trace: RequestTrace, kv_block_tokens: int, concurrency: int = 0) -> RequestTables:
    """The requests of a trace; with `concurrency` as a closed loop over its list."""
    trace = with_whole_blocks(trace, kv_block_tokens)
    return RequestTables(
        arrival_s=trace.arrival_s.astype(np.float64),
        input_tokens=trace.input_tokens.astype(np.int32),
        output_tokens=trace.output_tokens.astype(np.int32),
        entry_start=trace.block_start.astype(np.int64),
        entry=trace.blocks.astype(np.int32),
        entry_tokens=int(trace.block_tokens),
        concurrency=concurrency,
    )


def with_whole_blocks(trace: RequestTrace, kv_block_tokens: int) -> RequestTrace:
    """The trace with hash blocks of at least one KV block: shorter ones are joined in a row.

    A KV block is shared as a whole or not at all, so that a joined block is equal where all its
    parts are; what is left at the end of a prompt fills no block and is not shared.
    """
    joined = -(-kv_block_tokens // trace.block_tokens) if trace.block_tokens else 1
    if joined < 2:
        return trace
    names: dict[tuple[int, ...], int] = {}
    starts, blocks = [0], []
    for first, last in itertools.pairwise(trace.block_start.tolist()):
        row = trace.blocks[first:last].tolist()
        for at in range(0, len(row) - joined + 1, joined):
            key = tuple(row[at : at + joined])
            blocks.append(names.setdefault(key, len(names)))
        starts.append(len(blocks))
    return trace._replace(
        block_start=np.array(starts, np.int64),
        blocks=np.array(blocks, np.int32),
        block_tokens=joined * trace.block_tokens,
    )


def _poisson(workload: WorkloadSpec, until_s: float, seed: int) -> RequestTables:
    rate = workload.rate_per_s
    if not (math.isfinite(rate) and rate > 0):
        raise ScenarioError("workload rate", f"it is {rate} requests/s", "set a rate above zero")
    expected = rate * until_s
    limit = min(workload.requests or MAX_REQUESTS, MAX_REQUESTS)
    if not workload.requests and expected > MAX_REQUESTS:
        raise ScenarioError(
            "workload rate",
            f"{rate:g} requests/s for {until_s:g} s are {expected:.3g} requests, "
            f"over {MAX_REQUESTS:,}",
            "lower the rate or the horizon",
        )
    generator = np.random.default_rng([seed, 1])
    count = min(limit, int(expected + 10 * math.sqrt(expected) + 16))
    arrivals = np.cumsum(generator.exponential(1.0 / rate, count))
    arrivals = arrivals[arrivals <= until_s]
    return _drawn(workload, arrivals, seed, 0)


def _clients(workload: WorkloadSpec, seed: int) -> RequestTables:
    """Requests of a closed loop: all may come at once, `clients` of them are in the system."""
    if not 1 <= workload.clients <= 1_000_000:
        raise ScenarioError(
            "workload clients", f"it is {workload.clients}", "set 1 to 1,000,000 clients"
        )
    count = min(workload.requests or REQUESTS_A_CLIENT * workload.clients, MAX_REQUESTS)
    return _drawn(workload, np.zeros(count), seed, workload.clients)


def _drawn(
    workload: WorkloadSpec, arrivals: NDArray[np.float64], seed: int, concurrency: int
) -> RequestTables:
    """Requests at given times with lengths drawn from the workload's distributions."""
    count = len(arrivals)
    inputs = sample(workload.input_tokens, count, np.random.default_rng([seed, 2]))
    outputs = sample(workload.output_tokens, count, np.random.default_rng([seed, 3]))
    return RequestTables(
        arrival_s=arrivals,
        input_tokens=np.maximum(1, np.rint(inputs)).astype(np.int32),
        output_tokens=np.maximum(1, np.rint(outputs)).astype(np.int32),
        entry_start=np.zeros(count + 1, np.int64),
        entry=np.empty(0, np.int32),
        entry_tokens=0,
        concurrency=concurrency,
    )


def sample(
    distribution: LogNormal, count: int, generator: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Draws of a clipped log-normal, [count]."""
    check_distribution("workload", distribution)
    draws = distribution.median * np.exp(distribution.sigma * generator.standard_normal(count))
    return np.clip(draws, distribution.low, min(distribution.high, 2**31 - 1))


def check_distribution(name: str, distribution: LogNormal) -> None:
    """Refuses a distribution that cannot be drawn from.

    Raises:
        ScenarioError: median or sigma out of range, or bounds in the wrong order.
    """
    good = (
        math.isfinite(distribution.median)
        and distribution.median > 0
        and math.isfinite(distribution.sigma)
        and 0 <= distribution.sigma <= 10
        and 0 <= distribution.low <= distribution.high
    )
    if not good:
        raise ScenarioError(
            name,
            f"median {distribution.median:g}, sigma {distribution.sigma:g}, "
            f"range {distribution.low:g} to {distribution.high:g} is no distribution",
            "give a median above 0, a sigma from 0 to 10 and a range in order",
        )


def agent_tables(
    scenario: Scenario, fabric: FabricTables, window_tokens: int
) -> AgentTables | None:
    """Agents of a closed loop, their tools spread over the drawn hosts; None for an open loop.

    Raises:
        ScenarioError: no agents, or a figure that cannot be.
    """
    workload = scenario.design.workload
    if scenario.trace is not None or workload.kind is not WorkloadKind.AGENTS:
        return None
    if not 1 <= workload.agents <= 1_000_000:
        raise ScenarioError(
            "workload agents", f"it is {workload.agents}", "set 1 to 1,000,000 agents"
        )
    if not (1 <= workload.steps_per_task <= 1e6 and 0 <= workload.growth_ratio <= 1):
        raise ScenarioError(
            "workload agents",
            f"steps per task {workload.steps_per_task:g}, growth {workload.growth_ratio:g}",
            "give at least one step a task and a growth from 0 to 1",
        )
    if not 0 < workload.compact_to < 1:
        raise ScenarioError(
            "workload compact_to", f"it is {workload.compact_to:g}", "give a share between 0 and 1"
        )
    parts = (
        ("prefix_tokens", workload.prefix_tokens),
        ("append_tokens", workload.append_tokens),
        ("output_tokens", workload.output_tokens),
        ("tool_s", workload.tool_s),
        ("think_s", workload.think_s),
        ("tool_cpu_s", workload.tool_cpu_s),
    )
    for name, distribution in parts:
        check_distribution(f"workload {name}", distribution)
    hosts = np.flatnonzero(fabric.node_kind == NodeKind.HOST)
    numbers = np.arange(workload.agents)
    host = hosts[numbers % len(hosts)] if len(hosts) else np.full(workload.agents, -1)
    return AgentTables(
        agents=workload.agents,
        distributions=np.array(
            [[part.median, part.sigma, part.low, min(part.high, 1e12)] for _, part in parts]
        ),
        steps_per_task=float(workload.steps_per_task),
        growth_ratio=float(workload.growth_ratio),
        compact_to=float(workload.compact_to),
        window_tokens=window_tokens,
        warm_start=workload.warm_start,
        host_of_agent=host.astype(np.int32),
    )
