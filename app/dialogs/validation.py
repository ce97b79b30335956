"""The window of the validation report: how well predictions match published measurements."""

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from app.dialogs.page_view import PageView

WANTED = QSize(1120, 820)
SCREEN_SHARE = 0.9


class ValidationWindow(QDialog):
    """The report, and above it what the step times of the open design rest on."""

    outside_link = Signal(QUrl)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Validation"))
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.basis = QLabel()
        self.basis.setTextFormat(Qt.TextFormat.PlainText)
        self.basis.setWordWrap(True)
        self.basis.setContentsMargins(12, 8, 12, 8)
        self.basis.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.page = PageView()
        self.page.setAccessibleName(self.tr("Validation report"))
        self.page.setFrameShape(PageView.Shape.NoFrame)
        self.page.outside_link.connect(self.outside_link)
        self.missing = QLabel()
        self.missing.setTextFormat(Qt.TextFormat.PlainText)
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.missing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.missing.setContentsMargins(40, 40, 40, 40)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.basis)
        layout.addWidget(self.page, 1)
        layout.addWidget(self.missing, 1)
        available = QGuiApplication.primaryScreen().availableSize()
        self.resize(WANTED.boundedTo(available * SCREEN_SHARE))

    def show_report(self, html: str) -> None:
        """Shows the report from its beginning."""
        self.page.show_page(html)
        self.page.setVisible(True)
        self.missing.setVisible(False)

    def show_missing(self, text: str) -> None:
        """Says why there is no report, and the way to one."""
        self.missing.setText(text)
        self.missing.setVisible(True)
        self.page.setVisible(False)

    def show_basis(self, text: str) -> None:
        """What the open design's step times rest on; an empty text hides the line."""
        self.basis.setText(text)
        self.basis.setVisible(bool(text))
