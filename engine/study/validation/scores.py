"""What the errors amount to: by metric and group, coverage of the band, the worst rows.

The error of a number is |predicted / measured - 1|; it is averaged inside a cluster (one physical
cell that was measured several times), then the median and the 0.9 quantile are taken over
clusters. Coverage counts rows. Nothing here runs a prediction.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.study.validation.compare import METRICS, Comparison

WORST = 25
_SIZES = {"KiB": 2.0**10, "MiB": 2.0**20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Errors of a metric in one group; `held_*` are of fits that saw no row of chip and model."""

    rows: int
    clusters: int
    median: float
    p90: float
    covered: float  # share of rows whose band holds the measured number
    bias: float  # median over clusters of the mean of ln(predicted / measured)
    held_median: float | None
    held_p90: float | None


def score(comparisons: Iterable[Comparison]) -> Score | None:
    """The score of comparisons of one metric; None where there are none."""
    chosen = list(comparisons)
    if not chosen:
        return None
    errors = by_cluster((c.cluster, c.error) for c in chosen)
    bias = by_cluster((c.cluster, math.log(c.predicted / c.measured)) for c in chosen)
    held = by_cluster(
        (c.cluster, abs(c.held_out / c.measured - 1.0)) for c in chosen if c.held_out is not None
    )
    return Score(
        rows=len(chosen),
        clusters=len(errors),
        median=float(np.median(errors)),
        p90=float(np.quantile(errors, 0.9)),
        covered=sum(c.inside for c in chosen) / len(chosen),
        bias=float(np.median(bias)),
        held_median=float(np.median(held)) if held else None,
        held_p90=float(np.quantile(held, 0.9)) if held else None,
    )


def by_cluster(values: Iterable[tuple[str, float]]) -> list[float]:
    """The mean of each cluster's values, in order of first appearance."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for cluster, value in values:
        found[cluster].append(value)
    return [float(np.mean(own)) for own in found.values()]


def by_metric(comparisons: Iterable[Comparison]) -> dict[str, list[Comparison]]:
    """Comparisons of each metric that occurs, in the order of `METRICS`."""
    found: defaultdict[str, list[Comparison]] = defaultdict(list)
    for comparison in comparisons:
        found[comparison.metric].append(comparison)
    return {metric: found[metric] for metric in METRICS if metric in found}


def by_group(comparisons: Iterable[Comparison], dimension: str) -> dict[str, list[Comparison]]:
    """Comparisons of each value of a dimension, values in their natural order."""
    found: defaultdict[str, list[Comparison]] = defaultdict(list)
    for comparison in comparisons:
        if dimension in comparison.groups:
            found[comparison.groups[dimension]].append(comparison)
    return {value: found[value] for value in sorted(found, key=natural)}


def natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """A key that sorts "TP 8" before "TP 16", "16 KiB" before "1 MiB", "over ..." last."""
    key: list[tuple[int, float, str]] = [(int(text.startswith(("over", "all", "not"))), 0.0, "")]
    for part in text.replace(",", " ").replace("-", " ").split():
        if part.isdigit():
            key.append((0, float(part), ""))
        elif part in _SIZES:
            key[-1] = (0, key[-1][1] * _SIZES[part], "")
        else:
            key.append((1, 0.0, part.casefold()))
    return tuple(key)


def coverage(comparisons: Sequence[Comparison]) -> float:
    """The share of rows whose band holds the measured number; nan for none."""
    return sum(c.inside for c in comparisons) / len(comparisons) if comparisons else math.nan


def worst(comparisons: Iterable[Comparison], most: int = WORST) -> list[Comparison]:
    """The rows furthest off by the logarithm, so that too low counts as much as too high.

    One row of a cluster and metric: a cell that was measured at many loads would fill the list.
    """
    ordered = sorted(
        comparisons, key=lambda c: (-abs(math.log(c.predicted / c.measured)), c.metric, c.row)
    )
    seen: set[tuple[str, str]] = set()
    chosen = []
    for comparison in ordered:
        place = (comparison.metric, comparison.cluster)
        if place not in seen:
            seen.add(place)
            chosen.append(comparison)
    return chosen[:most]
