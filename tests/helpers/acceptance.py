"""The first five minutes of a new user, with real mouse and key events, step by step.

The proposal is no part of it: it has a path of its own.
"""

from collections.abc import Callable, Iterator

import msgspec
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.canvas.view import CanvasView
from app.jobs.run_control import RunUpdate
from app.shell.main_window import MainWindow
from engine.scenario.hashing import design_hash
from engine.topology.changes import SetSection

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Wait = Callable[[Callable[[], bool]], None]
SHORT_S = 20.0  # simulated, so that the study of fixes takes seconds


class Clock:
    """The simulated time of the last picture of a window's run."""

    def __init__(self, window: MainWindow) -> None:
        self.time_s = 0.0
        window.run.updated.connect(self._on_updated)

    def _on_updated(self, update: RunUpdate) -> None:
        self.time_s = update.frame.time_s


def path(window: MainWindow, wait: Wait) -> Iterator[str]:
    """Does each step, asserts what the user must see, and gives the step's name.

    Args:
        window: complete and shown, with an empty design.
        wait: until something is true, with the event loop running.
    """
    canvas = window.canvas
    assert canvas is not None
    window.activateWindow()
    clock = Clock(window)
    examples = {action.data(): action for action in window.welcome.menu.actions()}
    examples["al128-agents"].trigger()
    assert window.document.topology.elements
    run = msgspec.structs.replace(window.document.design().run, until_s=SHORT_S)
    window.document.perform("Shorten the run", SetSection("run", run))
    yield "open an example"
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    wait(lambda: canvas.particles > 0 and clock.time_s > 0)
    yield "play: something moves"
    wait(lambda: bool(window.bottlenecks.rows) and window.bottlenecks.rows[0].isVisible())
    before = canvas.camera.scale
    QTest.mouseClick(window.bottlenecks.rows[0], LEFT, NONE, QPoint(20, 8))
    assert window.document.selection
    assert window.bottlenecks.rows[0].text.text()  # says why
    wait(lambda: canvas.overlay.pulse_left_s > 0 or canvas.camera.scale != before)
    yield "click the top bottleneck: the canvas shows it"
    yield from _fix(window, wait)
    yield from _draw(window, canvas)
    yield from _fail(window, canvas, wait, clock)


def _fix(window: MainWindow, wait: Wait) -> Iterator[str]:
    window.raise_dock("what_if")
    QTest.mouseClick(window.what_if.start, LEFT)
    applies: list[QWidget] = []

    def found() -> bool:
        applies[:] = [w.apply for w in window.what_if.findChildren(QWidget) if hasattr(w, "apply")]
        return not window.studies.is_running and bool(applies)

    wait(found)
    yield "ask what would help"
    before = design_hash(window.document.design())
    QTest.mouseClick(applies[0], LEFT)
    assert design_hash(window.document.design()) != before
    press(window, "Ctrl+Z")
    assert design_hash(window.document.design()) == before
    yield "apply a fix, undo it"


def _draw(window: MainWindow, canvas: CanvasView) -> Iterator[str]:
    palette = window.palette_panel
    palette.count.setValue(4)
    elements = len(window.document.topology.elements)
    index = palette.tree.model().index(0, 0, palette.tree.model().index(0, 0))
    data = palette.tree.model().mimeData([index])
    drag(canvas, data, QPoint(canvas.width() - 120, canvas.height() // 2))
    (placed,) = [e for e in window.document.design().elements if e.count == 4]
    assert len(window.document.topology.elements) == elements + 1
    yield "drag four racks from the palette"
    target = next(e.id for e in window.document.design().elements if e.kind.value == "client")
    canvas.fit_all()
    window.actions_by_id["tool.link"].trigger()
    links = len(window.document.topology.links)
    QTest.mousePress(canvas, LEFT, NONE, middle(canvas, placed.id))
    QTest.mouseMove(canvas, middle(canvas, target))
    assert canvas.overlay.verdict
    assert not canvas.overlay.verdict_ok  # the client's ports are taken: says so before release
    QTest.mouseRelease(canvas, LEFT, NONE, middle(canvas, target))
    assert len(window.document.topology.links) == links
    window.actions_by_id["tool.select"].trigger()
    yield "an illegal link says why before release"


def _fail(window: MainWindow, canvas: CanvasView, wait: Wait, clock: "Clock") -> Iterator[str]:
    link = window.document.design().links[-1].id
    press(window, "Ctrl+Z")  # the racks: the drawing runs again
    assert link in window.document.topology.links
    window.run.reset()
    clock.time_s = 0.0
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    wait(lambda: clock.time_s > 0.5)
    window.document.select(frozenset({link}))
    press(window, "Ctrl+Shift+F")
    wait(lambda: window.faults.log.count() > 0)
    assert "fails" in window.faults.log.item(0).text()
    yield "let a link fail: the log says so"


def press(window: MainWindow, keys: str) -> None:
    """A shortcut, as pressed in the window; it is made the active one first."""
    window.activateWindow()
    QApplication.processEvents()
    QTest.keySequence(window, keys)


def middle(canvas: CanvasView, name: str) -> QPoint:
    """The middle of an element in widget pixels."""
    x, y, width, height = canvas.scene.bodies[name].box
    return QPoint(*map(round, canvas.camera.to_view(x + width / 2, y + height / 2)))


def drag(canvas: CanvasView, data: QMimeData, place: QPoint) -> None:
    """A drag that enters the canvas, moves to a place and is dropped there."""
    copy, point = Qt.DropAction.CopyAction, QPointF(place)
    for event in (
        QDragEnterEvent(place, copy, data, LEFT, NONE),
        QDragMoveEvent(place, copy, data, LEFT, NONE),
        QDropEvent(point, copy, data, LEFT, NONE, QEvent.Type.Drop),
    ):
        QApplication.sendEvent(canvas, event)
