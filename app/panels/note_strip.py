"""The note of an example over the canvas: what it shows and what to try, until it is closed."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.support.icons import icon
from app.support.theme import canvas_colors


class NoteStrip(QWidget):
    """A text with a button that closes it; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAccessibleName(self.tr("What this example shows"))
        self.close_button = QToolButton()
        self.close_button.setAutoRaise(True)
        self.close_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.close_button.setAccessibleName(self.tr("Close the note"))
        self.close_button.setToolTip(
            self.tr("Close the note; it stays in the inspector, in the design's page")
        )
        self.close_button.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self._show_colors()
        self.hide()

    def show_note(self, text: str) -> None:
        """Shows a note; an empty one hides the strip."""
        self.text.setText(text)
        self.setVisible(bool(text))

    def changeEvent(self, event: QEvent) -> None:
        """Follows a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._show_colors()

    def _show_colors(self) -> None:
        palette = QPalette()
        colors = canvas_colors(palette)
        palette.setColor(QPalette.ColorRole.Window, QColor(colors.group))
        palette.setColor(QPalette.ColorRole.WindowText, QColor(colors.ink))
        self.setPalette(palette)
        self.close_button.setIcon(icon("close"))
