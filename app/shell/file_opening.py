"""How a file is opened: by whom it is held, what to do with a damaged one."""

from pathlib import Path

from PySide6.QtCore import QObject

from app.document import Document
from app.support.file_guard import FileGuard
from app.support.notifications import LockedChoice, Notifications
from engine.errors import DamagedFileError, EngineError
from engine.storage.project_file import load_design
from engine.storage.salvage import salvage_design

SHOWN_NOTES = 12


class FileOpening(QObject):
    """Opens files into the document; the lock goes with the file that is open."""

    def __init__(self, document: Document, notifications: Notifications) -> None:
        super().__init__()
        self._document, self._notifications = document, notifications
        self.guard = FileGuard()
        document.replaced.connect(self._let_go)

    def open(self, path: Path) -> bool:
        """Opens a file, after a question where somebody has it open or it is damaged.

        Raises:
            FileError: it cannot be read; the document is as it was.
        """
        holder = self.guard.reserve(path)
        choice = LockedChoice.CANCEL
        if holder is not None:
            choice = self._notifications.ask_locked(path.name, holder.text())
            if choice is LockedChoice.CANCEL:
                return False
        try:
            if choice is LockedChoice.COPY:
                self._document.restore(load_design(path).design, None)
            elif choice is LockedChoice.READ_ONLY and holder is not None:
                why = self.tr("{0} is read-only: {1} has it open").format(path.name, holder.text())
                self._document.show(load_design(path).design, path, why)
            else:
                self._document.open(path)
        except DamagedFileError as error:
            self.guard.cancel()
            return self._offer_the_rest(path, error)
        except EngineError:
            self.guard.cancel()
            raise
        if holder is None:
            self.guard.take(path)
        return True

    def _offer_the_rest(self, path: Path, error: DamagedFileError) -> bool:
        """Asks whether what is left of a damaged file is to be looked at."""
        try:
            found = salvage_design(path)
        except EngineError:
            raise error from None
        notes = [f"- {note}" for note in found.missing[:SHOWN_NOTES]]
        if len(found.missing) > SHOWN_NOTES:
            notes.append(self.tr("... and {0} more").format(len(found.missing) - SHOWN_NOTES))
        text = self.tr("{0}\n\nWhat would be missing:\n{1}").format(error, "\n".join(notes))
        title = self.tr("The design is damaged")
        if not self._notifications.ask_yes(title, text, self.tr("Open the rest read-only")):
            return False
        why = self.tr("{0} is damaged and open read-only: save it under another name").format(
            path.name
        )
        self._document.show(found.design, path, why)
        return True

    def _let_go(self) -> None:
        """Another design is open: its file is locked by who opened it."""
        self.guard.release()
