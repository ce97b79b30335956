"""New, open, save and close of the document, with the questions and errors they need."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.support.notifications import FILE_ENDING, Notifications, SaveChoice
from app.support.settings import Settings
from engine.catalog.resources import resource_path
from engine.errors import EngineError

EXAMPLE = "al128-agents.rackflow"


def example_path() -> Path:
    """The example that comes with the program."""
    return resource_path("examples", EXAMPLE)


class FileController(QObject):
    """Every way in which the document meets a file; a failure leaves document and file whole."""

    recent_changed = Signal()

    def __init__(
        self, document: Document, settings: Settings, notifications: Notifications
    ) -> None:
        super().__init__()
        self._document = document
        self._settings = settings
        self.notifications = notifications

    def new(self) -> None:
        """An empty design, after the question about unsaved changes."""
        if self.may_discard():
            self._document.new()

    def open(self) -> None:
        """Asks for a file and opens it."""
        if not self.may_discard():
            return
        path = self.notifications.ask_open_path(self._folder())
        if path is not None:
            self._load(path)

    def open_recent(self, path: Path) -> None:
        """Opens a file of the recent ones; one that is gone is forgotten."""
        if not self.may_discard():
            return
        if not path.exists():
            self._settings.forget_file(path)
            self.recent_changed.emit()
        self._load(path)

    def open_example(self) -> bool:
        """Opens the example as an unnamed design, so that saving never overwrites it."""
        return self.may_discard() and self._load(example_path(), remember=False)

    def open_path(self, path: Path) -> bool:
        """Opens a file named on the command line or dropped on the window."""
        return self.may_discard() and self._load(path)

    def save(self) -> bool:
        """Saves where the document was opened from; asks where if it was not. True if saved."""
        path = self._document.path
        if path is None or Path(path) == example_path():
            return self.save_as()
        return self._store(Path(path))

    def save_as(self) -> bool:
        """Asks where to save, and saves. True if saved."""
        name = self._document.design().name or self.tr("Untitled")
        proposal = self._folder() / f"{_file_name(name)}{FILE_ENDING}"
        path = self.notifications.ask_save_path(proposal)
        return path is not None and self._store(path)

    def may_discard(self) -> bool:
        """True if the document holds nothing unsaved, or the user decided about it."""
        if not self._document.is_dirty:
            return True
        choice = self.notifications.ask_save(self._document.design().name)
        if choice is SaveChoice.SAVE:
            return self.save()
        return choice is SaveChoice.DISCARD

    def _load(self, path: Path, *, remember: bool = True) -> bool:
        try:
            self._document.open(path)
        except EngineError as error:
            self.notifications.error(self.tr("The design could not be opened"), str(error))
            return False
        if remember:
            self._settings.remember_file(path)
            self.recent_changed.emit()
        return True

    def _store(self, path: Path) -> bool:
        try:
            self._document.save(path)
        except EngineError as error:
            self.notifications.error(self.tr("The design could not be saved"), str(error))
            return False
        self._settings.remember_file(path)
        self.recent_changed.emit()
        return True

    def _folder(self) -> Path:
        path = self._document.path
        if path is not None and Path(path) != example_path():
            return Path(path).parent
        recent = self._settings.recent_files
        return recent[0].parent if recent else self.notifications.home()


def _file_name(name: str) -> str:
    """A design's name as a file name that every system accepts."""
    kept = "".join(char if char.isalnum() or char in " -_." else "-" for char in name)
    return kept.strip(" .")[:80] or "design"
