"""Autoscaling: replicas come with their weights when load asks for them, and go when it does not."""

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.metrics.summary import summarise
from engine.report.tables import summary_lines
from engine.scenario.design import Autoscale, Design, Router
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan
from engine.scenario.scenario import Scenario
from engine.sim.faults import Faults
from engine.sim.lower import Lowered, lower
from engine.sim.run import Simulation
from engine.topology.generators import cable, draw
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace
from tests.helpers import worlds

STEP_S = 0.01


def farm(shop: Catalog, rule: Autoscale, *, storage: bool = True, replicas: int = 4) -> Design:
    """Hosts with a chip each behind a leaf, and a storage there."""
    hosts = [draw(shop, "xuantie-c950-host", f"host{n}", "Host", 200, 200 * n)
             for n in range(replicas)]  # fmt: skip
    chips = [draw(shop, "zhenwu-m890", f"chip{n}", "Chip", 0, 200 * n) for n in range(replicas)]
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 600, 0)
    flash = draw(shop, "flash-storage", "flash", "Flash", 800, 0)
    links = [cable(shop, f"p{n}", (chips[n], "pcie"), (hosts[n], "pcie"), 1)
             for n in range(replicas)]  # fmt: skip
    links += [cable(shop, f"e{n}", (hosts[n], "eth"), (leaf, "port"), 1) for n in range(replicas)]
    if storage:
        links.append(cable(shop, "s", (leaf, "port"), (flash, "eth"), 4))
    design = worlds.one_chip(shop)
    deployment = msgspec.structs.replace(
        design.deployment, replicas=replicas, router=Router.LEAST_LOADED, autoscale=rule
    )
    elements = (*chips, *hosts, leaf, *((flash,) if storage else ()))
    return msgspec.structs.replace(
        design, elements=elements, links=tuple(links), deployment=deployment
    )


def begun(
    design: Design, shop: Catalog, given: RequestTrace, until_s: float = 1000.0
) -> tuple[Simulation, Lowered]:
    scenario = Scenario(design=design, catalog=shop, until_s=until_s, seed=1, trace=given)
    lowered = worlds.with_step_time(lower(scenario), base_s=STEP_S)
    faults = None
    if not design.faults.is_empty:
        faults = Faults(design.faults, lowered, design, until_s, 1)
    return Simulation(lowered, "test", 1, until_s, faults=faults), lowered


def at(run: Simulation, time_s: float) -> list[int]:
    """Which replicas are up then: 2, 1 while they drain, 0."""
    while not run.reached(time_s):
        run.advance(time_s)
    return [int(up) for up in run._state.rep["up"]]


RULE = Autoscale(min_replicas=1, target_in_flight=10.0, every_s=1.0, idle_s=5.0, start_s=3.0)


def burst(count: int = 35, output: int = 4000, late: bool = False) -> RequestTrace:
    """Requests at one instant, and with `late` one a minute later."""
    arrivals = [0.5] * count + [60.0] * late
    return worlds.trace(arrivals, [10] * len(arrivals), [output] * len(arrivals))


def load_s(lowered: Lowered, together: int) -> float:
    """Seconds of the weights of several replicas at once from the storage."""
    fabric = lowered.fabric
    weights = lowered.first.limits.weight_bytes
    way = slice(*lowered.transfers.start[lowered.transfers.storage[1] :][:2].tolist())
    rates = fabric.link_bytes_per_s[lowered.transfers.link[way]]
    weight = lowered.transfers.weight[way]
    sources = fabric.link_source[lowered.transfers.link[way]]
    shared = np.isin(fabric.node_kind[sources], [4])  # only the storage's own links are shared
    shared |= np.isin(fabric.node_kind[fabric.link_target[lowered.transfers.link[way]]], [4])
    each = weights * weight / rates * np.where(shared, together, 1)
    return float(each.max())


