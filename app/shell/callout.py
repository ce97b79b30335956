"""A callout that points at a part of the window, and the ring around that part; nothing is blocked."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QRegion,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.panels.fields import takes_space
from app.panels.hints import heading

WIDTH, GAP, EDGE = 300, 16, 8
RING, RADIUS = 3, 6  # of the line around the part, and of corners
ARROW = 11  # half of its base


class Side(Enum):
    """Where a callout stands beside the part that it speaks of."""

    RIGHT = "right"
    LEFT = "left"
    BELOW = "below"
    ABOVE = "above"
    INSIDE = "inside"


class Placed(NamedTuple):
    """A callout's place in the window."""

    rect: QRect
    side: Side


def place_beside(size: QSize, part: QRect, window: QSize) -> Placed:
    """Beside a part of the window where there is room, wholly inside the window.

    Below or above a low part (a button of a tool bar), left or right of any other; inside, at its
    foot, where the part fills the window.
    """
    width, height = size.width(), size.height()
    middle = part.center()
    beside = (
        (Side.RIGHT, window.width() - part.right() - 1, width),
        (Side.LEFT, part.left(), width),
    )
    over = (
        (Side.BELOW, window.height() - part.bottom() - 1, height),
        (Side.ABOVE, part.top(), height),
    )
    rooms = over + beside if part.height() < height // 2 else beside + over
    side = next((s for s, room, wanted in rooms if room >= wanted + GAP + EDGE), Side.INSIDE)
    corner = {
        Side.RIGHT: QPoint(part.right() + 1 + GAP, middle.y() - height // 2),
        Side.LEFT: QPoint(part.left() - GAP - width, middle.y() - height // 2),
        Side.BELOW: QPoint(middle.x() - width // 2, part.bottom() + 1 + GAP),
        Side.ABOVE: QPoint(middle.x() - width // 2, part.top() - GAP - height),
        Side.INSIDE: QPoint(middle.x() - width // 2, part.bottom() - GAP - height),
    }[side]
    x = min(max(corner.x(), EDGE), max(EDGE, window.width() - width - EDGE))
    y = min(max(corner.y(), EDGE), max(EDGE, window.height() - height - EDGE))
    return Placed(QRect(QPoint(x, y), size), side)


def arrow_of(placed: Placed, part: QRect) -> QPolygonF:
    """The triangle between a callout and its part; empty where it stands inside."""
    box = QRectF(placed.rect)
    low, high = ARROW + RADIUS, ARROW + RADIUS
    across = QRectF(part).center()
    x = min(max(across.x(), box.left() + low), box.right() - high)
    y = min(max(across.y(), box.top() + low), box.bottom() - high)
    tip = GAP - RING - 1
    ends = {
        Side.RIGHT: ((box.left(), y - ARROW), (box.left() - tip, y), (box.left(), y + ARROW)),
        Side.LEFT: ((box.right(), y - ARROW), (box.right() + tip, y), (box.right(), y + ARROW)),
        Side.BELOW: ((x - ARROW, box.top()), (x, box.top() - tip), (x + ARROW, box.top())),
        Side.ABOVE: (
            (x - ARROW, box.bottom()),
            (x, box.bottom() + tip),
            (x + ARROW, box.bottom()),
        ),
        Side.INSIDE: (),
    }[placed.side]
    return QPolygonF([QPointF(*end) for end in ends])


class Ring(QWidget):
    """The line around a part of the window and the arrow to it; it takes no event."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.part = QRect()
        self.arrow = QPolygonF()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def point_at(self, part: QRect, arrow: QPolygonF) -> None:
        """Draws the line around a part of the window, and an arrow."""
        whole = self._window.rect()
        self.part, self.arrow = part.intersected(whole), arrow
        self.setGeometry(whole)
        line = RING + 2
        region = QRegion(self.part).subtracted(
            QRegion(
                self.part.adjusted(line + RADIUS, line + RADIUS, -line - RADIUS, -line - RADIUS)
            )
        )
        if not arrow.isEmpty():
            region = region.united(QRegion(arrow.boundingRect().toAlignedRect()))
        self.setMask(region)  # what lies inside is not painted anew with it
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Line and arrow in the colour of what is chosen."""
        color = QColor(self.palette().color(QPalette.ColorRole.Highlight))
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color, RING))
            half = RING / 2
            box = QRectF(self.part).adjusted(half, half, -half, -half)
            painter.drawRoundedRect(box, RADIUS, RADIUS)
            if not self.arrow.isEmpty():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawPolygon(self.arrow)


class Callout(QFrame):
    """A few sentences with what is to do, and the way on, back and out."""

    next_requested = Signal()
    back_requested = Signal()
    close_requested = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setFixedWidth(WIDTH)
        self.title = heading("")
        self.count = QLabel()
        self.count.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.goals = QVBoxLayout()
        self.goals.setSpacing(2)
        self.goal_labels: list[QLabel] = []
        self.back = QPushButton(self.tr("Back"))
        self.next = QPushButton(self.tr("Next"))
        self.close_button = QPushButton(self.tr("Close"))
        self.back.setToolTip(self.tr("The step before"))
        self.next.setToolTip(self.tr("The next step (Enter)"))
        self.close_button.setToolTip(self.tr("End the tour (Esc); Help > Tour begins it again"))
        self._lay_out()
        self.back.clicked.connect(self.back_requested)
        self.next.clicked.connect(self.next_requested)
        self.close_button.clicked.connect(self.close_requested)
        self.hide()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.count)
        buttons = QHBoxLayout()
        buttons.addWidget(self.close_button)
        buttons.addStretch(1)
        for button in (self.back, self.next):
            buttons.addWidget(button)
        for button in (self.close_button, self.back, self.next):
            button.setAutoDefault(True)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.text)
        layout.addLayout(self.goals)
        layout.addLayout(buttons)

    def show_step(
        self, number: int, steps: int, title: str, text: str, goals: Sequence[tuple[str, bool]]
    ) -> None:
        """Shows step `number` of `steps` (from 0); goals with whether they are done."""
        self.title.setText(title)
        self.count.setText(self.tr("{0} of {1}").format(number + 1, steps))
        self.text.setText(text)
        for label in self.goal_labels:
            self.goals.removeWidget(label)
            label.hide()
            label.deleteLater()
        self.goal_labels = [self._goal(goal, done=done) for goal, done in goals]
        self.back.setEnabled(number > 0)
        last = number == steps - 1
        self.next.setText(self.tr("Done") if last else self.tr("Next"))
        self.next.setToolTip(
            self.tr("End the tour (Enter)") if last else self.tr("The next step (Enter)")
        )
        self.setAccessibleName(
            self.tr("Tour, step {0} of {1}: {2}").format(number + 1, steps, title)
        )
        self.setAccessibleDescription(
            "\n".join([text, *(label.text() for label in self.goal_labels)])
        )
        self._column.activate()
        self.resize(WIDTH, self._column.heightForWidth(WIDTH))

    def _goal(self, text: str, *, done: bool) -> QLabel:
        label = QLabel(f"{'✓' if done else '○'}  {text}")
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        role = QPalette.ColorRole.PlaceholderText if done else QPalette.ColorRole.WindowText
        label.setForegroundRole(role)
        label.setAccessibleName(self.tr("Done: {0}").format(text) if done else text)
        self.goals.addWidget(label)
        label.show()
        return label

    def event(self, event: QEvent) -> bool:
        """Space presses the button that has the focus, though it is also the shortcut of Play."""
        return takes_space(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on, Escape ends the tour."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.next_requested.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground, and a frame in the colour of the ring."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Base))
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
