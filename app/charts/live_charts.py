"""Charts of a run, fed from `Frame.series`; one plot is updated per frame, in turn."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.charts.band_area import BandArea
from app.jobs.band_job import KnownBands
from app.support.theme import canvas_colors
from engine.scenario.design import Slo
from engine.sim.results import Series

CHARTS_HZ = 10.0  # all plots together: a repaint costs 10-40 ms, the canvas needs the rest
F8 = NDArray[np.float64]

if TYPE_CHECKING:
    from engine.study.design_bands import Band, DesignBands

# Okabe and Ito's colours, lightened or darkened for the background: safe for colour-blind eyes.
DARK_PENS = ("#56b4e9", "#e69f00")
LIGHT_PENS = ("#0072b2", "#d55e00")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """One plot: title, unit of the axis, its curves by name, and which band they have."""

    title: str
    unit: str
    curves: tuple[tuple[str, Callable[[Series], F8]], ...]
    band: "Callable[[DesignBands], Band] | None" = None
    log: bool = False
    top: float | None = None  # fixed upper end of the axis
    limit: Callable[[Slo], float] | None = None  # of the service level, in the axis' unit; 0: none


class LiveCharts(QWidget):
    """Five plots beside each other on one time axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plots: list[_Plot] = []
        self._next = 0
        self._warmed = 0
        self._last_wall_s = 0.0
        self._series: Series | None = None
        plots = QWidget()
        row = QHBoxLayout(plots)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(4)
        tips = (
            self.tr("80 % band of step times"),
            self.tr("The band is being computed"),
            self.tr("limit"),
        )
        for spec in self._specs():
            plot = _Plot(spec, *tips)
            self._plots.append(plot)
            row.addWidget(plot.frame, 1)
        empty = QLabel(
            self.tr(
                "Press Play (Space): throughput, latency, queues and KV memory are drawn here."
            )
        )
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setWordWrap(True)
        empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(empty)
        self._stack.addWidget(plots)
        self.refresh_colors()

    def show_series(self, series: Series, *, everything: bool = False) -> None:
        """Takes the newest samples; draws the next plot that is due, or all of them."""
        self._series = series
        if len(series.time_s) < 2:
            return
        self._stack.setCurrentIndex(1)
        if everything:
            for plot in self._plots:
                plot.show(series)
            return
        wall_s = time.perf_counter()
        if wall_s - self._last_wall_s < 1.0 / CHARTS_HZ or not self.isVisible():
            return
        self._last_wall_s = wall_s
        self._plots[self._next].show(series)
        self._next = (self._next + 1) % len(self._plots)

    def warm_up(self) -> None:
        """Paints each plot once off screen, one a turn: the first paint costs 100-200 ms."""
        if self._warmed < len(self._plots):
            self._plots[self._warmed].widget.grab()
            self._warmed += 1
            QTimer.singleShot(0, self, self.warm_up)

    def clear(self) -> None:
        """Back to the empty state."""
        self._series = None
        for plot in self._plots:
            plot.clear()
        self._stack.setCurrentIndex(0)

    def set_cursor(self, time_s: float | None) -> None:
        """A line at the time that the user looks at; None for none."""
        for plot in self._plots:
            plot.set_cursor(time_s)

    def set_stale(self, *, stale: bool) -> None:
        """Dims the curves where they show an earlier drawing."""
        for plot in self._plots:
            plot.set_stale(stale=stale)

    def set_bands(self, known: KnownBands) -> None:
        """Takes the bands of the run; while they are pending, curves that have one stay away."""
        for plot in self._plots:
            plot.set_band(known)
            if self._series is not None and len(self._series.time_s) >= 2:
                plot.show(self._series)

    def set_slo(self, slo: Slo) -> None:
        """Draws the limits of the service level into the plots that have one."""
        for plot in self._plots:
            plot.set_limit(slo)

    def refresh_colors(self) -> None:
        """Follows a change of theme."""
        dark = self.palette().color(QPalette.ColorRole.Window).lightness() < 128
        pens = DARK_PENS if dark else LIGHT_PENS
        background = self.palette().color(QPalette.ColorRole.Base)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for plot in self._plots:
            plot.set_colors(background, text, pens)

    def _specs(self) -> Sequence[ChartSpec]:
        return (
            ChartSpec(
                title=self.tr("Tokens/s"),
                unit="",
                curves=(
                    (self.tr("out"), lambda s: s.output_tokens_per_s),
                    (self.tr("in"), lambda s: s.input_tokens_per_s),
                ),
                band=lambda bands: bands.rate,
                log=True,
            ),
            ChartSpec(
                title=self.tr("TTFT, median"),
                unit="s",
                curves=(("", lambda s: s.ttft_p50_s),),
                limit=lambda slo: slo.ttft_s,
                band=lambda bands: bands.ttft,
            ),
            ChartSpec(
                title=self.tr("TPOT, median"),
                unit="ms",
                curves=(("", lambda s: s.tpot_p50_s * 1e3),),
                limit=lambda slo: slo.tpot_s * 1e3,
                band=lambda bands: bands.tpot,
            ),
            ChartSpec(
                title=self.tr("Requests"),
                unit="",
                curves=(
                    (self.tr("running"), lambda s: s.running),
                    (self.tr("waiting"), lambda s: s.waiting),
                ),
            ),
            ChartSpec(
                title=self.tr("KV memory in use"),
                unit="%",
                curves=(("", lambda s: s.kv_occupancy * 100.0),),
                top=100.0,
            ),
        )


