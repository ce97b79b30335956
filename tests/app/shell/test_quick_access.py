"""Command palette, search and quick-add: typing narrows, Return does, Escape leaves."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.view import DeviceWanted
from app.shell.main_window import MainWindow

RETURN, ESCAPE, DOWN = Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Down


def typed(window: MainWindow, text: str) -> list[str]:
    """The rows after a text was typed into the open chooser."""
    QTest.keyClicks(window.quick_access.chooser.field, text)
    return window.quick_access.chooser.texts()


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(window.quick_access.chooser.field, key)


def test_the_palette_does_an_action_by_its_name(window: MainWindow) -> None:
    window.actions_by_id["view.commands"].trigger()
    assert typed(window, "sel all")[0] == "Select all"
    press(window, RETURN)
    assert window.document.selection == {"rack", "leaf", "cable"}
    assert window.quick_access.chooser.isHidden()


def test_the_palette_knows_every_action_and_panel(window: MainWindow) -> None:
    window.actions_by_id["view.commands"].trigger()
    shown = set(window.quick_access.chooser.texts())
    for action in window.actions():
        if action.objectName():
            assert action.text().replace("&", "") in shown
    assert "Show Faults" in shown


def test_an_action_that_is_off_is_shown_and_not_done(window: MainWindow) -> None:
    window.document.select(frozenset())
    before = window.document.design()
    window.actions_by_id["view.commands"].trigger()
    assert typed(window, "delete")[0] == "Delete"
    press(window, RETURN)
    assert window.document.design() == before
    assert not window.quick_access.chooser.isHidden()
    press(window, ESCAPE)
    assert window.quick_access.chooser.isHidden()


def test_find_shows_elements_and_links(window: MainWindow) -> None:
    window.actions_by_id["edit.find"].trigger()
    assert typed(window, "leaf 1")[0] == "Leaf 1"
    press(window, RETURN)
    assert window.document.selection == {"leaf"}
    window.actions_by_id["edit.find"].trigger()
    assert "Rack A - Leaf 1" in typed(window, "rack a leaf")
    press(window, RETURN)
    assert window.document.selection == {"cable"}


def test_arrows_go_down_the_list(window: MainWindow) -> None:
    window.actions_by_id["edit.find"].trigger()
    rows = window.quick_access.chooser.texts()
    press(window, DOWN)
    assert window.quick_access.chooser.list.currentIndex().data() == rows[1]


def test_what_nobody_drew_is_said(window: MainWindow) -> None:
    window.actions_by_id["edit.find"].trigger()
    assert typed(window, "zzz") == []
    assert window.quick_access.chooser.note.text() == "Nothing drawn has such a name"
    press(window, RETURN)
    assert not window.quick_access.chooser.isHidden()
    press(window, ESCAPE)


def test_quick_add_draws_a_device_as_one_step(window: MainWindow) -> None:
    before = window.document.design()
    window.actions_by_id["edit.quick_add"].trigger()
    typed(window, "m890")
    press(window, RETURN)
    (chosen,) = window.document.selection
    assert window.document.topology.elements[chosen].spec == "zhenwu-m890"
    window.document.undo_stack.undo()
    assert window.document.design() == before


def test_a_link_dropped_on_nothing_offers_what_fits_and_draws_both_at_once(
    window: MainWindow,
) -> None:
    before = window.document.design()
    assert window.canvas is not None
    window.canvas.ask_device("rack", "uplink", (640.0, 320.0), 4)
    rows = window.quick_access.chooser.texts()
    assert any("leaf" in row.lower() for row in rows)
    assert not any("M890" in row for row in rows)  # a chip has no Ethernet
    typed(window, "hpn7 leaf")
    press(window, RETURN)
    design = window.document.design()
    assert len(design.elements) == 3
    assert [link.count for link in design.links] == [64, 4]
    window.document.undo_stack.undo()
    assert window.document.design() == before


def test_where_nothing_fits_the_reason_is_said(window: MainWindow) -> None:
    window.document.select(frozenset())
    window.quick_access.ask_linked(DeviceWanted((0.0, 0.0), "leaf", "nowhere", 0))
    assert window.quick_access.chooser.isHidden()
    assert "has no ports" in window.status.currentMessage()


def test_a_chooser_stays_inside_a_small_window(window: MainWindow) -> None:
    window.resize(640, 360)
    window.quick_access.chooser.ask("t", [], lambda _: None, nothing="", at=QPoint(5000, 5000))
    assert window.rect().contains(window.quick_access.chooser.geometry())
    press(window, ESCAPE)
