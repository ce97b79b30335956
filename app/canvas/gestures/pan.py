"""Drag of the whole picture."""

from collections.abc import Callable

from app.canvas.gestures.base import Pointer, Stage, WithoutKeys


class PanGesture(WithoutKeys):
    """Moves the camera; nothing is edited."""

    def __init__(self, stage: Stage, pointer: Pointer, moved: Callable[[], None]) -> None:
        self._stage = stage
        self._last = pointer.view
        self._moved = moved

    def move(self, pointer: Pointer) -> None:
        """Moves the picture with the pointer."""
        self._stage.camera.pan(pointer.view[0] - self._last[0], pointer.view[1] - self._last[1])
        self._last = pointer.view
        self._moved()

    def finish(self, _pointer: Pointer) -> bool:
        """Stays where it is."""
        return False

    def cancel(self) -> None:
        """Stays where it is: a view is no edit."""
