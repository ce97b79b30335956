"""Texts of the drawing: names, devices, badges, cables of links, use of chips when near."""

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPolygonF

from app.canvas.camera import Camera
from app.canvas.layers.fills import (
    DETAIL,
    DEVICE,
    HALL,
    KIND_COLORS,
    RACK,
    Paints,
    closed_use,
)
from app.canvas.picking import handles_of
from app.canvas.run_picture import RunPicture
from app.canvas.scene import Body, GroupFrame, Scene
from app.support.icons import pixmap
from engine.catalog.devices import Status
from engine.scenario.design import Note
from engine.scenario.notes import LINE, PADDING, box_of, lines_of
from engine.units import format_quantity

SMALLEST_PX, LARGEST_PX = 9, 15
CELL_TEXTS = 600
ROOM_PX = 4
NOTE_PX = 7  # a text that nobody made for us is read a little smaller too
MOST_LINK_TEXTS = 1500  # that are looked at; most of so many hide each other
NARROWEST_PX = 36.0


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


def paint_labels(
    painter: QPainter,
    scene: Scene,
    camera: Camera,
    paints: Paints,
    run: RunPicture | None,
    view: QRectF,
) -> None:
    """All texts that are large enough to be read and lie in the view."""
    for frame in scene.groups:
        _group_name(painter, frame, camera, paints)
        if frame.collapsed:
            _closed_text(painter, scene, frame, camera, paints, run)
    for note in scene.notes:
        _note(painter, note, camera, paints, view)
    for row in _rows_in_view(scene, camera, view, NARROWEST_PX):
        body = scene.body(row)
        _body_labels(painter, body, view_rect(body.box, camera), camera, paints)
    if camera.scale >= DEVICE:
        _link_labels(painter, scene, camera, paints, run, view)
    if camera.scale >= 1.5 * DETAIL:
        _cell_labels(painter, scene, camera, paints, run, view)


def _rows_in_view(scene: Scene, camera: Camera, view: QRectF, narrowest_px: float) -> list[int]:
    """Elements that are to be seen and at least so wide."""
    boxes = scene.boxes
    if not len(boxes) or camera.scale <= 0:
        return []
    left, top = camera.to_scene(view.left(), view.top())
    right, bottom = camera.to_scene(view.right(), view.bottom())
    seen = (
        (boxes[:, 0] <= right)
        & (boxes[:, 0] + boxes[:, 2] >= left)
        & (boxes[:, 1] <= bottom)
        & (boxes[:, 1] + boxes[:, 3] >= top)
        & (boxes[:, 2] * camera.scale >= narrowest_px)
        & ~scene.hidden
    )
    rows: list[int] = np.flatnonzero(seen).tolist()
    return rows


def view_rect(box: tuple[float, float, float, float], camera: Camera) -> QRectF:
    """A scene box in widget pixels."""
    x, y = camera.to_view(box[0], box[1])
    return QRectF(x, y, box[2] * camera.scale, box[3] * camera.scale)


def sized_font(painter: QPainter, pixels: float, *, bold: bool = False) -> QFont:
    """The widget's font at a size, kept within what can be read."""
    font = QFont(painter.font())
    font.setPixelSize(int(min(max(pixels, SMALLEST_PX), LARGEST_PX)))
    font.setBold(bold)
    return font


def _note(painter: QPainter, note: Note, camera: Camera, paints: Paints, view: QRectF) -> None:
    """A sheet with the text of a note; from afar the sheet alone."""
    rect = view_rect(box_of(note), camera)
    if not rect.intersects(view):
        return
    painter.fillRect(rect, QColor(paints.colors.notice))
    painter.fillRect(QRectF(rect.x(), rect.y(), 3, rect.height()), QColor(paints.colors.accent))
    size = 12 * camera.scale
    if size < NOTE_PX:
        return
    font = QFont(painter.font())
    font.setPixelSize(max(1, int(size)))
    font.setBold(False)
    painter.setFont(font)
    painter.setPen(QColor(paints.colors.ink))
    padding, line = PADDING * camera.scale, LINE * camera.scale
    for number, text in enumerate(lines_of(note)):
        place = QRectF(
            rect.x() + padding, rect.y() + padding + number * line, rect.width() - padding, line
        )
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)


