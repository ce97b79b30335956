"""Offers what a crash has left, keeps a picture beside the journal, and opens earlier versions."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, QObject, QSize, QTimer
from PySide6.QtWidgets import QDialog

from app.dialogs.chooser import Choice, Chooser
from app.dialogs.recovery import PICTURE, RecoveryDialog, Unsaved
from app.shell.features import Handlers, Shell
from app.shell.files import FileController
from app.shell.recovery import Crashed, JournalKeeper, crashed, restored
from engine.errors import EngineError
from engine.storage.journal import PICTURE_ENDING, remove_journal
from engine.units import format_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURE_MS = 1500  # after the last edit


class CrashRecovery(QObject):
    """The journal of the open design, and the designs of programs that are gone."""

    def __init__(self, shell: Shell, files: FileController, chooser: Chooser) -> None:
        super().__init__(shell.widget)
        self._shell, self._files, self._chooser = shell, files, chooser
        self.folder = shell.settings.data_folder / "journals"
        self.keeper = JournalKeeper(shell.document, self.folder, self)
        self.keeper.failed.connect(self._say_failed)
        self._found: list[Crashed] = []
        self.dialog: RecoveryDialog | None = None
        self.present: Callable[[QDialog], None] = QDialog.open
        self._picture_timer = QTimer(self)
        self._picture_timer.setSingleShot(True)
        self._picture_timer.setInterval(PICTURE_MS)
        self._picture_timer.timeout.connect(self.write_picture)
        shell.document.changed.connect(lambda _change: self._picture_timer.start())

    def handlers(self) -> Handlers:
        """What each action does."""
        return {"file.versions": self.ask_version}

    def start(self) -> None:
        """Begins the journal of the open design."""
        self.keeper.begin()

    def offer(self) -> None:
        """Asks what to do with designs that a crash has left; nothing where there are none."""
        self._found = crashed(self.folder)
        if not self._found:
            return
        rows = [
            Unsaved(
                name=one.head.name,
                path=one.head.path,
                edited_s=one.edited_s,
                edits=len(one.changes),
                picture=one.journal.with_suffix(PICTURE_ENDING),
            )
            for one in self._found
        ]
        dialog = self.dialog = RecoveryDialog(rows, self._shell.widget)
        dialog.restore_requested.connect(self._restore)
        dialog.discard_requested.connect(self._discard)
        dialog.finished.connect(dialog.deleteLater)
        self.present(dialog)

    def write_picture(self) -> None:
        """Keeps a picture of the design beside its journal."""
        if self._shell.canvas is None or not self.keeper.path.is_file():
            return
        from app.canvas.thumbnails import thumbnail

        document = self._shell.document
        palette = self._shell.widget.palette()
        picture = thumbnail(document.design(), document.catalog, QSize(PICTURE), palette)
        picture.save(str(self.keeper.path.with_suffix(PICTURE_ENDING)))

    def ask_version(self) -> None:
        """Lists the versions before the last saves; the taken one is opened without a name."""
        versions = self._files.earlier_versions()
        choices = []
        for version in versions:
            moment = QDateTime.fromSecsSinceEpoch(int(version.saved_s))
            choices.append(
                Choice(
                    text=QLocale().toString(moment, QLocale.FormatType.LongFormat),
                    thing=version,
                    detail=format_quantity(float(version.size), "B"),
                )
            )
        self._chooser.ask(
            self.tr("Earlier versions of this file"),
            choices,
            self._files.open_version,
            nothing=self.tr("There are none: the last three are kept when a file is saved over"),
        )

    def shut_down(self, *, keep: bool = False) -> None:
        """Ends the journal; kept only if the design is to be offered at the next start."""
        self._picture_timer.stop()
        if keep:
            self.keeper.leave()
        else:
            self.keeper.end()

    def _restore(self, row: int) -> None:
        one = self._found[row]
        document = self._shell.document
        if not self._files.may_discard():
            return
        try:
            design, failed = restored(one, document.catalog)
        except EngineError as error:
            self._shell.notifications.error(
                self.tr("The design could not be restored"), str(error)
            )
            return
        path = Path(one.head.path) if one.head.path else None
        if path is not None and self._files.opening.guard.reserve(path) is not None:
            path = None  # somebody else has it open: this one gets no name
        document.restore(design, path)
        if path is not None:
            self._files.opening.guard.take(path)
        remove_journal(one.journal)
        if failed:
            text = self.tr("{0} of its last edits could not be read; the rest is there.")
            self._shell.notifications.tell(self.tr("Restored in part"), text.format(failed))
        else:
            self._shell.say(self.tr("Restored: save it to keep it."))

    def _discard(self, row: int) -> None:
        remove_journal(self._found.pop(row).journal)

    def _say_failed(self, text: str) -> None:
        self._shell.say(self.tr("Edits are not kept for a crash: {0}").format(text))
