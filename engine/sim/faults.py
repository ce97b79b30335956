"""The faults of a run: when what fails and is repaired, and which replicas are down because of it."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.design import Design, Routing
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan, FaultPolicy
from engine.sim.checks import LONGEST_S, check_range
from engine.sim.components import Components
from engine.sim.damage import Damage, Key, blocked_replicas
from engine.sim.lower import Lowered
from engine.sim.rerouting import Rerouted, damaged, reroute

B1 = NDArray[np.bool_]

MOST_FAULTS = 1_000_000  # drawn for one run
KEPT_WAYS = 64  # damaged fabrics whose ways are remembered
MOST_LOGGED = 10_000
MOST_RACKS = 1_000_000  # that hang on one feed
HOUR_S = 3600.0
POLICY_CODE = {
    FaultPolicy.RETRY: 0,
    FaultPolicy.FAIL: 1,
    FaultPolicy.WAIT: 2,
    FaultPolicy.MIGRATE: 3,
}

DIES, HEALS = range(2)  # what an entry of the queue does, in this order at one time


class LoggedFault(NamedTuple):
    """One line of a run's log."""

    time_s: float
    kind: str
    name: str
    what: str  # fails, is repaired, serves again
    target: str  # element or link of the drawing, '' for several
    replicas: int  # that are down after it


class Due(NamedTuple):
    """What a moment asks of the run."""

    failed: list[int]  # replicas that go down, or start no more
    unreadable: frozenset[int]  # replicas that have dead chips
    wiped: list[int]  # of these those that were down before and could be read
    begun: list[int]  # replicas that begin to start
    failed_hosts: list[int]  # nodes
    repaired_hosts: list[int]
    rewired: Lowered | None  # tables of the fabric as it is now, where its ways have changed


@dataclass(slots=True)
class FaultState:
    """Everything of the faults that a run changes; a snapshot is a copy."""

    queue: list[tuple[float, int, str, int, float]] = field(default_factory=list)
    dead: frozenset[Key] = frozenset()
    down: dict[int, tuple[str, float]] = field(default_factory=dict)  # kind that did it, since
    starting: frozenset[int] = frozenset()  # replicas that do
    dead_hosts: frozenset[int] = frozenset()
    unreadable: frozenset[int] = frozenset()
    down_s: dict[str, float] = field(default_factory=dict)  # replica seconds by kind, ended
    counts: dict[str, int] = field(default_factory=dict)
    last: str = ""  # kind of the last fault
    log: list[LoggedFault] = field(default_factory=list)

    def copy(self) -> "FaultState":
        """A copy that shares nothing that changes."""
        return FaultState(
            list(self.queue), self.dead, dict(self.down), self.starting, self.dead_hosts,
            self.unreadable,
            dict(self.down_s), dict(self.counts), self.last, list(self.log),
        )  # fmt: skip


