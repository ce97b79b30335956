"""Open loops as tables: drawn requests and traces of one tenant."""

import math

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.scenario import Scenario
from engine.sim.distributions import check_distribution
from engine.sim.tables import RequestTables
from engine.workload.blocks import joined_blocks
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace

MAX_REQUESTS = 20_000_000
REQUESTS_A_CLIENT = 10  # of a closed loop, where the workload does not say


def open_loop(scenario: Scenario, tenant: int) -> RequestTables | None:
    """Requests of a tenant's open loop or trace, sorted by arrival; None for agents.

    A trace that is given with the scenario stands for the workload of the first tenant whose
    workload is a trace, or of the first one.

    Raises:
        ScenarioError: a rate or distribution that cannot be, or a trace that was not read.
    """
    tenants = scenario.design.all_tenants()
    workload = tenants[tenant].workload
    kinds = [each.workload.kind for each in tenants]
    traced = kinds.index(WorkloadKind.TRACE) if WorkloadKind.TRACE in kinds else 0
    if scenario.trace is not None and tenant == traced:
        service = tenants[tenant].service
        pools = [pool for pool in scenario.design.all_pools() if pool.service == service]
        return from_trace(scenario.trace, max(pool.kv_block_tokens for pool in pools))
    if workload.kind is WorkloadKind.AGENTS:
        return None
    if workload.kind is WorkloadKind.TRACE:
        raise ScenarioError(
            "workload", "its trace file was not read", "give the trace (--trace FILE)"
        )
    if workload.kind is WorkloadKind.CLIENTS:
        return _clients(workload, scenario.seed)
    return _poisson(workload, scenario.until_s, scenario.seed, tenant)


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
    start, blocks = joined_blocks(trace.block_start, trace.blocks, joined)
    return trace._replace(
        block_start=start,
        blocks=blocks,
        block_tokens=joined * trace.block_tokens,
    )


def _poisson(workload: WorkloadSpec, until_s: float, seed: int, tenant: int) -> RequestTables:
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
    generator = np.random.default_rng(_stream(seed, 1, tenant))
    count = min(limit, int(expected + 10 * math.sqrt(expected) + 16))
    arrivals = np.cumsum(generator.exponential(1.0 / rate, count))
    arrivals = arrivals[arrivals <= until_s]
    return _drawn(workload, arrivals, seed, 0, tenant)


def _clients(workload: WorkloadSpec, seed: int) -> RequestTables:
    """Requests of a closed loop: all may come at once, `clients` of them are in the system."""
    if not 1 <= workload.clients <= 1_000_000:
        raise ScenarioError(
            "workload clients", f"it is {workload.clients}", "set 1 to 1,000,000 clients"
        )
    count = min(workload.requests or REQUESTS_A_CLIENT * workload.clients, MAX_REQUESTS)
    return _drawn(workload, np.zeros(count), seed, workload.clients, 0)


def _stream(seed: int, number: int, tenant: int) -> list[int]:
    """A stream of draws of its own for each tenant; that of the first does not depend on others."""
    return [seed, number, tenant] if tenant else [seed, number]


def _drawn(
    workload: WorkloadSpec,
    arrivals: NDArray[np.float64],
    seed: int,
    concurrency: int,
    tenant: int,
) -> RequestTables:
    """Requests at given times with lengths drawn from the workload's distributions."""
    count = len(arrivals)
    draws = [np.random.default_rng(_stream(seed, number, tenant)) for number in (2, 3)]
    inputs = sample(workload.input_tokens, count, draws[0])
    outputs = sample(workload.output_tokens, count, draws[1])
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
