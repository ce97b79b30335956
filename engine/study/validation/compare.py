"""Each measured number beside the prediction of the same code that `rackflow predict` runs.

Here a row of a table becomes comparisons: metric, measured, predicted, band, and the groups that
it counts in. What the errors amount to is in `scores`.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.cost.collectives.parameters import load_calibration
from engine.cost.efficiency import load_system
from engine.errors import CatalogError, EngineError
from engine.study.calibration.serving import UNQUEUED_CLIENTS, Observation
from engine.study.calibration.serving_run import observe
from engine.study.cells import Plan, Refused, plan
from engine.study.collective_rows import CollectiveRow, read_row
from engine.study.predict import OK, predict_row, worker_pool
from engine.study.predict_collectives import band_of, predicted_s
from engine.study.validation.missing import what_may_be_missing

RATE, TTFT, TPOT = "out_tok_s_per_accel", "ttft_ms", "tpot_ms"
CONCURRENCY_CLASSES = ((1, "1"), (8, "2-8"), (32, "9-32"), (128, "33-128"), (1 << 40, "over 128"))
ALL_AT_ONCE = "all at once"
SIZE_CLASSES = ((1 << 14, "to 16 KiB"), (1 << 20, "to 1 MiB"), (1 << 26, "to 64 MiB"))


class Metric(NamedTuple):
    """A kind of measured number: its title, unit, phase, and the error that was aimed at."""

    title: str
    unit: str
    phase: str
    target: float | None = None


METRICS: Mapping[str, Metric] = {
    "throughput": Metric("Offline throughput", "tok/s a chip", "mixed", 0.10),
    "tpot": Metric("TPOT, closed loop", "ms", "decode", 0.12),
    "prefill": Metric("TTFT, static batch", "ms", "prefill", 0.20),
    "ttft": Metric(f"TTFT, closed loop to {UNQUEUED_CLIENTS}", "ms", "prefill", 0.20),
    "queued-ttft": Metric(f"TTFT, closed loop over {UNQUEUED_CLIENTS}", "ms", "queue, prefill"),
    "burst": Metric("Throughput, burst", "tok/s a chip", "mixed"),
    "burst-ttft": Metric("TTFT, burst", "ms", "queue, prefill"),
    "burst-tpot": Metric("TPOT, burst", "ms", "decode"),
    "static-throughput": Metric("Throughput, static batch", "tok/s a chip", "mixed"),
    "static-tpot": Metric("TPOT, static batch", "ms", "decode"),
    "open-tpot": Metric("TPOT, conversations", "ms", "decode"),
    "closed-throughput": Metric("Throughput, conversations", "tok/s a chip", "mixed"),
    "collective": Metric("Collectives", "us", "network"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measured number. Units are those of its metric."""

    row: int
    metric: str
    cluster: str
    measured: float
    predicted: float
    low: float  # of the 80 % band
    high: float
    held_out: float | None = None  # by a fit that saw no row of its chip and model
    groups: Mapping[str, str] = field(default_factory=dict)  # dimension -> value
    label: str = ""
    missing: str = ""

    @property
    def error(self) -> float:
        """|predicted / measured - 1|."""
        return abs(self.predicted / self.measured - 1.0)

    @property
    def inside(self) -> bool:
        """Whether the band holds the measured number."""
        return self.low <= self.measured <= self.high


class RowResult(NamedTuple):
    """What became of one row of serving."""

    status: str
    comparisons: tuple[Comparison, ...]
    observations: tuple[Observation, ...]


def compare_serving(
    rows: Sequence[Mapping[str, str]],
    *,
    jobs: int = 0,
    observed: bool = True,
    progress: Callable[[float], None] | None = None,
) -> list[RowResult]:
    """Predicts every row; results do not depend on the number of processes.

    Args:
        rows: with the columns of `table.SERVING_COLUMNS`.
        jobs: processes; 0 for one a core.
        observed: also run what the held-out errors need, which doubles the time.
        progress: gets the share of rows done.
    """
    results = []
    for result in _results(list(enumerate(rows)), jobs, observed):
        results.append(result)
        if progress is not None:
            progress(len(results) / len(rows))
    return results


