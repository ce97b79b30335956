"""Small pictures of designs: for recent files, examples, versions and what a crash has left."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QFont, QImage, QPalette

from app.canvas.camera import Camera
from app.canvas.canvas_raster import CanvasRaster
from app.canvas.layers.fills import Paints
from app.canvas.scene import make_scene
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design

MARGIN_PX = 8.0
MOST_SCALE = 0.5
EMPTY_BOX = (0.0, 0.0, 640.0, 400.0)


def thumbnail(
    design: Design, catalog: Catalog, size: QSize, palette: QPalette, ratio: float = 1.0
) -> QImage:
    """The whole drawing in a picture of `size` logical pixels, in the colours of a palette."""
    scene = make_scene(design, catalog, {})
    camera = Camera()
    camera.fit(scene.bounds() or EMPTY_BOX, size.width(), size.height(), MARGIN_PX, MOST_SCALE)
    shape = (size.width(), size.height())
    raster = CanvasRaster()
    return raster.picture(shape, ratio, scene, camera, Paints(palette), QFont(), None, None).copy()
