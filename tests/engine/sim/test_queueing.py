"""Known answers of queueing theory, and what slices, copies and seeds must not change."""

import dataclasses

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds


def deterministic_server(shop: Catalog, load: float, until_s: float, seed: int) -> RunResults:
    """Poisson arrivals at a server that takes exactly 1 s a request."""
    design = worlds.one_chip(shop)
    import msgspec

    workload = WorkloadSpec(
        kind=WorkloadKind.POISSON,
        rate_per_s=load,
        input_tokens=worlds.fixed(8),
        output_tokens=worlds.fixed(1),
    )
    design = msgspec.structs.replace(design, workload=workload)
    lowered = worlds.lowered_world(design, shop, until_s, seed)
    lowered = worlds.with_limits(worlds.with_step_time(lowered, base_s=1.0), max_seqs=1)
    simulation = worlds.simulation(lowered, 10 * until_s, seed)
    simulation.run_to_end()
    return simulation.results()


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_the_mean_wait_of_a_deterministic_server_is_that_of_m_d_1(
    shop: Catalog, load: float
) -> None:
    runs = [deterministic_server(shop, load, 20_000.0, seed) for seed in range(1, 9)]
    waits = [float((r.finish_s - r.arrival_s).mean()) - 1.0 for r in runs]
    expected = load / (2.0 * (1.0 - load))
    error = np.std(waits, ddof=1) / np.sqrt(len(waits))
    assert abs(np.mean(waits) - expected) < 4.0 * error
    assert error < 0.06 * expected


def test_littles_law_holds_on_a_drained_run(shop: Catalog) -> None:
    results = deterministic_server(shop, 0.7, 5_000.0, 3)
    assert results.drained
    sojourn = float((results.finish_s - results.arrival_s).sum())
    assert results.occupancy_integral == pytest.approx(sojourn, rel=1e-9)


def agents_run(shop: Catalog, seed: int = 1) -> tuple[Simulation, Scenario]:
    import msgspec

    design = worlds.one_chip(shop, replicas=2)
    workload = WorkloadSpec(
        kind=WorkloadKind.AGENTS,
        agents=20,
        prefix_tokens=worlds.fixed(2000),
        append_tokens=dataclass_free(300.0),
        output_tokens=dataclass_free(40.0),
        tool_s=dataclass_free(0.5),
        think_s=dataclass_free(4.0),
        tool_cpu_s=worlds.fixed(0.05),
        steps_per_task=4.0,
    )
    design = msgspec.structs.replace(design, workload=workload)
    scenario = Scenario(design=design, catalog=shop, until_s=120.0, seed=seed)
    return prepare_simulation(scenario)[0], scenario


def dataclass_free(median: float):
    from engine.workload.spec import LogNormal

    return LogNormal(median=median, sigma=0.8, low=0.0, high=median * 40)


