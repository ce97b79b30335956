"""Every figure of a run is shown with its range, and leads to the validation."""

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.jobs.band_job import KnownBands
from app.panels.bottlenecks import BottlenecksPanel
from app.panels.fields import error_color
from app.panels.results import ResultsHeader, mean_of_last
from engine.catalog.catalog import Catalog
from engine.metrics.summary import Summary, summarise
from engine.scenario.design import Slo
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.sim.results import Series
from tests.helpers import worlds
from tests.helpers.bands import made_up_bands


def series(**values: list[float]) -> Series:
    rows = len(next(iter(values.values())))
    zeros = {name: np.zeros(rows) for name in Series.__dataclass_fields__}
    return Series(**{**zeros, **{name: np.array(row) for name, row in values.items()}})


@pytest.fixture
def header(qtbot: QtBot) -> ResultsHeader:
    made = ResultsHeader()
    qtbot.addWidget(made)
    made.resize(300, 90)
    return made


def texts(header: ResultsHeader) -> tuple[str, ...]:
    return header.rate.text(), header.ttft.text(), header.tpot.text()


NOW = {
    "output_tokens_per_s": [1e9] * 5 + [1000.0] * 10,
    "ttft_p50_s": [math.nan] * 14 + [0.2],
    "tpot_p50_s": [math.nan] * 15,
}


def test_the_last_moments_are_shown_with_their_ranges(header: ResultsHeader) -> None:
    header.set_bands(KnownBands(False, made_up_bands()))
    header.show_series(series(**NOW))
    assert texts(header) == ("1,000 tok/s (500-1,500)", "200 ms (140-340)", "-")
    assert header.span.text() == "Now"


def test_ranges_on_their_way_are_announced_and_come_by_themselves(header: ResultsHeader) -> None:
    header.set_bands(KnownBands(True))
    header.show_series(series(**NOW))
    assert texts(header) == ("1,000 tok/s (…)", "200 ms (…)", "-")
    header.set_bands(KnownBands(False, made_up_bands()))
    assert header.rate.text() == "1,000 tok/s (500-1,500)"


def test_the_basis_is_named_and_leads_to_the_validation(
    header: ResultsHeader, qtbot: QtBot
) -> None:
    header.set_bands(KnownBands(False, made_up_bands()))
    assert "prior" in header.validation.text()
    assert "the reason" in header.validation.toolTip()
    header.grab()
    with qtbot.waitSignal(header.validation_requested):
        QTest.mouseClick(
            header.validation, Qt.MouseButton.LeftButton, pos=header.validation.rect().center()
        )
    header.set_bands(KnownBands(False, made_up_bands("fitted")))
    assert "fitted, 1,234 numbers" in header.validation.text()


def test_a_whole_run_replaces_the_moment(header: ResultsHeader, shop: Catalog) -> None:
    scenario = Scenario(design=worlds.one_chip(shop), catalog=shop, until_s=20.0, seed=1)
    simulation, lowered = prepare_simulation(scenario)
    simulation.run_to_end(None)
    summary: Summary = summarise(simulation.results(), lowered, scenario)
    header.set_bands(KnownBands(False, made_up_bands()))
    header.show_series(series(**NOW))
    header.show_summary(summary)
    assert header.span.text() == "Whole run"
    assert header.rate.text().startswith(f"{summary.output_tokens_per_s:.3g} tok/s (")
    assert "(" in header.tpot.text()


def test_clearing_the_panel_forgets_the_figures(qtbot: QtBot) -> None:
    panel = BottlenecksPanel()
    qtbot.addWidget(panel)
    panel.results.show_series(series(**NOW))
    panel.set_stale(stale=True)
    assert not panel.results.rate.isEnabled()
    panel.clear()
    assert texts(panel.results) == ("-", "-", "-")


def test_samples_without_a_value_are_left_out() -> None:
    assert mean_of_last(np.array([math.nan, 2.0, 4.0])) == pytest.approx(3.0)
    assert math.isnan(mean_of_last(np.array([math.nan])))
    assert math.isnan(mean_of_last(np.zeros(0)))


def test_a_figure_over_its_limit_says_so_in_words_and_colour(header: ResultsHeader) -> None:
    header.set_slo(Slo(ttft_s=2.0, tpot_s=0.05))
    header.show_series(series(output_tokens_per_s=[1.0], ttft_p50_s=[2.5], tpot_p50_s=[0.04]))
    assert header.ttft.text().endswith(", over 2 s")
    assert "over" not in header.tpot.text()
    role = QPalette.ColorRole.WindowText
    assert header.ttft.palette().color(role) == error_color(header.palette())
    assert header.tpot.palette().color(role) == header.palette().color(role)
    header.set_slo(Slo(ttft_s=3.0, tpot_s=0.05))
    assert "over" not in header.ttft.text()
    header.clear()
    assert "over" not in "".join(texts(header))
