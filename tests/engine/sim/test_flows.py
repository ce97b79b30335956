"""The network model: closed forms, its slow twin, and what holds for every set of flows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cost import collectives
from engine.errors import ScenarioError
from engine.sim.flows import FlowResults, simulate_flows
from tests.oracles import max_min


def flows(
    capacity: list[float], routes: list[list[int]], start: list[float], size: list[float]
) -> FlowResults:
    return simulate_flows(
        np.array(capacity, np.float64),
        np.concatenate([[0], np.cumsum([len(r) for r in routes])]).astype(np.int64),
        np.array([link for r in routes for link in r], np.int32),
        np.array(start, np.float64),
        np.array(size, np.float64),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[float], list[list[int]], list[float], list[float]]:
    links = draw(st.integers(1, 6))
    capacity = draw(st.lists(st.floats(0.5, 20.0), min_size=links, max_size=links))
    count = draw(st.integers(1, 12))
    routes = [
        draw(st.lists(st.integers(0, links - 1), min_size=1, max_size=links, unique=True))
        for _ in range(count)
    ]
    start = [round(draw(st.floats(0.0, 5.0)), 2) for _ in range(count)]
    size = [round(draw(st.floats(0.01, 50.0)), 3) for _ in range(count)]
    return capacity, routes, start, size


@given(case=cases())
@settings(max_examples=200, deadline=None)
def test_completion_times_equal_those_of_the_slow_twin(
    case: tuple[list[float], list[list[int]], list[float], list[float]],
) -> None:
    np.testing.assert_allclose(
        flows(*case).finish_s, np.array(max_min.finish_times(*case)), rtol=1e-9
    )


@given(case=cases())
@settings(max_examples=100, deadline=None)
def test_bytes_are_conserved_and_no_link_is_above_capacity(
    case: tuple[list[float], list[list[int]], list[float], list[float]],
) -> None:
    capacity, routes, start, size = case
    result = flows(*case)
    carried = np.zeros(len(capacity))
    for route, each in zip(routes, size, strict=True):
        carried[route] += each
    np.testing.assert_allclose(result.network.link["bytes"], carried, rtol=1e-9, atol=1e-9)
    span = float(result.finish_s.max())
    assert (result.network.link["busy"] <= span * (1 + 1e-9)).all()
    assert (result.finish_s >= np.array(start)).all()
    fastest = [size[i] / min(capacity[k] for k in routes[i]) for i in range(len(size))]
    assert (result.finish_s - np.array(start) >= np.array(fastest) * (1 - 1e-9)).all()


@given(case=cases(), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_flows_does_not_matter(
    case: tuple[list[float], list[list[int]], list[float], list[float]], seed: int
) -> None:
    capacity, routes, start, size = case
    order = np.random.default_rng(seed).permutation(len(size))
    mixed = flows(
        capacity, [routes[i] for i in order], [start[i] for i in order], [size[i] for i in order]
    )
    np.testing.assert_allclose(mixed.finish_s, flows(*case).finish_s[order], rtol=1e-10)


def test_one_saturated_link_is_shared_equally() -> None:
    assert flows([10.0], [[0]] * 5, [0.0] * 5, [4.0] * 5).finish_s.tolist() == [2.0] * 5


def test_penalties_of_one_and_two_give_rates_of_two_and_one() -> None:
    done = simulate_flows(
        np.array([3.0]),
        np.array([0, 1, 2]),
        np.array([0, 0], np.int32),
        np.zeros(2),
        np.array([2.0, 1.0]),
        weight=np.array([1.0, 0.5]),
    )
    np.testing.assert_allclose(done.finish_s, [1.0, 1.0], rtol=1e-12)


def test_the_parking_lot_gives_every_flow_half() -> None:
    hops = 6
    routes = [list(range(hops)), *([i] for i in range(hops))]
    rate = max_min.rates([2.0] * hops, routes, [1.0] * len(routes))
    assert rate == [1.0] * len(routes)
    size = [1.0] * len(routes)
    assert flows([2.0] * hops, routes, [0.0] * len(routes), size).finish_s.tolist() == size


def test_incast_takes_senders_times_size_over_the_port() -> None:
    senders, port = 12, 50e9
    capacity = [port] * (senders + 1)
    result = flows(
        capacity, [[i, senders] for i in range(senders)], [0.0] * senders, [1e9] * senders
    )
    expected = collectives.incast_s(senders, 1e9, port)
    np.testing.assert_allclose(result.finish_s, expected, rtol=1e-12)


@pytest.mark.parametrize("ranks", [2, 4, 8, 72])
def test_a_ring_all_reduce_takes_its_closed_form(ranks: int) -> None:
    size, port, hop = 64e6, 50e9, 2e-6
    each = size / ranks
    total = 0.0
    for _ in range(2 * (ranks - 1)):  # steps follow each other: each sends one part onwards
        step = flows([port] * ranks, [[i] for i in range(ranks)], [0.0] * ranks, [each] * ranks)
        total += float(step.finish_s.max()) + hop
    expected = 2 * (ranks - 1) / ranks * size / port + 2 * (ranks - 1) * hop
    assert total == pytest.approx(expected, rel=1e-12)
    assert collectives.all_reduce_s(ranks, size, port, hop) == pytest.approx(expected, rel=1e-12)


def test_an_all_to_all_on_a_non_blocking_fabric_takes_its_closed_form() -> None:
    ranks, pair, port = 32, 65536.0, 50e9
    pairs = [(a, b) for a in range(ranks) for b in range(ranks) if a != b]
    result = flows(
        [port] * (2 * ranks),
        [[a, ranks + b] for a, b in pairs],
        [0.0] * len(pairs),
        [pair] * len(pairs),
    )
    expected = (ranks - 1) * pair / port
    np.testing.assert_allclose(result.finish_s, expected, rtol=1e-9)
    assert collectives.all_to_all_s(128, pair, port) == pytest.approx(166.461e-6, rel=1e-5)


def test_an_all_to_all_over_oversubscribed_racks_takes_its_closed_form() -> None:
    racks, each, ratio, pair, port = 4, 6, 4.0, 65536.0, 50e9
    ranks = racks * each
    uplink = each * port / ratio
    capacity = [port] * (2 * ranks) + [uplink] * (2 * racks)
    routes, pairs = [], [(a, b) for a in range(ranks) for b in range(ranks) if a != b]
    for a, b in pairs:
        route = [a, ranks + b]
        if a // each != b // each:
            route += [2 * ranks + a // each, 2 * ranks + racks + b // each]
        routes.append(route)
    result = flows(capacity, routes, [0.0] * len(pairs), [pair] * len(pairs))
    expected = ratio * (ranks - each) * pair / port
    assert float(result.finish_s.max()) == pytest.approx(expected, rel=1e-9)
    formula = collectives.all_to_all_oversubscribed_s(1024, 128, 4.0, pair, port)
    assert formula == pytest.approx(4.69762e-3, rel=1e-5)
    assert collectives.all_to_all_oversubscribed_s(
        ranks, each, ratio, pair, port
    ) == pytest.approx(expected, rel=1e-12)


def test_a_flow_over_a_dead_link_is_refused_not_waited_for() -> None:
    with pytest.raises(ScenarioError, match="no capacity"):
        flows([0.0], [[0]], [0.0], [1.0])


def test_a_flow_without_bytes_ends_when_it_starts() -> None:
    assert flows([1.0], [[0]], [3.0], [0.0]).finish_s.tolist() == [3.0]
