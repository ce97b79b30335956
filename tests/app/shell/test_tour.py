"""The tour: three callouts at real parts of the window; doing what they ask goes on, Esc ends."""

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolBar, QWidget
from pytestqt.qtbot import QtBot

from app.jobs.run_controller import RunState
from app.shell.callout import EDGE, GAP, Callout, Ring, Side, arrow_of, place_beside
from app.shell.main_window import MainWindow
from app.shell.tour import Tour
from engine.catalog.devices import DeviceKind, Medium
from engine.topology.changes import PutElements, PutLinks
from engine.topology.elements import Element, Endpoint, Link

WINDOW = QSize(1280, 720)


@pytest.fixture
def tour(window: MainWindow) -> Tour:
    """A tour that has begun."""
    window.resize(WINDOW)
    window.tour.start()
    return window.tour


def callout(tour: Tour) -> Callout:
    assert tour.callout is not None
    return tour.callout


def ring(tour: Tour) -> Ring:
    assert tour.ring is not None
    return tour.ring


def rect_of(part: QWidget, window: QWidget) -> QRect:
    return QRect(part.mapTo(window, QPoint(0, 0)), part.size())


def add_leaf(window: MainWindow) -> None:
    leaf = Element(
        id="leaf-2", kind=DeviceKind.SWITCH, spec="hpn7-leaf", name="Leaf 2", x=400.0, y=200.0
    )
    assert window.document.perform("Draw", PutElements((leaf,))).ok


def add_link(window: MainWindow) -> None:
    link = Link(
        id="second", a=Endpoint(element="rack", port="uplink"),
        b=Endpoint(element="leaf-2", port="port"), medium=Medium.ETHERNET, count=8,
        bandwidth_bytes_per_s=50e9, latency_s=6e-7,
    )  # fmt: skip
    assert window.document.perform("Link", PutLinks((link,))).ok


def test_it_begins_at_the_palette_and_leaves_the_welcome_page(window: MainWindow) -> None:
    window.welcome.show()
    assert window.welcome.page is not None
    window.welcome.page.tour.click()
    assert not window.welcome.is_shown
    assert window.tour.number == 0
    assert ring(window.tour).part == rect_of(window.docks["palette"], window)
    assert "step 1 of 3" in callout(window.tour).accessibleName()
    assert "palette" in callout(window.tour).accessibleDescription()


def test_next_and_back_walk_three_steps(tour: Tour, window: MainWindow) -> None:
    shown = callout(tour)
    assert not shown.back.isEnabled()
    shown.next.click()
    assert tour.number == 1
    bar = window.findChild(QToolBar, "tools")
    assert bar is not None
    button = bar.widgetForAction(window.actions_by_id["run.play"])
    assert ring(tour).part == rect_of(button, window)
    shown.next.click()
    assert tour.number == 2
    assert shown.next.text() == "Done"
    assert ring(tour).part == rect_of(window.docks["bottlenecks"], window)
    shown.back.click()
    assert tour.number == 1
    shown.next.click()
    shown.next.click()
    assert not tour.is_running
    assert shown.isHidden()
    assert ring(tour).isHidden()


def test_a_device_and_a_link_complete_the_first_step(
    tour: Tour, window: MainWindow, qtbot: QtBot
) -> None:
    add_leaf(window)
    assert tour.number == 0
    assert callout(tour).goal_labels[0].text().startswith("✓")
    assert callout(tour).goal_labels[1].text().startswith("○")
    assert window.canvas is not None
    assert ring(tour).part == rect_of(window.canvas, window)
    tour._advance.setInterval(1)
    add_link(window)
    qtbot.waitUntil(lambda: tour.number == 1)


def test_what_was_drawn_before_the_tour_is_not_counted(tour: Tour, window: MainWindow) -> None:
    window.document.perform("Draw", PutElements(()))
    assert callout(tour).goal_labels[0].text().startswith("○")


def test_another_design_is_not_what_the_user_drew(tour: Tour, window: MainWindow) -> None:
    window.document.undo_stack.setClean()
    assert window.files.open_example()
    assert callout(tour).goal_labels[0].text().startswith("○")


def test_a_run_that_plays_completes_the_second_step(
    tour: Tour, window: MainWindow, qtbot: QtBot
) -> None:
    tour._advance.setInterval(1)
    tour.next()
    window.run.state_changed.emit(RunState.PREPARING)
    assert callout(tour).goal_labels[0].text().startswith("○")
    window.run.state_changed.emit(RunState.PLAYING)
    qtbot.waitUntil(lambda: tour.number == 2)


