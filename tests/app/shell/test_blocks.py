"""My blocks: saved from a selection, placed from the palette, renamed and removed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest

from app.commands import grouping
from app.models.palette_model import SPEC_ROLE
from app.shell.main_window import MainWindow
from engine.catalog.catalog import Catalog
from engine.scenario.notes import added
from tests.helpers.windows import close_window, drawn_document, make_window, notes


@pytest.fixture
def window(shop: Catalog, tmp_path: Path) -> Iterator[MainWindow]:
    made = make_window(drawn_document(shop), tmp_path)
    yield made
    close_window(made)


def offered(window: MainWindow) -> list[str]:
    """Names in the last group of the palette, where it is that of blocks."""
    model = window.palette_panel.tree.model()
    last = model.index(model.rowCount() - 1, 0)
    if last.data() != "My blocks":
        return []
    return [str(model.index(row, 0, last).data()) for row in range(model.rowCount(last))]


def save(window: MainWindow, name: str) -> str:
    window.document.select(frozenset({"rack", "leaf"}))
    notes(window).name = name
    window.actions_by_id["edit.save_block"].trigger()
    return next(key for key, block in window.blocks.blocks.items() if block.name == name)


def test_a_selection_becomes_a_block_that_is_placed_with_links_and_group(
    window: MainWindow,
) -> None:
    document, canvas = window.document, window.canvas
    assert canvas is not None
    assert offered(window) == []
    document.select(frozenset({"rack", "leaf"}))
    assert grouping.group(document) is not None
    key = save(window, "Pod")
    assert offered(window) == ["Pod"]
    before = document.design()
    canvas.resize(900, 700)
    canvas.grab()
    canvas.fit_all()
    model = window.palette_panel.tree.model()
    last = model.index(model.rowCount() - 1, 0)
    item: QModelIndex = model.index(0, 0, last)
    assert item.data(SPEC_ROLE) == key
    window.palette_panel.tree.activated.emit(item)
    spot = QPoint(700, 600)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=spot)
    assert any("Pod" in caption for _, caption in canvas.overlay.ghosts)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=spot)
    design = document.design()
    assert len(design.elements) == 2 * len(before.elements)
    assert len(design.links) == 2 * len(before.links)
    assert len(design.groups) == 2
    assert document.selection == set(design.ids()) - set(before.ids()) - {
        link.id for link in design.links
    }
    document.undo_stack.undo()
    assert document.design() == before


def test_blocks_are_there_in_the_next_window_renamed_and_removed(
    window: MainWindow, shop: Catalog, tmp_path: Path
) -> None:
    key = save(window, "Pod")
    other = make_window(drawn_document(shop), tmp_path)
    try:
        assert offered(other) == ["Pod"]
    finally:
        close_window(other)
    menu = window.blocks.menu_of(key)
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["Rename...", "Remove..."]
    menu.deleteLater()
    notes(window).name = "Row"
    window.blocks.rename(key)
    assert offered(window) == ["Row"]
    (key,) = window.blocks.blocks
    window.blocks.remove(key)  # the question is answered with no
    assert offered(window) == ["Row"]
    notes(window).says_yes = True
    window.blocks.remove(key)
    assert offered(window) == []
    assert window.blocks.menu_of("zhenwu-m890") is None


def test_blocks_groups_and_notes_are_found_by_their_names(window: MainWindow) -> None:
    document = window.document
    save(window, "Pod")
    document.select(frozenset({"rack", "leaf"}))
    assert grouping.group(document) is not None
    change, note = added(document.design(), "To be built in May", 0.0, 900.0)
    assert document.perform("Note", change).ok
    chooser = window.quick_access.chooser
    before = document.design()

    def take(action: str, text: str) -> None:
        window.actions_by_id[action].trigger()
        QTest.keyClicks(chooser.field, text)
        QTest.keyClick(chooser.field, Qt.Key.Key_Return)

    take("edit.find", "Group")
    assert document.selection == {"rack", "leaf"}
    take("edit.find", "built in")
    assert document.selection == {note}
    take("edit.quick_add", "Pod")
    assert len(document.design().elements) == 2 * len(before.elements)
    document.undo_stack.undo()
    assert document.design() == before


def test_no_block_is_lost_by_a_name_that_is_taken_or_a_folder_that_is_full(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = save(window, "One")
    save(window, "Two")
    notes(window).name = "Two"
    window.blocks.rename(one)  # the question is answered with no
    assert offered(window) == ["One", "Two"]

    def full(_folder: Path, _block: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.shell.blocks.save_block", full)
    notes(window).name = "Three"
    window.blocks.rename(one)
    assert offered(window) == ["One", "Two"]
    assert notes(window).errors
    monkeypatch.undo()
    notes(window).name = "Two"
    notes(window).says_yes = True
    window.blocks.rename(one)
    assert offered(window) == ["Two"]
    window.document.select(frozenset({"cable"}))  # a link alone is no block
    assert not window.actions_by_id["edit.save_block"].isEnabled()
