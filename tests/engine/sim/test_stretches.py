"""A run that skips over equal steps gives the results of one that takes every step by itself."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.loader import load_catalog
from engine.sim.codes import LinkClass, Role
from engine.sim.kernels.world import (
    LEAST_LOADED,
    PREFIX_AFFINITY,
    ROUND_ROBIN,
    SESSION_STICKY,
)
from engine.sim.lower import Lowered
from engine.sim.own_links import own_rates
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.sim.services import service_tables
from engine.sim.state import FREE_SLOTS
from engine.sim.tables import (
    AgentTables,
    RequestTables,
    TenantLimits,
    no_transfers,
)
from tests.helpers import worlds

SHOP = load_catalog()
BASE = worlds.lowered_world(
    worlds.one_chip(SHOP), SHOP, 1e6, given=worlds.trace([0.0], [1], [1])
)  # fmt: skip
END_S = 40.0
STEP_S = 2.0**-6  # exact in binary, as arrivals are: steps, arrivals and samples meet at instants


@st.composite
def open_loops(take: st.DrawFn) -> RequestTables:
    """Requests with shared prefixes; some arrive together."""
    rows = take(
        st.lists(
            st.tuples(st.integers(0, 200), st.integers(1, 60), st.integers(1, 90)),
            min_size=1,
            max_size=24,
        )
    )
    rows.sort(key=lambda row: row[0])
    entries = [
        take(st.lists(st.integers(0, 5), max_size=row[1] // 8, unique=True)) for row in rows
    ]
    return RequestTables(
        arrival_s=np.array([row[0] for row in rows]) * STEP_S * take(st.sampled_from([1, 7])),
        input_tokens=np.array([row[1] for row in rows], np.int32),
        output_tokens=np.array([row[2] for row in rows], np.int32),
        entry_start=np.concatenate([[0], np.cumsum([len(e) for e in entries])]).astype(np.int64),
        entry=np.array([number for e in entries for number in e], np.int32),
        entry_tokens=8,
        concurrency=take(st.sampled_from([0, 0, 3])),
    )


def some_agents(count: int, window: int, warm: bool) -> AgentTables:
    """Agents that think and use tools for fractions of a second, and compact now and then."""
    rows = [(40, 0.5, 8, 120), (12, 0.8, 1, 60), (20, 0.8, 1, 80), (0.2, 0.7, 0.02, 2.0),
            (0.4, 0.5, 0.1, 3.0), (0.05, 0.5, 0.01, 0.3), (20, 0.5, 4, 60),
            (5, 0.5, 1, 20)]  # fmt: skip
    return AgentTables(
        agents=count,
        distributions=np.array([rows], np.float64),
        steps_per_task=np.array([4.0]),
        growth_ratio=np.array([1.0]),
        compact_to=np.array([0.4]),
        window_tokens=np.array([window]),
        warm_start=np.array([warm]),
        tenant=np.zeros(count, np.int32),
        host_of_agent=np.full(count, -1, np.int32),
        parent=np.full(count, -1, np.int32),
        first_child=np.full(count, -1, np.int32),
        subagents=np.zeros(1, np.int64),
        fanout_share=np.zeros(1),
        subagent_steps=np.full(1, 2.0),
        tool_fail_share=np.zeros(1),
        tool_timeout_s=np.zeros(1),
    )


@st.composite
def families(take: st.DrawFn, agents: AgentTables) -> AgentTables:
    """The same agents with two sub-agents each, and tools that fail and are cancelled."""
    own = agents.agents
    children = np.repeat(np.arange(own), 2)
    return agents._replace(
        agents=3 * own,
        tenant=np.concatenate([agents.tenant, agents.tenant[children]]),
        host_of_agent=np.full(3 * own, -1, np.int32),
        parent=np.concatenate([np.full(own, -1), children]).astype(np.int32),
        first_child=np.concatenate(
            [own + 2 * np.arange(own), np.full(2 * own, -1)]
        ).astype(np.int32),
        subagents=np.full(1, 2),
        fanout_share=np.full(1, take(st.sampled_from([0.3, 1.0]))),
        tool_fail_share=np.full(1, take(st.sampled_from([0.0, 0.4]))),
        tool_timeout_s=np.full(1, take(st.sampled_from([0.0, 0.25]))),
    )  # fmt: skip


def owned(agents: AgentTables, tenants: int) -> AgentTables:
    """The same agents, of tenants in turn."""
    each = {
        name: np.repeat(getattr(agents, name), tenants, axis=0)
        for name in ("distributions", "steps_per_task", "growth_ratio", "compact_to",
                     "window_tokens", "warm_start", "subagents", "fanout_share",
                     "subagent_steps", "tool_fail_share", "tool_timeout_s")
    }  # fmt: skip
    turn = np.arange(agents.agents) % tenants
    return agents._replace(**each, tenant=turn.astype(np.int32))


def machine(replicas: int, shared: bool, piped: bool) -> Lowered:
    """Replicas with two links each for their collectives, in and out over one client's link."""
    links = 2 * replicas + 3
    own = np.arange(2 * replicas, dtype=np.int32).reshape(replicas, 2)
    coflow = np.hstack([own, np.full((replicas, 1), links - 1, np.int32)]) if shared else own
    count = np.arange(replicas + 1)
    way = int(piped)
    fabric = BASE.fabric._replace(
        link_source=np.zeros(links, np.int32),
        link_target=np.zeros(links, np.int32),
        link_bytes_per_s=np.linspace(1e6, 2e6, links),
        link_latency_s=np.zeros(links),
        link_class=np.full(links, LinkClass.SCALE_UP, np.int8),
        link_drawn=np.full(links, -1, np.int32),
        link_multiplicity=np.ones(links, np.int32),
    )
    tables = BASE.replicas._replace(
        pool=np.zeros(replicas, np.int32),
        chip_start=count,
        chip=np.zeros(replicas, np.int32),
        host=np.full(replicas, -1, np.int32),
        kv_tokens=np.full(replicas, 1000),
        coflow_start=count * coflow.shape[1],
        coflow_link=coflow.ravel(),
        coflow_weight=np.tile(np.linspace(0.5, 1.0, coflow.shape[1]), replicas),
        ingress_start=count * way,
        ingress_link=np.full(replicas * way, 2 * replicas, np.int32),
        ingress_weight=np.ones(replicas * way),
        egress_start=count * way,
        egress_link=np.full(replicas * way, 2 * replicas + 1, np.int32),
        egress_weight=np.ones(replicas * way),
    )
    return dataclasses.replace(
        BASE, fabric=fabric, replicas=tables, transfers=no_transfers(replicas)
    )


