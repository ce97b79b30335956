"""What lies over the drawing: selection, hover, handles, gestures' previews, legend, hints."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QLinearGradient,
    QPainter,
    QPen,
    QPolygonF,
)

from app.canvas.camera import Box, Camera, Point
from app.canvas.layers.fills import Paints
from app.canvas.layers.labels import sized_font, view_rect
from app.canvas.picking import HANDLES_FROM_SCALE, handles_of
from app.canvas.scene import Scene
from engine.scenario.notes import box_of

PULSE_S = 1.6
STILL_PHASE = 0.25
MANY = 200  # selected things that are framed one by one


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


@dataclass(slots=True)
class Overlay:
    """Session state that is drawn but never saved; gestures and the view write it."""

    hovered: str = ""
    hovered_port: str = ""
    show_handles: bool = False
    rubber: Box | None = None  # scene
    caught: frozenset[str] = frozenset()  # what the rubber band would select
    ghosts: list[tuple[Box, str]] = field(default_factory=list)  # scene boxes with a caption
    guides: list[tuple[Point, Point]] = field(default_factory=list)  # scene
    wire: tuple[Point, Point] | None = None  # scene
    verdict: str = ""
    verdict_ok: bool = True
    pointer: Point = (0.0, 0.0)  # widget pixels
    targets: dict[str, bool] = field(default_factory=dict)  # legal and illegal ends of a link
    pulse: frozenset[str] = frozenset()
    pulse_left_s: float = 0.0
    still: bool = False  # nothing moves by itself

    def clear_gesture(self) -> None:
        """Forgets everything that belongs to a gesture."""
        self.rubber = None
        self.caught = frozenset()
        self.ghosts = []
        self.guides = []
        self.wire = None
        self.verdict = ""
        self.targets = {}


def paint_overlay(
    painter: QPainter,
    overlay: Overlay,
    scene: Scene,
    camera: Camera,
    paints: Paints,
    selection: frozenset[str],
) -> None:
    """Everything over the drawing but the legend."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _targets(painter, overlay, scene, camera, paints)
    if len(selection) <= MANY:  # many are part of the picture below
        for name in selection:
            _outline(painter, name, scene, camera, QColor(paints.colors.accent), 2.0)
    if overlay.hovered and overlay.hovered not in selection:
        color = QColor(paints.colors.accent)
        color.setAlpha(130)
        _outline(painter, overlay.hovered, scene, camera, color, 1.5)
    _pulse(painter, overlay, scene, camera, paints)
    if overlay.show_handles:
        _handles(painter, overlay, scene, camera, paints)
    _gesture(painter, overlay, camera, paints)


def _outline(
    painter: QPainter, name: str, scene: Scene, camera: Camera, color: QColor, width: float
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, width))
    body = scene.bodies.get(name)
    if body is not None:
        painter.drawRoundedRect(view_rect(body.box, camera).adjusted(-3, -3, 3, 3), 4, 4)
    elif (note := next((n for n in scene.notes if n.id == name), None)) is not None:
        painter.drawRect(view_rect(box_of(note), camera).adjusted(-2, -2, 2, 2))
    elif name in scene.links:
        route = scene.routes[scene.link_rows[name]]
        painter.setPen(QPen(color, width + 2.0))
        painter.drawPolyline(QPolygonF([QPointF(*camera.to_view(x, y)) for x, y in route]))


def _targets(
    painter: QPainter, overlay: Overlay, scene: Scene, camera: Camera, paints: Paints
) -> None:
    for name, legal in overlay.targets.items():
        body = scene.bodies.get(name)
        if body is None:
            continue
        rect = view_rect(body.box, camera)
        if legal:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(paints.colors.good), 2.0, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(rect.adjusted(-4, -4, 4, 4), 5, 5)
        else:
            veil = QColor(paints.colors.paper)
            veil.setAlpha(150)
            painter.fillRect(rect, veil)


