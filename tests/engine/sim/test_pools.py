"""Pools, services and tenants: prefill hands over to decode, and each gets what it may have."""

import dataclasses

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.findings import Severity
from engine.metrics.summary import Summary, summarise
from engine.scenario.design import Deployment, Design, PoolRole, Router, Slo, Tenant
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause
from engine.sim.lower import Lowered, lower
from engine.sim.preflight import preflight
from engine.sim.results import RunResults
from engine.storage.project_file import decode_design, encode_design
from engine.topology.generators import mesh_of_eight
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

STEP_S = 0.01


def pool(design: Design, **changes: object) -> Deployment:
    return msgspec.structs.replace(design.deployment, **changes)


def split(shop: Catalog, prefill: int = 1, decode: int = 1) -> Design:
    """Eight chips in a mesh: some prefill, some decode, one chip a replica."""
    chips, links = mesh_of_eight(shop, "zhenwu-m890", 0, 0)
    design = msgspec.structs.replace(worlds.one_chip(shop), elements=chips, links=links)
    first = pool(design, name="prefill", role=PoolRole.PREFILL, replicas=prefill)
    second = pool(design, name="decode", role=PoolRole.DECODE, replicas=decode)
    return msgspec.structs.replace(design, deployment=first, pools=(second,))


def run(lowered: Lowered, until_s: float = 1000.0, seed: int = 1) -> RunResults:
    simulation = worlds.simulation(lowered, until_s, seed)
    simulation.run_to_end()
    return simulation.results()


def poisson(rate_per_s: float, inputs: float = 100, outputs: float = 10) -> WorkloadSpec:
    return WorkloadSpec(
        kind=WorkloadKind.POISSON,
        rate_per_s=rate_per_s,
        input_tokens=worlds.fixed(inputs),
        output_tokens=worlds.fixed(outputs),
    )


def test_the_kv_of_one_prompt_takes_the_time_of_its_bytes_on_the_drawn_link(
    shop: Catalog,
) -> None:
    given = worlds.trace([0.0], [1000], [5])
    lowered = worlds.with_step_time(
        worlds.lowered_world(split(shop), shop, 100.0, given=given), base_s=STEP_S
    )
    results = run(lowered)
    link = lowered.transfers.link[0]
    moved = 1000 * lowered.first.limits.kv_bytes
    transfer_s = moved / lowered.fabric.link_bytes_per_s[link] + lowered.transfers.latency_s[0]
    assert results.first_token_s[0] == pytest.approx(STEP_S)
    assert results.finish_s[0] == pytest.approx(STEP_S + transfer_s + 4 * STEP_S, rel=1e-12)
    assert results.cause_seconds[0, Cause.KV_TRANSFER] == pytest.approx(transfer_s, rel=1e-12)
    assert results.link_bytes.sum() == pytest.approx(moved, rel=1e-9)
    assert results.replica[0] == 1


def test_prompts_of_one_token_never_leave_the_prefill_replica(shop: Catalog) -> None:
    given = worlds.trace([0.0, 0.0], [10, 10], [1, 2])
    lowered = worlds.with_step_time(
        worlds.lowered_world(split(shop), shop, 100.0, given=given), base_s=STEP_S
    )
    results = run(lowered)
    assert results.replica.tolist() == [0, 1]
    assert results.cause_seconds[0, Cause.KV_TRANSFER] == 0.0


@pytest.mark.parametrize(("prefill", "decode"), [(1, 1), (2, 4), (4, 2), (3, 1)])
def test_pools_of_any_size_serve_everything_and_leave_no_block_behind(
    shop: Catalog, prefill: int, decode: int
) -> None:
    design = split(shop, prefill, decode)
    design = msgspec.structs.replace(design, workload=poisson(40.0))
    lowered = worlds.lowered_world(design, shop, 20.0)
    lowered = worlds.with_step_time(lowered, base_s=STEP_S, context_s=1e-7)
    assert lowered.requests is not None
    simulation = worlds.simulation(lowered, 1000.0)
    simulation.run_to_end()
    results = simulation.results()
    assert results.completed == results.arrived == len(lowered.requests.arrival_s)
    assert set(results.replica.tolist()) == set(range(prefill, prefill + decode))
    assert (simulation.frame().replica_kv_occupancy == 0).all()
    latency = results.finish_s - results.arrival_s
    np.testing.assert_allclose(results.cause_seconds.sum(axis=1), latency, rtol=1e-9)


