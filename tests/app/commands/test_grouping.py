"""Groups: made, moved by their title, renamed and dissolved, each as one step."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.commands import grouping
from engine.catalog.catalog import Catalog
from tests.helpers.windows import close_window, drawn_document, make_window, notes

if TYPE_CHECKING:
    from app.shell.main_window import MainWindow


def test_grouping_and_ungrouping_are_one_step_each(shop: Catalog) -> None:
    document = drawn_document(shop)
    before = document.design()
    document.select(frozenset({"rack"}))
    assert grouping.group(document) is None  # one is no group
    document.select(frozenset({"rack", "leaf"}))
    verdict = grouping.group(document)
    assert verdict is not None
    assert verdict.ok
    (made,) = document.topology.groups.values()
    assert {e.group for e in document.topology.elements.values()} == {made.id}
    assert grouping.selected_group(document) == made
    assert grouping.group(document) is not None  # again: the old one is empty and goes
    assert len(document.topology.groups) == 1
    document.undo_stack.undo()
    assert grouping.ungroup(document) is not None
    assert document.topology.groups == {}
    assert {e.group for e in document.topology.elements.values()} == {""}
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.design() == before


def test_part_of_a_group_is_no_whole_group(shop: Catalog) -> None:
    document = drawn_document(shop)
    document.select(frozenset({"rack", "leaf"}))
    grouping.group(document)
    document.select(frozenset({"rack"}))
    assert grouping.selected_group(document) is None
    document.select(frozenset())
    assert grouping.selected_group(document) is None
    assert grouping.ungroup(document) is None


def test_a_group_is_dragged_by_its_title_and_renamed(shop: Catalog, tmp_path: object) -> None:
    window: MainWindow = make_window(drawn_document(shop), tmp_path)  # type: ignore[arg-type]
    try:
        canvas, document = window.canvas, window.document
        assert canvas is not None
        canvas.resize(900, 700)
        canvas.fit_all()
        document.select(frozenset({"rack", "leaf"}))
        window.actions_by_id["edit.group"].trigger()
        document.select(frozenset())
        x, y, width, height = canvas.scene.groups[0].title
        start = QPoint(*map(round, canvas.camera.to_view(x + width / 2, y + height / 2)))
        places = {n: (e.x, e.y) for n, e in document.topology.elements.items()}
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
        assert document.selection == {"rack", "leaf"}
        QTest.mouseMove(canvas, start + QPoint(40, 60))
        assert canvas.scene.groups[0].box[1] > y  # the frame goes along
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(40, 60))
        moved = {n: (e.x, e.y) for n, e in document.topology.elements.items()}
        shifts = {(moved[n][0] - x, moved[n][1] - y) for n, (x, y) in places.items()}
        assert len(shifts) == 1
        assert shifts != {(0.0, 0.0)}
        notes(window).name = "Row 3"
        window.actions_by_id["edit.rename"].trigger()
        assert [group.name for group in document.topology.groups.values()] == ["Row 3"]
    finally:
        close_window(window)
