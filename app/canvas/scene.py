"""Scene: the drawing as arrays, made anew from the document when it changes.

Nothing here is edited and nothing knows the screen; layers read it and the camera.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.scenario.design import Design
from engine.topology.elements import Element, Link
from engine.topology.layout import (
    element_rect,
    link_routes,
    member_offsets,
    member_size,
    rack_rows,
)

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

STRIP = 4.0  # height of the coloured strip of a device


@dataclass(slots=True)
class Body:
    """One element as it is drawn: its members' boxes, and its chips as rows of `Scene.cells`."""

    element: Element
    spec: DeviceSpec
    box: tuple[float, float, float, float]
    members: F8  # [count, 4]
    first_cell: int
    cells: int


@dataclass(slots=True)
class Scene:
    """Everything that layers paint, in drawing order."""

    bodies: dict[str, Body] = field(default_factory=dict)
    boxes: F8 = field(default_factory=lambda: np.empty((0, 4)))  # [elements, 4]
    ids: list[str] = field(default_factory=list)  # [elements]
    cells: F8 = field(default_factory=lambda: np.empty((0, 4)))  # [chips, 4]
    feeds: F8 = field(
        default_factory=lambda: np.empty((0, 4))
    )  # [chips, 4] chip x, y, switch x, y
    trays: F8 = field(default_factory=lambda: np.empty((0, 4)))
    switches: F8 = field(default_factory=lambda: np.empty((0, 4)))
    uplinks: F8 = field(default_factory=lambda: np.empty((0, 4)))
    links: dict[str, Link] = field(default_factory=dict)
    link_ids: list[str] = field(default_factory=list)
    routes: F8 = field(default_factory=lambda: np.empty((0, 4, 2)))  # [links, 4, 2]
    groups: list[tuple[str, tuple[float, float, float, float]]] = field(default_factory=list)

    def bounds(self, ids: Iterable[str] | None = None) -> tuple[float, float, float, float] | None:
        """The box around elements and links, or around all; None where there is nothing."""
        corners = []
        for name in self.ids if ids is None else ids:
            if name in self.bodies:
                x, y, width, height = self.bodies[name].box
                corners.append((x, y, x + width, y + height))
            elif name in self.links:
                route = self.routes[self.link_ids.index(name)]
                corners.append((*route.min(axis=0), *route.max(axis=0)))
        if not corners:
            return None
        table = np.array(corners)
        left, top = table[:, 0].min(), table[:, 1].min()
        return (
            float(left), float(top), float(table[:, 2].max() - left),
            float(table[:, 3].max() - top),
        )  # fmt: skip


def make_scene(design: Design, catalog: Catalog, moved: dict[str, tuple[float, float]]) -> Scene:
    """The scene of a design; `moved` gives elements another corner while they are dragged.

    Elements whose device the catalogue does not have are left out; the findings name them.
    """
    import msgspec

    scene = Scene()
    parts: dict[str, list[F8]] = {"cells": [], "feeds": [], "trays": [], "switches": [], "up": []}
    specs: dict[str, DeviceSpec] = {}
    shown: list[Element] = []
    count = 0
    for drawn in design.elements:
        spec = catalog.devices.get(drawn.spec)
        if spec is None:
            continue
        element = drawn
        if drawn.id in moved:
            x, y = moved[drawn.id]
            element = msgspec.structs.replace(drawn, x=x, y=y)
        specs[element.id] = spec
        shown.append(element)
        body = _body(element, spec, parts, count)
        count += body.cells
        scene.bodies[element.id] = body
    scene.ids = [element.id for element in shown]
    scene.boxes = _stacked([np.array([body.box]) for body in scene.bodies.values()])
    scene.cells, scene.feeds = _stacked(parts["cells"]), _stacked(parts["feeds"])
    scene.trays, scene.switches = _stacked(parts["trays"]), _stacked(parts["switches"])
    scene.uplinks = _stacked(parts["up"])
    links = [k for k in design.links if k.a.element in specs and k.b.element in specs]
    scene.links = {link.id: link for link in links}
    scene.link_ids = list(scene.links)
    if links:
        routes = link_routes(shown, links, specs)
        scene.routes = np.stack([routes[name] for name in scene.link_ids])
    scene.groups = _groups(design, scene)
    return scene


def _body(element: Element, spec: DeviceSpec, parts: dict[str, list[F8]], first: int) -> Body:
    width, height = member_size(spec)
    corners = member_offsets(element, spec) + np.array([element.x, element.y])
    members = np.column_stack([corners, np.tile([width, height], (len(corners), 1))])
    cells = 0
    if spec.rack is not None:
        rows = rack_rows(spec)
        for name, inside in (
            ("cells", rows.chips),
            ("trays", rows.trays),
            ("switches", rows.switches),
            ("up", rows.uplinks),
        ):
            parts[name].append(_repeated(inside, corners))
        parts["feeds"].append(_feeds(rows.chips, rows.switches, corners))
        cells = len(rows.chips) * len(corners)
    elif spec.kind is DeviceKind.CHIP:
        bar = np.array([[8.0, height - 14.0, width - 16.0, 7.0]])
        parts["cells"].append(_repeated(bar, corners))
        parts["feeds"].append(np.zeros((len(corners), 4)))
        cells = len(corners)
    return Body(element, spec, element_rect(element, spec), members, first, cells)


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


def _stacked(tables: list[F8]) -> F8:
    return np.ascontiguousarray(np.concatenate(tables)) if tables else np.empty((0, 4))


def _groups(design: Design, scene: Scene) -> list[tuple[str, tuple[float, float, float, float]]]:
    frames = []
    for group in design.groups:
        inside = [e.id for e in design.elements if e.group == group.id]
        box = scene.bounds(inside)
        if box is not None:
            x, y, width, height = box
            frames.append((group.name, (x - 20, y - 36, width + 40, height + 56)))
    return frames
