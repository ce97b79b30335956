"""Autoscaling: how many replicas of a pool are wanted, which start and which go.

The count wanted is that of Kubernetes' horizontal autoscaler, ceil(requests in flight / target),
at least the least and at most what is placed; the largest of the last `idle_s` counts on the way
down ("stabilisation window").
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.scenario.design import Autoscale
from engine.sim.lower import Lowered

I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

MOST_LOGGED = 10_000


class ScaleEvent(NamedTuple):
    """One decision about a pool."""

    time_s: float
    pool: int
    wanted: int
    serving: int  # that serve or start, after it


class ScalingReport(NamedTuple):
    """What autoscaling has done by now."""

    paid_s: dict[int, float]  # by scaled pool: seconds of replicas that start, serve or drain
    starts: int
    log: tuple[ScaleEvent, ...]


class Decision(NamedTuple):
    """What a moment asks of the run: replicas by number."""

    start: list[int]
    drain: list[int]
    undrain: list[int]
    stop: list[int]


@dataclass(slots=True)
class ScalingState:
    """Everything of the scaling that a run changes; a snapshot is a copy."""

    due_s: dict[int, float]  # by pool: when it is counted next
    off: frozenset[int]
    starting: frozenset[int] = frozenset()
    draining: frozenset[int] = frozenset()
    recent: tuple[tuple[float, int, int], ...] = ()  # time, pool, wanted
    paid_s: dict[int, float] = field(default_factory=dict)  # by pool: replica seconds paid for
    mark_s: float = 0.0
    starts: int = 0
    log: tuple[ScaleEvent, ...] = ()

    def copy(self) -> "ScalingState":
        """A copy that shares nothing that changes."""
        return dataclasses.replace(self, due_s=dict(self.due_s), paid_s=dict(self.paid_s))

    @property
    def next_s(self) -> float:
        """When something is decided next."""
        return min(self.due_s.values(), default=math.inf)


class Scaling:
    """The scaling of one run."""

    def __init__(self, lowered: Lowered) -> None:
        self._pool = lowered.replicas.pool
        self._rules: dict[int, Autoscale] = {
            number: pool.deployment.autoscale
            for number, pool in enumerate(lowered.pools)
            if pool.deployment.autoscale.min_replicas > 0
        }
        self._members = {
            number: np.flatnonzero(self._pool == number).tolist() for number in self._rules
        }
        off = [
            replica
            for number, rule in self._rules.items()
            for replica in self._members[number][rule.min_replicas :]
        ]
        due_s = {number: rule.every_s for number, rule in self._rules.items()}
        self.state = ScalingState(due_s, frozenset(off))

    @property
    def is_idle(self) -> bool:
        """No pool is scaled."""
        return not self._rules

    @property
    def idle(self) -> frozenset[int]:
        """Replicas that are turned off."""
        return self.state.off

    def start_s(self, replica: int) -> float:
        """Seconds that the process of a replica takes to start."""
        return self._rules[int(self._pool[replica])].start_s

    def decide(self, now_s: float, assigned: I8, busy: B1, out: B1) -> Decision:
        """What is to be done now.

        Args:
            now_s: the run's time.
            assigned: [replicas] requests on their way to each, waiting or running.
            busy: [replicas] it has requests, or KV that another one will fetch.
            out: [replicas] it has dead parts.
        """
        self._count(now_s)
        made = Decision([], [], [], [])
        for number, rule in self._rules.items():
            if self.state.due_s[number] <= now_s:
                self.state.due_s[number] = now_s + rule.every_s
                self._decide_pool(number, rule, now_s, assigned, busy, out, made)
        return made

    def _decide_pool(
        self, number: int, rule: Autoscale, now_s: float, assigned: I8, busy: B1, out: B1,
        made: Decision,
    ) -> None:  # fmt: skip
        state, members = self.state, self._members[number]
        stop = [one for one in members if one in state.draining and not busy[one]]
        state.draining = state.draining.difference(stop)
        state.off = state.off.union(stop)
        made.stop.extend(stop)
        load = int(assigned[members].sum())
        least, most = rule.min_replicas, len(members)
        wanted = min(max(math.ceil(load / rule.target_in_flight), least), most)
        kept = tuple(
            row for row in state.recent if row[1] != number or row[0] > now_s - rule.idle_s
        )
        state.recent = (*kept, (now_s, number, wanted))
        calm = max(row[2] for row in state.recent if row[1] == number)
        serving = self._serving(members, out)
        if wanted > len(serving):
            self._more(wanted - len(serving), members, out, made)
        elif calm < len(serving):
            go = [one for one in reversed(serving) if one not in state.starting]
            go = go[: len(serving) - calm]
            state.draining = state.draining.union(go)
            made.drain.extend(go)
        after = self._serving(members, out)
        if after != serving and len(state.log) < MOST_LOGGED:
            state.log = (*state.log, ScaleEvent(now_s, number, wanted, len(after)))

    def _serving(self, members: Sequence[int], out: B1) -> list[int]:
        """Those that serve or start, without dead ones: others take their place."""
        away = self.state.off | self.state.draining
        return [one for one in members if one not in away and not out[one]]

    def _more(self, count: int, members: Sequence[int], out: B1, made: Decision) -> None:
        """First those that drain serve on, then others start."""
        state = self.state
        back = [one for one in members if one in state.draining][:count]
        fresh = [one for one in members if one in state.off and not out[one]]
        fresh = fresh[: count - len(back)]
        state.draining = state.draining.difference(back)
        state.off = state.off.difference(fresh)
        state.starting = state.starting.union(fresh)
        state.starts += len(fresh)
        made.undrain.extend(back)
        made.start.extend(fresh)

    def started(self, numbers: Sequence[int]) -> None:
        """Replicas serve."""
        self.state.starting = self.state.starting.difference(numbers)

    def _count(self, now_s: float) -> None:
        """Replica seconds up to now: those that start, serve or drain are paid for."""
        self.state.paid_s, self.state.mark_s = self.paid_s(now_s), now_s

    def report(self, now_s: float) -> ScalingReport | None:
        """What has been done by now."""
        if self.is_idle:
            return None
        return ScalingReport(self.paid_s(now_s), self.state.starts, self.state.log)

    def paid_s(self, now_s: float) -> dict[int, float]:
        """Replica seconds of each scaled pool by now."""
        state = self.state
        return {
            number: state.paid_s.get(number, 0.0)
            + sum(one not in state.off for one in members) * (now_s - state.mark_s)
            for number, members in self._members.items()
        }
