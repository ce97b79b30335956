"""The shaded area of a band around a curve: one polygon of few corners, cheap to fill."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor

F8 = NDArray[np.float64]

BUCKETS = 120  # corners a side: a plot is some hundred pixels wide
ALPHA = 56


class BandArea(pg.PlotCurveItem):  # type: ignore[misc]
    """What lies between a curve times a low and times a high factor.

    pyqtgraph's own FillBetweenItem builds its path from every sample at each change; this one
    takes the lowest and highest of each of some hundred stretches.
    """

    def __init__(self, *, log: bool) -> None:
        super().__init__(pen=None, fillLevel="enclosed")
        self._log = log
        self.setZValue(-10)

    def show_band(self, x: F8, y: F8, low: float, high: float) -> None:
        """Shades y * low to y * high; values are finite, and above 0 on a logarithmic axis."""
        if len(x) < 2:
            self.clear()
            return
        x, bottom, top = thinned(x, y, BUCKETS)
        bottom, top = bottom * low, top * high
        if self._log:
            bottom, top = np.log10(bottom), np.log10(top)
        self.setData(np.concatenate([x, x[::-1]]), np.concatenate([top, bottom[::-1]]))

    def set_color(self, color: str) -> None:
        """The colour of the curve that the band is around, made transparent."""
        shade = QColor(color)
        shade.setAlpha(ALPHA)
        self.setBrush(shade)


def thinned(x: F8, y: F8, buckets: int) -> tuple[F8, F8, F8]:
    """(x, lowest, highest) of each of at most `buckets` stretches; the ends keep their x."""
    if len(x) <= buckets:
        return x, y, y
    starts = np.linspace(0, len(x), buckets, endpoint=False).astype(np.int64)
    places = x[starts].copy()
    places[-1] = x[-1]
    return places, np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
