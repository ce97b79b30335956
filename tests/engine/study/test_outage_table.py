"""N-1: one component of every class is lost, and what that costs is known in small worlds."""

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import ScenarioError
from engine.scenario.design import Deployment, Design
from engine.scenario.faults import FaultKind
from engine.scenario.scenario import Scenario
from engine.sim.lower import lower
from engine.study.outage_table import component_classes, components_of, outage_table
from engine.topology.generators import HallPlan, hall
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

SHOP = load_catalog()
HALL = hall(SHOP, HallPlan(racks=2, clients=1, hosts=1))


def hall_scenario() -> Scenario:
    design = Design(
        elements=HALL.elements,
        links=HALL.links,
        deployment=Deployment(model="qwen35_397b_a17b", tp=8, max_num_seqs=64),
        workload=WorkloadSpec(kind=WorkloadKind.POISSON, rate_per_s=20.0),
    )
    return Scenario(design=design, catalog=SHOP, until_s=5.0, seed=1)


def test_classes_cover_every_component_once() -> None:
    scenario = hall_scenario()
    parts = components_of(lower(scenario), scenario.design)
    classes = component_classes(parts)
    for kind in FaultKind:
        counts = [count for found, _, _, count in classes if found is kind]
        assert sum(counts) == parts.total(kind)
    assert len(classes) < 40


def test_a_component_is_named_by_an_event_that_finds_it_again() -> None:
    scenario = hall_scenario()
    parts = components_of(lower(scenario), scenario.design)
    for kind in FaultKind:
        total = parts.total(kind)
        for number in sorted({0, total // 3, total - 1}):
            if 0 <= number < total:
                assert parts.numbers(parts.event(kind, number)) == [number]


def test_the_loss_of_a_chip_takes_one_replica_and_that_of_a_rack_its_half() -> None:
    base, rows = outage_table(hall_scenario(), runs=2, jobs=1)
    down = {(row.kind, row.components): row.replicas_down for row in rows}
    assert down["chip", 256] == 1
    assert down["rack", 2] == 16
    assert down["plane", 32] == 0
    assert len(base) == 2
    worst = [row.kind for row in rows if row.replicas_down == max(down.values())]
    assert set(worst) == {"rack", "feed"}


def test_one_of_two_busy_chips_is_half_of_the_throughput(shop: Catalog) -> None:
    load = WorkloadSpec(
        kind=WorkloadKind.POISSON, rate_per_s=200.0, input_tokens=worlds.fixed(100),
        output_tokens=worlds.fixed(50),
    )  # fmt: skip
    design = msgspec.structs.replace(worlds.one_chip(shop, replicas=2), workload=load)
    deployment = msgspec.structs.replace(design.deployment, max_num_seqs=4)
    design = msgspec.structs.replace(design, deployment=deployment)
    _, rows = outage_table(Scenario(design=design, catalog=shop, until_s=10.0, seed=1), jobs=1)
    assert [row.kind for row in rows] == ["chip"]
    gain = rows[0].effect.output_tokens_per_s
    assert gain is not None
    assert gain.mean == pytest.approx(-0.5, abs=0.03)


def test_a_number_of_runs_that_cannot_be_is_refused() -> None:
    with pytest.raises(ScenarioError):
        outage_table(hall_scenario(), runs=1)
