"""Copy, paste, duplicate, delete: each one command that takes inner links along."""

import msgspec
import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.canvas.nudge import nudge
from app.commands import clipboard, grouping
from app.document import Document
from engine.catalog.catalog import Catalog
from engine.scenario.notes import added
from engine.scenario.own_devices import draft_of, put_device
from engine.topology.changes import SetSection
from tests.helpers.windows import drawn_document


@pytest.fixture
def document(qtbot: QtBot, shop: Catalog) -> Document:
    return drawn_document(shop)


def test_duplicate_takes_links_along_and_selects_the_copy(document: Document) -> None:
    document.select(frozenset({"rack", "leaf"}))
    count = document.undo_stack.count()
    verdict = clipboard.duplicate(document)
    assert verdict is not None
    assert verdict.ok
    design = document.design()
    assert len(design.elements) == 4
    assert len(design.links) == 2
    assert document.undo_stack.count() == count + 1
    copies = [e for e in design.elements if e.id in document.selection]
    assert [copy.name for copy in copies] == ["Rack B", "Leaf 2"]
    new = design.links[1]
    assert {new.a.element, new.b.element} == document.selection
    document.undo_stack.undo()
    assert len(document.design().elements) == 2


def test_a_link_with_one_end_outside_is_left_behind(document: Document) -> None:
    document.select(frozenset({"rack"}))
    clipboard.duplicate(document)
    assert len(document.design().links) == 1


def test_copy_and_paste_work_between_documents(document: Document, shop: Catalog) -> None:
    document.select(frozenset({"rack", "leaf"}))
    clipboard.copy(document)
    other = Document(shop)
    for _ in range(2):
        verdict = clipboard.paste(other)
        assert verdict is not None
        assert verdict.ok
    design = other.design()
    assert len(design.elements) == 4
    assert len({element.id for element in design.elements}) == 4
    assert len({(element.x, element.y) for element in design.elements}) == 4


def test_an_empty_clipboard_pastes_nothing(document: Document) -> None:
    QGuiApplication.clipboard().clear()
    assert clipboard.paste(document) is None


@pytest.mark.parametrize("raw", [b"", b"{", b'{"elements": [{"id": 3}]}', b"[" * 10_000])
def test_a_hostile_clipboard_is_refused_in_words(document: Document, raw: bytes) -> None:
    data = QMimeData()
    data.setData(clipboard.MIME, raw)
    QGuiApplication.clipboard().setMimeData(data)
    before = document.design()
    verdict = clipboard.paste(document)
    assert verdict is not None
    assert not verdict.ok
    assert document.design() == before


def test_deleting_a_device_takes_its_links_and_undo_restores_their_order(
    document: Document,
) -> None:
    before = document.design()
    document.select(frozenset({"rack"}))
    clipboard.delete(document)
    assert [e.id for e in document.design().elements] == ["leaf"]
    assert document.design().links == ()
    document.undo_stack.undo()
    assert document.design() == before


def test_deleting_nothing_is_no_command(document: Document) -> None:
    count = document.undo_stack.count()
    document.select(frozenset())
    assert clipboard.delete(document) is None
    assert document.undo_stack.count() == count


def test_copies_take_whole_groups_and_notes_along(shop: Catalog) -> None:
    document = drawn_document(shop)
    document.select(frozenset({"rack", "leaf"}))
    assert grouping.group(document) is not None
    change, note = added(document.design(), "Row of the customer", 40.0, 900.0)
    assert document.perform("Note", change).ok
    before = document.design()
    document.select(frozenset({"rack", "leaf", note}))
    verdict = clipboard.duplicate(document)
    assert verdict is not None
    assert verdict.ok
    design = document.design()
    assert len(design.groups) == 2
    assert len({group.name for group in design.groups}) == 2
    copies = [e for e in design.elements if e.id not in before.ids()]
    assert {e.group for e in copies} == {design.groups[1].id}
    assert [n.text for n in design.notes] == ["Row of the customer"] * 2
    assert design.notes[1].id in document.selection
    clipboard.delete(document)  # the copies: their group goes with them
    assert document.design() == before
    document.select(frozenset({"rack"}))  # a part of a group stays in it
    clipboard.duplicate(document)
    assert {e.group for e in document.design().elements} == {before.groups[0].id}


def test_a_drag_and_the_arrows_move_devices_and_notes_together(shop: Catalog) -> None:
    document = drawn_document(shop)
    change, note = added(document.design(), "Here", 40.0, 900.0)
    assert document.perform("Note", change).ok
    document.select(frozenset({"rack", note}))
    rack = document.topology.elements["rack"]
    nudge(document, Qt.Key.Key_Right, fine=True)
    assert document.design().notes[0].x == 41.0
    assert document.topology.elements["rack"].x == rack.x + 1.0
    document.undo_stack.undo()
    assert document.design().notes[0].x == 40.0
    assert document.topology.elements["rack"] == rack


def test_own_devices_travel_with_what_is_of_them(shop: Catalog) -> None:
    source = drawn_document(shop)
    draft = draft_of(shop.device(source.topology.elements["leaf"].spec), "Quiet leaf")
    change, own = put_device(source.design(), draft, frozenset({"leaf"}))
    assert source.perform("Own", change).ok
    source.select(frozenset({"leaf"}))
    clipboard.copy(source)
    target = drawn_document(shop)
    verdict = clipboard.paste(target)
    assert verdict is not None
    assert verdict.ok, verdict.reason
    assert target.design().devices == (own,)
    clipboard.paste(target)  # the same device is there once
    assert target.design().devices == (own,)
    louder = msgspec.structs.replace(own, summary="another one")
    assert target.perform("Edit", SetSection("devices", (louder,))).ok
    clipboard.paste(target)
    assert [spec.id for spec in target.design().devices] == [own.id, f"{own.id}-2"]
    (pasted,) = target.selection
    assert target.topology.elements[pasted].spec == f"{own.id}-2"
    assert target.catalog.device(f"{own.id}-2").summary == own.summary


def test_a_clipboard_that_could_be_no_drawing_is_refused(shop: Catalog) -> None:
    document = drawn_document(shop)
    before = document.design()
    element = document.topology.elements["rack"]
    for changed in ({"x": 1e300}, {"count": 0}):
        bad = msgspec.structs.replace(element, **changed)
        data = QMimeData()
        data.setData(clipboard.MIME, msgspec.json.encode({"elements": [bad]}))
        QGuiApplication.clipboard().setMimeData(data)
        verdict = clipboard.paste(document)
        assert verdict is not None
        assert not verdict.ok
        assert document.design() == before


def test_a_part_of_a_group_joins_no_group_of_another_design(shop: Catalog) -> None:
    source, target = drawn_document(shop), drawn_document(shop)
    for document in (source, target):
        document.select(frozenset({"rack", "leaf"}))
        assert grouping.group(document) is not None
    assert source.topology.groups.keys() == target.topology.groups.keys()
    source.select(frozenset({"leaf"}))
    clipboard.copy(source)
    verdict = clipboard.paste(target)
    assert verdict is not None
    assert verdict.ok, verdict.reason
    (pasted,) = target.selection
    assert target.topology.elements[pasted].group == ""
