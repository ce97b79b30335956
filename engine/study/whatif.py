"""Why is it slow: the run repeated with each resource better, under the same seeds.

A share of the latency says where time goes, not what would help: requests that no longer wait for one
thing wait for the next. Here each resource is made 10 % and twice as good, and the same requests are
run again (common random numbers), so that a gain is a paired difference (Law, "Simulation Modeling and
Analysis", 11.2). Gains are relative to the base; their intervals are Student's over the seeds.

The latency that ranks is the time that the shares divide: of a request from its arrival to its last
token, and of agents the wait of its tool for a host core. Where hosts hold agents up, requests are
quick and come seldom: their own latency says nothing then.
"""

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from engine.errors import EngineError, ScenarioError
from engine.metrics.summary import Summary, summarise
from engine.scenario.hashing import design_hash
from engine.scenario.scenario import Scenario
from engine.sim.faults import Faults
from engine.sim.lower import Lowered, lower
from engine.sim.prepare import refuse_broken_drawing
from engine.sim.run import Simulation
from engine.study.places import Place
from engine.study.resources import Resource, changes_design, improved, improved_design, place_of
from engine.study.worth import LEAST_GAIN, Gain

F8 = NDArray[np.float64]

Variant = tuple[Resource, float]  # what is better, how much

CONFIDENCE = 0.95
FACTORS = (1.1, 2.0)
USUAL_RUNS = 5
MOST_RUNS = 100
FEW = 30  # finished requests of a run, below which its percentiles say little
SMALLEST = LEAST_GAIN  # a smaller gain is none


class Stopped(Exception):  # noqa: N818 - not an error
    """Whoever asked for the study does not want it any more."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What one improvement changes: gains of throughput, falls of latencies; None: not known."""

    latency: Gain | None = None  # mean, end to end, with the wait of its tool for a host core
    output_tokens_per_s: Gain | None = None
    ttft_p50: Gain | None = None
    ttft_p95: Gain | None = None
    tpot_p50: Gain | None = None
    tpot_p95: Gain | None = None
    goodput: Gain | None = None


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """One resource: its effects by factor, and where it stands in the ranking."""

    resource: str
    small: Effect  # 10 % better; nothing is known where whole numbers do not allow it
    large: Effect  # twice as good
    helps: bool  # twice as good shortens the mean latency for certain
    group: int  # equal numbers: their gains overlap, they are inseparable
    place: Place = Place()  # on the drawing


def held_s(summary: Summary) -> float | None:
    """Mean time of a request and of its tool's wait for a core, s; None without requests."""
    if summary.e2e_s.mean is None:
        return None
    return summary.e2e_s.mean + summary.tool_wait_s / summary.requests_completed


def fewest_completed(base: Sequence[Summary]) -> int:
    """Requests that have finished in the run with the fewest."""
    return min(summary.requests_completed for summary in base)


FIGURES: dict[str, tuple[Callable[[Summary], float | None], bool]] = {
    "latency": (held_s, False),
    "output_tokens_per_s": (lambda summary: summary.output_tokens_per_s, True),
    "ttft_p50": (lambda summary: summary.ttft_s.p50, False),
    "ttft_p95": (lambda summary: summary.ttft_s.p95, False),
    "tpot_p50": (lambda summary: summary.tpot_s.p50, False),
    "tpot_p95": (lambda summary: summary.tpot_s.p95, False),
    "goodput": (lambda summary: summary.goodput.requests_per_s, True),
}


