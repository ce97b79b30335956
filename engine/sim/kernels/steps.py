"""How long a step takes: the compiled closed form of `engine.cost.timing`, by cause."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.compiling import inner, kernel
from engine.sim.kernels.heap import heap_set
from engine.sim.kernels.world import COMPUTE, COMPUTING, MEMORY, OVERHEAD, World
from engine.sim.state import LOGGED, State
from engine.sim.tables import TimingTables

F8 = NDArray[np.float64]


@inner
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
    """Writes the seconds of a step by cause into `causes` [CAUSES]."""
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
    attention = timing.decode_base_s[decoding] + timing.decode_context_s[decoding] * context * fill
    causes[MEMORY] += (timing.head_s[samples] + attention) * share
    causes[COMPUTE] += timing.prefill_area_s[row] * area * fill
    causes[OVERHEAD] += timing.sequence_s * samples * share
    if chunks > 0:
        causes[OVERHEAD] += timing.prompt_s


@inner
def _fill(timing: TimingTables, decoding: int, chunks: int) -> float:
    """Stages over micro-batches of a step, 1 for a full pipeline."""
    batches = decoding + chunks
    if batches >= timing.stages or batches == 0:
        return 1.0
    return timing.stages / batches


@inner
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


@inner
def begin_step(
    w: World, s: State, r: int, tokens: int, samples: int, chunks: int, area: float, now: float
) -> None:
    """Begins a step of a replica: its compute part ends at a time that is known now."""
    rep = s.rep
    step_causes(
        w.timing, tokens, rep[r].decoding, samples, float(rep[r].context), chunks, area,
        s.step_cause[r],
    )  # fmt: skip
    total = 0.0
    for c in range(CAUSES):
        total += s.step_cause[r, c]
    rep[r].mode = COMPUTING
    rep[r].tokens = tokens
    rep[r].samples = samples
    rep[r].moved = collective_bytes(w.timing, tokens, rep[r].decoding, chunks)
    rep[r].started_s = now
    rep[r].computed_s = now + total
    # what rounding of the clock adds or takes goes to the overhead, so that causes sum exactly
    s.step_cause[r, OVERHEAD] += (rep[r].computed_s - now) - total
    heap_set(s.rep_heap, r, rep[r].computed_s)
    row = s.whole[LOGGED]
    if row < s.log.shape[0]:
        s.whole[LOGGED] += 1
        s.log[row, 0] = r
        s.log[row, 1] = now
        s.log[row, 2] = tokens
        s.log[row, 3] = samples
        s.log[row, 4] = rep[r].decoding
        s.log[row, 5] = rep[r].context
        s.log[row, 6] = chunks
        s.log[row, 7] = area


@kernel
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