def _pulse(
    painter: QPainter, overlay: Overlay, scene: Scene, camera: Camera, paints: Paints
) -> None:
    if overlay.pulse_left_s <= 0:
        return
    phase = (PULSE_S - overlay.pulse_left_s) / PULSE_S * 3.0 % 1.0
    if overlay.still:
        phase = STILL_PHASE
    color = QColor(paints.colors.bad)
    color.setAlphaF(1.0 - phase)
    grow = 3.0 + 12.0 * phase
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 3.0))
    for name in overlay.pulse:
        body = scene.bodies.get(name)
        if body is not None:
            rect = view_rect(body.box, camera).adjusted(-grow, -grow, grow, grow)
            painter.drawRoundedRect(rect, 4 + grow / 2, 4 + grow / 2)
        else:
            _outline(painter, name, scene, camera, color, 3.0 + grow / 3)


def _handles(
    painter: QPainter, overlay: Overlay, scene: Scene, camera: Camera, paints: Paints
) -> None:
    body = scene.bodies.get(overlay.hovered)
    if body is None or camera.scale < HANDLES_FROM_SCALE:
        return
    for handle in handles_of(body):
        x, y = camera.to_view(handle.x, handle.y)
        hot = handle.port == overlay.hovered_port
        painter.setPen(QPen(QColor(paints.colors.accent), 1.5))
        painter.setBrush(QColor(paints.colors.accent if hot else paints.colors.paper))
        painter.drawEllipse(QPointF(x, y), 6.0 if hot else 4.5, 6.0 if hot else 4.5)
    if overlay.hovered_port and not overlay.verdict:
        port = body.spec.port(overlay.hovered_port)
        if port is not None:
            text = _tr("{0}: {1} x {2}, drag to link").format(
                port.name, port.count, port.medium.value
            )
            bubble(painter, text, overlay.pointer, paints.colors.accent, paints)


def _gesture(painter: QPainter, overlay: Overlay, camera: Camera, paints: Paints) -> None:
    accent = QColor(paints.colors.accent)
    painter.setPen(QPen(accent, 1.0, Qt.PenStyle.DashLine))
    for (x1, y1), (x2, y2) in overlay.guides:
        painter.drawLine(QPointF(*camera.to_view(x1, y1)), QPointF(*camera.to_view(x2, y2)))
    if overlay.rubber is not None:
        wash = QColor(accent)
        wash.setAlpha(36)
        painter.setBrush(wash)
        painter.setPen(QPen(accent, 1.0))
        painter.drawRect(view_rect(overlay.rubber, camera))
    for box, caption in overlay.ghosts:
        wash = QColor(accent)
        wash.setAlpha(48)
        painter.setBrush(wash)
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.DashLine))
        rect = view_rect(box, camera)
        painter.drawRoundedRect(rect, 4, 4)
        if caption:
            bubble(painter, caption, (rect.x(), rect.bottom() + 2), paints.colors.accent, paints)
    if overlay.wire is not None:
        color = QColor(paints.colors.good if overlay.verdict_ok else paints.colors.bad)
        painter.setPen(QPen(color, 2.5))
        (x1, y1), (x2, y2) = overlay.wire
        painter.drawLine(QPointF(*camera.to_view(x1, y1)), QPointF(*camera.to_view(x2, y2)))
    if overlay.verdict:
        color_name = paints.colors.good if overlay.verdict_ok else paints.colors.bad
        bubble(painter, overlay.verdict, overlay.pointer, color_name, paints)


def bubble(painter: QPainter, text: str, at: Point, color: str, paints: Paints) -> None:
    """A short text, of one line or some, beside a widget point, kept inside the widget."""
    painter.setFont(sized_font(painter, 12))
    metrics = QFontMetricsF(painter.font())
    window = painter.viewport()
    lines = text.split("\n")
    wide = max(metrics.horizontalAdvance(line) for line in lines)
    width = min(wide + 20, window.width() - 8.0)
    height = metrics.lineSpacing() * len(lines) + 10
    x = min(max(at[0] + 14, 4.0), window.width() - width - 4)
    y = at[1] + 18
    if y + height > window.height() - 4:
        y = max(at[1] - height - 10, 4.0)
    box = QRectF(x, y, width, height)
    painter.setPen(QPen(QColor(color), 1.0))
    painter.setBrush(QColor(paints.colors.panel))
    painter.drawRoundedRect(box, 4, 4)
    painter.fillRect(QRectF(x, y + 4, 3, height - 8), QColor(color))
    for number, line in enumerate(lines):
        painter.setPen(QColor(paints.colors.ink if number == 0 else paints.colors.muted))
        row = QRectF(x + 10, y + 5 + number * metrics.lineSpacing(), width - 16, metrics.height())
        shown = metrics.elidedText(line, Qt.TextElideMode.ElideRight, row.width())
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, shown)


