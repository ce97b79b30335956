"""The dialog of fabrics: which, made of what, how large; a picture and the sums before inserting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPalette, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.buttons import ok_and_cancel
from app.support.theme import canvas_colors
from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.topology.generators import Drawing
from engine.topology.presets import PRESETS, Numbers, Preset, drawn

PICTURE = QSize(360, 230)
WANTED = QSize(760, 470)
QUIET_MS = 120
LIST_WIDTH = 170
FIRST = ("panjiu-al128-2x64", "zhenwu-m890")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the dialog shows of a drawing: a picture, and its sums in words."""

    picture: QImage
    text: str


class FabricDialog(QDialog):
    """Asks for a preset and its numbers; `drawing` is what is to be inserted."""

    def __init__(
        self,
        catalog: Catalog,
        show: Callable[[Drawing], Shown],
        parent: QWidget | None = None,
    ) -> None:
        """Begins with the first preset.

        Args:
            catalog: the shop.
            show: makes picture and sums of a drawing.
            parent: the window.
        """
        super().__init__(parent)
        self.setWindowTitle(self.tr("Insert fabric"))
        self._catalog, self._show_of = catalog, show
        self.drawing: Drawing | None = None
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Fabrics"))
        self.list.setFixedWidth(LIST_WIDTH)
        self.list.addItems([self.tr(preset.title) for preset in PRESETS])
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.device = QComboBox()
        self.device.setAccessibleName(self.tr("Made of"))
        self.device.setToolTip(self.tr("The rack or chip that the fabric joins"))
        self._form = QFormLayout()
        self.numbers: dict[str, QSpinBox] = {}
        self.picture = QLabel()
        self.picture.setFixedSize(PICTURE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName(self.tr("Picture of the fabric"))
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setMinimumHeight(3 * self.note.fontMetrics().lineSpacing())
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = ok_and_cancel(self, self.tr("&Insert"))
        self.insert = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(QUIET_MS)
        self._later.timeout.connect(self.refresh)
        self._lay_out()
        self.list.currentRowChanged.connect(self._on_preset)
        self.device.currentIndexChanged.connect(self._later.start)
        self.list.setCurrentRow(0)
        self.refresh()
        self.resize(WANTED)

    @property
    def preset(self) -> Preset:
        """The chosen fabric."""
        return PRESETS[max(self.list.currentRow(), 0)]

    def values(self) -> Numbers:
        """Its numbers."""
        return {name: box.value() for name, box in self.numbers.items()}

    def refresh(self) -> None:
        """Draws what is asked for and says what it is, or why it cannot be."""
        self._later.stop()
        palette = QPalette(self.palette())
        try:
            self.drawing = drawn(
                self._catalog, self.preset, str(self.device.currentData()), self.values()
            )
            shown = self._show_of(self.drawing)
        except EngineError as error:
            self.drawing = None
            self.picture.clear()
            palette.setColor(QPalette.ColorRole.WindowText, QColor(canvas_colors(palette).bad))
            self.note.setText(str(error))
        else:
            self.picture.setPixmap(QPixmap.fromImage(shown.picture))
            self.note.setText(shown.text)
        self.note.setPalette(palette)
        self.insert.setEnabled(self.drawing is not None)

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self.summary)
        left.addLayout(self._form)
        left.addStretch(1)
        right = QVBoxLayout()
        right.addWidget(self.picture)
        right.addWidget(self.note, 1)
        top = QHBoxLayout()
        top.addWidget(self.list)
        top.addLayout(left, 1)
        top.addLayout(right)
        layout = QVBoxLayout(self)
        layout.addLayout(top, 1)
        layout.addWidget(self.buttons)

    def _on_preset(self, _row: int) -> None:
        """Asks for what the chosen preset needs."""
        while self._form.rowCount():
            taken = self._form.takeRow(0)
            for item in (taken.labelItem, taken.fieldItem):
                widget = item.widget()
                if widget is not None and widget is not self.device:
                    widget.deleteLater()
        preset = self.preset
        self.summary.setText(self.tr(preset.summary))
        self._fill_devices(preset)
        self._form.addRow(self.tr("Made &of"), self.device)
        self.numbers = {}
        for parameter in preset.parameters:
            box = QSpinBox()
            box.setRange(parameter.low, parameter.high)
            box.setValue(parameter.usual)
            words = self.tr(parameter.label)
            box.setAccessibleName(words)
            box.setToolTip(self.tr("{0} to {1}").format(parameter.low, parameter.high))
            box.valueChanged.connect(self._later.start)
            self._form.addRow(words, box)
            self.numbers[parameter.name] = box
        self._later.start()

    def _fill_devices(self, preset: Preset) -> None:
        specs = [s for s in self._catalog.devices.values() if s.kind is preset.device]
        self.device.blockSignals(True)
        self.device.clear()
        for spec in sorted(specs, key=lambda spec: _rank(spec.id, FIRST)):
            self.device.addItem(spec.name, spec.id)
        self.device.blockSignals(False)


def _rank(spec_id: str, first: Sequence[str]) -> tuple[int, str]:
    return (first.index(spec_id) if spec_id in first else len(first), spec_id)
