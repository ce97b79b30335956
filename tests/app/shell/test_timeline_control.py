"""The timeline in the window: one undo step a drag, rows and devices are chosen, runs are followed."""

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.run_controller import RunState
from app.panels.timeline_marks import MarkKind
from app.shell.main_window import MainWindow
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan
from engine.topology.changes import SetSection

WAIT_MS = 120_000


@pytest.fixture
def planned(window: MainWindow) -> MainWindow:
    events = (
        FaultEvent(at_s=20.0, kind=FaultKind.RACK, target="rack", repair_s=5.0),
        FaultEvent(at_s=30.0, kind=FaultKind.LINK, target="cable", repair_s=5.0),
    )
    assert window.document.perform("Plan", SetSection("faults", FaultPlan(events=events))).ok
    return window


def test_it_is_there_while_something_shall_fail(window: MainWindow) -> None:
    assert window.timeline.strip.isHidden()
    events = (FaultEvent(at_s=1.0, kind=FaultKind.RACK, target="rack"),)
    window.document.perform("Plan", SetSection("faults", FaultPlan(events=events)))
    assert not window.timeline.strip.isHidden()
    assert window.timeline.strip.until_s == window.document.design().run.until_s
    window.document.undo_stack.undo()
    assert window.timeline.strip.isHidden()


def test_a_moved_fault_is_one_step(planned: MainWindow) -> None:
    strip, document = planned.timeline.strip, planned.document
    before = document.design()
    strip.move_requested.emit(1, 44.0)
    assert [event.at_s for event in document.design().faults.events] == [20.0, 44.0]
    assert strip.planned[1].time_s == 44.0
    assert document.undo_stack.undoText() == "Move fault"
    document.undo_stack.undo()
    assert document.design() == before


def test_a_click_chooses_the_row_and_the_device(planned: MainWindow) -> None:
    strip = planned.timeline.strip
    strip.mark_activated.emit(strip.planned[1])
    assert planned.document.selection == frozenset({"cable"})
    assert planned.faults.events.table.currentIndex().row() == 1
    strip.edit_requested.emit(0)
    assert planned.faults.events.table.currentIndex().row() == 0


def test_it_follows_a_run_and_scrubs_it(planned: MainWindow, qtbot: QtBot) -> None:
    strip, run = planned.timeline.strip, planned.run
    settings = planned.document.design().run
    run.set_speed(0.0)
    short = type(settings)(until_s=60.0, seed=settings.seed)
    planned.document.perform("Shorten", SetSection("run", short))
    run.play()
    qtbot.waitUntil(lambda: run.state in (RunState.FINISHED, RunState.FAILED), timeout=WAIT_MS)
    assert run.state is RunState.FINISHED
    assert strip.until_s == 60.0
    assert strip.done_s == pytest.approx(60.0)
    kinds = {mark.kind for mark in strip.happened}
    assert {MarkKind.FAILED, MarkKind.REPAIRED} <= kinds
    failed = next(mark for mark in strip.happened if mark.kind is MarkKind.FAILED)
    strip.mark_activated.emit(failed)
    assert strip.now_s == pytest.approx(failed.time_s, abs=0.1)
    assert planned.run_bar.progress.mark == pytest.approx(failed.time_s / 60.0, abs=0.01)
    run.reset()
    assert strip.happened == ()
    assert strip.now_s is None
