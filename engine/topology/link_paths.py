"""Orthogonal paths of links over many elements at once, as arrays.

Links leave at the side that faces their other end and fan out along it in the order of those ends, so
that they cross as little as the drawing allows; paths that turn in the same gap between two rows take
lanes of their own. Ties go by the order of the drawing.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.topology.elements import Element, Link
from engine.topology.layout import GRID, LANE, element_rect

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

TOP, BOTTOM, LEFT, RIGHT = range(4)
STEPS = 16.0  # of a scene unit: ends that are nearer to each other go by the order of the drawing


def link_routes(
    elements: Sequence[Element], links: Sequence[Link], specs: Mapping[str, DeviceSpec]
) -> dict[str, F8]:
    """The path of every link by its id, [4, 2] each, in scene units.

    Args:
        elements: all elements at an end of one of the links.
        links: the links.
        specs: device of each element id.
    """
    boxes = np.array([element_rect(e, specs[e.id]) for e in elements], np.float64).reshape(-1, 4)
    rows = {element.id: row for row, element in enumerate(elements)}
    ends = [(rows[link.a.element], rows[link.b.element]) for link in links]
    table = np.array(ends, np.int64).reshape(-1, 2)
    paths = link_paths(boxes, table[:, 0], table[:, 1])
    return {link.id: path for link, path in zip(links, paths, strict=True)}


def link_paths(boxes: F8, first: I8, second: I8) -> F8:
    """The path of every link.

    Args:
        boxes: [elements, 4] x, y, width, height.
        first: [links] element at one end.
        second: [links] element at the other end.

    Returns:
        [links, 4, 2] corner points from the first element to the second.
    """
    links = len(first)
    if not links:
        return np.empty((0, 4, 2))
    a, b = boxes[first], boxes[second]
    centre_a, centre_b = a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    upright = (a[:, 1] + a[:, 3] <= b[:, 1]) | (b[:, 1] + b[:, 3] <= a[:, 1])
    down = centre_a[:, 1] < centre_b[:, 1]
    right = centre_a[:, 0] < centre_b[:, 0]
    side_a = np.where(upright, np.where(down, BOTTOM, TOP), np.where(right, RIGHT, LEFT))
    side_b = np.where(upright, np.where(down, TOP, BOTTOM), np.where(right, LEFT, RIGHT))
    order_a = np.where(upright, centre_b[:, 0], centre_b[:, 1])
    order_b = np.where(upright, centre_a[:, 0], centre_a[:, 1])
    element = np.concatenate([first, second])
    side = np.concatenate([side_a, side_b])
    places = _places(boxes[element], element, side, np.concatenate([order_a, order_b]))
    start, end = places[:links], places[links:]
    paths = np.empty((links, 4, 2))
    paths[:, 0], paths[:, 3] = start, end
    middle = (start + end) / 2
    middle[:, 1] += _lanes(start, end, upright)
    for corner, edge in ((1, start), (2, end)):
        paths[:, corner, 0] = np.where(upright, edge[:, 0], middle[:, 0])
        paths[:, corner, 1] = np.where(upright, middle[:, 1], edge[:, 1])
    return paths


def _pair(x: F8, y: F8) -> F8:
    return np.stack([x, y], axis=1)


def _places(rects: F8, element: I8, side: I8, order: F8) -> F8:
    """[ends, 2] where each end lies: the ends of a side stand evenly along it."""
    share = _shares(element * 4 + side, order)
    x, y, width, height = rects.T
    across, along = x + width * share, y + height * share
    level = side <= BOTTOM
    return _pair(
        np.where(level, across, np.where(side == LEFT, x, x + width)),
        np.where(level, np.where(side == TOP, y, y + height), along),
    )


def _shares(group: I8, order: F8) -> F8:
    """Place of each end among those of its group in ascending order, as a share of n + 1.

    The rows are the first ends of all links, then the second ones.
    """
    rank = np.arange(len(group)) % (len(group) // 2)
    number, size = _numbered(group, order, rank)
    return (number + 1.0) / (size + 1.0)


def _numbered(group: I8, order: F8, rank: I8) -> tuple[I8, I8]:
    """[rows] number of each within its group by order, then rank; and the size of its group."""
    sorting = np.argsort(_one_key(group, order, rank), kind="stable")
    ordered = group[sorting]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(begins, len(group)))
    number, size = np.empty(len(group), np.int64), np.empty(len(group), np.int64)
    number[sorting] = np.arange(len(group)) - np.repeat(begins, sizes)
    size[sorting] = np.repeat(sizes, sizes)
    return number, size


def _one_key(group: I8, order: F8, rank: I8) -> I8:
    """One whole number that sorts as (group, order in 1/16, rank): far quicker than three.

    Where 63 bits do not hold them, the place of each row in the slow sort.
    """
    steps = np.rint(order * STEPS).astype(np.int64)
    steps -= steps.min()
    spans = [int(values.max()) + 1 for values in (group, steps, rank)]
    if spans[0] * spans[1] * spans[2] < 2**63:
        return (group * spans[1] + steps) * spans[2] + rank
    key = np.empty(len(group), np.int64)
    key[np.lexsort((rank, steps, group))] = np.arange(len(group))
    return key


def _lanes(start: F8, end: F8, upright: B1) -> F8:
    """[links] how far the middle part of an upright path is shifted down, 0 for the others."""
    shift = np.zeros(len(start))
    rows = np.flatnonzero(upright)
    if not len(rows):
        return shift
    ends = start[rows, 1], end[rows, 1]
    low = np.rint(np.minimum(*ends) / GRID).astype(np.int64)
    high = np.rint(np.maximum(*ends) / GRID).astype(np.int64)
    lane, size = _numbered(_key(low, high), np.abs(end[rows, 0] - start[rows, 0]), rows)
    step = np.minimum(LANE, (high - low) * GRID * 0.6 / size)
    shift[rows] = (lane - (size - 1) / 2) * step
    return shift


def _key(low: I8, high: I8) -> I8:
    """One number for a pair of grid rows."""
    base = int(low.min())
    return (low - base) * (int(high.max()) - base + 1) + (high - base)
