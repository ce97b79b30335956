"""The outline shows the drawing and shares the selection with it."""

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from app.commands import clipboard, grouping
from app.document import Document
from app.models.outline_model import ID_ROLE
from app.panels.outline import OutlinePanel
from engine.scenario.notes import added
from engine.topology.layout import GRID


@pytest.fixture
def outline(qtbot: QtBot, document: Document) -> OutlinePanel:
    panel = OutlinePanel(document)
    qtbot.addWidget(panel)
    return panel


def test_elements_are_listed_with_their_links_below(outline: OutlinePanel) -> None:
    model = outline.model
    names = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert names == ["Rack A", "Leaf 1"]
    rack = model.index(0, 0)
    assert model.rowCount(rack) == 1
    assert model.index(0, 0, rack).data() == "to Leaf 1"


def test_the_model_keeps_qts_rules_through_edits(
    outline: OutlinePanel, document: Document
) -> None:
    tester = QAbstractItemModelTester(
        outline.model, QAbstractItemModelTester.FailureReportingMode.Warning
    )
    document.select(frozenset({"leaf"}))
    clipboard.delete(document)
    assert outline.model.rowCount() == 1
    document.undo_stack.undo()
    assert outline.model.rowCount() == 2
    document.new()
    assert outline.model.rowCount() == 0
    assert tester is not None


def test_a_selection_in_the_tree_selects_in_the_document(
    outline: OutlinePanel, document: Document
) -> None:
    flags = QItemSelectionModel.SelectionFlag
    outline.tree.selectionModel().select(
        outline.model.index(1, 0), flags.ClearAndSelect | flags.Rows
    )
    assert document.selection == frozenset({"leaf"})


def test_a_selection_in_the_document_selects_in_the_tree(
    outline: OutlinePanel, document: Document
) -> None:
    document.select(frozenset({"rack", "cable"}))
    rows = outline.tree.selectionModel().selectedRows(0)
    assert {index.data(ID_ROLE) for index in rows} == {"rack", "cable"}
    assert document.selection == frozenset({"rack", "cable"})


def test_renaming_is_one_command(outline: OutlinePanel, document: Document) -> None:
    count = document.undo_stack.count()
    assert outline.model.setData(outline.model.index(0, 0), "Rack B")
    assert document.design().elements[0].name == "Rack B"
    assert document.undo_stack.count() == count + 1
    assert not outline.model.setData(outline.model.index(0, 0), "   ")
    assert document.undo_stack.count() == count + 1


def test_rows_speak_to_screen_readers(outline: OutlinePanel) -> None:
    spoken = outline.model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("Rack A, Panjiu AL128")


def test_renaming_again_while_an_editor_is_open_leaves_it_open(
    outline: OutlinePanel, document: Document
) -> None:
    document.select(frozenset({"rack"}))
    outline.rename_selected()
    outline.rename_selected()  # a message of Qt would fail this test
    document.select(frozenset({"leaf"}))
    outline.rename_selected()


def test_groups_hold_their_devices_and_select_them(
    outline: OutlinePanel, document: Document
) -> None:
    tester = QAbstractItemModelTester(
        outline.model, QAbstractItemModelTester.FailureReportingMode.Warning
    )
    document.select(frozenset({"rack", "leaf"}))
    assert grouping.group(document) is not None
    change, note = added(document.design(), "To be built in May\nor June", 0.0, 900.0)
    assert document.perform("Note", change).ok
    model = outline.model
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == [
        "Group",
        "To be built in May",
    ]
    group = model.index(0, 0)
    assert [model.index(row, 0, group).data() for row in range(model.rowCount(group))] == [
        "Rack A",
        "Leaf 1",
    ]
    rack = model.index(0, 0, group)
    assert model.parent(rack) == group
    assert model.index(0, 0, rack).data() == "to Leaf 1"
    assert model.parent(model.index(0, 0, rack)) == rack
    flags = QItemSelectionModel.SelectionFlag
    outline.tree.selectionModel().select(group, flags.ClearAndSelect | flags.Rows)
    assert document.selection == {"rack", "leaf"}
    outline.tree.selectionModel().select(model.index(1, 0), flags.ClearAndSelect | flags.Rows)
    assert document.selection == {note}
    document.select(frozenset({"rack", "leaf"}))
    rows = outline.tree.selectionModel().selectedRows(0)
    assert [index.data() for index in rows] == ["Group"]
    assert model.setData(group, "Row 7")
    assert [one.name for one in document.topology.groups.values()] == ["Row 7"]
    assert not model.setData(model.index(1, 0), "other text")
    assert grouping.ungroup(document) is not None
    assert model.rowCount() == 3
    assert tester is not None


def test_keys_move_show_and_remove_what_is_selected(
    outline: OutlinePanel, document: Document
) -> None:
    located: list[frozenset[str]] = []
    outline.locate_requested.connect(located.append)
    document.select(frozenset({"leaf"}))
    place = document.topology.elements["leaf"].x
    alt = Qt.KeyboardModifier.AltModifier
    QTest.keyClick(outline.tree, Qt.Key.Key_Right, alt)
    assert document.topology.elements["leaf"].x == place + GRID
    QTest.keyClick(outline.tree, Qt.Key.Key_Left, alt | Qt.KeyboardModifier.ShiftModifier)
    assert document.topology.elements["leaf"].x == place + GRID - 1
    QTest.keyClick(outline.tree, Qt.Key.Key_Return)
    assert located == [frozenset({"leaf"})]
