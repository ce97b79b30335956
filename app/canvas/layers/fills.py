"""Layers that are plain pixels: grid, links, device bodies, chips and their heat."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QPalette

from app.canvas.camera import Camera
from app.canvas.raster.kernels import fill_paths, fill_rects
from app.canvas.run_picture import RunPicture
from app.canvas.scene import KINDS, STRIP, GroupFrame, Scene
from app.support.theme import CanvasColors, canvas_colors, heat_table, pixel
from engine.catalog.devices import DeviceKind
from engine.topology.layout import GRID

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]

HALL, RACK, DEVICE, DETAIL = 0.08, 0.35, 0.6, 1.2  # scales at which more is shown
MARK_PX, MARK_LINE_PX = 2.0, 1.5  # of frames around what is selected
MAJOR = 8
STEPS = 256

KIND_COLORS: dict[DeviceKind, str] = {
    DeviceKind.CHIP: "#2f7fd0",
    DeviceKind.HOST: "#5f9440",
    DeviceKind.SWITCH: "#8762bd",
    DeviceKind.NIC: "#b07d2e",
    DeviceKind.STORAGE: "#2f9196",
    DeviceKind.CLIENT: "#7a828c",
    DeviceKind.RACK: "#3568a8",
}


class Marks(NamedTuple):
    """Rows of the scene that are selected, where they are too many to be framed one by one."""

    elements: I8
    links: I8


class MarkKeeper:
    """Finds the marks of a selection once for each scene."""

    def __init__(self, many: int) -> None:
        """Selections of so many things, or fewer, have none."""
        self._many = many
        self._known: tuple[frozenset[str], list[str], Marks] | None = None

    def of(self, scene: Scene, chosen: frozenset[str]) -> Marks | None:
        """The marks of a selection, or None where it is framed one by one."""
        if len(chosen) <= self._many:
            return None
        known = self._known
        if known is None or known[0] != chosen or known[1] is not scene.ids:
            rows, links = scene.rows, scene.link_rows
            marks = Marks(
                np.array([rows[name] for name in chosen if name in rows], np.int64),
                np.array([links[name] for name in chosen if name in links], np.int64),
            )
            known = self._known = (chosen, scene.ids, marks)
        return known[2]


class Paints:
    """The colours of the canvas as pixels, for one widget palette."""

    def __init__(self, palette: QPalette) -> None:
        self.colors: CanvasColors = canvas_colors(palette)
        self.heat: U4 = heat_table(self.colors, STEPS)

    def pixel(self, name: str) -> int:
        """One canvas colour as a pixel."""
        return pixel(getattr(self.colors, name))

    def heat_of(self, share: F8) -> U4:
        """Heat pixels of uses from 0 to 1 (nan counts as idle, below 0 it is down)."""
        known = np.nan_to_num(np.clip(share, 0.0, 1.0))
        heat = self.heat[np.rint(known * (STEPS - 1)).astype(np.int64)]
        return np.where(share < 0, np.uint32(self.pixel("down")), heat)


def paint_ground(pixels: U4, camera: Camera, ratio: float, paints: Paints, scene: Scene) -> None:
    """Paper, grid and group frames."""
    pixels[:] = paints.pixel("paper")
    for step, name in ((GRID, "grid"), (GRID * MAJOR, "grid_major")):
        spacing = step * camera.scale
        if spacing < 8.0:
            continue
        for axis, shift in ((1, camera.dx), (0, camera.dy)):
            size = pixels.shape[axis]
            first = (shift % spacing) * ratio
            lines = np.arange(first, size, spacing * ratio).astype(np.int64)
            lines = lines[lines < size]
            if axis == 1:
                pixels[:, lines] = paints.pixel(name)
            else:
                pixels[lines, :] = paints.pixel(name)
    open_ones = [frame.box for frame in scene.groups if not frame.collapsed]
    if open_ones:
        boxes = np.array(open_ones)
        _framed(pixels, boxes, camera, ratio, paints.pixel("group_edge"), paints.pixel("group"))


def paint_links(
    pixels: U4, scene: Scene, camera: Camera, ratio: float, paints: Paints, run: RunPicture | None
) -> None:
    """Links as bars of three segments, as wide as they carry much, in the colour of their use."""
    count = len(scene.routes)
    if not count:
        return
    colors = np.full(count, paints.pixel("link"), np.uint32)
    width = np.full(count, 2.0 if camera.scale >= HALL else 1.0)
    if run is not None:
        both = scene.by_link(run.links.names, run.links.use)
        use = np.maximum(both[:, 0], both[:, 1])
        colors = np.where(use > 0.0005, paints.heat_of(0.15 + 0.85 * use), colors)
        width = width + 3.0 * np.sqrt(use)
    _paths(pixels, scene.routes, width, colors.astype(np.uint32), camera, ratio)


def _paths(pixels: U4, routes: F8, width: F8, colors: U4, camera: Camera, ratio: float) -> None:
    """Paths [n, 4, 2], each so many logical pixels wide."""
    scale = camera.scale * ratio
    fill_paths(pixels, routes, width * ratio, colors, scale, camera.dx * ratio, camera.dy * ratio)


def paint_marks(
    pixels: U4, scene: Scene, camera: Camera, ratio: float, paints: Paints, marks: Marks
) -> None:
    """Frames around many selected elements and bars along many selected links."""
    accent = paints.pixel("accent")
    routes = scene.routes[marks.links]
    if len(routes):
        width = np.full(len(routes), 3.0)
        _paths(pixels, routes, width, np.full(len(routes), accent, np.uint32), camera, ratio)
    boxes = scene.boxes[marks.elements] * camera.scale
    if not len(boxes):
        return
    boxes[:, :2] += (camera.dx - MARK_PX, camera.dy - MARK_PX)
    boxes[:, 2:] += 2 * MARK_PX
    x, y, width, height = boxes.T
    line = np.full(len(boxes), MARK_LINE_PX)
    sides = np.concatenate(
        [
            np.stack(side, axis=1)
            for side in (
                (x, y, width, line),
                (x, y + height - line, width, line),
                (x, y, line, height),
                (x + width - line, y, line, height),
            )
        ]
    )
    colors = np.full(len(sides), accent, np.uint32)
    fill_rects(pixels, sides, colors, ratio, 0.0, 0.0, 0.0)


def paint_devices(
    pixels: U4, scene: Scene, camera: Camera, ratio: float, paints: Paints, run: RunPicture | None
) -> None:
    """Bodies of devices, and inside racks their trays, chips, switches and uplinks."""
    members, counts = scene.members, np.diff(scene.first_member)
    if not len(scene.ids):
        return
    closed = [frame for frame in scene.groups if frame.collapsed]
    if camera.scale < HALL:
        _tiles(pixels, scene, camera, ratio, paints, run)
        if closed:
            boxes = np.array([frame.box for frame in closed])
            _fill(pixels, boxes, _closed_colors(scene, closed, paints, run), camera, ratio)
        return
    edge, panel = paints.pixel("panel_edge"), paints.pixel("panel")
    if closed:
        boxes = np.array([frame.box for frame in closed])
        _framed(pixels, boxes, camera, ratio, edge, panel)
        boxes[:, 3] = STRIP
        tint = np.full(len(boxes), paints.pixel("group_edge"), np.uint32)
        _fill(pixels, boxes, tint, camera, ratio)
    _framed(pixels, members, camera, ratio, edge, panel)
    strips = members.copy()
    strips[:, 3] = STRIP
    _fill(pixels, strips, np.repeat(_kind_colors(scene), counts), camera, ratio)
    for boxes, name in (
        (scene.trays, "tray"),
        (scene.switches, "switch"),
        (scene.uplinks, "port"),
    ):
        _fill(pixels, boxes, np.full(len(boxes), paints.pixel(name), np.uint32), camera, ratio)
    _fill(pixels, scene.cells, cell_colors(scene, paints, run), camera, ratio)


def cell_colors(scene: Scene, paints: Paints, run: RunPicture | None) -> U4:
    """One colour a chip: its heat in a run."""
    colors = np.full(len(scene.cells), paints.pixel("chip"), np.uint32)
    if run is not None:
        for name, use in run.chip_utilisation.items():
            body = scene.bodies.get(name)
            if body is not None and body.cells == len(use):
                colors[body.first_cell : body.first_cell + body.cells] = paints.heat_of(use)
    return colors


def closed_use(scene: Scene, frame: GroupFrame, run: RunPicture) -> float:
    """Mean use of the chips of a collapsed group; nan where nothing is known, -1 all are down."""
    found = [run.chip_utilisation.get(scene.ids[row]) for row in frame.rows.tolist()]
    uses = [use for use in found if use is not None and len(use)]
    if not uses:
        return float("nan")
    every = np.nan_to_num(np.concatenate(uses))
    return -1.0 if (every < 0).all() else float(np.maximum(every, 0.0).mean())


def _closed_colors(
    scene: Scene, frames: list[GroupFrame], paints: Paints, run: RunPicture | None
) -> U4:
    """[frames] of collapsed groups seen from afar: the mean heat, or the colour of racks."""
    colors = np.full(len(frames), pixel(KIND_COLORS[DeviceKind.RACK]), np.uint32)
    if run is not None:
        use = np.array([closed_use(scene, frame, run) for frame in frames])
        colors = np.where(np.isnan(use), colors, paints.heat_of(use)).astype(np.uint32)
    return colors


def _kind_colors(scene: Scene) -> U4:
    """[elements] the colour of each one's kind."""
    table = np.array([pixel(KIND_COLORS[kind]) for kind in KINDS], np.uint32)
    return np.asarray(table[scene.kinds], np.uint32)