def test_a_bottleneck_then_a_fix_complete_the_last_step(tour: Tour, window: MainWindow) -> None:
    tour.next()
    tour.next()
    window.bottlenecks.locate_requested.emit(frozenset({"rack"}))
    assert callout(tour).goal_labels[0].text().startswith("✓")
    assert ring(tour).part == rect_of(window.docks["what_if"], window)
    window.what_if.applied.emit("More uplinks")
    assert callout(tour).goal_labels[1].text().startswith("✓")
    assert tour.number == 2  # the user ends the tour
    assert not tour._advance.isActive()


def test_what_was_done_early_is_ticked_when_its_step_comes(tour: Tour, window: MainWindow) -> None:
    window.run.state_changed.emit(RunState.PLAYING)
    assert tour.number == 0
    tour.next()
    assert callout(tour).goal_labels[0].text().startswith("✓")


def test_a_dock_that_is_hidden_is_brought_back(window: MainWindow) -> None:
    window.docks["palette"].hide()
    window.tour.start()
    assert not window.docks["palette"].isHidden()


def test_a_part_that_the_user_hides_leaves_the_callout_in_the_middle(
    tour: Tour, window: MainWindow, qtbot: QtBot
) -> None:
    window.docks["palette"].hide()
    qtbot.waitUntil(lambda: ring(tour).isHidden())
    assert abs(callout(tour).geometry().center().x() - window.rect().center().x()) <= 1
    window.docks["palette"].show()
    qtbot.waitUntil(lambda: not ring(tour).isHidden())


def test_it_follows_the_size_of_the_window(tour: Tour, window: MainWindow, qtbot: QtBot) -> None:
    tour.next()
    tour.next()
    window.show()
    window.resize(1500, 860)
    dock = window.docks["bottlenecks"]
    qtbot.waitUntil(lambda: ring(tour).part == rect_of(dock, window))
    assert ring(tour).size() == window.size()
    assert window.rect().contains(callout(tour).geometry())


def test_escape_on_the_callout_ends_it(tour: Tour) -> None:
    QTest.keyClick(callout(tour), Qt.Key.Key_Escape)
    assert not tour.is_running


def test_escape_on_the_canvas_ends_it_once_nothing_is_selected(
    tour: Tour, window: MainWindow
) -> None:
    assert window.canvas is not None
    window.document.select(frozenset({"rack"}))
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.document.selection == frozenset()
    assert tour.is_running
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not tour.is_running


def test_enter_goes_on(tour: Tour) -> None:
    QTest.keyClick(callout(tour), Qt.Key.Key_Return)
    assert tour.number == 1


def test_nothing_of_the_window_is_blocked(tour: Tour, window: MainWindow) -> None:
    assert ring(tour).testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    assert not callout(tour).isWindow()
    assert window.actions_by_id["edit.select_all"].isEnabled()
    before = len(window.document.design().elements)
    add_leaf(window)
    assert len(window.document.design().elements) == before + 1


def test_it_can_be_started_again_from_the_beginning(tour: Tour, window: MainWindow) -> None:
    add_leaf(window)
    tour.next()
    tour.close()
    window.actions_by_id["help.tour"].trigger()
    assert tour.number == 0
    assert callout(tour).goal_labels[0].text().startswith("○")


def test_after_the_end_edits_change_nothing(tour: Tour, window: MainWindow) -> None:
    tour.close()
    add_leaf(window)
    assert not tour.is_running
    assert callout(tour).isHidden()


# ---------------------------------------------------------------------- places

BOX = QSize(300, 180)


@pytest.mark.parametrize(
    ("part", "side"),
    [
        (QRect(0, 60, 250, 400), Side.RIGHT),
        (QRect(960, 60, 320, 400), Side.LEFT),
        (QRect(396, 24, 32, 30), Side.BELOW),  # a button of the tool bar
        (QRect(200, 690, 60, 24), Side.ABOVE),
        (QRect(0, 0, 1280, 300), Side.BELOW),
        (QRect(0, 300, 1280, 420), Side.ABOVE),
        (QRect(0, 0, 1280, 720), Side.INSIDE),
    ],
)
def test_a_callout_stands_where_there_is_room(part: QRect, side: Side) -> None:
    placed = place_beside(BOX, part, WINDOW)
    assert placed.side is side
    window = QRect(QPoint(0, 0), WINDOW).adjusted(EDGE, EDGE, -EDGE, -EDGE)
    assert window.contains(placed.rect)
    assert placed.rect.intersects(part) == (side is Side.INSIDE)
    arrow = arrow_of(placed, part)
    assert arrow.isEmpty() == (side is Side.INSIDE)
    if side is not Side.INSIDE:
        tip = arrow.at(1).toPoint()
        near = part.adjusted(-GAP, -GAP, GAP, GAP)
        assert near.contains(tip)
        assert not placed.rect.contains(tip)


def test_in_a_tiny_window_the_callout_keeps_its_corner() -> None:
    placed = place_beside(BOX, QRect(0, 0, 200, 100), QSize(200, 100))
    assert placed.rect.topLeft() == QPoint(EDGE, EDGE)
