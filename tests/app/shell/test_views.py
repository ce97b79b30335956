"""Saved views and the minimap: where one looks."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.shell.main_window import MainWindow
from tests.helpers.windows import notes


def test_a_view_is_saved_as_one_step_and_gone_to(window: MainWindow) -> None:
    assert window.canvas is not None
    window.canvas.resize(800, 600)
    window.canvas.look_at(123.0, -45.0, 0.8)
    notes(window).name = "Rack A"
    before = window.document.design()
    window.actions_by_id["view.save_view"].trigger()
    (view,) = window.document.design().views
    assert (view.name, view.x, view.y, view.scale) == ("Rack A", 123.0, -45.0, 0.8)
    window.canvas.fit_all()
    window.actions_by_id["view.go_to_view"].trigger()
    assert window.quick_access.chooser.texts() == ["Rack A"]
    QTest.keyClick(window.quick_access.chooser.field, Qt.Key.Key_Return)
    x, y, width, height = window.canvas.seen
    assert (x + width / 2, y + height / 2) == pytest.approx((123.0, -45.0))
    assert window.canvas.camera.scale == 0.8
    window.document.undo_stack.undo()
    assert window.document.design() == before


def test_a_view_of_the_same_name_is_replaced_and_one_can_be_forgotten(window: MainWindow) -> None:
    notes(window).name = "A"
    for _ in range(2):
        window.actions_by_id["view.save_view"].trigger()
    assert len(window.document.design().views) == 1
    window.views.drop(window.document.design().views[0])
    assert window.document.design().views == ()
    assert not window.actions_by_id["view.go_to_view"].isEnabled()
    notes(window).name = ""
    window.actions_by_id["view.save_view"].trigger()  # cancelled
    assert window.document.design().views == ()


def test_a_saved_view_makes_no_result_stale(window: MainWindow) -> None:
    window.run._design = window.document.design()
    notes(window).name = "A"
    window.actions_by_id["view.save_view"].trigger()
    assert not window.run.is_stale
    window.document.select(frozenset({"rack"}))
    window.actions_by_id["edit.duplicate"].trigger()
    assert window.run.is_stale


def test_the_minimap_shows_while_not_all_is_in_view_and_moves_it(window: MainWindow) -> None:
    assert window.canvas is not None
    minimap = window.views.minimap
    assert minimap is not None
    window.canvas.resize(900, 700)
    window.canvas.fit_all()
    assert minimap.isHidden()
    window.canvas.look_at(0.0, 0.0, 3.0)
    assert not minimap.isHidden()
    minimap.grab()
    QTest.mouseClick(minimap, Qt.MouseButton.LeftButton, pos=QPoint(150, 60))
    x, _, width, _ = window.canvas.seen
    assert x + width / 2 > 200.0
    window.actions_by_id["view.minimap"].trigger()
    assert minimap.isHidden()
    assert not window.settings.minimap
    window.canvas.resize(300, 200)
    window.actions_by_id["view.minimap"].trigger()
    assert minimap.isHidden()  # no room
