"""Sections of a form that can be folded away, with what they hold in short in their heading."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.panels.fields import FieldRow, Section, takes_space


class KeyedToolButton(QToolButton):
    """A tool button that Space presses, though Space is also the shortcut of Play."""

    def event(self, event: QEvent) -> bool:
        """Keeps Space from the shortcuts while the button has the focus."""
        return takes_space(event) or super().event(event)


class FoldSection(Section):
    """Rows under a heading that opens and closes them; closed at first."""

    def __init__(self, title: str, summary: Callable[[], str]) -> None:
        super().__init__(title)
        self._summary = summary
        self.heading.hide()
        self.header = KeyedToolButton()
        self.header.setCheckable(True)
        self.header.setAutoRaise(True)
        self.header.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.header.toggled.connect(self._show_rows)
        self._inside = QWidget()
        self._rows_box = QVBoxLayout(self._inside)
        self._rows_box.setContentsMargins(12, 0, 0, 4)
        self._rows_box.setSpacing(3)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.addWidget(self.header)
        self.box.addWidget(self._inside)
        self._show_rows(False)
        self.refresh()

    def add(self, row: FieldRow) -> None:
        """Adds a row below the others."""
        self.rows.append(row)
        self._rows_box.addWidget(row)

    def refresh(self) -> None:
        """Shows the values again, in short in the heading."""
        super().refresh()
        text = f"{self.title}: {self._summary()}"
        self.header.setText(text)
        self.header.setToolTip(text)
        self.header.setAccessibleName(text)

    def _show_rows(self, opened: bool) -> None:
        self._inside.setVisible(opened)
        self.header.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
