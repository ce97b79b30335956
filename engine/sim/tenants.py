"""Tenants as tables: their rights, and the requests and agents of all of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.cost.layers import Load
from engine.cost.timing import USUAL_LOAD
from engine.errors import ScenarioError
from engine.scenario.design import Design, Tenant
from engine.scenario.scenario import Scenario
from engine.sim.checks import LONGEST_S, check_range
from engine.sim.codes import NodeKind
from engine.sim.distributions import check_distribution
from engine.sim.requests import open_loop
from engine.sim.tables import (
    PRIORITIES,
    AgentTables,
    FabricTables,
    RequestTables,
    TenantLimits,
)
from engine.workload.profiles import clipped_mean
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec

MOST_AGENTS = 1_000_000
MOST_SENT = 1000  # sub-agents of one agent
MOST_STEPS = 1_000_000
MOST_COUNT = 1e12
LEAST_SHARE = 1e-6  # where a share of 0 or 1 means nothing
LAWS = (
    "prefix_tokens",
    "append_tokens",
    "output_tokens",
    "tool_s",
    "think_s",
    "tool_cpu_s",
    "subagent_prefix_tokens",
    "error_tokens",
)


def tenant_limits(design: Design, services: Sequence[str]) -> tuple[TenantLimits, ...]:
    """The rights of each tenant; `services` are names by number.

    Raises:
        ScenarioError: a right that cannot be.
    """
    return tuple(_limits(tenant, services) for tenant in design.all_tenants())


def _limits(tenant: Tenant, services: Sequence[str]) -> TenantLimits:
    what = f"tenant {tenant.name}"
    check_range(f"{what} priority", tenant.priority, 0, PRIORITIES - 1)
    check_range(f"{what} rate_limit_per_s", tenant.rate_limit_per_s, 0, MOST_COUNT)
    check_range(f"{what} burst", tenant.burst, 1, MOST_COUNT)
    check_range(f"{what} longest_wait_s", tenant.longest_wait_s, 0, LONGEST_S)
    check_range(f"{what} most_in_flight", tenant.most_in_flight, 0, MOST_COUNT)
    check_range(f"{what} most_held", tenant.most_held, 0, MOST_COUNT)
    return TenantLimits(
        service=services.index(tenant.service),
        priority=tenant.priority,
        rate_per_s=tenant.rate_limit_per_s,
        burst=float(tenant.burst),
        longest_wait_s=tenant.longest_wait_s,
        most_in_flight=tenant.most_in_flight,
        most_held=tenant.most_held,
    )


def request_tables(scenario: Scenario) -> RequestTables | None:
    """Requests of all open loops and traces in order of arrival; None if there are only agents.

    Raises:
        ScenarioError: a workload that cannot be, or workloads that cannot be mixed.
    """
    tenants = scenario.design.all_tenants()
    loops = [
        (number, loop)
        for number in range(len(tenants))
        if (loop := open_loop(scenario, number)) is not None
    ]
    if not loops:
        return None
    if len(tenants) == 1:
        return loops[0][1]
    for number, loop in loops:
        if loop.concurrency:
            raise ScenarioError(
                f"tenant {tenants[number].name}",
                "a closed loop of clients runs alone",
                "give it a rate and a limit of requests in flight, or remove the other tenants",
            )
    return _merged(loops)


def _merged(loops: Sequence[tuple[int, RequestTables]]) -> RequestTables:
    sizes = {loop.entry_tokens for _, loop in loops if len(loop.entry)}
    if len(sizes) > 1:
        raise ScenarioError(
            "tenants", f"their traces have hash blocks of {sorted(sizes)} tokens",
            "use traces with blocks of one size",
        )  # fmt: skip
    arrival = np.concatenate([loop.arrival_s for _, loop in loops])
    order = np.argsort(arrival, kind="stable")
    firsts = np.cumsum([0, *(int(loop.entry.max(initial=-1)) + 1 for _, loop in loops)])
    entry = np.concatenate(
        [loop.entry + first for (_, loop), first in zip(loops, firsts[:-1], strict=True)]
    )
    counts = np.concatenate([np.diff(loop.entry_start) for _, loop in loops])
    begins = np.concatenate([[0], np.cumsum(counts)])[:-1][order]
    start = np.concatenate([[0], np.cumsum(counts[order])]).astype(np.int64)
    rows = np.repeat(begins - start[:-1], counts[order]) + np.arange(start[-1])
    owner = np.concatenate([np.full(len(loop.arrival_s), number) for number, loop in loops])
    return RequestTables(
        arrival_s=arrival[order],
        input_tokens=np.concatenate([loop.input_tokens for _, loop in loops])[order],
        output_tokens=np.concatenate([loop.output_tokens for _, loop in loops])[order],
        entry_start=start,
        entry=entry[rows].astype(np.int32),
        entry_tokens=max(sizes, default=0),
        concurrency=0,
        tenant=owner[order].astype(np.int32),
    )


def agent_tables(
    scenario: Scenario, fabric: FabricTables, windows: Mapping[str, int]
) -> AgentTables | None:
    """Agents of all tenants, their tools spread over the drawn hosts; None without agents.

    Args:
        scenario: with the tenants.
        fabric: with the hosts.
        windows: longest context by service.

    Raises:
        ScenarioError: no agents, or a figure that cannot be.
    """
    tenants = scenario.design.all_tenants()
    if scenario.trace is not None and len(tenants) == 1:
        return None
    closed = [tenant.workload.kind is WorkloadKind.AGENTS for tenant in tenants]
    if not any(closed):
        return None
    for tenant, is_closed in zip(tenants, closed, strict=True):
        if is_closed:
            _check_agents(tenant.workload)
    counts = [
        tenant.workload.agents if is_closed else 0
        for tenant, is_closed in zip(tenants, closed, strict=True)
    ]
    loads = [tenant.workload for tenant in tenants]
    sent = [load.subagents if load.fanout_share > 0 else 0 for load in loads]
    children = [count * each for count, each in zip(counts, sent, strict=True)]
    total = sum(counts) + sum(children)
    if total > MOST_AGENTS:
        raise ScenarioError(
            "tenants",
            f"they have {total:,} agents and sub-agents",
            f"use {MOST_AGENTS:,} in all",
        )
    hosts = np.flatnonzero(fabric.node_kind == NodeKind.HOST)
    host = hosts[np.arange(total) % len(hosts)] if len(hosts) else np.full(total, -1)
    parent, first_child = _families(counts, sent)
    owner = np.repeat(np.arange(len(tenants)), counts)
    return AgentTables(
        agents=total,
        distributions=np.array([[_row(getattr(load, name)) for name in LAWS] for load in loads]),
        steps_per_task=np.array([load.steps_per_task for load in loads], np.float64),
        growth_ratio=np.array([load.growth_ratio for load in loads], np.float64),
        compact_to=np.array([load.compact_to for load in loads], np.float64),
        window_tokens=np.array([windows[tenant.service] for tenant in tenants], np.int64),
        warm_start=np.array([load.warm_start for load in loads], np.bool_),
        tenant=np.concatenate([owner, owner[parent[len(owner) :]]]).astype(np.int32),
        host_of_agent=host.astype(np.int32),
        parent=parent,
        first_child=first_child,
        subagents=np.array(sent, np.int64),
        fanout_share=np.array([load.fanout_share for load in loads], np.float64),
        subagent_steps=np.array([load.subagent_steps for load in loads], np.float64),
        tool_fail_share=np.array([load.tool_fail_share for load in loads], np.float64),
        tool_timeout_s=np.array([load.tool_timeout_s for load in loads], np.float64),
    )


def _families(
    counts: Sequence[int], sent: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """[agents] who sends each one out, and its first sub-agent; sub-agents follow the agents."""
    own = sum(counts)
    each = np.repeat(sent, counts).astype(np.int64)
    first = np.full(own + int(each.sum()), -1, np.int32)
    begins = own + np.cumsum(each) - each
    first[:own] = np.where(each > 0, begins, -1)
    parent = np.full(len(first), -1, np.int32)
    parent[own:] = np.repeat(np.arange(own), each)
    return parent, first


def _row(law: LogNormal) -> tuple[float, float, float, float]:
    return law.median, law.sigma, law.low, min(law.high, 1e12)


def _check_agents(workload: WorkloadSpec) -> None:
    for name, low, high in (
        ("agents", 1, MOST_AGENTS),
        ("steps_per_task", 1, MOST_STEPS),
        ("growth_ratio", 0, 1),
        ("fanout_share", 0, 1),
        ("subagents", 1, MOST_SENT),
        ("subagent_steps", 1, MOST_STEPS),
        ("tool_fail_share", 0, 1 - LEAST_SHARE),
        ("tool_timeout_s", 0, LONGEST_S),
        ("compact_to", LEAST_SHARE, 1 - LEAST_SHARE),
    ):
        check_range(f"workload {name}", getattr(workload, name), low, high)
    for name in LAWS:
        check_distribution(f"workload {name}", getattr(workload, name))


def expected_load(
    requests: RequestTables | None,
    agents: AgentTables | None,
    tenants: Sequence[TenantLimits],
    service: int,
) -> Load:
    """Mean prompt part that is computed and mean context, where attention is made affine.

    Of the tenants of one service; agents count before open loops.
    """
    own = np.flatnonzero(np.array([tenant.service for tenant in tenants]) == service)
    if agents is not None:
        own_agents = agents.tenant[agents.parent < 0]
        counts = np.bincount(own_agents, minlength=len(tenants))[own]
        if counts.any():
            return _agents_load(agents, own, counts)
    if requests is None or not len(requests.input_tokens):
        return USUAL_LOAD
    if not len(requests.tenant):
        return request_load(requests)
    mine = np.isin(requests.tenant, own)
    return request_load(requests, mine) if mine.any() else USUAL_LOAD


def _agents_load(agents: AgentTables, own: NDArray[np.int64], counts: NDArray[np.int64]) -> Load:
    computed = context = 0.0
    for tenant, count in zip(own.tolist(), counts.tolist(), strict=True):
        prefix, append = agents.distributions[tenant, 0], agents.distributions[tenant, 1]
        computed += count * clipped_mean(append[0], append[1], append[3])
        context += count * min(prefix[0], agents.window_tokens[tenant])
    total = float(counts.sum())
    return Load(max(computed / total, 1.0), float(context / total))


def request_load(requests: RequestTables, rows: NDArray[np.bool_] | None = None) -> Load:
    """Mean prompt and mean context of requests; `rows` [requests] chooses some."""
    kept = slice(None) if rows is None else rows
    if not len(requests.input_tokens):
        return USUAL_LOAD
    prompt = float(requests.input_tokens[kept].mean())
    output = float(requests.output_tokens[kept].mean())
    return Load(prompt, prompt + output / 2)
