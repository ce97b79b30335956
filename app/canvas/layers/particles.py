"""Moving dots: traffic along links, and between chips and their scale-up switches.

A dot stands for traffic, not for a packet: the more a link carries the more dots it has and the
faster they run. Positions depend on the wall clock only.
"""

import numpy as np
from numpy.typing import NDArray

from app.canvas.camera import Camera
from app.canvas.layers.fills import HALL, RACK, Paints
from app.canvas.raster.kernels import along_paths, stamp
from app.canvas.run_picture import RunPicture
from app.canvas.scene import Scene

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]

MOST = 5000
A_LINK = 24  # dots on a full link, one direction
SLOW, FAST = 40.0, 220.0  # scene units a second
FEED_S = 1.1  # seconds of a dot between chip and switch
LEAST_BYTES_PER_S = 1.0


class Particles:
    """Dots of the last picture of a run."""

    def __init__(self) -> None:
        self._points = np.empty((0, 2))
        self._starts = np.zeros(1, np.int64)
        self._which: I8 = np.empty(0, np.int64)
        self._place: F8 = np.empty(0)
        self._rate: F8 = np.empty(0)  # shares of the path a second
        self._back: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._feeds = np.empty((0, 4))
        self._feed_place: F8 = np.empty(0)
        self._time_s = 0.0

    @property
    def count(self) -> int:
        """Dots that move."""
        return len(self._which) + len(self._feeds)

    def clear(self) -> None:
        """No traffic."""
        self.__init__()  # type: ignore[misc]

    def show(self, scene: Scene, run: RunPicture) -> None:
        """Takes the traffic of a picture; dots keep their places."""
        self._points = np.ascontiguousarray(scene.routes.reshape(-1, 2))
        self._starts = np.arange(len(scene.routes) + 1, dtype=np.int64) * 4
        lengths = np.abs(np.diff(scene.routes, axis=1)).sum(axis=(1, 2))
        uses = scene.by_link(run.links.names, run.links.use).reshape(-1)
        carried = scene.by_link(run.links.names, run.links.bytes_per_s).reshape(-1)
        ways = np.flatnonzero(carried >= LEAST_BYTES_PER_S)  # 2 i ahead on link i, 2 i + 1 back
        strength = np.clip(uses[ways], 1e-6, 1.0) ** 0.25
        length = lengths[ways // 2]
        dots = np.maximum(1, np.rint(A_LINK * strength * np.minimum(1.0, length / 400.0)))
        ends = np.cumsum(dots.astype(np.int64))
        total = int(ends[-1]) if len(ends) else 0
        kept = np.arange(0, total, max(1, total // MOST))  # of the dots of all ways, in a row
        owner = np.searchsorted(ends, kept, side="right")
        speed = (SLOW + (FAST - SLOW) * strength) / np.maximum(length, 1.0)
        self._which = ways[owner] // 2
        self._place = (kept - ends[owner] + dots[owner]) / dots[owner]
        self._rate = speed[owner]
        self._back = ways[owner] % 2 == 1
        self._show_feeds(scene, run)

    def _show_feeds(self, scene: Scene, run: RunPicture) -> None:
        uses, first = [], []
        for name, use in run.scale_up_utilisation.items():
            body = scene.bodies.get(name)
            if body is not None and body.cells == len(use) and body.spec.rack is not None:
                uses.append(use)
                first.append(body.first_cell)
        chips = np.empty(0, np.int64)
        if uses:
            counts = np.array([len(use) for use in uses])
            # numbered within its element, then moved to the element's first cell
            cells = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
            chips = cells[np.nan_to_num(np.concatenate(uses)) > 1e-6]
        chips = chips[:: max(1, len(chips) // MOST)]
        self._feeds = scene.feeds[chips] if len(chips) else np.empty((0, 4))
        self._feed_place = np.asarray((chips * 0.618034) % 1.0, np.float64)

    def advance(self, seconds: float) -> None:
        """Moves all dots on."""
        self._time_s += seconds

    def paint(self, pixels: U4, camera: Camera, ratio: float, paints: Paints) -> None:
        """Stamps the dots on the pixels."""
        if camera.scale < HALL:
            return
        color = paints.pixel("particle")
        if len(self._which):
            share = (self._place + self._rate * self._time_s) % 1.0
            share = np.where(self._back, 1.0 - share, share)
            x, y = np.empty(len(share)), np.empty(len(share))
            along_paths(self._points, self._starts, self._which, share, x, y)
            self._stamp(pixels, x, y, camera, ratio, 2.6, color)
        if len(self._feeds) and camera.scale >= RACK:
            share = (self._feed_place + self._time_s / FEED_S) % 1.0
            part = 1.0 - np.abs(2.0 * share - 1.0)  # to the switch and back
            x = self._feeds[:, 0] + part * (self._feeds[:, 2] - self._feeds[:, 0])
            y = self._feeds[:, 1] + part * (self._feeds[:, 3] - self._feeds[:, 1])
            self._stamp(pixels, x, y, camera, ratio, 1.9, color)

    @staticmethod
    def _stamp(
        pixels: U4, x: F8, y: F8, camera: Camera, ratio: float, radius: float, color: int
    ) -> None:
        size = radius * ratio * min(1.6, max(0.7, camera.scale))
        stamp(
            pixels,
            (x * camera.scale + camera.dx) * ratio,
            (y * camera.scale + camera.dy) * ratio,
            np.full(len(x), size),
            color,
        )
