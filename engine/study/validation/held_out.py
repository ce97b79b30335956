"""Cross-validated predictions: by fits that saw no row of the same chip and model.

For serving a pair of chip and model leaves the fit with all its rows, in six folds; its rows are
priced under the terms of the others. For collectives the folds are those of their calibration.
The fits are made anew on the rows at hand, by the code of `make calibrate`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.study.calibration.collective_fit import held_out_seconds
from engine.study.calibration.serving import Observation, held_out_s, problem_of
from engine.study.calibration.serving_report import RATES
from engine.study.collective_rows import CollectiveRow
from engine.study.validation.compare import Comparison, RowResult

FEWEST_PAIRS = 12  # fewer would leave folds of one pair and families without rows


def with_held_out(results: Sequence[RowResult]) -> list[Comparison]:
    """The comparisons of serving with `held_out` filled where a fit was possible."""
    observations = [seen for result in results for seen in result.observations]
    if len({seen.pair for seen in observations}) < FEWEST_PAIRS:
        return [comparison for result in results for comparison in result.comparisons]
    seconds = iter(held_out_s(problem_of(observations)).tolist())
    comparisons = []
    for result in results:
        ratios = {seen.metric: _ratio(seen, next(seconds)) for seen in result.observations}
        comparisons += [
            replace(c, held_out=c.measured * ratios[c.metric]) if c.metric in ratios else c
            for c in result.comparisons
        ]
    return comparisons


def _ratio(seen: Observation, predicted_s: float) -> float:
    """Predicted over measured, of the rate where a rate was measured."""
    ratio = predicted_s / seen.measured_s
    return 1.0 / ratio if seen.metric in RATES else ratio


def collectives_with_held_out(
    comparisons: Sequence[Comparison], rows: Sequence[CollectiveRow]
) -> list[Comparison]:
    """The same for collectives; `rows` are those behind the comparisons, in their order."""
    if not rows:
        return list(comparisons)
    seconds = held_out_seconds(rows)
    return [
        replace(comparison, held_out=float(value) * 1e6) if np.isfinite(value) else comparison
        for comparison, value in zip(comparisons, seconds, strict=True)
    ]