def same(a: RunResults, b: RunResults) -> None:
    for field in dataclasses.fields(RunResults):
        if field.name == "wall_s":
            continue
        left, right = getattr(a, field.name), getattr(b, field.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        elif field.name == "series":
            for part in dataclasses.fields(left):
                np.testing.assert_array_equal(getattr(left, part.name), getattr(right, part.name))
        else:
            assert left == right, field.name


def test_equal_seeds_give_equal_results_and_others_do_not(shop: Catalog) -> None:
    first, again, other = (agents_run(shop, seed)[0] for seed in (1, 1, 2))
    for run in (first, again, other):
        run.run_to_end()
    same(first.results(), again.results())
    assert first.results().finish_s.tolist() != other.results().finish_s.tolist()


@pytest.mark.parametrize("budget", [1, 7, 1000])
def test_slices_do_not_change_the_results(shop: Catalog, budget: int) -> None:
    whole, sliced = agents_run(shop)[0], agents_run(shop)[0]
    whole.run_to_end()
    step = 0.0
    while not sliced.finished:
        step += 0.37
        while not sliced.reached(min(step, 120.0)):
            sliced.advance(step, budget)
        sliced.frame()
    same(whole.results(), sliced.results())


def test_a_run_goes_on_from_a_copy_as_it_did_the_first_time(shop: Catalog) -> None:
    run = agents_run(shop)[0]
    while not run.reached(40.0):
        run.advance(40.0)
    copy = run.snapshot()
    run.run_to_end()
    first = run.results()
    run.restore(copy)
    assert run.time_s == 40.0
    run.run_to_end()
    same(first, run.results())


def test_warming_up_changes_nothing(shop: Catalog) -> None:
    warm, cold = agents_run(shop)[0], agents_run(shop)[0]
    warm.warm_up()
    assert warm.time_s == 0.0
    warm.run_to_end()
    cold.run_to_end()
    same(warm.results(), cold.results())


def test_frames_never_run_back_and_stay_in_bounds(shop: Catalog) -> None:
    run = agents_run(shop)[0]
    last = -1.0
    while not run.finished:
        run.advance(run.time_s + 1.0, 500)
        frame = run.frame()
        assert frame.time_s >= last
        last = frame.time_s
        used = frame.chip_utilisation[np.isfinite(frame.chip_utilisation)]
        assert ((used >= 0) & (used <= 1 + 1e-12)).all()
        assert ((frame.replica_kv_occupancy >= 0) & (frame.replica_kv_occupancy <= 1)).all()


def test_agents_hit_their_own_context_in_the_cache(shop: Catalog) -> None:
    import msgspec

    run, scenario = agents_run(shop)
    run.run_to_end()
    results = run.results()
    assert results.cached_tokens.sum() / results.input_tokens.sum() > 0.7
    off = msgspec.structs.replace(
        scenario.design,
        deployment=msgspec.structs.replace(scenario.design.deployment, prefix_cache=False),
    )
    without = prepare_simulation(dataclasses.replace(scenario, design=off))[0]
    without.run_to_end()
    assert without.results().cached_tokens.sum() == 0


def test_a_trace_hits_exactly_the_prefix_blocks_that_were_served_before(shop: Catalog) -> None:
    rows = [[1, 2, 3], [1, 2, 4], [5], [1, 2, 4, 6]]
    given = worlds.trace(
        [0.0, 100.0, 200.0, 300.0], [48, 50, 16, 70], [1, 1, 1, 1], rows, block_tokens=16
    )
    scenario = Scenario(
        design=worlds.one_chip(shop), catalog=shop, until_s=1e4, seed=1, trace=given
    )
    run = prepare_simulation(scenario)[0]
    run.run_to_end()
    assert run.results().cached_tokens.tolist() == [0, 32, 0, 48]


def test_collectives_take_bytes_over_the_links_rate(shop: Catalog) -> None:
    from engine.sim.codes import Cause

    design = worlds.eight_chips(shop)
    given = worlds.trace([0.0], [10], [1])
    lowered = worlds.lowered_world(design, shop, 1e3, given=given)
    lowered = worlds.with_step_time(lowered, base_s=0.5, collective_bytes=7e9)
    run = worlds.simulation(lowered, 1e3)
    run.run_to_end()
    results = run.results()
    slowest = min(
        lowered.fabric.link_bytes_per_s[link] / weight
        for link, weight in zip(
            lowered.replicas.coflow_link, lowered.replicas.coflow_weight, strict=True
        )
    )
    assert results.cause_seconds[0, Cause.SCALE_UP] == pytest.approx(7e9 / slowest, rel=1e-12)
    assert results.finish_s[0] == pytest.approx(0.5 + 7e9 / slowest, rel=1e-12)
    moved = results.link_bytes[lowered.replicas.coflow_link]
    np.testing.assert_allclose(moved, 7e9 * lowered.replicas.coflow_weight, rtol=1e-9)


def test_a_replica_that_shares_a_link_is_slowed_down(shop: Catalog) -> None:
    """Two coflows over one link take twice as long as one: the network is shared."""
    from engine.sim.flows import simulate_flows

    start = np.array([0, 1, 2], np.int64)
    link = np.array([0, 0], np.int32)
    both = simulate_flows(np.array([1e9]), start, link, np.zeros(2), np.full(2, 1e9))
    assert both.finish_s.tolist() == [2.0, 2.0]


def test_short_hash_blocks_are_joined_to_whole_kv_blocks(shop: Catalog) -> None:
    import msgspec

    design = worlds.one_chip(shop)
    rows = [list(range(16))] * 4
    given = worlds.trace([0.0, 100.0, 200.0, 300.0], [257] * 4, [3] * 4, rows, block_tokens=16)
    for block in (16, 32, 64):
        deployment = msgspec.structs.replace(design.deployment, kv_block_tokens=block)
        sized = msgspec.structs.replace(design, deployment=deployment)
        scenario = Scenario(design=sized, catalog=shop, until_s=1e4, seed=1, trace=given)
        run = prepare_simulation(scenario)[0]
        run.run_to_end()
        assert run.results().cached_tokens.tolist() == [0, 256, 256, 256]
        assert run.frame().replica_kv_occupancy.min() >= 0


def test_an_overloaded_run_names_its_bottleneck_before_anything_is_finished(shop: Catalog) -> None:
    from engine.metrics.summary import summarise
    from engine.sim.codes import Cause

    given = worlds.trace([0.0] * 20, [100] * 20, [1000] * 20)
    design = worlds.one_chip(shop)
    lowered = worlds.lowered_world(design, shop, 50.0, given=given)
    lowered = worlds.with_limits(worlds.with_step_time(lowered, base_s=0.5), max_seqs=2)
    run = worlds.simulation(lowered, 50.0)
    run.run_to_end()
    results = run.results()
    assert results.completed == 0
    assert results.open_cause_seconds[Cause.QUEUE] == pytest.approx(
        18 * 50.0 + 0.5
    )  # one waits for the first step
    assert results.open_cause_seconds.sum() == pytest.approx(results.occupancy_integral, rel=1e-3)
    np.testing.assert_array_equal(results.open_cause_seconds, run.cause_seconds())
    scenario = Scenario(design=design, catalog=shop, until_s=50.0, seed=1, trace=given)
    assert summarise(results, lowered, scenario).bottlenecks[0].cause == "queue"


@pytest.mark.parametrize(
    ("field", "value"),
    [("until_s", -1.0), ("until_s", float("nan")), ("seed", -1), ("seed", 2**63)],
)
def test_a_run_that_cannot_be_is_refused(shop: Catalog, field: str, value: float) -> None:
    from engine.errors import ScenarioError

    scenario = Scenario(design=worlds.one_chip(shop), catalog=shop, until_s=1.0, seed=1)
    with pytest.raises(ScenarioError):
        prepare_simulation(dataclasses.replace(scenario, **{field: value}))


def test_expert_parallel_beyond_tp_is_refused_with_its_reason(shop: Catalog) -> None:
    import msgspec

    from engine.errors import ScenarioError

    design = worlds.one_chip(shop, replicas=4)
    deployment = msgspec.structs.replace(design.deployment, ep=4, replicas=1)
    wide = msgspec.structs.replace(design, deployment=deployment)
    with pytest.raises(ScenarioError, match="do not divide"):
        prepare_simulation(Scenario(design=wide, catalog=shop, until_s=1.0, seed=1))


def test_a_burst_is_spread_by_the_least_loaded_router_before_it_arrives(shop: Catalog) -> None:
    """Requests on their way over a drawn client link count as load."""
    import msgspec

    from engine.scenario.design import Router
    from engine.topology.generators import cable, draw

    rack = draw(shop, "panjiu-al128-2x64", "rack", "Rack", 0, 0)
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0)
    client = draw(shop, "client-gateway", "client", "Client", 0, 0)
    links = (
        cable(shop, "a", (rack, "uplink"), (leaf, "port"), 64),
        cable(shop, "b", (client, "eth"), (leaf, "port"), 1),
    )
    design = worlds.one_chip(shop, replicas=4)
    deployment = msgspec.structs.replace(design.deployment, router=Router.LEAST_LOADED)
    design = msgspec.structs.replace(
        design, elements=(rack, leaf, client), links=links, deployment=deployment
    )
    given = worlds.trace([0.0] * 64, [100] * 64, [5] * 64)
    scenario = Scenario(design=design, catalog=shop, until_s=1e4, seed=1, trace=given)
    run = prepare_simulation(scenario)[0]
    run.run_to_end()
    assert np.bincount(run.results().replica).tolist() == [16, 16, 16, 16]
