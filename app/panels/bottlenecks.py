"""The ranked list of bottlenecks: share bars, plain words, a click locates."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.panels.hints import hint
from app.panels.results import ResultsHeader

if TYPE_CHECKING:  # the module pulls scipy in, which the window does not wait for
    from collections.abc import Sequence

    from engine.metrics.bottlenecks import Bottleneck

BAR_HEIGHT = 6


class ShareBar(QWidget):
    """A thin bar that is filled to a share."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.setFixedHeight(BAR_HEIGHT)

    def set_share(self, share: float) -> None:
        """Fills the bar to a share between 0 and 1."""
        if share != self._share:
            self._share = share
            self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(120, BAR_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The track and the filled part."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            track = QColor(self.palette().color(QPalette.ColorRole.WindowText))
            track.setAlpha(30)
            whole = QRectF(self.rect())
            painter.setBrush(track)
            painter.drawRoundedRect(whole, 3, 3)
            painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
            whole.setWidth(whole.width() * max(0.0, min(1.0, self._share)))
            painter.drawRoundedRect(whole, 3, 3)


class BottleneckRow(QFrame):
    """One cause: what, how much of the latency, and why when it is opened."""

    activated = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.bar = ShareBar()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 5, 8, 5)
        layout.setSpacing(3)
        for widget in (self.title, self.bar, self.text):
            layout.addWidget(widget)

    def show_row(self, number: int, row: "Bottleneck", *, opened: bool) -> None:
        """Shows one row of the ranking."""
        share = f"{row.share:.0%}" if row.share >= 0.01 else f"{row.share:.1%}"
        name = row.resource[:1].upper() + row.resource[1:]
        title = f"{number}. {name}  {share}"
        if self.title.text() != title:
            self.title.setText(title)
        self.bar.set_share(row.share)
        if self.text.text() != row.text:
            self.text.setText(row.text)
        self.text.setVisible(opened)
        self.setAccessibleName(title)
        self.setAccessibleDescription(row.text)
        self.setToolTip(row.text)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click locates."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.activated.emit()
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter locates."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit()
            return
        super().keyPressEvent(event)


class BottlenecksPanel(QWidget):
    """What a run gives, with ranges, and below it what holds the requests' time."""

    locate_requested = Signal(object)  # frozenset of element and link ids

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[BottleneckRow] = []
        self._ranking: tuple[Bottleneck, ...] = ()
        self._opened = ""
        self.stale_note = QLabel(self.tr("Results of an earlier drawing"))
        self.stale_note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.stale_note.setContentsMargins(8, 4, 8, 0)
        self.stale_note.setVisible(False)
        self._list = QWidget()
        self._box = QVBoxLayout(self._list)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self._box.addWidget(self.stale_note)
        self._box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._list)
        empty = hint(
            self.tr(
                "Press Play (Space): what holds the requests up is ranked here, a click shows where."
            ),
            self,
        )
        self._stack = QStackedLayout(self)
        self.results = ResultsHeader()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.results)
        column.addWidget(scroll, 1)
        self._stack.addWidget(empty)
        self._stack.addWidget(page)

    def show_ranking(self, ranking: "Sequence[Bottleneck]") -> None:
        """Shows a new ranking; the opened cause stays open, the first is open by default."""
        self._ranking = tuple(ranking)
        while len(self.rows) < len(self._ranking):
            row = BottleneckRow()
            row.activated.connect(self._on_activated)
            self._box.insertWidget(self._box.count() - 1, row)
            self.rows.append(row)
        causes = {item.cause for item in self._ranking}
        opened = self._opened if self._opened in causes else ""
        for number, widget in enumerate(self.rows):
            widget.setVisible(number < len(self._ranking))
        for number, item in enumerate(self._ranking):
            is_open = item.cause == opened if opened else number == 0
            self.rows[number].show_row(number + 1, item, opened=is_open)
        self._stack.setCurrentIndex(1 if self._ranking else 0)

    def clear(self) -> None:
        """Back to the empty state."""
        self._opened = ""
        self.results.clear()
        self.show_ranking(())

    def set_stale(self, *, stale: bool) -> None:
        """Dims the rows where they speak of an earlier drawing."""
        self.stale_note.setVisible(stale)
        self.results.set_stale(stale=stale)
        for row in self.rows:
            row.title.setEnabled(not stale)
            row.text.setEnabled(not stale)

    def _on_activated(self) -> None:
        number = next(i for i, widget in enumerate(self.rows) if widget is self.sender())
        row = self._ranking[number]
        self._opened = row.cause
        self.show_ranking(self._ranking)
        self.locate_requested.emit(frozenset(row.element_ids) | frozenset(row.link_ids))
