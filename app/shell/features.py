"""Features of the window: each wires its own actions, the window only collects them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QDockWidget, QWidget

from app.document import Document
from app.support.notifications import Notifications
from app.support.settings import Settings

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

Handlers = dict[str, Callable[[], object]]


class Shell(Protocol):
    """What a feature may use of the window."""

    document: Document
    settings: Settings
    canvas: "CanvasView | None"  # None until the window is complete
    docks: dict[str, QDockWidget]

    @property
    def notifications(self) -> Notifications:
        """Message boxes and file choosers."""
        ...

    @property
    def widget(self) -> QWidget:
        """The window, as a parent of dialogs."""
        ...

    def say(self, text: str) -> None:
        """Shows a text in the status bar for a while."""
        ...

    def raise_dock(self, name: str) -> None:
        """Shows a dock and brings it to the front."""
        ...

    def locate(self, ids: frozenset[str]) -> None:
        """Selects and shows elements and links, and points at them."""
        ...


class Feature(Protocol):
    """Some actions of the table and what they do."""

    def handlers(self) -> Handlers:
        """What each of its actions does, by the action's id."""
        ...


def all_handlers(own: Handlers, features: Sequence[Feature]) -> Handlers:
    """The window's own handlers and those of its features.

    Raises:
        ValueError: two of them claim one action.
    """
    found = dict(own)
    for feature in features:
        mine = feature.handlers()
        twice = found.keys() & mine.keys()
        if twice:
            raise ValueError(", ".join(sorted(twice)))
        found |= mine
    return found
