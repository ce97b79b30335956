"""The memory of one chip of a replica as a bar: weights, activations, runtime, state, KV."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from app.document import Document
from app.panels.fields import FieldRow, TextRow
from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Figure
from engine.cost.memory import MemoryFit, fit
from engine.errors import EngineError
from engine.scenario.design import Design
from engine.scenario.own_models import design_catalog
from engine.units import format_quantity

BAR_HEIGHT = 16
COLORS = ("#3b6fb6", "#7a8fa6", "#a7a7a7", "#c9a227", "#2a9d8f")


class MemoryBar(QWidget):
    """Parts of a whole beside each other; what does not fit sticks out in red."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[float, ...] = ()
        self._overflows = False
        self.setFixedHeight(BAR_HEIGHT)

    def set_parts(self, parts: Sequence[float], *, overflows: bool) -> None:
        """Shares of the chip's memory in the order of COLORS."""
        self._parts = tuple(parts)
        self._overflows = overflows
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(160, BAR_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The parts from left to right."""
        with QPainter(self) as painter:
            outline = QColor(self.palette().color(QPalette.ColorRole.WindowText))
            outline.setAlpha(90)
            whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            left = whole.left()
            scale = whole.width() / max(1.0, sum(self._parts))
            for share, color in zip(self._parts, COLORS, strict=False):
                width = share * scale
                shade = QColor("#c0392b") if self._overflows else QColor(color)
                painter.fillRect(QRectF(left, whole.top(), width, whole.height()), shade)
                left += width
            painter.setPen(outline)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(whole)


class MemoryRow(FieldRow):
    """Says whether the deployment fits the drawn chips, with the reason in numbers."""

    def __init__(self, document: Document) -> None:
        super().__init__("")
        self.label.setText(self.tr("Chip memory"))
        self._document = document
        self.bar = MemoryBar()
        self.grid.addWidget(self.bar, 0, 1)
        self.legend = TextRow("", self._legend)
        self.legend.label.setVisible(False)
        self.grid.addWidget(self.legend, 1, 0, 1, 3)
        self._text = ""
        self.refresh()

    def refresh(self) -> None:
        """Computes the fit again; a few microseconds of arithmetic."""
        design, catalog = self._document.design(), self._document.catalog
        self.show_error("")
        try:
            result = memory_fit(design, catalog)
        except EngineError as error:
            self._text = ""
            self.bar.set_parts((), overflows=False)
            self.show_error(str(error))
            self.legend.refresh()
            return
        if result is None:
            self._text = self.tr("Draw a chip or a rack to see what fits.")
            self.bar.set_parts((), overflows=False)
        else:
            self._show(result)
        self.legend.refresh()

    def _show(self, result: MemoryFit) -> None:
        total = max(result.chip_bytes, 1.0)
        used = (
            result.weight_bytes,
            result.activation_bytes,
            result.runtime_bytes,
            result.state_bytes,
            max(0.0, result.kv_bytes),
        )
        self.bar.set_parts([part / total for part in used], overflows=not result.ok)
        names = (
            self.tr("weights"),
            self.tr("activations"),
            self.tr("runtime"),
            self.tr("state"),
            self.tr("KV"),
        )
        parts = [
            f"{name} {format_quantity(round(part), 'B')}"
            for name, part in zip(names, used, strict=True)
        ]
        self.bar.setToolTip("\n".join([*parts, result.reason]))
        self._text = self.tr("{0} chips a replica. {1}").format(
            result.chips_per_replica, result.reason
        )
        if not result.ok:
            self._text = ""
            self.show_error(f"{result.reason}; {result.way_out}")

    def _legend(self) -> str:
        return getattr(self, "_text", "")


def memory_fit(design: Design, catalog: Catalog) -> MemoryFit | None:
    """The fit of a design's deployment on its first chip or rack; None where none is drawn.

    Raises:
        CatalogError: the design names a model or device that the catalogue does not have.
    """
    for element in design.elements:
        if element.kind not in (DeviceKind.CHIP, DeviceKind.RACK):
            continue
        spec = catalog.device(element.spec)
        chip = catalog.device(spec.rack.chip) if spec.rack is not None else spec
        own = element.overrides.get("memory_bytes")
        if own is not None and not (spec.rack is not None and "memory_bytes" in spec.figures):
            chip = _with_memory(chip, own.value)
        llm = design_catalog(design, catalog).llm(design.deployment.model)
        return fit(design.deployment, llm, chip)
    return None


def _with_memory(chip: DeviceSpec, memory_bytes: float) -> DeviceSpec:
    known = chip.figures["memory_bytes"]
    own = Figure(
        value=memory_bytes,
        unit=known.unit,
        confidence=known.confidence,
        source=(QCoreApplication.translate("MemoryRow", "own value"),),
        date=known.date,
    )
    figures = {**chip.figures, "memory_bytes": own}
    return msgspec.structs.replace(chip, figures=figures)
