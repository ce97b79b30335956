"""One scenario under several seeds, on several cores: how far the figures of a run are chance.

Runs share nothing that changes. Their kernels hold no interpreter lock, so that threads are enough
and the drawing is in memory once. Each run is what it would be alone, in whatever order they end.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from engine.errors import ScenarioError
from engine.metrics.summary import Summary, summarise
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation

CONFIDENCE = 0.95
MOST_RUNS = 1000

FIGURES: dict[str, Callable[[Summary], float | None]] = {
    "ttft_p50_s": lambda summary: summary.ttft_s.p50,
    "ttft_p95_s": lambda summary: summary.ttft_s.p95,
    "tpot_p50_s": lambda summary: summary.tpot_s.p50,
    "tpot_p95_s": lambda summary: summary.tpot_s.p95,
    "e2e_p95_s": lambda summary: summary.e2e_s.p95,
    "requests_per_s": lambda summary: summary.requests_per_s,
    "output_tokens_per_s": lambda summary: summary.output_tokens_per_s,
    "goodput_per_s": lambda summary: summary.goodput.requests_per_s,
    "power_w": lambda summary: summary.power_w,
}


class Chance(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over the runs that have it: Student's interval of the mean, and the extremes."""

    mean: float
    low: float  # of the 95 % interval of the mean; equal to it for one run
    high: float
    least: float
    most: float
    runs: int


def run_seeds(
    scenario: Scenario,
    seeds: Sequence[int],
    jobs: int = 0,
    progress: Callable[[float], None] | None = None,
) -> list[Summary]:
    """Summaries in the order of the seeds.

    Args:
        scenario: what to run; its own seed does not count.
        seeds: one for each run.
        jobs: threads, 0 for one a core; results do not depend on it.
        progress: gets the share of runs that have ended.

    Raises:
        ScenarioError: too many runs, or what a single run raises.
        CapacityError: as a single run raises it.
    """
    if not 1 <= len(seeds) <= MOST_RUNS:
        raise ScenarioError("runs", f"{len(seeds)} are asked for", f"ask for 1 to {MOST_RUNS}")
    done = 0

    def run(seed: int) -> Summary:
        nonlocal done
        own = dataclasses.replace(scenario, seed=seed)
        simulation, lowered = prepare_simulation(own)
        simulation.run_to_end()
        summary = summarise(simulation.results(), lowered, own)
        done += 1
        if progress is not None:
            progress(done / len(seeds))
        return summary

    workers = min(jobs or os.cpu_count() or 1, len(seeds))
    with ThreadPoolExecutor(workers, thread_name_prefix="seeds") as pool:
        return list(pool.map(run, seeds))


def chances(summaries: Sequence[Summary]) -> dict[str, Chance]:
    """Every figure over the runs; figures that no run has are left out."""
    found = {}
    for name, figure in FIGURES.items():
        values = np.array([v for v in map(figure, summaries) if v is not None and np.isfinite(v)])
        if len(values):
            found[name] = _chance(values)
    return found


def _chance(values: NDArray[np.float64]) -> Chance:
    mean = float(values.mean())
    half = 0.0
    if len(values) > 1:
        error = float(values.std(ddof=1)) / len(values) ** 0.5
        half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * error
    return Chance(
        mean=mean,
        low=mean - half,
        high=mean + half,
        least=float(values.min()),
        most=float(values.max()),
        runs=len(values),
    )
