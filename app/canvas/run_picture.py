"""What the canvas shows of a run: values of chips by element, and of links as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]


class LinkNames:
    """Ids of links with their rows; all pictures of a run share one."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        self.ids = tuple(ids)
        self.rows = {name: row for row, name in enumerate(self.ids)}


NO_NAMES = LinkNames()


@dataclass(frozen=True, slots=True)
class LinkTraffic:
    """Use and traffic of drawn links; columns are a to b and b to a."""

    names: LinkNames = NO_NAMES
    use: F8 = field(default_factory=lambda: np.empty((0, 2)))  # [links, 2] share, 0 to 1
    bytes_per_s: F8 = field(default_factory=lambda: np.empty((0, 2)))  # [links, 2]

    def use_of(self, name: str) -> float:
        """The larger use of both ways, 0 where nothing is known."""
        row = self.names.rows.get(name)
        return 0.0 if row is None else float(self.use[row].max())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPicture:
    """Use of chips and links since the last frame, 0 to 1."""

    chip_utilisation: Mapping[str, F8]  # [chips] in the order of the cells
    scale_up_utilisation: Mapping[str, F8]  # [chips] of the chip's links into its domain
    links: LinkTraffic
    playing: bool
    any_down: bool = False  # some chips are out of service; their use is below 0
