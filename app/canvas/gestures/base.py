"""A gesture: what happens between a press and its release, as one object."""

from typing import NamedTuple, Protocol

from PySide6.QtCore import Qt

from app.canvas.camera import Box, Camera, Point
from app.canvas.layers.overlay import Overlay
from app.canvas.scene import Scene
from app.document import Document


class Pointer(NamedTuple):
    """Where the pointer is, in widget pixels and in the scene, and the keys held with it."""

    view: Point
    scene: Point
    keys: Qt.KeyboardModifier

    def holds(self, key: Qt.KeyboardModifier) -> bool:
        """True while a modifier key is held."""
        return bool(self.keys & key)


class DeviceWanted(NamedTuple):
    """A link that was dropped on empty ground: where, from which port, how many cables (0: all)."""

    scene: Point
    element: str
    port: str
    cables: int


class Stage(Protocol):
    """What a gesture may use of the canvas."""

    document: Document
    camera: Camera
    overlay: Overlay

    @property
    def scene(self) -> Scene:
        """The drawing as it is shown."""
        ...

    @property
    def seen(self) -> Box:
        """The part of the scene that is in view."""
        ...

    def preview(self, moved: dict[str, Point]) -> None:
        """Shows elements at other corners without editing anything."""
        ...

    def snap(self, box: Box, ignoring: frozenset[str]) -> Point:
        """The corner where a box comes to rest beside elements that are not ignored; shows why."""
        ...

    def ask_device(self, element: str, port: str, scene: Point, cables: int) -> None:
        """Asks which device is to be drawn at the end of a link that was dropped on nothing."""
        ...

    def ask_note(self, note_id: str, place: Point) -> None:
        """Asks for the text of a note; '' for a new one at a place."""
        ...

    def say(self, text: str) -> None:
        """Shows a text in the status bar."""
        ...


class Gesture(Protocol):
    """One interaction; the view holds at most one and forwards events to it."""

    def move(self, pointer: Pointer) -> None:
        """The pointer moved."""
        ...

    def type_key(self, text: str) -> bool:
        """A key was typed meanwhile; False if the gesture has no use for it."""
        ...

    def finish(self, pointer: Pointer) -> bool:
        """The button was released: edits as one command. True if the gesture goes on."""
        ...

    def cancel(self) -> None:
        """Leaves everything as it was before."""
        ...


class WithoutKeys:
    """A gesture that has no use for typed keys."""

    def type_key(self, _text: str) -> bool:
        """Leaves every key to others."""
        return False