def paint_legend(
    painter: QPainter,
    size: QRectF,
    paints: Paints,
    *,
    stale: bool,
    down: bool = False,
    still: bool = False,
) -> None:
    """What the colours and dots, or arrows, of a run mean, in the lower left corner."""
    width, height = 204.0, 78.0 if down else 62.0
    box = QRectF(size.x() + 12, size.bottom() - height - 12, width, height)
    panel = QColor(paints.colors.panel)
    panel.setAlpha(235)
    painter.setPen(QPen(QColor(paints.colors.panel_edge), 1.0))
    painter.setBrush(panel)
    painter.drawRoundedRect(box, 5, 5)
    ramp = QRectF(box.x() + 12, box.y() + 24, width - 24, 8)
    gradient = QLinearGradient(ramp.topLeft(), ramp.topRight())
    for number, color in enumerate(paints.colors.heat):
        gradient.setColorAt(number / (len(paints.colors.heat) - 1), QColor(color))
    painter.fillRect(ramp, gradient)
    painter.setFont(sized_font(painter, 11))
    painter.setPen(QColor(paints.colors.ink))
    title = _tr("Use of chips and links") if not stale else _tr("Use before the last edit")
    painter.drawText(QRectF(box.x() + 12, box.y() + 5, width - 24, 16), 0, title)
    painter.setPen(QColor(paints.colors.muted))
    painter.setFont(sized_font(painter, 10))
    below = QRectF(ramp.x(), ramp.bottom() + 3, ramp.width(), 14)
    painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0 %")
    painter.drawText(below, Qt.AlignmentFlag.AlignRight, "100 %")
    painter.setBrush(QColor(paints.colors.particle))
    painter.setPen(Qt.PenStyle.NoPen)
    middle = _tr("arrows: traffic") if still else _tr("dots: traffic")
    wide = QFontMetricsF(painter.font()).horizontalAdvance(middle)
    painter.drawEllipse(QPointF(below.center().x() - wide / 2 - 8, below.center().y()), 2.6, 2.6)
    painter.setPen(QColor(paints.colors.muted))
    painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, middle)
    if down:
        painter.fillRect(QRectF(ramp.x(), below.bottom() + 4, 14, 8), QColor(paints.colors.down))
        line = QRectF(ramp.x() + 20, below.bottom() + 1, ramp.width() - 20, 14)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, _tr("down"))


def paint_empty(
    painter: QPainter, size: QRectF, paints: Paints, hints: Sequence[str] = ()
) -> None:
    """What to do with an empty canvas: a title and a line for each hint, as many as fit."""
    title = _tr("Drag a rack from the palette")
    lines = [_tr("Pull a link from the dots at a device's edge to another device."), *hints]
    painter.setPen(QColor(paints.colors.ink))
    painter.setFont(sized_font(painter, 15, bold=True))
    width = size.width() - 24.0
    wrapped = int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap)
    heights = [painter.boundingRect(QRectF(0, 0, width, 1000), wrapped, title).height()]
    small = sized_font(painter, 12)
    metrics = QFontMetricsF(small)
    box = QRectF(0, 0, width, 1000)
    heights += [metrics.boundingRect(box, wrapped, line).height() for line in lines]
    y = max(8.0, size.center().y() - (sum(heights) + 8.0 * len(lines)) / 2)
    for number, (line, height) in enumerate(zip([title, *lines], heights, strict=True)):
        if number == 1:
            painter.setFont(small)
            painter.setPen(QColor(paints.colors.muted))
        painter.drawText(QRectF(size.x() + 12, y, width, height + 2), wrapped, line)
        y += height + 8.0
