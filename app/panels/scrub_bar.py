"""The progress of a run as a bar that can be dragged: what was simulated is shown again."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QProgressBar

KEY_STEP = 0.01  # of the bar for an arrow key
HEIGHT = 14


class ScrubBar(QProgressBar):
    """A progress bar with a mark where the user looks."""

    scrubbed = Signal(float)  # share of the run's whole time

    def __init__(self) -> None:
        super().__init__()
        self._mark: float | None = None
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def mark(self) -> float | None:
        """Where the user looks, as a share of the bar; None while the run is shown live."""
        return self._mark

    def set_mark(self, share: float | None) -> None:
        """Moves or removes the mark."""
        self._mark = share
        self.update()

    def look(self, share: float) -> None:
        """Looks at a share of the whole time, or at the last that was simulated before it."""
        done = self._done()
        if done > 0:
            self.set_mark(max(0.0, min(share, done)))
            self.scrubbed.emit(self._mark)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press looks there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.look(event.position().x() / max(self.width(), 1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A drag goes on looking."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.look(event.position().x() / max(self.width(), 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home and End move the mark."""
        here = self._mark if self._mark is not None else self._done()
        moves = {
            Qt.Key.Key_Left: here - KEY_STEP,
            Qt.Key.Key_Right: here + KEY_STEP,
            Qt.Key.Key_Home: 0.0,
            Qt.Key.Key_End: 1.0,
        }
        key = Qt.Key(event.key())
        if key in moves:
            self.look(moves[key])
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, and the mark over it."""
        super().paintEvent(event)
        if self._mark is None:
            return
        with QPainter(self) as painter:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 2.0))
            x = round(self._mark * (self.width() - 2)) + 1
            painter.drawLine(x, 0, x, self.height())

    def _done(self) -> float:
        """The share that was simulated; 0 while it is not known."""
        return self.value() / self.maximum() if self.maximum() > 0 else 0.0
