"""Gestures on the canvas, told by mouse and keyboard and asserted on the drawing."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.run_picture import LinkNames, LinkTraffic, RunPicture
from app.canvas.view import CanvasView
from app.document import Document
from engine.catalog.catalog import Catalog
from tests.helpers.windows import drawn_document

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def document(qtbot: QtBot, shop: Catalog) -> Document:
    return drawn_document(shop)


@pytest.fixture
def canvas(qtbot: QtBot, document: Document) -> CanvasView:
    view = CanvasView(document)
    qtbot.addWidget(view)
    view.resize(900, 700)
    view.show()
    view.fit_all()
    return view


def spot(canvas: CanvasView, x: float, y: float) -> QPoint:
    a, b = canvas.camera.to_view(x, y)
    return QPoint(round(a), round(b))


def send(
    canvas: CanvasView,
    kind: QEvent.Type,
    place: QPoint,
    button: Qt.MouseButton = LEFT,
    keys: Qt.KeyboardModifier = NONE,
) -> None:
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else button
    at = QPointF(place)
    event = QMouseEvent(kind, at, canvas.mapToGlobal(at), button, held, keys)
    QApplication.sendEvent(canvas, event)


def drag(
    canvas: CanvasView,
    start: QPoint,
    end: QPoint,
    keys: Qt.KeyboardModifier = NONE,
    *,
    release: bool = True,
) -> None:
    send(canvas, QEvent.Type.MouseMove, start, Qt.MouseButton.NoButton, keys)
    send(canvas, QEvent.Type.MouseButtonPress, start, LEFT, keys)
    for part in range(1, 9):
        middle = start + (end - start) * part / 8
        send(canvas, QEvent.Type.MouseMove, middle, LEFT, keys)
    if release:
        send(canvas, QEvent.Type.MouseButtonRelease, end, LEFT, keys)


def middle_of(canvas: CanvasView, name: str) -> QPoint:
    x, y, width, height = canvas.scene.bodies[name].box
    return spot(canvas, x + width * 0.3, y + height * 0.5)


def place_of(document: Document, name: str) -> tuple[float, float]:
    element = document.topology.elements[name]
    return element.x, element.y


def test_a_click_selects_and_ctrl_adds(canvas: CanvasView, document: Document) -> None:
    QTest.mouseClick(canvas, LEFT, NONE, middle_of(canvas, "rack"))
    assert document.selection == {"rack"}
    QTest.mouseClick(canvas, LEFT, Qt.KeyboardModifier.ControlModifier, middle_of(canvas, "leaf"))
    assert document.selection == {"rack", "leaf"}
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(3, 3))
    assert document.selection == frozenset()


def test_a_drag_is_a_preview_and_its_release_one_command_on_the_grid(
    canvas: CanvasView, document: Document
) -> None:
    start = middle_of(canvas, "leaf")
    count = document.undo_stack.count()
    drag(canvas, start, start + QPoint(101, 57), release=False)
    assert place_of(document, "leaf") == (400.0, 0.0)
    assert canvas.scene.bodies["leaf"].box[0] != 400.0
    send(canvas, QEvent.Type.MouseButtonRelease, start + QPoint(101, 57))
    x, y = place_of(document, "leaf")
    assert (x % 16, y % 16) == (0.0, 0.0)
    assert (x, y) != (400.0, 0.0)
    assert document.undo_stack.count() == count + 1
    document.undo_stack.undo()
    assert place_of(document, "leaf") == (400.0, 0.0)


def test_escape_restores_the_state_before_a_drag(canvas: CanvasView, document: Document) -> None:
    before, count = document.design(), document.undo_stack.count()
    start = middle_of(canvas, "leaf")
    drag(canvas, start, start + QPoint(120, 60), release=False)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.scene.bodies["leaf"].box[0] == 400.0
    send(canvas, QEvent.Type.MouseButtonRelease, start + QPoint(120, 60))
    assert document.design() == before
    assert document.undo_stack.count() == count


def test_alt_takes_the_snap_away(canvas: CanvasView, document: Document) -> None:
    start = middle_of(canvas, "leaf")
    drag(canvas, start, start + QPoint(37, 0), Qt.KeyboardModifier.AltModifier)
    x, _ = place_of(document, "leaf")
    assert x == pytest.approx(400.0 + 37 / canvas.camera.scale, abs=0.5)


def test_a_rubber_band_selects_what_lies_inside(canvas: CanvasView, document: Document) -> None:
    x, y, width, height = canvas.scene.bodies["leaf"].box
    drag(canvas, spot(canvas, x + width + 20, y + height + 20), spot(canvas, x - 15, y - 15))
    assert document.selection == {"leaf"}


def handle_of(canvas: CanvasView, name: str) -> QPoint:
    x, y, width, _ = canvas.scene.bodies[name].box
    return spot(canvas, x + width / 2, y)


def test_a_link_is_pulled_from_a_port_to_another_device(
    canvas: CanvasView, document: Document
) -> None:
    document.select(frozenset({"cable"}))
    from app.commands import clipboard

    clipboard.delete(document)
    send(canvas, QEvent.Type.MouseMove, middle_of(canvas, "rack"), Qt.MouseButton.NoButton)
    drag(canvas, handle_of(canvas, "rack"), middle_of(canvas, "leaf"), release=False)
    assert canvas.overlay.verdict_ok
    assert "128 x 50 GB/s" in canvas.overlay.verdict
    assert canvas.overlay.targets == {"leaf": True}
    send(canvas, QEvent.Type.MouseButtonRelease, middle_of(canvas, "leaf"))
    link = document.design().links[0]
    assert (link.a.element, link.a.port, link.count) == ("rack", "uplink", 128)
    assert document.selection == {link.id}


def test_an_illegal_link_says_why_before_the_release_and_draws_nothing(
    canvas: CanvasView, document: Document
) -> None:
    from engine.topology.changes import PutElements
    from engine.topology.generators import draw

    chip = draw(document.catalog, "zhenwu-m890", "chip", "Chip", 400, 200)
    document.perform("Add", PutElements((chip,)))
    canvas.fit_all()
    before = document.design()
    send(canvas, QEvent.Type.MouseMove, middle_of(canvas, "rack"), Qt.MouseButton.NoButton)
    drag(canvas, handle_of(canvas, "rack"), middle_of(canvas, "chip"), release=False)
    assert not canvas.overlay.verdict_ok
    assert "no port of a common medium" in canvas.overlay.verdict
    send(canvas, QEvent.Type.MouseButtonRelease, middle_of(canvas, "chip"))
    assert document.design() == before


def test_the_link_tool_links_from_anywhere_on_a_device(
    canvas: CanvasView, document: Document
) -> None:
    canvas.set_tool("link")
    drag(canvas, middle_of(canvas, "rack"), middle_of(canvas, "leaf"))
    assert [link.count for link in document.design().links] == [64, 64]


def test_placing_by_click_goes_on_with_shift(canvas: CanvasView, document: Document) -> None:
    canvas.begin_place("zhenwu-m890")
    QTest.mouseClick(canvas, LEFT, Qt.KeyboardModifier.ShiftModifier, QPoint(60, 640))
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(300, 640))
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(500, 690))
    chips = [e for e in document.design().elements if e.spec == "zhenwu-m890"]
    assert [chip.name for chip in chips] == ["Zhenwu M890", "Zhenwu M890 2"]
    assert chips[0].y == chips[1].y  # lined up, or both on the grid


def test_digits_say_how_many_are_placed(canvas: CanvasView, document: Document) -> None:
    canvas.begin_place("panjiu-al128-2x64")
    QTest.mouseMove(canvas, QPoint(300, 600))
    for key in ("1", "2", "\b", "0"):
        code = Qt.Key.Key_Backspace if key == "\b" else Qt.Key(ord(key))
        QTest.keyClick(canvas, code)
    assert "10 x" in canvas.overlay.ghosts[0][1]
    assert "chips" in canvas.overlay.ghosts[0][1]
    assert "1280" in canvas.overlay.ghosts[0][1] or "1.28 k" in canvas.overlay.ghosts[0][1]
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(300, 600))
    (placed,) = [e for e in document.design().elements if e.count == 10]
    assert document.selection == {placed.id}
    document.undo_stack.undo()
    assert all(e.count == 1 for e in document.design().elements)


def test_digits_say_how_many_cables_a_link_has(canvas: CanvasView, document: Document) -> None:
    canvas.set_tool("link")
    send(canvas, QEvent.Type.MouseButtonPress, middle_of(canvas, "rack"))
    send(canvas, QEvent.Type.MouseMove, middle_of(canvas, "leaf"))
    assert "64 x" in canvas.overlay.verdict
    QTest.keyClick(canvas, Qt.Key.Key_8)
    assert "8 x" in canvas.overlay.verdict
    send(canvas, QEvent.Type.MouseButtonRelease, middle_of(canvas, "leaf"))
    assert [link.count for link in document.design().links] == [64, 8]


def test_a_link_dropped_on_nothing_asks_for_a_device(
    canvas: CanvasView, document: Document, qtbot: QtBot
) -> None:
    canvas.set_tool("link")
    before = document.design()
    with qtbot.waitSignal(canvas.device_wanted) as asked:
        drag(canvas, middle_of(canvas, "rack"), QPoint(20, 660))
    wanted = asked.args[0]
    assert (wanted.element, wanted.port, wanted.cables) == ("rack", "", 0)
    assert document.design() == before


def test_arrows_move_the_selection_by_the_grid(canvas: CanvasView, document: Document) -> None:
    document.select(frozenset({"leaf"}))
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Down)
    assert place_of(document, "leaf") == (416.0, 16.0)


def test_the_wheel_zooms_at_the_pointer(canvas: CanvasView) -> None:
    place = QPointF(200, 150)
    before = canvas.camera.to_scene(200, 150)
    scale = canvas.camera.scale
    event = QWheelEvent(
        place, canvas.mapToGlobal(place), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NONE,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)
    assert canvas.camera.scale > scale
    assert canvas.camera.to_scene(200, 150) == pytest.approx(before)


def test_locating_selects_shows_and_points(canvas: CanvasView, document: Document) -> None:
    canvas.zoom_to(frozenset({"leaf"}), pulse=True)
    assert document.selection == {"leaf"}
    x, y = canvas.camera.to_view(400 + 104, 28)
    assert (x, y) == pytest.approx((450, 350), abs=2)
    assert canvas.overlay.pulse_left_s > 0


def picture(chips: float, use: float) -> RunPicture:
    return RunPicture(
        chip_utilisation={"rack": np.full(128, chips)},
        scale_up_utilisation={"rack": np.full(128, use)},
        links=LinkTraffic(
            LinkNames(["cable"]), np.array([[use, 0.0]]), np.array([[use * 1e9, 0.0]])
        ),
        playing=True,
    )


def colours(canvas: CanvasView) -> set[int]:
    image = canvas.grab().toImage()
    cell = canvas.scene.cells[5]
    place = spot(canvas, cell[0] + cell[2] / 2, cell[1] + cell[3] / 2)
    return {image.pixel(place + QPoint(dx, 0)) for dx in (-4, 4)}


def test_a_run_heats_chips_and_moves_dots(canvas: CanvasView) -> None:
    idle = colours(canvas)
    canvas.set_frame(picture(1.0, 0.5))
    assert canvas.particles > 0
    assert not colours(canvas) & idle
    canvas.set_frame(None)
    assert canvas.particles == 0
    assert colours(canvas) == idle


def test_idle_links_have_no_dots(canvas: CanvasView) -> None:
    canvas.set_frame(picture(0.0, 0.0))
    assert canvas.particles == 0


def test_dots_move_with_time_only_while_playing(canvas: CanvasView, qtbot: QtBot) -> None:
    canvas.set_frame(picture(1.0, 0.5))
    first = canvas.grab().toImage()
    qtbot.wait(120)
    assert canvas.grab().toImage() != first


@pytest.mark.parametrize("scale", [0.01, 0.05, 0.2, 0.5, 1.0, 2.5, 6.0])
def test_every_zoom_can_be_painted(canvas: CanvasView, scale: float) -> None:
    canvas.set_frame(picture(0.6, 0.3))
    canvas.camera.zoom(scale / canvas.camera.scale, 450, 350)
    canvas.set_frame(picture(0.7, 0.3))
    assert not canvas.grab().isNull()


def test_an_empty_canvas_says_what_to_do(qtbot: QtBot, shop: Catalog) -> None:
    view = CanvasView(Document(shop))
    qtbot.addWidget(view)
    view.resize(800, 500)

    def rows_of_text() -> int:
        image = view.grab().toImage()
        rows = ({image.pixel(x, y) for x in range(250, 550)} for y in range(image.height()))
        return sum(len(row) > 5 for row in rows)  # text, not only paper and grid

    title = rows_of_text()
    assert title > 10
    view.hints = ("Space plays what is drawn.", "F1 shows examples.")
    assert rows_of_text() > title + 10


def test_random_events_break_nothing(canvas: CanvasView, document: Document) -> None:
    generator = np.random.default_rng(7)
    kinds = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease)
    keys = (Qt.Key.Key_Escape, Qt.Key.Key_Left, Qt.Key.Key_Plus, Qt.Key.Key_Minus)
    modifiers = (NONE, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier)
    buttons = (LEFT, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton)
    tools = ("select", "link", "pan")
    for _ in range(600):
        place = QPoint(int(generator.integers(0, 900)), int(generator.integers(0, 700)))
        what = generator.integers(0, 20)
        if what == 0:
            QTest.keyClick(canvas, keys[generator.integers(0, len(keys))])
        elif what == 1:
            canvas.set_tool(tools[generator.integers(0, 3)])
        elif what == 2:
            canvas.begin_place("hpn7-leaf")
        elif what == 3 and document.undo_stack.canUndo():
            document.undo_stack.undo()
        else:
            send(canvas, kinds[generator.integers(0, 3)], place, buttons[generator.integers(0, 3)],
                 modifiers[generator.integers(0, 3)])  # fmt: skip
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not canvas.grab().isNull()