def _results(
    rows: list[tuple[int, Mapping[str, str]]], jobs: int, observed: bool
) -> Iterator[RowResult]:
    workers = min(jobs or os.cpu_count() or 1, max(len(rows), 1))
    if workers == 1:
        yield from (compare_row(*row, load_catalog(), observed) for row in rows)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(_in_worker, rows, [observed] * len(rows), chunksize=4)


def _in_worker(row: tuple[int, Mapping[str, str]], observed: bool) -> RowResult:
    return compare_row(*row, load_catalog(), observed)


def compare_row(
    number: int, row: Mapping[str, str], catalog: Catalog, observed: bool = False
) -> RowResult:
    """The comparisons of one row of serving; none where it cannot be predicted."""
    try:
        chosen = plan(row, catalog)
    except (Refused, EngineError) as error:
        return RowResult(str(error), (), ())
    found = predict_row(row, catalog)
    if found["status"] != OK:
        return RowResult(found["status"], (), ())
    comparisons = []
    for metric, column, measured in measured_numbers(row):
        if f"pred_{column}" not in found:
            continue
        comparisons.append(
            Comparison(
                row=number,
                metric=metric,
                cluster=row.get("cluster", "") or row.get("id", "") or str(number),
                measured=measured,
                predicted=float(found[f"pred_{column}"]),
                low=float(found[f"pred_{column}_low"]),
                high=float(found[f"pred_{column}_high"]),
                groups=_groups(row, chosen, METRICS[metric].phase),
                label=_label(row, chosen),
                missing=what_may_be_missing(row, chosen, metric, found["assumed"]),
            )
        )
    return RowResult(
        OK, tuple(comparisons), tuple(observe(row, load_system())) if observed else ()
    )


def measured_numbers(row: Mapping[str, str]) -> list[tuple[str, str, float]]:
    """(metric, predicted column, value) of what a row measured; means before medians."""
    scenario = row.get("scenario", "")
    rate = _number(row, RATE)
    ttft = _number(row, "ttft_ms_mean") or _number(row, "ttft_ms_median")
    tpot = _number(row, "tpot_ms_mean") or _number(row, "tpot_ms_median")
    clients = _number(row, "concurrency") or 0.0
    wanted: tuple[tuple[str, str, float | None], ...] = ()
    if scenario == "offline-max":
        wanted = (("throughput", RATE, rate),)
    elif scenario.startswith("burst"):
        wanted = (("burst", RATE, rate), ("burst-ttft", TTFT, ttft), ("burst-tpot", TPOT, tpot))
    elif scenario in ("static-batch", "prefill-latency-b1"):
        # where a source has both, its throughput is computed from its times
        wanted = (
            ("static-throughput", RATE, None if tpot else rate),
            ("static-tpot", TPOT, tpot),
            ("prefill", TTFT, ttft),
        )
    elif scenario.startswith(("closed-loop", "open-loop")):
        plain = scenario == "closed-loop"
        wanted = (
            ("tpot" if plain else "open-tpot", TPOT, tpot),
            ("ttft" if clients <= UNQUEUED_CLIENTS else "queued-ttft", TTFT, ttft),
            ("closed-throughput", RATE, None if plain else rate),
        )
    return [(metric, column, value) for metric, column, value in wanted if value]


def _number(row: Mapping[str, str], name: str) -> float | None:
    """A measured number; None where the cell is empty, no number or not above 0."""
    try:
        value = float(row.get(name) or "nan")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def concurrency_class(text: str) -> str:
    """The class of a row's concurrency; "inf" and bursts are requests that come all at once."""
    try:
        clients = float(text)
    except ValueError:
        return "not stated"
    if clients == float("inf"):
        return ALL_AT_ONCE
    return next(name for most, name in CONCURRENCY_CLASSES if clients <= most)


