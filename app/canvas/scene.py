"""Scene: the drawing as arrays, made anew from the document when it changes.

Nothing here is edited and nothing knows the screen; layers read it and the camera. Elements of one
shape (device, count, columns) are laid out together, so that ten thousand of them cost milliseconds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.canvas.run_picture import NO_NAMES, LinkNames
from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Status
from engine.scenario.design import Design, Note
from engine.scenario.notes import box_of
from engine.topology import collapse
from engine.topology.elements import Element, Link
from engine.topology.layout import element_size, member_offsets, member_size, rack_rows
from engine.topology.link_paths import link_paths

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

GROUP_MARGIN, GROUP_TITLE = 20.0, 32.0
STRIP = 4.0  # height of the coloured strip of a device
KINDS: tuple[DeviceKind, ...] = tuple(DeviceKind)
NO_BOXES = np.empty((0, 4))


class Body(NamedTuple):
    """One element as it is drawn: its members' boxes, and its chips as rows of `Scene.cells`."""

    element: Element
    spec: DeviceSpec
    box: tuple[float, float, float, float]
    members: F8  # [count, 4]
    first_cell: int
    cells: int


class Bodies(Mapping[str, Body]):
    """Bodies by element id in drawing order, made when they are asked for."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene

    def __getitem__(self, name: str) -> Body:
        return self._scene.body(self._scene.rows[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._scene.ids)

    def __len__(self) -> int:
        return len(self._scene.ids)

    def __contains__(self, name: object) -> bool:
        return name in self._scene.rows


@dataclass
class Scene:
    """Everything that layers paint, in drawing order."""

    elements: list[Element] = field(default_factory=list)
    specs: list[DeviceSpec] = field(default_factory=list)  # [elements]
    ids: list[str] = field(default_factory=list)  # [elements]
    rows: dict[str, int] = field(default_factory=dict)  # of an element id
    corners: F8 = field(default_factory=lambda: np.empty((0, 2)))  # [elements, 2]
    boxes: F8 = field(default_factory=lambda: NO_BOXES)  # [elements, 4]; hidden: of the group
    hidden: B1 = field(default_factory=lambda: np.empty(0, np.bool_))  # [elements] collapsed away
    leaders: I8 = field(default_factory=lambda: np.empty(0, np.int64))  # [elements] see Owners
    kinds: I8 = field(default_factory=lambda: np.empty(0, np.int64))  # [elements] place in KINDS
    members: F8 = field(default_factory=lambda: NO_BOXES)  # [members, 4]
    first_member: I8 = field(default_factory=lambda: np.zeros(1, np.int64))  # [elements + 1]
    cells: F8 = field(default_factory=lambda: NO_BOXES)  # [chips, 4]
    first_cell: I8 = field(default_factory=lambda: np.zeros(1, np.int64))  # [elements + 1]
    feeds: F8 = field(default_factory=lambda: NO_BOXES)  # [chips, 4] chip x, y, switch x, y
    trays: F8 = field(default_factory=lambda: NO_BOXES)
    switches: F8 = field(default_factory=lambda: NO_BOXES)
    uplinks: F8 = field(default_factory=lambda: NO_BOXES)
    links: dict[str, Link] = field(default_factory=dict)
    link_ids: list[str] = field(default_factory=list)
    link_rows: dict[str, int] = field(default_factory=dict)  # of a link id
    link_ends: I8 = field(
        default_factory=lambda: np.empty((0, 2), np.int64)
    )  # [links, 2] elements, the leader's of a collapsed group
    routes: F8 = field(default_factory=lambda: np.empty((0, 4, 2)))  # [links, 4, 2]
    groups: "list[GroupFrame]" = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    known_names: LinkNames = NO_NAMES  # links of the last run, and the rows of the own ones in it
    known_rows: I8 = field(default_factory=lambda: np.empty(0, np.int64))
    shapes: "list[tuple[_Shape, I8]]" = field(default_factory=list)  # with the elements of each

    @cached_property
    def bodies(self) -> Bodies:
        """Elements as they are drawn, by id."""
        return Bodies(self)

    @cached_property
    def link_boxes(self) -> tuple[F8, F8]:
        """Top left and bottom right corners of the paths, [links, 2] each."""
        a, b, c, d = (self.routes[:, corner] for corner in range(4))
        low = np.minimum(np.minimum(a, b), np.minimum(c, d))
        return low, np.maximum(np.maximum(a, b), np.maximum(c, d))

    def by_link(self, names: LinkNames, values: F8) -> F8:
        """[links, 2] values of rows of names in the order of the scene's links, 0 where none is."""
        if self.known_names is not names:
            rows = [names.rows.get(name, -1) for name in self.link_ids]
            self.known_names, self.known_rows = names, np.array(rows, np.int64)
        found = np.zeros((len(self.link_ids), 2))
        known = self.known_rows >= 0
        found[known] = values[self.known_rows[known]]
        return found

    def body(self, row: int) -> Body:
        """One element by its row."""
        x, y, width, height = self.boxes[row].tolist()
        first, last = self.first_member[row : row + 2]
        begin, end = self.first_cell[row : row + 2]
        return Body(
            self.elements[row], self.specs[row], (x, y, width, height),
            self.members[first:last], int(begin), int(end - begin),
        )  # fmt: skip

    def bounds(self, ids: Iterable[str] | None = None) -> tuple[float, float, float, float] | None:
        """The box around elements and links, or around all; None where there is nothing."""
        if ids is None:
            names, boxes, routes = set[str](), self.boxes, np.empty((0, 2))
        else:
            names = set(ids)
            boxes = self.boxes[[self.rows[name] for name in names if name in self.rows]]
            chosen = [self.link_rows[name] for name in names if name in self.link_rows]
            routes = self.routes[chosen].reshape(-1, 2)
        written = [box_of(note) for note in self.notes if ids is None or note.id in names]
        boxes = np.concatenate([boxes, np.array(written).reshape(-1, 4)])
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:], routes])
        if not len(corners):
            return None
        left, top = corners.min(axis=0).tolist()
        right, bottom = corners.max(axis=0).tolist()
        return left, top, right - left, bottom - top


