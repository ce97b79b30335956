"""What a run has shown so far, thinned out as it grows, so that it can be scrubbed through."""

import bisect
import dataclasses

import numpy as np

from app.canvas.run_picture import RunPicture

MOST_PICTURES = 512
MOST_BYTES = 64 * 2**20
FEWEST = 16


class RunHistory:
    """Pictures in order of time; when there are too many every other one goes."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._pictures: list[RunPicture] = []
        self._every_s = 0.0

    def __len__(self) -> int:
        return len(self._times)

    def clear(self) -> None:
        """Forgets the run."""
        self._times, self._pictures, self._every_s = [], [], 0.0

    def add(self, time_s: float, picture: RunPicture) -> None:
        """Keeps a picture if enough simulated time has passed since the last one."""
        if self._times and time_s < self._times[-1] + self._every_s:
            return
        if self._times and time_s <= self._times[-1]:
            return
        self._times.append(time_s)
        self._pictures.append(dataclasses.replace(picture, playing=False))
        most = min(MOST_PICTURES, max(FEWEST, MOST_BYTES // max(picture_bytes(picture), 1)))
        if len(self._times) > most:
            self._times, self._pictures = self._times[::2], self._pictures[::2]
            span = self._times[-1] - self._times[0]
            self._every_s = max(2 * self._every_s, span / max(len(self._times) - 1, 1))

    def at(self, time_s: float) -> RunPicture | None:
        """The last picture at or before a time, the first one for earlier times."""
        if not self._times:
            return None
        return self._pictures[max(bisect.bisect_right(self._times, time_s) - 1, 0)]


def picture_bytes(picture: RunPicture) -> int:
    """Memory of a picture's arrays, roughly."""
    arrays = (*picture.chip_utilisation.values(), *picture.scale_up_utilisation.values())
    links = picture.links
    return sum(np.asarray(a).nbytes for a in (*arrays, links.use, links.bytes_per_s))
