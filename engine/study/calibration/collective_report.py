"""How good a calibration of collectives is: errors by cell, in all and by library and operation."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.cost.collectives.parameters import Spread
from engine.study.calibration.hierarchy import F8
from engine.study.collective_rows import CollectiveRow

WORST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Absolute relative errors of time, averaged in each cell; `covered` is a share of rows."""

    name: str
    cells: int
    median: float
    p90: float
    held_median: float
    held_p90: float
    covered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveReport:
    """Scores of a fit; `held` figures are of fits that did not see the cell."""

    total: Score
    parts: tuple[Score, ...]
    worst: tuple[tuple[str, float], ...]


def judge(
    rows: Sequence[CollectiveRow], seconds: F8, held: F8, spreads: Iterable[Spread]
) -> CollectiveReport:
    """The report of predictions for measured rows."""
    measured = np.array([row.measured_s or np.nan for row in rows])
    errors, held_errors = np.abs(seconds / measured - 1), np.abs(held / measured - 1)
    bands = {(spread.implementation, spread.op): spread for spread in spreads}
    inside = np.array(
        [
            bands[row.implementation, row.op].low
            <= row_measured / row_seconds
            <= bands[row.implementation, row.op].high
            for row, row_measured, row_seconds in zip(rows, measured, seconds, strict=True)
        ]
    )
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[f"{row.implementation or 'other'} {row.op}"].append(place)
    every = list(range(len(rows)))
    cells = _by_cell(rows, errors, every)
    names = {row.cluster: _name(row) for row in rows}
    worst = sorted(cells.items(), key=lambda item: (-item[1], item[0]))[:WORST]
    return CollectiveReport(
        total=_score("all", rows, errors, held_errors, inside, every),
        parts=tuple(
            _score(name, rows, errors, held_errors, inside, group)
            for name, group in sorted(places.items())
        ),
        worst=tuple((names[cell], error) for cell, error in worst),
    )


def report_lines(report: CollectiveReport) -> list[str]:
    """The report for a reader at a terminal."""
    head = (
        f"{'':34}{'cells':>6}{'median':>9}{'p90':>9}{'held median':>13}{'held p90':>10}{'band':>7}"
    )
    lines = ["collectives: absolute relative error of time, averaged inside a cell", head]
    lines += [
        f"{s.name:34}{s.cells:6}{s.median:9.1%}{s.p90:9.1%}{s.held_median:13.1%}"
        f"{s.held_p90:10.1%}{s.covered:7.0%}"
        for s in (report.total, *report.parts)
    ]
    lines.append("worst cells:")
    return lines + [f"  {name}: {error:.0%}" for name, error in report.worst]


def _name(row: CollectiveRow) -> str:
    return f"{row.implementation} {row.op} {row.hardware} x{row.ranks}"


def _by_cell(rows: Sequence[CollectiveRow], errors: F8, places: Iterable[int]) -> dict[str, float]:
    cells: defaultdict[str, list[float]] = defaultdict(list)
    for place in places:
        cells[rows[place].cluster].append(float(errors[place]))
    return {cell: float(np.mean(values)) for cell, values in cells.items()}


def _score(
    name: str,
    rows: Sequence[CollectiveRow],
    errors: F8,
    held: F8,
    inside: F8,
    places: Sequence[int],
) -> Score:
    cells = list(_by_cell(rows, errors, places).values())
    known = [place for place in places if np.isfinite(held[place])]
    out = list(_by_cell(rows, held, known).values()) or [float("nan")]
    return Score(
        name=name,
        cells=len(cells),
        median=float(np.median(cells)),
        p90=float(np.quantile(cells, 0.9)),
        held_median=float(np.median(out)),
        held_p90=float(np.quantile(out, 0.9)),
        covered=float(np.mean(inside[list(places)])),
    )
