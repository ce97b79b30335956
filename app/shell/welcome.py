"""Help > Welcome and File > Open example: the page in place of the canvas, and when it goes."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.actions.registry import ActionRegistry
from app.jobs.run_controller import RunController, RunState
from app.panels.note_strip import NoteStrip
from app.panels.palette import PalettePanel
from app.shell.features import Handlers, Shell
from app.shell.files import FileController
from engine.errors import EngineError
from engine.storage.examples import Example, load_examples

if TYPE_CHECKING:
    from app.shell.welcome_page import WelcomePage

# what is done on the canvas, and so shows it
OF_THE_CANVAS = (
    "tool.select", "tool.link", "tool.pan", "view.fit", "view.fit_selection",
)  # fmt: skip

NAMED_ON_CANVAS = ("run.play", "edit.undo", "help.welcome", "help.tour")


class Welcome(QObject):
    """Shows the welcome page, does what is asked on it, and gives way to the drawing."""

    tour_requested = Signal()

    def __init__(
        self, shell: Shell, files: FileController, run: RunController, palette: PalettePanel
    ) -> None:
        super().__init__(shell.widget)
        self._shell, self._files = shell, files
        self._centre = QStackedWidget()
        self.page: WelcomePage | None = None
        self._examples: tuple[Example, ...] = ()
        self._problem = ""
        try:
            self._examples = load_examples()
        except EngineError as error:
            self._problem = str(error)
        self.menu = QMenu(shell.widget)
        self.note = NoteStrip()
        self._actions: ActionRegistry | None = None
        document = shell.document
        document.replaced.connect(self._on_replaced)
        document.changed.connect(self.leave)
        document.selection_changed.connect(self._on_selection)
        palette.place_requested.connect(self.leave)
        run.state_changed.connect(self._on_run_state)
        files.recent_changed.connect(self._show_recent)

    def handlers(self) -> Handlers:
        """What each action does."""
        return {
            "file.example": self.show,  # where it has no submenu
            "help.welcome": self.show,
        }

    @property
    def is_shown(self) -> bool:
        """The page stands in place of the canvas."""
        return self.page is not None and self._centre.currentWidget() is self.page

    def around(self, drawing: QWidget) -> QWidget:
        """The middle of the window: the drawing, or the page."""
        self._show_keys()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.note)
        column.addWidget(drawing, 1)
        self._centre.insertWidget(0, page)
        self._centre.setCurrentIndex(0)
        return self._centre

    def connect_actions(self, actions: ActionRegistry) -> None:
        """Puts the examples below Open example; what is done on the canvas shows it."""
        self._actions = actions
        for name in NAMED_ON_CANVAS:
            actions[name].changed.connect(self._show_keys)
        self.menu.setToolTipsVisible(True)
        for number, example in enumerate(self._examples, start=1):
            action = self.menu.addAction(f"&{number} {example.title}")
            action.setObjectName(f"example.{example.id}")
            action.setToolTip(example.summary)
            action.setStatusTip(example.summary)
            action.setData(example.id)
        if not self._examples:
            nothing = self.menu.addAction(self.tr("The examples cannot be listed"))
            nothing.setToolTip(self._problem)
            nothing.setEnabled(False)
        self.menu.triggered.connect(lambda action: self.open_example(str(action.data())))
        actions["file.example"].setMenu(self.menu)
        for name in OF_THE_CANVAS:
            actions[name].triggered.connect(self.leave)

    def show_at_start(self) -> None:
        """Shows the page at a start without a file, unless the user does not want it."""
        if self._shell.settings.show_welcome:
            self.show()

    def show(self) -> None:
        """Shows the page; it is made at the first call."""
        if self._shell.canvas is None:
            return
        if self.page is None:
            self.page = self._make_page()
            self._centre.addWidget(self.page)
        if self._actions is not None:
            names = ("file.new", "file.open", "help.tour")
            self.page.set_tips(*(self._actions[name].toolTip() for name in names))
        self.page.set_show_at_start(self._shell.settings.show_welcome)
        self._centre.setCurrentWidget(self.page)
        self._show_recent()
        self.page.new.setFocus()

    def open_example(self, example_id: str) -> None:
        """Opens an example and says over the canvas what it shows and what to try."""
        if self._files.open_example(example_id):
            self.note.show_note(self._shell.document.design().note)

    def leave(self, *_told: object) -> None:
        """Back to the drawing."""
        if not self.is_shown:
            return
        self._centre.setCurrentIndex(0)
        if self._shell.canvas is not None:
            self._shell.canvas.setFocus()

    def _show_keys(self) -> None:
        """Tells the empty canvas the keys that matter first, as they are set now."""
        if self._shell.canvas is None or self._actions is None:
            return
        native = QKeySequence.SequenceFormat.NativeText
        keys = [self._actions[name].shortcut().toString(native) for name in NAMED_ON_CANVAS]
        play, undo, welcome, tour = (key or self.tr("(no key)") for key in keys)
        self._shell.canvas.hints = (
            self.tr("{0} plays what is drawn, {1} takes an edit back.").format(play, undo),
            self.tr("{0} shows examples and recent designs, {1} the tour.").format(welcome, tour),
        )
        self._shell.canvas.update()

    def _make_page(self) -> "WelcomePage":
        from app.shell.welcome_page import WelcomePage

        page = WelcomePage(self._shell.document.catalog, self._examples, self._problem)
        page.new_requested.connect(self._files.new)
        page.open_requested.connect(self._files.open)
        page.example_requested.connect(self.open_example)
        page.recent_requested.connect(self._open_recent)
        page.forget_requested.connect(self._forget)
        page.close_requested.connect(self.leave)
        page.tour_requested.connect(self.tour_requested)
        page.show_at_start_changed.connect(self._on_show_at_start)
        return page

    def _open_recent(self, path: Path) -> None:
        self._files.open_recent(path)
        self._show_recent()  # it may have gone meanwhile

    def _forget(self, path: Path) -> None:
        self._shell.settings.forget_file(path)
        self._files.recent_changed.emit()
        if self.page is not None:
            self.page.new.setFocus()

    def _on_show_at_start(self, on: bool) -> None:
        self._shell.settings.show_welcome = on

    def _show_recent(self) -> None:
        if self.page is not None and self.is_shown:
            from app.shell.recent_list import looked_up

            self.page.show_recent(looked_up(self._shell.settings.recent_files))

    def _on_replaced(self) -> None:
        self.note.show_note("")
        self.leave()

    def _on_selection(self) -> None:
        if self._shell.document.selection:
            self.leave()

    def _on_run_state(self, state: RunState) -> None:
        if state in (RunState.PREPARING, RunState.PLAYING):
            self.leave()
