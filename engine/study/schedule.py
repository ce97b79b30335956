"""The steps of a run, kept apart from how long each takes, so that a run can be priced again.

In a closed loop, and wherever all requests are there from the start, the scheduler's decisions do
not depend on the clock: the same batches follow each other whatever a step costs. A run is then
simulated once, and its mean latencies and its length follow from any other timing by

    metric = constant + sum over steps of weight x seconds(step)

with the weight of a step the part of it that lies in the requests' intervals (arrival to first
token for TTFT, first token to last for TPOT). Monte Carlo and calibration price one run many times.
For an open loop, and for what a front end holds back, the sums are exact only near the timing that
they were simulated with.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.results import RunResults
from engine.sim.state import (
    LOG_AREA,
    LOG_CHUNKS,
    LOG_CONTEXT,
    LOG_DECODING,
    LOG_SAMPLES,
    LOG_STARTED_S,
    LOG_TOKENS,
)

F8 = NDArray[np.float64]

METRICS = ("makespan_s", "ttft_s", "tpot_s")


class Schedule(NamedTuple):
    """Distinct kinds of steps and what each weighs in the metrics.

    Steps with equal counts of tokens and sequences are one row: seconds are linear in context and
    area, so that a row has their weighted sums.
    """

    counts: NDArray[np.int64]  # [kinds, 4] tokens, decoding, sampled, chunks
    weight: F8  # [kinds, metrics] seconds of the metric per second of such a step
    context: F8  # [kinds, metrics] weighted sum of contexts in tokens
    area: F8  # [kinds, metrics] weighted sum of areas in token^2
    constant_s: F8  # [metrics] what no step takes: front end, idle time
    output_tokens: int  # of all requests


def schedule_of(log: F8, results: RunResults, frontend_s: float = 0.0) -> Schedule:
    """The schedule of a run of one replica whose every step was logged."""
    starts = log[:, LOG_STARTED_S]
    # a step ends where the next begins, or at the first completion or first token after its start
    marks = np.unique(np.concatenate([results.first_token_s, results.finish_s]))
    nearest = marks[np.minimum(np.searchsorted(marks, starts, side="right"), len(marks) - 1)]
    following = np.append(starts[1:], results.finish_s.max())
    ends = np.where(
        following > nearest, np.minimum(following, np.maximum(nearest, starts)), following
    )
    ends = np.where(ends <= starts, following, ends)
    outputs = results.output_tokens
    begun = np.minimum(results.arrival_s + frontend_s, results.first_token_s)
    many = outputs > 1
    spans = (
        (np.array([0.0]), np.array([float(results.finish_s.max())]), np.array([1.0])),
        (begun, results.first_token_s, np.full(len(outputs), 1.0 / len(outputs))),
        (
            results.first_token_s[many],
            results.finish_s[many],
            1.0 / (outputs[many] - 1.0) / max(int(many.sum()), 1),
        ),
    )
    weight = np.stack([_coverage(starts, ends, *span) for span in spans], axis=1)
    taken = (weight * (ends - starts)[:, None]).sum(axis=0)
    ttft = float((results.first_token_s - results.arrival_s).mean())
    tpot = (
        float(((results.finish_s - results.first_token_s)[many] / (outputs[many] - 1.0)).mean())
        if many.any()
        else 0.0
    )
    measured = np.array([float(results.finish_s.max()), ttft, tpot])
    return _grouped(log, weight, np.maximum(measured - taken, 0.0), int(outputs.sum()))


def static_batch(sequences: int, input_tokens: int, output_tokens: int) -> Schedule:
    """A batch that is prefilled as a whole and then decoded to its end, without a scheduler."""
    steps = np.zeros((output_tokens, LOG_AREA + 1))
    steps[0, LOG_TOKENS] = sequences * input_tokens
    steps[0, LOG_CHUNKS] = sequences
    steps[0, LOG_AREA] = sequences * input_tokens * input_tokens / 2.0
    steps[:, LOG_SAMPLES] = sequences
    steps[1:, LOG_TOKENS] = steps[1:, LOG_DECODING] = sequences
    steps[1:, LOG_CONTEXT] = sequences * (input_tokens + np.arange(1, output_tokens))
    weight = np.ones((output_tokens, 3))
    weight[1:, 1] = 0.0
    weight[0, 2] = 0.0
    weight[1:, 2] = 1.0 / max(output_tokens - 1, 1)
    return _grouped(steps, weight, np.zeros(3), sequences * output_tokens)


def _coverage(starts: F8, ends: F8, low: F8, high: F8, share: F8) -> F8:
    """Weighted part of each step [steps] that lies in the intervals low..high."""
    steps = len(starts)
    spans = np.maximum(ends - starts, 1e-15)
    change = np.zeros(steps + 1)
    partial = np.zeros(steps)
    first = np.clip(np.searchsorted(ends, low, side="right"), 0, steps - 1)
    last = np.clip(np.searchsorted(starts, high, side="left") - 1, 0, steps - 1)
    np.add.at(change, first, share)
    np.add.at(change, last + 1, -share)
    before = np.clip((low - starts[first]) / spans[first], 0.0, 1.0)
    after = np.clip((ends[last] - high) / spans[last], 0.0, 1.0)
    np.add.at(partial, first, share * before)
    np.add.at(partial, last, share * after)
    return np.maximum(np.cumsum(change)[:steps] - partial, 0.0)


def _grouped(log: F8, weight: F8, constant_s: F8, output_tokens: int) -> Schedule:
    keys = log[:, [LOG_TOKENS, LOG_DECODING, LOG_SAMPLES, LOG_CHUNKS]].astype(np.int64)
    kinds, inverse = np.unique(keys, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)

    def summed(values: F8) -> F8:
        columns = [np.bincount(inverse, column, len(kinds)) for column in values.T]
        return np.stack(columns, axis=1)

    return Schedule(
        counts=kinds,
        weight=summed(weight),
        context=summed(weight * log[:, [LOG_CONTEXT]]),
        area=summed(weight * log[:, [LOG_AREA]]),
        constant_s=constant_s,
        output_tokens=output_tokens,
    )