def test_a_burst_starts_as_many_as_it_needs_once_their_weights_have_come(shop: Catalog) -> None:
    run, lowered = begun(farm(shop, RULE), shop, burst())
    took_s = load_s(lowered, 3)
    assert took_s > 0.5
    ready_s = 1.0 + took_s + RULE.start_s
    assert at(run, 0.9) == [2, 0, 0, 0]
    assert at(run, ready_s - 0.001) == [2, 0, 0, 0]
    assert at(run, ready_s + 0.001) == [2, 2, 2, 2]  # 35 requests in flight, 10 each
    moved = run.results().link_bytes[lowered.fabric.link_class == 4].sum()
    assert moved == pytest.approx(3 * lowered.first.limits.weight_bytes, rel=1e-9)


def test_without_a_storage_the_process_starts_at_once(shop: Catalog) -> None:
    run, _ = begun(farm(shop, RULE, storage=False), shop, burst())
    assert at(run, 3.999) == [2, 0, 0, 0]
    assert at(run, 4.001) == [2, 2, 2, 2]


def test_replicas_go_when_nothing_has_asked_for_them_for_long_enough(shop: Catalog) -> None:
    run, _ = begun(farm(shop, RULE, storage=False), shop, burst(output=900, late=True))
    run_end = 0.5 + 9.0
    assert at(run, run_end + 1.0) == [2, 2, 2, 2]
    ups = at(run, run_end + RULE.idle_s + 3.0)
    assert ups == [2, 0, 0, 0]


def test_one_that_drains_serves_what_it_has_and_gets_nothing_new(shop: Catalog) -> None:
    arrivals = [0.5] * 30 + [20.0 + n for n in range(10)]
    outputs = [800] * 29 + [6000] + [5] * 10
    given = worlds.trace(arrivals, [10] * 40, outputs)
    run, _ = begun(farm(shop, RULE, storage=False), shop, given)
    drained = at(run, 19.0)
    holder = int(np.flatnonzero(run._state.rep["assigned"] > 0)[0])
    run.run_to_end()
    results = run.results()
    assert results.completed == 40
    if holder:
        assert drained[holder] == 1
    late = results.arrival_s >= 20.0
    assert set(results.replica[late].tolist()) == {0}


def test_what_is_paid_for_are_replicas_that_start_serve_and_drain(shop: Catalog) -> None:
    run, _ = begun(
        farm(shop, RULE, storage=False), shop, burst(output=900, late=True), until_s=60.0
    )
    run.run_to_end()
    paid_s = run.results().scaling.paid_s[0]
    assert 60.0 + 3 * 12.0 < paid_s < 60.0 + 3 * 25.0  # the first all the time


def test_the_summary_says_what_was_paid_for_and_what_agents_did(shop: Catalog) -> None:
    design = farm(shop, RULE, storage=False)
    scenario = Scenario(design=design, catalog=shop, until_s=60.0, seed=1, trace=burst())
    run, lowered = begun(design, shop, burst(output=900, late=True), until_s=60.0)
    run.run_to_end()
    summary = summarise(run.results(), lowered, scenario)
    assert 1.0 < summary.pools[0].replicas_paid < 2.5
    assert summary.replica_starts == 3
    line = next(line for line in summary_lines(summary) if line.startswith("autoscaling"))
    assert line.endswith("of 4 replicas in the mean, 3 started")
    assert msgspec.json.encode(summary)


def test_a_replica_that_starts_has_no_context_of_agents_that_began_warm(shop: Catalog) -> None:
    load = WorkloadSpec(
        kind=WorkloadKind.AGENTS, agents=24, prefix_tokens=worlds.fixed(400),
        append_tokens=worlds.fixed(40), output_tokens=worlds.fixed(200), tool_s=worlds.fixed(0.1),
        think_s=worlds.fixed(0.1), warm_start=True,
    )  # fmt: skip
    design = farm(shop, RULE, storage=False)
    deployment = msgspec.structs.replace(design.deployment, router=Router.PREFIX_AFFINITY)
    design = msgspec.structs.replace(design, workload=load, deployment=deployment)
    lowered = worlds.with_step_time(worlds.lowered_world(design, shop, 60.0), base_s=STEP_S)
    run = worlds.simulation(lowered, 60.0)
    blocks = run._state.rep["blocks"] - run._state.rep["free"]
    assert blocks[0] > 0
    assert (blocks[1:] == 0).all()
    run.run_to_end()
    rep, results = run._state.rep, run.results()
    assert (rep["up"] == 2).sum() > 1
    held = rep["free"] + rep["cached"]
    assert (held <= rep["blocks"]).all()
    first = {}
    for row in np.argsort(results.arrival_s).tolist():
        key = int(results.replica[row])
        if key not in first:
            first[key] = int(results.cached_tokens[row])
    assert all(cached == 0 for replica, cached in first.items() if replica)