def what_if(
    scenario: Scenario,
    runs: int = USUAL_RUNS,
    jobs: int = 0,
    progress: Callable[[float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> tuple[list[Summary], list[WhatIf]]:
    """The base runs, and every resource in order of what it would bring.

    Args:
        scenario: what is slow; seeds go up from its own.
        runs: seeds.
        jobs: threads, 0 for one a core; results do not depend on it.
        progress: gets the share that is done.
        stopped: asked before every run.

    Raises:
        ScenarioError: the design cannot run, or the number of runs cannot be.
        Stopped: `stopped` said so.
    """
    if not 2 <= runs <= MOST_RUNS:
        raise ScenarioError("runs", f"{runs} are asked for", f"ask for 2 to {MOST_RUNS}")
    refuse_broken_drawing(scenario.design, scenario.catalog)
    variants: list[Variant] = [(resource, factor) for resource in Resource for factor in FACTORS]
    tell = Told(runs * (1 + len(variants)), progress, stopped)
    base: list[Summary] = []
    better: list[list[Summary | None]] = []
    places: dict[str, Place] = {}
    with ThreadPoolExecutor(
        workers(jobs, 1 + len(variants)), thread_name_prefix="what-if"
    ) as pool:
        for number in range(runs):
            own = dataclasses.replace(scenario, seed=scenario.seed + number)
            first, others, places = _of_seed(own, variants, pool, tell)
            base.append(first)
            better.append(others)
    rows = []
    for number, resource in enumerate(Resource):
        small, large = (_effect(base, [seed[2 * number + at] for seed in better]) for at in (0, 1))
        if large is not None:
            rows.append((resource, small or Effect(), large))
    found = [msgspec.structs.replace(row, place=places[row.resource]) for row in ranked(rows)]
    return base, found


class Told:
    """Progress and cancel of many runs, asked and told from any thread."""

    def __init__(
        self,
        runs: int,
        progress: Callable[[float], None] | None,
        stopped: Callable[[], bool] | None,
    ) -> None:
        self._runs, self._done = max(runs, 1), 0
        self._progress, self._stopped = progress, stopped
        self._lock = threading.Lock()

    def ask(self) -> None:
        """Before a run.

        Raises:
            Stopped: the study is not wanted any more.
        """
        if self._stopped is not None and self._stopped():
            raise Stopped

    def tell(self, runs: int = 1) -> None:
        """After `runs` runs; shares never fall."""
        with self._lock:
            self._done += runs
            if self._progress is not None:
                self._progress(self._done / self._runs)


def ranked(rows: Sequence[tuple[Resource, Effect, Effect]]) -> list[WhatIf]:
    """Resources by the latency that twice as much of them takes away, inseparable ones grouped.

    One that helps is in the group of the best of it while its interval overlaps that one's.
    """

    def gain(row: tuple[Resource, Effect, Effect]) -> Gain:
        return row[2].latency or Gain(mean=0.0, low=0.0, high=0.0)

    order = sorted(rows, key=lambda row: (-gain(row).mean, row[0].value))
    found: list[WhatIf] = []
    group, leader = 0, None
    for row in order:
        here = gain(row)
        helps = here.low > 0 and here.mean > SMALLEST
        if leader is None or not helps or here.high < leader.low:
            group += 1
            leader = here if helps else None
        found.append(
            WhatIf(resource=row[0].value, small=row[1], large=row[2], helps=helps, group=group)
        )
    return found


def paired(base: F8, other: F8, *, more_is_better: bool) -> Gain:
    """The relative gain of paired runs: mean and interval of each pair's own change."""
    return student((other - base if more_is_better else base - other) / base)


def student(change: F8) -> Gain:
    """Mean of the changes of pairs, [pairs], and Student's interval of it."""
    mean = float(change.mean())
    half = 0.0
    if len(change) > 1 and change.std() > 0:
        error = float(change.std(ddof=1)) / len(change) ** 0.5
        half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(change) - 1)) * error
    return Gain(mean=mean, low=mean - half, high=mean + half)


def effect_of(base: Sequence[Summary], other: Sequence[Summary]) -> Effect:
    """The gains of other runs under the seeds of the base."""
    gains: dict[str, Gain | None] = {}
    for name, (figure, more) in FIGURES.items():
        pairs = [
            (a, b)
            for one, two in zip(base, other, strict=True)
            if (a := figure(one)) is not None and (b := figure(two)) is not None
        ]
        before, after = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
        known = len(pairs) > 1 and bool((before > 0).all())
        gains[name] = paired(before, after, more_is_better=more) if known else None
    return Effect(**gains)


def run_scenario(
    scenario: Scenario, change: Callable[[Lowered], Lowered] | None = None
) -> Summary:
    """One run of a scenario, with its tables changed before it begins."""
    lowered = lower(scenario)
    return _run(scenario, lowered if change is None else change(lowered))


def workers(jobs: int, tasks: int) -> int:
    """Threads for so many tasks; 0 jobs: one a core."""
    return max(1, min(jobs or os.cpu_count() or 1, tasks))


def _run(scenario: Scenario, lowered: Lowered) -> Summary:
    """One run of tables, which it does not change."""
    design, until_s, seed = scenario.design, scenario.until_s, scenario.seed
    faults = None
    if not design.faults.is_empty:
        faults = Faults(design.faults, lowered, design, until_s, seed)
    simulation = Simulation(lowered, design_hash(design), seed, until_s, faults=faults)
    simulation.run_to_end()
    return summarise(simulation.results(), lowered, scenario)


def _of_seed(
    scenario: Scenario, variants: Sequence[Variant], pool: ThreadPoolExecutor, tell: Told
) -> tuple[Summary, list[Summary | None], dict[str, Place]]:
    """The base run of a seed and its variants, all of the same tables: lowering takes as long.

    Also where each resource is drawn.
    """
    tell.ask()
    lowered = lower(scenario)

    def run(variant: Variant | None) -> Summary | None:
        tell.ask()
        found = _run(scenario, lowered) if variant is None else better(*variant)
        tell.tell()
        return found

    def better(resource: Resource, factor: float) -> Summary | None:
        if changes_design(resource):
            return _run_changed(scenario, resource, factor)
        tables = improved(lowered, resource, factor)
        if tables is lowered:
            return base.result()  # nothing of it is there: the run would be the same
        return None if tables is None else _run(scenario, tables)

    base: Future[Summary | None] = pool.submit(run, None)  # begins before those that wait for it
    others = list(pool.map(run, variants))
    first = base.result()
    assert first is not None
    places = {resource.value: place_of(lowered, resource) for resource in Resource}
    return first, others, places


def _run_changed(scenario: Scenario, resource: Resource, factor: float) -> Summary | None:
    """A run of another design; None where it cannot be lowered or whole numbers do not allow it."""
    design = improved_design(scenario.design, resource, factor)
    if design is None:
        return None
    try:
        return run_scenario(dataclasses.replace(scenario, design=design))
    except EngineError:
        return None


def _effect(base: Sequence[Summary], other: Sequence[Summary | None]) -> Effect | None:
    known = [summary for summary in other if summary is not None]
    return effect_of(base, known) if len(known) == len(base) else None
