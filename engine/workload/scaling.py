"""Traces made denser, longer or shorter: what if the customer's load were another one?"""

import math

import numpy as np

from engine.errors import ScenarioError
from engine.workload.trace import RequestTrace

LONGEST = 100_000_000


def scale_trace(
    trace: RequestTrace,
    *,
    rate: float = 1.0,
    inputs: float = 1.0,
    outputs: float = 1.0,
    first_s: float = 0.0,
    last_s: float = math.inf,
) -> RequestTrace:
    """A part of a trace with another rate and other lengths.

    A prompt that becomes shorter keeps the hash blocks that still fit whole; one that becomes longer
    keeps all, and what is added is shared with nobody.

    Args:
        trace: as it was read.
        rate: requests come so many times as fast; the order stays.
        inputs: factor of prompt lengths.
        outputs: factor of output lengths.
        first_s: start of the part in the trace's own time; it becomes 0 s.
        last_s: its end.

    Raises:
        ScenarioError: a factor or a part that cannot be, or a part without requests.
    """
    for name, factor in (("rate", rate), ("inputs", inputs), ("outputs", outputs)):
        if not (math.isfinite(factor) and 1e-6 <= factor <= 1e6):
            raise ScenarioError(
                f"trace {name}", f"the factor is {factor:g}", "give one from 1e-6 to 1e6"
            )
    kept = (trace.arrival_s >= first_s) & (trace.arrival_s < last_s)
    if not kept.any():
        raise ScenarioError(
            "trace", f"no request comes from {first_s:g} s to {last_s:g} s", "choose another part"
        )
    arrival = trace.arrival_s[kept]
    lengths = _scaled(trace.input_tokens[kept], inputs)
    counts = np.diff(trace.block_start)[kept]
    begins = trace.block_start[:-1][kept]
    if trace.block_tokens and inputs < 1.0:
        counts = np.minimum(counts, lengths // trace.block_tokens)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = np.repeat(begins - start[:-1], counts) + np.arange(start[-1])
    return trace._replace(
        arrival_s=(arrival - arrival[0]) / rate,
        input_tokens=lengths,
        output_tokens=_scaled(trace.output_tokens[kept], outputs),
        block_start=start,
        blocks=trace.blocks[rows],
    )


def _scaled(lengths: np.ndarray, factor: float) -> np.ndarray:
    return np.clip(np.rint(lengths * factor), 1, LONGEST).astype(np.int32)
