"""Labels that panels share: what to say while there is nothing, and bold headings."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QWidget


def hint(text: str, parent: QWidget) -> QLabel:
    """A muted text in the middle of a panel that is empty yet.

    It has a parent from the start: a stack shows its first widget at once, as a window if it has none.
    """
    label = QLabel(text, parent)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    label.setContentsMargins(16, 8, 16, 8)
    return label


def heading(text: str) -> QLabel:
    """A bold title over a part of a panel."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label
