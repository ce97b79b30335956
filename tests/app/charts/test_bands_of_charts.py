"""Curves of throughput and latency are drawn inside their bands, and not before they are known."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.charts.band_area import BUCKETS, thinned
from app.charts.live_charts import LiveCharts
from app.jobs.band_job import KnownBands
from engine.sim.results import Series
from tests.helpers.bands import made_up_bands

RATE, TTFT, TPOT, REQUESTS, KV = range(5)


@pytest.fixture
def charts(qtbot: QtBot) -> LiveCharts:
    made = LiveCharts()
    qtbot.addWidget(made)
    made.resize(1000, 160)
    return made


@pytest.fixture
def series() -> Series:
    time_s = np.arange(1.0, 51.0)
    values = dict.fromkeys(Series.__dataclass_fields__, time_s)
    return Series(**{**values, "time_s": time_s})


def curve(charts: LiveCharts, plot: int, number: int = 0) -> np.ndarray | None:
    data = charts._plots[plot].curves[number].getOriginalDataset()[1]
    return None if data is None else np.asarray(data)


def edges(charts: LiveCharts, plot: int, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Top and bottom of a band, in the order of time."""
    _, y = charts._plots[plot].areas[number].getData()
    half = len(y) // 2
    return y[:half], y[half:][::-1]


def test_the_band_is_the_curve_times_its_factors(charts: LiveCharts, series: Series) -> None:
    charts.set_bands(KnownBands(False, made_up_bands()))
    charts.show_series(series, everything=True)
    top, bottom = edges(charts, TTFT)
    assert top == pytest.approx(1.7 * series.ttft_p50_s)
    assert bottom == pytest.approx(0.7 * series.ttft_p50_s)
    top, bottom = edges(charts, TPOT)
    assert top == pytest.approx(1.6e3 * series.tpot_p50_s)  # drawn in ms
    assert bottom == pytest.approx(0.6e3 * series.tpot_p50_s)
    for number in (0, 1):
        top, bottom = edges(charts, RATE, number)
        assert 10**top == pytest.approx(1.5 * series.output_tokens_per_s)  # a logarithmic axis
        assert 10**bottom == pytest.approx(0.5 * series.output_tokens_per_s)


def test_the_band_is_inside_the_axis(charts: LiveCharts, series: Series) -> None:
    charts.set_bands(KnownBands(False, made_up_bands()))
    charts.show_series(series, everything=True)
    charts.grab()
    low, high = charts._plots[TTFT].widget.getPlotItem().viewRange()[1]
    assert low <= 0.7
    assert high >= 1.7 * 50


def test_no_curve_of_a_banded_plot_is_drawn_while_its_band_is_pending(
    charts: LiveCharts, series: Series
) -> None:
    charts.set_bands(KnownBands(True))
    charts.show_series(series, everything=True)
    for plot in (RATE, TTFT, TPOT):
        assert curve(charts, plot) is None
        assert "…" in charts._plots[plot].title.text()
    assert curve(charts, REQUESTS) is not None
    charts.set_bands(
        KnownBands(False, made_up_bands())
    )  # the samples are drawn without a new frame
    for plot in (RATE, TTFT, TPOT):
        assert curve(charts, plot) is not None
        assert "80 %" in charts._plots[plot].title.text()
        assert "80 % band" in charts._plots[plot].frame.toolTip()
    assert "80 %" not in charts._plots[KV].title.text()


def test_another_run_takes_the_old_band_away(charts: LiveCharts, series: Series) -> None:
    charts.set_bands(KnownBands(False, made_up_bands()))
    charts.show_series(series, everything=True)
    charts.clear()
    assert curve(charts, TTFT) is None
    assert charts._plots[TTFT].areas[0].getData()[0] is None
    charts.set_bands(KnownBands(False, None))
    charts.show_series(series, everything=True)
    assert curve(charts, TTFT) is not None
    assert charts._plots[TTFT].areas[0].getData()[0] is None
    assert charts._plots[TTFT].frame.toolTip() == ""


def test_stretches_keep_extremes_and_ends() -> None:
    x = np.arange(2000.0)
    y = np.sin(x)
    y[777], y[1234] = 9.0, -9.0
    places, low, high = thinned(x, y, BUCKETS)
    assert len(places) == len(low) == len(high) == BUCKETS
    assert (places[0], places[-1]) == (0.0, 1999.0)
    assert (low.min(), high.max()) == (-9.0, 9.0)
    assert (low <= high).all()
    few = np.arange(5.0)
    assert all(part is few for part in thinned(few, few, BUCKETS))
