"""Cards of the examples on the welcome page, and the grid in which they stand."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.panels.fields import takes_space
from engine.storage.examples import Example

PICTURE = QSize(16, 9)  # its shape
CARD_WIDTH, GAP = 184, 12  # the least width of a card
FRAME_ALPHA = 110
RADIUS, SPACING, FOOT = 6.0, 4, 10
STEPS = {
    Qt.Key.Key_Left: QPoint(-1, 0),
    Qt.Key.Key_Right: QPoint(1, 0),
    Qt.Key.Key_Up: QPoint(0, -1),
    Qt.Key.Key_Down: QPoint(0, 1),
}


class PictureLabel(QLabel):
    """A picture as wide as its card, of a fixed shape; a text until there is one."""

    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setWordWrap(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the shape."""
        super().resizeEvent(event)
        height = self.width() * PICTURE.height() // PICTURE.width()
        if height != self.height():
            self.setFixedHeight(height)
        self.resized.emit()


class ExampleCard(QAbstractButton):
    """An example as a button: picture, title and a sentence."""

    stepped = Signal(QPoint)  # an arrow key: columns and rows to go

    def __init__(self, example: Example) -> None:
        super().__init__()
        self.example = example
        self.drawn: tuple[object, ...] = ()  # what its picture was drawn for
        self.setText(example.title)
        self.setAccessibleName(example.title)
        self.setAccessibleDescription(example.summary)
        self.setToolTip(self.tr("Open a copy of this example (Enter)"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.picture = PictureLabel()
        self._texts = (QLabel(example.title), QLabel(example.summary))
        bold = self._texts[0].font()
        bold.setBold(True)
        self._texts[0].setFont(bold)
        self._texts[1].setForegroundRole(QPalette.ColorRole.PlaceholderText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, FOOT)
        layout.setSpacing(SPACING)
        layout.addWidget(self.picture)
        for label in self._texts:
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setContentsMargins(9, 0, 9, 0)
            layout.addWidget(label)
        layout.addStretch(1)
        for label in (self.picture, *self._texts):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_reason(self, text: str) -> None:
        """Says in place of the picture why there is none."""
        self.picture.setText(text)

    def sizeHint(self) -> QSize:
        """As the picture and the texts need."""
        return QSize(CARD_WIDTH, self.heightForWidth(CARD_WIDTH))

    def heightForWidth(self, width: int) -> int:
        """Picture and texts at a width."""
        picture = (width - 2) * PICTURE.height() // PICTURE.width()
        texts = sum(label.heightForWidth(width - 2) + SPACING for label in self._texts)
        return 1 + picture + texts + FOOT

    def event(self, event: QEvent) -> bool:
        """Space opens the card, though it is also the shortcut of Play."""
        return takes_space(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, arrows go to the next card."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif key in STEPS:
            self.stepped.emit(STEPS[key])
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Draws the frame of a card under the pointer."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Draws the plain frame again."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The card's ground and frame."""
        palette = self.palette()
        edge = QColor(palette.color(QPalette.ColorRole.PlaceholderText))
        edge.setAlpha(FRAME_ALPHA)
        if self.hasFocus() or self.underMouse():
            edge = palette.color(QPalette.ColorRole.Highlight)
        ground = QPalette.ColorRole.Midlight if self.isDown() else QPalette.ColorRole.Base
        width = 2.0 if self.hasFocus() else 1.0
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(edge, width))
            painter.setBrush(palette.color(ground))
            half = width / 2
            box = QRectF(self.rect()).adjusted(half, half, -half, -half)
            painter.drawRoundedRect(box, RADIUS, RADIUS)


class CardGrid(QWidget):
    """As many cards beside each other as there is room for; arrows walk them."""

    opened = Signal(str)  # id of an example

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[ExampleCard] = []
        self.columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)

    def show_examples(self, examples: Sequence[Example]) -> None:
        """A card for each example, in their order."""
        for example in examples:
            card = ExampleCard(example)
            card.clicked.connect(self._on_clicked)
            card.stepped.connect(self._on_stepped)
            self.cards.append(card)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """One card wide."""
        return QSize(CARD_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Puts the cards into as many columns as fit."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        columns = max(1, (self.width() + GAP) // (CARD_WIDTH + GAP))
        columns = min(columns, max(1, len(self.cards)))
        if columns == self.columns and self._grid.count() == len(self.cards):
            return
        for column in range(max(self.columns, columns)):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self.columns = columns
        for number, card in enumerate(self.cards):
            self._grid.addWidget(card, number // columns, number % columns)

    def _on_clicked(self) -> None:
        card = self.sender()
        if isinstance(card, ExampleCard):
            self.opened.emit(card.example.id)

    def _on_stepped(self, step: QPoint) -> None:
        card = self.sender()
        if not isinstance(card, ExampleCard):
            return
        place = self.cards.index(card) + step.x() + step.y() * self.columns
        if 0 <= place < len(self.cards):
            self.cards[place].setFocus(Qt.FocusReason.OtherFocusReason)
