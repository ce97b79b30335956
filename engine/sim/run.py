"""Simulation: a run that advances in slices and can be looked at, copied and put back."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapacityError, ScenarioError
from engine.scenario.faults import FaultEvent
from engine.sim.beginning import make_state
from engine.sim.codes import CAUSES, Cause, NodeKind, Status
from engine.sim.fault_report import FaultReport, fault_report
from engine.sim.faults import Due, Faults, FaultState
from engine.sim.kernels.agents import begin_agents
from engine.sim.kernels.failing import fail_replica, send_elsewhere
from engine.sim.kernels.losing import end_dead_pulls, lose_memory
from engine.sim.kernels.network import Network
from engine.sim.kernels.open_requests import open_causes
from engine.sim.kernels.rewiring import end_stretches, move_flows
from engine.sim.kernels.serving import advance, bring_up
from engine.sim.kernels.starting import fail_host, repair_host, set_up, start_replica
from engine.sim.kernels.world import DOWN, DRAINING, PULLED, UP
from engine.sim.link_loads import LinkSums, link_sums, use_between
from engine.sim.lower import Lowered
from engine.sim.results import Frame, RunResults, Series, TenantCounts
from engine.sim.scaling import Scaling, ScalingState
from engine.sim.state import (
    ARRIVED,
    COMPLETED,
    EVENTS,
    FREE_SLOTS,
    IN_SYSTEM,
    LOGGED,
    NOW,
    OCCUPANCY,
    OCCUPANCY_MARK,
    PREEMPTIONS,
    REJECTED,
    SAMPLE_COUNT,
    STEPS,
    TOOL_WAIT,
    State,
    grown,
    with_more_slots,
)
from engine.sim.stretches import Stretches, read_stretches, step_causes
from engine.sim.wiring import Carried, copied, wire

F8 = NDArray[np.float64]
T = TypeVar("T")

SLICE_EVENTS = 200_000
MOST_AHEAD = 128  # steps of a stretch that are planned at once


class Snapshot(NamedTuple):
    """A copy of everything that a run changes."""

    state: State
    network: Network
    finished: bool
    faults: FaultState | None
    scaling: ScalingState
    carried: Carried


class _Mark(NamedTuple):
    """What the last frame saw, to form differences."""

    time_s: float
    stretches: Stretches
    links: LinkSums
    links_s: float  # since when the links are counted
    host_busy_core_s: F8  # [hosts]


class Simulation:
    """One run of a lowered scenario.

    Equal tables and seed give equal results, however the run is sliced, copied or looked at.
    """

    def __init__(
        self,
        lowered: Lowered,
        design_hash: str,
        seed: int,
        until_s: float,
        *,
        log_steps: int = 0,
        jump: bool = True,
        faults: Faults | None = None,
    ) -> None:
        """A run at time 0.

        Args:
            lowered: its tables.
            design_hash: that results carry.
            seed: of every draw.
            until_s: its end.
            log_steps: steps to log; they are taken one by one then.
            jump: skip over equal steps; the results are the same without, and take longer.
            faults: what fails and when.

        Raises:
            ScenarioError: an end that is not a time.
            CapacityError: the machine's memory cannot hold its tables.
        """
        if not (math.isfinite(until_s) and until_s > 0):
            raise ScenarioError("run", f"its end is at {until_s} s", "set a time above 0")
        self.lowered = lowered
        self.until_s = until_s
        self._design_hash = design_hash
        self._seed = seed
        self._faults = faults
        self._jump = MOST_AHEAD if jump and log_steps == 0 else 0
        wiring = wire(lowered, seed, self._jump, whole=faults is not None)
        self._world, self._network, self._links = wiring
        self._carried = Carried.nothing(len(lowered.fabric.link_source))
        self._state = make_state(self._world, lowered, until_s, log_steps)
        self._finished = False
        self._wall_s = 0.0
        self._hosts = np.flatnonzero(lowered.host_cores > 0)
        is_chip = lowered.fabric.node_kind == NodeKind.CHIP
        self._no_chip = np.where(is_chip, 0.0, np.nan)
        self._scaling = Scaling(lowered)
        self._turn_off(sorted(self._scaling.idle), 0.0)
        begin_agents(self._world, self._state)
        self._mark = self._take_mark()

    @property
    def time_s(self) -> float:
        """Simulated time reached."""
        return float(self._state.real[NOW])

    @property
    def finished(self) -> bool:
        """True once the horizon is reached or nothing is left to do."""
        return self._finished

    def warm_up(self) -> None:
        """Compiles every kernel (or loads it from the cache) without changing the run."""
        before = self.snapshot()
        self._slice(self.time_s, 1)
        self.restore(before)

    def advance(self, until_s: float, budget_events: int = SLICE_EVENTS) -> bool:
        """Runs to `until_s` or for about `budget_events`; True once the run is finished.

        Raises:
            ScenarioError: the design cannot go on: requests wait for something that never comes.
            CapacityError: the machine's memory cannot hold more finished requests.
        """
        if self._finished:
            return True
        target = min(until_s, self.until_s)
        fault_s = np.inf if self._faults is None else self._faults.next_s
        scale_s = self._scaling.state.next_s
        target = min(target, fault_s, scale_s)
        status = self._slice(target, budget_events)
        if status == Status.TABLE_FULL:
            self._grow()
        elif status == Status.STARTED:
            self._count_started()
        elif status == Status.STALLED and min(fault_s, scale_s) < np.inf:
            self._state.real[NOW] = target  # all wait for a repair, or for a replica to start
            status = Status.REACHED
        elif status == Status.STALLED and self._faults is not None:
            self._state.real[NOW] = target
            status = Status.REACHED
        elif status == Status.STALLED:
            raise ScenarioError(
                "run",
                f"{int(self._state.whole[IN_SYSTEM])} requests wait at {self.time_s:g} s "
                "and nothing will ever happen",
                "check links without capacity",
            )
        if status == Status.REACHED and self._faults is not None and fault_s <= target:
            self._apply(self._faults.due(target, self._scaling.idle))
        if status == Status.REACHED and scale_s <= target:
            self._scale()
        reached = status == Status.REACHED and target >= self.until_s
        self._finished = status == Status.DRAINED or reached
        return self._finished

    def reached(self, until_s: float) -> bool:
        """True if the run is at `until_s` or finished."""
        return self._finished or self.time_s >= until_s

    def run_to_end(self, progress: Callable[[float], None] | None = None) -> None:
        """Runs to the horizon; `progress` gets the share done after each slice."""
        while not self.advance(self.until_s):
            if progress is not None:
                progress(min(1.0, self.time_s / self.until_s))
        if progress is not None:
            progress(1.0)

    def snapshot(self) -> Snapshot:
        """A copy to come back to."""
        faults = None if self._faults is None else self._faults.state.copy()
        return Snapshot(
            copied(self._state), copied(self._network), self._finished, faults,
            self._scaling.state.copy(), self._carried,
        )  # fmt: skip

    def restore(self, snapshot: Snapshot) -> None:
        """Puts a copy back; the run goes on from there as it did the first time."""
        self._state = copied(snapshot.state)
        self._network = copied(snapshot.network)
        if self._faults is not None and snapshot.faults is not None:
            tables = self._faults.restore(snapshot.faults)
            self._world, _, self._links = wire(tables, self._seed, self._jump, whole=True)
        self._scaling.state = snapshot.scaling.copy()
        self._carried = snapshot.carried
        self._finished = snapshot.finished
        self._mark = self._take_mark()

    def frame(self) -> Frame:
        """The run as it is now; shares and rates are means since the last frame."""
        last, now = self._mark, self._take_mark()
        self._mark = now
        span = max(now.time_s - last.time_s, 1e-12)
        state, replicas = self._state, self.lowered.replicas
        chips, hosts = self._no_chip.copy(), np.full(len(self._no_chip), np.nan)
        busy = np.clip((now.stretches.busy_s - last.stretches.busy_s) / span, 0.0, 1.0)
        busy[state.rep["up"] == 0] = -1.0
        chips[replicas.chip] = busy[replicas.owner]
        cores = self.lowered.host_cores[self._hosts]
        hosts[self._hosts] = (now.host_busy_core_s - last.host_busy_core_s) / (span * cores)
        rep, whole = state.rep, state.whole
        return Frame(
            time_s=now.time_s,
            until_s=self.until_s,
            finished=self._finished,
            chip_utilisation=chips,
            link_use=use_between(
                self._links, last.links, now.links, max(now.time_s - last.links_s, 1e-12)
            ),
            host_utilisation=np.clip(hosts, 0.0, 1.0),
            replica_running=rep["running"].copy(),
            replica_waiting=rep["waiting"].copy(),
            replica_kv_occupancy=(rep["blocks"] - rep["free"] - rep["loose"])
            / np.maximum(rep["blocks"], 1),
            requests_completed=int(whole[COMPLETED]),
            events=int(whole[EVENTS]),
            series=self._series(),
            replica_up=rep["up"] > 0,
            faults=self._fault_report(now.time_s),
        )

    def inject(self, events: Sequence[FaultEvent]) -> None:
        """Lets more fail, from now on; the same as if it had been planned.

        Raises:
            ScenarioError: the run was not made for faults, or something is not drawn.
        """
        if self._faults is None:
            raise ScenarioError("run", "it was begun without faults", "begin it with a fault plan")
        self._faults.inject(events, self.time_s)

    def _fault_report(self, now_s: float) -> FaultReport | None:
        if self._faults is None or self._faults.is_idle:
            return None
        return fault_report(self._faults, now_s)

    def cause_seconds(self) -> F8:
        """[CAUSES] of finished and open requests, and of tools that wait for cores."""
        return np.asarray(self._state.sum_cause + self._open_causes(), np.float64)

    def results(self) -> RunResults:
        """Everything measured so far; nothing is changed."""
        state, whole = self._state, self._state.whole
        done = min(int(whole[COMPLETED]), len(state.numbers))
        real = state.real
        mark = self._take_mark()
        stretches = mark.stretches
        link_bytes, link_busy_s = self._carried.upto(self._links, mark.links)
        nodes = len(self.lowered.fabric.node_kind)
        chip_busy, chip_compute, host_busy = (np.zeros(nodes) for _ in range(3))
        host_busy[self._hosts] = mark.host_busy_core_s
        replicas = self.lowered.replicas
        chip_busy[replicas.chip] = stretches.busy_s[replicas.owner]
        chip_compute[replicas.chip] = stretches.compute_s[replicas.owner]
        occupancy = real[OCCUPANCY] + whole[IN_SYSTEM] * (mark.time_s - real[OCCUPANCY_MARK])
        return RunResults(
            design_hash=self._design_hash,
            seed=self._seed,
            until_s=self.until_s,
            time_s=mark.time_s,
            drained=int(whole[IN_SYSTEM]) == 0,
            arrived=int(whole[ARRIVED]),
            completed=int(whole[COMPLETED]),
            rejected=int(whole[REJECTED]),
            in_flight=int(whole[IN_SYSTEM]),
            arrival_s=state.numbers[:done, 0].copy(),
            first_token_s=state.numbers[:done, 1].copy(),
            finish_s=state.numbers[:done, 2].copy(),
            input_tokens=state.counts[:done, 0].copy(),
            cached_tokens=state.counts[:done, 1].copy(),
            output_tokens=state.counts[:done, 2].copy(),
            replica=state.counts[:done, 3].copy(),
            tenant=state.counts[:done, 4].copy(),
            tenants=tenant_counts(state),
            faults=self._fault_report(mark.time_s),
            scaling=self._scaling.report(mark.time_s),
            cause_seconds=state.out_cause[:done].copy(),
            ended_cause_seconds=state.sum_cause.copy(),
            open_cause_seconds=self._open_causes(),
            link_bytes=link_bytes,
            link_busy_s=link_busy_s,
            chip_busy_s=chip_busy,
            chip_compute_s=chip_compute,
            host_busy_core_s=host_busy,
            tool_wait_s=float(real[TOOL_WAIT]),
            preemptions=int(whole[PREEMPTIONS]),
            occupancy_integral=float(occupancy),
            kv_used_token_s=stretches.kv_token_s,
            events=int(whole[EVENTS]),
            steps=int(whole[STEPS]),
            wall_s=self._wall_s,
            series=self._series(),
        )

    def step_log(self) -> F8:
        """The first steps of the run, [steps, LOG_COLUMNS]: as many as the run was asked to log."""
        return self._state.log[: int(self._state.whole[LOGGED])].copy()

    def _slice(self, target_s: float, budget: int) -> Status:
        started = time.perf_counter()
        code = advance(self._world, self._network, self._state, target_s, budget)
        self._wall_s += time.perf_counter() - started
        return Status(code)

    def _apply(self, due: Due) -> None:
        """Puts into force what fails, changes its ways and starts again now."""
        faults, now = self._faults, self.time_s
        assert faults is not None
        bring_up(self._world, self._state)
        for number in due.failed:
            fail_replica(
                self._world, self._network, self._state, number, faults.policy,
                number not in due.unreadable, faults.plan.detect_s, now,
            )  # fmt: skip
        for number in due.wiped:
            lose_memory(self._world, self._network, self._state, number, now)
        if due.rewired is not None:
            self._rewire(due.rewired, now)
        for host in due.failed_hosts:
            fail_host(self._world, self._state, host, faults.plan.detect_s, now)
        for host in due.repaired_hosts:
            repair_host(self._state, host, now)
        for number in due.begun:
            self._start(number, faults.plan.restart_s, now)

    def _start(self, replica: int, start_s: float, now: float) -> None:
        start_replica(self._world, self._network, self._state, replica, start_s, now)

    def _set_up(self, replicas: Sequence[int], up: int, now: float) -> None:
        for number in replicas:
            set_up(self._world, self._state, number, up, now)

    def _turn_off(self, replicas: Sequence[int], now: float) -> None:
        """Takes replicas down that have no requests."""
        for number in replicas:
            fail_replica(self._world, self._network, self._state, number, 0, False, 0.0, now)

    def _count_started(self) -> None:
        """Replicas have come up in the loop: whoever waits for them is told."""
        up = self._state.rep["up"] > DOWN
        if self._faults is not None:
            down = self._faults.state.starting
            self._faults.started([one for one in sorted(down) if up[one]], self.time_s)
        scaling = self._scaling.state
        self._scaling.started([one for one in scaling.starting if up[one]])
        self._send_elsewhere()
        back = [one for one in scaling.draining if self._state.rep["up"][one] == UP]
        self._set_up(back, DRAINING, self.time_s)

    def _send_elsewhere(self) -> None:
        """Requests that were sent to replicas that are down, as nobody served, try again."""
        rep = self._state.rep
        for number in np.flatnonzero((rep["up"] == DOWN) & (rep["waiting"] > 0)).tolist():
            if self._faults is not None and self._faults.waits_for(number):
                continue
            if (rep["up"][rep["list"] == rep["list"][number]] > DOWN).any():
                send_elsewhere(self._world, self._state, number, self.time_s)

    def _scale(self) -> None:
        """Counts what is in flight and starts or drains replicas."""
        now, rep = self.time_s, self._state.rep
        bring_up(self._world, self._state)
        busy = (rep["assigned"] > 0) | (rep["kept"] > 0) | (rep["out_bytes"] > 0)
        req = self._state.req
        fetching = (req["phase"] == PULLED) & (req["fetch"] > 0) & (req["fetch_source"] >= 0)
        busy[req["fetch_source"][fetching]] = True
        out = np.zeros(len(rep), np.bool_) if self._faults is None else self._faults.out
        made = self._scaling.decide(now, rep["assigned"], busy, out)
        for number in made.start:
            self._start(number, self._scaling.start_s(number), now)
        self._set_up(made.drain, DRAINING, now)
        self._set_up(made.undrain, UP, now)
        if self._faults is not None:
            self._faults.turned_off(made.stop, now)
        self._turn_off(made.stop, now)

    def _rewire(self, tables: Lowered, now: float) -> None:
        """Goes on with other ways and capacities; nothing that is on its way is lost."""
        carried = self._carried.upto(self._links, self._take_mark().links)
        end_stretches(self._world, self._state, now)
        old = self._network
        self._world, self._network, self._links = wire(tables, self._seed, self._jump, whole=True)
        move_flows(old, self._network, now)
        end_dead_pulls(self._world, self._network, self._state, now)
        mark = self._take_mark()
        self._carried = Carried(*carried, mark.links)
        self._mark = self._mark._replace(links=mark.links, links_s=now)

    def _grow(self) -> None:
        """Gives twice the room to the table that is full: finished requests, or those in flight."""
        state = self._state
        try:
            if self.lowered.requests is not None and state.whole[FREE_SLOTS] == 0:
                self._state = with_more_slots(state, 2 * len(state.req))
            else:
                wanted = 2 * len(state.numbers) + self._world.most_seqs
                self._state = grown(state, min(wanted, self._world.most_rows))
        except MemoryError as error:
            raise CapacityError(
                "the tables of requests", len(state.numbers), "simulate a shorter time"
            ) from error

    def _take_mark(self) -> _Mark:
        """Integrals up to now, without touching the state."""
        state, now = self._state, self.time_s
        host = state.host[self._hosts]
        stretches = read_stretches(state, self._world)
        return _Mark(
            now,
            stretches,
            link_sums(self._network, stretches, now),
            now,
            host["busy_core_s"] + host["busy"] * (now - host["mark_s"]),
        )

    def _open_causes(self) -> F8:
        """What unfinished requests have spent so far; a step counts when it is done."""
        total = np.zeros(CAUSES)
        total[Cause.HOST] = float(self._state.real[TOOL_WAIT])
        open_causes(self._state, step_causes(self._state, self._world), total)
        return total

    def _series(self) -> Series:
        count = int(self._state.whole[SAMPLE_COUNT])
        rows = self._state.samples[:count].copy()
        span = np.maximum(rows[:, 1], 1e-12)
        with np.errstate(invalid="ignore", divide="ignore"):
            hit = np.where(rows[:, 3] > 0, rows[:, 4] / rows[:, 3], np.nan)
        return Series(
            time_s=rows[:, 0],
            output_tokens_per_s=rows[:, 2] / span,
            input_tokens_per_s=rows[:, 3] / span,
            ttft_p50_s=rows[:, 5],
            tpot_p50_s=rows[:, 7],
            waiting=rows[:, 9],
            running=rows[:, 10],
            kv_occupancy=rows[:, 11],
            cache_hit_ratio=hit,
        )


def tenant_counts(state: State) -> TenantCounts:
    """Copies of the tenants' counts."""
    return TenantCounts(*(state.tenant[name].copy() for name in TenantCounts._fields))
