"""The timeline: marks of the plan and of the run, clicks, drags and keys."""

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPalette
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.panels.timeline import Timeline
from app.panels.timeline_marks import (
    Mark,
    MarkKind,
    logged_marks,
    mark_text,
    planned_marks,
    rounded_time,
    target_names,
    ticks,
)
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan
from engine.sim.faults import LoggedFault
from engine.topology.changes import SetSection

EVENTS = (
    FaultEvent(at_s=20.0, kind=FaultKind.PLANE, target="rack", member=0, part=2, repair_s=60.0),
    FaultEvent(at_s=60.0, kind=FaultKind.LINK, target="cable", member=-1),
)
LOG = (
    LoggedFault(20.0, "plane", "plane 2 of rack", "fails", "rack", 3),
    LoggedFault(50.0, "plane", "plane 2 of rack", "is repaired", "rack", 3),
    LoggedFault(55.0, "", "3 replicas", "serves again", "", 0),
)


@pytest.fixture
def planned(document: Document) -> tuple[Mark, ...]:
    assert document.perform("Plan", SetSection("faults", FaultPlan(events=EVENTS))).ok
    return planned_marks(document.design())


@pytest.fixture
def strip(qtbot: QtBot, document: Document, planned: tuple[Mark, ...]) -> Timeline:
    made = Timeline()
    qtbot.addWidget(made)
    made.resize(900, made.sizeHint().height())
    made.show_plan(planned, 100.0)
    made.show_log(logged_marks(LOG, target_names(document.design())))
    made.show_time(70.0, 70.0)
    return made


def mouse(strip: Timeline, kind: QEvent.Type, place: QPointF) -> None:
    buttons = Qt.MouseButton.NoButton
    if kind is not QEvent.Type.MouseButtonRelease:
        buttons = Qt.MouseButton.LeftButton
    button = Qt.MouseButton.NoButton
    if kind is not QEvent.Type.MouseMove:
        button = Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, place, place, button, buttons, Qt.KeyboardModifier.NoModifier)
    getattr(strip, {
        QEvent.Type.MouseButtonPress: "mousePressEvent",
        QEvent.Type.MouseMove: "mouseMoveEvent",
        QEvent.Type.MouseButtonRelease: "mouseReleaseEvent",
        QEvent.Type.MouseButtonDblClick: "mouseDoubleClickEvent",
    }[kind])(event)  # fmt: skip


def drag(strip: Timeline, start: QPointF, *way: QPointF) -> None:
    mouse(strip, QEvent.Type.MouseButtonPress, start)
    for place in way:
        mouse(strip, QEvent.Type.MouseMove, place)
    mouse(strip, QEvent.Type.MouseButtonRelease, way[-1] if way else start)


def test_marks_say_when_what_happens_to_which_device(strip: Timeline) -> None:
    texts = [mark_text(mark) for mark in strip.marks()]
    assert "20 s  Plane 2 at 0 of Rack A shall fail for 60 s" in texts or (
        "20 s  Plane 2 at 0 of Rack A shall fail for 1 min" in texts
    )
    assert "60 s  Link of Rack A - Leaf 1 shall fail" in [
        t.replace("1 min", "60 s") for t in texts
    ]
    assert "20 s  Plane 2 of Rack A fails" in texts
    assert "50 s  Plane 2 of Rack A is repaired" in texts
    assert "55 s  3 replicas serves again" in texts
    kinds = [mark.kind for mark in strip.happened]
    assert kinds == [MarkKind.FAILED, MarkKind.REPAIRED, MarkKind.SERVES]


def test_a_click_on_a_mark_asks_to_show_it_and_a_tip_says_what_it_is(
    strip: Timeline, qtbot: QtBot
) -> None:
    repaired = strip.happened[1]
    assert strip.tip_at(strip.place_of(repaired)) == mark_text(repaired)
    with qtbot.waitSignal(strip.mark_activated) as told:
        drag(strip, strip.place_of(repaired))
    assert told.args == [repaired]
    assert strip.chosen == repaired
    assert "is repaired" in strip.accessibleDescription()


def test_beside_the_marks_a_press_looks_at_a_time_that_was_simulated(strip: Timeline) -> None:
    looked: list[float] = []
    strip.looked_at.connect(looked.append)
    lane = strip.place_of(strip.planned[0]).y()
    drag(strip, QPointF(strip.x_of(40.0), lane), QPointF(strip.x_of(90.0), lane))
    assert looked == pytest.approx([40.0, 70.0], abs=0.2)
    strip.show_time(0.0, None)
    drag(strip, QPointF(strip.x_of(40.0), lane))
    assert len(looked) == 2


def test_a_planned_fault_is_dragged_to_another_time(strip: Timeline, qtbot: QtBot) -> None:
    start = strip.place_of(strip.planned[0])
    with qtbot.waitSignal(strip.move_requested) as told:
        drag(
            strip,
            start,
            QPointF(strip.x_of(30.0), start.y()),
            QPointF(strip.x_of(35.0), start.y()),
        )
    assert told.args is not None
    row, time_s = told.args
    assert row == 0
    assert time_s == pytest.approx(35.0, abs=0.2)
    assert len(f"{time_s:g}") <= 5  # a short number


