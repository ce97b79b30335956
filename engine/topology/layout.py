"""Where things are: sizes, chip cells, port anchors and link paths in scene units.

The window and the exported picture draw from the same numbers. A cell is one chip; a rack shows
its trays as rows of chips and the switch trays of each domain between them.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.topology.elements import Element, Link

F8 = NDArray[np.float64]
Rectangle = tuple[float, float, float, float]  # x, y, width, height

GRID = 16.0
GAP = 16.0  # between members of an array

SIZES: dict[DeviceKind, tuple[float, float]] = {
    DeviceKind.CHIP: (112.0, 64.0),
    DeviceKind.HOST: (144.0, 64.0),
    DeviceKind.SWITCH: (208.0, 56.0),
    DeviceKind.NIC: (112.0, 48.0),
    DeviceKind.STORAGE: (144.0, 64.0),
    DeviceKind.CLIENT: (144.0, 64.0),
}

RACK_WIDTH = 272.0
RACK_TITLE = 40.0
RACK_MARGIN = 14.0
RACK_FOOT = 28.0  # uplink ports
TRAY_PITCH = 15.0
CELL_HEIGHT = 11.0
TRAYS_A_ROW = 2
SWITCH_ROW = 11.0
DOMAIN_GAP = 8.0
LANE = 12.0  # between paths that turn in the same gap


class RackRows(NamedTuple):
    """The inside of a rack as rectangles [n, 4]: x, y, width, height from its top left corner."""

    chips: F8
    trays: F8
    switches: F8
    uplinks: F8
    height: float


def rack_rows(spec: DeviceSpec) -> RackRows:
    """The rectangles of a rack's inside, chips in order of their number."""
    rack = spec.rack
    assert rack is not None
    per_row = rack.chips_per_tray * TRAYS_A_ROW
    tray_gap, cell_gap = 8.0, 2.0
    inner = RACK_WIDTH - 2 * RACK_MARGIN
    tray_width = (inner - tray_gap * (TRAYS_A_ROW - 1)) / TRAYS_A_ROW
    cell = (tray_width - cell_gap * (rack.chips_per_tray + 1)) / rack.chips_per_tray
    chips: list[Rectangle] = []
    trays: list[Rectangle] = []
    switches: list[Rectangle] = []
    y = RACK_TITLE
    for _ in range(rack.domains):
        rows = math.ceil(rack.chips_per_domain / per_row)
        half = math.ceil(rows / 2)
        left = rack.chips_per_domain
        for row in range(rows):
            if row == half:
                y = _switch_rows(
                    switches, rack.planes if rack.fabric == "switched" else 0, inner, y
                )
            for tray in range(TRAYS_A_ROW):
                filled = min(rack.chips_per_tray, left)
                if filled <= 0:
                    break
                x = RACK_MARGIN + tray * (tray_width + tray_gap)
                trays.append((x, y, tray_width, TRAY_PITCH - 2.0))
                chips += [
                    (x + cell_gap + slot * (cell + cell_gap), y + 1.0, cell, CELL_HEIGHT)
                    for slot in range(filled)
                ]
                left -= filled
            y += TRAY_PITCH
        if rows == 1:
            y = _switch_rows(switches, rack.planes if rack.fabric == "switched" else 0, inner, y)
        y += DOMAIN_GAP
    uplinks = _uplinks(inner, y + 6.0)
    return RackRows(
        np.array(chips).reshape(-1, 4),
        np.array(trays).reshape(-1, 4),
        np.array(switches).reshape(-1, 4),
        uplinks,
        float(math.ceil((y + RACK_FOOT) / GRID) * GRID),
    )


def _switch_rows(switches: list[Rectangle], planes: int, inner: float, y: float) -> float:
    """One row of switch trays, at most 10 a row; returns the y after it."""
    if not planes:
        return y
    y += 2.0
    for start in range(0, planes, 10):
        row = min(10, planes - start)
        width = (inner - 4.0 * (row - 1)) / row
        switches += [
            (RACK_MARGIN + i * (width + 4.0), y, width, SWITCH_ROW - 3.0) for i in range(row)
        ]
        y += SWITCH_ROW
    return y + 2.0


def _uplinks(inner: float, y: float) -> F8:
    ports, gap = 16, 4.0
    width = (inner - gap * (ports - 1)) / ports
    return np.array([(RACK_MARGIN + i * (width + gap), y, width, 8.0) for i in range(ports)])


def member_size(spec: DeviceSpec) -> tuple[float, float]:
    """Width and height of one member of an element."""
    if spec.rack is not None:
        return RACK_WIDTH, rack_rows(spec).height
    return SIZES[spec.kind]


def columns_of(element: Element) -> int:
    """Columns of an array: as drawn, or one row up to 8 members, then a near-square."""
    if element.columns > 0:
        return min(element.columns, element.count)
    if element.count <= 8:
        return element.count
    return math.ceil(math.sqrt(element.count))


def element_size(element: Element, spec: DeviceSpec) -> tuple[float, float]:
    """Width and height of an element with all its members."""
    width, height = member_size(spec)
    columns = columns_of(element)
    rows = math.ceil(element.count / columns)
    return columns * (width + GAP) - GAP, rows * (height + GAP) - GAP


def member_offsets(element: Element, spec: DeviceSpec) -> F8:
    """Top left corners of the members from the element's corner, [count, 2]."""
    width, height = member_size(spec)
    columns = columns_of(element)
    number = np.arange(element.count)
    return np.column_stack(
        [(number % columns) * (width + GAP), (number // columns) * (height + GAP)]
    ).astype(np.float64)


def chip_cells(element: Element, spec: DeviceSpec) -> F8:
    """Rectangles of all chips of an element in scene units, [chips, 4]; empty without chips."""
    if spec.rack is not None:
        inside = rack_rows(spec).chips
    elif spec.kind is DeviceKind.CHIP:
        width, height = SIZES[DeviceKind.CHIP]
        inside = np.array([(0.0, 0.0, width, height)])
    else:
        return np.empty((0, 4))
    offsets = member_offsets(element, spec) + np.array([element.x, element.y])
    cells = np.tile(inside, (element.count, 1))
    cells[:, :2] += np.repeat(offsets, len(inside), axis=0)
    return cells


def element_rect(element: Element, spec: DeviceSpec) -> tuple[float, float, float, float]:
    """x, y, width, height of an element in scene units."""
    width, height = element_size(element, spec)
    return element.x, element.y, width, height


class _End(NamedTuple):
    """One end of a link on a side of an element."""

    link: str
    element: str
    side: str  # top | bottom | left | right
    order: float  # where its other end lies along that side


def link_routes(
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
    gaps: dict[tuple[int, int], list[tuple[float, str]]] = {}
    for link in drawn:
        (x1, y1, side), (x2, y2, _) = (
            places[link.id, link.a.element],
            places[link.id, link.b.element],
        )
        if side in ("top", "bottom"):
            key = (round(min(y1, y2) / GRID), round(max(y1, y2) / GRID))
            gaps.setdefault(key, []).append((abs(x2 - x1), link.id))
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
        members.sort(key=lambda end: (end.order, end.link))
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
