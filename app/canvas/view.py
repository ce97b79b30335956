"""CanvasView: the drawing on the screen. It forwards events to one gesture and paints layers."""

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.canvas.camera import MAX_SCALE, MIN_SCALE, Box, Camera, Point
from app.canvas.canvas_raster import CanvasRaster
from app.canvas.device_drags import DeviceDrags
from app.canvas.gestures.base import DeviceWanted, Gesture, Pointer
from app.canvas.gestures.note import PlaceNoteGesture
from app.canvas.gestures.pan import PanGesture
from app.canvas.gestures.placing import FOLLOWING, Placing, placing
from app.canvas.layers.arrows import paint_arrows
from app.canvas.layers.fills import MarkKeeper, Paints
from app.canvas.layers.overlay import (
    MANY,
    PULSE_S,
    Overlay,
    paint_empty,
    paint_legend,
    paint_overlay,
)
from app.canvas.layers.particles import Particles
from app.canvas.nudge import SHIFT_KEYS, nudge
from app.canvas.picking import element_at, link_at
from app.canvas.pointing import double_clicked, hover, pressed
from app.canvas.run_picture import RunPicture
from app.canvas.scene import Scene, make_scene, moved_scene
from app.canvas.snapping import snapped
from app.canvas.tips import tip_text
from app.document import Document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.storage.blocks import Block

FRAME_MS = 16
FIT_MARGIN = 36.0
FIT_MOST, LOCATE_MOST = 1.5, 2.0
WHEEL_STEP = 1.0015


