"""Scrubbing: the past of a run is kept thinned out, and looked at in step."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.run_picture import LinkTraffic, RunPicture
from app.jobs.run_controller import RunState
from app.shell import run_history
from app.shell.main_window import MainWindow
from app.shell.run_history import RunHistory

WAIT_MS = 120_000


def picture(use: float, chips: int = 8) -> RunPicture:
    rack = {"rack": np.full(chips, use)}
    return RunPicture(chip_utilisation=rack, scale_up_utilisation=rack, links=LinkTraffic(), playing=True)  # fmt: skip


def shown(history: RunHistory, time_s: float) -> float:
    found = history.at(time_s)
    assert found is not None
    assert not found.playing
    return float(found.chip_utilisation["rack"][0])


def test_a_time_shows_the_last_picture_before_it() -> None:
    history = RunHistory()
    assert history.at(1.0) is None
    for second in range(10):
        history.add(float(second), picture(second / 10))
    assert shown(history, 4.5) == 0.4
    assert shown(history, 4.0) == 0.4
    assert shown(history, -1.0) == 0.0
    assert shown(history, 99.0) == 0.9


def test_a_long_run_is_thinned_out_evenly() -> None:
    history = RunHistory()
    for tick in range(20_000):
        history.add(tick * 0.1, picture(tick / 20_000))
    assert len(history) <= run_history.MOST_PICTURES
    for time_s in (10.0, 500.0, 1500.0, 1999.0):
        assert shown(history, time_s) == pytest.approx(time_s / 2000, abs=0.01)


def test_pictures_of_a_hall_are_fewer() -> None:
    history = RunHistory()
    for tick in range(200):
        history.add(float(tick), picture(0.5, chips=131_072))
    assert len(history) * 2 * 131_072 * 8 <= run_history.MOST_BYTES + 2**21 * run_history.FEWEST
    assert len(history) >= run_history.FEWEST // 2


@pytest.fixture
def played(window: MainWindow, qtbot: QtBot) -> Iterator[MainWindow]:
    window.document.undo_stack.setClean()
    assert window.files.open_example()
    window.run.set_speed(30.0)
    window.run.play()
    view = window.run_view
    assert view is not None
    qtbot.waitUntil(
        lambda: view.last_update is not None and view.last_update.frame.time_s > 20.0,
        timeout=WAIT_MS,
    )
    yield window
    window.run.shut_down()


def test_dragging_the_bar_pauses_and_shows_the_past(played: MainWindow) -> None:
    window, bar = played, played.run_bar.progress
    bar.resize(200, bar.height())
    before = window.run_view.last_update.frame.time_s
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(2, 5))
    assert window.run.state is RunState.PAUSED
    assert bar.mark == pytest.approx(0.01, abs=0.006)
    looked_s = bar.mark * 600.0
    assert looked_s < before
    assert window.run_bar.clock.text().startswith(f"{looked_s:6.2f} s")
    assert window.charts._plots[0].cursor.value() == pytest.approx(looked_s)
    QTest.keyClick(bar, Qt.Key.Key_End)
    assert bar.mark == pytest.approx(bar.value() / bar.maximum())


def test_playing_on_goes_back_to_the_present(played: MainWindow, qtbot: QtBot) -> None:
    window, bar = played, played.run_bar.progress
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(2, 5))
    with qtbot.waitSignal(window.run.updated, timeout=WAIT_MS):
        window.run.play()
    qtbot.waitUntil(lambda: bar.mark is None, timeout=WAIT_MS)
    assert not window.charts._plots[0].cursor.isVisible()
