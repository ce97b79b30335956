"""The dialog of arrays: rows, columns, gaps, names, and what would be drawn."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.buttons import ok_and_cancel
from app.support.theme import canvas_colors
from engine.errors import EngineError
from engine.topology.arrange import MOST_COPIES, ArrayPlan

WANTED = QSize(420, 360)
MOST_GAP = 10_000.0


class ArrayDialog(QDialog):
    """Asks for a plan; `preview` says what it would draw, or why it cannot be."""

    plan_changed = Signal(object)  # an ArrayPlan that can be drawn, or None

    def __init__(
        self, what: str, preview: Callable[[ArrayPlan], str], parent: QWidget | None = None
    ) -> None:
        """Begins with the usual plan.

        Args:
            what: the selection in words.
            preview: what a plan would draw, in words; raises an EngineError where it cannot be.
            parent: the window.
        """
        super().__init__(parent)
        self.setWindowTitle(self.tr("Array of {0}").format(what))
        self._preview = preview
        usual = ArrayPlan()
        self.rows = self._count(usual.rows, self.tr("Rows"))
        self.columns = self._count(usual.columns, self.tr("Columns"))
        self.gap_x = self._gap(usual.gap_x, self.tr("Gap across"))
        self.gap_y = self._gap(usual.gap_y, self.tr("Gap down"))
        self.pattern = QLineEdit(usual.pattern)
        self.pattern.setAccessibleName(self.tr("Names"))
        self.pattern.setToolTip(
            self.tr("{name} of the original, {row}, {column} and {number} from 1")
        )
        self.pattern.textChanged.connect(self._show)
        self.connect_box = QCheckBox(
            self.tr("&Link the copies to what the originals are linked to")
        )
        self.connect_box.setChecked(usual.connect)
        self.connect_box.setToolTip(self.tr("As far as the ports there are free"))
        self.connect_box.toggled.connect(self._show)
        form = QFormLayout()
        for label, widget in (
            (self.tr("&Rows"), self.rows),
            (self.tr("&Columns"), self.columns),
            (self.tr("Gap &across"), self.gap_x),
            (self.tr("Gap &down"), self.gap_y),
            (self.tr("&Names"), self.pattern),
        ):
            form.addRow(label, widget)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setMinimumHeight(3 * self.note.fontMetrics().lineSpacing())
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = ok_and_cancel(self)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.connect_box)
        layout.addWidget(self.note, 1)
        layout.addWidget(self.buttons)
        self.resize(WANTED)
        self._show()

    def plan(self) -> ArrayPlan:
        """What is asked for."""
        return ArrayPlan(
            rows=self.rows.value(),
            columns=self.columns.value(),
            gap_x=self.gap_x.value(),
            gap_y=self.gap_y.value(),
            pattern=self.pattern.text(),
            connect=self.connect_box.isChecked(),
        )

    def _count(self, value: int, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(1, MOST_COPIES)
        box.setValue(value)
        box.setAccessibleName(name)
        box.setToolTip(self.tr("{0}, the originals included").format(name))
        box.valueChanged.connect(self._show)
        return box

    def _gap(self, value: float, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setRange(0.0, MOST_GAP)
        box.setDecimals(0)
        box.setSingleStep(16.0)
        box.setValue(value)
        box.setAccessibleName(name)
        box.setToolTip(self.tr("Between two copies, in units of the grid (16 a square)"))
        box.valueChanged.connect(self._show)
        return box

    def _show(self, *_args: object) -> None:
        plan = self.plan()
        palette = QPalette(self.palette())
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        try:
            text = self._preview(plan)
        except EngineError as error:
            text = str(error)
            palette.setColor(QPalette.ColorRole.WindowText, QColor(canvas_colors(palette).bad))
            ok.setEnabled(False)
            self.plan_changed.emit(None)
        else:
            ok.setEnabled(True)
            self.plan_changed.emit(plan)
        self.note.setPalette(palette)
        self.note.setText(text)
