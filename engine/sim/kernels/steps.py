"""How long a step takes: the compiled closed form of `engine.cost.timing`, by cause."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.compiling import bare_kernel, inlined
from engine.sim.kernels.world import AFTER_STEP, COMPUTE, MEMORY, OVERHEAD
from engine.sim.tables import TimingTables

F8 = NDArray[np.float64]


@inlined
def step_causes(
    timing: TimingTables,
    pool: int,
    tokens: int,
    decoding: int,
    samples: int,
    context: float,
    chunks: int,
    area: float,
    causes: F8,
) -> None:
    """Writes the seconds of a step by cause into `causes` [CAUSES]; `context` is summed tokens."""
    last = timing.last_row[pool]
    fill = _fill(timing, pool, decoding, chunks)
    verified = timing.verified[pool]
    share = 1.0
    row = min(int(tokens * fill), last)
    if verified > 1 and decoding > 0:
        alone = min(int(decoding * verified * fill), last)
        row = min(int((tokens + decoding * (verified - 1)) * fill), last)
        share = 1.0 / timing.accepted[pool]
        for c in range(COMPUTE, AFTER_STEP):
            decode = timing.dense_s[pool, alone, c]
            causes[c] = decode * share + (timing.dense_s[pool, row, c] - decode)
    else:
        for c in range(COMPUTE, AFTER_STEP):
            causes[c] = timing.dense_s[pool, row, c]
    base_s = timing.head_s[pool, samples] + timing.decode_base_s[pool, decoding]
    causes[MEMORY] += base_s * share
    if context > 0.0:
        causes[MEMORY] += context_slope(timing, pool, decoding, chunks) * context
    causes[COMPUTE] += timing.prefill_area_s[pool, row] * area * fill
    causes[OVERHEAD] += timing.sequence_s[pool] * samples * share
    if chunks > 0:
        causes[OVERHEAD] += timing.prompt_s[pool]


@inlined
def context_slope(timing: TimingTables, pool: int, decoding: int, chunks: int) -> float:
    """Seconds of a step for each token of its summed context."""
    fill = _fill(timing, pool, decoding, chunks)
    slope_s: float = timing.decode_context_s[pool, decoding] * fill
    if timing.verified[pool] > 1 and decoding > 0:
        slope_s /= timing.accepted[pool]
    return slope_s


@inlined
def _fill(timing: TimingTables, pool: int, decoding: int, chunks: int) -> float:
    """Stages over micro-batches of a step, 1 for a full pipeline."""
    batches = decoding + chunks
    stages = timing.stages[pool]
    if batches >= stages or batches == 0:
        return 1.0
    fill: float = stages / batches
    return fill


@inlined
def collective_bytes(
    timing: TimingTables, pool: int, tokens: int, decoding: int, chunks: int
) -> float:
    """Bytes that a step moves through the replica's coflow after its compute part."""
    last = timing.last_row[pool]
    fill = _fill(timing, pool, decoding, chunks)
    verified = timing.verified[pool]
    if verified <= 1 or decoding == 0:
        return float(timing.collective_bytes[pool, min(int(tokens * fill), last)])
    alone = timing.collective_bytes[pool, min(int(decoding * verified * fill), last)]
    row = min(int((tokens + decoding * (verified - 1)) * fill), last)
    moved: float = alone / timing.accepted[pool] + (timing.collective_bytes[pool, row] - alone)
    return moved


@bare_kernel
def time_steps(timing: TimingTables, batches: F8, causes: F8) -> float:
    """Seconds of many steps of the first pool; `batches` [steps, 6]: tokens, decoding, samples, context, chunks, area.

    `causes` [steps, CAUSES] gets their split. Returns the sum.
    """
    total = 0.0
    for i in range(batches.shape[0]):
        b = batches[i]
        step_causes(timing, 0, int(b[0]), int(b[1]), int(b[2]), b[3], int(b[4]), b[5], causes[i])
        for c in range(CAUSES):
            total += causes[i, c]
    return total
