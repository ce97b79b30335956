"""Rows of a form: a label, an editor, an inline error. They read and write through callables."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.support.gradually import Gradually
from engine.errors import EngineError

LABEL_WIDTH = 118
Reader = Callable[[], str]
Writer = Callable[[str], None]


class FieldRow(QWidget):
    """A label left, an editor right, and an error below that is hidden while all is well."""

    def __init__(self, label: str, tooltip: str = "") -> None:
        super().__init__()
        self.label = QLabel(label)
        self.label.setFixedWidth(LABEL_WIDTH)
        self.label.setToolTip(tooltip or label)
        self.setToolTip(tooltip)
        self.error = QLabel()
        self.error.setWordWrap(True)
        self.error.setVisible(False)
        self.error.setTextFormat(Qt.TextFormat.PlainText)
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(6)
        self.grid.setVerticalSpacing(1)
        self.grid.addWidget(self.label, 0, 0)
        self.grid.addWidget(self.error, 2, 1, 1, 2)
        self.grid.setColumnStretch(1, 1)

    def refresh(self) -> None:
        """Shows the value of the design again."""

    def show_error(self, text: str) -> None:
        """Shows why an input was refused; an empty text hides it."""
        palette = self.error.palette()
        palette.setColor(QPalette.ColorRole.WindowText, error_color(self.palette()))
        self.error.setPalette(palette)
        self.error.setText(text)
        self.error.setVisible(bool(text))


class CommitEdit(QLineEdit):
    """A line edit in which Escape gives up what was typed."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        super().__init__()
        self._give_up = give_up
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(40)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape restores; everything else types."""
        if event.key() == Qt.Key.Key_Escape and self.isModified():
            self._give_up()
            event.accept()
            return
        super().keyPressEvent(event)


class LineRow(FieldRow):
    """A text or a quantity; written when the editor is left or Enter is pressed."""

    def __init__(self, label: str, read: Reader, write: Writer, tooltip: str = "") -> None:
        super().__init__(label, tooltip)
        self._read, self._write = read, write
        self.edit = CommitEdit(self.give_up)
        self.edit.setAccessibleName(label)
        self.edit.setToolTip(tooltip)
        self.edit.editingFinished.connect(self.commit)
        self.label.setBuddy(self.edit)
        self.grid.addWidget(self.edit, 0, 1)
        self.refresh()

    def refresh(self) -> None:
        """Shows the design's value unless something is being typed or was refused."""
        if not self.edit.isModified():
            self.edit.setText(self._read())
            self.edit.setCursorPosition(0)

    def commit(self) -> None:
        """Writes what was typed; a refusal is shown and the text is kept for mending."""
        if not self.edit.isModified():
            return
        try:
            self._write(self.edit.text().strip())
        except EngineError as error:
            self.show_error(str(error))
            return
        self.give_up()

    def give_up(self) -> None:
        """Drops what was typed."""
        self.edit.setModified(False)
        self.show_error("")
        self.refresh()


class ChoiceRow(FieldRow):
    """One of several values."""

    def __init__(
        self,
        label: str,
        choices: Sequence[tuple[str, str]],
        read: Reader,
        write: Writer,
        tooltip: str = "",
    ) -> None:
        super().__init__(label, tooltip)
        self._read, self._write = read, write
        self.box = QuietComboBox()
        self.box.setAccessibleName(label)
        self.box.setToolTip(tooltip)
        for value, text in choices:
            self.box.addItem(text, value)
        self.box.activated.connect(self._on_activated)
        self.label.setBuddy(self.box)
        self.grid.addWidget(self.box, 0, 1)
        self.refresh()

    def refresh(self) -> None:
        """Shows the design's value; one that is not offered is shown as it is."""
        value = self._read()
        index = self.box.findData(value)
        if index < 0:
            self.box.addItem(value, value)
            index = self.box.count() - 1
        self.box.setCurrentIndex(index)

    def _on_activated(self, index: int) -> None:
        try:
            self._write(str(self.box.itemData(index)))
        except EngineError as error:
            self.show_error(str(error))
        else:
            self.show_error("")
        self.refresh()


class QuietComboBox(QComboBox):
    """A combo box that fits narrow panels and leaves the wheel to the scroll area."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: object) -> None:
        """Ignored: scrolling the panel must not edit the design."""
        event.ignore()  # type: ignore[attr-defined]


class CheckRow(FieldRow):
    """Yes or no."""

    def __init__(
        self,
        label: str,
        read: Callable[[], bool],
        write: Callable[[bool], None],
        tooltip: str = "",
    ) -> None:
        super().__init__(label, tooltip)
        self._read, self._write = read, write
        self.box = KeyedCheckBox()
        self.box.setAccessibleName(label)
        self.box.setToolTip(tooltip)
        self.box.clicked.connect(self._on_clicked)
        self.label.setBuddy(self.box)
        self.grid.addWidget(self.box, 0, 1)
        self.refresh()

    def refresh(self) -> None:
        """Shows the design's value."""
        self.box.setChecked(self._read())

    def _on_clicked(self, checked: bool) -> None:
        try:
            self._write(checked)
        except EngineError as error:
            self.show_error(str(error))
        else:
            self.show_error("")
        self.refresh()


