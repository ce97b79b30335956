"""The words and tables of the page: what was compared, what was reached, by which group."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine import __version__
from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.cost.efficiency import CLASS, SystemFile
from engine.study.validation.blocks import Block, Heading, Listing, Paragraph, Table
from engine.study.validation.compare import METRICS, Comparison, source_of
from engine.study.validation.limits import limits
from engine.study.validation.plots import Plot, all_plots
from engine.study.validation.scores import (
    Score,
    by_group,
    by_metric,
    coverage,
    score,
    worst,
)
from engine.study.validation.table import Row, Tables

TITLE = "Validation: predictions against published measurements"
CALIBRATION_FILES = ("operators.npz", "collectives.json", "serving.json")
UNSEEN_FACTOR = 1.3  # of the target, for pairs of chip and model that a fit has not seen
GROUPED = ("throughput", "tpot", "prefill", "ttft", "queued-ttft", "burst")
DIMENSIONS = {
    "hardware": "hardware", "model": "model", "engine": "serving engine",
    "framework": "framework and version", "precision": "precision",
    "tp": "tensor parallelism", "pp": "pipeline stages",
    "ranks": "attention-DP and expert parallelism", "concurrency": "concurrency",
    "source": "source",
}  # fmt: skip
COLLECTIVE_DIMENSIONS = {
    "hardware": "hardware", "op": "operation", "library": "library", "chips": "chips",
    "size": "size", "reach": "reach", "source": "source",
}  # fmt: skip
WORST_COLLECTIVES = 10
MODEL_ERRORS = (
    "throughput", "tpot", "prefill", "ttft", "burst", "static-throughput", "static-tpot",
    "open-tpot", "closed-throughput",
)  # fmt: skip
DASH = "-"


class Outcome(NamedTuple):
    """Everything that was compared."""

    tables: Tables
    comparisons: list[Comparison]
    serving_status: list[str]
    collective_status: list[str]
    sample: int  # rows asked for; 0 for all


def blocks_of(outcome: Outcome, catalog: Catalog, system: SystemFile) -> list[Block]:
    """The page from top to bottom."""
    plots = all_plots(outcome.comparisons) if outcome.comparisons else []
    metrics = by_metric(outcome.comparisons)

    def named(prefix: str) -> list[Plot]:
        return [plot for plot in plots if plot.name.startswith(prefix)]

    return [
        Heading(TITLE, 1),
        *_opening(outcome, system),
        Heading("What was reached"),
        summary_table(metrics),
        Paragraph(_reading(outcome)),
        Heading("What is not validated"),
        Listing(
            limits(
                outcome.tables,
                outcome.comparisons,
                catalog,
                system,
                sampled=bool(outcome.sample),
            )
        ),
        Heading("Predicted against measured"),
        *named("scatter"),
        Heading("Error by hardware"),
        *named("errors"),
        Heading("Coverage of the 80 % band"),
        *named("coverage"),
        _coverage_table(metrics),
        Heading("Residuals by concurrency, parallelism and chips"),
        *named("residual"),
        Heading("Error by group"),
        Paragraph(
            "Each cell: median / 0.9 quantile of the error over cells in per cent, and the number "
            "of cells in brackets. Parallelism as it was run: where a source leaves the ranks of "
            "a mixture of experts open, attention-DP over all its chips is assumed."
        ),
        *_group_tables(metrics),
        Heading("The worst rows"),
        Paragraph(
            "One row of each cell and metric. What may be missing is a guess from the "
            "configuration, not a finding."
        ),
        *_worst_tables(outcome.comparisons, metrics),
        Heading("Rows without a prediction"),
        _status_table(outcome),
        Heading("Sources and licences"),
        _source_table(outcome.tables),
    ]


def fingerprint() -> str:
    """The first digits of a hash over the calibration's files: which fit a page speaks of."""
    digest = hashlib.sha256()
    for name in CALIBRATION_FILES:
        digest.update(resource_path("calibration", name).read_bytes())
    return digest.hexdigest()[:16]