def test_a_full_decode_pool_makes_prompts_wait_for_kv_and_not_get_lost(shop: Catalog) -> None:
    given = worlds.trace([0.0] * 6, [160] * 6, [40] * 6)
    lowered = worlds.lowered_world(split(shop), shop, 100.0, given=given)
    lowered = worlds.with_step_time(lowered, base_s=STEP_S)
    blocks = lowered.replicas.kv_tokens.copy()
    blocks[1] = 13 * 16  # room for one request at a time
    replicas = lowered.replicas._replace(kv_tokens=blocks)
    results = run(dataclasses.replace(lowered, replicas=replicas))
    assert results.completed == 6
    waited = results.cause_seconds[:, Cause.KV_MEMORY]
    assert (np.diff(waited) > 0).all()
    hold_s = 39 * STEP_S + lowered.transfers.latency_s[0]
    assert waited[-1] > 5 * hold_s - STEP_S  # its prompt came in the second step


def test_tp_groups_of_different_size_share_the_bytes_over_their_chips(shop: Catalog) -> None:
    design = split(shop)
    design = msgspec.structs.replace(
        design,
        deployment=pool(design, tp=4),
        pools=(msgspec.structs.replace(design.pools[0], tp=2),),
    )
    lowered = worlds.lowered_world(design, shop, 10.0)
    transfers = lowered.transfers
    sources = lowered.fabric.link_source[transfers.link]
    assert sorted(sources.tolist()) == sorted(lowered.replicas.chip[:4].tolist())
    assert transfers.weight.tolist() == pytest.approx([0.25] * 4)
    assert set(lowered.fabric.link_target[transfers.link].tolist()) == set(
        lowered.replicas.chip[lowered.replicas.chip_start[1] :].tolist()
    )


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        ({"role": PoolRole.PREFILL}, {"role": PoolRole.MIXED}, "mixed and prefill"),
        ({"role": PoolRole.DECODE}, {"role": PoolRole.DECODE}, "its pools are decode"),
        ({"role": PoolRole.PREFILL}, {"role": PoolRole.DECODE, "model": "qwen35_397b_a17b"},
         "different models"),
        ({"name": "a"}, {"name": "a"}, "two pools have this name"),
        ({"replicas": 8}, {"replicas": 1}, "other pools have taken all chips"),
    ],
)  # fmt: skip
def test_pools_that_do_not_go_together_are_refused_with_a_way_out(
    shop: Catalog, first: dict[str, object], second: dict[str, object], complaint: str
) -> None:
    design = split(shop)
    design = msgspec.structs.replace(
        design,
        deployment=msgspec.structs.replace(design.deployment, **first),
        pools=(msgspec.structs.replace(design.pools[0], **second),),
    )
    with pytest.raises(ScenarioError, match=complaint) as caught:
        lower(Scenario(design=design, catalog=shop, until_s=1.0, seed=1))
    assert caught.value.way_out


def shared_chip(shop: Catalog, *tenants: Tenant, slots: int = 1) -> Lowered:
    design = msgspec.structs.replace(worlds.one_chip(shop), tenants=tenants)
    lowered = worlds.with_step_time(worlds.lowered_world(design, shop, 60.0), base_s=STEP_S)
    return worlds.with_limits(lowered, max_seqs=slots)


def test_the_tenant_of_the_higher_priority_waits_less(shop: Catalog) -> None:
    """One slot of 0.1 s at a load of 0.9: the second class waits for the first one too."""
    lowered = shared_chip(
        shop,
        Tenant(name="gold", workload=poisson(4.5), priority=0),
        Tenant(name="bronze", workload=poisson(4.5), priority=2),
    )
    results = run(lowered)
    waited = results.cause_seconds[:, Cause.QUEUE] + results.cause_seconds[:, Cause.KV_MEMORY]
    gold, bronze = waited[results.tenant == 0].mean(), waited[results.tenant == 1].mean()
    # M/D/1 with two non-preemptive classes (Cobham 1954): W1 = R/(1 - r1), W2 = W1/(1 - r1 - r2)
    residual = 0.9 * 0.1 / 2
    assert gold == pytest.approx(residual / 0.55, rel=0.35)
    assert bronze > 3 * gold


def test_a_rate_lets_in_its_burst_and_then_its_rate(shop: Catalog) -> None:
    limited = Tenant(name="t", workload=poisson(50.0), rate_limit_per_s=5.0, burst=4,
                     longest_wait_s=0.0)  # fmt: skip
    results = run(shared_chip(shop, limited, slots=64))
    counts = results.tenants
    assert counts.arrived[0] == counts.completed[0] + counts.refused[0]
    arrivals = np.sort(results.arrival_s)
    assert len(arrivals) == pytest.approx(60 * 5 + 4, rel=0.05)
    for first in range(len(arrivals) - 10):  # never more than burst + rate x time
        assert 4 + 5.0 * (arrivals[first + 9] - arrivals[first]) + 1 + 1e-9 >= 10


