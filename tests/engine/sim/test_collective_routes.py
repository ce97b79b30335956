"""Collectives on drawn fabrics: loads equal those of routed pairs, times the closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.cost import collectives as c
from engine.errors import ScenarioError
from engine.scenario.design import Design
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.collective_routes import (
    Traffic,
    chip_groups,
    even_exchange,
    link_loads,
    pair_exchange,
    same_index_exchange,
)
from engine.sim.drawn_collective import drawn_collective
from engine.sim.routing import Router
from engine.sim.tables import FabricTables
from engine.topology.generators import cable, draw
from tests.helpers.fabrics import fabric

CHIP, SWITCH = NodeKind.CHIP, NodeKind.SWITCH
PAIR, PORT = 65536.0, 50e9


def routed(world: FabricTables, traffic: list[Traffic]) -> np.ndarray:
    """The slow twin: one route for each pair."""
    router, loads = Router(world), np.zeros(len(world.link_source))
    for item in traffic:
        for source, amount in zip(item.sources.tolist(), item.amounts.tolist(), strict=True):
            route = router.require(source, item.target, "pair")
            loads[route.links] += route.shares * amount
    return loads


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_loads_are_those_of_the_router(data: st.DataObject) -> None:
    chips, switches = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 4))
    rates, times = st.sampled_from([0.0, 1e9, 3e9]), st.sampled_from([0.0, 1e-7, 3e-7])
    links = [(i, chips + i % switches, 1e9, 1e-7) for i in range(chips)]
    links += [(chips + i, chips + i + 1, 1e9, 1e-7) for i in range(switches - 1)]
    ends = st.integers(0, chips + switches - 1)
    for a, b, rate, time in data.draw(st.lists(st.tuples(ends, ends, rates, times), max_size=8)):
        if a != b:
            links.append((a, b, rate, time))
    world = fabric([CHIP] * chips + [SWITCH] * switches, links)
    traffic = list(pair_exchange([list(range(chips))], 1.0, across=False))
    found = link_loads(world, traffic)
    assert found.per_byte == pytest.approx(routed(world, traffic), abs=1e-12)


def test_all_to_all_of_128_endpoints_takes_its_closed_form() -> None:
    world = fabric([CHIP] * 128 + [SWITCH], [(i, 128, PORT, 1e-6) for i in range(128)])
    loads = link_loads(world, list(pair_exchange([[i] for i in range(128)], PAIR, across=True)))
    seconds = (loads.per_byte / world.link_bytes_per_s).max()
    assert seconds == pytest.approx(166.461e-6, rel=1e-5)
    assert loads.latency_s == pytest.approx(2e-6)


def test_eight_racks_of_128_oversubscribed_four_to_one_take_their_closed_form() -> None:
    chips, racks = 1024, 8
    links = [(i, chips + i // 128, PORT, 1e-6) for i in range(chips)]
    links += [(chips + r, chips + racks, 128 * PORT / 4, 1e-6) for r in range(racks)]
    world = fabric([CHIP] * chips + [SWITCH] * (racks + 1), links)
    traffic = list(pair_exchange([[i] for i in range(chips)], PAIR, across=True))
    loads = link_loads(world, traffic)
    seconds = (loads.per_byte / world.link_bytes_per_s).max()
    assert seconds == pytest.approx(4.69762e-3, rel=1e-5)


def test_dead_planes_slow_and_lost_paths_are_an_error() -> None:
    links = [(i, 4 + plane, PORT, 1e-6) for i in range(4) for plane in range(2)]
    kinds = [CHIP] * 4 + [SWITCH] * 2
    traffic = list(even_exchange([[0, 1, 2, 3]], 1.0))
    whole = fabric(kinds, links)
    rate = whole.link_bytes_per_s.copy()
    rate[2:4] = 0.0  # the second plane of the first chip
    hurt = whole._replace(link_bytes_per_s=rate)
    for world, wanted in ((whole, 0.5 / PORT), (hurt, 1.0 / PORT)):
        loads = link_loads(world, traffic).per_byte
        busy = loads[loads > 0] / world.link_bytes_per_s[loads > 0]
        assert busy.max() == pytest.approx(wanted)
    rate[0:2] = 0.0
    with pytest.raises(ScenarioError, match="no path"):
        link_loads(whole._replace(link_bytes_per_s=rate), traffic)


def test_exchanges_keep_their_bytes() -> None:
    groups = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    for ring in (False, True):
        traffic = list(same_index_exchange(groups, 5.0, ring=ring))
        assert sum(float(item.amounts.sum()) for item in traffic) == pytest.approx(12 * 5.0)
        assert all(item.target // 4 != source // 4 for item in traffic for source in item.sources)
    uneven = list(same_index_exchange([[0, 1, 2], [3]], 1.0, ring=False))
    sent = {int(s): 0.0 for item in uneven for s in item.sources}
    for item in uneven:
        for source, amount in zip(item.sources.tolist(), item.amounts.tolist(), strict=True):
            sent[source] += amount
    assert sent == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0})


def eight(shop: Catalog, chip: str, port: str = "nvlink", cables: int = 9) -> Design:
    chips = draw(shop, chip, "gpu", "GPU", 0, 0, 8)
    switches = draw(shop, "nvlink-switch-5", "sw", "Switch", 300, 0, 2)
    link = cable(shop, "l", (chips, port), (switches, "port"), cables)
    return Design(name="eight", elements=(chips, switches), links=(link,))


@pytest.mark.parametrize("op", ["all_reduce", "all_gather", "reduce_scatter", "all_to_all"])
@pytest.mark.parametrize("size", [1e3, 1e6, 1e9])
def test_a_drawn_node_takes_the_time_of_its_closed_form(
    shop: Catalog, op: str, size: float
) -> None:
    answer = drawn_collective(eight(shop, "nvidia-h100"), shop, op, size)
    usual = c.chip_fabric(shop.device("nvidia-h100"))
    parameters = c.load_collective_parameters("hopper", "nccl", "nvlink")
    assert answer.seconds == pytest.approx(c.collective_s(op, 8, size, usual, parameters))
    assert answer.low_s < answer.seconds < answer.high_s
    assert answer.ranks == 8
    assert answer.domains == 1
    assert answer.measured_rows > 0


def test_eight_h100_reach_their_known_bus_bandwidth_in_the_switch(shop: Catalog) -> None:
    answer = drawn_collective(eight(shop, "nvidia-h100"), shop, "all_reduce", 4e9)
    assert answer.algorithm == "in-switch"
    assert answer.bus_bytes_per_s == pytest.approx(480e9, rel=0.1)
    assert answer.others["ring"] > answer.seconds
    assert answer.bottleneck_class == "scale-up"


def test_fewer_cables_make_it_slower(shop: Catalog) -> None:
    whole = drawn_collective(eight(shop, "nvidia-h100"), shop, "all_gather", 1e9)
    third = drawn_collective(eight(shop, "nvidia-h100", cables=3), shop, "all_gather", 1e9)
    assert third.ideal_s == pytest.approx(3 * whole.ideal_s)
    assert 2.5 < third.seconds / whole.seconds <= 3.0


def test_two_domains_cross_their_network(shop: Catalog) -> None:
    rack = draw(shop, "panjiu-al128-2x64", "r", "AL128", 0, 0)
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 400, 0)
    link = cable(shop, "up", (rack, "uplink"), (leaf, "port"), 128)
    design = Design(name="rack", elements=(rack, leaf), links=(link,))
    both = drawn_collective(design, shop, "all_to_all", 1e8)
    assert both.domains == 2
    assert both.bottleneck_class in ("scale-out", "pcie")
    assert both.measured_rows == 0
    alone = Design(name="rack", elements=(rack,))
    with pytest.raises(ScenarioError, match="no path"):
        drawn_collective(alone, shop, "all_to_all", 1e8)


def test_groups_are_domains_or_hosts() -> None:
    links = [(0, 4, 1e9, 1e-7), (1, 4, 1e9, 1e-7), (2, 5, 1e9, 1e-7), (3, 5, 1e9, 1e-7)]
    world = fabric([CHIP] * 4 + [NodeKind.HOST] * 2, [*links, (4, 5, 1e9, 1e-7)])
    assert chip_groups(world, [0, 1, 2, 3]) == [[0], [1], [2], [3]]
    pcie = world._replace(link_class=np.full(len(world.link_source), LinkClass.PCIE, np.int8))
    assert chip_groups(pcie, [0, 1, 2, 3]) == [[0, 1], [2, 3]]
    domains = world._replace(node_domain=np.array([0, 1, 0, 1, -1, -1], np.int32))
    assert chip_groups(domains, [0, 1, 2, 3]) == [[0, 2], [1, 3]]


def test_what_cannot_be_asked_is_refused(shop: Catalog) -> None:
    design = eight(shop, "nvidia-h100")
    with pytest.raises(ScenarioError, match="all_reduce"):
        drawn_collective(design, shop, "sum", 1e6)
    with pytest.raises(ScenarioError, match="size"):
        drawn_collective(design, shop, "all_reduce", -1.0)
    with pytest.raises(ScenarioError, match="nobody"):
        drawn_collective(design, shop, "all_reduce", 1e6, elements=frozenset({"nobody"}))
    with pytest.raises(ScenarioError, match="0 chips"):
        drawn_collective(design, shop, "all_reduce", 1e6, elements=frozenset({"sw"}))
    other = draw(shop, "nvidia-h200", "x", "X", 0, 300)
    mixed = Design(name="m", elements=(*design.elements, other), links=design.links)
    with pytest.raises(ScenarioError, match="one kind"):
        drawn_collective(mixed, shop, "all_reduce", 1e6)


def test_the_bottleneck_is_named_in_the_words_of_the_drawing(shop: Catalog) -> None:
    answer = drawn_collective(eight(shop, "nvidia-h100"), shop, "all_gather", 1e6)
    assert answer.bottleneck.startswith("GPU chip")
    assert "Switch switch" in answer.bottleneck
