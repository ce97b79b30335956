"""Prefixes: how long they are remembered, where they go, what it costs to bring them back."""

import dataclasses

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.metrics.summary import summarise
from engine.report.tables import summary_lines
from engine.scenario.design import Design, Router
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause
from engine.sim.lower import Lowered, lower
from engine.sim.results import RunResults
from engine.topology.generators import cable, draw, mesh_of_eight
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace
from tests.helpers import worlds

STEP_S = 0.01
TOKEN_S = 1e-4  # of a prompt token: what is cached can be seen in the time
BLOCK = 16


def hosted(shop: Catalog, **changes: object) -> Design:
    """One chip on a host, with a storage behind a switch and a NIC."""
    chip = draw(shop, "zhenwu-m890", "chip", "Chip", 0, 0)
    host = draw(shop, "xuantie-c950-host", "host", "Host", 200, 0)
    nic = draw(shop, "panmai-920", "nic", "NIC", 400, 0)
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 600, 0)
    flash = draw(shop, "flash-storage", "flash", "Flash", 800, 0)

    links = (
        cable(shop, "l1", (chip, "pcie"), (host, "pcie"), 1),
        cable(shop, "l2", (host, "pcie"), (nic, "pcie"), 1),
        cable(shop, "l3", (nic, "eth"), (leaf, "port"), 1),
        cable(shop, "l4", (leaf, "port"), (flash, "eth"), 4),
    )
    design = worlds.one_chip(shop)
    deployment = msgspec.structs.replace(design.deployment, **changes)
    return msgspec.structs.replace(
        design, elements=(chip, host, nic, leaf, flash), links=links, deployment=deployment
    )


def meshed(shop: Catalog, replicas: int = 2, **changes: object) -> Design:
    """Chips of a mesh, one a replica."""
    chips, links = mesh_of_eight(shop, "zhenwu-m890", 0, 0)
    design = msgspec.structs.replace(worlds.one_chip(shop), elements=chips, links=links)
    deployment = msgspec.structs.replace(design.deployment, replicas=replicas, **changes)
    return msgspec.structs.replace(design, deployment=deployment)


def visits(at_s: list[float], blocks: list[list[int]], output: int = 1) -> RequestTrace:
    """Requests whose prompts are the named blocks and one token more."""
    sizes = [BLOCK * len(row) + 1 for row in blocks]
    return worlds.trace(at_s, sizes, [output] * len(at_s), blocks, BLOCK)


def run(
    design: Design, shop: Catalog, given: RequestTrace | None, kv_blocks: int,
    until_s: float = 1000.0,
) -> tuple[RunResults, Lowered]:  # fmt: skip
    lowered = worlds.lowered_world(design, shop, until_s, given=given)
    lowered = worlds.with_limits(lowered, kv_blocks=kv_blocks)
    lowered = worlds.with_step_time(lowered, base_s=STEP_S, token_s=TOKEN_S)
    simulation = worlds.simulation(lowered, until_s)
    simulation.run_to_end()
    return simulation.results(), lowered


def way_s(lowered: Lowered, way: int, tokens: int) -> float:
    """Seconds that tokens take on a route that nobody else uses."""
    tables = lowered.transfers
    mine = slice(int(tables.start[way]), int(tables.start[way + 1]))
    rate = lowered.fabric.link_bytes_per_s[tables.link[mine]] / tables.weight[mine]
    moved = tokens * lowered.first.limits.kv_bytes
    return float(tables.latency_s[way] + moved / rate.min())


@pytest.mark.parametrize(("gap_s", "hit"), [(59.0, 64), (61.0, 0)])
def test_a_prefix_is_forgotten_its_time_to_live_after_its_last_use(
    shop: Catalog, gap_s: float, hit: int
) -> None:
    design = hosted(shop, prefix_ttl_s=60.0)
    given = visits([0.0, gap_s], [[1, 2, 3, 4]] * 2)
    results, _ = run(design, shop, given, 100)
    assert results.cached_tokens.tolist() == [0, hit]


def test_each_use_begins_the_time_to_live_anew(shop: Catalog) -> None:
    given = visits([0.0, 50.0, 100.0, 161.0], [[1, 2, 3, 4]] * 4)
    results, _ = run(hosted(shop, prefix_ttl_s=60.0), shop, given, 100)
    assert results.cached_tokens.tolist() == [0, 64, 64, 0]


