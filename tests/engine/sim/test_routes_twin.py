"""Routes against their slow twin on random small fabrics, and the spread of hashed flows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ScenarioError
from engine.scenario.design import Routing
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.routing import Router
from engine.sim.tables import FabricTables
from tests.helpers.fabrics import fabric
from tests.oracles.pair_routes import PairRouter

CHIP, HOST, SWITCH, NIC = NodeKind.CHIP, NodeKind.HOST, NodeKind.SWITCH, NodeKind.NIC


@st.composite
def fabrics(draw: st.DrawFn) -> FabricTables:
    """Up to nine nodes, links with few latencies and rates (also dead ones), some one way only."""
    nodes = draw(st.integers(2, 9))
    kinds = draw(st.lists(st.sampled_from([0, 1, 2, 2, 3, 4, 5]), min_size=nodes, max_size=nodes))
    node = st.integers(0, nodes - 1)
    rates = st.sampled_from([0.0, 1e9, 3e9, 0.1e9, 4.85e10])
    delays = st.sampled_from([0.0, 1e-7, 1e-6, 2e-6])
    rows = draw(st.lists(st.tuples(node, node, rates, delays), min_size=1, max_size=24))
    world = fabric(kinds, [row for row in rows if row[0] != row[1]] or [(0, 1, 1e9, 1e-6)])
    for link in draw(st.lists(st.integers(0, len(world.link_source) - 1), max_size=2)):
        world.link_bytes_per_s[link] = 0.0
    return world


@settings(max_examples=300, deadline=None)
@given(fabrics())
def test_all_pairs_equal_the_slow_twin_to_the_last_bit(world: FabricTables) -> None:
    nodes = len(world.node_kind)
    twin, router = PairRouter(world), Router(world)
    sources, targets = np.divmod(np.arange(nodes * nodes, dtype=np.int32), nodes)
    for one_way in (targets[: nodes * nodes // 2], targets):  # both sides serve as the anchor
        table = router.routes(sources[: len(one_way)], one_way)
        for pair, (source, target) in enumerate(zip(sources, one_way, strict=False)):
            wanted = twin.route(int(source), int(target))
            single = router.route(int(source), int(target))
            rows = slice(int(table.start[pair]), int(table.start[pair + 1]))
            if wanted is None:
                assert single is None
                assert np.isnan(table.latency_s[pair])
                assert rows.start == rows.stop
                continue
            assert single is not None
            for found in (single, (table.links[rows], table.shares[rows], table.latency_s[pair])):
                assert found[0].tolist() == wanted.links.tolist()
                assert found[1].tolist() == wanted.shares.tolist()
                assert found[2] == wanted.latency_s


@settings(max_examples=150, deadline=None)
@given(fabrics(), st.integers(0, 2**62), st.integers(0, 1000))
def test_a_hashed_flow_takes_one_whole_path_of_those_that_spraying_uses(
    world: FabricTables, seed: int, flow: int
) -> None:
    nodes = len(world.node_kind)
    spray, ecmp = Router(world), Router(world, Routing.ECMP, seed)
    sources, targets = np.divmod(np.arange(nodes * nodes, dtype=np.int32), nodes)
    table = ecmp.routes(sources, targets, np.full(len(sources), flow))
    back = ecmp.routes(sources[:nodes], targets[:nodes], np.full(nodes, flow))
    for pair, (source, target) in enumerate(zip(sources, targets, strict=True)):
        wanted = spray.route(int(source), int(target))
        links = table.links[table.start[pair] : table.start[pair + 1]]
        if wanted is None:
            assert not len(links)
            continue
        assert table.latency_s[pair] == wanted.latency_s
        assert set(links.tolist()) <= set(wanted.links.tolist())
        assert (table.shares[table.start[pair] : table.start[pair + 1]] == 1.0).all()
        at = int(source)
        left = links.tolist()
        while left:
            (step,) = [link for link in left if world.link_source[link] == at]
            left.remove(step)
            at = int(world.link_target[step])
        assert at == int(target)
        if pair < nodes:  # the same whichever end the search went around
            assert links.tolist() == back.links[back.start[pair] : back.start[pair + 1]].tolist()


def leaf_spine(spines: int) -> FabricTables:
    """Two chips on two leaves under some spines."""
    leaves, top = (2, 3), range(4, 4 + spines)
    links = [(0, 2, 1e9, 1e-6), (1, 3, 1e9, 1e-6)]
    links += [(leaf, spine, 1e9, 1e-6) for leaf in leaves for spine in top]
    return fabric([CHIP, CHIP, SWITCH, SWITCH] + [SWITCH] * spines, links)


@pytest.mark.parametrize("spines", [2, 7, 64])
@pytest.mark.parametrize("seed", [0, 1, 2**62])
def test_hashed_flows_spread_evenly_over_spines(spines: int, seed: int) -> None:
    flows = 400 * spines
    world = leaf_spine(spines)
    ends = np.zeros(flows, np.int32)
    table = Router(world, Routing.ECMP, seed).routes(ends, ends + 1, np.arange(flows))
    over = world.link_target[table.links] - 4
    met = np.bincount(over[over >= 0], minlength=spines)
    assert met.sum() == flows
    surprise = float(((met - 400) ** 2 / 400).sum())  # chi square with spines - 1 degrees
    assert abs(surprise - (spines - 1)) < 5 * np.sqrt(2 * (spines - 1)) + 5


def test_hashing_at_one_tier_is_independent_of_the_next() -> None:
    """Flows that met at a leaf spread again at the spine: no polarisation."""
    links = [(0, 2, 1e9, 1e-6)]
    links += [(2, a, 1e9, 1e-6) for a in (3, 4)]
    links += [(a, b, 1e9, 1e-6) for a in (3, 4) for b in (5, 6)]
    links += [(b, 1, 1e9, 1e-6) for b in (5, 6)]
    world = fabric([CHIP, CHIP] + [SWITCH] * 5, links)
    count = 4000
    ends = np.zeros(count, np.int32)
    table = Router(world, Routing.ECMP, 3).routes(ends, ends + 1, np.arange(count))
    chosen = {(a, b): 0 for a in (3, 4) for b in (5, 6)}
    for flow in range(count):
        nodes = set(world.link_target[table.links[table.start[flow] : table.start[flow + 1]]])
        chosen[min(nodes & {3, 4}), min(nodes & {5, 6})] += 1
    assert all(abs(met - count / 4) < 0.1 * count / 4 for met in chosen.values())


def test_planes_of_a_scale_up_fabric_are_sprayed_under_both_rules() -> None:
    world = leaf_spine(4)
    world.link_class[:] = LinkClass.SCALE_UP
    spray, ecmp = Router(world).route(0, 1), Router(world, Routing.ECMP).route(0, 1)
    assert spray is not None
    assert ecmp is not None
    assert ecmp.links.tolist() == spray.links.tolist()
    assert ecmp.shares.tolist() == spray.shares.tolist()


def test_uneven_sums_of_many_next_hops_are_rounded_as_the_twin_rounds_them() -> None:
    rates = np.random.default_rng(1).uniform(1e9, 9e9, 600).tolist()
    links = [(0, 2, 1e9, 1e-6), (1, 3, 1e9, 1e-6)]
    links += [(2, 4 + i, rate, 1e-6) for i, rate in enumerate(rates)]
    links += [(4 + i, 3, rate, 1e-6) for i, rate in enumerate(rates)]
    world = fabric([CHIP, CHIP] + [SWITCH] * 602, links)
    found, wanted = Router(world).route(0, 1), PairRouter(world).route(0, 1)
    assert found is not None
    assert wanted is not None
    assert found.links.tolist() == wanted.links.tolist()
    assert found.shares.tolist() == wanted.shares.tolist()


def test_the_pair_without_a_path_is_named() -> None:
    world = fabric([CHIP, CHIP, CHIP], [(0, 1, 1e9, 1e-6)])
    sources, targets = np.zeros(2, np.int32), np.array([1, 2], np.int32)
    with pytest.raises(ScenarioError, match="pair 1"):
        Router(world).require_all(sources, targets, lambda pair: f"pair {pair}")
