"""The slow twin of `engine.topology.link_paths`: one link at a time, with lists and dictionaries."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.topology.elements import Element, Link
from engine.topology.layout import GRID, LANE, Rectangle, element_rect

F8 = NDArray[np.float64]

STEPS = 16.0  # of a scene unit: nearer ends go by the order of the drawing


class _End(NamedTuple):
    """One end of a link on a side of an element."""

    link: str
    element: str
    side: str  # top | bottom | left | right
    order: float  # where its other end lies along that side


def slow_link_routes(
    elements: Iterable[Element], links: Iterable[Link], specs: Mapping[str, DeviceSpec]
) -> dict[str, F8]:
    """Orthogonal paths of links, each [4, 2] in scene units.

    Links leave at the side that faces their other end and fan out along it in the order of
    those ends, so that they cross as little as the drawing allows; paths that turn in the same
    gap between two rows take lanes of their own.

    Args:
        elements: all elements at an end of one of the links.
        links: the links.
        specs: device of each element id.
    """
    rects = {element.id: element_rect(element, specs[element.id]) for element in elements}
    drawn = list(links)
    places = _places(rects, [end for link in drawn for end in _ends(link, rects)])
    paths: dict[str, F8] = {}
    gaps: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for link in drawn:
        (x1, y1, side), (x2, y2, _) = (
            places[link.id, link.a.element],
            places[link.id, link.b.element],
        )
        if side in ("top", "bottom"):
            key = (round(min(y1, y2) / GRID), round(max(y1, y2) / GRID))
            gaps.setdefault(key, []).append((round(abs(x2 - x1) * STEPS), link.id))
            middle = (y1 + y2) / 2
            paths[link.id] = np.array([(x1, y1), (x1, middle), (x2, middle), (x2, y2)])
        else:
            middle = (x1 + x2) / 2
            paths[link.id] = np.array([(x1, y1), (middle, y1), (middle, y2), (x2, y2)])
    for (low, high), members in gaps.items():
        step = min(LANE, (high - low) * GRID * 0.6 / len(members))
        for lane, (_, link_id) in enumerate(sorted(members)):
            paths[link_id][1:3, 1] += (lane - (len(members) - 1) / 2) * step
    return paths


def _ends(link: Link, rects: Mapping[str, Rectangle]) -> tuple[_End, _End]:
    a, b = rects[link.a.element], rects[link.b.element]
    upright = a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
    centre_a, centre_b = _centre(a), _centre(b)
    if upright:
        sides = ("bottom", "top") if centre_a[1] < centre_b[1] else ("top", "bottom")
        orders = centre_b[0], centre_a[0]
    else:
        sides = ("right", "left") if centre_a[0] < centre_b[0] else ("left", "right")
        orders = centre_b[1], centre_a[1]
    return (
        _End(link.id, link.a.element, sides[0], orders[0]),
        _End(link.id, link.b.element, sides[1], orders[1]),
    )


def _centre(rect: Rectangle) -> tuple[float, float]:
    return rect[0] + rect[2] / 2, rect[1] + rect[3] / 2


def _places(
    rects: Mapping[str, Rectangle], ends: list[_End]
) -> dict[tuple[str, str], tuple[float, float, str]]:
    """Where each end lies: the ends of a side stand evenly along it."""
    sides: dict[tuple[str, str], list[_End]] = {}
    for end in ends:
        sides.setdefault((end.element, end.side), []).append(end)
    places = {}
    for (element, side), members in sides.items():
        x, y, width, height = rects[element]
        members.sort(key=lambda end: (round(end.order * STEPS), end.link))
        for number, end in enumerate(members, 1):
            share = number / (len(members) + 1)
            across, down = x + width * share, y + height * share
            places[end.link, element] = {
                "top": (across, y, side),
                "bottom": (across, y + height, side),
                "left": (x, down, side),
                "right": (x + width, down, side),
            }[side]
    return places