@pytest.mark.parametrize("tier", ["host", "storage"])
def test_an_evicted_prefix_comes_back_from_a_lower_tier_in_the_time_of_its_bytes(
    shop: Catalog, tier: str
) -> None:
    design = hosted(shop, **{f"{tier}_kv_gb": 10.0})
    given = visits([0.0, 1.0, 2.0], [[1, 2, 3, 4], [5, 6, 7, 8, 9], [1, 2, 3, 4]])
    results, lowered = run(design, shop, given, 6)  # the second evicts the first
    assert results.cached_tokens.tolist() == [0, 0, 64]
    way = int(getattr(lowered.transfers, tier)[0])
    fetch_s = way_s(lowered, way, 64)
    took_s = results.finish_s[2] - results.arrival_s[2]
    assert took_s == pytest.approx(fetch_s + STEP_S + TOKEN_S, rel=1e-9)
    assert results.cause_seconds[2, Cause.KV_TRANSFER] == pytest.approx(fetch_s, rel=1e-9)
    assert getattr(results.tenants, f"{tier}_tokens").tolist() == [64]
    moved = 64 * lowered.first.limits.kv_bytes
    hops = lowered.transfers.start[way + 1] - lowered.transfers.start[way]
    assert results.link_bytes.sum() == pytest.approx(hops * moved, rel=1e-9)


def test_without_lower_tiers_an_evicted_prefix_is_computed_again(shop: Catalog) -> None:
    given = visits([0.0, 1.0, 2.0], [[1, 2, 3, 4], [5, 6, 7, 8, 9], [1, 2, 3, 4]])
    results, _ = run(hosted(shop), shop, given, 6)
    assert results.cached_tokens.tolist() == [0, 0, 0]
    assert results.link_bytes.sum() == 0


