"""Where one looks: saved views of the drawing, and the minimap."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QStyle

from app.actions.registry import ActionRegistry
from app.dialogs.chooser import Choice, Chooser
from app.shell.features import Handlers, Shell
from engine.scenario.design import SavedView
from engine.topology.changes import SetSection

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.canvas.minimap import Minimap

MOST_VIEWS = 200


class Views(QObject):
    """Saving a view is an edit, going to one is not."""

    def __init__(self, shell: Shell, actions: ActionRegistry, chooser: Chooser) -> None:
        super().__init__(shell.widget)
        self._shell, self._actions, self._chooser = shell, actions, chooser
        self.minimap: Minimap | None = None
        actions["view.minimap"].setChecked(shell.settings.minimap)
        own = shell.settings.reduced_motion
        actions["view.still"].setChecked(_system_is_still() if own is None else own)
        shell.document.changed.connect(self._show_enabled)
        shell.document.replaced.connect(self._show_enabled)
        self._show_enabled()

    def handlers(self) -> Handlers:
        """What each action does."""
        return {
            "view.minimap": self._on_minimap,
            "view.still": self._on_still,
            "view.save_view": self.save,
            "view.go_to_view": lambda: self._ask(self.tr("Go to a view"), self.go),
            "view.drop_view": lambda: self._ask(self.tr("Forget a view"), self.drop),
        }

    def complete(self) -> None:
        """Adds the minimap to the canvas."""
        from app.canvas.minimap import Minimap

        if self._shell.canvas is not None:
            self._shell.canvas.set_still(still=self._actions["view.still"].isChecked())
            self.minimap = Minimap(self._shell.canvas)
            self.minimap.set_wanted(wanted=self._shell.settings.minimap)

    def save(self) -> None:
        """Keeps what is in view under a name; an old view of that name is replaced."""
        canvas, document = self._shell.canvas, self._shell.document
        views = document.design().views
        if canvas is None:
            return
        if len(views) >= MOST_VIEWS:
            self._shell.say(self.tr("{0} views are kept: forget one first").format(MOST_VIEWS))
            return
        proposal = self.tr("View {0}").format(len(views) + 1)
        name = self._shell.notifications.ask_name(
            self.tr("Save view"), self.tr("Name of the view"), proposal
        )
        if not name:
            return
        x, y, width, height = canvas.seen
        view = SavedView(name=name, x=x + width / 2, y=y + height / 2, scale=canvas.camera.scale)
        kept = tuple(other for other in views if other.name != name)
        self._set((*kept, view), self.tr("Save view"))

    def go(self, view: SavedView) -> None:
        """Looks at a view."""
        if self._shell.canvas is not None:
            self._shell.canvas.look_at(view.x, view.y, view.scale)

    def drop(self, view: SavedView) -> None:
        """Removes a view from the design."""
        views = self._shell.document.design().views
        self._set(tuple(other for other in views if other != view), self.tr("Forget view"))

    def _ask(self, title: str, taken: "Callable[[SavedView], None]") -> None:
        choices = [
            Choice(text=view.name, thing=view, detail=f"{view.scale:.0%}")
            for view in self._shell.document.design().views
        ]
        self._chooser.ask(title, choices, taken, nothing=self.tr("No view is saved yet"))

    def _set(self, views: tuple[SavedView, ...], text: str) -> None:
        verdict = self._shell.document.perform(text, SetSection("views", views))
        if not verdict.ok:
            self._shell.say(verdict.reason)

    def _show_enabled(self, *_args: object) -> None:
        known = bool(self._shell.document.design().views)
        for name in ("view.go_to_view", "view.drop_view"):
            self._actions[name].setEnabled(known)

    def _on_still(self) -> None:
        still = self._shell.settings.reduced_motion = self._actions["view.still"].isChecked()
        if self._shell.canvas is not None:
            self._shell.canvas.set_still(still=still)

    def _on_minimap(self) -> None:
        wanted = self._actions["view.minimap"].isChecked()
        self._shell.settings.minimap = wanted
        if self.minimap is not None:
            self.minimap.set_wanted(wanted=wanted)


def _system_is_still() -> bool:
    """The desktop asks programs not to animate."""
    style = QApplication.style()
    return style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) <= 0
