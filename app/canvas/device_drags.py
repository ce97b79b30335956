"""Drags from the palette over the canvas: a ghost follows, the drop draws."""

from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from app.models.palette_model import dragged_device

_PLACED = (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop)


class Target(Protocol):
    """What a drag does with a canvas."""

    def drag_device(self, spec_id: str, count: int) -> bool:
        """A drag with devices has come; False if nobody knows the device."""
        ...

    def drag_to(self, place: QPointF, keys: Qt.KeyboardModifier) -> None:
        """It has moved."""
        ...

    def drop_at(self, place: QPointF, keys: Qt.KeyboardModifier) -> None:
        """It was dropped."""
        ...

    def leave_drag(self) -> None:
        """It has left."""
        ...


class DeviceDrags(QObject):
    """Turns drag events of a canvas into its placing gesture; other drags go on to others."""

    def __init__(self, widget: QWidget, target: Target) -> None:
        super().__init__(widget)
        self._target = target
        self._ours = False
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Takes drags that carry devices."""
        if event.type() == QEvent.Type.DragLeave and self._ours:
            self._ours = False
            self._target.leave_drag()
            return True
        if event.type() not in _PLACED or not isinstance(event, QDropEvent):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.DragEnter:
            spec, count = dragged_device(event.mimeData())
            self._ours = bool(spec) and self._target.drag_device(spec, count)
        if not self._ours:
            return super().eventFilter(watched, event)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.type() == QEvent.Type.DragMove:
            self._target.drag_to(event.position(), event.modifiers())
        elif event.type() == QEvent.Type.Drop:
            self._ours = False
            self._target.drop_at(event.position(), event.modifiers())
        return True
