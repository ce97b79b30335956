"""Pixels from arrays: fills and stamps on a buffer of 0xffRRGGBB pixels, changed in place."""

from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.kernel_cache import keep_kernels_of

keep_kernels_of("raster", [Path(__file__)])

F8 = NDArray[np.float64]
U4 = NDArray[np.uint32]


@njit(cache=True, nogil=True)
def fill_rects(
    pixels: U4, rects: F8, colors: U4, scale: float, dx: float, dy: float, gap: float
) -> None:
    """Fills rectangles [n, 4] (x, y, width, height in scene units) with their colours [n].

    Edges are rounded to whole pixels, so that neighbours of equal size keep equal gaps; a
    rectangle takes at least one pixel. `gap` pixels are left out at the right and bottom.
    """
    height, width = pixels.shape
    for i in range(rects.shape[0]):
        left = int(np.floor(rects[i, 0] * scale + dx + 0.5))
        top = int(np.floor(rects[i, 1] * scale + dy + 0.5))
        right = int(np.floor((rects[i, 0] + rects[i, 2]) * scale + dx + 0.5 - gap))
        bottom = int(np.floor((rects[i, 1] + rects[i, 3]) * scale + dy + 0.5 - gap))
        right = max(right, left + 1)
        bottom = max(bottom, top + 1)
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            continue
        color = colors[i]
        for y in range(max(top, 0), min(bottom, height)):
            for x in range(max(left, 0), min(right, width)):
                pixels[y, x] = color


@njit(cache=True, nogil=True)
def fill_paths(
    pixels: U4, paths: F8, widths: F8, colors: U4, scale: float, dx: float, dy: float
) -> None:
    """Draws orthogonal paths [n, corners, 2] as bars, `widths` [n] pixels wide, in colours [n]."""
    height, width = pixels.shape
    for i in range(paths.shape[0]):
        half = 0.5 * widths[i]
        for j in range(paths.shape[1] - 1):
            x1, y1 = paths[i, j, 0] * scale + dx, paths[i, j, 1] * scale + dy
            x2, y2 = paths[i, j + 1, 0] * scale + dx, paths[i, j + 1, 1] * scale + dy
            left = int(np.floor(min(x1, x2) - half + 0.5))
            top = int(np.floor(min(y1, y2) - half + 0.5))
            right = max(int(np.floor(max(x1, x2) + half + 0.5)), left + 1)
            bottom = max(int(np.floor(max(y1, y2) + half + 0.5)), top + 1)
            if right <= 0 or bottom <= 0 or left >= width or top >= height:
                continue
            color = colors[i]
            for y in range(max(top, 0), min(bottom, height)):
                for x in range(max(left, 0), min(right, width)):
                    pixels[y, x] = color


@njit(cache=True, nogil=True)
def stamp(pixels: U4, x: F8, y: F8, radius: F8, color: int) -> None:
    """Blends round dots of one colour: centres [n] in pixels, radii [n] in pixels."""
    height, width = pixels.shape
    red, green, blue = (color >> 16) & 255, (color >> 8) & 255, color & 255
    for i in range(x.size):
        r = radius[i]
        for row in range(max(int(y[i] - r - 1), 0), min(int(y[i] + r + 2), height)):
            for column in range(max(int(x[i] - r - 1), 0), min(int(x[i] + r + 2), width)):
                far = np.sqrt((column + 0.5 - x[i]) ** 2 + (row + 0.5 - y[i]) ** 2)
                cover = min(max(r + 0.5 - far, 0.0), 1.0)
                if cover > 0.0:
                    old = int(pixels[row, column])
                    mixed_red = int(((old >> 16) & 255) * (1 - cover) + red * cover)
                    mixed_green = int(((old >> 8) & 255) * (1 - cover) + green * cover)
                    mixed_blue = int((old & 255) * (1 - cover) + blue * cover)
                    pixels[row, column] = np.uint32(
                        0xFF000000 | (mixed_red << 16) | (mixed_green << 8) | mixed_blue
                    )


@njit(cache=True, nogil=True)
def along_paths(
    points: F8, start: NDArray[np.int64], which: NDArray[np.int64], share: F8, x: F8, y: F8
) -> None:
    """Points at a share [n] of the length of path `which` [n]; path p is points[start[p]:...]."""
    for i in range(which.size):
        first, last = start[which[i]], start[which[i] + 1]
        total = 0.0
        for j in range(first, last - 1):
            total += abs(points[j + 1, 0] - points[j, 0]) + abs(points[j + 1, 1] - points[j, 1])
        left = share[i] * total
        x[i], y[i] = points[last - 1, 0], points[last - 1, 1]
        for j in range(first, last - 1):
            length = abs(points[j + 1, 0] - points[j, 0]) + abs(points[j + 1, 1] - points[j, 1])
            if left <= length:
                part = left / length if length > 0.0 else 0.0
                x[i] = points[j, 0] + part * (points[j + 1, 0] - points[j, 0])
                y[i] = points[j, 1] + part * (points[j + 1, 1] - points[j, 1])
                break
            left -= length


def warm_up() -> None:
    """Compiles or loads every kernel, so that no frame of a run waits for it."""
    pixels, none = np.zeros((1, 1), np.uint32), np.empty(0)
    fill_rects(pixels, np.empty((0, 4)), np.empty(0, np.uint32), 1.0, 0.0, 0.0, 0.0)
    fill_paths(pixels, np.empty((0, 4, 2)), none, np.empty(0, np.uint32), 1.0, 0.0, 0.0)
    stamp(pixels, none, none, none, 0)
    numbers = np.empty(0, np.int64)
    along_paths(np.empty((0, 2)), np.zeros(1, np.int64), numbers, none, none, none)
