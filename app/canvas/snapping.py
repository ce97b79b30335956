"""Where a moved box comes to rest: the grid, or an edge or the middle of another box near by."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.canvas.camera import Box, Point
from engine.topology.layout import GRID

F8 = NDArray[np.float64]

GUIDE_PX = 5.0
_PARTS = np.array([0.0, 0.5, 1.0])  # edges and middle of a box, as shares of its size


class Snapped(NamedTuple):
    """The corner, and the lines that say why it is there (scene units)."""

    corner: Point
    guides: list[tuple[Point, Point]]


def snapped(box: Box, others: F8, scale: float) -> Snapped:
    """The resting place of a box.

    Args:
        box: x, y, width, height where the pointer has it.
        others: [boxes, 4] what it may line up with.
        scale: pixels of a scene unit; guides reach some pixels.
    """
    guides: list[tuple[Point, Point]] = []
    corner = []
    for axis in (0, 1):
        place = round(box[axis] / GRID) * GRID
        near = _nearest(box, others, axis, GUIDE_PX / scale)
        if near is not None:
            shift, line, row = near
            place = box[axis] + shift
            guides.append(_guide(box, others[row], axis, line))
        corner.append(place)
    return Snapped((corner[0], corner[1]), guides)


def _nearest(box: Box, others: F8, axis: int, reach: float) -> tuple[float, float, int] | None:
    """(shift, line, row) of the line of another box that one of the box's own is nearest to."""
    if not len(others):
        return None
    own = box[axis] + _PARTS * box[axis + 2]
    lines = others[:, axis, None] + _PARTS * others[:, axis + 2, None]
    gaps = lines[:, :, None] - own  # [boxes, lines, own lines]
    flat = int(np.argmin(np.abs(gaps)))
    row, line, mine = np.unravel_index(flat, gaps.shape)
    gap = float(gaps[row, line, mine])
    return (gap, float(lines[row, line]), int(row)) if abs(gap) <= reach else None


def _guide(box: Box, other: F8, axis: int, line: float) -> tuple[Point, Point]:
    """The line over the extent of both boxes."""
    across = 1 - axis
    low = min(box[across], float(other[across]))
    high = max(box[across] + box[across + 2], float(other[across] + other[across + 2]))
    return ((line, low), (line, high)) if axis == 0 else ((low, line), (high, line))