def test_requests_over_the_rate_wait_where_they_may(shop: Catalog) -> None:
    patient = Tenant(name="t", workload=poisson(20.0), rate_limit_per_s=5.0, longest_wait_s=1e6)
    results = run(shared_chip(shop, patient, slots=64))
    assert results.tenants.refused[0] == 0
    assert results.completed == results.arrived
    held = results.arrival_s + results.cause_seconds[:, Cause.ADMISSION]
    assert np.diff(np.sort(held)).min() >= 0.2 - 1e-9


def test_no_more_requests_are_in_flight_than_a_tenant_may_have(shop: Catalog) -> None:
    narrow = Tenant(name="t", workload=poisson(50.0), most_in_flight=3)
    results = run(shared_chip(shop, narrow, slots=64))
    let_in = results.arrival_s + results.cause_seconds[:, Cause.ADMISSION]
    times = np.concatenate([let_in, results.finish_s])
    change = np.concatenate([np.ones(len(let_in)), -np.ones(len(let_in))])
    order = np.lexsort((change, times))
    assert np.cumsum(change[order]).max() == 3
    assert results.completed == results.arrived


def test_agents_and_open_loops_share_a_replica(shop: Catalog) -> None:
    agents = msgspec.structs.replace(
        WorkloadSpec(), agents=5, prefix_tokens=worlds.fixed(200), append_tokens=worlds.fixed(20),
        output_tokens=worlds.fixed(10), tool_s=worlds.fixed(0.5), think_s=worlds.fixed(2.0),
    )  # fmt: skip
    lowered = shared_chip(
        shop,
        Tenant(name="agents", workload=agents),
        Tenant(name="chat", workload=poisson(3.0)),
        slots=64,
    )
    results = run(lowered, 60.0)
    by_tenant = np.bincount(results.tenant, minlength=2)
    assert (by_tenant > 20).all()
    cached = results.cached_tokens[results.tenant == 0]
    assert cached.max() > 100
    assert (results.cached_tokens[results.tenant == 1] == 0).all()


def two_services(shop: Catalog) -> Design:
    chips, links = mesh_of_eight(shop, "zhenwu-m890", 0, 0)
    design = msgspec.structs.replace(worlds.one_chip(shop), elements=chips, links=links)
    large = pool(design, name="large", service="large", model="qwen35_397b_a17b", tp=4,
                 precision="mxfp4", replicas=1)  # fmt: skip
    large = msgspec.convert(msgspec.to_builtins(large), Deployment)
    return msgspec.structs.replace(
        design,
        deployment=pool(design, replicas=2, router=Router.LEAST_LOADED),
        pools=(large,),
        tenants=(
            Tenant(name="small", workload=poisson(2.0), slo=Slo(ttft_s=100.0, tpot_s=100.0)),
            Tenant(name="large", workload=poisson(0.5), service="large", slo=Slo(ttft_s=1e-6)),
        ),
    )


def summary_of(design: Design, shop: Catalog) -> Summary:
    scenario = Scenario(design=design, catalog=shop, until_s=60.0, seed=1)
    lowered = lower(scenario)
    return summarise(run(lowered, 60.0), lowered, scenario)


def test_services_have_chips_step_times_and_slos_of_their_own(shop: Catalog) -> None:
    summary = summary_of(two_services(shop), shop)
    small, large = summary.tenants
    assert (small.good_share, large.good_share) == (1.0, 0.0)
    assert small.met_at_p95
    assert not large.met_at_p95
    assert [row.replicas for row in summary.pools] == [2, 1]
    assert [row.chips for row in summary.pools] == [2, 4]
    assert small.tpot_s.p50 != large.tpot_s.p50
    assert summary.goodput.share == pytest.approx(
        small.requests_completed / summary.requests_completed
    )


def test_a_design_with_pools_and_tenants_survives_its_file(shop: Catalog) -> None:
    design = two_services(shop)
    assert decode_design(encode_design(design, shop), "test").design == design


def test_a_tenant_of_an_unknown_service_is_refused(shop: Catalog) -> None:
    design = msgspec.structs.replace(
        worlds.one_chip(shop), tenants=(Tenant(name="t", workload=poisson(1.0), service="none"),)
    )
    with pytest.raises(ScenarioError, match="no pool has the service 'none'"):
        lower(Scenario(design=design, catalog=shop, until_s=1.0, seed=1))


def test_a_design_whose_tenant_has_a_trace_is_checked_without_the_file(shop: Catalog) -> None:
    traced = WorkloadSpec(kind=WorkloadKind.TRACE, trace_path="nowhere.jsonl")
    design = msgspec.structs.replace(
        worlds.one_chip(shop), tenants=(Tenant(name="t", workload=traced),)
    )
    assert design.traced() == traced
    assert [f for f in preflight(design, shop) if f.severity is Severity.ERROR] == []
    given = worlds.trace([0.0], [10], [2])
    scenario = Scenario(design=design, catalog=shop, until_s=5.0, seed=1, trace=given)
    assert run(lower(scenario), 5.0).completed == 1