class GroupFrame(NamedTuple):
    """A group as it is drawn: a frame around its elements, with the name in a strip above them.

    A collapsed one is a box of its own in place of them.
    """

    id: str
    name: str
    box: tuple[float, float, float, float]
    rows: I8  # of its elements
    collapsed: bool

    @property
    def title(self) -> tuple[float, float, float, float]:
        """The part by which the group is taken: the strip above the elements, or the whole box."""
        x, y, width, height = self.box
        return x, y, width, height if self.collapsed else GROUP_TITLE

    @property
    def knob(self) -> tuple[float, float, float, float]:
        """The place at the left of the title that collapses and expands."""
        x, y, _, _ = self.box
        return x, y, GROUP_TITLE, GROUP_TITLE


class _Shape(NamedTuple):
    """What all elements of one device, count and columns look like, from their own corner."""

    size: tuple[float, float]
    members: F8
    cells: F8
    feeds: F8
    trays: F8
    switches: F8
    uplinks: F8


def make_scene(
    design: Design, catalog: Catalog, moved: Mapping[str, tuple[float, float]]
) -> Scene:
    """The scene of a design; `moved` gives elements another corner while they are dragged.

    An element whose device the catalogue does not have is drawn as a placeholder without ports.
    """
    devices = catalog.devices
    scene = Scene()
    scene.elements = list(design.elements)
    scene.specs = [devices.get(e.spec) or _placeholder(e.spec) for e in scene.elements]
    scene.ids = [element.id for element in scene.elements]
    scene.rows = {name: row for row, name in enumerate(scene.ids)}
    places = {kind: place for place, kind in enumerate(KINDS)}
    scene.kinds = np.array([places[element.kind] for element in scene.elements], np.int64)
    corners = np.array([(element.x, element.y) for element in scene.elements]).reshape(-1, 2)
    for name, corner in moved.items():
        if name in scene.rows:
            corners[scene.rows[name]] = corner
    scene.corners = corners
    scene.hidden, scene.leaders = collapse.owners(scene.elements, design.groups)
    scene.groups = _groups(design, scene)
    _lay_out(scene)
    _draw_links(scene, design)
    scene.notes = list(design.notes)
    return scene


def _placeholder(spec_id: str) -> DeviceSpec:
    """What stands for a device that nobody knows: a plain box that says so."""
    return DeviceSpec(
        id=spec_id,
        kind=DeviceKind.CLIENT,
        name=spec_id,
        vendor="",
        status=Status.PLACEHOLDER,
        figures={},
    )


