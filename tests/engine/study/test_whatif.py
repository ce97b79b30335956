"""What would help: paired runs with known answers, inseparable resources, fixes as one step."""

import dataclasses

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.metrics.summary import Summary
from engine.scenario.design import Design
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause
from engine.sim.lower import Lowered
from engine.study import whatif
from engine.study.resources import Resource, changes_design, improved, improved_design
from engine.study.whatif import Effect, Stopped, WhatIf, effect_of, paired, ranked, what_if
from engine.study.worth import Gain
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

STEP_S = 0.02


def scenario(shop: Catalog, rate_per_s: float = 8.0) -> Scenario:
    load = WorkloadSpec(
        kind=WorkloadKind.POISSON, rate_per_s=rate_per_s, input_tokens=worlds.fixed(50),
        output_tokens=worlds.fixed(5),
    )  # fmt: skip
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    design = msgspec.structs.replace(
        design, deployment=msgspec.structs.replace(design.deployment, max_num_seqs=1)
    )
    return Scenario(design=design, catalog=shop, until_s=40.0, seed=1)


@pytest.fixture
def computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step is 20 ms of arithmetic, whatever it computes."""
    real = whatif.lower

    def lower(given: Scenario) -> Lowered:
        return worlds.with_step_time(real(given), base_s=STEP_S)

    monkeypatch.setattr(whatif, "lower", lower)


def of(found: list[WhatIf], resource: Resource) -> WhatIf:
    return next(row for row in found if row.resource == resource.value)


@pytest.mark.usefixtures("computing")
def test_twice_the_arithmetic_halves_the_service_time_and_nothing_else_helps(
    shop: Catalog,
) -> None:
    base, found = what_if(scenario(shop), runs=3, jobs=1)
    assert found[0].resource == Resource.ARITHMETIC.value
    assert found[0].helps
    service = of(found, Resource.ARITHMETIC).large.tpot_p50
    assert service is not None
    assert service.mean == pytest.approx(0.5)
    # M/D/1 at load 0.8 with half the service time: waits fall from 0.2 s to 0.0167 s
    latency = found[0].large.latency
    assert latency is not None
    assert latency.mean > 0.7
    idle = (Resource.HBM_BANDWIDTH, Resource.SCALE_UP, Resource.HOST_CORES, Resource.KV_MEMORY)
    for resource in idle:
        row = of(found, resource)
        assert not row.helps
        assert row.large.latency == Gain(mean=0.0, low=0.0, high=0.0)  # bit-equal runs
    assert len({row.group for row in found if not row.helps}) == len(found) - sum(
        row.helps for row in found
    )
    assert len(base) == 3


@pytest.mark.usefixtures("computing")
def test_threads_and_order_change_no_figure(shop: Catalog) -> None:
    one = what_if(scenario(shop), runs=2, jobs=1)
    two = what_if(scenario(shop), runs=2, jobs=2)
    assert [s.e2e_s for s in one[0]] == [s.e2e_s for s in two[0]]
    assert one[1] == two[1]


@pytest.mark.usefixtures("computing")
def test_a_study_that_nobody_wants_any_more_stops(shop: Catalog) -> None:
    with pytest.raises(Stopped):
        what_if(scenario(shop), runs=2, jobs=1, stopped=lambda: True)


@pytest.mark.parametrize("runs", [1, 1000])
def test_a_number_of_runs_that_cannot_be_is_refused(shop: Catalog, runs: int) -> None:
    with pytest.raises(ScenarioError):
        what_if(scenario(shop), runs=runs)


def test_a_paired_gain_has_the_interval_of_the_differences() -> None:
    base = np.array([10.0, 20.0, 30.0])
    found = paired(base, base - np.array([1.0, 2.0, 6.0]), more_is_better=False)
    half = 4.302653 * np.std([0.1, 0.1, 0.2], ddof=1) / np.sqrt(3)  # two degrees of freedom
    assert found.mean == pytest.approx(0.4 / 3)
    assert found.high - found.mean == pytest.approx(half, rel=1e-5)
    assert paired(base, 2 * base, more_is_better=True).mean == pytest.approx(1.0)


def effect(mean: float, half: float) -> Effect:
    gain = Gain(mean=mean, low=mean - half, high=mean + half)
    return Effect(
        latency=gain, output_tokens_per_s=None, ttft_p95=None, tpot_p50=None, goodput=None
    )


def test_gains_that_overlap_are_inseparable_and_what_does_not_help_stands_alone() -> None:
    rows = [
        (Resource.ARITHMETIC, effect(0.1, 0.0), effect(0.50, 0.05)),
        (Resource.SCALE_UP, effect(0.1, 0.0), effect(0.47, 0.04)),
        (Resource.PCIE, effect(0.1, 0.0), effect(0.20, 0.01)),
        (Resource.OVERHEAD, effect(0.0, 0.0), effect(0.03, 0.04)),
        (Resource.HOST_CORES, effect(0.0, 0.0), effect(0.02, 0.01)),
    ]
    found = ranked(rows)
    assert [row.group for row in found] == [1, 1, 2, 3, 4]
    assert [row.helps for row in found] == [True, True, True, False, True]


@pytest.mark.parametrize("resource", [r for r in Resource if not changes_design(r)])
def test_only_the_named_resource_is_better(shop: Catalog, resource: Resource) -> None:
    lowered = worlds.lowered_world(worlds.eight_chips(shop), shop, 1.0)
    better = improved(lowered, resource, 2.0)
    changed = {
        name
        for name in ("fabric", "timing", "replicas", "host_cores")
        if not _equal(getattr(lowered, name), getattr(better, name))
    }
    wanted = {
        Resource.KV_MEMORY: {"replicas"},
        Resource.SCALE_UP: {"fabric"},
        Resource.SCALE_OUT: set(),  # a mesh of eight has no such links, nor hosts
        Resource.CLIENT_LINKS: set(),
        Resource.PCIE: set(),
        Resource.STORAGE_LINKS: set(),
        Resource.HOST_CORES: set(),
    }
    assert changed == wanted.get(resource, {"timing"})
    if resource is Resource.ARITHMETIC:
        ratio = lowered.timing.dense_s[..., Cause.COMPUTE] / 2
        assert np.array_equal(better.timing.dense_s[..., Cause.COMPUTE], ratio)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, tuple):
        return all(_equal(a, b) for a, b in zip(one, other, strict=True))  # type: ignore[call-overload]
    return bool(np.array_equal(one, other))  # type: ignore[arg-type]


@pytest.mark.parametrize("resource", [Resource.BATCH_SLOTS, Resource.TOKEN_BUDGET])
def test_limits_are_raised_in_every_pool_and_stay_possible(
    shop: Catalog, resource: Resource
) -> None:
    design = worlds.one_chip(shop)
    pool = msgspec.structs.replace(
        design.deployment, name="b", max_num_seqs=100, max_num_batched_tokens=150
    )
    better = improved_design(msgspec.structs.replace(design, pools=(pool,)), resource, 2.0)
    assert better is not None
    for before, after in zip((design.deployment, pool), better.all_pools(), strict=True):
        assert after != before
        assert after.max_num_batched_tokens >= after.max_num_seqs


def base_runs(design: Design, shop: Catalog) -> list[Summary]:
    given = Scenario(design=design, catalog=shop, until_s=20.0, seed=1)
    return [whatif.run_scenario(dataclasses.replace(given, seed=seed)) for seed in (1, 2)]


def test_an_effect_without_samples_is_not_known(shop: Catalog) -> None:
    base = base_runs(scenario(shop, rate_per_s=1e-5).design, shop)
    assert effect_of(base, base).latency is None
