"""How long a step takes: the compiled closed form of `engine.cost.timing`, by cause."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.compiling import bare_kernel, inlined
from engine.sim.kernels.world import COMPUTE, MEMORY, OVERHEAD
from engine.sim.tables import TimingTables

F8 = NDArray[np.float64]


@inlined
def step_causes(
    timing: TimingTables,
    tokens: int,
    decoding: int,
    samples: int,
    context: float,
    chunks: int,
    area: float,
    causes: F8,
) -> None:
    """Writes the seconds of a step by cause into `causes` [CAUSES]; `context` is summed tokens."""
    last = timing.dense_s.shape[0] - 1
    fill = _fill(timing, decoding, chunks)
    share = 1.0
    row = min(int(tokens * fill), last)
    if timing.verified > 1 and decoding > 0:
        alone = min(int(decoding * timing.verified * fill), last)
        row = min(int((tokens + decoding * (timing.verified - 1)) * fill), last)
        share = 1.0 / timing.accepted
        for c in range(CAUSES):
            decode = timing.dense_s[alone, c]
            causes[c] = decode * share + (timing.dense_s[row, c] - decode)
    else:
        for c in range(CAUSES):
            causes[c] = timing.dense_s[row, c]
    causes[MEMORY] += (timing.head_s[samples] + timing.decode_base_s[decoding]) * share
    if context > 0.0:
        causes[MEMORY] += context_slope(timing, decoding, chunks) * context
    causes[COMPUTE] += timing.prefill_area_s[row] * area * fill
    causes[OVERHEAD] += timing.sequence_s * samples * share
    if chunks > 0:
        causes[OVERHEAD] += timing.prompt_s


@inlined
def context_slope(timing: TimingTables, decoding: int, chunks: int) -> float:
    """Seconds of a step for each token of its summed context."""
    slope_s: float = timing.decode_context_s[decoding] * _fill(timing, decoding, chunks)
    if timing.verified > 1 and decoding > 0:
        slope_s /= timing.accepted
    return slope_s


@inlined
def _fill(timing: TimingTables, decoding: int, chunks: int) -> float:
    """Stages over micro-batches of a step, 1 for a full pipeline."""
    batches = decoding + chunks
    if batches >= timing.stages or batches == 0:
        return 1.0
    return timing.stages / batches


@inlined
def collective_bytes(timing: TimingTables, tokens: int, decoding: int, chunks: int) -> float:
    """Bytes that a step moves through the replica's coflow after its compute part."""
    last = timing.dense_s.shape[0] - 1
    fill = _fill(timing, decoding, chunks)
    if timing.verified <= 1 or decoding == 0:
        return float(timing.collective_bytes[min(int(tokens * fill), last)])
    alone = timing.collective_bytes[min(int(decoding * timing.verified * fill), last)]
    row = min(int((tokens + decoding * (timing.verified - 1)) * fill), last)
    moved: float = alone / timing.accepted + (timing.collective_bytes[row] - alone)
    return moved


@bare_kernel
def time_steps(timing: TimingTables, batches: F8, causes: F8) -> float:
    """Seconds of many steps; `batches` [steps, 6]: tokens, decoding, samples, context, chunks, area.

    `causes` [steps, CAUSES] gets their split. Returns the sum.
    """
    total = 0.0
    for i in range(batches.shape[0]):
        b = batches[i]
        step_causes(timing, int(b[0]), int(b[1]), int(b[2]), b[3], int(b[4]), b[5], causes[i])
        for c in range(CAUSES):
            total += causes[i, c]
    return total