class CanvasView(QWidget):
    """Shows a document's drawing, edits it by gestures, and animates a run over it."""

    status_text = Signal(str)
    zoom_changed = Signal(float)  # or moved
    context_menu_requested = Signal(QPoint)
    device_wanted = Signal(object)  # DeviceWanted
    note_wanted = Signal(str, object)  # id of a note or '', place of a new one

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.camera = Camera()
        self.overlay = Overlay()
        self._scene = self._drawn = Scene()  # what is shown; differs while things are dragged
        self._paints = Paints(self.palette())
        self._raster = CanvasRaster()
        self._particles = Particles()
        self._run: RunPicture | None = None
        self._stale = False
        self._snap_for: frozenset[str] | None = None  # who is dragged, and the boxes of the others
        self._snap_to = self._scene.boxes
        self._marks = MarkKeeper(MANY)
        self._gesture: Gesture | None = None
        self._tool = "select"
        self._space_held = False
        self._fit_wanted = True
        self.blocks: Mapping[str, Block] = {}  # that can be placed, by their keys
        self.hints: tuple[str, ...] = ()  # that an empty canvas shows below what to draw
        self._clock = QTimer(self)
        self._clock.setInterval(FRAME_MS)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(self._tick)
        self._last_tick_s = 0.0
        self.setMouseTracking(True)
        DeviceDrags(self, self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(240, 180)
        self.setAccessibleName(self.tr("Drawing"))
        self.setAccessibleDescription(self.tr("The outline lists and edits the same elements."))
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        document.selection_changed.connect(self.update)
        self._read()

    # ------------------------------------------------------------------ what others ask for

    @property
    def scene(self) -> Scene:
        """The drawing as it is shown."""
        return self._scene

    @property
    def particles(self) -> int:
        """Moving dots on the screen."""
        return self._particles.count

    def set_tool(self, name: str) -> None:
        """Chooses what a press means: select, link or pan."""
        self._cancel_gesture()
        self._tool = name
        self._show_cursor()

    def begin_place(self, what: str, count: int = 1) -> None:
        """The next click places so many devices of the palette, or a block."""
        self._cancel_gesture()
        self._gesture = placing(self, what, count, self.blocks)
        if self._gesture is not None:
            self.setCursor(Qt.CursorShape.CrossCursor)
            self.setFocus()

    def set_frame(self, picture: RunPicture | None) -> None:
        """Shows a run's use of chips and links; None shows the drawing alone."""
        self._run = picture
        self._raster.invalidate()
        if picture is None:
            self._particles = Particles()
            self._stale = False
        else:
            self._particles.show(self._scene, picture)
        self._run_clock()
        self.update()

    def set_still(self, *, still: bool) -> None:
        """Arrows in place of moving dots, and nothing else that moves by itself."""
        self.overlay.still = still
        self._run_clock()
        self.update()

    def set_stale(self, *, stale: bool) -> None:
        """Says that the drawing was edited after the run began."""
        self._stale = stale
        self.update()

    def fit_all(self) -> None:
        """Shows the whole drawing."""
        self._fit(self._scene.bounds(), FIT_MOST)
        self._fit_wanted = True

    def fit_selection(self) -> None:
        """Shows what is selected."""
        self._fit(self._scene.bounds(self.document.selection), LOCATE_MOST)

    @property
    def seen(self) -> Box:
        """The part of the scene that is in view."""
        x, y = self.camera.to_scene(0.0, 0.0)
        return x, y, self.width() / self.camera.scale, self.height() / self.camera.scale

    def look_at(self, x: float, y: float, scale: float | None = None) -> None:
        """Brings a scene point to the middle, at a scale or the one that is shown."""
        if scale is not None:
            self.camera.scale = min(max(scale, MIN_SCALE), MAX_SCALE)
        self.camera.dx = self.width() / 2 - x * self.camera.scale
        self.camera.dy = self.height() / 2 - y * self.camera.scale
        self._fit_wanted = False
        self._camera_moved()

    def zoom_to(self, ids: frozenset[str], *, pulse: bool) -> None:
        """Selects and shows elements and links; with `pulse` they are pointed at for a moment."""
        self.document.select(ids)
        box = self._scene.bounds(ids)
        if box is not None:
            self._fit(box, LOCATE_MOST)
        if pulse:
            self.overlay.pulse, self.overlay.pulse_left_s = ids, PULSE_S
            self._run_clock()

    def preview(self, moved: dict[str, Point]) -> None:
        """Shows elements at other corners without editing anything."""
        self._show_scene(moved_scene(self._drawn, moved))

    def snap(self, box: Box, ignoring: frozenset[str]) -> Point:
        """The corner where a box comes to rest beside elements that are not ignored; shows why."""
        if self._snap_for is not ignoring:
            self._snap_for = ignoring
            names = self._drawn.ids
            kept = [row for row, name in enumerate(names) if name not in ignoring]
            self._snap_to = self._drawn.boxes[kept]
        place, self.overlay.guides = snapped(box, self._snap_to, self.camera.scale)
        return place

    def ask_device(self, element: str, port: str, scene: Point, cables: int) -> None:
        """Asks which device is to be drawn at the end of a link that was dropped on nothing."""
        self.device_wanted.emit(DeviceWanted(scene, element, port, cables))

    def ask_note(self, note_id: str, place: Point) -> None:
        """Asks for the text of a note; '' for a new one at a place."""
        self.note_wanted.emit(note_id, place)

    def begin_note(self) -> None:
        """The next click writes a note."""
        self._cancel_gesture()
        self._gesture = PlaceNoteGesture(self)

    @property
    def pointer_scene(self) -> Point:
        """Where the pointer is, or the middle of the view while it is elsewhere."""
        x, y = self.overlay.pointer if self.underMouse() else (self.width() / 2, self.height() / 2)
        return self.camera.to_scene(x, y)

    def say(self, text: str) -> None:
        """Shows a text in the status bar."""
        self.status_text.emit(text)

    # ------------------------------------------------------------------ document and frames

    def _read(self) -> None:
        self._drawn = make_scene(self.document.design(), self.document.catalog, {})
        self._snap_for = None
        self._show_scene(self._drawn)

    def _show_scene(self, scene: Scene) -> None:
        self._scene = scene
        if self._run is not None:
            self._particles.show(self._scene, self._run)
        self._raster.invalidate()
        self.update()

    def _on_changed(self, _change: object) -> None:
        self._read()

    def _on_replaced(self) -> None:
        self._cancel_gesture()
        self.overlay = Overlay(still=self.overlay.still)
        self.set_frame(None)
        self._on_changed(None)
        self.fit_all()

    def _fit(self, box: Box | None, most: float) -> None:
        self.camera.fit(box or (0.0, 0.0, 640.0, 400.0), self.width(), self.height(),
                        FIT_MARGIN, most)  # fmt: skip
        self._fit_wanted = False
        self._camera_moved()

    def _camera_moved(self) -> None:
        self._raster.invalidate()
        self.zoom_changed.emit(self.camera.scale)
        self.update()

    def _run_clock(self) -> None:
        """Frames are made only while something moves and can be seen."""
        playing = self._run is not None and self._run.playing and not self.overlay.still
        moving = playing and self._particles.count > 0
        wanted = self.isVisible() and (moving or self.overlay.pulse_left_s > 0)
        if wanted and not self._clock.isActive():
            self._last_tick_s = time.perf_counter()
            self._clock.start()
        elif not wanted:
            self._clock.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        passed, self._last_tick_s = min(now - self._last_tick_s, 0.1), now
        if self._run is not None and self._run.playing:
            self._particles.advance(passed)
        if self.overlay.pulse_left_s > 0:
            self.overlay.pulse_left_s = max(0.0, self.overlay.pulse_left_s - passed)
            self._run_clock()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The still picture, moving dots, then the overlay."""
        size, ratio = (self.width(), self.height()), self.devicePixelRatioF()
        particles = self._particles if self._run is not None and not self.overlay.still else None
        chosen = self.document.selection | self.overlay.caught
        image = self._raster.picture(
            size, ratio, self._scene, self.camera, self._paints, self.font(), self._run, particles,
            self._marks.of(self._scene, chosen),
        )  # fmt: skip
        area = QRectF(self.rect())
        with QPainter(self) as painter:
            painter.drawImage(0, 0, image)
            painter.setFont(self.font())
            if self._run is not None and self.overlay.still:
                paint_arrows(painter, self._scene, self._run, self.camera, self._paints, area)
            paint_overlay(
                painter, self.overlay, self._scene, self.camera, self._paints, chosen,
            )  # fmt: skip
            if self._run is not None:
                down = self._run.any_down
                paint_legend(painter, area, self._paints, stale=self._stale, down=down,
                    still=self.overlay.still)  # fmt: skip
            if not self._scene.ids and not self.overlay.ghosts:
                paint_empty(painter, area, self._paints, self.hints)

    # ------------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps a fitted drawing fitted."""
        super().resizeEvent(event)
        if self._fit_wanted:
            self.fit_all()

    def showEvent(self, event: QShowEvent) -> None:
        """Goes on moving."""
        super().showEvent(event)
        self._run_clock()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing moves while hidden."""
        super().hideEvent(event)
        self._clock.stop()

    def changeEvent(self, event: QEvent) -> None:
        """Takes new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paints = Paints(self.palette())
            self._raster.invalidate()
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins the gesture that the press means."""
        pointer = self._pointer(event.position(), event.modifiers())
        if isinstance(self._gesture, FOLLOWING) and event.button() == Qt.MouseButton.LeftButton:
            self._gesture.move(pointer)
            return
        if event.button() == Qt.MouseButton.RightButton and self._gesture is not None:
            self._cancel_gesture()
            return
        if self._gesture is not None:
            return
        pans = self._tool == "pan" or self._space_held
        if event.button() == Qt.MouseButton.MiddleButton or (
            pans and event.button() == Qt.MouseButton.LeftButton
        ):
            self._gesture = PanGesture(self, pointer, self._pan_moved)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._gesture = pressed(self, pointer, self._tool)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Forwards to the gesture, or shows what lies under the pointer."""
        pointer = self._pointer(event.position(), event.modifiers())
        self.overlay.pointer = pointer.view
        if self._gesture is not None:
            self._gesture.move(pointer)
        else:
            self._hover(pointer)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends the gesture: one command at most."""
        if self._gesture is None or event.button() == Qt.MouseButton.RightButton:
            return
        pointer = self._pointer(event.position(), event.modifiers())
        gesture, self._gesture = self._gesture, None
        if gesture.finish(pointer):
            self._gesture = gesture
        self._show_cursor()
        self._hover(pointer)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Shows an element as large as it fits."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._cancel_gesture()
            name = double_clicked(self, self._pointer(event.position(), event.modifiers()))
            if name is not None:
                self.zoom_to(frozenset({name}), pulse=False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel zooms at the pointer; a touch pad scrolls, with Ctrl it zooms."""
        pixels, x, y = event.pixelDelta(), *_xy(event.position())
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not pixels.isNull() and not control:
            self.camera.pan(pixels.x(), pixels.y())
        else:
            self.camera.zoom(WHEEL_STEP ** event.angleDelta().y(), x, y)
        self._fit_wanted = False
        self._camera_moved()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves a gesture, arrows move the selection, space pans while it is held."""
        key = Qt.Key(event.key())
        if self._gesture is not None and self._gesture.type_key(event.text()):
            self.update()
        elif key == Qt.Key.Key_Escape and (self._gesture is not None or self.document.selection):
            if self._gesture is None:
                self.document.select(frozenset())
            self._cancel_gesture()
        elif key in SHIFT_KEYS and self._gesture is None and self.document.selection:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            nudge(self.document, key, fine=fine)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = 1 / 1.25 if key == Qt.Key.Key_Minus else 1.25
            self.camera.zoom(factor, self.width() / 2, self.height() / 2)
            self._camera_moved()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Selects what lies under the pointer and asks for a menu."""
        x, y = self.camera.to_scene(event.pos().x(), event.pos().y())
        name = element_at(self._scene, x, y) or link_at(self._scene, self.camera, x, y)
        if name is not None and name not in self.document.selection:
            self.document.select(frozenset({name}))
        self.context_menu_requested.emit(event.globalPos())

    def event(self, event: QEvent) -> bool:
        """Tool tips tell what lies under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            x, y = self.camera.to_scene(event.pos().x(), event.pos().y())
            text = tip_text(self._scene, self.camera, x, y, self._run)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A lost focus ends a held space."""
        super().focusOutEvent(event)
        self._space_held = False

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer any more."""
        super().leaveEvent(event)
        self.overlay.hovered = self.overlay.hovered_port = ""
        self.overlay.show_handles = False
        self.update()

    def drag_device(self, spec_id: str, count: int) -> bool:
        """A drag with devices of the palette has come; False if nobody knows the device."""
        self.begin_place(spec_id, count)
        return isinstance(self._gesture, Placing)

    def drag_to(self, place: QPointF, keys: Qt.KeyboardModifier) -> None:
        """Moves the ghost of a drag."""
        if isinstance(self._gesture, Placing):
            self._gesture.move(self._pointer(place, keys))
            self.update()

    def drop_at(self, place: QPointF, keys: Qt.KeyboardModifier) -> None:
        """Draws what was dragged."""
        gesture, self._gesture = self._gesture, None
        if isinstance(gesture, Placing):
            gesture.finish(self._pointer(place, keys))
        self._show_cursor()
        self.update()

    def leave_drag(self) -> None:
        """Forgets the ghost."""
        self._cancel_gesture()

    # ------------------------------------------------------------------ inner workings

    def _hover(self, pointer: Pointer) -> None:
        hover(self, pointer, self._tool)
        self._show_cursor()

    def _show_cursor(self) -> None:
        if self._tool == "pan" or self._space_held:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self.overlay.hovered_port or self._tool == "link":
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()

    def _pan_moved(self) -> None:
        self._fit_wanted = False
        self._camera_moved()

    def _cancel_gesture(self) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.cancel()
            self.say("")
            self._show_cursor()
        self.update()

    def _pointer(self, place: QPointF, keys: Qt.KeyboardModifier) -> Pointer:
        view = _xy(place)
        return Pointer(view, self.camera.to_scene(*view), keys)


def _xy(point: QPointF) -> Point:
    return point.x(), point.y()