def _lay_out(scene: Scene) -> None:
    """Finds the shapes and fills in all arrays of boxes."""
    alike: dict[tuple[str, int, int, bool], list[int]] = {}
    for row, (element, hidden) in enumerate(
        zip(scene.elements, scene.hidden.tolist(), strict=True)
    ):
        key = (element.spec, element.count, element.columns, hidden)
        alike.setdefault(key, []).append(row)
    scene.shapes = []
    for (*_, hidden), rows in alike.items():
        shape = _shape(scene.elements[rows[0]], scene.specs[rows[0]])
        scene.shapes.append((_emptied(shape) if hidden else shape, np.array(rows)))
    _place(scene)


def _place(scene: Scene) -> None:
    """Fills in all arrays of boxes for the corners that the elements have."""
    parts, corners = scene.shapes, scene.corners
    scene.boxes = np.empty((len(scene.elements), 4))
    scene.boxes[:, :2] = corners
    for shape, rows in parts:
        scene.boxes[rows, 2:] = shape.size
    scene.members, scene.first_member = _spread(parts, [p[0].members for p in parts], corners)
    scene.cells, scene.first_cell = _spread(parts, [p[0].cells for p in parts], corners)
    scene.feeds, _ = _spread(parts, [p[0].feeds for p in parts], corners, ends=True)
    scene.trays, _ = _spread(parts, [p[0].trays for p in parts], corners)
    scene.switches, _ = _spread(parts, [p[0].switches for p in parts], corners)
    scene.uplinks, _ = _spread(parts, [p[0].uplinks for p in parts], corners)
    scene.groups = _framed(scene.groups, scene.boxes)
    for frame in scene.groups:
        if frame.collapsed:
            _close(scene, frame)


def _close(scene: Scene, frame: GroupFrame) -> None:
    """Puts a collapsed group's box in place of its elements, and all their chips into it."""
    scene.boxes[frame.rows] = frame.box
    first, last = scene.first_cell[frame.rows], scene.first_cell[frame.rows + 1]
    cells = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    inside = collapse.cell_grid(len(cells))
    inside[:, :2] += frame.box[:2]
    scene.cells[cells] = inside
    middle = inside[:, :2] + inside[:, 2:] / 2
    scene.feeds[cells] = np.column_stack([middle, middle])  # no traffic is to be seen within


def _spread(
    parts: "list[tuple[_Shape, I8]]", insides: list[F8], corners: F8, *, ends: bool = False
) -> tuple[F8, I8]:
    """The rectangles of all elements in drawing order, and where each element's begin.

    Args:
        parts: shapes with the rows of their elements.
        insides: [rectangles, 4] of each shape from an element's corner.
        corners: [elements, 2].
        ends: the last two columns are a place too, not a size.
    """
    counts = np.zeros(len(corners), np.int64)
    for (_, rows), inside in zip(parts, insides, strict=True):
        counts[rows] = len(inside)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    table = np.empty((int(first[-1]), 4))
    for (_, rows), inside in zip(parts, insides, strict=True):
        if len(inside):
            where = (first[rows][:, None] + np.arange(len(inside))).ravel()
            shift = np.repeat(corners[rows], len(inside), axis=0)
            table[where] = np.tile(inside, (len(rows), 1))
            table[where, :2] += shift
            if ends:
                table[where, 2:] += shift
    return table, first


def _shape(element: Element, spec: DeviceSpec) -> _Shape:
    width, height = member_size(spec)
    corners = member_offsets(element, spec)
    members = np.column_stack([corners, np.tile([width, height], (len(corners), 1))])
    cells = feeds = trays = switches = uplinks = NO_BOXES
    if spec.rack is not None:
        rows = rack_rows(spec)
        cells, trays = _repeated(rows.chips, corners), _repeated(rows.trays, corners)
        switches, uplinks = _repeated(rows.switches, corners), _repeated(rows.uplinks, corners)
        feeds = _feeds(rows.chips, rows.switches, corners)
    elif spec.kind is DeviceKind.CHIP:
        bar = np.array([[8.0, height - 14.0, width - 16.0, 7.0]])
        cells, feeds = _repeated(bar, corners), np.zeros((len(corners), 4))
    return _Shape(element_size(element, spec), members, cells, feeds, trays, switches, uplinks)