def split(lowered: Lowered, prefill: int, own_way: bool) -> Lowered:
    """The first replicas prefill, the others decode; their KV has a link, or the clients' one."""
    count = lowered.replicas.total
    first = lowered.first
    roles = [
        dataclasses.replace(first, limits=first.limits._replace(role=role, kv_bytes=3e3))
        for role in (int(Role.PREFILL), int(Role.DECODE))
    ]
    pool = (np.arange(count) >= prefill).astype(np.int32)
    ways = prefill * (count - prefill)
    link = 2 * count + (2 if own_way else 1)
    starts = np.full(count, -1, np.int64)
    starts[prefill:] = np.arange(count - prefill) * prefill
    replicas = lowered.replicas._replace(pool=pool)
    return dataclasses.replace(
        lowered,
        pools=tuple(roles),
        replicas=replicas,
        services=service_tables([role.limits for role in roles], pool, replicas.kv_tokens),
        transfers=no_transfers(count)._replace(
            first=starts,
            start=np.arange(ways + 1),
            link=np.full(ways, link, np.int32),
            weight=np.ones(ways),
            latency_s=np.linspace(0.0, 0.01, ways),
            alive=np.ones(ways, np.int64),
        ),
    )


@st.composite
def tiered(take: st.DrawFn, lowered: Lowered) -> Lowered:
    """Prefixes go on to lower tiers, are fetched from others and forgotten."""
    count = lowered.replicas.total
    lowered = worlds.with_limits(
        lowered,
        host_tokens=take(st.sampled_from([0, 40, 200])),
        storage_tokens=take(st.sampled_from([0, 100, 400])),
        shares=take(st.booleans()),
        ttl_s=take(st.sampled_from([0.0, 0.75, 3.0])),
        slack=take(st.sampled_from([0, 2])),
        kv_bytes=take(st.sampled_from([10.0, 3e3])),
    )
    peers = count * count
    links = np.concatenate([np.full(peers + count, 2 * count + 2), np.full(count, 2 * count + 1)])
    ways = peers + 2 * count
    return dataclasses.replace(
        lowered,
        transfers=no_transfers(count)._replace(
            peer=np.arange(count) * count,
            host=np.arange(count) + peers,
            storage=np.arange(count) + peers + count,
            start=np.arange(ways + 1),
            link=links.astype(np.int32),
            weight=np.ones(ways),
            latency_s=np.linspace(0.0, 0.01, ways),
            alive=np.ones(ways, np.int64),
        ),
    )