def _tiles(
    pixels: U4, scene: Scene, camera: Camera, ratio: float, paints: Paints, run: RunPicture | None
) -> None:
    """From afar every member is one tile in its kind's colour, or its mean heat."""
    counts = np.diff(scene.first_member)
    colors = np.repeat(_kind_colors(scene), counts)
    uses, chips, shown = [], [], np.zeros(len(counts), np.bool_)
    for name, use in run.chip_utilisation.items() if run is not None else ():
        row = scene.rows.get(name)
        if row is not None and counts[row] and len(use) and len(use) % counts[row] == 0:
            uses.append((row, use))
    uses.sort(key=lambda pair: pair[0])
    for row, use in uses:
        chips += [len(use) // int(counts[row])] * int(counts[row])
        shown[row] = True
    if uses:
        first = np.concatenate([[0], np.cumsum(chips[:-1])]).astype(np.int64)
        every = np.nan_to_num(np.concatenate([use for _, use in uses]))
        sums = np.add.reduceat(every, first)  # -1 where all are down
        colors[np.repeat(shown, counts)] = paints.heat_of(sums / np.array(chips))
    _fill(pixels, scene.members, colors, camera, ratio)


def _framed(pixels: U4, boxes: F8, camera: Camera, ratio: float, edge: int, inside: int) -> None:
    line = ratio / (camera.scale * ratio)
    inner = boxes + np.array([line, line, -2 * line, -2 * line])
    both = np.stack([boxes, inner], axis=1).reshape(-1, 4)
    colors = np.tile(np.array([edge, inside], np.uint32), len(boxes))
    _fill(pixels, both, colors, camera, ratio)


def _fill(pixels: U4, boxes: F8, colors: U4, camera: Camera, ratio: float) -> None:
    if len(boxes):
        fill_rects(
            pixels,
            np.ascontiguousarray(boxes),
            np.asarray(colors, np.uint32),
            camera.scale * ratio,
            camera.dx * ratio,
            camera.dy * ratio,
            0.0,
        )