class KeyedCheckBox(QCheckBox):
    """A check box whose Space key ticks it, though Space is also the shortcut of Play."""

    def event(self, event: QEvent) -> bool:
        """Keeps Space from the shortcuts while the box has the focus."""
        return takes_space(event) or super().event(event)


def takes_space(event: QEvent) -> bool:
    """Keeps Space, which is also the shortcut of Play, for the widget that has the focus."""
    if (
        isinstance(event, QKeyEvent)
        and event.type() == QEvent.Type.ShortcutOverride
        and event.key() == Qt.Key.Key_Space
    ):
        event.accept()
        return True
    return False


class TextRow(FieldRow):
    """A value that cannot be edited."""

    def __init__(self, label: str, read: Reader, tooltip: str = "") -> None:
        super().__init__(label, tooltip)
        self._read = read
        self.value = QLabel()
        self.value.setWordWrap(True)
        self.value.setTextFormat(Qt.TextFormat.PlainText)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.grid.addWidget(self.value, 0, 1)
        self.refresh()

    def refresh(self) -> None:
        """Shows the current value."""
        self.value.setText(self._read())


class ButtonsRow(FieldRow):
    """Buttons for what a form cannot do by itself."""

    def __init__(
        self, label: str, buttons: Sequence[tuple[str, str, Callable[[], object]]]
    ) -> None:
        """Builds the row.

        Args:
            label: left of the buttons.
            buttons: their texts, tooltips and what they do.
        """
        super().__init__(label)
        self.buttons: list[QPushButton] = []
        box = QHBoxLayout()
        for text, tooltip, act in buttons:
            button = QPushButton(text)
            button.setToolTip(tooltip)
            button.clicked.connect(act)
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 12)
            box.addWidget(button, 1)
            self.buttons.append(button)
        self.grid.addLayout(box, 0, 1)


class Section(QWidget):
    """A heading over rows."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self.heading = QLabel(title)
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 4, 0, 4)
        self.box.setSpacing(3)
        self.box.addWidget(self.heading)
        self.rows: list[FieldRow] = []

    def add(self, row: FieldRow) -> None:
        """Adds a row below the others."""
        self.rows.append(row)
        self.box.addWidget(row)

    def refresh(self) -> None:
        """Shows the design's values again in every row."""
        for row in self.rows:
            row.refresh()


class Form(QWidget):
    """Sections below each other, refreshed together."""

    trace_requested = Signal()  # another file for the workload that is shown
    trace_columns_requested = Signal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self._sections: list[Section] = []
        self._gradually = Gradually(self)
        self.title = QLabel(title)
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 1.2)
        font.setBold(True)
        self.title.setFont(font)
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(10, 8, 10, 8)
        self._box.setSpacing(4)
        self._box.addWidget(self.title)
        self._box.addStretch(1)

    def section(self, title: str) -> Section:
        """A new section at the end."""
        section = Section(title)
        self.add_section(section)
        return section

    def add_section(self, section: Section) -> None:
        """Adds a section at the end."""
        self._sections.append(section)
        self._box.insertWidget(self._box.count() - 1, section)

    def add_above(self, widget: QWidget) -> None:
        """Puts a widget above the title."""
        self._box.insertWidget(0, widget)

    def refresh(self) -> None:
        """Shows the design's values again in every section."""
        for section in self._sections:
            section.refresh()

    def later(self, fill: Callable[[], object]) -> None:
        """Adds a part after what is there has been shown, so that a long page blocks nothing."""
        self._gradually.add(fill)

    def complete(self) -> None:
        """Adds all parts that wait."""
        self._gradually.complete()

    def row(self, label: str, section: str = "") -> FieldRow:
        """The first row of a label, in the section of a title if one is given."""
        self.complete()
        for one in self._sections:
            if section and one.title != section:
                continue
            for row in one.rows:
                if row.label.text() == label:
                    return row
        raise KeyError(label)


def error_color(palette: QPalette) -> QColor:
    """A red that is legible on the palette's window colour."""
    dark = palette.color(QPalette.ColorRole.Window).lightness() < 128
    return QColor("#ff8a80") if dark else QColor("#b3261e")
