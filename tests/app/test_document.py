"""The document: one door for edits, exact undo, a selection that forgets what is gone."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from app.document import Document
from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import FileError
from engine.scenario.design import Deployment
from engine.scenario.hashing import design_hash
from engine.topology.changes import DropElements, MoveElements, PutElements, SetSection
from engine.topology.generators import draw
from tests.helpers.windows import drawn_document

SHOP = load_catalog()


@pytest.fixture
def document(qtbot: QtBot, shop: Catalog) -> Document:
    return drawn_document(shop)


def test_a_refused_edit_changes_nothing_and_leaves_no_command(document: Document) -> None:
    before, count = document.design(), document.undo_stack.count()
    verdict = document.perform("Drop", DropElements(("rack",)))
    assert not verdict.ok
    assert "links" in verdict.reason
    assert document.design() == before
    assert document.undo_stack.count() == count


def test_every_edit_tells_its_listeners(document: Document, qtbot: QtBot) -> None:
    change = MoveElements(("rack",), ((5.0, 6.0),))
    with qtbot.waitSignal(document.changed) as told:
        document.perform("Move", change)
    assert told.args == [change]
    with qtbot.waitSignal(document.changed):
        document.undo_stack.undo()
    assert document.design().elements[0].x == 0.0


def test_the_selection_forgets_what_is_gone(document: Document) -> None:
    document.perform("Add", PutElements((draw(document.catalog, "hpn7-leaf", "x", "X", 0, 0),)))
    document.select(frozenset({"x", "rack", "ghost"}))
    assert document.selection == {"x", "rack"}
    document.undo_stack.undo()
    assert document.selection == {"rack"}


def test_dirty_follows_the_saved_state(document: Document, tmp_path: Path) -> None:
    assert document.is_dirty
    document.save(tmp_path / "a.rackflow")
    assert not document.is_dirty
    document.perform("Rename", SetSection("name", "B"))
    assert document.is_dirty
    document.undo_stack.undo()
    assert not document.is_dirty


def test_a_file_that_cannot_be_read_leaves_the_document(
    document: Document, tmp_path: Path
) -> None:
    before = document.design()
    (tmp_path / "bad.rackflow").write_text("{")
    with pytest.raises(FileError):
        document.open(tmp_path / "bad.rackflow")
    assert document.design() == before
    assert document.undo_stack.canUndo()


@given(moves=st.lists(st.tuples(st.sampled_from(["rack", "leaf"]), st.integers(-9, 9)), max_size=12),
       walk=st.lists(st.booleans(), max_size=30))  # fmt: skip
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_undo_all_and_redo_all_restore_first_and_last(
    qtbot: QtBot, moves: list[tuple[str, int]], walk: list[bool]
) -> None:
    document = Document(SHOP)
    for name in ("rack", "leaf"):
        spec = "panjiu-al128-2x64" if name == "rack" else "hpn7-leaf"
        document.perform("Add", PutElements((draw(SHOP, spec, name, name, 0, 0),)))
    document.undo_stack.clear()
    first = design_hash(document.design())
    for name, place in moves:
        document.perform("Move", MoveElements((name,), ((float(place), 1.0),)))
        document.perform("TP", SetSection("deployment", Deployment(tp=abs(place) + 1)))
    last = design_hash(document.design())
    for back in walk:
        (document.undo_stack.undo if back else document.undo_stack.redo)()
    document.undo_stack.setIndex(0)
    assert design_hash(document.design()) == first
    document.undo_stack.setIndex(document.undo_stack.count())
    assert design_hash(document.design()) == last
