"""The network kernel against its slow twin and against the definition of max-min fairness."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.sim.flows import CapacityChanges, FlowRun
from tests.oracles import max_min


class World:
    """A small network with everything that the kernel knows, as lists."""

    def __init__(self, seed: int) -> None:
        """Draws one: few or many links, equal or mixed figures, so that ties happen too."""
        draw = np.random.default_rng(seed)
        links, flows = int(draw.integers(1, 9)), int(draw.integers(1, 25))
        plain = draw.random() < 0.3
        even = draw.random() < 0.3
        self.capacity = [10.0 if even else round(float(draw.uniform(1, 40)), 2)
                         for _ in range(links)]  # fmt: skip
        self.routes = [
            draw.permutation(links)[: draw.integers(1, links + 1)].tolist() for _ in range(flows)
        ]
        self.hops = [[1.0 if plain else round(float(draw.choice([0.25, 1.0, 2.0, 7.5])), 2)
                      for _ in r] for r in self.routes]  # fmt: skip
        self.weight = [1.0 if plain else float(draw.choice([0.01, 0.5, 1.0, 30.0]))
                       for _ in range(flows)]  # fmt: skip
        spread = float(draw.choice([0.0, 2.0, 20.0]))
        self.start = [round(float(draw.uniform(0, spread)), 2) for _ in range(flows)]
        self.size = [5.0 if even else round(float(draw.lognormal(1, 1.5)), 3) + 0.001
                     for _ in range(flows)]  # fmt: skip
        self.changes: list[max_min.Change] = []
        if draw.random() < 0.5:
            for time_s in np.cumsum(draw.uniform(0.1, 2.0, int(draw.integers(1, 6)))).round(3):
                factor = float(draw.choice([0.0, 0.1, 0.5, 1.0, 1.7]))
                link = int(draw.integers(links))
                self.changes.append((float(time_s), link, factor * self.capacity[link]))
            after = self.changes[-1][0] + 1.0
            self.changes += [(after, link, room) for link, room in enumerate(self.capacity)]

    def run(self) -> FlowRun:
        """The kernel on it."""
        return FlowRun(
            np.array(self.capacity),
            np.concatenate([[0], np.cumsum([len(r) for r in self.routes])]).astype(np.int64),
            np.array([link for r in self.routes for link in r], np.int32),
            np.array(self.start),
            np.array(self.size),
            route_weight=np.array([w for r in self.hops for w in r]),
            weight=np.array(self.weight),
            changes=CapacityChanges(
                np.array([t for t, _, _ in self.changes]),
                np.array([k for _, k, _ in self.changes], np.int64),
                np.array([c for _, _, c in self.changes]),
            ),
        )

    def capacity_at(self, now_s: float) -> list[float]:
        """Capacities after the changes up to an instant."""
        room = list(self.capacity)
        for time_s, link, value in self.changes:
            if time_s <= now_s:
                room[link] = value
        return room


WORLDS = st.integers(0, 2**32).map(World)


@given(world=WORLDS)
@settings(max_examples=1000, deadline=None)
def test_weighted_coflows_under_faults_end_when_the_slow_twin_says(world: World) -> None:
    run = world.run()
    run.advance()
    expected = max_min.finish_times(
        world.capacity, world.routes, world.start, world.size,
        world.weight, world.hops, world.changes,
    )  # fmt: skip
    np.testing.assert_allclose(run.results().finish_s, expected, rtol=1e-9)


@given(world=WORLDS, share=st.floats(0.01, 0.99))
@settings(max_examples=1000, deadline=None)
def test_rates_at_any_instant_are_max_min_fair_by_definition(world: World, share: float) -> None:
    whole = world.run()
    whole.advance()
    ends = whole.results().finish_s
    now = share * float(ends.max())
    # at an end itself the flow may count as running or not: rounding decides
    assume(not np.isclose(ends, now, rtol=1e-9, atol=0.0).any())
    run = world.run()
    run.advance(now)
    rate, _ = run.flows(now)
    active = [i for i in range(len(rate)) if world.start[i] <= now < ends[i]]
    assert set(np.flatnonzero(rate).tolist()) <= set(active)
    found = max_min.unfair(
        world.capacity_at(now),
        [world.routes[i] for i in active],
        [world.weight[i] for i in active],
        [world.hops[i] for i in active],
        [float(rate[i]) for i in active],
    )
    assert not found


@given(world=WORLDS, share=st.floats(0.01, 1.0))
@settings(max_examples=200, deadline=None)
def test_links_carry_exactly_what_the_flows_have_moved_at_any_instant(
    world: World, share: float
) -> None:
    whole = world.run()
    whole.advance()
    now = share * float(whole.results().finish_s.max())
    run = world.run()
    run.advance(now)
    _, left = run.flows(now)
    ended = ~np.isnan(run.results().finish_s)
    begun = np.array(world.start) <= now
    moved = np.where(begun, np.array(world.size) - np.where(ended, 0.0, left), 0.0)
    expected = np.zeros(len(world.capacity))
    for route, hops, each in zip(world.routes, world.hops, moved, strict=True):
        expected[route] += np.array(hops) * each
    use = run.links(now)
    np.testing.assert_allclose(use.moved_bytes, expected, rtol=1e-9, atol=1e-9)
    room = np.array(world.capacity_at(now))
    assert (use.bytes_per_s <= room * (1 + 1e-9)).all()
    assert (use.busy_s <= now * (1 + 1e-9)).all()


@given(world=WORLDS, seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_stopping_on_the_way_changes_no_completion(world: World, seed: int) -> None:
    whole, halting = world.run(), world.run()
    whole.advance()
    last = float(whole.results().finish_s.max())
    for now in np.sort(np.random.default_rng(seed).uniform(0, last, 5)):
        halting.advance(float(now))
    halting.advance()
    np.testing.assert_allclose(
        halting.results().finish_s, whole.results().finish_s, rtol=1e-12, atol=0
    )


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_ten_insertion_orders_give_the_same_bits(seed: int) -> None:
    world = World(seed)
    first = world.run()
    first.advance()
    rows = ("routes", "hops", "weight", "start", "size")
    for at in range(10):
        order = np.random.default_rng(at).permutation(len(world.size))
        mixed = World(seed)
        for name in rows:
            setattr(mixed, name, [getattr(world, name)[i] for i in order])
        run = mixed.run()
        run.advance()
        assert run.results().finish_s.tobytes() == first.results().finish_s[order].tobytes()


def test_a_dead_link_stalls_its_flows_until_it_is_repaired() -> None:
    run = FlowRun(
        np.array([10.0, 10.0]),
        np.array([0, 1, 2]),
        np.array([0, 1], np.int32),
        np.zeros(2),
        np.array([20.0, 20.0]),
        changes=CapacityChanges(np.array([1.0, 4.0]), np.array([0, 0]), np.array([0.0, 10.0])),
    )
    run.advance(2.5)
    assert run.flows(2.5)[0].tolist() == [0.0, 0.0]
    assert run.flows(2.5)[1].tolist() == [10.0, 0.0]
    assert run.links(2.5).moved_bytes.tolist() == [10.0, 20.0]
    run.advance()
    assert run.results().finish_s.tolist() == [5.0, 2.0]


def test_latency_delays_the_first_byte() -> None:
    run = FlowRun(
        np.array([10.0]),
        np.array([0, 1, 2]),
        np.array([0, 0], np.int32),
        np.zeros(2),
        np.array([20.0, 10.0]),
        latency_s=np.array([0.0, 1.0]),
    )
    run.advance()
    np.testing.assert_allclose(run.results().finish_s, [3.0, 3.0], rtol=1e-15)
