"""A collapsed rack runs exactly like an opened one, an array like its members drawn singly."""

import dataclasses

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import TopologyError
from engine.findings import Severity
from engine.scenario.design import Deployment, Design, FabricSettings, Routing
from engine.scenario.opened import with_open_rack, with_split_array
from engine.scenario.scenario import Scenario
from engine.sim.codes import LinkClass
from engine.sim.lower import Lowered
from engine.sim.prepare import prepare_simulation
from engine.sim.results import RunResults
from engine.topology.elements import Override
from engine.topology.generators import HallPlan, cable, draw, hall, racks_on_leaves
from engine.topology.model import Topology
from engine.topology.opened import open_rack, split_array
from engine.topology.rules import check_topology
from engine.workload.profiles import coding_agent
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec


def with_split_ports(shop: Catalog, spec_id: str) -> Catalog:
    """The shop with a switch whose ports are split in two: opened racks have halves of cables."""
    spec = shop.device(spec_id)
    ports = tuple(msgspec.structs.replace(port, count=2 * port.count) for port in spec.ports)
    split = msgspec.structs.replace(spec, ports=ports)
    return dataclasses.replace(shop, devices={**shop.devices, spec_id: split})


SHOP = with_split_ports(load_catalog(), "hpn7-leaf")
MODEL = "qwen35_397b_a17b"
TP8 = Deployment(model=MODEL, tp=8, max_num_seqs=64)
SPANNING = Deployment(model="qwen3_30b_a3b", tp=4, pp=32, replicas=1, max_num_seqs=64)


def load(rate_per_s: float) -> WorkloadSpec:
    """Prompts of some thousand tokens."""
    return WorkloadSpec(
        kind=WorkloadKind.POISSON,
        rate_per_s=rate_per_s,
        input_tokens=LogNormal(median=2000.0, sigma=1.0, low=16.0, high=20_000.0),
        output_tokens=LogNormal(median=40.0, sigma=0.5, low=4.0, high=400.0),
    )


def one_rack(deployment: Deployment, workload: WorkloadSpec) -> Design:
    """An AL128 under two leaves, with clients at both."""
    rack = draw(SHOP, "panjiu-al128-2x64", "rack", "AL128", 0, 0)
    leaves = [draw(SHOP, "hpn7-leaf", f"leaf-{i}", f"Leaf {i}", 0, 0) for i in range(2)]
    gateway = draw(SHOP, "client-gateway", "gateway", "Clients", 0, 0)
    links = [*racks_on_leaves(SHOP, rack, leaves, 128)]
    links += [cable(SHOP, f"g-{leaf.id}", (gateway, "eth"), (leaf, "port"), 2) for leaf in leaves]
    return Design(
        elements=(gateway, *leaves, rack),
        links=tuple(links),
        deployment=deployment,
        workload=workload,
    )


def run(design: Design, until_s: float) -> tuple[RunResults, Lowered]:
    """The whole run of a design."""
    scenario = Scenario(design=design, catalog=SHOP, until_s=until_s, seed=3)
    simulation, lowered = prepare_simulation(scenario)
    simulation.run_to_end()
    return simulation.results(), lowered


def assert_equal_runs(first: Design, second: Design, until_s: float = 20.0) -> None:
    """Every request at the same times, every class of links with the same bytes."""
    (a, of_a), (b, of_b) = run(first, until_s), run(second, until_s)
    assert a.completed > 20
    for name in ("arrival_s", "first_token_s", "finish_s", "output_tokens", "replica"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert (a.events, a.steps, a.preemptions) == (b.events, b.steps, b.preemptions)
    assert np.array_equal(a.cause_seconds, b.cause_seconds)
    for code in LinkClass:
        bytes_a = a.link_bytes[of_a.fabric.link_class == code].sum()
        bytes_b = b.link_bytes[of_b.fabric.link_class == code].sum()
        assert bytes_a == pytest.approx(bytes_b, rel=1e-12, abs=0.0), code.name
    assert of_a.node_power_w.sum() == pytest.approx(of_b.node_power_w.sum(), rel=1e-12)
    assert of_a.host_cores.sum() == of_b.host_cores.sum()


@pytest.mark.parametrize(
    ("deployment", "workload"),
    [
        (TP8, load(20.0)),
        (TP8, coding_agent(SHOP, 900, 131_072)),
        (SPANNING, load(8.0)),  # its pipeline crosses from one domain to the other
    ],
    ids=["requests", "agents", "two-domains"],
)
def test_a_collapsed_rack_runs_exactly_like_an_opened_one(
    deployment: Deployment, workload: WorkloadSpec
) -> None:
    closed = one_rack(deployment, workload)
    opened = with_open_rack(closed, SHOP, "rack")
    assert len(opened.elements) == 3 + 128 + 2 * 8 + 16 + 128
    assert_equal_runs(closed, opened)


def test_own_figures_of_a_rack_hold_for_its_parts() -> None:
    closed = one_rack(TP8, load(10.0))
    own = {
        "efficiency": Override(value=0.5, reason="test"),
        "bf16_flops": Override(value=1e14, reason="test"),
    }
    rack = msgspec.structs.replace(closed.elements[-1], overrides=own)
    closed = msgspec.structs.replace(closed, elements=(*closed.elements[:-1], rack))
    assert_equal_runs(closed, with_open_rack(closed, SHOP, "rack"))


def test_an_opened_rack_breaks_no_rule_and_can_be_closed_again() -> None:
    closed = one_rack(TP8, load(1.0))
    topology = Topology(closed.elements, closed.links, closed.groups)
    back = topology.apply(open_rack(topology, SHOP, "rack"))
    assert not [f for f in check_topology(topology, SHOP) if f.severity is Severity.ERROR]
    topology.apply(back)
    assert tuple(topology.elements.values()) == closed.elements
    assert tuple(topology.links.values()) == closed.links
    assert not topology.groups


def test_a_deployment_on_the_rack_moves_to_its_parts() -> None:
    deployment = msgspec.structs.replace(TP8, chips=("rack",))
    closed = one_rack(deployment, load(10.0))
    opened = with_open_rack(closed, SHOP, "rack")
    assert "rack.chip-127" in opened.deployment.chips
    assert_equal_runs(closed, opened)


@pytest.mark.parametrize("routing", list(Routing))
def test_an_array_of_racks_runs_exactly_like_single_ones(routing: Routing) -> None:
    drawing = hall(SHOP, HallPlan(racks=3, clients=2))
    design = Design(
        elements=drawing.elements,
        links=drawing.links,
        deployment=TP8,
        workload=load(60.0),
        fabric=FabricSettings(routing=routing),
    )
    (array,) = [element for element in design.elements if element.kind.value == "rack"]
    singles = with_split_array(design, array.id)
    assert len(singles.elements) == len(design.elements) + 2
    assert_equal_runs(design, singles, until_s=5.0)


def test_what_cannot_be_opened_is_refused_with_the_reason() -> None:
    racks = draw(SHOP, "panjiu-al128-2x64", "racks", "Racks", 0, 0, 2)
    other = draw(SHOP, "panjiu-al128-2x64", "other", "Other", 0, 0)
    link = cable(SHOP, "l", (other, "uplink"), (racks, "uplink"), 4)
    topology = Topology((racks, other), (link,))
    with pytest.raises(TopologyError, match="no single rack"):
        open_rack(topology, SHOP, "racks")
    with pytest.raises(TopologyError, match="linked to the rack"):
        open_rack(topology, SHOP, "other")
    with pytest.raises(TopologyError, match="not in the drawing"):
        split_array(topology, "nothing")
