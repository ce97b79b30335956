"""Small worlds whose bottleneck is known by construction: the study must name it."""

import dataclasses
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.catalog.resources import resource_path
from engine.scenario.design import Design
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause, LinkClass
from engine.sim.lower import Lowered
from engine.storage.project_file import load_design
from engine.study import whatif
from engine.study.resources import Resource, improved, improved_design
from engine.study.whatif import FACTORS, WhatIf, what_if
from engine.study.worth import Gain
from engine.topology.generators import cable, draw
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

NOTHING = Gain(mean=0.0, low=0.0, high=0.0)
Change = Callable[[Lowered], Lowered]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Replaces every lowered table of the study by a changed one."""

    def use(change: Change) -> None:
        real = whatif.lower
        monkeypatch.setattr(whatif, "lower", lambda given: change(real(given)))

    return use


def poisson(rate_per_s: float, outputs: float = 5) -> WorkloadSpec:
    return WorkloadSpec(
        kind=WorkloadKind.POISSON, rate_per_s=rate_per_s, input_tokens=worlds.fixed(50),
        output_tokens=worlds.fixed(outputs),
    )  # fmt: skip


def two_hosts(shop: Catalog) -> Design:
    """One replica of two chips, each on a host of its own, joined by a leaf."""
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0)
    elements, links = [leaf], []
    for at in range(2):
        chip = draw(shop, "nvidia-h20", f"chip{at}", f"Chip {at}", 0, 0)
        host = draw(shop, "x86-host", f"host{at}", f"Host {at}", 0, 0)
        elements += [chip, host]
        links += [
            cable(shop, f"p{at}", (chip, "pcie"), (host, "pcie"), 1),
            cable(shop, f"e{at}", (host, "eth"), (leaf, "port"), 1),
        ]
    small = worlds.one_chip(shop)
    deployment = msgspec.structs.replace(small.deployment, tp=2)
    return msgspec.structs.replace(
        small, elements=tuple(elements), links=tuple(links), deployment=deployment
    )


def agents_on_one_host(shop: Catalog) -> Design:
    """Sixteen agents whose tools take a core for a second and whose requests take little."""
    chip = draw(shop, "nvidia-h20", "chip", "Chip", 0, 0)
    host = draw(shop, "x86-host", "host", "Host", 0, 0)
    load = WorkloadSpec(
        kind=WorkloadKind.AGENTS, agents=16, prefix_tokens=worlds.fixed(1000),
        append_tokens=worlds.fixed(50), output_tokens=worlds.fixed(5), tool_s=worlds.fixed(1.0),
        think_s=worlds.fixed(1.0), tool_cpu_s=worlds.fixed(1.0), steps_per_task=1e6,
    )  # fmt: skip
    return msgspec.structs.replace(
        worlds.one_chip(shop),
        elements=(chip, host),
        links=(cable(shop, "p", (chip, "pcie"), (host, "pcie"), 1),),
        workload=load,
    )


def studied(
    design: Design, shop: Catalog, until_s: float = 60.0, runs: int = 3
) -> dict[str, WhatIf]:
    given = Scenario(design=design, catalog=shop, until_s=until_s, seed=1)
    return {row.resource: row for row in what_if(given, runs=runs, jobs=1)[1]}


def test_one_slow_shared_link_is_the_only_thing_that_helps(
    shop: Catalog, world: Callable[[Change], None]
) -> None:
    def slow(lowered: Lowered) -> Lowered:
        out = lowered.fabric.link_class == LinkClass.SCALE_OUT
        rates = np.where(out, 1e9, 1e15)
        fabric = lowered.fabric._replace(link_bytes_per_s=rates)
        lowered = dataclasses.replace(lowered, fabric=fabric)
        return worlds.with_step_time(lowered, base_s=0.0, collective_bytes=2e7)

    world(slow)
    load = poisson(4.0)
    found = studied(msgspec.structs.replace(two_hosts(shop), workload=load), shop)
    first, *others = found.values()
    assert first.resource == Resource.SCALE_OUT.value
    assert first.group == 1
    for factor, effect in zip(FACTORS, (first.small, first.large), strict=True):
        assert effect.tpot_p50 is not None
        assert effect.tpot_p50.mean == pytest.approx(1 - 1 / factor, rel=1e-3)
    for row in others:
        assert not row.helps
        assert row.large.latency is not None
        assert abs(row.large.latency.mean) < 1e-4


def test_two_resources_that_hold_equally_are_inseparable(
    shop: Catalog, world: Callable[[Change], None]
) -> None:
    def equal(lowered: Lowered) -> Lowered:
        lowered = worlds.with_step_time(lowered, base_s=0.01)
        dense = lowered.timing.dense_s.copy()
        dense[..., Cause.MEMORY_BANDWIDTH] = dense[..., Cause.COMPUTE]
        return dataclasses.replace(lowered, timing=lowered.timing._replace(dense_s=dense))

    world(equal)
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=poisson(6.0))
    found = studied(design, shop)
    one, two = found[Resource.ARITHMETIC.value], found[Resource.HBM_BANDWIDTH.value]
    assert one.helps
    assert two.helps
    assert one.group == two.group
    assert one.large == two.large


def test_cores_that_hold_agents_up_come_first_though_requests_are_quick(
    shop: Catalog, world: Callable[[Change], None]
) -> None:
    def few_cores(lowered: Lowered) -> Lowered:
        cores = np.where(lowered.host_cores > 0, 2.0, 0.0)
        lowered = dataclasses.replace(lowered, host_cores=cores)
        return worlds.with_step_time(lowered, base_s=0.01)

    world(few_cores)
    found = studied(agents_on_one_host(shop), shop, until_s=120.0)
    first = next(iter(found.values()))
    assert first.resource == Resource.HOST_CORES.value
    assert first.helps
    tokens = first.large.output_tokens_per_s
    assert tokens is not None
    assert tokens.mean == pytest.approx(1.0, abs=0.1)  # two cores end two tools a second
    assert first.small.latency is None  # there is no core between two and three
    assert found[Resource.HBM_BANDWIDTH.value].large.latency == NOTHING


@pytest.mark.parametrize("kind", ["agents", "open loop"])
def test_the_causes_of_every_request_add_up_to_its_latency(kind: str, shop: Catalog) -> None:
    if kind == "agents":
        example = load_design(resource_path("examples", "al128-agents.rackflow"))
        design, until_s = example.design, 20.0
    else:
        load = poisson(300.0, outputs=20)
        design, until_s = msgspec.structs.replace(worlds.one_chip(shop), workload=load), 20.0
    lowered = worlds.lowered_world(design, shop, until_s)
    simulation = worlds.simulation(lowered, until_s)
    simulation.run_to_end()
    results = simulation.results()
    assert results.completed > 30
    latency = results.finish_s - results.arrival_s
    assert np.abs(results.cause_seconds.sum(axis=1) - latency).max() < 1e-9


def test_ten_percent_more_than_one_slot_is_not_known(shop: Catalog) -> None:
    design = worlds.one_chip(shop)
    one = msgspec.structs.replace(design.deployment, max_num_seqs=1)
    narrow = msgspec.structs.replace(design, deployment=one)
    assert improved_design(narrow, Resource.BATCH_SLOTS, 1.1) is None
    row = studied(narrow, shop, until_s=20.0, runs=2)[Resource.BATCH_SLOTS.value]
    assert row.small.latency is None
    assert row.large.latency is not None


def test_twice_the_replicas_are_twice_the_chips_and_ten_percent_more_needs_ten(
    shop: Catalog,
) -> None:
    better = improved_design(worlds.one_chip(shop, replicas=2), Resource.REPLICAS, 2.0)
    assert better is not None
    assert better.deployment.replicas == better.elements[0].count == 4
    assert improved_design(worlds.one_chip(shop, replicas=2), Resource.REPLICAS, 1.1) is None
    better = improved_design(worlds.one_chip(shop, replicas=10), Resource.REPLICAS, 1.1)
    assert better is not None
    assert better.deployment.replicas == 11


def test_replicas_of_several_bare_chips_cannot_be_doubled_alike(shop: Catalog) -> None:
    assert improved_design(two_hosts(shop), Resource.REPLICAS, 2.0) is None
    example = load_design(resource_path("examples", "al128-agents.rackflow")).design
    better = improved_design(example, Resource.REPLICAS, 2.0)
    assert better is not None
    assert [e.count for e in better.elements if e.kind is DeviceKind.RACK] == [2]


def test_what_is_not_drawn_leaves_the_tables_as_they_are(shop: Catalog) -> None:
    lowered = worlds.lowered_world(worlds.one_chip(shop), shop, 1.0)
    for resource in (Resource.SCALE_OUT, Resource.STORAGE_LINKS, Resource.HOST_CORES):
        assert improved(lowered, resource, 2.0) is lowered


def test_a_run_changes_nothing_of_the_tables_that_runs_share(shop: Catalog) -> None:
    example = load_design(resource_path("examples", "al128-agents.rackflow"))
    for design in (example.design, two_hosts(shop)):
        lowered = worlds.lowered_world(design, shop, 5.0)
        before = _frozen(lowered)
        worlds.simulation(lowered, 5.0).run_to_end()
        assert _frozen(lowered) == before


def _frozen(value: object) -> object:
    """The bytes of everything in a record."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [_frozen(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, tuple):
        return [_frozen(part) for part in value]
    return value