@st.composite
def tenants(take: st.DrawFn) -> TenantLimits:
    return TenantLimits(
        priority=take(st.integers(0, 3)),
        rate_per_s=take(st.sampled_from([0.0, 0.0, 8.0])),
        burst=take(st.sampled_from([1.0, 3.0])),
        longest_wait_s=take(st.sampled_from([0.0, 0.3, 100.0])),
        most_in_flight=take(st.sampled_from([0, 0, 2])),
        most_held=take(st.sampled_from([0, 3, 100])),
    )


def shared(requests: RequestTables, tenants: int) -> RequestTables:
    """The same requests, of tenants in turn."""
    turn = np.arange(len(requests.arrival_s)) % tenants
    return requests._replace(tenant=turn.astype(np.int32))


@st.composite
def runs(take: st.DrawFn) -> Lowered:
    lowered = machine(take(st.integers(1, 3)), take(st.booleans()), take(st.booleans()))
    lowered = worlds.with_limits(
        lowered,
        kv_blocks=take(st.integers(52, 140)),
        block_tokens=take(st.sampled_from([4, 5])),
        max_seqs=take(st.integers(1, 9)),
        max_batched_tokens=take(st.sampled_from([3, 16, 64])),
        chunked_prefill=True,
        prefix_cache=take(st.booleans()),
        no_evict=take(st.booleans()),
        router=take(st.sampled_from([ROUND_ROBIN, LEAST_LOADED, SESSION_STICKY, PREFIX_AFFINITY])),
        window_tokens=200,
    )
    if take(st.booleans()) and lowered.first.limits.max_batched_tokens == 64:
        lowered = worlds.with_limits(lowered, chunked_prefill=False)
    elif take(st.booleans()):
        lowered = take(tiered(lowered))
    lowered = worlds.with_step_time(
        lowered,
        base_s=STEP_S,
        context_s=take(st.sampled_from([0.0, 1e-5, 2.0**-16])),
        collective_bytes=take(st.sampled_from([0.0, 1000.0, 2.0**14])),
    )
    plain = not lowered.transfers.start.size > 1
    if plain and lowered.replicas.total > 1 and take(st.booleans()):
        prefill = take(st.integers(1, lowered.replicas.total - 1))
        lowered = split(lowered, prefill, take(st.booleans()))
        lowered = worlds.with_step_time(
            lowered, base_s=STEP_S, context_s=1e-5,
            collective_bytes=take(st.sampled_from([0.0, 1000.0])),
        )  # fmt: skip
    rights = take(st.sampled_from([1, 1, 2, 3]))
    limits = (TenantLimits(),) if rights == 1 else tuple(take(tenants()) for _ in range(rights))
    lowered = dataclasses.replace(lowered, tenants=limits, agents=None, requests=None)
    load = take(st.sampled_from(["agents", "requests", "both" if rights > 1 else "requests"]))
    if load != "agents":
        requests = take(open_loops())
        if rights > 1:
            requests = shared(requests._replace(concurrency=0), rights)
        lowered = dataclasses.replace(lowered, requests=requests)
    if load != "requests":
        agents = some_agents(take(st.integers(1, 12)), take(st.sampled_from([90, 190])), True)
        if take(st.booleans()):
            agents = take(families(agents))
        if rights > 1:
            agents = owned(agents, rights)
        lowered = dataclasses.replace(lowered, agents=agents)
    return lowered