def _opening(outcome: Outcome, system: SystemFile) -> list[Block]:
    tables = outcome.tables
    dates = sorted(row["source_date"][:7] for row in tables.serving if row.get("source_date"))
    basis = [own for name, own in system.basis.items() if name != CLASS]
    serving = sum(c.metric != "collective" for c in outcome.comparisons)
    facts = [
        ("Program", f"Rackflow {__version__}"),
        ("Calibration", _calibration(system)),
        (
            "Calibrated on",
            f"{sum(own.rows for own in basis):,} measured numbers of serving in "
            f"{sum(own.clusters for own in basis):,} cells",
        ),
        (
            "Compared here",
            f"{len(tables.serving):,} rows of serving with {serving:,} measured numbers, and "
            f"{len(tables.collectives):,} rows of collectives",
        ),
        ("Measurements from", f"{dates[0]} to {dates[-1]}" if dates else "no date stated"),
        (
            "Table",
            "resources/validation: the rows whose licence lets the project carry them"
            if tables.shipped
            else "a folder given by the caller",
        ),
    ]
    opening: list[Block] = [
        Paragraph(
            "Every row of a table of published measurements is run by the code that rackflow "
            "predict runs, and compared with what was measured. The error of a number is "
            "|predicted / measured - 1|. It is averaged inside a cell (one physical set-up that "
            "was measured several times); medians and 0.9 quantiles are over cells."
        ),
        Table(("What", "Which"), tuple(facts), 2),
    ]
    if outcome.sample:
        opening.insert(0, Paragraph(f"A sample of {outcome.sample} rows only; do not publish."))
    return opening


def _calibration(system: SystemFile) -> str:
    date = str(getattr(system, "date", ""))
    return f"{date + ', ' if date else ''}fingerprint {fingerprint()}"


def _reading(outcome: Outcome) -> str:
    held = any(c.held_out is not None for c in outcome.comparisons)
    text = (
        "These rows took part in the calibration, so that the first errors say how well a few "
        "shared terms (ten a chip family, six a serving engine) describe them, not how well "
        "anything new is foretold. "
    )
    if held:
        text += (
            "Held out comes nearer to what a new pair may expect: the fit is made anew on the rows of "
            "this table "
            "without any row of the same pair of chip and model (for collectives without the "
            "chip's rows of the operation or number of chips), and the rows left out are "
            f"predicted. The aim for them is {UNSEEN_FACTOR:g} times the other. "
        )
    else:
        text += "Held-out errors were not computed in this run. "
    return text + (
        "In band is the share of rows whose measured number lies in the predicted 80 % band; "
        "bias is the median of predicted over measured. "
        "Held-out errors are somewhat optimistic all the same: settings of the fit (weight of the "
        "prior, scale of the loss, prior of the front end, classes of engines) were compared and "
        "chosen on them."
    )


def summary_table(metrics: Mapping[str, Sequence[Comparison]]) -> Table:
    """Errors of every metric beside what was aimed at."""
    rows = []
    for name, own in metrics.items():
        found = score(own)
        if found is not None:
            rows.append(_summary_row(name, found))
    return Table(
        (
            "Metric", "Rows", "Cells", "Median", "0.9 quantile", "Aim", "Held out: median",
            "0.9 quantile", "Aim, held out", "In band", "Bias",
        ),
        tuple(rows),
    )  # fmt: skip


def _summary_row(name: str, found: Score) -> tuple[str, ...]:
    target = METRICS[name].target
    return (
        METRICS[name].title,
        f"{found.rows:,}",
        f"{found.clusters:,}",
        percent(found.median),
        percent(found.p90),
        DASH if target is None else f"{100 * target:.0f} %",
        percent(found.held_median),
        percent(found.held_p90),
        DASH if target is None else f"{100 * target * UNSEEN_FACTOR:.0f} %",
        f"{100 * found.covered:.0f} %",
        f"{100 * math.expm1(found.bias):+.0f} %",
    )


def percent(share: float | None) -> str:
    """A share in per cent with one decimal below 100."""
    if share is None:
        return DASH
    return f"{100 * share:.1f} %" if share < 1 else f"{100 * share:,.0f} %"


def _coverage_table(metrics: Mapping[str, Sequence[Comparison]]) -> Table:
    everything = [c for own in metrics.values() for c in own]
    families = list(by_group(everything, "family"))
    lines: list[tuple[str, Sequence[Comparison]]] = [
        (METRICS[name].title, own) for name, own in metrics.items()
    ]
    lines.append(("All", everything))
    rows = []
    for title, own in lines:
        groups = by_group(own, "family")
        rows.append((title, _share(own), *(_share(groups.get(family, ())) for family in families)))
    return Table(("In band (rows)", "All", *families), tuple(rows))


def _share(own: Sequence[Comparison]) -> str:
    return f"{100 * coverage(own):.0f} % ({len(own):,})" if own else DASH


