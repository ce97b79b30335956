"""Sequences that move with their KV when what fails leaves the memory of the chips readable."""

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan, FaultPolicy
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause
from engine.sim.faults import Faults
from engine.sim.lower import Lowered, lower
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.topology.generators import cable, draw
from tests.helpers import worlds

STEP_S = 0.01
FAILS_S = 0.055  # five steps are done, the sixth is lost
DETECT_S = 0.2


def pair(shop: Catalog, *events: FaultEvent, linked: bool = True) -> Design:
    """Two chips, each with a host, linked to each other; one replica each."""
    chips = [draw(shop, "zhenwu-m890", f"chip{n}", "Chip", 0, 200 * n) for n in range(2)]
    hosts = [draw(shop, "xuantie-c950-host", f"host{n}", "Host", 200, 200 * n) for n in range(2)]
    links = [cable(shop, f"p{n}", (chips[n], "pcie"), (hosts[n], "pcie"), 1) for n in range(2)]
    if linked:
        links.append(cable(shop, "icn", (chips[0], "icn"), (chips[1], "icn"), 2))
    plan = FaultPlan(events=events, policy=FaultPolicy.MIGRATE, detect_s=DETECT_S, restart_s=1.0)
    design = worlds.one_chip(shop, replicas=2)
    return msgspec.structs.replace(
        design, elements=(*chips, *hosts), links=tuple(links), faults=plan
    )


def fault(
    kind: FaultKind, target: str, at_s: float = FAILS_S, repair_s: float = 0.0
) -> FaultEvent:
    return FaultEvent(at_s=at_s, kind=kind, target=target, repair_s=repair_s)


def run(design: Design, shop: Catalog) -> tuple[RunResults, Lowered]:
    given = worlds.trace([0.0], [1000], [10])
    scenario = Scenario(design=design, catalog=shop, until_s=60.0, seed=1, trace=given)
    lowered = worlds.with_step_time(lower(scenario), base_s=STEP_S)
    faults = Faults(design.faults, lowered, design, 60.0, 1)
    simulation = Simulation(lowered, "test", 1, 60.0, faults=faults)
    simulation.run_to_end()
    frame = simulation.frame()
    assert (frame.replica_kv_occupancy == 0).all()
    results = simulation.results()
    assert results.cause_seconds.sum() == pytest.approx(
        float((results.finish_s - results.arrival_s).sum()), rel=1e-9
    )
    return results, lowered


def test_a_sequence_moves_with_its_kv_in_the_time_of_its_bytes(shop: Catalog) -> None:
    results, lowered = run(pair(shop, fault(FaultKind.HOST, "host0")), shop)
    way = int(lowered.transfers.peer[1])  # from replica 0
    link = lowered.transfers.link[lowered.transfers.start[way]]
    moved = (1000 + 4) * lowered.first.limits.kv_bytes  # the fifth token is not in KV yet
    transfer_s = moved / lowered.fabric.link_bytes_per_s[link] + lowered.transfers.latency_s[way]
    assert results.replica.tolist() == [1]
    assert results.first_token_s[0] == pytest.approx(STEP_S)
    # no prompt is computed again: five steps give the five tokens that are left
    assert results.finish_s[0] == pytest.approx(
        FAILS_S + DETECT_S + transfer_s + 5 * STEP_S, rel=1e-9
    )
    assert results.cause_seconds[0, Cause.KV_TRANSFER] == pytest.approx(transfer_s, rel=1e-9)
    assert results.cause_seconds[0, Cause.FAULT] == pytest.approx(0.005 + DETECT_S)
    assert results.link_bytes.sum() == pytest.approx(moved, rel=1e-9)


@pytest.mark.parametrize(
    "events",
    [
        (fault(FaultKind.CHIP, "chip0"),),  # its memory is gone
        (fault(FaultKind.HOST, "host0"), fault(FaultKind.CHIP, "chip0", FAILS_S + 0.1)),
        (fault(FaultKind.HOST, "host0", repair_s=0.1),),  # it loads weights over it
        (fault(FaultKind.HOST, "host0"), fault(FaultKind.LINK, "icn", FAILS_S + 0.1)),
    ],
)
def test_where_its_kv_is_gone_or_out_of_reach_it_is_computed_again(
    shop: Catalog, events: tuple[FaultEvent, ...]
) -> None:
    if events[-1].kind is FaultKind.LINK:
        events = (*events[:-1], msgspec.structs.replace(events[-1], member=-1))
    results, _ = run(pair(shop, *events), shop)
    assert results.replica.tolist() == [1]
    # prompt and said tokens are one step, which gives the sixth token
    assert results.finish_s[0] == pytest.approx(FAILS_S + DETECT_S + 5 * STEP_S)
    assert results.cause_seconds[0, Cause.KV_TRANSFER] == 0.0
    assert results.link_bytes.sum() == 0.0


def test_a_transfer_that_loses_its_way_is_given_up(shop: Catalog) -> None:
    at_s = FAILS_S + DETECT_S + 6e-5  # after the latency, before the last byte
    cut = msgspec.structs.replace(fault(FaultKind.LINK, "icn", at_s), member=-1)
    results, _ = run(pair(shop, fault(FaultKind.HOST, "host0"), cut), shop)
    assert results.completed == 1
    assert results.finish_s[0] == pytest.approx(at_s + 5 * STEP_S, rel=1e-9)
    assert results.link_bytes.sum() > 0.0
