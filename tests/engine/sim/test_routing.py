"""Routes on small fabrics whose answers are plain to see."""

import pytest

from engine.errors import ScenarioError
from engine.sim.codes import NodeKind
from engine.sim.routing import Router
from tests.helpers.fabrics import fabric

CHIP, HOST, SWITCH, NIC = NodeKind.CHIP, NodeKind.HOST, NodeKind.SWITCH, NodeKind.NIC


def test_two_equal_paths_share_the_traffic_evenly() -> None:
    world = fabric(
        [CHIP, SWITCH, SWITCH, CHIP],
        [(0, 1, 1e9, 1e-6), (0, 2, 1e9, 1e-6), (1, 3, 1e9, 1e-6), (2, 3, 1e9, 1e-6)],
    )
    route = Router(world).route(0, 3)
    assert route is not None
    assert dict(zip(route.links.tolist(), route.shares.tolist(), strict=True)) == {
        0: 0.5,
        2: 0.5,
        4: 0.5,
        6: 0.5,
    }
    assert route.latency_s == pytest.approx(2e-6)


def test_uneven_bundles_share_in_proportion_to_capacity() -> None:
    world = fabric(
        [CHIP, SWITCH, SWITCH, CHIP],
        [(0, 1, 3e9, 1e-6), (0, 2, 1e9, 1e-6), (1, 3, 3e9, 1e-6), (2, 3, 1e9, 1e-6)],
    )
    route = Router(world).route(0, 3)
    assert route is not None
    assert route.shares.tolist() == [0.75, 0.25, 0.75, 0.25]


def test_the_path_of_lower_latency_takes_all() -> None:
    world = fabric(
        [CHIP, SWITCH, SWITCH, CHIP],
        [(0, 1, 1e9, 1e-6), (0, 2, 1e9, 2e-6), (1, 3, 1e9, 1e-6), (2, 3, 1e9, 1e-6)],
    )
    route = Router(world).route(0, 3)
    assert route is not None
    assert route.links.tolist() == [0, 4]


def test_a_chip_does_not_relay_for_others() -> None:
    world = fabric([CHIP, CHIP, CHIP], [(0, 1, 1e9, 1e-6), (1, 2, 1e9, 1e-6)])
    router = Router(world)
    assert router.route(0, 2) is None
    with pytest.raises(ScenarioError, match="no path"):
        router.require(0, 2, "test")


def test_a_dead_link_is_not_used() -> None:
    world = fabric(
        [CHIP, SWITCH, SWITCH, CHIP],
        [(0, 1, 0.0, 1e-6), (0, 2, 1e9, 5e-6), (1, 3, 1e9, 1e-6), (2, 3, 1e9, 1e-6)],
    )
    route = Router(world).route(0, 3)
    assert route is not None
    assert route.links.tolist() == [2, 6]


def test_shares_into_the_target_sum_to_one_on_a_leaf_spine() -> None:
    leaves, spines, chips = [8, 9, 10, 11], [12, 13, 14], range(8)
    links = [(chip, leaves[chip // 2], 1e9, 1e-6) for chip in chips]
    links += [(leaf, spine, 1e9, 1e-6) for leaf in leaves for spine in spines]
    world = fabric([CHIP] * 8 + [SWITCH] * 7, links)
    router = Router(world)
    for target in range(1, 8):
        route = router.route(0, target)
        assert route is not None
        into = world.link_target[route.links] == target
        assert route.shares[into].sum() == pytest.approx(1.0)