def source_of(url: str, note: str = "") -> str:
    """The name of a source; copies of one documentation in several repositories are one source."""
    if "InferenceX measurement" in note:
        return "InferenceX, passed on by AIConfigurator"
    if "perf-overview" in url:
        return "TensorRT-LLM performance tables"
    found = re.search(r"github\.com/([^/]+/[^/]+)", url)
    if found:
        return found[1]
    host = re.search(r"://([^/]+)", url)
    return host[1] if host else "not stated"


def _groups(row: Mapping[str, str], chosen: Plan, phase: str) -> dict[str, str]:
    design = chosen.deployment
    burst = chosen.scenario.startswith("burst")
    return {
        "hardware": row.get("hardware", ""),
        "family": chosen.chip.family,
        "model": chosen.llm.name,
        "engine": design.engine.value,
        "framework": row.get("framework", ""),
        "precision": design.precision.value,
        "phase": phase,
        "tp": f"TP {design.tp}",
        "pp": f"PP {design.pp}",
        "ranks": f"attention-DP {design.attention_dp}, EP {design.ep}",
        "concurrency": ALL_AT_ONCE if burst else concurrency_class(row.get("concurrency", "")),
        "source": source_of(row.get("source_url", ""), row.get("note", "")),
    }


def _label(row: Mapping[str, str], chosen: Plan) -> str:
    design = chosen.deployment
    ranks = f"TP{design.tp}" + (f" PP{design.pp}" if design.pp > 1 else "")
    if design.attention_dp > 1 or design.ep > 1:
        ranks += f" ADP{design.attention_dp} EP{design.ep}"
    return (
        f"{chosen.llm.name} on {row.get('hardware', '')} {ranks} {design.precision.value}, "
        f"{row.get('framework', '')}, {row.get('isl', '')}/{row.get('osl', '')} tokens, "
        f"concurrency {row.get('concurrency', '')}"
    )


def compare_collectives(
    rows: Sequence[Mapping[str, str]],
) -> tuple[list[Comparison], list[CollectiveRow], list[str]]:
    """Comparisons of collectives, the rows behind them as they were read, and each row's status."""
    catalog, calibration = load_catalog(), load_calibration()
    comparisons: list[Comparison] = []
    used: list[CollectiveRow] = []
    statuses: list[str] = []
    for number, cells in enumerate(rows):
        row = read_row(number, dict(cells), catalog)
        statuses.append(row.problem or (OK if row.measured_s else "no time and no bandwidth"))
        if statuses[-1] != OK or row.measured_s is None or row.fabric is None:
            continue
        try:
            seconds, band = predicted_s(row), band_of(row, calibration)
        except CatalogError as error:
            statuses[-1] = str(error)
            continue
        used.append(row)
        comparisons.append(
            Comparison(
                row=number,
                metric="collective",
                cluster=row.cluster,
                measured=row.measured_s * 1e6,
                predicted=seconds * 1e6,
                low=seconds * band.low * 1e6,
                high=seconds * band.high * 1e6,
                groups=_collective_groups(cells, row),
                label=f"{row.op} of {size_text(row.size_bytes)} over {row.ranks} "
                f"{cells.get('hardware', '')}, {cells.get('impl', '')}",
                missing="the route between nodes is not stated in full"
                if _across(row)
                else "switch-over between algorithms of the library",
            )
        )
    return comparisons, used, statuses


def _across(row: CollectiveRow) -> bool:
    return row.fabric is not None and row.ranks > row.fabric.ranks_per_domain


def _collective_groups(cells: Mapping[str, str], row: CollectiveRow) -> dict[str, str]:
    size = next((name for most, name in SIZE_CLASSES if row.size_bytes <= most), "over 64 MiB")
    return {
        "hardware": cells.get("hardware", ""),
        "family": row.family,
        "op": row.op,
        "library": row.implementation or "other",
        "chips": f"{row.ranks} chips",
        "size": size,
        "reach": "over nodes" if _across(row) else "inside a node or domain",
        "source": source_of(cells.get("source", "")),
    }


def size_text(size_bytes: float) -> str:
    """Bytes for people."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes:.0f} B"