def test_slices_copies_and_looks_change_nothing(shop: Catalog) -> None:
    whole, _ = begun(farm(shop, RULE), shop, burst(), until_s=120.0)
    sliced, _ = begun(farm(shop, RULE), shop, burst(), until_s=120.0)
    whole.run_to_end()
    sliced.advance(2.0, 10)
    copy = sliced.snapshot()
    sliced.run_to_end()
    sliced.restore(copy)
    while not sliced.finished:
        sliced.advance(120.0, 37)
        sliced.frame()
    one, other = whole.results(), sliced.results()
    np.testing.assert_array_equal(one.finish_s, other.finish_s)
    np.testing.assert_array_equal(one.cause_seconds, other.cause_seconds)
    assert one.scaling == other.scaling


@pytest.mark.parametrize("broken", ["chip0", "chip1", "chip2"])
def test_a_fault_while_it_scales_loses_nothing(shop: Catalog, broken: str) -> None:
    for at_s in (0.8, 2.0, 6.0, 20.0):
        event = FaultEvent(at_s=at_s, kind=FaultKind.CHIP, target=broken, repair_s=4.0)
        design = msgspec.structs.replace(
            farm(shop, RULE), faults=FaultPlan(events=(event,), restart_s=2.0, detect_s=0.5)
        )
        run, _ = begun(design, shop, burst(output=1500), until_s=200.0)
        run.run_to_end()
        results = run.results()
        assert results.completed == 35
        latency = results.finish_s - results.arrival_s
        np.testing.assert_allclose(results.cause_seconds.sum(axis=1), latency, rtol=1e-9)
        assert results.faults is not None
        assert 0.0 < results.faults.availability <= 1.0


def test_spares_take_the_place_of_a_dead_replica_and_nobody_waits_for_ever(
    shop: Catalog,
) -> None:
    event = FaultEvent(at_s=1.5, kind=FaultKind.CHIP, target="chip0")
    design = msgspec.structs.replace(
        farm(shop, RULE, storage=False), faults=FaultPlan(events=(event,), detect_s=0.5)
    )
    arrivals = [2.0, 2.1, 2.2, 2.3, 20.0, 30.0]
    given = worlds.trace(arrivals, [10] * 6, [50] * 6)
    run, _ = begun(design, shop, given, until_s=200.0)
    run.run_to_end()
    results = run.results()
    assert results.completed == 6
    assert results.finish_s.max() < 31.0  # one that serves at all times, from 5 s on
    assert results.scaling is not None
    assert [event.serving for event in results.scaling.log] == [1]  # one decision, told once


def test_a_replica_that_a_fault_took_down_loads_its_weights_again(shop: Catalog) -> None:
    event = FaultEvent(at_s=1.0, kind=FaultKind.CHIP, target="chip1", repair_s=4.0)
    plan = FaultPlan(events=(event,), restart_s=2.0)
    design = msgspec.structs.replace(farm(shop, Autoscale()), faults=plan)
    run, lowered = begun(design, shop, burst(4), until_s=100.0)
    back_s = 1.0 + 4.0 + load_s(lowered, 1) + 2.0
    assert at(run, back_s - 0.001)[1] == 0
    assert at(run, back_s + 0.001)[1] == 2


@pytest.mark.parametrize(
    "rule",
    [Autoscale(min_replicas=-1), Autoscale(min_replicas=99), Autoscale(min_replicas=1, target_in_flight=0.0),
     Autoscale(min_replicas=1, every_s=0.0), Autoscale(min_replicas=1, start_s=-1.0)],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused(shop: Catalog, rule: Autoscale) -> None:
    with pytest.raises(ScenarioError, match=r"autoscale .*: it is .*set a value"):
        lower(Scenario(design=farm(shop, rule), catalog=shop, until_s=1.0, seed=1))
