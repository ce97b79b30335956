"""From a frame's rows to what the canvas draws: arrays by element and link id."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.canvas.run_picture import LinkNames, LinkTraffic, RunPicture
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.link_loads import LinkMap, LinkUse
from engine.sim.lower import Lowered
from engine.sim.results import Frame
from engine.sim.tables import FabricTables

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
        self._fabric, self._link_ids = fabric, lowered.link_ids
        self._up = _scale_up_links(lowered)[self._chips]
        self._links: _DrawnLinks | None = None
        self._map: LinkMap | None = None
        self._means: dict[str, F8] = {}

    def picture(self, frame: Frame, *, playing: bool) -> RunPicture:
        """What the canvas draws of a frame.

        A frame covers some hundredths of a second, in which a chip is busy or not: values are
        smoothed over about a second, so that colours show load and do not flicker.
        """
        use = frame.link_use
        if self._links is None or use.links is not self._map:
            self._map = use.links  # a fault has given links other ways
            self._means = {}
            self._links = _drawn_links(self._fabric, self._link_ids, use.links)
        links = self._links
        raw = frame.chip_utilisation[self._chips]
        chips = self._smoothed("chips", np.where(raw < 0, 0.0, raw))
        chips = np.where(raw < 0, -1.0, chips)  # down
        up = self._smoothed("up", np.where(self._up >= 0, use.utilisation(self._up), 0.0))
        busy = self._smoothed("busy", links.utilisation(use))
        rates = self._smoothed("rates", links.bytes_per_s(use))
        return RunPicture(
            chip_utilisation=self._by_element(chips),
            scale_up_utilisation=self._by_element(up),
            links=LinkTraffic(links.names, busy.reshape(-1, 2), rates.reshape(-1, 2)),
            playing=playing,
            any_down=bool((raw < 0).any()),
        )

    def _smoothed(self, name: str, values: F8) -> F8:
        """The running mean of a row of values; the first values stand as they are."""
        before = self._means.get(name, values)
        self._means[name] = mean = before + SMOOTHING * (values - before)
        return mean

    def _by_element(self, values: F8) -> dict[str, F8]:
        """A row of chips cut into elements."""
        ends = [*self._first_chip[1:].tolist(), len(values)][: len(self._elements)]
        rows = zip(self._elements, self._first_chip.tolist(), ends, strict=True)
        return {name: values[first:end] for name, first, end in rows}


class _DrawnLinks(NamedTuple):
    """Links of the drawing, each way, from the sums that a run keeps.

    A link between two arrays stands for thousands of cables that mostly share a sum: each sum is
    read once a link and way.
    """

    names: LinkNames
    first: I8  # [ways] where the sums of a way begin: 2 i from a to b of link i, 2 i + 1 back
    sums: I8  # [entries] number of a sum
    busy_share: F8  # [entries]
    bytes_share: F8  # [entries] of all cables with that sum

    def utilisation(self, use: LinkUse) -> F8:
        """[ways] share of capacity of the busiest cable."""
        if not self.names.ids:
            return np.zeros(0)
        busy = use.per_second.busy_s[self.sums] * self.busy_share
        return np.clip(np.maximum.reduceat(busy, self.first), 0.0, 1.0)

    def bytes_per_s(self, use: LinkUse) -> F8:
        """[ways] of all cables."""
        if not self.names.ids:
            return np.zeros(0)
        moved = use.per_second.moved_bytes[self.sums] * self.bytes_share
        return np.maximum(np.add.reduceat(moved, self.first), 0.0)


def _drawn_links(fabric: FabricTables, link_ids: tuple[str, ...], links: LinkMap) -> _DrawnLinks:
    """Cables with equal sums of each drawn link and way, as one entry."""
    rows = np.flatnonzero(fabric.link_drawn >= 0)
    way = 2 * fabric.link_drawn[rows].astype(np.int64) + rows % 2  # odd rows run back
    order = np.lexsort((links.busy_share[rows], links.sum[rows], way))
    rows, way = rows[order], way[order]
    keys = (way, links.sum[rows], links.busy_share[rows])
    new = np.zeros(len(rows), np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    start = np.flatnonzero(new)
    shares = np.add.reduceat(links.bytes_share[rows], start) if len(rows) else np.zeros(0)
    first = np.flatnonzero(np.diff(way[start], prepend=-1))
    names = LinkNames([link_ids[n] for n in (way[start][first[::2]] // 2).tolist()])
    return _DrawnLinks(
        names,
        first,
        links.sum[rows][start].astype(np.int64),
        links.busy_share[rows][start],
        shares,
    )


def _scale_up_links(lowered: Lowered) -> I8:
    """For each node the first of its scale-up links, -1 for none."""
    fabric = lowered.fabric
    first = np.full(len(fabric.node_kind), -1, np.int64)
    rows = np.flatnonzero(fabric.link_class == LinkClass.SCALE_UP)[::-1]
    first[fabric.link_source[rows]] = rows
    return first
