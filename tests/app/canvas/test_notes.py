"""Notes on the canvas: written, moved, edited and removed, each as one step; part of the picture."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.shell.main_window import MainWindow
from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.report.picture import Text, design_picture
from engine.scenario.design import Note
from engine.scenario.notes import added, box_of, lines_of
from engine.storage.project_file import load_design, save_design
from tests.helpers.windows import close_window, drawn_document, make_window, notes

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(shop: Catalog, tmp_path: Path) -> Iterator[MainWindow]:
    made = make_window(drawn_document(shop), tmp_path)
    assert made.canvas is not None
    made.canvas.resize(1000, 800)
    made.canvas.look_at(200.0, 200.0, 1.0)
    yield made
    close_window(made)


def write(window: MainWindow, text: str) -> Note:
    assert window.canvas is not None
    notes(window).name = text
    window.actions_by_id["tool.note"].trigger()
    QTest.mouseMove(window.canvas, QPoint(760, 650))
    QTest.mouseClick(window.canvas, LEFT, pos=QPoint(760, 650))
    return window.document.design().notes[-1]


def place(window: MainWindow, note: Note) -> QPoint:
    assert window.canvas is not None
    return QPoint(*map(round, window.canvas.camera.to_view(note.x + 40, note.y + 10)))


def test_a_note_is_written_where_one_clicks_and_undone(window: MainWindow) -> None:
    before = window.document.design()
    note = write(window, "Ask about power\nin hall 2")
    assert note.text == "Ask about power\nin hall 2"
    assert window.document.selection == {note.id}
    assert window.canvas is not None
    window.canvas.grab()
    window.document.undo_stack.undo()
    assert window.document.design() == before


def test_a_note_is_dragged_edited_and_removed(window: MainWindow) -> None:
    note = write(window, "first")
    start = place(window, note)
    QTest.mousePress(window.canvas, LEFT, pos=start)
    QTest.mouseMove(window.canvas, start + QPoint(64, -32))
    QTest.mouseRelease(window.canvas, LEFT, pos=start + QPoint(64, -32))
    (moved,) = window.document.design().notes
    assert (moved.x - note.x, moved.y - note.y) == (64.0, -32.0)
    notes(window).name = "second"
    window.actions_by_id["edit.rename"].trigger()
    assert window.document.design().notes[0].text == "second"
    notes(window).name = "third"
    QTest.mouseDClick(window.canvas, LEFT, pos=place(window, moved))
    assert window.document.design().notes[0].text == "third"
    window.document.select(frozenset({note.id}))
    window.actions_by_id["edit.delete"].trigger()
    assert window.document.design().notes == ()


def test_escape_and_cancel_write_nothing(window: MainWindow) -> None:
    window.actions_by_id["tool.note"].trigger()
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    QTest.mouseClick(window.canvas, LEFT, pos=QPoint(760, 650))
    assert window.document.design().notes == ()
    notes(window).name = ""
    window.editing.ask_note("", (0.0, 0.0))
    assert window.document.design().notes == ()


def test_notes_are_in_the_file_and_in_the_picture(
    window: MainWindow, tmp_path: Path, shop: Catalog
) -> None:
    write(window, "Read me")
    design = window.document.design()
    save_design(tmp_path / "n.rackflow", design, shop)
    assert load_design(tmp_path / "n.rackflow").design == design
    texts = [
        shape.text
        for shape in design_picture(design, shop, None).shapes
        if isinstance(shape, Text)
    ]
    assert "Read me" in texts


def test_a_note_makes_no_result_stale(window: MainWindow) -> None:
    window.run._design = window.document.design()
    write(window, "x")
    assert not window.run.is_stale


def test_long_texts_are_broken_within_the_width() -> None:
    note = Note(id="n", text="one two three " * 10 + "x" * 80 + "\n\u4e2d" * 2, x=0.0, y=0.0)
    lines = lines_of(note)
    assert max(len(line) for line in lines) <= 32
    assert "".join(lines).replace(" ", "") == note.text.replace(" ", "").replace("\n", "")
    assert box_of(note)[3] > 17 * len(lines)
    wide = msgspec.structs.replace(note, width=2000.0)
    assert len(lines_of(wide)) < len(lines)


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000])
def test_texts_that_cannot_be_are_refused(window: MainWindow, text: str) -> None:
    with pytest.raises(TopologyError, match="note"):
        added(window.document.design(), text, 0.0, 0.0)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_from_the_outline_a_note_is_written_without_the_pointer(window: MainWindow) -> None:
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    window.raise_dock("outline")
    window.outline.tree.setFocus()
    assert window.canvas is not None
    x, y, width, height = window.canvas.seen
    notes(window).name = "By key"
    window.actions_by_id["tool.note"].trigger()
    (note,) = window.document.design().notes
    assert (note.text, note.x, note.y) == ("By key", x + width / 2, y + height / 2)
    window.hide()