@given(lowered=runs())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_no_second_and_no_block_is_lost(lowered: Lowered) -> None:
    run = simulate(lowered, jump=True)
    run.run_to_end()
    results = run.results()
    counts = results.tenants
    assert results.arrived == results.completed + results.rejected + results.in_flight
    assert results.arrived == counts.arrived.sum()
    assert results.rejected == (counts.rejected + counts.refused).sum()
    assert np.array_equal(np.bincount(results.tenant, minlength=len(counts.completed)),
                          counts.completed)  # fmt: skip
    latency = results.finish_s - results.arrival_s
    assert np.allclose(results.cause_seconds.sum(axis=1), latency, rtol=1e-9, atol=1e-9)
    spent = results.cause_seconds.sum() + results.open_cause_seconds.sum() - results.tool_wait_s
    running_steps = results.in_flight * 2.0  # a step counts when it is done
    assert results.occupancy_integral - running_steps <= spent * (1 + 1e-9) + 1e-9
    assert spent <= results.occupancy_integral * (1 + 1e-9) + 1e-9
    if results.drained:
        assert spent == pytest.approx(latency.sum(), rel=1e-9)
        assert results.occupancy_integral == pytest.approx(latency.sum(), rel=1e-9, abs=1e-12)
        assert (run.frame().replica_kv_occupancy == 0).all()


def simulate(lowered: Lowered, *, jump: bool) -> Simulation:
    return Simulation(lowered, "test", 3, END_S, jump=jump)


def differences(one: RunResults, other: RunResults) -> list[str]:
    """Names of results that are not equal to the last bit."""
    found = []
    for a, b in ((one, other), (one.series, other.series)):
        for name in a.__dataclass_fields__:
            mine, theirs = getattr(a, name), getattr(b, name)
            if name in ("wall_s", "series"):
                continue
            if not np.array_equal(mine, theirs, equal_nan=np.asarray(mine).dtype.kind == "f"):
                found.append(name)
    return found


@given(lowered=runs())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_skipping_changes_no_bit_of_a_result(lowered: Lowered) -> None:
    plain, jumping = simulate(lowered, jump=False), simulate(lowered, jump=True)
    plain.run_to_end()
    jumping.run_to_end()
    assert differences(plain.results(), jumping.results()) == []


