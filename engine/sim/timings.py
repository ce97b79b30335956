"""Step times of several pools as one table."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.cost.timing import CompiledTiming
from engine.sim.tables import TimingTables

F8 = NDArray[np.float64]


def stack_timings(pools: Sequence[CompiledTiming]) -> TimingTables:
    """One row a pool; shorter rows go on with their last value, which nobody reads."""

    def rows(name: str) -> F8:
        arrays = [np.asarray(getattr(pool, name), np.float64) for pool in pools]
        longest = max(len(array) for array in arrays)
        padded = [
            np.concatenate([array, np.repeat(array[-1:], longest - len(array), axis=0)])
            for array in arrays
        ]
        return np.stack(padded)

    def numbers(name: str) -> F8:
        return np.array([getattr(pool, name) for pool in pools], np.float64)

    return TimingTables(
        dense_s=rows("dense_s"),
        head_s=rows("head_s"),
        decode_base_s=rows("decode_base_s"),
        decode_context_s=rows("decode_context_s"),
        prefill_area_s=rows("prefill_area_s"),
        prompt_s=numbers("prompt_s"),
        sequence_s=numbers("sequence_s"),
        collective_bytes=rows("collective_bytes"),
        verified=numbers("verified").astype(np.int64),
        accepted=numbers("accepted"),
        stages=numbers("stages").astype(np.int64),
        last_row=np.array([len(pool.dense_s) - 1 for pool in pools], np.int64),
    )
