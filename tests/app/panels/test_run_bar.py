"""The run's part of the tool bar says what a run is doing."""

from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.run_controller import RunController
from app.panels.run_bar import RunBar


def test_compiling_shows_how_far_it_is(qtbot: QtBot, document: Document) -> None:
    controller = RunController(document)
    bar = RunBar(controller)
    qtbot.addWidget(bar)
    controller.play()
    assert "Preparing" in bar.note.text()
    controller.compiling.emit(12)
    assert "12 of" in bar.note.text()
    assert bar.progress.value() == 12
    controller.compiling.emit(10_000)
    assert bar.progress.value() == bar.progress.maximum()
    controller.reset()
    assert bar.note.text() == ""


def test_speeds_are_offered_and_followed(qtbot: QtBot, document: Document) -> None:
    controller = RunController(document)
    bar = RunBar(controller)
    qtbot.addWidget(bar)
    controller.faster()
    assert bar.speed.currentText() == "2x"
    controller.set_speed(0.0)
    assert bar.speed.currentText() == "max"
