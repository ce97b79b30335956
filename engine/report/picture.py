"""The drawing as a list of shapes: what the SVG and PNG exports paint, without Qt.

Places come from `engine.topology.layout`, as on the canvas. `Heat` colours chips and links by
their use in a run; without it the picture shows what is drawn.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Status
from engine.scenario.design import Design, Note
from engine.scenario.notes import LINE, PADDING, box_of, lines_of
from engine.topology.collapse import HEIGHT, WIDTH, cell_grid, owners
from engine.topology.elements import Element, Group, Link
from engine.topology.layout import (
    chip_cells,
    element_rect,
    member_offsets,
    member_size,
    rack_rows,
)
from engine.topology.link_paths import link_paths, link_routes
from engine.units import format_quantity

MARGIN = 48.0
INK, MUTED, PAPER, PANEL, EDGE = "#1d2733", "#5b6776", "#ffffff", "#f4f6f9", "#8b97a6"
CELL, TRAY, SWITCH_BAR, PORT = "#cfd8e3", "#e6ebf1", "#9fb3c8", "#b9c4d1"
MAX_CELLS = 60_000  # beyond, racks of a very large hall are drawn closed

KIND_COLOUR: dict[DeviceKind, str] = {
    DeviceKind.CHIP: "#2f6fb0",
    DeviceKind.HOST: "#5a7d3a",
    DeviceKind.SWITCH: "#7a5aa6",
    DeviceKind.NIC: "#94703a",
    DeviceKind.STORAGE: "#3a7f84",
    DeviceKind.CLIENT: "#6b6f76",
    DeviceKind.RACK: "#2f4d73",
}

_RAMP = ((0.0, (207, 216, 227)), (0.35, (94, 160, 214)), (0.7, (240, 190, 70)),
         (1.0, (214, 69, 44)))  # fmt: skip


class Rect(NamedTuple):
    """A rectangle; an empty colour paints nothing."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    stroke_width: float = 1.0
    radius: float = 0.0


class Line(NamedTuple):
    """An open polyline."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float


class Text(NamedTuple):
    """A line of text; `anchor` is start, middle or end; y is its baseline."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    anchor: str = "start"
    bold: bool = False


