"""What a run gives, with ranges: tokens/s, TTFT and TPOT, and the way to the validation."""

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.jobs.band_job import PENDING, KnownBands
from app.panels.fields import error_color
from engine.report.ranges import rate_text, time_text
from engine.scenario.design import Slo
from engine.units import format_quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.metrics.summary import Summary
    from engine.sim.results import Series
    from engine.study.design_bands import DesignBands

SAMPLES_OF_NOW = 10  # of a thousand in a run


class ResultsHeader(QWidget):
    """Three figures of the moment, or of the whole run when it has ended."""

    validation_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures = (math.nan, math.nan, math.nan)  # tokens/s out, TTFT s, TPOT s
        self._known = PENDING
        self._slo = Slo(ttft_s=0.0, tpot_s=0.0)
        self.span = QLabel()
        bold = self.span.font()
        bold.setBold(True)
        self.span.setFont(bold)
        self.validation = QLabel()  # a link: reached and pressed by the keyboard too
        self.validation.setTextFormat(Qt.TextFormat.RichText)
        self.validation.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.validation.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.validation.linkActivated.connect(self._on_link)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 8, 4)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        grid.addWidget(self.span, 0, 0)
        grid.addWidget(self.validation, 0, 1, Qt.AlignmentFlag.AlignRight)
        self.rate, self.ttft, self.tpot = (
            self._row(grid, number, name)
            for number, name in enumerate(
                (self.tr("Output"), self.tr("TTFT, median"), self.tr("TPOT, median")), start=1
            )
        )
        grid.setColumnStretch(1, 1)
        self.clear()

    def show_series(self, series: "Series") -> None:
        """The figures of the last moments of a run."""
        self.span.setText(self.tr("Now"))
        self._show(
            mean_of_last(series.output_tokens_per_s),
            mean_of_last(series.ttft_p50_s),
            mean_of_last(series.tpot_p50_s),
        )

    def show_summary(self, summary: "Summary") -> None:
        """The figures of a whole run."""
        self.span.setText(self.tr("Whole run"))
        ttft, tpot = summary.ttft_s.p50, summary.tpot_s.p50
        self._show(
            summary.output_tokens_per_s,
            math.nan if ttft is None else ttft,
            math.nan if tpot is None else tpot,
        )

    def set_bands(self, known: KnownBands) -> None:
        """Takes the bands of the run; without them every figure says that its range is missing."""
        self._known = known
        self._render()

    def set_slo(self, slo: Slo) -> None:
        """Takes the limits that a figure is marked for when it is over them; 0: none."""
        self._slo = slo
        self._render()

    def set_stale(self, *, stale: bool) -> None:
        """Dims the figures where they speak of an earlier drawing."""
        for label in (self.span, self.rate, self.ttft, self.tpot):
            label.setEnabled(not stale)

    def clear(self) -> None:
        """No run: no figures."""
        self.span.setText("")
        self._show(math.nan, math.nan, math.nan)

    def changeEvent(self, event: QEvent) -> None:
        """Draws the link in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "tpot"):
            self._render()

    def _on_link(self, _address: str) -> None:
        self.validation_requested.emit()

    def _show(self, rate: float, ttft_s: float, tpot_s: float) -> None:
        self._figures = (rate, ttft_s, tpot_s)
        self._render()

    def _render(self) -> None:
        rate, ttft_s, tpot_s = self._figures
        pending, bands = self._known.pending, self._known.bands
        unit = self.tr("tok/s")
        self.rate.setText(rate_text(rate, bands and bands.rate, unit, pending=pending))
        ttft = time_text(ttft_s, bands and bands.ttft, pending=pending)
        tpot = time_text(tpot_s, bands and bands.tpot, pending=pending)
        self._mark(self.ttft, ttft, ttft_s, self._slo.ttft_s)
        self._mark(self.tpot, tpot, tpot_s, self._slo.tpot_s)
        tip = self.tr("In brackets the middle 80 % of what step times may be")
        if bands is not None:
            tip = f"{tip}\n{bands.sentence()}"
        self.setToolTip(tip)
        self.validation.clear()  # an equal text would keep the link's colour of another theme
        self.validation.setText(f'<a href="validation">{self._validation_text(bands)}</a>')
        self.validation.setToolTip(
            self.tr("How well predictions match published measurements") + f"\n{tip}"
        )

    def _mark(self, label: QLabel, text: str, value_s: float, limit_s: float) -> None:
        """Shows a figure, and says so where it is over its limit."""
        over = 0 < limit_s < value_s
        tip = ""
        palette = QPalette(self.palette())
        if over:
            limit = format_quantity(limit_s, "s")
            text = self.tr("{0}, over {1}").format(text, limit)
            tip = self.tr("Over the limit of the service level, {0}").format(limit)
            palette.setColor(QPalette.ColorRole.WindowText, error_color(palette))
        label.setPalette(palette)
        label.setText(text)
        label.setToolTip(tip)

    def _validation_text(self, bands: "DesignBands | None") -> str:
        if bands is None:
            return self.tr("Validation")
        kind = {
            "fitted": self.tr("Validation: fitted, {0} numbers").format(f"{bands.basis.rows:,}"),
            "shrunken": self.tr("Validation: few numbers ({0})").format(f"{bands.basis.rows:,}"),
        }
        return kind.get(bands.basis.kind, self.tr("Validation: prior"))

    def _row(self, grid: QGridLayout, number: int, name: str) -> QLabel:
        label, value = QLabel(name), QLabel()
        label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        value.setTextFormat(Qt.TextFormat.PlainText)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        value.setAccessibleName(name)
        grid.addWidget(label, number, 0)
        grid.addWidget(value, number, 1)
        return value


def mean_of_last(values: "NDArray[np.float64]") -> float:
    """Mean of the last samples that have a value; nan without any."""
    last = values[-SAMPLES_OF_NOW:]
    seen = last[np.isfinite(last)]
    return float(seen.mean()) if len(seen) else math.nan
