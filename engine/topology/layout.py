"""Where things are: sizes, chip cells, port anchors and link paths in scene units.

The window and the exported picture draw from the same numbers. A cell is one chip; a rack shows
its trays as rows of chips and the switch trays of each domain between them.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.topology.elements import Element

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