class Faults:
    """The faults of one run."""

    def __init__(
        self, plan: FaultPlan, lowered: Lowered, design: Design, until_s: float, seed: int
    ) -> None:
        """Draws all random faults.

        Raises:
            ScenarioError: a fault of something that is not drawn, or figures that cannot be.
        """
        check_plan(plan)
        self.plan = plan
        self._lowered = lowered
        self._routing: Routing = design.fabric.routing
        self._seed = seed
        self._counts = [element.count for element in design.elements]
        self.state = FaultState(queue=self._draw(until_s, seed))
        heapq.heapify(self.state.queue)
        self._ways: dict[frozenset[Key], Rerouted] = {}
        self._wired: Rerouted | None = None  # what the run goes by; None: everything is whole

    @cached_property
    def components(self) -> Components:
        """What can fail; found when it is first asked for."""
        lowered = self._lowered
        return Components(
            lowered.fabric, lowered.element_ids, lowered.racks, self._counts, lowered.link_ids,
            self.plan.racks_a_feed,
        )  # fmt: skip

    @cached_property
    def damage(self) -> Damage:
        """What is dead."""
        return Damage(self.components, self._lowered.fabric)

    @property
    def next_s(self) -> float:
        """When something changes next; infinite if nothing does."""
        return self.state.queue[0][0] if self.state.queue else np.inf

    @property
    def is_idle(self) -> bool:
        """Nothing was planned and nothing has failed."""
        return self.plan.is_empty and not self.state.log and not self.state.queue

    @property
    def replicas(self) -> int:
        """How many there are."""
        return self._lowered.replicas.total

    @property
    def policy(self) -> int:
        """The policy as kernels know it."""
        return POLICY_CODE[self.plan.policy]

    def restore(self, state: FaultState) -> Lowered:
        """Puts a copy back; returns the tables of the fabric as it was then."""
        self.state = state.copy()
        if not state.dead and self._wired is None:
            return self._lowered
        self.damage.dead = state.dead
        self._wired = self._ways_now()
        return damaged(self._lowered, self._wired)

    def due(self, now_s: float, idle: frozenset[int] = frozenset()) -> Due:
        """Takes everything that is due at a time; `idle` replicas are turned off."""
        state = self.state
        touched = False
        while state.queue and state.queue[0][0] <= now_s:
            _, what, kind, number, repair_s = heapq.heappop(state.queue)
            key = (FaultKind(kind), number)
            if what == DIES:
                if self.damage.fail(key):
                    touched = True
                    state.counts[kind] = state.counts.get(kind, 0) + 1
                    state.last = kind
                    self._log(now_s, key, "fails")
                    if repair_s > 0:
                        entry = (now_s + repair_s, HEALS, kind, number, 0.0)
                        heapq.heappush(state.queue, entry)
            elif self.damage.repair(key):
                touched = True
                self._log(now_s, key, "is repaired")
        state.dead = self.damage.dead
        if not touched:
            return Due([], frozenset(), [], [], [], [], None)
        before, now = self._wired, self._ways_now()
        self._wired = now
        whole = before.link_shares if before is not None else 1.0
        rewired = damaged(self._lowered, now) if (now.link_shares != whole).any() else None
        nodes, replicas = self.damage.dead_nodes(), self._lowered.replicas
        hosts = np.flatnonzero(nodes & (self._lowered.host_cores >= 1.0))
        unreadable = frozenset(replicas.owner[nodes[replicas.chip]].tolist())
        wiped = sorted((unreadable - state.unreadable) & state.down.keys())
        state.unreadable = unreadable
        dead = frozenset(hosts.tolist())
        lost, back = sorted(dead - state.dead_hosts), sorted(state.dead_hosts - dead)
        state.dead_hosts = dead
        failed, begun = self._new_downs(now.out, now_s, idle)
        return Due(failed, unreadable, wiped, begun, lost, back, rewired)

    def _ways_now(self) -> Rerouted:
        """The ways over what is left now; those of the last few states are remembered."""
        dead = self.damage.dead
        if dead not in self._ways:
            if len(self._ways) >= KEPT_WAYS:
                self._ways.pop(next(iter(self._ways)))
            blocked = blocked_replicas(self._lowered.replicas, self.damage.dead_nodes())
            self._ways[dead] = reroute(
                self._lowered, self.damage.link_shares(), self.damage.planes(), blocked,
                self._routing, self._seed,
            )  # fmt: skip
        return self._ways[dead]

    def _new_downs(
        self, out: B1, now_s: float, idle: frozenset[int]
    ) -> tuple[list[int], list[int]]:
        """Replicas that go down, and those whose parts are whole again: they begin to start."""
        state = self.state
        dead = [number for number in np.flatnonzero(out).tolist() if number not in idle]
        failed = [
            number for number in dead if number not in state.down or number in state.starting
        ]
        for number in dead:
            state.down.setdefault(number, (state.last, now_s))
        begun = [
            number for number in state.down if not out[number] and number not in state.starting
        ]
        state.starting = state.starting.difference(failed).union(begun)
        return failed, begun

    def started(self, numbers: Sequence[int], now_s: float) -> None:
        """Replicas serve again."""
        state = self.state
        back = [number for number in numbers if number in state.down]
        for number in back:
            kind, since_s = state.down.pop(number)
            state.down_s[kind] = state.down_s.get(kind, 0.0) + now_s - since_s
        state.starting = state.starting.difference(back)
        if back and len(state.log) < MOST_LOGGED:
            names = f"{len(back)} replicas" if len(back) > 1 else f"replica {back[0]}"
            line = LoggedFault(now_s, "", names, "serves again", "", len(state.down))
            state.log.append(line)

    def waits_for(self, number: int) -> bool:
        """Requests wait for this very replica to be repaired."""
        return self.plan.policy is FaultPolicy.WAIT and number in self.state.down

    def turned_off(self, numbers: Sequence[int], now_s: float) -> None:
        """Replicas are turned off on purpose: nothing is waited for any more."""
        state = self.state
        for number in numbers:
            if number in state.down:
                kind, since_s = state.down.pop(number)
                state.down_s[kind] = state.down_s.get(kind, 0.0) + now_s - since_s
        state.starting = state.starting.difference(numbers)

    @property
    def out(self) -> B1:
        """[replicas] that have dead parts now."""
        if self._wired is None:
            return np.zeros(self._lowered.replicas.total, np.bool_)
        return self._wired.out

    def _log(self, now_s: float, key: Key, what: str) -> None:
        if len(self.state.log) < MOST_LOGGED:
            name = self.components.name(*key)
            target = self.components.target(*key)
            line = LoggedFault(now_s, key[0].value, name, what, target, len(self.state.down))
            self.state.log.append(line)

    def inject(self, events: Sequence[FaultEvent], now_s: float) -> None:
        """Lets more fail than was planned; what would be in the past fails now.

        Raises:
            ScenarioError: something that is not drawn; nothing is injected then.
        """
        check_plan(FaultPlan(events=tuple(events)))
        entries = [
            (max(event.at_s, now_s), DIES, event.kind.value, number, event.repair_s)
            for event in events
            for number in self.components.numbers(event)
        ]
        for entry in entries:
            heapq.heappush(self.state.queue, entry)

    def down_seconds(self, now_s: float) -> dict[str, float]:
        """Replica seconds lost so far, by the kind of component that did it."""
        total = dict(self.state.down_s)
        for kind, since_s in self.state.down.values():
            total[kind] = total.get(kind, 0.0) + now_s - since_s
        return total

    def _draw(self, until_s: float, seed: int) -> list[tuple[float, int, str, int, float]]:
        queue: list[tuple[float, int, str, int, float]] = []
        for event in self.plan.events:
            queue += [
                (event.at_s, DIES, event.kind.value, number, event.repair_s)
                for number in self.components.numbers(event)
            ]
        for at, rate in enumerate(self.plan.rates):
            total = self.components.total(rate.kind)
            expected = total * until_s / (rate.mtbf_h * HOUR_S)
            if len(queue) + expected > MOST_FAULTS:
                raise ScenarioError(
                    f"faults of {rate.kind.value}",
                    f"{expected:,.0f} are expected in {until_s:g} s",
                    "set a longer time between failures or a shorter run",
                )
            generator = np.random.default_rng([seed, 11, at])
            count = int(generator.poisson(expected))
            times = np.sort(generator.uniform(0.0, until_s, count))
            numbers = generator.integers(0, max(total, 1), count)
            repairs = generator.exponential(rate.repair_h * HOUR_S, count)
            queue += [
                (float(time), DIES, rate.kind.value, int(number), max(float(repair), 1e-3))
                for time, number, repair in zip(times, numbers, repairs, strict=True)
            ]
        return queue


def check_plan(plan: FaultPlan) -> None:
    """Refuses figures that no plan can have.

    Raises:
        ScenarioError: names the figure.
    """
    for name in ("detect_s", "restart_s"):
        check_range(f"faults {name}", getattr(plan, name), 0, LONGEST_S)
    check_range("faults racks_a_feed", plan.racks_a_feed, 1, MOST_RACKS)
    for event in plan.events:
        what = f"fault of {event.kind.value} {event.target}"
        check_range(f"{what}: at_s", event.at_s, 0, LONGEST_S)
        check_range(f"{what}: repair_s", event.repair_s, 0, LONGEST_S)
    for rate in plan.rates:
        what = f"faults of {rate.kind.value}"
        check_range(f"{what}: mtbf_h", rate.mtbf_h, 0, LONGEST_S, above_low=True)
        check_range(f"{what}: repair_h", rate.repair_h, 0, LONGEST_S, above_low=True)
