"""Limits of the service level in the charts: drawn where one is asked for, told when it is broken."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.charts.live_charts import LiveCharts
from engine.scenario.design import Slo
from engine.sim.results import Series


@pytest.fixture
def charts(qtbot: QtBot) -> LiveCharts:
    made = LiveCharts()
    qtbot.addWidget(made)
    return made


def series(ttft_s: float) -> Series:
    values = {name: np.ones(5) for name in Series.__annotations__}
    return Series(**{**values, "time_s": np.arange(5.0), "ttft_p50_s": np.full(5, ttft_s)})


def test_limits_are_drawn_in_the_unit_of_their_axis(charts: LiveCharts) -> None:
    charts.set_slo(Slo(ttft_s=2.0, tpot_s=0.05))
    shown = [plot.limit.value() for plot in charts._plots if plot.limit.isVisible()]
    assert shown == pytest.approx([2.0, 50.0])


def test_a_limit_that_is_not_asked_for_is_not_drawn(charts: LiveCharts) -> None:
    charts.set_slo(Slo(ttft_s=0.0, tpot_s=0.0))
    assert not any(plot.limit.isVisible() for plot in charts._plots)


def test_the_title_says_when_the_last_value_is_over_the_limit(charts: LiveCharts) -> None:
    charts.set_slo(Slo(ttft_s=2.0, tpot_s=0.0))
    ttft = charts._plots[1]
    charts.show_series(series(1.0), everything=True)
    assert "limit 2" in ttft.title.text()
    assert "&#9650;" not in ttft.title.text()
    charts.show_series(series(3.0), everything=True)
    assert "&#9650;" in ttft.title.text()
    charts.show_series(series(1.0), everything=True)
    assert "&#9650;" not in ttft.title.text()
