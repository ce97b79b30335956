"""Traffic without motion: an arrow on each link for each way that carries something."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from app.canvas.camera import Camera
from app.canvas.layers.fills import HALL, Paints
from app.canvas.layers.particles import LEAST_BYTES_PER_S
from app.canvas.run_picture import F8, RunPicture
from app.canvas.scene import Scene

MOST = 1500
SMALL_PX, GROWTH_PX = 5.0, 6.0  # length of an arrow without use, and what full use adds
APART_PX = 2.0  # between the two ways of a link


def arrows(scene: Scene, run: RunPicture, camera: Camera, view: QRectF) -> tuple[F8, F8, F8]:
    """Arrows to be seen: places in the widget, directions, lengths in pixels.

    Returns:
        [arrows, 2], [arrows, 2] of length 1, [arrows].
    """
    carried = scene.by_link(run.links.names, run.links.bytes_per_s)
    use = scene.by_link(run.links.names, run.links.use)
    links, way = np.nonzero(carried >= LEAST_BYTES_PER_S)
    routes = scene.routes[links]
    steps = np.diff(routes, axis=1)
    longest = np.argmax(np.abs(steps).sum(axis=2), axis=1)
    rows = np.arange(len(links))
    along = steps[rows, longest]
    lengths = np.hypot(along[:, 0], along[:, 1])
    places = (routes[rows, longest] + routes[rows, longest + 1]) / 2 * camera.scale
    places += (camera.dx, camera.dy)
    heads = along / np.maximum(lengths, 1e-9)[:, None]
    heads[way == 1] *= -1.0
    size = SMALL_PX + GROWTH_PX * np.sqrt(np.clip(use[links, way], 0.0, 1.0))
    places += heads * (APART_PX + size / 2)[:, None]
    seen = (
        (places[:, 0] >= view.left())
        & (places[:, 0] <= view.right())
        & (places[:, 1] >= view.top())
        & (places[:, 1] <= view.bottom())
        & (lengths > 0)
    )
    kept = np.flatnonzero(seen)
    kept = kept[:: max(1, -(-len(kept) // MOST))]
    return places[kept], heads[kept], size[kept]


def paint_arrows(
    painter: QPainter, scene: Scene, run: RunPicture, camera: Camera, paints: Paints, view: QRectF
) -> None:
    """All arrows in view; none from afar, where links are too thin for them."""
    if camera.scale < HALL or not len(scene.routes):
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(paints.colors.particle))
    places, heads, sizes = arrows(scene, run, camera, view)
    side = np.stack([-heads[:, 1], heads[:, 0]], axis=1) * (0.45 * sizes)[:, None]
    tips, backs = places + heads * (sizes / 2)[:, None], places - heads * (sizes / 2)[:, None]
    for corners in np.stack([tips, backs + side, backs - side], axis=1).tolist():
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
