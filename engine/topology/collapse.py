"""Collapsed groups: one box in place of its devices, with a cell for each of their chips."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.topology.changes import PutGroups
from engine.topology.elements import Element, Group

F8 = NDArray[np.float64]

WIDTH, HEIGHT = 240.0, 140.0
HEAD, PADDING = 48.0, 10.0  # height of the texts, and what is left free around the cells
GAP = 0.15  # of a cell's pitch
LARGEST = 16.0  # pitch of a cell


class Owners(NamedTuple):
    """Which elements are out of sight, and the one of each collapsed group that stands for all."""

    hidden: NDArray[np.bool_]  # [elements]
    leader: NDArray[np.int64]  # [elements] itself, or the first one of its collapsed group


def owners(elements: Sequence[Element], groups: Sequence[Group]) -> Owners:
    """Who stands for whom while groups are collapsed."""
    closed = {group.id for group in groups if group.collapsed}
    leader = np.arange(len(elements))
    hidden = np.zeros(len(elements), np.bool_)
    first: dict[str, int] = {}
    for row, element in enumerate(elements) if closed else ():
        if element.group in closed:
            leader[row] = first.setdefault(element.group, row)
            hidden[row] = True
    return Owners(hidden, leader)


def cell_grid(count: int) -> F8:
    """[count, 4] cells of chips in rows, from the corner of a collapsed group's box."""
    if not count:
        return np.empty((0, 4))
    width, height = WIDTH - 2 * PADDING, HEIGHT - HEAD - PADDING
    pitch = min(LARGEST, math.sqrt(width * height / count))
    while (columns := int(width / pitch)) * int(height / pitch) < count:
        pitch *= 0.98
    number = np.arange(count)
    size = np.full(count, pitch * (1 - GAP))
    x, y = PADDING + pitch * (number % columns), HEAD + pitch * (number // columns)
    return np.column_stack([x, y, size, size])


def toggled(groups: Mapping[str, Group], ids: frozenset[str]) -> PutGroups | None:
    """The change that collapses some groups, or expands them where all are collapsed already."""
    chosen = [group for group in groups.values() if group.id in ids]
    if not chosen:
        return None
    closed = not all(group.collapsed for group in chosen)
    return PutGroups(
        tuple(
            msgspec.structs.replace(group, collapsed=closed)
            for group in chosen
            if group.collapsed != closed
        )
    )
