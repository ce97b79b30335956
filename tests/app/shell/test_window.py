"""The window wires panels, canvas, run and status; nothing is left behind when it closes."""

import threading

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.shell.main_window import MainWindow
from engine.findings import Finding, Severity
from engine.topology.changes import SetSection

WAIT_MS = 60_000


def test_closing_leaves_no_thread(window: MainWindow, qtbot: QtBot) -> None:
    window.checks.request()
    qtbot.wait(250)
    window.document.undo_stack.setClean()
    assert window.close()
    names = {thread.name for thread in threading.enumerate()}
    assert not {name for name in names if name.startswith("rackflow")}


def test_the_status_bar_shows_the_sums_of_the_drawing(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.checks.checked, timeout=WAIT_MS) as told:
        window.checks.request()
    assert told.args is not None
    assert window.status.chips.text() == "128 chips"
    assert "CNY" in window.status.price.text()
    assert window.status.power.text().endswith("kW")
    assert told.args[0].power.total_w > 100e3


def test_undo_and_redo_name_what_they_do(window: MainWindow) -> None:
    window.document.perform("Rename design", SetSection("name", "Other"))
    undo = window.actions_by_id["edit.undo"]
    assert undo.isEnabled()
    assert "Rename design" in undo.text()
    undo.trigger()
    assert "Rename design" in window.actions_by_id["edit.redo"].text()


def test_delete_removes_the_selection_and_undo_restores_it(window: MainWindow) -> None:
    before = window.document.design()
    window.document.select(frozenset({"leaf"}))
    window.actions_by_id["edit.delete"].trigger()
    assert [element.id for element in window.document.design().elements] == ["rack"]
    assert window.document.design().links == ()
    window.document.undo_stack.undo()
    assert window.document.design() == before


def test_actions_on_a_selection_wait_for_one(window: MainWindow) -> None:
    window.document.select(frozenset())
    assert not window.actions_by_id["edit.copy"].isEnabled()
    window.actions_by_id["edit.select_all"].trigger()
    assert window.document.selection == frozenset({"rack", "leaf", "cable"})
    assert window.actions_by_id["edit.copy"].isEnabled()


def test_f8_walks_the_findings_round_and_round(window: MainWindow) -> None:
    found = [
        Finding(severity=Severity.ERROR, code="a", subject="rack", text="first"),
        Finding(severity=Severity.NOTE, code="b", subject="leaf", text="second", hint="do this"),
    ]
    window.findings.show_findings(found)
    located: list[object] = []
    window.findings.locate_requested.connect(located.append)
    for _ in range(3):
        window.actions_by_id["view.next_issue"].trigger()
    assert located == [frozenset({"rack"}), frozenset({"leaf"}), frozenset({"rack"})]
    assert window.docks["findings"].windowTitle() == "Findings (2)"


def test_play_becomes_pause_while_a_run_is_prepared(window: MainWindow) -> None:
    play = window.actions_by_id["run.play"]
    play.trigger()
    assert play.text() == "&Pause"
    window.actions_by_id["run.restart"].trigger()
    assert play.text() == "&Play"
    assert not [t for t in threading.enumerate() if t.name == "rackflow-run"]


def test_the_layout_is_remembered(window: MainWindow) -> None:
    window.resize(1300, 760)
    window.document.undo_stack.setClean()
    window.close()
    assert not window.settings.geometry.isEmpty()
    assert not window.settings.dock_state.isEmpty()


def test_the_window_is_drawn_at_both_sizes(window: MainWindow) -> None:
    for size in (QSize(1280, 720), QSize(1920, 1080)):
        window.resize(size)
        picture = window.grab()
        assert picture.size() == size


def test_a_drag_from_the_palette_draws_an_element(window: MainWindow) -> None:
    model = window.palette_panel.tree.model()
    window.palette_panel.search.setText("m890")
    leaf = model.index(0, 0, model.index(0, 0))
    data = model.mimeData([leaf])
    canvas = window.canvas
    assert canvas is not None
    middle = canvas.rect().center()
    actions, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(middle, actions, data, button, none)
    QApplication.sendEvent(canvas, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(canvas, QDragMoveEvent(middle, actions, data, button, none))
    drop = QDropEvent(QPointF(middle), actions, data, button, none)
    QApplication.sendEvent(canvas, drop)
    specs = [element.spec for element in window.document.design().elements]
    assert specs == ["panjiu-al128-2x64", "hpn7-leaf", "zhenwu-m890"]
