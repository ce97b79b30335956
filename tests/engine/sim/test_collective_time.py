"""Collectives as coflows: run in the network they take their closed forms; algorithms and why."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.selection import (
    LONG_GATHER_BYTES,
    Kind,
    automatic,
    closed_form_s,
    latency_steps,
    runnable,
)
from engine.errors import ScenarioError
from engine.scenario.design import Design
from engine.sim.codes import NodeKind
from engine.sim.collective_phases import tree_parents
from engine.sim.collective_time import collective_coflow, collective_time, run_coflow
from engine.sim.drawn_collective import DrawnRanks
from engine.sim.tables import FabricTables
from engine.storage.project_file import load_design
from engine.topology.generators import draw
from tests.engine.sim.test_collective_routes import eight, fabric

CHIP, SWITCH, STORE = NodeKind.CHIP, NodeKind.SWITCH, NodeKind.STORAGE
PORT, HOP = 50e9, 1e-6
SIZE = 1e6


def star(chips: int, *more: NodeKind) -> FabricTables:
    """Chips (and other ends) on one switch that blocks nothing."""
    links = [(i, chips, PORT, HOP) for i in range(chips)]
    links += [(chips + 1 + i, chips, PORT, HOP) for i in range(len(more))]
    return fabric([CHIP] * chips + [SWITCH, *more], links)


def among(shop: Catalog, *groups: list[int]) -> DrawnRanks:
    return DrawnRanks(
        groups=tuple(tuple(group) for group in groups),
        chip=shop.device("nvidia-h100"),
        in_switch=False,
    )


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("count", [2, 8, 16])
def test_on_an_unblocked_fabric_every_algorithm_takes_its_closed_form(
    shop: Catalog, kind: Kind, count: int
) -> None:
    world = star(count, STORE)
    for algorithm in runnable(kind, count, 1, in_switch=False):
        flow = collective_coflow(world, among(shop, list(range(count))), kind, algorithm)
        found = run_coflow(world, flow, SIZE)
        wanted = closed_form_s(kind, algorithm, count, SIZE, PORT, 2 * HOP)
        assert found == pytest.approx(wanted, rel=1e-9), algorithm


def test_the_closed_forms_are_the_textbooks() -> None:
    ring = closed_form_s(Kind.ALL_REDUCE, Algorithm.RING, 8, SIZE, PORT, HOP)
    assert ring == pytest.approx(2 * 7 / 8 * SIZE / PORT + 2 * 7 * HOP, rel=1e-12)
    for algorithm in (Algorithm.HALVING_DOUBLING, Algorithm.TREE):
        assert latency_steps(Kind.ALL_REDUCE, algorithm, 64) == 2 * math.log2(64)
    for kind in (Kind.ALL_GATHER, Kind.REDUCE_SCATTER, Kind.ALL_TO_ALL):
        algorithm = Algorithm.RING if kind is not Kind.ALL_TO_ALL else Algorithm.DIRECT
        volume = closed_form_s(kind, algorithm, 8, SIZE, PORT, 0.0)
        assert volume == pytest.approx(7 / 8 * SIZE / PORT, rel=1e-12)
    assert closed_form_s(Kind.INCAST, Algorithm.DIRECT, 9, SIZE, PORT, 0.0) == 8 * SIZE / PORT


def test_an_all_to_all_of_128_endpoints_takes_166_us(shop: Catalog) -> None:
    world = star(128)
    flow = collective_coflow(
        world, among(shop, list(range(128))), Kind.ALL_TO_ALL, Algorithm.DIRECT
    )
    found = run_coflow(world, flow, 128 * 65536.0) - flow.latency_s
    assert found == pytest.approx(127 * 65536 / PORT, rel=1e-9)
    assert found == pytest.approx(166.461e-6, rel=1e-5)


def test_racks_oversubscribed_four_to_one_take_r_times_n_less_m(shop: Catalog) -> None:
    racks, inside = 8, 128
    count = racks * inside
    links = [(i, count + i // inside, PORT, HOP) for i in range(count)]
    links += [(count + r, count + racks, inside * PORT / 4, HOP) for r in range(racks)]
    world = fabric([CHIP] * count + [SWITCH] * (racks + 1), links)
    groups = [list(range(r * inside, (r + 1) * inside)) for r in range(racks)]
    flow = collective_coflow(world, among(shop, *groups), Kind.ALL_TO_ALL, Algorithm.DIRECT)
    wanted = 4 * (count - inside) * 65536 / PORT
    found = run_coflow(world, flow, count * 65536.0) - flow.latency_s
    assert found == pytest.approx(wanted, rel=1e-9)
    assert found == pytest.approx(4.69762e-3, rel=1e-5)


def rails(domains: int, inside: int, spine: float) -> FabricTables:
    """Domains on a fast switch each, a leaf for each index, leaves joined by a slow spine."""
    count = domains * inside
    links = [(i, count + i // inside, 8 * PORT, HOP / 4) for i in range(count)]
    links += [(i, count + domains + i % inside, PORT, HOP) for i in range(count)]
    first = count + domains
    links += [(first + lane, first + inside, spine, HOP) for lane in range(inside)]
    return fabric([CHIP] * count + [SWITCH] * (domains + inside + 1), links)


def test_along_rails_an_all_to_all_spares_a_slow_spine(shop: Catalog) -> None:
    world = rails(4, 4, PORT / 2)
    ranks = among(shop, *[list(range(4 * d, 4 * d + 4)) for d in range(4)])
    direct = collective_coflow(world, ranks, Kind.ALL_TO_ALL, Algorithm.DIRECT)
    by_rail = collective_coflow(world, ranks, Kind.ALL_TO_ALL, Algorithm.HIERARCHICAL)
    assert run_coflow(world, by_rail, 1e9) == pytest.approx(
        12 / 16 * 1e9 / PORT + by_rail.latency_s, rel=1e-9
    )
    assert run_coflow(world, direct, 1e9) > 1.4 * run_coflow(world, by_rail, 1e9)


def test_a_hierarchical_all_reduce_takes_the_slower_of_its_levels(shop: Catalog) -> None:
    world = rails(4, 4, PORT / 2)
    ranks = among(shop, *[list(range(4 * d, 4 * d + 4)) for d in range(4)])
    flow = collective_coflow(world, ranks, Kind.ALL_REDUCE, Algorithm.HIERARCHICAL)
    wanted = max(2 * 3 / 4 / (8 * PORT), 2 * 3 / 4 / 4 / PORT)
    assert run_coflow(world, flow, 1e9) - flow.latency_s == pytest.approx(1e9 * wanted, rel=1e-9)
    assert flow.phased_s_per_byte == pytest.approx(
        2 * 3 / 4 / (8 * PORT) + 2 * 3 / 4 / 4 / PORT, rel=1e-12
    )


def test_a_switch_that_adds_up_spares_the_ports(shop: Catalog) -> None:
    design = eight(shop, "nvidia-h100")
    found = collective_time(design, shop, "all-reduce", 1e9)
    assert found.algorithm == "in-switch"
    ring = collective_time(design, shop, "all-reduce", 1e9, algorithm="ring")
    latency = 2 * found.hop_s
    assert found.seconds == pytest.approx(9 / 8 * 1e9 / found.port_bytes_per_s + latency, rel=1e-9)
    assert found.closed_form_s == pytest.approx(found.seconds, rel=1e-9)
    assert found.others["ring"] == pytest.approx(ring.seconds, rel=1e-9)
    assert (ring.reason, ring.source, ring.thresholds) == ("asked for", "", {})
    assert "NCCL" in found.source


def test_thresholds_are_where_the_algorithms_cross(shop: Catalog) -> None:
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    found = collective_time(design, shop, "all-reduce", 1.0, ranks=64)
    assert next(iter(found.thresholds)) == "tree"
    assert list(found.thresholds)[-1] == "ring"
    at = found.thresholds["ring"]
    assert found.algorithm == "tree"
    for size, wanted in ((at * 0.999, "tree"), (at * 1.001, "ring")):
        assert collective_time(design, shop, "all-reduce", size, ranks=64).algorithm == wanted


def test_gathers_change_their_algorithm_at_the_threshold_of_mpich() -> None:
    def taken(count: int, size: float) -> Algorithm:
        return automatic(Kind.ALL_GATHER, count, 1, size, in_switch=False)[0]

    assert taken(8, LONG_GATHER_BYTES - 1) is Algorithm.HALVING_DOUBLING
    assert taken(8, LONG_GATHER_BYTES) is Algorithm.RING
    assert taken(6, 1.0) is Algorithm.RING


@given(count=st.integers(4, 70))
def test_who_is_inner_in_one_tree_is_a_leaf_in_the_other(count: int) -> None:
    parents = tree_parents(count)
    assert parents.count(-1) == 1
    children = np.bincount([p for p in parents if p >= 0], minlength=count)
    assert children.max() <= 2
    inner = {place for place in range(count) if children[place]}
    assert not inner & {(place + 1) % count for place in inner}
    for place in range(count):
        seen, steps = place, 0
        while parents[seen] >= 0:
            seen, steps = parents[seen], steps + 1
        assert steps <= math.ceil(math.log2(count))


def test_weights_are_loaded_at_the_rate_of_their_storage(shop: Catalog) -> None:
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    found = collective_time(design, shop, "weight-load", 1e9, ranks=16)
    assert found.seconds == pytest.approx(found.closed_form_s, rel=1e-9)
    assert found.busiest[0].link.startswith("Model store")


@pytest.mark.parametrize(
    ("kind", "algorithm", "ranks", "text"),
    [
        ("telepathy", "auto", 0, "all-reduce"),
        ("all-reduce", "magic", 0, "no algorithm"),
        ("all-reduce", "in-switch", 0, "add up"),
        ("all-reduce", "halving-doubling", 6, "power of two"),
        ("all-to-all", "ring", 0, "does not run"),
        ("all-reduce", "auto", 99, "99 ranks"),
        ("all-reduce", "auto", -1, "-1 ranks"),
        ("kv-transfer", "auto", 3, "two halves"),
        ("weight-load", "auto", 0, "no storage"),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason(
    shop: Catalog, kind: str, algorithm: str, ranks: int, text: str
) -> None:
    chips = draw(shop, "zhenwu-m890", "gpu", "GPU", 0, 0, 8)
    design = Design(elements=(chips,))
    with pytest.raises(ScenarioError, match=text):
        collective_time(design, shop, kind, 1e6, algorithm=algorithm, ranks=ranks)


def test_ranks_of_one_domain_have_no_hierarchy(shop: Catalog) -> None:
    with pytest.raises(ScenarioError, match="two domains"):
        collective_time(
            eight(shop, "nvidia-h100"), shop, "all-reduce", 1e6, algorithm="hierarchical"
        )
