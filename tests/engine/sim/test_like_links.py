"""One link stands for all that are used alike, and nothing changes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sim.flows import simulate_flows
from engine.sim.like_links import merge_links


@st.composite
def sprayed(take: st.DrawFn) -> tuple[np.ndarray, list[list[tuple[int, float]]]]:
    """Routes over bundles of equal links, a share of the bytes on each; some bundles differ."""
    bundles = take(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    first = np.concatenate([[0], np.cumsum(bundles)])
    capacity = np.repeat([take(st.sampled_from([1.0, 2.0, 3.0])) for _ in bundles], bundles)
    if take(st.booleans()):
        capacity[take(st.integers(0, len(capacity) - 1))] = 1.5
    routes = []
    for _ in range(take(st.integers(1, 6))):
        chosen = take(st.lists(st.integers(0, len(bundles) - 1), min_size=1, unique=True))
        routes.append(
            [(int(first[b]) + i, 1.0 / bundles[b]) for b in chosen for i in range(bundles[b])]
        )
    return capacity, routes


def tables(routes: list[list[tuple[int, float]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hops = [hop for route in routes for hop in route]
    start = np.concatenate([[0], np.cumsum([len(route) for route in routes])]).astype(np.int64)
    return start, np.array([h[0] for h in hops], np.int32), np.array([h[1] for h in hops])


@given(sprayed(), st.lists(st.floats(0.1, 9.0), min_size=6, max_size=6))
@settings(max_examples=150, deadline=None)
def test_completion_times_are_those_over_all_links(
    case: tuple[np.ndarray, list[list[tuple[int, float]]]], sizes: list[float]
) -> None:
    capacity, routes = case
    start, link, weight = tables(routes)
    size = np.array(sizes[: len(routes)])
    begin = np.arange(len(routes)) * 0.5
    merged = merge_links(capacity, start, link, weight)
    whole = simulate_flows(capacity, start, link, begin, size, weight)
    few = simulate_flows(
        merged.bytes_per_s, merged.route_start, merged.route_link, begin, size, merged.route_weight
    )
    np.testing.assert_allclose(few.finish_s, whole.finish_s, rtol=1e-12)


def test_links_of_other_capacity_weight_or_users_stay_apart() -> None:
    # links 0 and 1 alike; 2 has another capacity, 3 another weight, 4 one more user, 5 nobody
    start, link, weight = tables(
        [[(0, 0.5), (1, 0.5), (2, 0.5), (3, 0.25), (4, 0.5)], [(4, 1.0), (1, 1.0), (0, 1.0)]]
    )
    merged = merge_links(np.array([1.0, 1.0, 2.0, 1.0, 1.0, 1.0]), start, link, weight)
    assert list(merged.bytes_per_s) == [1.0, 2.0, 1.0]
    assert list(merged.link) == [0, 1, 2, 3, 4]
    assert list(merged.kept) == [0, 0, 1, 2, 0]
    assert list(merged.route_start) == [0, 3, 4]
    assert list(merged.route_link) == [0, 1, 2, 0]
    assert list(merged.route_weight) == [0.5, 0.5, 0.25, 1.0]


def test_routes_without_links_stay_without() -> None:
    merged = merge_links(
        np.ones(3), np.array([0, 0, 2, 2]), np.array([1, 2], np.int32), np.ones(2)
    )
    assert list(merged.route_start) == [0, 0, 1, 1]
    assert list(merged.link) == [1, 2]