class Picture(NamedTuple):
    """Shapes in painting order on a page of scene units."""

    x: float
    y: float
    width: float
    height: float
    shapes: tuple[Rect | Line | Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Use of a run, 0 to 1: per element one value a chip (or one for all), per link one value."""

    chips: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    links: Mapping[str, float] = field(default_factory=dict)
    caption: str = ""


def heat_colour(share: float) -> str:
    """The colour of a use from 0 (idle) to 1 (full)."""
    share = min(max(share, 0.0), 1.0)
    for (low, a), (high, b) in itertools.pairwise(_RAMP):
        if share <= high:
            part = (share - low) / (high - low)
            red, green, blue = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
            return f"#{red:02x}{green:02x}{blue:02x}"
    return "#d6452c"


def design_picture(design: Design, catalog: Catalog, heat: Heat | None) -> Picture:
    """The shapes of a design.

    Raises:
        CatalogError: an element's spec is not in the catalogue.
    """
    specs = {element.id: catalog.device(element.spec) for element in design.elements}
    cells = sum(len(chip_cells(e, specs[e.id])) for e in design.elements[:200])
    open_racks = cells <= MAX_CELLS
    shapes: list[Rect | Line | Text] = []
    for group in design.groups:
        shapes += _group(design, group, specs, heat)
    hidden, _ = owners(design.elements, design.groups)
    routes = _routes(design, specs)
    for link in design.links:
        if link.id not in routes:
            continue
        points = tuple((float(x), float(y)) for x, y in routes[link.id])
        shapes += _link(link, points, heat)
    for element, gone in zip(design.elements, hidden.tolist(), strict=True):
        if not gone:
            shapes += _element(element, specs[element.id], heat, open_racks=open_racks)
    for note in design.notes:
        shapes += _note(note)
    x, y, width, height = _bounds(shapes)
    title = Text(x + MARGIN, y + MARGIN * 0.7, design.name, 18.0, INK, bold=True)
    shapes.append(title)
    if heat is not None and heat.caption:
        shapes.append(Text(x + MARGIN, y + height - MARGIN * 0.4, heat.caption, 11.0, MUTED))
    return Picture(x, y, width, height, tuple(shapes))


def _bounds(shapes: list[Rect | Line | Text]) -> tuple[float, float, float, float]:
    xs, ys = [0.0, 320.0], [0.0, 200.0]
    boxes = [s for s in shapes if isinstance(s, Rect)]
    if boxes:
        xs = [min(b.x for b in boxes), max(b.x + b.width for b in boxes)]
        ys = [min(b.y for b in boxes), max(b.y + b.height for b in boxes)]
    left, top = min(xs) - MARGIN, min(ys) - 1.6 * MARGIN
    return left, top, max(xs) - left + MARGIN, max(ys) - top + MARGIN


def _routes(design: Design, specs: Mapping[str, DeviceSpec]) -> dict[str, NDArray[np.float64]]:
    """Paths of the links that are to be seen, to the boxes of collapsed groups where they end."""
    elements = design.elements
    hidden, leader = owners(elements, design.groups)
    if not hidden.any():
        return link_routes(elements, design.links, specs)
    boxes = np.array([element_rect(e, specs[e.id]) for e in elements], np.float64)
    for first in np.unique(leader[hidden]).tolist():
        rows = np.flatnonzero(leader == first)
        boxes[first] = (*boxes[rows, :2].min(axis=0), WIDTH, HEIGHT)
    row_of = {element.id: row for row, element in enumerate(elements)}
    ends = np.array(
        [(row_of[link.a.element], row_of[link.b.element]) for link in design.links], np.int64
    ).reshape(-1, 2)
    ends = leader[ends]
    seen = ~(hidden[ends[:, 0]] & (ends[:, 0] == ends[:, 1]))
    paths = link_paths(boxes, ends[seen, 0], ends[seen, 1])
    names = [link.id for link, shown in zip(design.links, seen.tolist(), strict=True) if shown]
    return dict(zip(names, paths, strict=True))


def _group(
    design: Design, group: Group, specs: Mapping[str, DeviceSpec], heat: Heat | None
) -> list[Rect | Line | Text]:
    inside = [element for element in design.elements if element.group == group.id]
    rects = [element_rect(e, specs[e.id]) for e in inside]
    if not rects:
        return []
    left, top = min(r[0] for r in rects), min(r[1] for r in rects)
    if group.collapsed:
        return _closed(group, inside, (left, top), specs, heat)
    left, top = left - 20, top - 36
    right, bottom = max(r[0] + r[2] for r in rects) + 20, max(r[1] + r[3] for r in rects) + 20
    return [
        Rect(left, top, right - left, bottom - top, "#fafbfc", "#c4ccd6", 1.0, 8.0),
        Text(left + 10, top + 18, group.name, 12.0, MUTED, bold=True),
    ]


def _closed(
    group: Group,
    inside: list[Element],
    corner: tuple[float, float],
    specs: Mapping[str, DeviceSpec],
    heat: Heat | None,
) -> list[Rect | Line | Text]:
    """A collapsed group: its name, what it holds, and a cell for each chip."""
    left, top = corner
    colours: list[str] = []
    for element in inside:
        count = len(chip_cells(element, specs[element.id]))
        use = heat.chips.get(element.id, ()) if heat is not None else ()
        use = use * count if len(use) == 1 else use
        known = len(use) == count
        colours += [heat_colour(float(use[n])) if known else CELL for n in range(count)]
    text = f"devices: {sum(element.count for element in inside):,}"
    text += f", chips: {len(colours):,}" if colours else ""
    cells = cell_grid(len(colours)) if len(colours) <= MAX_CELLS else ()
    return [
        Rect(left, top, WIDTH, HEIGHT, "#ffffff", "#8fa0b3", 1.0, 4.0),
        Text(left + 10, top + 20, group.name, 12.0, INK, bold=True),
        Text(left + 10, top + 37, text, 10.0, MUTED),
        *(
            Rect(left + x, top + y, width, height, colour, "none", 0.0, 0.0)
            for (x, y, width, height), colour in zip(cells, colours, strict=False)
        ),
    ]


def _note(note: Note) -> list[Rect | Line | Text]:
    x, y, width, height = box_of(note)
    texts = [
        Text(x + PADDING, y + PADDING + LINE * (number + 0.75), line, 12.0, INK)
        for number, line in enumerate(lines_of(note))
    ]
    return [Rect(x, y, width, height, "#fdf0cf", "#e2cf97", 1.0, 0.0), *texts]


def _link(
    link: Link, points: tuple[tuple[float, float], ...], heat: Heat | None
) -> list[Rect | Line | Text]:
    use = heat.links.get(link.id) if heat is not None else None
    label = f"{link.count} x {format_quantity(link.bandwidth_bytes_per_s, 'B/s')}"
    if use is not None:
        label += f", {use:.0%}"
    (x1, y1), (x2, y2) = points[1], points[2]
    return [
        Line(points, EDGE if use is None else heat_colour(use), 2.0 + 3.0 * (use or 0.0)),
        Text((x1 + x2) / 2, (y1 + y2) / 2 - 4, label, 9.0, MUTED, "middle"),
    ]


def _element(
    element: Element, spec: DeviceSpec, heat: Heat | None, *, open_racks: bool
) -> list[Rect | Line | Text]:
    shapes: list[Rect | Line | Text] = []
    width, height = member_size(spec)
    uses = heat.chips.get(element.id) if heat is not None else None
    each = 0 if spec.rack is None else spec.rack.domains * spec.rack.chips_per_domain
    for member, (dx, dy) in enumerate(member_offsets(element, spec)):
        x, y = element.x + float(dx), element.y + float(dy)
        shapes.append(Rect(x, y, width, height, PANEL, "#9aa6b4", 1.2, 5.0))
        shapes.append(Rect(x, y, width, 4.0, KIND_COLOUR[element.kind], radius=2.0))
        if spec.rack is not None and open_racks:
            own = uses[member * each : (member + 1) * each] if uses else None
            shapes += _rack_inside(x, y, spec, own)
        elif spec.kind is DeviceKind.CHIP and uses:
            use = uses[min(member, len(uses) - 1)]
            shapes.append(Rect(x + 8, y + height - 14, width - 16, 7, heat_colour(use), radius=2))
    return shapes + _labels(element, spec)


def _labels(element: Element, spec: DeviceSpec) -> list[Rect | Line | Text]:
    count = f" x{element.count}" if element.count > 1 else ""
    badge = "" if spec.status is Status.AVAILABLE else f"  [{spec.status.value}]"
    return [
        Text(element.x + 10, element.y + 21, f"{element.name}{count}", 12.0, INK, bold=True),
        Text(element.x + 10, element.y + 34, f"{spec.name}{badge}", 9.0, MUTED),
    ]


def _rack_inside(
    x: float, y: float, spec: DeviceSpec, uses: tuple[float, ...] | None
) -> list[Rect | Line | Text]:
    rows = rack_rows(spec)
    shapes: list[Rect | Line | Text] = []
    shapes += [Rect(x + a, y + b, w, h, TRAY, radius=2) for a, b, w, h in rows.trays.tolist()]
    for number, (a, b, w, h) in enumerate(rows.chips.tolist()):
        use = uses[number] if uses and number < len(uses) else None
        shapes.append(
            Rect(x + a, y + b, w, h, CELL if use is None else heat_colour(use), radius=1.5)
        )
    shapes += [
        Rect(x + a, y + b, w, h, SWITCH_BAR, radius=1.5) for a, b, w, h in rows.switches.tolist()
    ]
    shapes += [Rect(x + a, y + b, w, h, PORT, radius=1) for a, b, w, h in rows.uplinks.tolist()]
    return shapes
