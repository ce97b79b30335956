"""The welcome page: a new design, recent ones, the examples as cards, and the tour."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QHideEvent,
    QKeyEvent,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.canvas.thumbnails import thumbnail
from app.models.palette_model import SPEC_MIME
from app.panels.fields import KeyedCheckBox, takes_space
from app.panels.hints import heading
from app.shell.recent_list import RecentFile, RecentList
from app.shell.welcome_cards import CARD_WIDTH, CardGrid, ExampleCard
from app.support.icons import app_icon, icon
from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.storage.examples import Example
from engine.storage.project_file import load_design

SIDE_WIDTH, WIDEST = 212, 1180
SIDE_BY_SIDE = SIDE_WIDTH + 2 * CARD_WIDTH + 80  # from this width on
TITLE_SCALE = 1.7
RESIZE_MS = 150  # pictures are drawn anew so long after the last change of size


class WelcomePage(QWidget):
    """What a start without a file shows in place of the canvas; it only asks."""

    new_requested = Signal()
    open_requested = Signal()
    tour_requested = Signal()
    example_requested = Signal(str)  # id
    recent_requested = Signal(object)  # Path
    forget_requested = Signal(object)  # Path
    close_requested = Signal()
    show_at_start_changed = Signal(bool)

    def __init__(self, catalog: Catalog, examples: Sequence[Example], problem: str = "") -> None:
        super().__init__()
        self._catalog = catalog
        self._pending: list[ExampleCard] = []
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(RESIZE_MS)
        self._late.timeout.connect(self._draw_all)
        self.setAcceptDrops(True)
        self.setAccessibleName(self.tr("Welcome"))
        self._make_parts(problem)
        self.cards.show_examples(examples)
        self._lay_out()
        self._connect()

    def show_recent(self, files: Sequence[RecentFile]) -> None:
        """Shows the recent designs."""
        self.recent.show_files(files)

    def set_tips(self, new: str, open_one: str, tour: str) -> None:
        """Takes the tool tips of the actions, which name their keys."""
        self.new.setToolTip(new)
        self.open.setToolTip(open_one)
        self.tour.setToolTip(tour)

    def set_show_at_start(self, on: bool) -> None:
        """Ticks the box without telling anyone."""
        with QSignalBlocker(self.at_start):
            self.at_start.setChecked(on)

    def _make_parts(self, problem: str) -> None:
        self.title = QLabel(self.tr("Rackflow"))
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * TITLE_SCALE)
        font.setBold(True)
        self.title.setFont(font)
        self.line = QLabel(
            self.tr("Draw an AI inference cluster, press Play, see where it chokes.")
        )
        self.line.setWordWrap(True)
        self.new = _button(self.tr("New design"))
        self.open = _button(self.tr("Open..."))
        self.tour = _button(self.tr("Tour in three steps"))
        self.close_button = QToolButton()
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName(self.tr("Close the welcome page"))
        self.close_button.setToolTip(self.tr("Back to the drawing (Esc)"))
        self.recent = RecentList()
        self.cards = CardGrid()
        self.cards.setAccessibleName(self.tr("Examples"))
        self.problem = QLabel(problem)
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        if not problem:
            self.problem.hide()
        self.at_start = KeyedCheckBox(self.tr("Show at start"))
        self.at_start.setToolTip(
            self.tr(
                "Show this page when the program starts without a file; Help > Welcome does too"
            )
        )
        self._show_icons()

    def _lay_out(self) -> None:
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(24)
        self._columns.addWidget(self._make_side())
        self._columns.addLayout(self._example_column(), 1)
        inner = QWidget()
        inner.setMaximumWidth(WIDEST)
        column = QVBoxLayout(inner)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(16)
        column.addLayout(self._head())
        column.addLayout(self._columns, 1)
        page = QWidget()
        around = QHBoxLayout(page)
        around.setContentsMargins(0, 0, 0, 0)
        around.addStretch(1)
        around.addWidget(inner, 100)
        around.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(20, 4, 20, 6)
        foot.addWidget(self.at_start)
        whole.addLayout(foot)

    def _head(self) -> QHBoxLayout:
        mark = QLabel()
        mark.setPixmap(app_icon().pixmap(40, 40))
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(self.title)
        texts.addWidget(self.line)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(mark)
        head.addLayout(texts, 1)
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        return head

    def _make_side(self) -> QWidget:
        self._side = QWidget()
        left = QVBoxLayout(self._side)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(6)
        for button in (self.new, self.open, self.tour):
            left.addWidget(button)
        left.addSpacing(10)
        left.addWidget(heading(self.tr("Recent designs")))
        left.addWidget(self.recent)
        left.addStretch(1)
        return self._side

    def _example_column(self) -> QVBoxLayout:
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(heading(self.tr("Examples")))
        right.addWidget(self.problem)
        right.addWidget(self.cards)
        right.addStretch(1)
        return right

    def _connect(self) -> None:
        self.new.clicked.connect(self.new_requested)
        self.open.clicked.connect(self.open_requested)
        self.tour.clicked.connect(self.tour_requested)
        self.close_button.clicked.connect(self.close_requested)
        self.cards.opened.connect(self.example_requested)
        self.recent.opened.connect(self.recent_requested)
        self.recent.forgotten.connect(self.forget_requested)
        self.at_start.toggled.connect(self.show_at_start_changed)
        for card in self.cards.cards:
            card.picture.resized.connect(self._late.start)

    # ------------------------------------------------------------------ pictures

    def _draw_all(self) -> None:
        """Begins to draw the pictures, one a turn of the event loop."""
        idle = not self._pending
        self._pending = [c for c in self.cards.cards if c.drawn != self._look_of(c)]
        if idle and self._pending and self.isVisible():
            QTimer.singleShot(0, self, self._draw_next)

    def _look_of(self, card: ExampleCard) -> tuple[object, ...]:
        """What the picture of a card depends on."""
        picture = card.picture
        return picture.size().toTuple(), picture.devicePixelRatioF(), self.palette().cacheKey()

    def _draw_next(self) -> None:
        if not self._pending or not self.isVisible():
            self._pending = []
            return
        card = self._pending.pop(0)
        try:
            design = load_design(card.example.path()).design
        except EngineError as error:
            card.show_reason(str(error))
        else:
            size, ratio = card.picture.size(), card.picture.devicePixelRatioF()
            image = thumbnail(design, self._catalog, size, self.palette(), ratio)
            card.picture.setPixmap(QPixmap.fromImage(image))
        card.drawn = self._look_of(card)
        if self._pending:
            QTimer.singleShot(0, self, self._draw_next)

    def _show_icons(self) -> None:
        for button, name in (
            (self.new, "new"), (self.open, "open"), (self.tour, "tour"),
            (self.close_button, "close"),
        ):  # fmt: skip
            button.setIcon(icon(name))

    # ------------------------------------------------------------------ events

    def event(self, event: QEvent) -> bool:
        """Space presses the button that has the focus, though it is also the shortcut of Play."""
        return takes_space(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back to the drawing."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_requested.emit()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Draws the pictures once the page is on the screen."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self._draw_all)

    def hideEvent(self, event: QHideEvent) -> None:
        """Draws nothing while it is not seen."""
        super().hideEvent(event)
        self._late.stop()
        self._pending = []

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Puts what to do beside the examples where there is room, above them where not."""
        super().resizeEvent(event)
        beside = self.width() >= SIDE_BY_SIDE
        direction = QBoxLayout.Direction
        self._columns.setDirection(direction.LeftToRight if beside else direction.TopToBottom)
        self._side.setMinimumWidth(SIDE_WIDTH if beside else 0)
        self._side.setMaximumWidth(SIDE_WIDTH if beside else WIDEST)

    def changeEvent(self, event: QEvent) -> None:
        """Draws icons and pictures in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "cards"):
            self._show_icons()
            self._late.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A device of the palette is on its way: gives way to the canvas."""
        if event.mimeData().hasFormat(SPEC_MIME):
            QTimer.singleShot(0, self, self.close_requested.emit)
        event.ignore()


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(True)  # Enter presses it too
    return button
