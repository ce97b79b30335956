"""Whether a run has settled: does throughput or latency drift over simulated time?

The samples after the first tenth are cut into batches of equal time. A straight line through the
batch means has a slope with a Student interval (Law, "Simulation Modeling and Analysis", 9.5.3);
it is told as the change over the whole span, relative to the mean.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from engine.sim.results import Series

F8 = NDArray[np.float64]

BATCHES = 20
CONFIDENCE = 0.95
WARM_UP = 0.1  # share of the samples that is left out
SMALL = 0.02  # a change below 2 % is no drift, however sure
WIDEST = 0.1  # an interval that reaches further says nothing where it holds 0


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """The change of a figure over the run, as a share of its mean; None where it is not known.

    `steady` is None where the interval holds both 0 and a change of more than 10 %.
    """

    change: float | None
    low: float | None
    high: float | None
    steady: bool | None


NOT_KNOWN = Drift(change=None, low=None, high=None, steady=None)


def drift(values: F8) -> Drift:
    """The drift of evenly spaced samples; nan samples are left out."""
    kept = values[int(len(values) * WARM_UP) :]
    if len(kept) < 2 * BATCHES:
        return NOT_KNOWN
    batches = [part[np.isfinite(part)] for part in np.array_split(kept, BATCHES)]
    if any(len(part) == 0 for part in batches):
        return NOT_KNOWN
    means = np.array([part.mean() for part in batches])
    level = float(means.mean())
    if not level > 0:
        return NOT_KNOWN
    place = np.linspace(-0.5, 0.5, BATCHES)
    slope = float((place * means).sum() / (place**2).sum())
    rest = means - level - slope * place
    error = float(np.sqrt((rest**2).sum() / (BATCHES - 2) / (place**2).sum()))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, BATCHES - 2)) * error
    change, low, high = slope / level, (slope - half) / level, (slope + half) / level
    steady: bool | None = low <= 0 <= high or abs(change) < SMALL
    if low <= 0 <= high and max(-low, high) > WIDEST:
        steady = None
    return Drift(change=change, low=low, high=high, steady=steady)


class RunDrift(msgspec.Struct, frozen=True, kw_only=True):
    """What may drift in a long run."""

    output_tokens_per_s: Drift
    ttft_p50_s: Drift
    tpot_p50_s: Drift
    kv_occupancy: Drift


def run_drift(series: Series) -> RunDrift:
    """The drifts of a run's series."""
    return RunDrift(
        output_tokens_per_s=drift(series.output_tokens_per_s),
        ttft_p50_s=drift(series.ttft_p50_s),
        tpot_p50_s=drift(series.tpot_p50_s),
        kv_occupancy=drift(series.kv_occupancy),
    )