def test_a_drag_is_given_up_with_escape_and_what_has_happened_stays(strip: Timeline) -> None:
    moved: list[object] = []
    strip.move_requested.connect(lambda *args: moved.append(args))
    start = strip.place_of(strip.planned[0])
    mouse(strip, QEvent.Type.MouseButtonPress, start)
    mouse(strip, QEvent.Type.MouseMove, QPointF(start.x() + 80, start.y()))
    QTest.keyClick(strip, Qt.Key.Key_Escape)
    mouse(strip, QEvent.Type.MouseButtonRelease, QPointF(start.x() + 80, start.y()))
    start = strip.place_of(strip.happened[1])
    drag(strip, start, QPointF(start.x() + 80, start.y()))
    assert moved == []


def test_keys_go_from_mark_to_mark_and_move_edit_and_show_them(
    strip: Timeline, qtbot: QtBot
) -> None:
    QTest.keyClick(strip, Qt.Key.Key_Home)
    assert strip.chosen is not None
    assert strip.chosen.time_s == 20.0
    QTest.keyClick(strip, Qt.Key.Key_End)
    assert strip.chosen == strip.planned[1]
    with qtbot.waitSignal(strip.move_requested) as moved:
        QTest.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert moved.args == [1, 61.0]
    with qtbot.waitSignal(strip.edit_requested) as edited:
        QTest.keyClick(strip, Qt.Key.Key_F2)
    assert edited.args == [1]
    QTest.keyClick(strip, Qt.Key.Key_Left)
    assert strip.chosen.kind is MarkKind.SERVES
    with qtbot.waitSignal(strip.mark_activated) as shown:
        QTest.keyClick(strip, Qt.Key.Key_Return)
    assert shown.args == [strip.happened[2]]


def test_keys_of_the_marks_are_no_shortcuts_while_it_has_the_focus(strip: Timeline) -> None:
    for key, own in ((Qt.Key.Key_Home, True), (Qt.Key.Key_F2, True), (Qt.Key.Key_Space, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        strip.event(event)
        assert event.isAccepted() is own


def test_a_double_click_edits_a_planned_fault(strip: Timeline, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.edit_requested) as told:
        mouse(strip, QEvent.Type.MouseButtonDblClick, strip.place_of(strip.planned[1]))
    assert told.args == [1]


def test_the_chosen_mark_follows_its_fault(strip: Timeline, planned: tuple[Mark, ...]) -> None:
    strip.choose(planned[1])
    moved = Mark(time_s=80.0, kind=MarkKind.PLANNED, text="x", target="rack", row=1)
    strip.show_plan((planned[0], moved), 100.0)
    assert strip.chosen == moved
    strip.show_plan((planned[0],), 100.0)
    assert strip.chosen is None


@pytest.mark.parametrize("dark", [False, True])
def test_each_kind_of_mark_has_a_shape_of_its_own(strip: Timeline, dark: bool) -> None:
    palette = QPalette(strip.palette())
    palette.setColor(
        QPalette.ColorRole.Window, Qt.GlobalColor.black if dark else Qt.GlobalColor.white
    )
    strip.setPalette(palette)
    strip.show_time(0.0, None)
    shapes = set()
    for kind in MarkKind:
        row = 0 if kind is MarkKind.PLANNED else -1
        mark = Mark(time_s=50.0, kind=kind, text="", row=row)
        strip.show_plan((mark,) if row == 0 else (), 100.0)
        strip.show_log((mark,) if row < 0 else ())
        picture = strip.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        ratio = picture.devicePixelRatio()
        middle = strip.place_of(mark) * ratio
        paper = picture.pixel(round(middle.x() - 40), round(middle.y()))
        reach = range(-9, 10)
        shapes.add(tuple(
            picture.pixel(round(middle.x()) + x, round(middle.y()) + y) != paper
            for x in reach for y in range(-8, 9)
        ))  # fmt: skip
    assert len(shapes) == len(MarkKind)


def test_a_log_of_thousands_is_painted_at_once(strip: Timeline) -> None:
    marks = tuple(
        Mark(time_s=number / 100, kind=MarkKind.FAILED, text=str(number))
        for number in range(10_000)
    )
    strip.show_log(marks)
    tip = strip.tip_at(strip.place_of(marks[5000]))
    assert "more" in tip
    assert len(strip._drawn()) < 400
    strip.grab()
    first = strip._picture
    strip.show_time(71.0, 71.0)
    strip.grab()
    assert strip._picture is first  # a frame of the run does not paint the marks again
    strip.show_log(marks[:2])
    strip.grab()
    assert strip._picture is not first


def test_ticks_are_round_and_few() -> None:
    assert [text for _, text in ticks(600.0, 6)] == ["0 min", "2 min", "4 min", "6 min", "8 min",
                                                     "10 min"]  # fmt: skip
    assert ticks(200.0, 5) == [(0.0, "0 min"), (60.0, "1 min"), (120.0, "2 min"), (180.0, "3 min")]
    assert [text for _, text in ticks(1.0, 4)] == ["0 ms", "500 ms", "1000 ms"]
    assert [text for _, text in ticks(100_000.0, 6)] == [
        "0 h",
        "5 h",
        "10 h",
        "15 h",
        "20 h",
        "25 h",
    ]
    assert ticks(0.0, 4) == []
    assert rounded_time(34.5678, 0.13) == 34.6
    assert rounded_time(345.678, 13.0) == 350.0
