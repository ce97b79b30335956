"""The fault tool: what is selected fails in the plan and in the run, as one command."""

from app.shell.main_window import MainWindow
from engine.scenario.faults import FaultKind


def test_a_selection_fails_as_one_command(window: MainWindow) -> None:
    window.document.select(frozenset({"rack", "cable", "leaf"}))
    window.actions_by_id["run.fail"].trigger()
    events = window.document.design().faults.events
    assert [(event.kind, event.target) for event in events] == [
        (FaultKind.RACK, "rack"),
        (FaultKind.SWITCH, "leaf"),
        (FaultKind.LINK, "cable"),
    ]
    assert all(event.member == -1 and event.repair_s > 0 for event in events)
    window.document.undo_stack.undo()
    assert window.document.design().faults.events == ()


def test_without_a_selection_nothing_can_fail(window: MainWindow) -> None:
    window.document.select(frozenset())
    assert not window.actions_by_id["run.fail"].isEnabled()
    assert not window.fault_tool.fail_selection().ok
