"""Batch prediction of measured cells: a CSV of cells in, the same with predictions out."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.cost.curves import load_curves
from engine.cost.efficiency import load_system, load_terms
from engine.errors import EngineError
from engine.sim.tenants import request_load
from engine.storage.atomic import write_atomic
from engine.study.cells import STATIC_SCENARIOS, Plan, Refused, plan, read_rows
from engine.study.pricing import MAKESPAN, TPOT, TTFT, priced
from engine.study.runs import CellRun, run_cell
from engine.study.uncertainty import BURST, LOADED, OFFLINE, STATIC, bands

METRICS = ("out_tok_s_per_accel", "ttft_ms", "tpot_ms")
NEW_COLUMNS = (
    *(f"pred_{name}" for name in METRICS),
    "pred_low",
    "pred_high",
    "pred_band_of",
    *(f"pred_{name}_{end}" for name in METRICS for end in ("low", "high")),
    "status",
    "assumed",
)
OK = "ok"


def predict_file(
    source: Path,
    target: Path,
    *,
    jobs: int = 0,
    progress: Callable[[float], None] | None = None,
) -> dict[str, int]:
    """Predicts every row of `source`, writes `target` and returns counts by status.

    Args:
        source: CSV with the columns of a table of serving measurements.
        target: gets the same columns and those of `NEW_COLUMNS`.
        jobs: processes; 0 for one a core. Results do not depend on it.
        progress: gets the share of rows done.

    Raises:
        FileError: `source` is no such table.
        OSError: a file cannot be read or written.
    """
    names, rows = read_rows(source)
    predicted: list[dict[str, str]] = []
    for number, result in enumerate(_results(rows, jobs), start=1):
        predicted.append(result)
        if progress is not None:
            progress(number / len(rows))
    kept = [name for name in names if name not in NEW_COLUMNS]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*kept, *NEW_COLUMNS], extrasaction="ignore", restval="")
    writer.writeheader()
    for row, result in zip(rows, predicted, strict=True):
        writer.writerow({**row, **result})
    write_atomic(target, stream.getvalue().encode())
    return dict(Counter(result["status"].split(":")[0] for result in predicted))


def _results(rows: list[dict[str, str]], jobs: int) -> Iterable[dict[str, str]]:
    workers = min(jobs or os.cpu_count() or 1, max(len(rows), 1))
    if workers == 1 or len(rows) < 4:
        catalog = load_catalog()
        yield from (predict_row(row, catalog) for row in rows)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(_predict_in_worker, rows, chunksize=4)


def worker_pool(workers: int) -> Executor:
    """Processes that start afresh, so that they share nothing with a window's threads."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def _predict_in_worker(row: dict[str, str]) -> dict[str, str]:
    return predict_row(row, load_catalog())


def predict_row(row: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """The new columns of one row; a row that cannot be predicted has only its status."""
    try:
        chosen = plan(row, catalog)
        terms = load_terms(chosen.chip.family, chosen.deployment)
        run = run_cell(chosen, terms, load_curves())
    except Refused as verdict:
        return {"status": str(verdict)}
    except (EngineError, ArithmeticError, ValueError, MemoryError) as error:
        # a table is hostile: one row that no check foresaw must not cost the others
        return {"status": f"cannot be run: {error}"}
    return _columns(chosen, run)


def band_of(scenario: str) -> str:
    """The metric that a scenario is about, and that `pred_low` and `pred_high` are of."""
    if scenario == "prefill-latency-b1":
        return "ttft_ms"
    return "tpot_ms" if scenario.startswith(("closed", "open")) else "out_tok_s_per_accel"


def _spreads(scenario: str) -> tuple[str, str, str]:
    if scenario in STATIC_SCENARIOS:
        return STATIC
    if scenario == "offline-max":
        return OFFLINE
    return BURST if scenario.startswith("burst") else LOADED


def _columns(chosen: Plan, run: CellRun) -> dict[str, str]:
    system = load_system()
    terms = load_terms(chosen.chip.family, chosen.deployment)
    seconds = priced(run.ledger, terms)
    low_high = bands(
        run.schedule,
        chosen.deployment,
        chosen.llm,
        chosen.chip,
        request_load(chosen.requests),
        load_curves(),
        system,
        frontend_s=run.ledger.frontend_s,
        spreads=_spreads(chosen.scenario),
    )
    tokens = run.ledger.output_tokens / chosen.chips
    values = {
        "out_tok_s_per_accel": (
            tokens / seconds[MAKESPAN],
            tokens / low_high.makespan_s[1],
            tokens / low_high.makespan_s[0],
        ),
        "ttft_ms": tuple(1e3 * x for x in (seconds[TTFT], low_high.ttft_s[0], low_high.ttft_s[1])),
        "tpot_ms": tuple(1e3 * x for x in (seconds[TPOT], low_high.tpot_s[0], low_high.tpot_s[1])),
    }
    if int(chosen.requests.output_tokens.max()) < 2:
        del values["tpot_ms"]
    main = band_of(chosen.scenario)
    if main not in values:
        main = "ttft_ms"
    columns = {"status": OK, "assumed": "; ".join(chosen.assumed), "pred_band_of": main}
    for name, (value, low, high) in values.items():
        columns[f"pred_{name}"] = f"{value:.6g}"
        columns[f"pred_{name}_low"], columns[f"pred_{name}_high"] = f"{low:.6g}", f"{high:.6g}"
    columns["pred_low"] = columns[f"pred_{main}_low"]
    columns["pred_high"] = columns[f"pred_{main}_high"]
    return columns
