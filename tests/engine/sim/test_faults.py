"""Faults: what dies, what is lost, what goes on, and that nothing disappears without a trace."""

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import ScenarioError
from engine.scenario.design import Deployment, Design, PoolRole, Router, Tenant
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan, FaultPolicy, FaultRate
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause, LinkClass
from engine.sim.damage import Damage, common_share
from engine.sim.faults import Faults
from engine.sim.lower import Lowered, lower
from engine.sim.prepare import prepare_simulation
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.topology.generators import HallPlan, hall
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace
from tests.helpers import worlds

SHOP = load_catalog()
HALL = hall(SHOP, HallPlan(racks=2, clients=1, hosts=1))
RACKS = next(element for element in HALL.elements if element.kind.value == "rack")
MODEL = "qwen35_397b_a17b"
UNTIL_S = 30.0


def hall_design(
    plan: FaultPlan,
    *,
    split: bool = False,
    agents: bool = False,
    router: Router = Router.LEAST_LOADED,
    host_kv_gb: float = 0.0,
    share: bool = False,
) -> Design:
    """Two AL128 racks of TP8 replicas; the replicas of one half prefill in a split design."""
    one = Deployment(
        model=MODEL, tp=8, max_num_seqs=64, router=router, host_kv_gb=host_kv_gb,
        share_prefixes=share,
    )  # fmt: skip
    pools: tuple[Deployment, ...] = ()
    if split:
        decode = msgspec.structs.replace(one, name="d", role=PoolRole.DECODE, replicas=8)
        one = msgspec.structs.replace(one, role=PoolRole.PREFILL, replicas=8)
        pools = (decode,)
    poisson = WorkloadSpec(kind=WorkloadKind.POISSON, rate_per_s=40.0)
    tenants = (Tenant(name="api", workload=poisson),)
    if agents:
        coding = msgspec.structs.replace(
            WorkloadSpec(), agents=60, think_s=worlds.fixed(3.0), tool_s=worlds.fixed(0.5)
        )
        tenants += (Tenant(name="agents", workload=coding, priority=2),)
    return Design(
        elements=HALL.elements, links=HALL.links, deployment=one, pools=pools, tenants=tenants,
        faults=plan,
    )  # fmt: skip


def prepared(design: Design, until_s: float = UNTIL_S) -> tuple[Simulation, Lowered]:
    return prepare_simulation(Scenario(design=design, catalog=SHOP, until_s=until_s, seed=5))


def run(design: Design, until_s: float = UNTIL_S) -> RunResults:
    simulation, _ = prepared(design, until_s)
    simulation.run_to_end()
    return simulation.results()


def event(kind: FaultKind, at_s: float, **changes: object) -> FaultEvent:
    link = next(link for link in HALL.links if RACKS.id in (link.a.element, link.b.element))
    other = "switch" if kind is FaultKind.SWITCH else "rack"
    target = link.id if kind is FaultKind.LINK else next(
        element.id for element in HALL.elements if element.kind.value == other
    )  # fmt: skip
    found = FaultEvent(at_s=at_s, kind=kind, target=target)
    return msgspec.structs.replace(found, **changes)


@st.composite
def plans(take: st.DrawFn) -> FaultPlan:
    kinds = st.sampled_from(list(FaultKind))
    events = []
    for _ in range(take(st.integers(1, 5))):
        kind = take(kinds)
        most = {FaultKind.RACK: 1, FaultKind.FEED: 1, FaultKind.SWITCH: 0, FaultKind.LINK: 15,
                FaultKind.PLANE: 1, FaultKind.HOST: 31}.get(kind, 127)  # fmt: skip
        events.append(
            event(
                kind,
                take(st.floats(0.0, UNTIL_S)),
                member=take(st.integers(0, most)),
                part=take(st.integers(0, 7)),
                repair_s=take(st.sampled_from([0.0, 0.5, 5.0])),
            )
        )
    return FaultPlan(
        events=tuple(events),
        policy=take(st.sampled_from(list(FaultPolicy))),
        detect_s=take(st.sampled_from([0.0, 0.7])),
        restart_s=take(st.sampled_from([0.0, 2.0])),
    )


