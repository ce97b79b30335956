"""The calibration of system terms from end to end: runs of all cells, fit, file, report."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.catalog.loader import load_catalog
from engine.cost.curves import load_curves
from engine.cost.efficiency import SystemFile, load_terms, terms_path
from engine.errors import EngineError
from engine.study.calibration.serving import (
    START,
    Observation,
    fit_terms,
    held_out_s,
    observations_of,
    predicted_s,
    problem_of,
)
from engine.study.calibration.serving_file import system_file, write_system
from engine.study.calibration.serving_report import report_lines
from engine.study.cells import Refused, plan, read_rows
from engine.study.predict import worker_pool
from engine.study.runs import run_cell

PASSES = 1  # front ends stay near the time that the runs start with: a second pass moves nothing


def calibrate_serving(table: Path, say: Callable[[str], None]) -> None:
    """Fits the system terms on a table of serving measurements and writes serving.json."""
    _, rows = read_rows(table)
    newest = max((row.get("source_date", "") for row in rows), default="")
    started = time.perf_counter()
    system: SystemFile | None = None
    for _ in range(PASSES):
        observations: list[Observation] = []
        with worker_pool(os.cpu_count() or 1) as pool:
            for found in pool.map(observe, rows, [system] * len(rows), chunksize=8):
                observations += found
        problem = problem_of(observations)
        fit = fit_terms(problem)
        held = held_out_s(problem)
        system = system_file(problem, observations, fit, held, newest)
    say(f"{len(rows)} rows, {len(observations)} measured numbers, "
         f"{time.perf_counter() - started:.0f} s of runs")  # fmt: skip
    assert system is not None
    write_system(terms_path(), system)
    seen = predicted_s(problem, fit.family, fit.engine)
    for line in report_lines(observations, problem, seen, held, system):
        say(line)


def observe(row: Mapping[str, str], system: SystemFile | None = None) -> list[Observation]:
    """What one row measured beside what its run did; nothing where it cannot be run.

    The run takes the terms of a fit, or the starting ones.
    """

    def number(name: str) -> float | None:
        text = (row.get(name) or "").strip()
        return float(text) if text and text.lower() != "nan" else None

    try:
        planned = plan(row, load_catalog())
        terms = START
        if system is not None:
            terms = load_terms(planned.chip.family, planned.deployment, system)
        run = run_cell(planned, terms, load_curves())
    except (Refused, EngineError):
        return []
    return observations_of(run, row, number)
