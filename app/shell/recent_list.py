"""Recent designs on the welcome page: name, folder and time; those that are gone can be removed."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QDateTime, QEvent, QLocale, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.panels.hints import hint
from app.support.icons import icon

SHOWN = 6


class RecentFile(NamedTuple):
    """A recent design; `changed_s` (seconds since 1970) is None where the file is gone."""

    path: Path
    changed_s: float | None


def looked_up(paths: Iterable[Path]) -> list[RecentFile]:
    """The newest recent designs and when their files were changed last."""
    found = []
    for path in list(paths)[:SHOWN]:
        try:
            changed: float | None = path.stat().st_mtime
        except (OSError, ValueError):
            changed = None
        found.append(RecentFile(path, changed))
    return found


class ElidedLabel(QLabel):
    """One line of text that is cut where there is no room."""

    def __init__(self, text: str, mode: Qt.TextElideMode) -> None:
        super().__init__(text)
        self._whole, self._mode = text, mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(20)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cuts the text anew."""
        super().resizeEvent(event)
        text = self.fontMetrics().elidedText(self._whole, self._mode, self.width())
        if text != self.text():
            self.setText(text)


class RecentRow(QWidget):
    """One recent design: a button that opens it, and one that removes it where it is gone."""

    def __init__(self, file: RecentFile) -> None:
        super().__init__()
        self.file = file
        name, folder = file.path.name, str(file.path.parent)
        gone = file.changed_s is None
        when = self.tr("not found") if gone else changed_text(file.changed_s or 0.0)
        self.open = QPushButton()
        self.open.setFlat(True)
        self.open.setAutoDefault(True)
        self.open.setEnabled(not gone)
        self.open.setAccessibleName(name)
        self.open.setAccessibleDescription(f"{folder}, {when}")
        self.open.setToolTip(f"{file.path}\n{when}")
        lines = (
            ElidedLabel(name, Qt.TextElideMode.ElideMiddle),
            ElidedLabel(folder, Qt.TextElideMode.ElideMiddle),
            ElidedLabel(when, Qt.TextElideMode.ElideRight),
        )
        inside = QVBoxLayout(self.open)
        inside.setContentsMargins(6, 4, 6, 4)
        inside.setSpacing(0)
        for line in lines:
            line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            line.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            inside.addWidget(line)
        lines[0].setForegroundRole(
            QPalette.ColorRole.PlaceholderText if gone else QPalette.ColorRole.WindowText
        )
        self.open.setMinimumHeight(inside.sizeHint().height())
        self.remove = QToolButton()
        self.remove.setAutoRaise(True)
        self.remove.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.remove.setAccessibleName(self.tr("Remove {0} from the list").format(name))
        self.remove.setToolTip(self.tr("Remove from the list: the file is gone"))
        self.show_icon()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.open, 1)
        row.addWidget(self.remove)
        self.remove.setVisible(gone)

    def show_icon(self) -> None:
        """Follows a change of theme."""
        self.remove.setIcon(icon("close"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus; arrows walk the list."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.remove.hasFocus():
            self.remove.click()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(key == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)


class RecentList(QWidget):
    """The newest recent designs, or what will stand here."""

    opened = Signal(object)  # Path
    forgotten = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RecentRow] = []
        self.empty = hint(self.tr("Designs that you open or save appear here."), self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.empty.setContentsMargins(0, 0, 0, 0)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(2)
        self._box.addWidget(self.empty)

    def show_files(self, files: Sequence[RecentFile]) -> None:
        """Shows other files."""
        for row in self.rows:
            self._box.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [RecentRow(file) for file in files]
        for row in self.rows:
            row.open.clicked.connect(self._on_open)
            row.remove.clicked.connect(self._on_remove)
            self._box.addWidget(row)
        self.empty.setVisible(not self.rows)

    def changeEvent(self, event: QEvent) -> None:
        """Draws icons in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "rows"):
            for row in self.rows:
                row.show_icon()

    def _on_open(self) -> None:
        self.opened.emit(self._row_of_sender().file.path)

    def _on_remove(self) -> None:
        self.forgotten.emit(self._row_of_sender().file.path)

    def _row_of_sender(self) -> RecentRow:
        sender = self.sender()
        return next(row for row in self.rows if sender in (row.open, row.remove))


def changed_text(seconds: float) -> str:
    """A time of last change (seconds since 1970) as this user's system writes it."""
    moment = QDateTime.fromSecsSinceEpoch(int(seconds))
    return QLocale.system().toString(moment, QLocale.FormatType.ShortFormat)
