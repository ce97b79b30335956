"""Collapsed groups on the canvas: one box with the heat of its chips, links at its border."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.picking import element_at, group_at
from app.canvas.scene import make_scene, moved_scene
from app.commands import grouping
from engine.catalog.catalog import Catalog
from engine.report.picture import design_picture
from engine.scenario.design import Design
from engine.topology.changes import PutElements
from engine.topology.collapse import HEIGHT, WIDTH
from engine.topology.quick_add import new_element
from tests.app.canvas.test_scene import same
from tests.helpers.windows import close_window, drawn_document, make_window

if TYPE_CHECKING:
    from app.shell.main_window import MainWindow


def grouped(shop: Catalog, *names: str) -> Design:
    document = drawn_document(shop)
    document.select(frozenset(names))
    assert grouping.group(document) is not None
    assert grouping.toggle_selected(document) is not None
    return document.design()


def test_a_collapsed_group_is_one_box_and_hides_what_is_within(shop: Catalog) -> None:
    design = grouped(shop, "rack", "leaf")
    scene = make_scene(design, shop, {})
    (frame,) = scene.groups
    assert frame.box[2:] == (WIDTH, HEIGHT)
    assert scene.members.shape[0] == sum(
        e.count for e in design.elements if e.id not in ("rack", "leaf")
    )
    inner = {k.id for k in design.links if {k.a.element, k.b.element} <= {"rack", "leaf"}}
    assert not inner & set(scene.link_ids)
    x, y, width, height = frame.box
    assert element_at(scene, x + width / 2, y + height / 2) is None
    assert group_at(scene, x + width / 2, y + height / 2) is frame
    chips = scene.body(scene.rows["rack"])
    cells = scene.cells[chips.first_cell : chips.first_cell + chips.cells]
    assert chips.cells == 128
    assert (cells[:, :2] >= (x, y)).all()
    assert (cells[:, :2] + cells[:, 2:] <= (x + width, y + height)).all()


def test_outer_links_end_at_the_border_of_the_box(shop: Catalog) -> None:
    document = drawn_document(shop)
    (link,) = document.design().links
    other = link.b.element if link.a.element == "rack" else link.a.element
    host = new_element(document.topology, shop.device("xuantie-c950-host"), -600.0, 500.0, 1)
    assert document.perform("Host", PutElements((host,))).ok
    document.select(frozenset({other, host.id}))
    assert grouping.group(document) is not None
    assert grouping.toggle_selected(document) is not None
    scene = make_scene(document.design(), shop, {})
    (frame,) = scene.groups
    x, y, width, height = frame.box
    ends = scene.routes[scene.link_rows[link.id]][[0, -1]].tolist()
    assert any(
        (px in (x, x + width) and y <= py <= y + height)
        or (py in (y, y + height) and x <= px <= x + width)
        for px, py in ends
    )


def test_a_drag_of_a_collapsed_group_shows_what_the_drawing_will_be(shop: Catalog) -> None:
    design = grouped(shop, "rack", "leaf")
    scene = make_scene(design, shop, {})
    moved = {e.id: (e.x + 300.0, e.y - 40.0) for e in design.elements if e.group}
    same(moved_scene(scene, moved), make_scene(design, shop, moved))
    same(moved_scene(moved_scene(scene, moved), dict.fromkeys(moved, (0.0, 0.0))),
         make_scene(design, shop, dict.fromkeys(moved, (0.0, 0.0))))  # fmt: skip


def test_an_exported_picture_shows_the_box_alone(shop: Catalog) -> None:
    design = grouped(shop, "rack", "leaf")
    opened = msgspec.structs.replace(
        design, groups=tuple(msgspec.structs.replace(g, collapsed=False) for g in design.groups)
    )
    texts = [str(getattr(s, "text", "")) for s in design_picture(design, shop, None).shapes]
    assert any(text.startswith("devices: 2, chips: 128") for text in texts)
    names = {e.name for e in design.elements if e.group}
    assert not names & set(texts)
    assert len(design_picture(opened, shop, None).shapes) > len(texts)


def test_its_mark_and_the_key_collapse_and_a_double_click_expands(
    shop: Catalog, tmp_path: Path
) -> None:
    window: MainWindow = make_window(drawn_document(shop), tmp_path)
    try:
        document, canvas = window.document, window.canvas
        assert canvas is not None
        first = list(document.topology.elements)[:2]
        document.select(frozenset(first))
        window.actions_by_id["edit.group"].trigger()
        canvas.resize(900, 600)
        canvas.grab()
        canvas.fit_all()
        (frame,) = canvas.scene.groups

        def at(x: float, y: float) -> QPoint:
            return QPoint(*(round(v) for v in canvas.camera.to_view(x, y)))

        left = Qt.MouseButton.LeftButton
        QTest.mouseClick(canvas, left, pos=at(frame.box[0] + 8, frame.box[1] + 8))
        (frame,) = canvas.scene.groups
        assert frame.collapsed
        place = at(frame.box[0] + WIDTH / 2, frame.box[1] + HEIGHT / 2)
        QTest.mouseClick(canvas, left, pos=place)
        assert document.selection == frozenset(first)
        QTest.mouseDClick(canvas, left, pos=place)
        assert not canvas.scene.groups[0].collapsed
        document.select(frozenset())
        window.actions_by_id["edit.collapse"].trigger()
        assert canvas.scene.groups[0].collapsed
        document.undo_stack.undo()
        assert not canvas.scene.groups[0].collapsed
        assert np.isfinite(canvas.scene.routes).all()
    finally:
        close_window(window)