def _emptied(shape: _Shape) -> _Shape:
    """What is left of a shape within a collapsed group: as many chips, nothing else."""
    cells = np.zeros_like(shape.cells)
    return _Shape(shape.size, NO_BOXES, cells, cells, NO_BOXES, NO_BOXES, NO_BOXES)


def _draw_links(scene: Scene, design: Design) -> None:
    rows, leaders = scene.rows, scene.leaders
    links = [link for link in design.links if link.a.element in rows and link.b.element in rows]
    ends = [(rows[link.a.element], rows[link.b.element]) for link in links]
    scene.link_ends = leaders[np.array(ends, np.int64).reshape(-1, 2)]
    if scene.hidden.any():  # what is within a collapsed group is not to be seen
        inner = scene.hidden[scene.link_ends[:, 0]] & (
            scene.link_ends[:, 0] == scene.link_ends[:, 1]
        )
        links = [link for link, gone in zip(links, inner.tolist(), strict=True) if not gone]
        scene.link_ends = scene.link_ends[~inner]
    scene.link_ids = [link.id for link in links]
    scene.link_rows = {name: row for row, name in enumerate(scene.link_ids)}
    scene.links = dict(zip(scene.link_ids, links, strict=True))
    scene.known_rows = np.full(len(links), -1, np.int64)
    scene.routes = link_paths(scene.boxes, scene.link_ends[:, 0], scene.link_ends[:, 1])


def moved_scene(scene: Scene, moved: Mapping[str, tuple[float, float]]) -> Scene:
    """The scene with elements at other corners: what a drag shows, without the document.

    It equals `make_scene` of a drawing with those corners.
    """
    known = {name: corner for name, corner in moved.items() if name in scene.rows}
    if not known:
        return scene
    copy = Scene(**{item.name: getattr(scene, item.name) for item in fields(Scene)})
    copy.corners = scene.corners.copy()
    copy.corners[[scene.rows[name] for name in known]] = list(known.values())
    _place(copy)
    copy.routes = link_paths(copy.boxes, copy.link_ends[:, 0], copy.link_ends[:, 1])
    return copy


def _repeated(inside: F8, corners: F8) -> F8:
    """Rectangles of one member at every member's corner."""
    table = np.tile(inside, (len(corners), 1))
    table[:, :2] += np.repeat(corners, len(inside), axis=0)
    return table


def _feeds(chips: F8, switches: F8, corners: F8) -> F8:
    """For each chip the way of its scale-up traffic: to the nearest row of switch trays."""
    middle = chips[:, :2] + chips[:, 2:] / 2
    if not len(switches):
        return np.zeros((len(chips) * len(corners), 4))
    rows = np.unique(switches[:, 1] + switches[:, 3] / 2)
    nearest = rows[np.argmin(np.abs(middle[:, 1:2] - rows[None, :]), axis=1)]
    ways = np.column_stack([middle, middle[:, 0], nearest])
    table = np.tile(ways, (len(corners), 1))
    shift = np.repeat(corners, len(chips), axis=0)
    table[:, :2] += shift
    table[:, 2:] += shift
    return table


def _groups(design: Design, scene: Scene) -> list[GroupFrame]:
    inside: dict[str, list[int]] = {}
    for row, element in enumerate(scene.elements):
        if element.group:
            inside.setdefault(element.group, []).append(row)
    nowhere = (0.0, 0.0, 0.0, 0.0)
    return [
        GroupFrame(group.id, group.name, nowhere, np.array(inside[group.id]), group.collapsed)
        for group in design.groups
        if group.id in inside
    ]


def _framed(frames: list[GroupFrame], boxes: F8) -> list[GroupFrame]:
    """The frames around the places that their elements have now; `boxes` are the elements' own."""
    found = []
    for frame in frames:
        own = boxes[frame.rows]
        left, top = own[:, :2].min(axis=0).tolist()
        right, bottom = (own[:, :2] + own[:, 2:]).max(axis=0).tolist()
        x, y = left - GROUP_MARGIN, top - GROUP_TITLE - 4.0
        box = (x, y, right + GROUP_MARGIN - x, bottom + GROUP_MARGIN - y)
        if frame.collapsed:
            box = (left, top, collapse.WIDTH, collapse.HEIGHT)
        found.append(frame._replace(box=box))
    return found
