"""From a frame's rows to what the canvas draws: arrays by element and link id."""

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
        chips = np.flatnonzero(fabric.node_kind == NodeKind.CHIP)
        owner = fabric.node_element[chips]
        self._chips = chips[np.lexsort((fabric.node_member[chips], owner))]
        owner = fabric.node_element[self._chips]
        self._first_chip = np.flatnonzero(np.diff(owner, prepend=-1))
        self._elements = [lowered.element_ids[at] for at in owner[self._first_chip].tolist()]
        drawn = np.flatnonzero(fabric.link_drawn >= 0)
        up = _scale_up_links(lowered)[self._chips]
        # of the links in a rack only one a chip is drawn; only what is drawn is worked out
        self._shown = np.union1d(drawn, up[up >= 0])
        self._up = np.where(up >= 0, np.searchsorted(self._shown, up), -1)
        order = drawn[np.argsort(fabric.link_drawn[drawn], kind="stable")]
        # links come in pairs: even rows run from a to b, odd ones back
        self._ways = [np.searchsorted(self._shown, order[order % 2 == way]) for way in (0, 1)]
        number = fabric.link_drawn[order[order % 2 == 0]]
        self._first_row = np.flatnonzero(np.diff(number, prepend=-1))
        self._links = [lowered.link_ids[at] for at in number[self._first_row].tolist()]
        self._means: dict[str, F8] = {}

    def picture(self, frame: Frame, *, playing: bool) -> RunPicture:
        """What the canvas draws of a frame; link pairs are (a to b, b to a).

        A frame covers some hundredths of a second, in which a chip is busy or not: values are
        smoothed over about a second, so that colours show load and do not flicker.
        """
        chips = self._smoothed("chips", frame.chip_utilisation[self._chips])
        links = self._smoothed("links", frame.link_use.utilisation(self._shown))
        rates = self._smoothed("rates", frame.link_use.bytes_per_s(self._shown))
        up = np.where(self._up >= 0, links[self._up], 0.0) if len(links) else np.zeros(len(chips))
        return RunPicture(
            chip_utilisation=self._by_element(chips),
            scale_up_utilisation=self._by_element(up),
            link_utilisation=self._by_link(links, np.maximum),
            link_bytes_per_s=self._by_link(rates, np.add),
            playing=playing,
        )

    def _smoothed(self, name: str, values: F8) -> F8:
        """The running mean of a row of values; the first values stand as they are."""
        before = self._means.get(name, values)
        self._means[name] = mean = before + SMOOTHING * (values - before)
        return mean

    def _by_element(self, values: F8) -> dict[str, F8]:
        """A row of chips cut into elements."""
        parts = np.split(values, self._first_chip[1:]) if len(values) else []
        return dict(zip(self._elements, parts, strict=True))

    def _by_link(self, values: F8, reduce: np.ufunc) -> dict[str, tuple[float, float]]:
        """Forward and backward value of every drawn link."""
        if not self._links:
            return {}
        ahead, back = (
            reduce.reduceat(values[way], self._first_row).tolist() for way in self._ways
        )
        return dict(zip(self._links, zip(ahead, back, strict=True), strict=True))


def _scale_up_links(lowered: Lowered) -> I8:
    """For each node the first of its scale-up links, -1 for none."""
    fabric = lowered.fabric
    first = np.full(len(fabric.node_kind), -1, np.int64)
    rows = np.flatnonzero(fabric.link_class == LinkClass.SCALE_UP)[::-1]
    first[fabric.link_source[rows]] = rows
    return first
