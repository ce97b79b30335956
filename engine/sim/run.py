"""Simulation: a run that advances in slices and can be looked at, copied and put back."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapacityError, ScenarioError
from engine.sim.codes import CAUSES, Cause, LinkClass, NodeKind, Status
from engine.sim.kernels.agents import begin_agents
from engine.sim.kernels.network import Network, make_network, read_links
from engine.sim.kernels.serving import advance
from engine.sim.kernels.world import (
    COMPUTING,
    DECODE,
    IN_PIPE,
    ON_THE_WAY,
    PREFILL,
    WAITING,
    World,
)
from engine.sim.lower import Lowered
from engine.sim.results import Frame, RunResults, Series
from engine.sim.state import (
    ARRIVED,
    COMPLETED,
    EVENTS,
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
    new_state,
)
from engine.sim.tables import AgentTables, RequestTables

F8 = NDArray[np.float64]
T = TypeVar("T")

FIRST_ROWS = 4096
MAX_CACHE_CELLS = 50_000_000  # 2 GB
SLICE_EVENTS = 200_000
SAMPLES_A_RUN = 1000
SHORTEST_SAMPLE_S = 0.25


class Snapshot(NamedTuple):
    """A copy of everything that a run changes."""

    state: State
    network: Network
    finished: bool


class _Mark(NamedTuple):
    """What the last frame saw, to form differences."""

    time_s: float
    replica_busy_s: F8
    link_bytes: F8
    link_busy_s: F8
    host_busy_core_s: F8


class Simulation:
    """One run of a lowered scenario.

    Equal tables and seed give equal results, however the run is sliced, copied or looked at.
    """

    def __init__(
        self, lowered: Lowered, design_hash: str, seed: int, until_s: float, *, log_steps: int = 0
    ) -> None:
        if not (math.isfinite(until_s) and until_s > 0):
            raise ScenarioError("run", f"its end is at {until_s} s", "set a time above 0")
        self.lowered = lowered
        self.until_s = until_s
        self._design_hash = design_hash
        self._seed = seed
        self._world = _world(lowered, seed)
        self._network = _network(lowered)
        self._state = _state(self._world, lowered, until_s, log_steps)
        self._finished = False
        self._wall_s = 0.0
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
        status = self._slice(target, budget_events)
        if status == Status.OUTPUT_FULL:
            self._grow_output()
        elif status == Status.STALLED:
            raise ScenarioError(
                "run",
                f"{int(self._state.whole[IN_SYSTEM])} requests wait at {self.time_s:g} s "
                "and nothing will ever happen",
                "check links without capacity",
            )
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
        return Snapshot(_copied(self._state), _copied(self._network), self._finished)

    def restore(self, snapshot: Snapshot) -> None:
        """Puts a copy back; the run goes on from there as it did the first time."""
        self._state = _copied(snapshot.state)
        self._network = _copied(snapshot.network)
        self._finished = snapshot.finished
        self._mark = self._take_mark()

    def frame(self) -> Frame:
        """The run as it is now; shares and rates are means since the last frame."""
        last, now = self._mark, self._take_mark()
        self._mark = now
        span = max(now.time_s - last.time_s, 1e-12)
        state, replicas = self._state, self.lowered.replicas
        nodes = len(self.lowered.fabric.node_kind)
        chips = np.full(nodes, np.nan)
        chips[self.lowered.fabric.node_kind == NodeKind.CHIP] = 0.0
        busy = np.clip((now.replica_busy_s - last.replica_busy_s) / span, 0.0, 1.0)
        chips[replicas.chips] = busy[:, None]
        hosts = np.full(nodes, np.nan)
        is_host = self.lowered.host_cores > 0
        used = (now.host_busy_core_s - last.host_busy_core_s)[is_host] / span
        hosts[is_host] = used / self.lowered.host_cores[is_host]
        rep, whole = state.rep, state.whole
        return Frame(
            time_s=now.time_s,
            until_s=self.until_s,
            finished=self._finished,
            chip_utilisation=chips,
            link_utilisation=np.clip((now.link_busy_s - last.link_busy_s) / span, 0.0, 1.0),
            link_bytes_per_s=np.maximum(now.link_bytes - last.link_bytes, 0.0) / span,
            host_utilisation=np.clip(hosts, 0.0, 1.0),
            replica_running=rep["running"].copy(),
            replica_waiting=rep["waiting"].copy(),
            replica_kv_occupancy=(rep["blocks"] - rep["free"] - rep["loose"])
            / np.maximum(rep["blocks"], 1),
            requests_completed=int(whole[COMPLETED]),
            events=int(whole[EVENTS]),
            cause_seconds=self._cause_seconds(),
            series=self._series(),
        )

    def results(self) -> RunResults:
        """Everything measured so far; nothing is changed."""
        state, whole = self._state, self._state.whole
        done = int(whole[COMPLETED])
        real = state.real
        mark = self._take_mark()
        nodes = len(self.lowered.fabric.node_kind)
        chip_busy, chip_compute = np.zeros(nodes), np.zeros(nodes)
        chip_busy[self.lowered.replicas.chips] = mark.replica_busy_s[:, None]
        chip_compute[self.lowered.replicas.chips] = state.rep["compute_s"][:, None]
        span = mark.time_s - state.rep["kv_mark"]
        used = state.rep["blocks"] - state.rep["free"] - state.rep["loose"]
        kv = state.rep["kv_token_s"] + used * self.lowered.limits.block_tokens * span
        occupancy = real[OCCUPANCY] + whole[IN_SYSTEM] * (mark.time_s - real[OCCUPANCY_MARK])
        return RunResults(
            design_hash=self._design_hash,
            seed=self._seed,
            until_s=self.until_s,
            time_s=mark.time_s,
            drained=int(whole[IN_SYSTEM]) == 0,
            arrived=int(whole[ARRIVED]),
            completed=done,
            rejected=int(whole[REJECTED]),
            in_flight=int(whole[IN_SYSTEM]),
            arrival_s=state.numbers[:done, 0].copy(),
            first_token_s=state.numbers[:done, 1].copy(),
            finish_s=state.numbers[:done, 2].copy(),
            input_tokens=state.counts[:done, 0].copy(),
            cached_tokens=state.counts[:done, 1].copy(),
            output_tokens=state.counts[:done, 2].copy(),
            replica=state.counts[:done, 3].copy(),
            cause_seconds=state.out_cause[:done].copy(),
            open_cause_seconds=self._open_causes(),
            link_bytes=mark.link_bytes,
            link_busy_s=mark.link_busy_s,
            chip_busy_s=chip_busy,
            chip_compute_s=chip_compute,
            host_busy_core_s=mark.host_busy_core_s,
            tool_wait_s=float(real[TOOL_WAIT]),
            preemptions=int(whole[PREEMPTIONS]),
            occupancy_integral=float(occupancy),
            kv_used_token_s=kv,
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

    def _grow_output(self) -> None:
        rows = self._state.numbers.shape[0]
        wanted = 2 * rows + self.lowered.limits.max_seqs
        try:
            self._state = grown(self._state, wanted)
        except MemoryError as error:
            raise CapacityError(
                "the table of finished requests", rows, "simulate a shorter time"
            ) from error

    def _take_mark(self) -> _Mark:
        """Integrals up to now, without touching the state."""
        state, links = self._state, len(self.lowered.fabric.link_source)
        now, rep, host = float(state.real[NOW]), state.rep, state.host
        computing = rep["mode"] == COMPUTING
        partial = np.clip(np.minimum(now, rep["computed_s"]) - rep["started_s"], 0.0, None)
        rate, moved, carried = (np.zeros(links) for _ in range(3))
        read_links(self._network, now, rate, moved, carried)
        return _Mark(
            now,
            rep["busy_s"] + np.where(computing, partial, 0.0),
            moved,
            carried,
            host["busy_core_s"] + host["busy"] * (now - host["mark_s"]),
        )

    def _cause_seconds(self) -> F8:
        """Seconds by cause: of finished and open requests, and of tools that wait for cores."""
        done = int(self._state.whole[COMPLETED])
        total = self._state.out_cause[:done].sum(axis=0) + self._open_causes()
        return np.asarray(total, np.float64)

    def _open_causes(self) -> F8:
        """What unfinished requests have spent so far; a step counts when it is done."""
        state, now = self._state, float(self._state.real[NOW])
        req, rep = state.req, state.rep
        total = np.zeros(CAUSES)
        total[Cause.HOST] = float(state.real[TOOL_WAIT])
        coming = np.isin(req["phase"], (ON_THE_WAY, IN_PIPE))
        total[Cause.SCALE_OUT] += float((now - req["arrive_s"][coming]).sum())
        waiting = req["phase"] == WAITING
        running = np.isin(req["phase"], (PREFILL, DECODE))
        pushed_out = (req["preempted"] != 0) & (waiting | running)
        total[Cause.KV_MEMORY] += float((now - req["mark_s"][pushed_out]).sum())
        fresh = waiting & ~pushed_out
        queue = req[fresh]
        lacked_kv = rep["wait_kv"] + np.where(rep["blocked"] != 0, now - rep["wait_mark"], 0.0)
        waited = now - queue["mark_s"]
        lacked = np.clip(lacked_kv[queue["replica"]] - queue["mark_kv"], 0.0, waited)
        total[Cause.KV_MEMORY] += float(lacked.sum())
        total[Cause.QUEUE] += float((waited - lacked).sum())
        steps = running & ~pushed_out
        total += (state.rep_cause[req["replica"][steps]] - state.mark_cause[steps]).sum(axis=0)
        return np.asarray(total + state.req_cause[waiting | running].sum(axis=0), np.float64)

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


def _copied(table: T) -> T:
    """A deep copy of a NamedTuple of arrays, numbers and such NamedTuples."""
    parts: list[Any] = []
    for part in cast("tuple[Any, ...]", table):
        if isinstance(part, tuple):
            parts.append(_copied(part))
        else:
            parts.append(part.copy() if isinstance(part, np.ndarray) else part)
    return type(table)(*parts)


def _world(lowered: Lowered, seed: int) -> World:
    agents, requests = lowered.agents, lowered.requests
    empty4 = np.empty(0, np.int32)
    if requests is None:
        requests = RequestTables(np.empty(0), empty4, empty4, np.zeros(1, np.int64), empty4, 0, 0)
    share = 0.0
    if agents is None:
        agents = AgentTables(0, np.ones((6, 4)), 1.0, 0.0, 0.5, 0, False, empty4)
    else:
        share = think_share(agents)
    return World(
        timing=lowered.timing,
        limits=lowered.limits,
        requests=requests,
        agents=agents,
        host_cores=lowered.host_cores,
        think_share=share,
        seed=seed,
        replicas=len(lowered.replicas.chips),
    )


def think_share(agents: AgentTables) -> float:
    """Share of time that an agent's person thinks, from the means of its distributions.

    Steps take their tools' time and some seconds of the model; the model's part is small and
    unknown before the run, 5 s a step stand for it.
    """
    tool = _clipped_mean(agents.distributions[3])
    think = _clipped_mean(agents.distributions[4])
    task = agents.steps_per_task * 5.0 + (agents.steps_per_task - 1.0) * tool
    return float(think / (think + task))


def _clipped_mean(row: F8) -> float:
    """Mean of a clipped log-normal (median, sigma, low, high), by quantiles."""
    generator = np.random.default_rng(0)
    draws = row[0] * np.exp(row[1] * generator.standard_normal(20_000))
    return float(np.clip(draws, row[2], row[3]).mean())


def _network(lowered: Lowered) -> Network:
    """Routes in the order coflows, ways in, ways out; one flow slot for each."""
    rep = lowered.replicas
    parts = (
        (rep.coflow_start, rep.coflow_link, rep.coflow_weight),
        (rep.ingress_start, rep.ingress_link, rep.ingress_weight),
        (rep.egress_start, rep.egress_link, rep.egress_weight),
    )
    start = np.concatenate([[0], *(np.diff(part[0]) for part in parts)]).cumsum()
    return make_network(
        lowered.fabric.link_bytes_per_s,
        start.astype(np.int64),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        3 * len(rep.chips),
    )


def _state(world: World, lowered: Lowered, until_s: float, log_steps: int) -> State:
    rep, fabric = lowered.replicas, lowered.fabric
    count = len(rep.chips)
    agents = world.agents.agents
    slots = agents or max(1, len(world.requests.arrival_s))
    entries = agents or int(world.requests.entry.max(initial=-1)) + 1
    if count * max(entries, 1) > MAX_CACHE_CELLS:
        raise CapacityError(
            "the prefix cache", MAX_CACHE_CELLS, "use fewer agents or replicas, or a shorter trace"
        )
    latency = np.array(
        [
            lowered.frontend_s
            + float((fabric.link_latency_s[rep.ingress_link[a:b]] * rep.ingress_weight[a:b]).sum())
            for a, b in zip(rep.ingress_start[:-1], rep.ingress_start[1:], strict=True)
        ]
    )
    outside = fabric.link_class[rep.coflow_link] != LinkClass.SCALE_UP
    remote = np.array(
        [
            outside[a:b].any()
            for a, b in zip(rep.coflow_start[:-1], rep.coflow_start[1:], strict=True)
        ],
        np.bool_,
    )
    horizon = until_s if agents else min(until_s, _last_arrival_s(world))
    return new_state(
        replicas=count,
        slots=slots,
        agents=agents,
        nodes=len(fabric.node_kind),
        entries=max(entries, 1),
        blocks=(rep.kv_tokens // lowered.limits.block_tokens).astype(np.int64),
        block_tokens=lowered.limits.block_tokens,
        latency_s=latency,
        remote=remote,
        capacity=FIRST_ROWS + 2 * lowered.limits.max_seqs,
        sample_s=max(SHORTEST_SAMPLE_S, horizon / SAMPLES_A_RUN),
        log_steps=log_steps,
    )


def _last_arrival_s(world: World) -> float:
    arrivals = world.requests.arrival_s
    return float(arrivals[-1]) if len(arrivals) else 1.0
