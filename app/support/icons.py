"""Stroke icons from resources/icons, drawn in the colour of the palette at every pixel ratio."""

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from engine.catalog.resources import resource_path

SIZE = 20
RATIOS = (1.0, 2.0, 3.0)
MAX_KEPT = 300
_made: dict[tuple[str, str, str], QIcon] = {}
_drawn: dict[tuple[str, int, int, float], QPixmap] = {}


def icon_path(name: str) -> Path:
    """The file of an icon."""
    return resource_path("icons", f"{name}.svg")


def icon(name: str, color: QColor | None = None) -> QIcon:
    """The icon of a name in the text colour (or the given one), greyed where disabled."""
    palette = QGuiApplication.palette()
    active = color or palette.color(QPalette.ColorRole.WindowText)
    faded = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText)
    key = (name, active.name(), faded.name())
    made = _made.get(key)
    if made is None:
        made = QIcon()
        for ratio in RATIOS:
            made.addPixmap(pixmap(name, active, SIZE, ratio), QIcon.Mode.Normal)
            made.addPixmap(pixmap(name, faded, SIZE, ratio), QIcon.Mode.Disabled)
        if len(_made) > MAX_KEPT:
            _made.clear()
        _made[key] = made
    return made


def app_icon() -> QIcon:
    """The program's own icon."""
    return QIcon(str(icon_path("rackflow")))


def pixmap(name: str, color: QColor, size: int = SIZE, ratio: float = 1.0) -> QPixmap:
    """One icon as pixels: `size` device independent pixels at a pixel ratio."""
    key = (name, color.rgba(), size, ratio)
    made = _drawn.get(key)
    if made is None:
        if len(_drawn) > MAX_KEPT:
            _drawn.clear()
        made = _drawn[key] = _draw(name, color, size, ratio)
    return made


def _draw(name: str, color: QColor, size: int, ratio: float) -> QPixmap:
    text = _svg_text(name).replace("currentColor", color.name())
    renderer = QSvgRenderer(QByteArray(text.encode()))
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        renderer.render(painter, QRectF(0, 0, size * ratio, size * ratio))
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=128)
def _svg_text(name: str) -> str:
    return icon_path(name).read_text(encoding="utf-8")
