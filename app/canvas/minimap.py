"""The minimap: the whole drawing in a corner of the canvas, with the part that is in view."""

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.canvas.camera import Box, Camera
from app.canvas.layers.fills import Paints
from app.canvas.layers.labels import view_rect
from app.canvas.raster.kernels import fill_paths, fill_rects
from app.canvas.scene import Scene
from app.canvas.view import CanvasView

SIZE = QSize(184, 124)
MARGIN, INSIDE = 12, 6.0
LEAST_CANVAS = QSize(420, 320)  # on a smaller one it would be in the way


class Minimap(QWidget):
    """A child of the canvas; a click or a drag moves the view there."""

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._wanted = True
        self._camera = Camera()
        self._scene: Scene | None = None
        self._picture: QImage | None = None
        self.setFixedSize(SIZE)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Overview of the drawing"))
        self.setToolTip(self.tr("Click or drag to move the view"))
        canvas.zoom_changed.connect(self.refresh)
        canvas.document.changed.connect(self.refresh)
        canvas.document.replaced.connect(self.refresh)
        canvas.installEventFilter(self)
        self.refresh()

    def set_wanted(self, *, wanted: bool) -> None:
        """Shows it where there is room and something to show, or never."""
        self._wanted = wanted
        self.refresh()

    def refresh(self, *_args: object) -> None:
        """Follows the drawing and the view; hidden while all of the drawing is in view."""
        bounds = self._canvas.scene.bounds()
        room = self._canvas.size()
        large = room.width() >= LEAST_CANVAS.width() and room.height() >= LEAST_CANVAS.height()
        shown = self._wanted and large and bounds is not None and not self._holds(bounds)
        if shown:
            self.move(room.width() - self.width() - MARGIN, room.height() - self.height() - MARGIN)
            self.update()
        self.setVisible(shown)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stays in its corner; new colours are drawn anew."""
        if event.type() == QEvent.Type.Resize:
            self.refresh()
        elif event.type() == QEvent.Type.PaletteChange:
            self._picture = None
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The drawing, then the frame of what is in view."""
        paints = Paints(self.palette())
        with QPainter(self) as painter:
            painter.drawImage(0, 0, self._drawn(paints))
            accent = QColor(paints.colors.accent)
            wash = QColor(accent)
            wash.setAlpha(40)
            painter.setClipRect(self.rect().adjusted(1, 1, -1, -1))
            painter.setPen(QPen(accent, 1.5))
            painter.setBrush(wash)
            painter.drawRect(view_rect(self._canvas.seen, self._camera))
            painter.setClipping(False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(paints.colors.panel_edge), 1.0))
            painter.drawRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Brings the clicked place to the middle of the view."""
        self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The view follows."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event.position())

    def _go(self, place: QPointF) -> None:
        self._canvas.look_at(*self._camera.to_scene(place.x(), place.y()))

    def _holds(self, bounds: Box) -> bool:
        x, y, width, height = self._canvas.seen
        return (
            x <= bounds[0]
            and y <= bounds[1]
            and bounds[0] + bounds[2] <= x + width
            and bounds[1] + bounds[3] <= y + height
        )

    def _drawn(self, paints: Paints) -> QImage:
        """The picture of the drawing, made anew only for another scene."""
        scene = self._canvas.scene
        if self._picture is None or scene is not self._scene:
            self._scene = scene
            self._picture = self._draw(scene, paints)
        return self._picture

    def _draw(self, scene: Scene, paints: Paints) -> QImage:
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        pixels = np.full((height, width), paints.pixel("panel"), np.uint32)
        bounds = scene.bounds()
        if bounds is not None:
            self._camera.fit(bounds, self.width(), self.height(), INSIDE, 1.0)
            scale = self._camera.scale * ratio
            dx, dy = self._camera.dx * ratio, self._camera.dy * ratio
            count = len(scene.routes)
            lines = np.full(count, paints.pixel("link"), np.uint32)
            fill_paths(pixels, scene.routes, np.full(count, ratio), lines, scale, dx, dy)
            boxes = np.full(len(scene.boxes), paints.pixel("switch"), np.uint32)
            fill_rects(pixels, scene.boxes, boxes, scale, dx, dy, 0.0)
        image = QImage(
            pixels.data.cast("B"), width, height, 4 * width, QImage.Format.Format_RGB32
        ).copy()
        image.setDevicePixelRatio(ratio)
        return image
