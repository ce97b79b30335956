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
        which, place, rate, back = [], [], [], []
        lengths = np.abs(np.diff(scene.routes, axis=1)).sum(axis=(1, 2))
        for number, name in enumerate(scene.link_ids):
            uses = run.link_utilisation.get(name, (0.0, 0.0))
            carried = run.link_bytes_per_s.get(name, (0.0, 0.0))
            for direction in (0, 1):
                if carried[direction] < LEAST_BYTES_PER_S:
                    continue
                strength = min(1.0, max(uses[direction], 1e-6)) ** 0.25
                dots = max(1, round(A_LINK * strength * min(1.0, lengths[number] / 400.0)))
                which += [number] * dots
                place += [i / dots for i in range(dots)]
                speed = (SLOW + (FAST - SLOW) * strength) / max(lengths[number], 1.0)
                rate += [speed] * dots
                back += [direction == 1] * dots
        step = max(1, len(which) // MOST)
        self._which = np.array(which[::step], np.int64)
        self._place, self._rate = np.array(place[::step]), np.array(rate[::step])
        self._back = np.array(back[::step], np.bool_)
        self._show_feeds(scene, run)

    def _show_feeds(self, scene: Scene, run: RunPicture) -> None:
        rows = []
        for name, use in run.scale_up_utilisation.items():
            body = scene.bodies.get(name)
            if body is None or body.cells != len(use) or body.spec.rack is None:
                continue
            busy = np.flatnonzero(np.nan_to_num(use) > 1e-6)
            rows.append(body.first_cell + busy)
        chips = np.concatenate(rows) if rows else np.empty(0, np.int64)
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
