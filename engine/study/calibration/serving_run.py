"""The calibration of system terms from end to end: runs of all cells, fit, file, report."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.catalog.loader import load_catalog
from engine.cost.curves import load_curves
from engine.cost.efficiency import terms_path
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


def calibrate_serving(table: Path, say: Callable[[str], None]) -> None:
    """Fits the system terms on a table of serving measurements and writes serving.json."""
    _, rows = read_rows(table)
    started = time.perf_counter()
    observations: list[Observation] = []
    with worker_pool(os.cpu_count() or 1) as pool:
        for found in pool.map(observe, rows, chunksize=8):
            observations += found
    say(f"{len(rows)} rows, {len(observations)} measured numbers, "
         f"{time.perf_counter() - started:.0f} s of runs")  # fmt: skip
    problem = problem_of(observations)
    fit = fit_terms(problem)
    held = held_out_s(problem)
    system = system_file(problem, observations, fit, held)
    write_system(terms_path(), system)
    seen = predicted_s(problem, fit.family, fit.engine)
    for line in report_lines(observations, problem, seen, held, system):
        say(line)


def observe(row: Mapping[str, str]) -> list[Observation]:
    """What one row measured beside what its run did; nothing where it cannot be run."""

    def number(name: str) -> float | None:
        text = (row.get(name) or "").strip()
        return float(text) if text and text.lower() != "nan" else None

    try:
        run = run_cell(plan(row, load_catalog()), START, load_curves())
    except (Refused, EngineError):
        return []
    return observations_of(run, row, number)
