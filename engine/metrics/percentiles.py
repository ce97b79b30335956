"""Percentiles of full samples, and nothing where there is no sample."""

import msgspec
import numpy as np
from numpy.typing import NDArray


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles and mean of one quantity in its SI unit; None without a single sample."""

    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    mean: float | None
    samples: int


def spread(values: NDArray[np.float64]) -> Spread:
    """The spread of samples; percentiles interpolate linearly between order statistics."""
    if not len(values):
        return Spread(p50=None, p90=None, p95=None, p99=None, mean=None, samples=0)
    p50, p90, p95, p99 = (float(v) for v in np.percentile(values, [50, 90, 95, 99]))
    return Spread(
        p50=p50, p90=p90, p95=p95, p99=p99, mean=float(values.mean()), samples=len(values)
    )
