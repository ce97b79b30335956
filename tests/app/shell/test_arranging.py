"""The Arrange menu in the window: each action one step, undone to the very design."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.dialogs.array import ArrayDialog
from app.dialogs.fabric import FabricDialog
from app.shell.main_window import MainWindow
from engine.scenario.hashing import design_hash
from engine.topology.arrange import ArrayPlan
from engine.topology.presets import PRESETS

WAIT_MS = 20_000


@pytest.fixture
def drawn(window: MainWindow) -> Iterator[MainWindow]:
    """The window with both devices selected; at the end all steps are undone to the same design."""
    before = design_hash(window.document.design())
    count = window.document.undo_stack.count()
    window.document.select(frozenset({"rack", "leaf"}))
    window.arranging.present = lambda _dialog: None
    yield window
    while (
        window.document.undo_stack.count() > count and window.document.undo_stack.index() > count
    ):
        window.document.undo_stack.undo()
    assert design_hash(window.document.design()) == before


def steps(window: MainWindow) -> int:
    return window.document.undo_stack.count()


def test_aligning_moves_both_onto_a_line_as_one_step(drawn: MainWindow) -> None:
    before = steps(drawn)
    drawn.actions_by_id["arrange.left"].trigger()
    elements = drawn.document.topology.elements
    assert elements["rack"].x == elements["leaf"].x == 0.0
    assert steps(drawn) == before + 1


def test_actions_wait_for_enough_that_is_selected(drawn: MainWindow) -> None:
    assert drawn.actions_by_id["arrange.top"].isEnabled()
    assert not drawn.actions_by_id["arrange.across"].isEnabled()
    drawn.document.select(frozenset({"rack"}))
    assert not drawn.actions_by_id["arrange.top"].isEnabled()
    assert drawn.actions_by_id["arrange.array"].isEnabled()
    drawn.document.select(frozenset())
    assert not drawn.actions_by_id["arrange.array"].isEnabled()


def test_an_array_says_what_it_draws_and_selects_it(drawn: MainWindow) -> None:
    drawn.document.select(frozenset({"rack"}))
    drawn.actions_by_id["arrange.array"].trigger()
    dialog = drawn.arranging.dialog
    assert isinstance(dialog, ArrayDialog)
    dialog.columns.setValue(3)
    assert "2 new devices" in dialog.note.text()
    dialog.pattern.setText("{oops}")
    assert "not known" in dialog.note.text()
    dialog.pattern.setText("R{number}")
    before = steps(drawn)
    dialog.accept()
    assert steps(drawn) == before + 1
    names = {e.name for e in drawn.document.design().elements}
    assert {"R2", "R3"} <= names
    assert len(drawn.document.selection) == 3


def test_an_array_that_cannot_be_is_not_offered(drawn: MainWindow) -> None:
    drawn.actions_by_id["arrange.array"].trigger()
    dialog = drawn.arranging.dialog
    assert isinstance(dialog, ArrayDialog)
    dialog.rows.setValue(9000)
    assert not dialog.buttons.button(dialog.buttons.StandardButton.Ok).isEnabled()
    assert dialog.plan() == ArrayPlan(rows=9000)
    dialog.reject()


@pytest.mark.parametrize("row", range(len(PRESETS)), ids=lambda row: PRESETS[row].id)
def test_each_fabric_is_shown_and_drawn_beside_what_is_there(drawn: MainWindow, row: int) -> None:
    drawn.actions_by_id["arrange.fabric"].trigger()
    dialog = drawn.arranging.dialog
    assert isinstance(dialog, FabricDialog)
    dialog.list.setCurrentRow(row)
    dialog.refresh()
    assert dialog.drawing is not None
    assert not dialog.picture.pixmap().isNull()
    assert "devices" in dialog.note.text()
    before = steps(drawn)
    dialog.insert.click()
    assert steps(drawn) == before + 1
    assert len(drawn.document.selection) == len(dialog.drawing.elements)
    left = min(drawn.document.topology.elements[name].x for name in drawn.document.selection)
    assert left >= 400.0 + 208.0  # right of the leaf


def test_a_fabric_that_cannot_be_says_why(drawn: MainWindow) -> None:
    drawn.actions_by_id["arrange.fabric"].trigger()
    dialog = drawn.arranging.dialog
    assert isinstance(dialog, FabricDialog)
    dialog.list.setCurrentRow([preset.id for preset in PRESETS].index("dragonfly"))
    dialog.numbers["groups"].setValue(64)
    dialog.refresh()
    assert "fewer groups" in dialog.note.text()
    assert not dialog.insert.isEnabled()
    dialog.reject()


def test_tidying_up_is_one_step_in_a_thread(drawn: MainWindow, qtbot: QtBot) -> None:
    drawn.document.select(frozenset())
    before = steps(drawn)
    with qtbot.waitSignal(drawn.arranging.layout_job.ended, timeout=WAIT_MS):
        drawn.actions_by_id["arrange.tidy"].trigger()
    assert steps(drawn) == before + 1
    elements = drawn.document.topology.elements
    assert elements["leaf"].y < elements["rack"].y


def test_a_drawing_that_changed_meanwhile_is_left_alone(drawn: MainWindow, qtbot: QtBot) -> None:
    drawn.document.select(frozenset())
    with qtbot.waitSignal(drawn.arranging.layout_job.ended, timeout=WAIT_MS):
        drawn.actions_by_id["arrange.tidy"].trigger()
        drawn.document.select(frozenset({"rack"}))
        drawn.actions_by_id["edit.duplicate"].trigger()
        after = design_hash(drawn.document.design())
    assert design_hash(drawn.document.design()) == after
    assert "changed meanwhile" in drawn.status.currentMessage()
