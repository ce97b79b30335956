"""New, open, save and close of the document, with the questions and errors they need."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.shell.file_opening import FileOpening
from app.support.notifications import FILE_ENDING, ChangedChoice, Notifications, SaveChoice
from app.support.settings import Settings
from engine.errors import EngineError
from engine.storage.examples import examples_folder, load_examples
from engine.storage.generations import Generation, content_hash, generations, keep_generation
from engine.storage.project_file import load_design

DEMO_EXAMPLE = "al128-agents"


def example_path(example_id: str = DEMO_EXAMPLE) -> Path:
    """The file of an example that comes with the program."""
    return examples_folder() / f"{example_id}.rackflow"


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
        self.opening = FileOpening(document, notifications)
        self._asked_hash = ""

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

    def open_example(self, example_id: str = DEMO_EXAMPLE) -> bool:
        """Opens an example as an unnamed design, so that saving never overwrites it."""
        try:
            known = {example.id: example.path() for example in load_examples()}
        except EngineError as error:
            self.notifications.error(self.tr("The examples cannot be listed"), str(error))
            return False
        path = known.get(example_id, example_path(example_id))
        return self.may_discard() and self._load(path, named=False)

    def open_path(self, path: Path) -> bool:
        """Opens a file named on the command line or dropped on the window."""
        return self.may_discard() and self._load(path)

    def save(self) -> bool:
        """Saves where the document was opened from; asks where if it was not. True if saved."""
        path = self._document.path
        if path is None or _is_example(path) or self._document.read_only:
            return self.save_as()
        if self.opening.guard.has_changed(Path(path)):
            choice = self.notifications.ask_changed(Path(path).name, saving=True)
            if choice is ChangedChoice.SAVE_AS:
                return self.save_as()
            if choice is ChangedChoice.RELOAD:
                self._load(Path(path))
            if choice is not ChangedChoice.OVERWRITE:
                return False
        return self._store(Path(path))

    def save_as(self) -> bool:
        """Asks where to save, and saves. True if saved."""
        name = self._document.design().name or self.tr("Untitled")
        proposal = self._folder() / f"{_file_name(name)}{FILE_ENDING}"
        path = self.notifications.ask_save_path(proposal)
        return path is not None and self._store(path)

    def look_outside(self) -> None:
        """Asks once what to do if another program has changed the open file meanwhile."""
        path = self._document.path
        if path is None or self._document.read_only:
            return
        now = content_hash(Path(path))
        if now == self._asked_hash or not self.opening.guard.has_changed(Path(path)):
            return
        self._asked_hash = now
        choice = self.notifications.ask_changed(Path(path).name, saving=False)
        if choice is ChangedChoice.RELOAD and self.may_discard():
            self._load(Path(path))

    def earlier_versions(self) -> list[Generation]:
        """The versions before the last saves of the open file, the newest first."""
        path = self._document.path
        return [] if path is None else generations(Path(path), self._generations_folder)

    def open_version(self, version: Generation) -> bool:
        """Opens an earlier version as an unnamed design."""
        if not self.may_discard():
            return False
        try:
            design = load_design(version.path).design
        except EngineError as error:
            self.notifications.error(self.tr("The version could not be opened"), str(error))
            return False
        self._document.restore(design, None)
        return True

    @property
    def _generations_folder(self) -> Path:
        return self._settings.data_folder / "versions"

    def may_discard(self) -> bool:
        """True if the document holds nothing unsaved, or the user decided about it."""
        if not self._document.is_dirty:
            return True
        choice = self.notifications.ask_save(self._document.design().name)
        if choice is SaveChoice.SAVE:
            return self.save()
        return choice is SaveChoice.DISCARD

    def _load(self, path: Path, *, named: bool = True) -> bool:
        try:
            if not named:
                self._document.open(path, named=False)
            elif not self.opening.open(path):
                return False
        except EngineError as error:
            self.notifications.error(self.tr("The design could not be opened"), str(error))
            return False
        if named:
            self._settings.remember_file(path)
            self.recent_changed.emit()
        return True

    def _store(self, path: Path) -> bool:
        holder = self.opening.guard.reserve(path)
        if holder is not None:
            text = self.tr("{0} has {1} open. Save under another name.")
            self.notifications.error(
                self.tr("The design could not be saved"), text.format(holder.text(), path.name)
            )
            return False
        keep_generation(path, self._generations_folder)
        try:
            self._document.save(path)
        except EngineError as error:
            self.opening.guard.cancel()
            self.notifications.error(self.tr("The design could not be saved"), str(error))
            return False
        self.opening.guard.take(path)
        self._settings.remember_file(path)
        self.recent_changed.emit()
        return True

    def _folder(self) -> Path:
        path = self._document.path
        if path is not None and not _is_example(path):
            return Path(path).parent
        recent = self._settings.recent_files
        return recent[0].parent if recent else self.notifications.home()


def _is_example(path: Path) -> bool:
    """True for a file that came with the program and must stay as it is."""
    return Path(path).resolve().parent == examples_folder().resolve()


def _file_name(name: str) -> str:
    """A design's name as a file name that every system accepts."""
    kept = "".join(char if char.isalnum() or char in " -_." else "-" for char in name)
    return kept.strip(" .")[:80] or "design"
