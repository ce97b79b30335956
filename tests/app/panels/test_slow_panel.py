"""Slow requests: a row each, a bar that adds up, a legend of what is there."""

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.panels.slow_panel import BAR, COLORS, SlowPanel, cause_text
from engine.metrics.slow import SlowRequest
from engine.sim.codes import Cause


def request(e2e_s: float, **causes: float) -> SlowRequest:
    return SlowRequest(arrival_s=3.0, ttft_s=0.5, e2e_s=e2e_s, input_tokens=1200, cached_tokens=800,
                       output_tokens=30, replica=2, tenant="chat", causes=causes)  # fmt: skip


@pytest.fixture
def panel(qtbot: QtBot) -> SlowPanel:
    made = SlowPanel()
    qtbot.addWidget(made)
    made.resize(1000, 200)
    return made


def test_a_row_says_what_the_request_was(panel: SlowPanel) -> None:
    panel.show_requests([request(8.0, queue=6.0, compute=2.0)])
    texts = [panel.model.index(0, column).data() for column in range(BAR + 1)]
    assert texts == ["3 s", "chat", "1,200 (800)", "30", "500 ms / 8 s", ""]
    tip = panel.model.index(0, BAR).data(3)  # ToolTipRole
    assert tip.splitlines() == ["replica 2", "queue: 6 s", "arithmetic: 2 s"]


def test_the_bar_shows_each_cause_to_scale(panel: SlowPanel) -> None:
    panel.show_requests([request(8.0, queue=6.0, compute=2.0), request(4.0, compute=4.0)])
    panel.table.setColumnWidth(BAR, 400)
    panel.grab()
    rect = panel.table.visualRect(panel.model.index(0, BAR))
    image = panel.table.viewport().grab().toImage()
    ratio = image.devicePixelRatio()

    def color(share: float, row: int) -> str:
        place = panel.table.visualRect(panel.model.index(row, BAR)).center()
        x = rect.x() + 4 + share * (rect.width() - 8)
        return QColor(image.pixel(int(x * ratio), int(place.y() * ratio))).name()

    assert color(0.4, 0) == COLORS["queue"]
    assert color(0.9, 0) == COLORS["compute"]
    assert color(0.3, 1) == COLORS["compute"]
    assert color(0.7, 1) not in COLORS.values()  # half as long as the slowest


def test_the_legend_has_what_is_met_and_nothing_else(panel: SlowPanel) -> None:
    panel.show_requests([request(8.0, fault=8.0)])
    assert "fault" in panel.legend.text()
    assert "queue" not in panel.legend.text()
    panel.show_requests(())
    assert panel.model.rowCount() == 0


def test_every_cause_of_a_request_has_a_colour_and_a_name() -> None:
    causes = {cause.name.lower() for cause in Cause} - {"tool"}
    assert set(COLORS) == causes
    assert len({cause_text(name) for name in causes}) == len(causes)
