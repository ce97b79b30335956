"""The dialog that asks which columns of a CSV are arrival, input and output of a trace."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.buttons import ok_and_cancel
from app.support.theme import canvas_colors
from engine.units import format_quantity
from engine.workload.trace_preview import CsvHead, TraceCounts

WANTED = QSize(720, 460)
SCREEN_SHARE = 0.9
TIME = "time"


class TraceColumnsDialog(QDialog):
    """The head of the file, a choice for each column, and what would be read."""

    columns_changed = Signal()

    def __init__(
        self, path: Path, head: CsvHead, columns: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.path, self._head = path, head
        self.setWindowTitle(self.tr("Columns of {0}").format(path.name))
        about = QLabel(
            self.tr("Say which columns hold the arrival, the input and the output of a request.")
        )
        about.setWordWrap(True)
        self.table = self._make_table()
        self.boxes: dict[str, QComboBox] = {}
        form = QFormLayout()
        titles = [(title, title) for title in dict.fromkeys(head.titles) if title]
        times = [
            ("s", self.tr("seconds")),
            ("ms", self.tr("milliseconds")),
            ("date", self.tr("date and time (2026-03-01 12:30:00.5)")),
        ]
        for name, label, choices in (
            ("arrival_s", self.tr("&Arrival"), titles),
            (TIME, self.tr("&Written as"), times),
            ("input_tokens", self.tr("&Input tokens"), titles),
            ("output_tokens", self.tr("&Output tokens"), titles),
        ):
            box = self.boxes[name] = QComboBox()
            for value, text in choices:
                box.addItem(text, value)
            box.setCurrentIndex(max(box.findData(columns.get(name, "")), 0))
            box.setAccessibleName(label.replace("&", ""))
            box.currentIndexChanged.connect(self._on_changed)
            form.addRow(label, box)
        self.preview = QLabel()
        self.preview.setWordWrap(True)
        self.preview.setTextFormat(Qt.TextFormat.PlainText)
        self.preview.setMinimumHeight(self.preview.fontMetrics().height() * 3)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.preview.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons = ok_and_cancel(self, self.tr("Use this trace"))
        self.accept_button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        layout = QVBoxLayout(self)
        layout.addWidget(about)
        layout.addWidget(self.table, 1)
        layout.addLayout(form)
        layout.addWidget(self.preview)
        layout.addWidget(self.buttons)
        available = QGuiApplication.primaryScreen().availableSize()
        self.resize(WANTED.boundedTo(available * SCREEN_SHARE))
        self._show_roles()
        self.show_reading()

    def columns(self) -> dict[str, str]:
        """The choice: column by role, and how the time is written."""
        return {name: str(box.currentData()) for name, box in self.boxes.items()}

    def choose(self, name: str, value: str) -> None:
        """Sets one choice."""
        self.boxes[name].setCurrentIndex(self.boxes[name].findData(value))

    def show_reading(self) -> None:
        """The file is being read: it cannot be taken yet."""
        self._say(self.tr("Reading ..."), is_error=False)
        self.accept_button.setEnabled(False)

    def show_counts(self, counts: TraceCounts) -> None:
        """What would be taken."""
        text = self.tr("{0:,} requests in {1}; mean {2:,.0f} tokens in, {3:,.0f} out").format(
            counts.requests,
            format_quantity(counts.duration_s, "s"),
            counts.input_tokens,
            counts.output_tokens,
        )
        if counts.skipped_rows:
            text += self.tr("; {0:,} rows without input or output are left out").format(
                counts.skipped_rows
            )
        self._say(text, is_error=False)
        self.accept_button.setEnabled(True)

    def show_failure(self, text: str) -> None:
        """Why these columns cannot be taken, with line and column."""
        text = text.removeprefix(f"{self.path}: ")
        self._say(self.tr("Cannot be read: {0}").format(text), is_error=True)
        self.accept_button.setEnabled(False)

    def _say(self, text: str, *, is_error: bool) -> None:
        palette = QPalette(self.palette())
        if is_error:
            palette.setColor(QPalette.ColorRole.WindowText, QColor(canvas_colors(palette).bad))
        self.preview.setPalette(palette)
        self.preview.setText(text)

    def _on_changed(self) -> None:
        self._show_roles()
        self.show_reading()
        self.columns_changed.emit()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(self._head.rows), len(self._head.titles))
        table.setAccessibleName(self.tr("First rows of the file"))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.verticalHeader().setVisible(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for row, cells in enumerate(self._head.rows):
            for column, text in enumerate(cells):
                table.setItem(row, column, QTableWidgetItem(text))
        return table

    def _show_roles(self) -> None:
        """Names the roles of the columns in the table's heads, below their titles."""
        roles = {
            "arrival_s": self.tr("arrival"),
            "input_tokens": self.tr("input"),
            "output_tokens": self.tr("output"),
        }
        chosen = self.columns()
        for column, title in enumerate(self._head.titles):
            first = self._head.titles.index(title) == column
            names = [text for role, text in roles.items() if first and chosen[role] == title]
            mark = f"\u2191 {', '.join(names)}" if names else ""
            self.table.setHorizontalHeaderItem(column, QTableWidgetItem(f"{title}\n{mark}"))