@given(
    plan=plans(),
    split=st.booleans(),
    agents=st.booleans(),
    router=st.sampled_from(list(Router)),
    host_kv_gb=st.sampled_from([0.0, 0.0, 0.5, 20.0]),
    share=st.booleans(),
    budget=st.integers(50, 5000),
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_lost_silently_and_slices_change_nothing(
    plan: FaultPlan, split: bool, agents: bool, router: Router, host_kv_gb: float, share: bool,
    budget: int,
) -> None:  # fmt: skip
    design = hall_design(
        plan, split=split, agents=agents, router=router, host_kv_gb=host_kv_gb, share=share
    )
    if agents and router is Router.SESSION_STICKY:  # alone: contexts have one row for all replicas
        design = msgspec.structs.replace(design, tenants=design.tenants[1:])
    simulation, lowered = prepared(design)
    simulation.advance(UNTIL_S / 3)
    before = simulation.snapshot()
    simulation.run_to_end()
    results = simulation.results()
    counts = results.tenants
    failed = int(counts.failed.sum())
    assert results.arrived == results.completed + failed + results.rejected + results.in_flight
    if plan.policy is not FaultPolicy.FAIL:
        assert failed == 0
    latency = results.finish_s - results.arrival_s
    np.testing.assert_allclose(results.cause_seconds.sum(axis=1), latency, rtol=1e-9, atol=1e-9)
    assert (results.link_bytes >= 0).all()
    frame = simulation.frame()
    empty = (frame.replica_running == 0) & (frame.replica_waiting == 0)
    moves = split or plan.policy is FaultPolicy.MIGRATE  # KV may be on its way between two of them
    if not moves or results.in_flight == 0:
        assert (frame.replica_kv_occupancy[empty] == 0).all()
    most = lowered.fabric.link_bytes_per_s * UNTIL_S
    assert (results.link_bytes <= most * (1 + 1e-9)).all()
    simulation.restore(before)
    while not simulation.finished:
        simulation.advance(UNTIL_S, budget)
    again = simulation.results()
    assert np.array_equal(results.finish_s, again.finish_s)
    assert np.array_equal(results.cause_seconds, again.cause_seconds)
    np.testing.assert_allclose(results.link_bytes, again.link_bytes, rtol=1e-9)
    assert results.faults == again.faults


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_of_fault_can_be_named_and_leaves_a_line_in_the_log(kind: FaultKind) -> None:
    plan = FaultPlan(events=(event(kind, 2.0, repair_s=3.0),), restart_s=1.0, detect_s=0.5)
    results = run(hall_design(plan), 12.0)
    assert results.faults is not None
    what = [(line.time_s, line.what) for line in results.faults.log if line.kind == kind.value]
    assert what == [(2.0, "fails"), (5.0, "is repaired")]
    assert sum(results.faults.counts.values()) == 1
    down = {FaultKind.CHIP: 1, FaultKind.RACK: 16, FaultKind.FEED: 16, FaultKind.PLANE: 0,
            FaultKind.PORT: 0, FaultKind.LINK: 0, FaultKind.NIC: 0}  # fmt: skip
    if kind in down:  # down for 3 s and 1 s more to start
        lost_s = sum(results.faults.down_replica_s.values())
        assert lost_s == pytest.approx(4.0 * down[kind])
        share = 4.0 * down[kind] / (32 * results.time_s)
        assert results.faults.availability == pytest.approx(1.0 - share)


def test_a_retried_request_keeps_what_it_has_said_and_pays_for_the_fault() -> None:
    design = worlds.one_chip(SHOP, replicas=2)
    design = msgspec.structs.replace(
        design,
        faults=FaultPlan(
            events=(FaultEvent(at_s=0.055, kind=FaultKind.CHIP, target="chip", member=0),),
            detect_s=0.2,
        ),
    )
    given = worlds.trace([0.0], [100], [10])
    simulation, lowered = stepped(design, given)
    simulation.run_to_end()
    results = simulation.results()
    # 5 steps of 10 ms, half a step lost, 0.2 s until it is sent again; there its prompt and the
    # five tokens are one step, which gives the sixth, and four follow
    assert results.replica[0] == 1
    assert results.first_token_s[0] == pytest.approx(0.01)
    assert results.finish_s[0] == pytest.approx(0.055 + 0.2 + 5 * 0.01)
    assert results.cause_seconds[0, Cause.FAULT] == pytest.approx(0.005 + 0.2 + 0.01)
    assert results.tenants.failed.sum() == 0
    assert lowered.replicas.total == 2


def test_a_request_that_may_not_be_retried_fails(shop: Catalog) -> None:
    chip = FaultEvent(at_s=0.055, kind=FaultKind.CHIP, target="chip", member=0)
    design = msgspec.structs.replace(
        worlds.one_chip(shop, replicas=2),
        faults=FaultPlan(events=(chip,), policy=FaultPolicy.FAIL),
    )
    simulation, _ = stepped(design, worlds.trace([0.0, 0.0], [100, 100], [10, 10]))
    simulation.run_to_end()
    results = simulation.results()
    assert (results.completed, int(results.tenants.failed.sum()), results.in_flight) == (1, 1, 0)
    assert results.drained


def test_a_request_that_waits_goes_on_where_it_was_once_that_is_back(shop: Catalog) -> None:
    chip = FaultEvent(at_s=0.055, kind=FaultKind.CHIP, target="chip", member=0, repair_s=1.0)
    design = msgspec.structs.replace(
        worlds.one_chip(shop, replicas=1),
        faults=FaultPlan(events=(chip,), policy=FaultPolicy.WAIT, restart_s=0.5),
    )
    simulation, _ = stepped(design, worlds.trace([0.0, 0.3], [100, 100], [10, 1]))
    simulation.run_to_end()
    results = simulation.results()
    assert results.completed == 2
    back_s = 0.055 + 1.0 + 0.5
    assert np.sort(results.finish_s)[0] == pytest.approx(back_s + 0.01)
    late = results.cause_seconds[results.arrival_s == 0.3][0]
    assert late[Cause.FAULT] == pytest.approx(back_s - 0.3)
    assert simulation.frame().replica_up.tolist() == [True]


def stepped(design: Design, given: RequestTrace) -> tuple[Simulation, Lowered]:
    """A run with a step time of 10 ms."""
    scenario = Scenario(design=design, catalog=SHOP, until_s=60.0, seed=1, trace=given)
    lowered = worlds.with_step_time(lower(scenario), base_s=0.01)
    faults = Faults(design.faults, lowered, design, 60.0, 1)
    return Simulation(lowered, "test", 1, 60.0, faults=faults), lowered


def test_a_lost_plane_takes_its_share_of_every_link_of_its_domain() -> None:
    design = hall_design(FaultPlan(events=(event(FaultKind.PLANE, 0.0, part=3),)))
    _, lowered = prepared(design)
    faults = Faults(design.faults, lowered, design, UNTIL_S, 1)
    faults.due(0.0)
    share = faults.damage.link_shares()
    switch = faults.components.parts(*next(iter(faults.damage.dead))).pairs
    assert len(switch) == 64
    assert share[2 * switch].tolist() == [7 / 8] * 64
    assert (share < 1).sum() == 128


def test_planes_lost_at_two_ends_leave_only_those_alive_at_both() -> None:
    masks = np.array([1 << 0, 1 << 5, 0])
    planes = np.full(6, 8, np.int32)
    share = common_share(np.array([0, 2]), masks, planes)  # 7 of 8 alive at each, 6 at both
    assert share.tolist() == pytest.approx([6 / 7, 6 / 7])
    assert common_share(np.array([0, 4]), masks, planes).tolist() == pytest.approx([1.0, 7 / 8])


def test_without_its_cables_a_rack_is_cut_off_and_down() -> None:
    mine = [link for link in HALL.links if RACKS.id in (link.a.element, link.b.element)]
    cables = tuple(
        FaultEvent(at_s=1.0, kind=FaultKind.LINK, target=link.id, member=-1) for link in mine
    )
    simulation, _ = prepared(hall_design(FaultPlan(events=cables)), 5.0)
    simulation.run_to_end()
    assert not simulation.frame().replica_up.any()
    assert simulation.results().in_flight > 0


def test_a_degraded_link_slows_what_uses_it_and_a_repair_ends_that() -> None:
    plane = [event(FaultKind.PLANE, 0.0, part=part) for part in range(7)]
    whole = run(hall_design(FaultPlan()), 10.0)
    worse = run(hall_design(FaultPlan(events=tuple(plane))), 10.0)
    causes = [r.cause_seconds[:, Cause.SCALE_UP].sum() / r.completed for r in (whole, worse)]
    assert causes[1] > 2.0 * causes[0]


def test_random_faults_come_at_their_rate_and_equal_seeds_give_equal_ones() -> None:
    rate = FaultRate(kind=FaultKind.CHIP, mtbf_h=1.0, repair_h=0.01)
    design = hall_design(FaultPlan(rates=(rate,)))
    _, lowered = prepared(design)
    drawn = [
        Faults(design.faults, lowered, design, 3600.0, seed).state.queue for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == pytest.approx(256, abs=4 * 16)  # 256 chips, one hour, MTBF one hour


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        (FaultPlan(events=(event(FaultKind.CHIP, 1.0, target="nobody"),)), "no element of the drawing"),
        (FaultPlan(events=(event(FaultKind.LINK, 1.0, target="nobody"),)), "no link of the drawing"),
        (FaultPlan(events=(event(FaultKind.SWITCH, 1.0, target="rack-0-0"),)), "it has no switch"),
        (FaultPlan(events=(event(FaultKind.CHIP, 1.0, member=500),)), "set 0 to 255, or -1"),
        (FaultPlan(events=(event(FaultKind.CHIP, 1.0, member=-5),)), "set 0 to 255, or -1"),
        (FaultPlan(events=(event(FaultKind.RACK, 1.0, member=2),)), "set 0 to 1, or -1"),
        (FaultPlan(events=(event(FaultKind.PLANE, 1.0, part=99),)), "set 0 to 7"),
        (FaultPlan(events=(event(FaultKind.CHIP, -1.0),)), "at_s: it is -1"),
        (FaultPlan(events=(event(FaultKind.CHIP, 1e300),)), "set a value from 0 to 1e+09"),
        (FaultPlan(rates=(FaultRate(kind=FaultKind.CHIP, mtbf_h=0.0, repair_h=1.0),)),
         "mtbf_h: it is 0"),
        (FaultPlan(racks_a_feed=10**18), "racks_a_feed"),
        (FaultPlan(rates=(FaultRate(kind=FaultKind.CHIP, mtbf_h=1e-9, repair_h=1.0),)),
         "longer time between"),
        (FaultPlan(restart_s=float("nan")), ""),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(plan: FaultPlan, complaint: str) -> None:
    design = hall_design(FaultPlan())
    _, lowered = prepared(design)
    with pytest.raises(ScenarioError) as caught:
        Faults(plan, lowered, design, UNTIL_S, 1)
    assert complaint in str(caught.value)
    assert caught.value.way_out


def test_components_of_a_rack_are_counted_as_they_are_built() -> None:
    design = hall_design(FaultPlan())
    _, lowered = prepared(design)
    parts = Faults(design.faults, lowered, design, 1.0, 1).components
    assert parts.total(FaultKind.CHIP) == 256
    assert parts.total(FaultKind.PLANE) == 2 * 16
    assert parts.total(FaultKind.PORT) == 256 * 8
    assert (parts.total(FaultKind.RACK), parts.total(FaultKind.FEED)) == (2, 2)
    up = lowered.fabric.link_class == LinkClass.SCALE_UP
    assert parts.total(FaultKind.PORT) == lowered.fabric.link_multiplicity[up].sum() / 2
    damage = Damage(parts, lowered.fabric)
    damage.fail((FaultKind.RACK, 0))
    racked = lowered.fabric.node_element == lowered.element_ids.index(RACKS.id)
    assert damage.dead_nodes().sum() == racked.sum() // 2
