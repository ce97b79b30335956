"""The strip above the canvas that says why a design cannot be edited."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from app.document import Document
from app.support.theme import canvas_colors


class ReadOnlyBanner(QFrame):
    """Shown while the document is read-only; offers to save a copy."""

    save_as_requested = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.save_as = QPushButton(self.tr("Save a &copy..."))
        self.save_as.setToolTip(self.tr("Saves it under another name; that one can be edited"))
        self.save_as.clicked.connect(self.save_as_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.save_as)
        self.setAutoFillBackground(True)
        document.replaced.connect(self.refresh)
        document.path_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Follows the document and the colours of the theme."""
        colors = canvas_colors(self.palette())
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Window, QColor(colors.notice))
        palette.setColor(QPalette.ColorRole.WindowText, QColor(colors.ink))
        self.setPalette(palette)
        self.text.setText(self._document.read_only)
        self.setVisible(bool(self._document.read_only))