def _group_tables(metrics: Mapping[str, Sequence[Comparison]]) -> list[Block]:
    present = [name for name in GROUPED if name in metrics]
    blocks: list[Block] = []
    phases: dict[str, dict[str, list[Comparison]]] = {}
    for name, own in metrics.items():
        phases.setdefault(METRICS[name].phase, {})[name] = list(own)
    if present:
        blocks += [Heading("By phase", 3), _phase_table(phases)]
    for dimension, words in DIMENSIONS.items():
        if present:
            blocks += [
                Heading(f"By {words}", 3),
                _grouped(words, dimension, {name: metrics[name] for name in present}),
            ]
    if "collective" in metrics:
        for dimension, words in COLLECTIVE_DIMENSIONS.items():
            blocks += [
                Heading(f"Collectives by {words}", 3),
                _grouped(words, dimension, {"collective": metrics["collective"]}),
            ]
    return blocks


def _phase_table(phases: Mapping[str, Mapping[str, list[Comparison]]]) -> Table:
    rows = []
    for phase, own in phases.items():
        # a cell counts once a metric, as its errors are of different things
        keyed = [(f"{name} {c.cluster}", c) for name, part in own.items() for c in part]
        errors: dict[str, list[float]] = {}
        for key, comparison in keyed:
            errors.setdefault(key, []).append(comparison.error)
        means = sorted(sum(values) / len(values) for values in errors.values())
        rows.append(
            (
                phase,
                ", ".join(METRICS[name].title for name in own),
                f"{len(keyed):,}",
                f"{len(means):,}",
                percent(_quantile(means, 0.5)),
                percent(_quantile(means, 0.9)),
                f"{100 * coverage([c for _, c in keyed]):.0f} %",
            )
        )
    return Table(
        ("Phase", "Metrics", "Rows", "Cells", "Median", "0.9 quantile", "In band"), tuple(rows), 2
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    first = int(place)
    last = min(first + 1, len(ordered) - 1)
    return ordered[first] + (ordered[last] - ordered[first]) * (place - first)


def _grouped(words: str, dimension: str, metrics: Mapping[str, Sequence[Comparison]]) -> Table:
    groups = {name: by_group(own, dimension) for name, own in metrics.items()}
    everything = by_group([c for own in metrics.values() for c in own], dimension)
    rows = []
    for value, own in everything.items():
        cells = [_cell(score(groups[name].get(value, ()))) for name in metrics]
        rows.append((value, *cells, f"{100 * coverage(own):.0f} %"))
    titles = (METRICS[name].title for name in metrics)
    return Table((words.capitalize(), *titles, "In band"), tuple(rows))


def _cell(found: Score | None) -> str:
    if found is None:
        return DASH
    return f"{100 * found.median:.0f} / {100 * found.p90:.0f} ({found.clusters})"


def _worst_tables(
    comparisons: Sequence[Comparison], metrics: Mapping[str, Sequence[Comparison]]
) -> list[Block]:
    serving = [c for c in comparisons if c.metric in MODEL_ERRORS]
    blocks: list[Block] = [_worst_table(worst(serving))]
    if "collective" in metrics:
        found = worst(metrics["collective"], WORST_COLLECTIVES)
        blocks += [Heading("Collectives", 3), _worst_table(found)]
    return blocks


def _worst_table(found: Sequence[Comparison]) -> Table:
    rows = tuple(
        (
            c.label,
            METRICS[c.metric].title,
            c.missing,
            f"{c.measured:,.4g} {METRICS[c.metric].unit}",
            f"{c.predicted:,.4g}",
            f"{c.predicted / c.measured:.2f}",
        )
        for c in found
    )
    head = ("Row", "Metric", "What may be missing", "Measured", "Predicted", "Ratio")
    return Table(head, rows, 3)


def _status_table(outcome: Outcome) -> Table:
    counts = Counter(
        (kind, status)
        for kind, statuses in (
            ("serving", outcome.serving_status),
            ("collectives", outcome.collective_status),
        )
        for status in statuses
    )
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    rows = tuple((kind, status, f"{count:,}") for (kind, status), count in ordered)
    return Table(("Table", "Status", "Rows"), rows, 2)


def _source_table(tables: Tables) -> Table:
    counts: Counter[tuple[str, str, str]] = Counter()
    for kind, rows, url in (
        ("serving", tables.serving, "source_url"),
        ("collectives", tables.collectives, "source"),
    ):
        counts.update((kind, _source(row, url), row["license"]) for row in rows)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0]))
    lines = tuple((*place, f"{count:,}") for place, count in ordered)
    return Table(("Table", "Source", "Licence", "Rows"), lines, 3)


def _source(row: Row, column: str) -> str:
    return source_of(row[column], row.get("note", ""))
