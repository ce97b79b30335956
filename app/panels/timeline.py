"""The timeline of a run: a strip with planned faults above, what has happened below, and now."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from app.panels.timeline_marks import Mark, MarkKind, mark_text, rounded_time, ticks
from app.support.theme import CanvasColors, canvas_colors
from engine.units import format_quantity

THINNED_PX = 3.0  # marks of one kind that are nearer are drawn as one
KEY_MOVES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
OWN_KEYS = (*KEY_MOVES, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_F2, Qt.Key.Key_Escape)
KEY_SHARE = 0.01  # of the axis, for Alt and an arrow
MOST_TIPS = 6


class Timeline(QWidget):
    """Draws marks and turns clicks, drags and keys into wishes; it changes nothing itself."""

    looked_at = Signal(float)  # simulated time
    mark_activated = Signal(object)  # Mark: show where it is, and look at its time
    edit_requested = Signal(int)  # row of the plan
    move_requested = Signal(int, float)  # row of the plan, its new time

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.planned: tuple[Mark, ...] = ()
        self.happened: tuple[Mark, ...] = ()
        self.until_s = 1.0
        self.done_s = 0.0  # what was simulated
        self.now_s: float | None = None  # what is shown
        self.chosen: Mark | None = None
        self._pressed: Mark | None = None
        self._scrubs = False
        self._pressed_x = 0.0
        self._dragged_s: float | None = None
        self._left = self._names_width()
        self._picture: QPixmap | None = None  # of all marks, until one changes
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Timeline of faults"))

    def show_plan(self, marks: Sequence[Mark], until_s: float) -> None:
        """Shows other planned faults, and the end of the axis."""
        self.planned, self.until_s = tuple(marks), max(until_s, 1e-9)
        self._choose_again()

    def show_log(self, marks: Sequence[Mark]) -> None:
        """Shows what has happened."""
        self.happened = tuple(marks)
        self._choose_again()

    def show_time(self, done_s: float, now_s: float | None) -> None:
        """Moves the part that was simulated and the line that says what is shown."""
        self.done_s, self.now_s = done_s, now_s
        self.update()

    def choose(self, mark: Mark | None) -> None:
        """Rings a mark."""
        self.chosen = mark
        self.setAccessibleDescription("" if mark is None else mark_text(mark))
        self.update()

    def marks(self) -> list[Mark]:
        """All marks in order of time."""
        return sorted((*self.planned, *self.happened), key=lambda mark: mark.time_s)

    def marks_at(self, place: QPointF) -> list[Mark]:
        """The marks under a place, the nearest first."""
        reach = self._size() * 0.75
        left, right = self._axis()
        scale = (right - left) / self.until_s
        planned_lane = place.y() < self._lane(planned=False) - self._lane_height() / 2
        lane = self.planned if planned_lane else self.happened
        wanted = place.x() - left

        def far(mark: Mark) -> float:
            return abs(min(mark.time_s, self.until_s) * scale - wanted)

        return sorted((mark for mark in lane if far(mark) <= reach), key=far)

    def x_of(self, time_s: float) -> float:
        """Where a time is; those beyond the end are at the end."""
        share = min(max(time_s / self.until_s, 0.0), 1.0)
        left, right = self._axis()
        return left + share * (right - left)

    def time_at(self, x: float) -> float:
        """The time at a place."""
        left, right = self._axis()
        share = (x - left) / max(right - left, 1.0)
        return min(max(share, 0.0), 1.0) * self.until_s

    def place_of(self, mark: Mark) -> QPointF:
        """The middle of a mark."""
        planned = mark.kind is MarkKind.PLANNED
        return QPointF(self.x_of(mark.time_s), self._lane(planned=planned))

    def sizeHint(self) -> QSize:
        """Two lanes and a line of times."""
        return QSize(300, self._height())

    def minimumSizeHint(self) -> QSize:
        """As high as its hint."""
        return QSize(120, self._height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """On a mark: chooses it; beside: looks at that time."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        found = self.marks_at(event.position())
        self._pressed = found[0] if found else None
        self._pressed_x, self._dragged_s = event.position().x(), None
        self._scrubs = self._pressed is None
        if self._pressed is not None:
            self.choose(self._pressed)
        else:
            self._look(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drags a planned fault, or goes on looking."""
        x = event.position().x()
        if not event.buttons() & Qt.MouseButton.LeftButton:
            over = bool(self.marks_at(event.position()))
            self.setCursor(
                Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
            )
        elif self._scrubs:
            self._look(x)
        elif self._pressed is not None and self._pressed.row >= 0:
            far = abs(x - self._pressed_x) >= QApplication.startDragDistance()
            if far or self._dragged_s is not None:
                left, right = self._axis()
                pixel_s = self.until_s / max(right - left, 1.0)
                self._dragged_s = rounded_time(self.time_at(x), pixel_s)
                self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends a drag with one edit; a click on a mark shows where it is."""
        pressed, moved = self._pressed, self._dragged_s
        self._stop_drag()
        if event.button() != Qt.MouseButton.LeftButton or pressed is None:
            return
        if moved is None:
            self.mark_activated.emit(pressed)
        elif moved != pressed.time_s:
            self.move_requested.emit(pressed.row, moved)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Edits a planned fault."""
        found = self.marks_at(event.position())
        if found and found[0].row >= 0:
            self.edit_requested.emit(found[0].row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from mark to mark, with Alt they move a planned one; Enter shows it, F2 edits."""
        key = Qt.Key(event.key())
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if key == Qt.Key.Key_Escape and self._pressed is not None:
            self._stop_drag()
        elif key in KEY_MOVES and alt and self.chosen is not None and self.chosen.row >= 0:
            wanted = self.chosen.time_s + KEY_MOVES[key] * KEY_SHARE * self.until_s
            time_s = min(
                max(rounded_time(wanted, KEY_SHARE * self.until_s / 10), 0.0), self.until_s
            )
            self.move_requested.emit(self.chosen.row, time_s)
        elif key in KEY_MOVES:
            self._step(KEY_MOVES[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.marks():
            self.choose(self.marks()[0 if key == Qt.Key.Key_Home else -1])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen is not None:
            self.mark_activated.emit(self.chosen)
        elif key == Qt.Key.Key_F2 and self.chosen is not None and self.chosen.row >= 0:
            self.edit_requested.emit(self.chosen.row)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Other colours and fonts; the names of the lanes need another room."""
        super().changeEvent(event)
        self._picture = None
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._left = self._names_width()
            self.updateGeometry()

    def event(self, event: QEvent) -> bool:
        """Tips say what is under the pointer; keys of the marks are no shortcuts meanwhile."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in OWN_KEYS
            and self.marks()
        ):
            event.accept()
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Rings the first mark, so that keys have something to go from."""
        super().focusInEvent(event)
        if (
            self.chosen is None
            and self.marks()
            and event.reason() != Qt.FocusReason.MouseFocusReason
        ):
            self.choose(self.marks()[0])

    def tip_at(self, place: QPointF) -> str:
        """What is at a place, a line each."""
        found = self.marks_at(place)
        if not found:
            return self.tr(
                "Faults over the time of the run: click looks at a time, a click on a mark shows "
                "where it is, planned ones can be dragged"
            )
        lines = [mark_text(mark) for mark in found[:MOST_TIPS]]
        if len(found) > MOST_TIPS:
            lines.append(self.tr("and {0} more").format(len(found) - MOST_TIPS))
        return "\n".join(lines)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Axis, lanes, marks, playhead."""
        colors = canvas_colors(self.palette())
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_axis(painter, colors)
            painter.drawPixmap(0, 0, self._marks_picture(colors))
            if self.chosen is not None:
                self._paint_ring(painter, self.place_of(self.chosen))
            self._paint_now(painter)
            if self._pressed is not None and self._dragged_s is not None:
                self._paint_dragged(painter, colors)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
                painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _choose_again(self) -> None:
        """The chosen mark, as it is now: the same fault, or the same line of the log."""
        self._picture = None
        old = self.chosen
        if old is not None and old.row >= 0:
            self.choose(self.planned[old.row] if old.row < len(self.planned) else None)
        elif old is not None and old not in self.happened:
            self.choose(None)
        self.update()

    def _step(self, by: int) -> None:
        marks = self.marks()
        if not marks:
            return
        at = marks.index(self.chosen) + by if self.chosen in marks else 0
        self.choose(marks[min(max(at, 0), len(marks) - 1)])

    def _look(self, x: float) -> None:
        if self.done_s > 0:
            self.looked_at.emit(min(self.time_at(x), self.done_s))

    def _stop_drag(self) -> None:
        self._pressed, self._dragged_s, self._scrubs = None, None, False
        self.update()

    def _size(self) -> float:
        """Across a mark."""
        return self.fontMetrics().height() * 0.7

    def _lane_height(self) -> float:
        return self.fontMetrics().height() * 1.1

    def _height(self) -> int:
        return round(2 * self._lane_height() + self.fontMetrics().height() + 6)

    def _lane(self, *, planned: bool) -> float:
        return 2 + self._lane_height() * (0.5 if planned else 1.5)

    def _axis(self) -> tuple[float, float]:
        """Left and right end; the names of the lanes are left of it."""
        return self._left, self.width() - self._size() - 4.0

    def _names_width(self) -> float:
        names = (self.tr("Planned"), self.tr("In the run"))
        return max(self.fontMetrics().horizontalAdvance(name) for name in names) + 20.0

    def _drawn(self) -> list[Mark]:
        """One of the marks of a kind that are on the same few pixels."""
        left, right = self._axis()
        scale = (right - left) / self.until_s / THINNED_PX
        cells = {
            (mark.kind, int(min(mark.time_s, self.until_s) * scale)): mark
            for mark in (*self.planned, *self.happened)
        }
        return list(cells.values())

    def _marks_picture(self, colors: CanvasColors) -> QPixmap:
        """All marks on nothing: thousands of them are painted when they change, not every frame."""
        ratio = self.devicePixelRatioF()
        wanted = self.size() * ratio
        picture = self._picture
        if picture is None or picture.size() != wanted:
            picture = self._picture = QPixmap(wanted)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            with QPainter(picture) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                for mark in self._drawn():
                    self._paint_mark(painter, mark, self.place_of(mark), colors)
        return picture

    def _paint_axis(self, painter: QPainter, colors: CanvasColors) -> None:
        left, right = self._axis()
        high = self._lane_height()
        painter.fillRect(QRectF(left, 2, right - left, 2 * high), QColor(colors.tray))
        done = QRectF(left, 2, self.x_of(self.done_s) - left, 2 * high)
        painter.fillRect(done, QColor(colors.grid_major))
        painter.setPen(QColor(colors.muted))
        names = ((self.tr("Planned"), True), (self.tr("In the run"), False))
        for name, planned in names:
            row = QRectF(8, self._lane(planned=planned) - high / 2, left - 16, high)
            painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, name)
        widest = self.fontMetrics().horizontalAdvance("0,000.0 ms") + 8
        bottom = 2 + 2 * high
        for time_s, text in ticks(self.until_s, max(int((right - left) / widest), 1)):
            x = self.x_of(time_s)
            painter.drawLine(QPointF(x, bottom), QPointF(x, bottom + 3))
            wide = self.fontMetrics().horizontalAdvance(text)
            start = min(max(x - wide / 2, 0.0), self.width() - wide - 2.0)
            painter.drawText(QPointF(start, bottom + 3 + self.fontMetrics().ascent()), text)

    def _paint_mark(
        self, painter: QPainter, mark: Mark, place: QPointF, colors: CanvasColors
    ) -> None:
        """Planned: a hollow diamond; fails: a cross; repaired: a disc; serves again: a triangle."""
        half = self._size() / 2
        x, y = place.x(), place.y()
        if mark.kind is MarkKind.PLANNED:
            painter.setPen(QPen(QColor(colors.accent), 1.6))
            painter.setBrush(QColor(colors.panel))
            painter.drawPolygon(
                _polygon((x, y - half), (x + half, y), (x, y + half), (x - half, y))
            )
            return
        if mark.kind is MarkKind.FAILED:
            painter.setPen(QPen(QColor(colors.bad), 2.0))
            arm = half * 0.75
            painter.drawLine(QPointF(x - arm, y - arm), QPointF(x + arm, y + arm))
            painter.drawLine(QPointF(x - arm, y + arm), QPointF(x + arm, y - arm))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.good))
        if mark.kind is MarkKind.REPAIRED:
            painter.drawEllipse(place, half * 0.75, half * 0.75)
            return
        left = x - half * 0.7
        painter.drawPolygon(
            _polygon((left, y - half * 0.85), (x + half, y), (left, y + half * 0.85))
        )

    def _paint_ring(self, painter: QPainter, place: QPointF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 1.4))
        half = self._lane_height() / 2 - 0.5
        painter.drawEllipse(place, half, half)

    def _paint_now(self, painter: QPainter) -> None:
        if self.now_s is None:
            return
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 2.0))
        x = self.x_of(self.now_s)
        painter.drawLine(QPointF(x, 1), QPointF(x, 2 + 2 * self._lane_height() + 2))

    def _paint_dragged(self, painter: QPainter, colors: CanvasColors) -> None:
        """The fault where it would be dropped, with its time beside it."""
        if self._pressed is None or self._dragged_s is None:
            return
        place = QPointF(self.x_of(self._dragged_s), self._lane(planned=True))
        self._paint_mark(painter, self._pressed, place, colors)
        text = format_quantity(self._dragged_s, "s", 6)
        wide = self.fontMetrics().horizontalAdvance(text) + 6
        x = place.x() + self._size()
        if x + wide > self.width():
            x = place.x() - self._size() - wide
        box = QRectF(x, place.y() - self._lane_height() / 2, wide, self._lane_height())
        painter.fillRect(box, self.palette().color(QPalette.ColorRole.ToolTipBase))
        painter.setPen(self.palette().color(QPalette.ColorRole.ToolTipText))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _polygon(*points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])
