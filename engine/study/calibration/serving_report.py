"""What a fit of system terms reached, as lines of text: errors by cluster, terms, what is left."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.cost.efficiency import ENGINE_TERMS, FAMILY_TERMS, SystemFile
from engine.study.calibration.serving import Observation, Problem

F8 = NDArray[np.float64]

RATES = ("throughput", "burst", "static-throughput")


def relative_errors(rows: Sequence[Observation], measured_s: F8, predicted_s: F8) -> F8:
    """|predicted / measured - 1| of each row, of the rate where a rate was measured."""
    rate = np.isin([row.metric for row in rows], RATES)
    return np.abs(np.where(rate, measured_s / predicted_s, predicted_s / measured_s) - 1.0)


def by_cluster(rows: Sequence[Observation], errors: F8) -> dict[str, F8]:
    """Mean error of each cluster, by metric."""
    sums: dict[tuple[str, str], list[float]] = {}
    for row, error in zip(rows, errors.tolist(), strict=True):
        sums.setdefault((row.metric, row.cluster), []).append(error)
    metrics: dict[str, list[float]] = {}
    for (metric, _), values in sums.items():
        metrics.setdefault(metric, []).append(float(np.mean(values)))
    return {metric: np.array(values) for metric, values in sorted(metrics.items())}


def report_lines(
    rows: Sequence[Observation],
    problem: Problem,
    seen_s: F8,
    held_out_s: F8,
    system: SystemFile,
) -> list[str]:
    """Errors on the rows of the fit and on pairs held out, then the terms."""
    lines = ["absolute relative error, mean of a cluster: median and 0.9 quantile over clusters"]
    seen = by_cluster(rows, relative_errors(rows, problem.measured_s, seen_s))
    held = by_cluster(rows, relative_errors(rows, problem.measured_s, held_out_s))
    for metric, errors in seen.items():
        out = held[metric]
        lines.append(
            f"{metric:<18} {len(errors):>4} clusters  fitted {np.median(errors):6.1%} "
            f"{np.quantile(errors, 0.9):6.1%}   pairs held out {np.median(out):6.1%} "
            f"{np.quantile(out, 0.9):6.1%}"
        )
    for name, family in system.families.items():
        values = " ".join(f"{term}={getattr(family, term).value:.2f}" for term in FAMILY_TERMS)
        lines.append(f"{name:<14} {system.basis[name].rows:>4} rows  {values}")
    for name, engine in system.engines.items():
        values = " ".join(
            f"{term}={getattr(engine, term).value * (1 if term == 'prompt' else 1e6):.4g}"
            for term in ENGINE_TERMS
        )
        lines.append(f"{name:<20} {values} (seconds in us)")
    return lines
