"""What the canvas shows of a run: values by element and link id."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPicture:
    """Use of chips and links since the last frame, 0 to 1; link pairs are (a to b, b to a)."""

    chip_utilisation: Mapping[str, F8]  # [chips] in the order of the cells
    scale_up_utilisation: Mapping[str, F8]  # [chips] of the chip's links into its domain
    link_utilisation: Mapping[str, tuple[float, float]]
    link_bytes_per_s: Mapping[str, tuple[float, float]]
    playing: bool
    any_down: bool = False  # some chips are out of service; their use is below 0