def _group_name(painter: QPainter, frame: GroupFrame, camera: Camera, paints: Paints) -> None:
    """The name behind a mark that collapses and expands."""
    rect = view_rect(frame.box, camera)
    if rect.width() < NARROWEST_PX:
        return
    font = sized_font(painter, 12 * camera.scale, bold=True)
    painter.setFont(font)
    painter.setPen(QColor(paints.colors.ink if frame.collapsed else paints.colors.muted))
    top, side = rect.y() + 8 * min(camera.scale, 1.0), 8.0 * max(min(camera.scale, 1.25), 0.6)
    left = rect.x() + 8
    mark = QRectF(left, top + (font.pixelSize() * 1.25 - side) / 2, side, side)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(painter.pen().color())
    painter.drawPolygon(_triangle(mark, down=not frame.collapsed))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    left += side + 6
    line = QRectF(left, top, rect.right() - left - 8, font.pixelSize() * 1.4)
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft, _elided(painter, frame.name, line.width()))


def _triangle(box: QRectF, *, down: bool) -> QPolygonF:
    if down:
        corners = [box.topLeft(), box.topRight(), QPointF(box.center().x(), box.bottom())]
    else:
        corners = [box.topLeft(), QPointF(box.right(), box.center().y()), box.bottomLeft()]
    return QPolygonF(corners)


def closed_text(scene: Scene, frame: GroupFrame, run: RunPicture | None) -> str:
    """What a collapsed group holds and how busy it is."""
    rows = frame.rows
    devices = sum(scene.elements[row].count for row in rows.tolist())
    chips = int((scene.first_cell[rows + 1] - scene.first_cell[rows]).sum())
    text = _tr("devices: {0:,}").format(devices)
    if chips:
        text += _tr(", chips: {0:,}").format(chips)
    if run is not None and np.isfinite(use := closed_use(scene, frame, run)):
        text += _tr(", down") if use < 0 else _tr(", use {0:.0%}").format(use)
    return text


def _closed_text(
    painter: QPainter,
    scene: Scene,
    frame: GroupFrame,
    camera: Camera,
    paints: Paints,
    run: RunPicture | None,
) -> None:
    scale = camera.scale
    rect = view_rect(frame.box, camera)
    if scale * 10 < SMALLEST_PX - 2.5 or rect.width() < NARROWEST_PX:
        return
    painter.setFont(sized_font(painter, 10 * scale))
    painter.setPen(QColor(paints.colors.muted))
    line = QRectF(rect.x() + 8, rect.y() + 27 * scale, rect.width() - 16, 16 * max(scale, 1.0))
    text = _elided(painter, closed_text(scene, frame, run), line.width())
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft, text)


def _body_labels(
    painter: QPainter, body: Body, rect: QRectF, camera: Camera, paints: Paints
) -> None:
    scale = camera.scale
    count = f" x{body.element.count}" if body.element.count > 1 else ""
    title = f"{body.element.name}{count}"
    if scale < RACK:
        if scale >= HALL and rect.height() >= 14:
            painter.setFont(sized_font(painter, SMALLEST_PX, bold=True))
            painter.setPen(QColor(paints.colors.ink))
            line = QRectF(rect.x() + 3, rect.y() + 1, rect.width() - 6, 14)
            painter.drawText(
                line, Qt.AlignmentFlag.AlignVCenter, _elided(painter, title, line.width())
            )
        return
    left = rect.x() + 8 * scale
    top = rect.y() + 7 * scale
    icon_px = 18 * scale
    if scale >= DEVICE:
        ratio = painter.device().devicePixelRatioF()
        color = QColor(KIND_COLORS[body.element.kind])
        drawn = pixmap(body.element.kind.value, color, max(8, round(icon_px)), ratio)
        painter.drawPixmap(QPointF(left, top + 4 * scale), drawn)
        left += icon_px + 6 * scale
    width = rect.right() - left - 6 * scale
    painter.setFont(sized_font(painter, 12 * scale, bold=True))
    painter.setPen(QColor(paints.colors.ink))
    height = QFontMetricsF(painter.font()).height()
    painter.drawText(
        QRectF(left, top, width, height),
        Qt.AlignmentFlag.AlignLeft,
        _elided(painter, title, width),
    )
    if scale * 10 >= SMALLEST_PX - 2.5:
        painter.setFont(sized_font(painter, 10 * scale))
        painter.setPen(QColor(paints.colors.muted))
        badge = "" if body.spec.status is Status.AVAILABLE else f"  ({body.spec.status.value})"
        painter.drawText(
            QRectF(left, top + height - 1, width, height),
            Qt.AlignmentFlag.AlignLeft,
            _elided(painter, f"{body.spec.name}{badge}", width),
        )
    if scale >= DETAIL:
        _port_names(painter, body, camera, paints)


