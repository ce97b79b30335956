"""Samples over simulated time: bounded, deterministic, with medians from log bins.

A bin spans a factor of 10^(1/64) = 1.037, so a median is off by at most 1.9 %.
"""

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.random import uniform
from engine.sim.state import (
    BINS_A_DECADE,
    FIRST_BIN_S,
    SAMPLE_AT,
    SAMPLE_COUNT,
    SAMPLE_EVERY,
    SAMPLES,
    TOKENS_CACHED,
    TOKENS_IN,
    TOKENS_OUT,
    TPOT_COUNT,
    TTFT_BINS,
    TTFT_COUNT,
    State,
)

I8 = NDArray[np.int64]

SAMPLE_DRAW = 77  # purpose of the draws that choose rows


@bare
def count_bin(bins: I8, seconds: float) -> None:
    """Counts one duration."""
    at = 0
    if seconds > FIRST_BIN_S:
        at = min(TTFT_BINS - 1, int(np.log10(seconds / FIRST_BIN_S) * BINS_A_DECADE))
    bins[at] += 1


@inlined
def row_of(s: State, finished: int, seed: int) -> int:
    """The row of a finished request, -1 for none: after a full table rows are a uniform sample.

    Algorithm R (Vitter, "Random sampling with a reservoir", 1985).
    """
    rows = s.numbers.shape[0]
    if finished < rows:
        return finished
    at = int(uniform(seed, 0, finished, SAMPLE_DRAW) * (finished + 1))
    return at if at < rows else -1


@bare
def _median(bins: I8, count: int) -> float:
    """The middle of the bin that holds the median; bins are emptied."""
    seen = 0
    value = np.nan
    for at in range(TTFT_BINS):
        if bins[at] > 0:
            seen += bins[at]
            if np.isnan(value) and 2 * seen >= count:
                value = FIRST_BIN_S * 10.0 ** ((at + 0.5) / BINS_A_DECADE)
            bins[at] = 0
    return value


@bare
def take_sample(state: State, waiting: int, running: int, kv_share: float) -> None:
    """Writes one row of samples and sets the time of the next; a full table is halved."""
    real, whole = state.real, state.whole
    if whole[SAMPLE_COUNT] == SAMPLES:
        _halve(state)
    rows = state.samples
    at = whole[SAMPLE_COUNT]
    whole[SAMPLE_COUNT] += 1
    rows[at, 0] = real[SAMPLE_AT]
    rows[at, 1] = real[SAMPLE_EVERY]
    rows[at, 2] = whole[TOKENS_OUT]
    rows[at, 3] = whole[TOKENS_IN]
    rows[at, 4] = whole[TOKENS_CACHED]
    rows[at, 5] = _median(state.ttft_bins, whole[TTFT_COUNT])
    rows[at, 6] = whole[TTFT_COUNT]
    rows[at, 7] = _median(state.tpot_bins, whole[TPOT_COUNT])
    rows[at, 8] = whole[TPOT_COUNT]
    rows[at, 9] = waiting
    rows[at, 10] = running
    rows[at, 11] = kv_share
    whole[TOKENS_OUT] = 0
    whole[TOKENS_IN] = 0
    whole[TOKENS_CACHED] = 0
    whole[TTFT_COUNT] = 0
    whole[TPOT_COUNT] = 0
    real[SAMPLE_AT] += real[SAMPLE_EVERY]


@bare
def _halve(state: State) -> None:
    """Merges pairs: sums add, medians are weighted by their counts, levels are averaged."""
    rows = state.samples
    for at in range(SAMPLES // 2):
        a, b = 2 * at, 2 * at + 1  # row `at` is read before it is written: at <= a
        for column in (9, 10, 11):
            level = rows[a, column] * rows[a, 1] + rows[b, column] * rows[b, 1]
            rows[at, column] = level / (rows[a, 1] + rows[b, 1])
        for column in (5, 7):
            na, nb = rows[a, column + 1], rows[b, column + 1]
            first, second = rows[a, column], rows[b, column]
            if na > 0 and nb > 0:
                rows[at, column] = (first * na + second * nb) / (na + nb)
            else:
                rows[at, column] = first if na > 0 else second
        for column in (1, 2, 3, 4, 6, 8):
            rows[at, column] = rows[a, column] + rows[b, column]
        rows[at, 0] = rows[b, 0]
    state.whole[SAMPLE_COUNT] = SAMPLES // 2
    state.real[SAMPLE_EVERY] *= 2.0
