"""Generated halls: what they have, and that arrays, single racks and a lost cable all route."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.catalog.loader import load_catalog
from engine.errors import TopologyError
from engine.findings import Severity
from engine.scenario.design import Deployment, Design, FabricSettings, Routing
from engine.scenario.scenario import Scenario
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.prepare import prepare_simulation
from engine.sim.results import RunResults
from engine.sim.routing import Router
from engine.sim.tables import FabricTables
from engine.topology.expand import expand
from engine.topology.generators import Drawing, HallPlan, hall
from engine.topology.model import Topology
from engine.topology.rules import check_topology
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.oracles.pair_routes import PairRouter

SHOP = load_catalog()
PLAN = HallPlan(racks=3, clients=2, hosts=1)


def tables(drawing: Drawing) -> FabricTables:
    """The fabric of a drawing, a bundle as one link."""
    return FabricTables(*expand(drawing.elements, drawing.links, SHOP))


def run(drawing: Drawing, routing: Routing) -> RunResults:
    """Five seconds of a load on all chips of a hall."""
    design = Design(
        elements=drawing.elements,
        links=drawing.links,
        deployment=Deployment(model="qwen35_397b_a17b", tp=8, max_num_seqs=64),
        workload=WorkloadSpec(kind=WorkloadKind.POISSON, rate_per_s=60.0),
        fabric=FabricSettings(routing=routing),
    )
    scenario = Scenario(design=design, catalog=SHOP, until_s=5.0, seed=3)
    simulation, _ = prepare_simulation(scenario)
    simulation.run_to_end()
    return simulation.results()


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("singles", [False, True])
def test_a_hall_breaks_no_rule_and_has_what_was_asked_for(singles: bool, broken: bool) -> None:
    drawing = hall(SHOP, PLAN, singles=singles, broken=broken)
    found = check_topology(Topology(drawing.elements, drawing.links, ()), SHOP)
    assert not [finding for finding in found if finding.severity is Severity.ERROR]
    counted = dict.fromkeys(("rack", "client", "host"), 0)
    for element in drawing.elements:
        if element.kind.value in counted:
            counted[element.kind.value] += element.count
    assert counted == {"rack": 3, "client": 2, "host": 1}
    racks = {element.id for element in drawing.elements if element.kind.value == "rack"}
    assert len(racks) == (3 if singles else 1 + broken)


@pytest.mark.parametrize("oversubscription", [1.0, 1.5, 3.0])
def test_leaves_carry_no_more_down_than_the_ratio_allows(oversubscription: float) -> None:
    drawing = hall(SHOP, HallPlan(racks=64, uplinks=32, oversubscription=oversubscription))
    members = {element.id: element.count for element in drawing.elements}
    down, up = dict.fromkeys(members, 0), dict.fromkeys(members, 0)
    for link in drawing.links:  # cables at one leaf: of all racks below, to all spines above
        if link.b.element == "spine":
            up[link.a.element] += link.count * members["spine"]
        else:
            down[link.b.element] += link.count * members[link.a.element]
    leaves = [name for name in members if up[name]]
    assert leaves
    for leaf in leaves:
        assert 0 < down[leaf] <= oversubscription * (up[leaf] + 1) + 1  # whole ports


def test_the_last_rack_alone_lacks_its_cables_to_one_leaf() -> None:
    whole, broken = tables(hall(SHOP, PLAN)), tables(hall(SHOP, PLAN, broken=True))
    assert np.array_equal(whole.node_kind, broken.node_kind)

    def uplinks(fabric: FabricTables) -> NDArray[np.float64]:
        """Bytes per second out of each NIC towards the leaves."""
        rows = fabric.link_class == LinkClass.SCALE_OUT
        source, rates = fabric.link_source[rows], fabric.link_bytes_per_s[rows]
        return np.bincount(source, rates, len(fabric.node_kind))[fabric.node_kind == NodeKind.NIC]

    had, has = (uplinks(fabric).reshape(3, -1).sum(axis=1) for fabric in (whole, broken))
    assert (had > 0).all()
    assert has.tolist() == [had[0], had[1], had[2] / 2]


@pytest.mark.parametrize("routing", list(Routing))
@pytest.mark.parametrize("broken", [False, True])
def test_a_hall_of_arrays_runs_exactly_like_one_of_single_racks(
    routing: Routing, broken: bool
) -> None:
    a, b = (
        run(hall(SHOP, PLAN, singles=singles, broken=broken), routing) for singles in (False, True)
    )
    assert a.completed > 20
    for name in ("arrival_s", "first_token_s", "finish_s", "output_tokens", "replica"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert (a.events, a.steps) == (b.events, b.steps)


def test_routes_of_a_hall_without_symmetry_equal_the_slow_twin() -> None:
    fabric = tables(hall(SHOP, PLAN, broken=True))
    chips = np.flatnonzero(fabric.node_kind == NodeKind.CHIP).astype(np.int32)
    clients = np.flatnonzero(fabric.node_kind == NodeKind.CLIENT).astype(np.int32)
    some = np.random.default_rng(5).choice(chips, 24, replace=False)
    some[:2] = chips[0], chips[-1]  # a rack with all its cables, and the one that lacks some
    sources = np.concatenate([np.repeat(clients, len(some)), some[:-1]])
    targets = np.concatenate([np.tile(some, len(clients)), some[1:]])
    table, twin = Router(fabric).routes(sources, targets), PairRouter(fabric)
    for pair, (source, target) in enumerate(zip(sources, targets, strict=True)):
        wanted = twin.route(int(source), int(target))
        assert wanted is not None
        rows = slice(int(table.start[pair]), int(table.start[pair + 1]))
        assert table.links[rows].tolist() == wanted.links.tolist()
        assert table.shares[rows].tolist() == wanted.shares.tolist()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"racks": 0}, "at least one rack"),
        ({"uplinks": 3}, "multiple of"),
        ({"oversubscription": 0.0}, "above 0"),
        ({"oversubscription": float("nan")}, "above 0"),
        ({"racks": 10_000}, "fewer uplinks"),
    ],
)
def test_a_hall_that_cannot_be_is_refused_with_the_reason(
    change: dict[str, float], reason: str
) -> None:
    with pytest.raises(TopologyError) as refused:
        hall(SHOP, PLAN._replace(**change))  # type: ignore[arg-type]
    assert reason in f"{refused.value} {getattr(refused.value, 'way_out', '')}"