def test_what_host_memory_pushes_out_goes_on_to_storage(shop: Catalog) -> None:
    design = hosted(shop)
    lowered = worlds.lowered_world(design, shop, 10.0, given=visits([0.0], [[1]]))
    a_block = BLOCK * lowered.first.limits.kv_bytes / 1e9
    design = hosted(shop, host_kv_gb=4.5 * a_block, storage_kv_gb=100 * a_block)
    rows = [[1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [1, 2, 3, 4]]
    results, _ = run(design, shop, visits([0.0, 1.0, 2.0, 3.0], rows), 6)
    assert results.cached_tokens.tolist() == [0, 0, 0, 64]
    assert results.tenants.storage_tokens.tolist() == [64]
    assert results.tenants.host_tokens.tolist() == [0]


def test_a_prefix_that_only_another_replica_has_is_fetched_over_the_drawn_link(
    shop: Catalog,
) -> None:
    given = visits([0.0, 1.0], [[1, 2, 3, 4]] * 2)  # round robin: one each
    results, lowered = run(meshed(shop, share_prefixes=True), shop, given, 100)
    assert results.replica.tolist() == [0, 1]
    assert results.cached_tokens.tolist() == [0, 64]
    assert results.tenants.peer_tokens.tolist() == [64]
    way = int(lowered.transfers.peer[1])  # from replica 0
    assert results.cause_seconds[1, Cause.KV_TRANSFER] == pytest.approx(
        way_s(lowered, way, 64), rel=1e-9
    )
    alone, _ = run(meshed(shop), shop, given, 100)
    assert alone.cached_tokens.tolist() == [0, 0]


def test_prefix_affinity_finds_the_replica_that_has_the_prefix(shop: Catalog) -> None:
    rows = [[1, 2, 3, 4], [5, 6, 7], [1, 2, 3, 4], [5, 6, 7], [1, 2, 8]]
    given = visits([0.0, 0.001, 1.0, 2.0, 3.0], rows)
    design = meshed(shop, router=Router.PREFIX_AFFINITY)
    results, _ = run(design, shop, given, 100)
    order = np.argsort(results.arrival_s)
    replica, cached = results.replica[order], results.cached_tokens[order]
    assert replica.tolist() == [0, 1, 0, 1, 0]
    assert cached.tolist() == [0, 0, 64, 48, 32]


def test_the_summary_says_where_hits_came_from(shop: Catalog) -> None:
    given = visits([0.0, 1.0], [[1, 2, 3, 4]] * 2)
    design = meshed(shop, share_prefixes=True)
    results, lowered = run(design, shop, given, 100)
    scenario = Scenario(design=design, catalog=shop, until_s=1000.0, seed=1, trace=given)
    summary = summarise(results, lowered, scenario)
    assert summary.fetched is not None
    assert summary.fetched.peers == pytest.approx(64 / 130)
    assert any("49.2% from other replicas" in line for line in summary_lines(summary))


@pytest.mark.parametrize(("slack", "share"), [(0, False), (100, True)])
def test_affinity_gives_way_to_load_beyond_its_slack(
    shop: Catalog, slack: int, share: bool
) -> None:
    count = 12
    given = visits([0.0] + [1.0] * count, [[1, 2, 3, 4]] * (count + 1), output=50)
    design = meshed(shop, router=Router.PREFIX_AFFINITY, affinity_slack=slack)
    results, _ = run(design, shop, given, 200)
    at_holder = int((results.replica == 0).sum())
    assert at_holder == (count + 1 if share else 1 + count // 2)


def agents(shop: Catalog, router: Router, **changes: object) -> RunResults:
    """Agents on four replicas whose KV holds all of their contexts once."""
    design = meshed(shop, 4, router=router, max_num_seqs=8, **changes)
    load = WorkloadSpec(
        kind=WorkloadKind.AGENTS,
        agents=24,
        prefix_tokens=worlds.fixed(400),
        append_tokens=worlds.fixed(40),
        output_tokens=worlds.fixed(20),
        tool_s=worlds.fixed(0.5),
        think_s=worlds.fixed(2.0),
        growth_ratio=0.5,
    )
    design = msgspec.structs.replace(design, workload=load)
    results, _ = run(design, shop, None, 4000, until_s=60.0)
    return results


def hit_ratio(results: RunResults) -> float:
    return float(results.tenants.cached_tokens.sum() / results.tenants.input_tokens.sum())


def test_affinity_keeps_agents_with_their_contexts_and_least_loaded_does_not(
    shop: Catalog,
) -> None:
    affine, balanced = (
        agents(shop, router) for router in (Router.PREFIX_AFFINITY, Router.LEAST_LOADED)
    )
    assert hit_ratio(affine) > 0.95
    assert hit_ratio(balanced) < 0.92
    assert affine.completed > balanced.completed


def test_least_loaded_with_shared_prefixes_trades_prefill_for_bytes(shop: Catalog) -> None:
    shared = agents(shop, Router.LEAST_LOADED, share_prefixes=True)
    alone = agents(shop, Router.LEAST_LOADED)
    assert hit_ratio(shared) > hit_ratio(alone) + 0.05
    assert shared.tenants.peer_tokens.sum() > 0
    assert shared.link_bytes.sum() > alone.link_bytes.sum()
    latency = shared.finish_s - shared.arrival_s
    np.testing.assert_allclose(shared.cause_seconds.sum(axis=1), latency, rtol=1e-9)


def test_a_compacted_context_is_new_to_every_tier(shop: Catalog) -> None:
    design = hosted(shop, host_kv_gb=50.0, max_num_seqs=8)
    load = WorkloadSpec(
        kind=WorkloadKind.AGENTS, agents=6, prefix_tokens=worlds.fixed(400),
        append_tokens=worlds.fixed(60), output_tokens=worlds.fixed(20), tool_s=worlds.fixed(0.5),
        think_s=worlds.fixed(1.0), growth_ratio=1.0, compact_to=0.3,
    )  # fmt: skip
    design = msgspec.structs.replace(design, workload=load)
    lowered = worlds.lowered_world(design, shop, 60.0)
    assert lowered.agents is not None
    narrow = lowered.agents._replace(window_tokens=np.array([600]))
    lowered = dataclasses.replace(lowered, agents=narrow)
    lowered = worlds.with_limits(lowered, kv_blocks=80, window_tokens=600)
    lowered = worlds.with_step_time(lowered, base_s=STEP_S, token_s=TOKEN_S)
    simulation = worlds.simulation(lowered, 60.0)
    simulation.run_to_end()
    results = simulation.results()
    assert results.tenants.host_tokens.sum() > 0
    fresh = results.input_tokens < 300  # right after a compaction to 180 tokens
    assert fresh.any()
    assert (results.cached_tokens[fresh] == 0).all()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prefix_ttl_s": -1.0}, "prefix_ttl_s"),
        ({"host_kv_gb": 5000.0}, "host"),
        ({"host_kv_gb": 1.0, "chunked_prefill": False, "max_num_batched_tokens": 200_000},
         "chunked prefill"),
        ({"share_prefixes": True, "prefix_cache": False}, "prefix cache"),
    ],
)  # fmt: skip
def test_caches_that_cannot_be_are_refused(
    shop: Catalog, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        lower(Scenario(design=hosted(shop, **changes), catalog=shop, until_s=1.0, seed=1))


@pytest.mark.parametrize(("name", "missing"), [("storage_kv_gb", "none is drawn"),
                                               ("host_kv_gb", "no host")])  # fmt: skip
def test_a_tier_that_is_not_drawn_is_refused(shop: Catalog, name: str, missing: str) -> None:
    design = meshed(shop, **{name: 1.0})
    with pytest.raises(ScenarioError, match=missing):
        lower(Scenario(design=design, catalog=shop, until_s=1.0, seed=1))


def test_flash_slower_than_its_ports_is_what_limits_a_fetch(shop: Catalog) -> None:
    lowered = worlds.lowered_world(hosted(shop, storage_kv_gb=1.0), shop, 1.0)
    fabric = lowered.fabric
    out = fabric.node_kind[fabric.link_source] == 4
    flash = shop.device("flash-storage").value("ssd_bytes_per_s")
    assert fabric.link_bytes_per_s[out].sum() <= flash * (1 + 1e-12)
