"""From a frame's rows to what the canvas draws: arrays by element and link id."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from app.canvas.run_picture import RunPicture
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.lower import Lowered
from engine.sim.results import Frame

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

SMOOTHING = 0.06  # weight of a new frame: 30 frames a second, about half a second


class PictureMaker:
    """Knows which rows of a run belong to which element and link of the drawing."""

    def __init__(self, lowered: Lowered) -> None:
        fabric = lowered.fabric
        self._chips: dict[str, I8] = {}
        chips = np.flatnonzero(fabric.node_kind == NodeKind.CHIP)
        owner = fabric.node_element[chips]
        for index in np.unique(owner).tolist():
            rows = chips[owner == index]
            order = np.argsort(fabric.node_member[rows], kind="stable")
            self._chips[lowered.element_ids[index]] = rows[order]
        self._up = _scale_up_links(lowered)
        self._means: dict[str, F8] = {}
        self._links: dict[str, I8] = {}
        drawn = np.flatnonzero(fabric.link_drawn >= 0)
        order = drawn[np.argsort(fabric.link_drawn[drawn], kind="stable")]
        numbers = fabric.link_drawn[order]
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for rows in np.split(order, starts[1:]) if len(order) else ():
            self._links[lowered.link_ids[int(fabric.link_drawn[rows[0]])]] = rows

    def picture(self, frame: Frame, *, playing: bool) -> RunPicture:
        """What the canvas draws of a frame; link pairs are (a to b, b to a).

        A frame covers some hundredths of a second, in which a chip is busy or not: values are
        smoothed over about a second, so that colours show load and do not flicker.
        """
        chips = self._smoothed("chips", frame.chip_utilisation)
        links = self._smoothed("links", frame.link_utilisation)
        rates = self._smoothed("rates", frame.link_bytes_per_s)
        return RunPicture(
            chip_utilisation={name: chips[rows] for name, rows in self._chips.items()},
            scale_up_utilisation={
                name: _of_chips(links, self._up[rows]) for name, rows in self._chips.items()
            },
            link_utilisation={
                name: _directions(links, rows, np.max) for name, rows in self._links.items()
            },
            link_bytes_per_s={
                name: _directions(rates, rows, np.sum) for name, rows in self._links.items()
            },
            playing=playing,
        )

    def _smoothed(self, name: str, values: F8) -> F8:
        """The running mean of a row of values; the first values stand as they are."""
        before = self._means.get(name, values)
        self._means[name] = mean = before + SMOOTHING * (values - before)
        return mean


def _scale_up_links(lowered: Lowered) -> I8:
    """For each node the first of its scale-up links, -1 for none."""
    fabric = lowered.fabric
    first = np.full(len(fabric.node_kind), -1, np.int64)
    rows = np.flatnonzero(fabric.link_class == LinkClass.SCALE_UP)[::-1]
    first[fabric.link_source[rows]] = rows
    return first


def _of_chips(link_utilisation: F8, links: I8) -> F8:
    return np.where(links >= 0, link_utilisation[links], 0.0)


def _directions(values: F8, rows: I8, reduce: Callable[[F8], np.float64]) -> tuple[float, float]:
    """Forward and backward value of a drawn link: even rows run from a to b, odd ones back."""
    ahead = rows % 2 == 0
    return float(reduce(values[rows[ahead]])), float(reduce(values[rows[~ahead]]))