@given(
    lowered=runs(),
    cuts=st.lists(st.floats(0.0, END_S), max_size=6),
    budget=st.integers(1, 50),
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_slices_looks_and_copies_change_no_bit_of_a_result(
    lowered: Lowered, cuts: list[float], budget: int
) -> None:
    whole, sliced, plain = (simulate(lowered, jump=jump) for jump in (True, True, False))
    for cut in sorted(cuts):
        while not sliced.reached(cut):
            sliced.advance(cut, budget)
        while not plain.reached(cut):
            plain.advance(cut)
        before = sliced.snapshot()
        now, same = sliced.results(), plain.results()
        assert differences(now, same) == []
        sliced.frame()
        sliced.advance(END_S, 20)
        sliced.restore(before)
        assert differences(now, sliced.results()) == []
    whole.run_to_end()
    sliced.run_to_end()
    assert differences(whole.results(), sliced.results()) == []


def test_a_stretch_is_one_event_of_the_loop_and_counts_as_its_steps() -> None:
    requests = RequestTables(
        np.zeros(1), np.array([8], np.int32), np.array([500], np.int32), np.zeros(2, np.int64),
        np.empty(0, np.int32), 0, 0,
    )  # fmt: skip
    lowered = dataclasses.replace(machine(1, False, False), requests=requests)
    lowered = worlds.with_limits(lowered, kv_blocks=200, block_tokens=4, window_tokens=1000)
    lowered = worlds.with_step_time(lowered, base_s=STEP_S)
    jumping = simulate(lowered, jump=True)
    slices = 0
    while not jumping.finished:
        jumping.advance(END_S, 1)
        slices += 1
    results = jumping.results()
    assert results.completed == 1
    assert (results.steps, results.events) == (500, 501)
    assert slices < 60  # samples every 0.25 s are slices of their own


@pytest.mark.parametrize("shared", [False, True])
def test_only_links_that_nobody_else_uses_are_a_replica_s_own(shared: bool) -> None:
    lowered = machine(3, shared, True)
    rates = own_rates(lowered.fabric, lowered.replicas, lowered.transfers)
    if shared:
        assert list(rates) == [0.0, 0.0, 0.0]
    else:
        capacity = lowered.fabric.link_bytes_per_s
        assert list(rates) == [min(capacity[2 * r] / 0.5, capacity[2 * r + 1]) for r in range(3)]


@pytest.mark.parametrize("shared", [False, True])
def test_own_and_shared_links_give_the_same_times(shared: bool) -> None:
    requests = RequestTables(
        np.arange(4) * 0.1, np.full(4, 8, np.int32), np.full(4, 30, np.int32),
        np.zeros(5, np.int64), np.empty(0, np.int32), 0, 0,
    )  # fmt: skip
    lowered = dataclasses.replace(machine(1, False, False), requests=requests)
    lowered = worlds.with_step_time(lowered, base_s=0.01, context_s=1e-5, collective_bytes=5e3)
    if shared:  # a way out over the same link: used by nobody, but the network must be asked
        tables = lowered.replicas._replace(ingress_start=np.array([0, 1]),
                                           ingress_link=np.zeros(1, np.int32),
                                           ingress_weight=np.full(1, 1e-12))  # fmt: skip
        lowered = dataclasses.replace(lowered, replicas=tables)
    run = simulate(lowered, jump=True)
    run.run_to_end()
    results = run.results()
    step_s = 0.01 + 5e3 / min(1e6 / 0.5, lowered.fabric.link_bytes_per_s[1])
    first = results.first_token_s[0] - results.arrival_s[0]
    assert first == pytest.approx(step_s, rel=1e-9)
    assert results.link_bytes[1] == pytest.approx(5e3 * results.steps, rel=1e-9)
    assert results.link_bytes[0] == pytest.approx(0.5 * 5e3 * results.steps, rel=1e-9)
    gone = results.finish_s - results.arrival_s
    np.testing.assert_allclose(results.cause_seconds.sum(axis=1), gone, rtol=1e-9)


def test_slots_are_used_again_and_their_number_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(5)
    count = 6000
    requests = RequestTables(
        np.sort(np.round(draw.uniform(0, 600, count) * 64) / 64),  # many arrive together
        draw.integers(1, 40, count).astype(np.int32), draw.integers(1, 30, count).astype(np.int32),
        np.zeros(count + 1, np.int64), np.empty(0, np.int32), 0, 0,
    )  # fmt: skip
    lowered = dataclasses.replace(machine(3, False, True), requests=requests)
    lowered = worlds.with_limits(
        lowered, kv_blocks=60, block_tokens=4, max_seqs=8, window_tokens=99
    )
    lowered = worlds.with_step_time(lowered, base_s=STEP_S, context_s=1e-5, collective_bytes=1e3)

    def ended() -> Simulation:
        run = Simulation(lowered, "test", 3, 1000.0)
        run.run_to_end()
        return run

    many = ended()
    monkeypatch.setattr("engine.sim.beginning.FIRST_SLOTS", -11)  # one slot, to grow many times
    few = ended()
    assert differences(many.results(), few.results()) == []
    assert many.results().completed + many.results().rejected == count
    slots = len(few.snapshot().state.req)
    assert slots < count / 4
    assert few.snapshot().state.whole[FREE_SLOTS] == slots