class _Plot:
    """One plot widget, its curves, and the shaded band around each of them."""

    def __init__(self, spec: ChartSpec, band_tip: str, pending_tip: str, limit_word: str) -> None:
        self._spec, self._limit_word = spec, limit_word
        self._bad = "#c7382a"
        self._band_tip, self._pending_tip = band_tip, pending_tip
        self._known = KnownBands(pending=False)
        self.widget = pg.PlotWidget()
        self.widget.setMenuEnabled(False)
        self.widget.setMouseEnabled(x=False, y=False)
        self.widget.hideButtons()
        self.widget.setMinimumSize(90, 90)
        self.widget.setAccessibleName(spec.title)
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.frame = QWidget()
        column = QVBoxLayout(self.frame)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addWidget(self.widget, 1)
        self._item = self.widget.getPlotItem()
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.setClipToView(True)
        self._item.showGrid(x=False, y=True, alpha=0.15)
        if spec.log:
            self._item.setLogMode(x=False, y=True)
        if spec.top is not None:
            self._item.setYRange(0.0, spec.top, padding=0.02)
        self._shape_axes()
        self.curves = [
            self._item.plot(pen=pg.mkPen("w", width=1), connect="finite") for _ in spec.curves
        ]
        self.areas = [BandArea(log=spec.log) for _ in spec.curves] if spec.band else []
        for area in self.areas:
            self._item.vb.addItem(area)
        self.cursor = pg.InfiniteLine(angle=90, movable=False)
        self.cursor.setVisible(False)
        self._item.addItem(self.cursor, ignoreBounds=True)
        self.limit = pg.InfiniteLine(angle=0, movable=False)
        self.limit.setVisible(False)
        self._item.addItem(self.limit, ignoreBounds=True)
        self._limit, self._over = 0.0, False
        self._pens: tuple[str, ...] = DARK_PENS

    def set_limit(self, slo: Slo) -> None:
        """Draws the limit, where one is asked for."""
        self._limit = self._spec.limit(slo) if self._spec.limit is not None else 0.0
        self.limit.setVisible(self._limit > 0)
        self.limit.setValue(self._limit)
        self._over = False
        self._show_title()

    def set_cursor(self, time_s: float | None) -> None:
        """Shows or hides the line."""
        self.cursor.setVisible(time_s is not None)
        if time_s is not None:
            self.cursor.setValue(time_s)

    def _shape_axes(self) -> None:
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            font = QFont()
            font.setPointSizeF(8.0)
            axis.setTickFont(font)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(maxTickLevel=0, tickLength=-4)  # minor ticks double a repaint's cost
        self._item.getAxis("bottom").setHeight(18)
        self._item.getAxis("left").setWidth(42)

    def show(self, series: Series) -> None:
        """Draws the samples; a curve that has a band is not drawn without it while it is pending."""
        if self._spec.band is not None and self._known.pending:
            return
        band = self._band()
        for number, (_, values) in enumerate(self._spec.curves):
            data = values(series)
            if self._spec.log:
                data = np.where(data > 0, data, np.nan)
            seen = np.isfinite(data)
            if not seen.any():
                continue
            x, y = series.time_s[seen], data[seen]
            if band is not None:
                self.areas[number].show_band(x, y, band.low, band.high)
            self.curves[number].setData(x, y)
            if number == 0:
                self._tell_over(float(y[-1]))

    def _tell_over(self, last: float) -> None:
        """Marks the title while the last value is over the limit."""
        over = 0 < self._limit < last
        if over != self._over:
            self._over = over
            self._show_title()

    def set_band(self, known: KnownBands) -> None:
        """Takes the bands, or that they are pending or that there are none."""
        if self._spec.band is None or known == self._known:
            return
        self._known = known
        self.clear()
        tip = self._pending_tip if known.pending else "" if known.bands is None else self._band_tip
        if known.bands is not None:
            tip += "\n" + known.bands.sentence()
        self.frame.setToolTip(tip)
        self._show_title()

    def clear(self) -> None:
        """Empties the curves."""
        for curve in (*self.curves, *self.areas):
            curve.clear()

    def set_stale(self, *, stale: bool) -> None:
        """Dims the curves."""
        for curve in (*self.curves, *self.areas):
            curve.setOpacity(0.35 if stale else 1.0)

    def set_colors(self, background: QColor, text: QColor, pens: tuple[str, ...]) -> None:
        """Colours of background, axes, title, curves and bands."""
        self._pens = pens
        self.widget.setBackground(background)
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setTextPen(pg.mkPen(text))
            faint = QColor(text)
            faint.setAlpha(110)
            axis.setPen(pg.mkPen(faint, width=1))
        self.cursor.setPen(pg.mkPen(text, width=1))
        self._bad = canvas_colors(self.widget.palette()).bad
        self.limit.setPen(pg.mkPen(self._bad, width=1, style=Qt.PenStyle.DashLine))
        for number, curve in enumerate(self.curves):
            curve.setPen(pg.mkPen(self._pen(number), width=1))
        for number, area in enumerate(self.areas):
            area.set_color(self._pen(number))
        self._show_title()

    def _band(self) -> "Band | None":
        if self._spec.band is None or self._known.bands is None:
            return None
        return self._spec.band(self._known.bands)

    def _pen(self, number: int) -> str:
        return self._pens[number % len(self._pens)]

    def _show_title(self) -> None:
        """Title, unit, names of curves in their colours, and what the shade is."""
        names = [
            f'<span style="color:{self._pen(number)}">{name}</span>'
            for number, (name, _) in enumerate(self._spec.curves)
            if name
        ]
        if self._spec.band is not None and self._known.pending:
            names.append("80 % …")
        elif self._band() is not None:
            names.append(f'<span style="color:{self._pen(0)}">&#9646;</span> 80 %')
        if self._limit > 0:
            mark = "&#9650; " if self._over else ""  # a shape too: not by colour alone
            shown = f"{mark}{self._limit_word} {self._limit:g}"
            names.append(f'<span style="color:{self._bad}">{shown}</span>')
        unit = f" ({self._spec.unit})" if self._spec.unit else ""
        legend = f" &nbsp;{' '.join(names)}" if names else ""
        self.title.setText(f"&nbsp;{self._spec.title}{unit}{legend}")