def _port_names(painter: QPainter, body: Body, camera: Camera, paints: Paints) -> None:
    painter.setFont(sized_font(painter, SMALLEST_PX))
    painter.setPen(QColor(paints.colors.muted))
    bottom = body.box[1] + body.box[3]
    counts = {port.name: port.count for port in body.spec.ports}
    for handle in handles_of(body):
        if handle.y == bottom:
            x, y = camera.to_view(handle.x, handle.y)
            text = f"{handle.port} x{counts[handle.port]}"
            painter.drawText(QRectF(x - 60, y - 16, 120, 13), Qt.AlignmentFlag.AlignCenter, text)


def _link_labels(
    painter: QPainter,
    scene: Scene,
    camera: Camera,
    paints: Paints,
    run: RunPicture | None,
    view: QRectF,
) -> None:
    painter.setFont(sized_font(painter, 10 * camera.scale))
    metrics = QFontMetricsF(painter.font())
    room = _Room(view)
    if not len(scene.routes):
        return
    middles = (scene.routes[:, 1] + scene.routes[:, 2]) / 2 * camera.scale
    middles += (camera.dx, camera.dy)
    seen = (
        (middles[:, 0] >= view.left())
        & (middles[:, 0] <= view.right())
        & (middles[:, 1] >= view.top())
        & (middles[:, 1] <= view.bottom())
    )
    for number in np.flatnonzero(seen).tolist()[:MOST_LINK_TEXTS]:
        name = scene.link_ids[number]
        link = scene.links[name]
        x, y = middles[number].tolist()
        text = _link_text(link.count, link.bandwidth_bytes_per_s)
        if run is not None:
            use = run.links.use_of(name)
            text += f"  {_percent(use)}"
        width = metrics.horizontalAdvance(text) + 8
        box = QRectF(x - width / 2, y - metrics.height() / 2, width, metrics.height())
        if not room.take(box):
            continue  # an overlapping label would hide both
        painter.fillRect(box, QColor(paints.colors.paper))
        painter.setPen(QColor(paints.colors.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


@lru_cache(maxsize=256)
def _link_text(count: int, bytes_per_s: float) -> str:
    return f"{count} x {format_quantity(bytes_per_s, 'B/s')}"


class _Room:
    """Which places of a view have a text already, in squares of some pixels."""

    def __init__(self, view: QRectF) -> None:
        self._view = view
        shape = (int(view.height()) // ROOM_PX + 2, int(view.width()) // ROOM_PX + 2)
        self._taken = np.zeros(shape, np.bool_)

    def take(self, box: QRectF) -> bool:
        """Takes the place of a text if nothing is there."""
        x, y = box.x() - self._view.x(), box.y() - self._view.y()
        rows = slice(max(int(y) // ROOM_PX, 0), int(y + box.height()) // ROOM_PX + 1)
        columns = slice(max(int(x) // ROOM_PX, 0), int(x + box.width()) // ROOM_PX + 1)
        part = self._taken[rows, columns]
        if part.any():
            return False
        part[:] = True
        return True


def _percent(share: float) -> str:
    if share <= 0:
        return "0 %"
    if share < 0.0005:
        return "<0.1 %"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _cell_labels(
    painter: QPainter,
    scene: Scene,
    camera: Camera,
    paints: Paints,
    run: RunPicture | None,
    view: QRectF,
) -> None:
    """Number of a chip, or its use in a run, inside its cell."""
    painter.setFont(sized_font(painter, SMALLEST_PX))
    painter.setPen(QColor(paints.colors.ink))
    shown = 0
    for row in _rows_in_view(scene, camera, view, 0.0):
        body = scene.body(row)
        if body.spec.rack is None:
            continue
        use = run.chip_utilisation.get(body.element.id) if run is not None else None
        for chip in range(body.cells):
            cell = scene.cells[body.first_cell + chip]
            rect = view_rect((cell[0], cell[1], cell[2], cell[3]), camera)
            if not rect.intersects(view):
                continue
            known = use is not None and chip < len(use) and np.isfinite(use[chip])
            text = f"{max(use[chip], 0.0):.0%}" if use is not None and known else str(chip)
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
            shown += 1
            if shown >= CELL_TEXTS:
                return


def _elided(painter: QPainter, text: str, width: float) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(0, int(width)))
