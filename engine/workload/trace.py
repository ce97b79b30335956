"""RequestTrace: requests with times and lengths, as arrays; what every importer gives."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class RequestTrace(NamedTuple):
    """Requests sorted by arrival; arrivals start at 0 s.

    Prefix blocks of request i are `blocks[block_start[i]:block_start[i + 1]]`: dense ids from 0,
    equal ids mean equal content; a trace without hashes has none.
    """

    arrival_s: NDArray[np.float64]  # [requests]
    input_tokens: NDArray[np.int32]  # [requests] >= 1
    output_tokens: NDArray[np.int32]  # [requests] >= 1
    block_start: NDArray[np.int64]  # [requests + 1]
    blocks: NDArray[np.int32]  # [entries]
    block_tokens: int  # tokens of one block, 0 without hashes
    name: str
    skipped_rows: int  # rows without output (failed or cancelled), left out
