"""The picture under the overlay: one buffer, painted anew only when something in it changed."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QImage, QPainter

from app.canvas.camera import Camera
from app.canvas.layers.fills import (
    Marks,
    Paints,
    paint_devices,
    paint_ground,
    paint_links,
    paint_marks,
)
from app.canvas.layers.labels import paint_labels
from app.canvas.layers.particles import Particles
from app.canvas.raster.kernels import warm_up
from app.canvas.run_picture import RunPicture
from app.canvas.scene import Scene

U4 = NDArray[np.uint32]


class CanvasRaster:
    """Two buffers: the still picture, and a copy with the moving dots."""

    def __init__(self) -> None:
        warm_up()
        self._still: U4 = np.zeros((1, 1), np.uint32)
        self._moving: U4 = self._still.copy()
        self._ratio = 1.0
        self._dirty = True
        self._marks: Marks | None = None

    def invalidate(self) -> None:
        """The still picture must be painted again."""
        self._dirty = True

    def picture(
        self,
        size: tuple[int, int],
        ratio: float,
        scene: Scene,
        camera: Camera,
        paints: Paints,
        font: QFont,
        run: RunPicture | None,
        particles: Particles | None,
        marks: Marks | None = None,
    ) -> QImage:
        """The picture for a widget of `size` logical pixels; valid until the next call."""
        shape = (max(1, round(size[1] * ratio)), max(1, round(size[0] * ratio)))
        if self._still.shape != shape or ratio != self._ratio:
            self._still, self._moving = np.zeros(shape, np.uint32), np.zeros(shape, np.uint32)
            self._ratio, self._dirty = ratio, True
        if self._dirty or marks is not self._marks:
            self._paint_still(size, scene, camera, paints, font, run)
            if marks is not None:
                paint_marks(self._still, scene, camera, ratio, paints, marks)
            self._dirty, self._marks = False, marks
        if particles is None or not particles.count:
            return self._image(self._still)
        np.copyto(self._moving, self._still)
        particles.paint(self._moving, camera, ratio, paints)
        return self._image(self._moving)

    def _paint_still(
        self,
        size: tuple[int, int],
        scene: Scene,
        camera: Camera,
        paints: Paints,
        font: QFont,
        run: RunPicture | None,
    ) -> None:
        pixels = self._still
        paint_ground(pixels, camera, self._ratio, paints, scene)
        paint_links(pixels, scene, camera, self._ratio, paints, run)
        paint_devices(pixels, scene, camera, self._ratio, paints, run)
        image = self._image(pixels)
        with QPainter(image) as painter:
            painter.setFont(font)
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            view = QRectF(0, 0, size[0], size[1])
            paint_labels(painter, scene, camera, paints, run, view)

    def _image(self, pixels: U4) -> QImage:
        """The buffer as an image without a copy; the buffer outlives it here."""
        height, width = pixels.shape
        image = QImage(pixels.data.cast("B"), width, height, 4 * width, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self._ratio)
        return image
