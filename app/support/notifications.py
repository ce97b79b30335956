"""The only place that opens message boxes and file choosers; tests replace it by a double."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QDir, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMessageBox, QWidget

FILE_ENDING = ".rackflow"
MOST_NAME = 80
T = TypeVar("T", bound=Enum)


class SaveChoice(Enum):
    """What to do with unsaved changes."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


class LockedChoice(Enum):
    """What to do with a file that somebody else has open."""

    READ_ONLY = "read-only"
    COPY = "copy"
    CANCEL = "cancel"


class ChangedChoice(Enum):
    """What to do with a file that another program has changed."""

    OVERWRITE = "overwrite"
    SAVE_AS = "save-as"
    RELOAD = "reload"
    CANCEL = "cancel"


class Notifications:
    """Tells and asks the user, modal to a window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._parent = parent

    def error(self, title: str, text: str) -> None:
        """Says that something could not be done, why, and the way out."""
        box = QMessageBox(QMessageBox.Icon.Warning, title, title, parent=self._parent)
        box.setInformativeText(text)
        box.exec()
        box.deleteLater()

    def tell(self, title: str, text: str) -> None:
        """Says that something was done, with what came of it."""
        box = QMessageBox(QMessageBox.Icon.Information, title, title, parent=self._parent)
        box.setInformativeText(text)
        box.exec()
        box.deleteLater()

    def ask_yes(self, title: str, text: str, yes: str) -> bool:
        """Offers one way out under the words `yes`; False for cancel, which is the default."""
        box = QMessageBox(QMessageBox.Icon.Question, title, title, parent=self._parent)
        box.setInformativeText(text)
        accept = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        accepted = box.clickedButton() is accept
        box.deleteLater()
        return accepted

    def ask_locked(self, name: str, holder: str) -> LockedChoice:
        """Says who has a file open and asks how to open it."""
        title = QCoreApplication.translate("Notifications", "{0} is open elsewhere").format(name)
        text = QCoreApplication.translate(
            "Notifications",
            "{0} has it open. A copy gets no name yet; saving it does not touch the file.",
        ).format(holder)
        choices = {
            LockedChoice.READ_ONLY: QCoreApplication.translate("Notifications", "Open &read-only"),
            LockedChoice.COPY: QCoreApplication.translate("Notifications", "Open a &copy"),
        }
        return self._choose(title, text, choices, LockedChoice.CANCEL)

    def ask_changed(self, name: str, *, saving: bool) -> ChangedChoice:
        """Says that a file was changed by another program and asks what to do."""
        title = QCoreApplication.translate("Notifications", "{0} was changed").format(name)
        text = QCoreApplication.translate(
            "Notifications", "Another program has changed the file since it was opened or saved."
        )
        reload = QCoreApplication.translate("Notifications", "&Load it again")
        choices = {ChangedChoice.RELOAD: reload}
        if saving:
            choices = {
                ChangedChoice.SAVE_AS: QCoreApplication.translate("Notifications", "Save &as..."),
                ChangedChoice.OVERWRITE: QCoreApplication.translate(
                    "Notifications", "&Overwrite it"
                ),
                ChangedChoice.RELOAD: reload,
            }
        return self._choose(title, text, choices, ChangedChoice.CANCEL)

    def _choose(self, title: str, text: str, choices: Mapping[T, str], cancel: T) -> T:
        """A question with a button for each choice; the first one is the default."""
        box = QMessageBox(QMessageBox.Icon.Question, title, title, parent=self._parent)
        box.setInformativeText(text)
        buttons = {
            box.addButton(label, QMessageBox.ButtonRole.AcceptRole): choice
            for choice, label in choices.items()
        }
        box.setDefaultButton(next(iter(buttons)))
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        clicked = box.clickedButton()
        chosen = next((c for button, c in buttons.items() if button is clicked), cancel)
        box.deleteLater()
        return chosen

    def open_address(self, url: QUrl) -> None:
        """Hands an address to the user's browser."""
        QDesktopServices.openUrl(url)

    def about(self, title: str, text: str) -> None:
        """Shows what the program is."""
        QMessageBox.about(self._parent, title, text)

    def ask_save(self, name: str) -> SaveChoice:
        """Asks what to do with unsaved changes of a design."""
        button = QMessageBox.StandardButton
        title = QCoreApplication.translate("Notifications", "Unsaved changes")
        box = QMessageBox(QMessageBox.Icon.Question, title, title, parent=self._parent)
        box.setText(
            QCoreApplication.translate("Notifications", "Save the changes to {0}?").format(name)
        )
        box.setInformativeText(
            QCoreApplication.translate("Notifications", "Otherwise they are lost.")
        )
        box.setStandardButtons(button.Save | button.Discard | button.Cancel)
        box.setDefaultButton(button.Save)
        answer = box.exec()
        box.deleteLater()
        if answer == button.Save:
            return SaveChoice.SAVE
        return SaveChoice.DISCARD if answer == button.Discard else SaveChoice.CANCEL

    def ask_name(self, title: str, label: str, proposal: str) -> str:
        """Asks for a short text; '' for cancel."""
        text, taken = QInputDialog.getText(
            self._parent, title, label, QLineEdit.EchoMode.Normal, proposal
        )
        return text.strip()[:MOST_NAME] if taken else ""

    def ask_text(self, title: str, label: str, proposal: str) -> str:
        """Asks for a text of some lines; '' for cancel."""
        text, taken = QInputDialog.getMultiLineText(self._parent, title, label, proposal)
        return text.strip() if taken else ""

    def ask_open_path(self, folder: Path) -> Path | None:
        """Asks for a design to open."""
        title = QCoreApplication.translate("Notifications", "Open design")
        name, _ = QFileDialog.getOpenFileName(self._parent, title, str(folder), self._filters())
        return Path(name) if name else None

    def ask_model_path(self, folder: Path) -> Path | None:
        """Asks for a model's config.json."""
        title = QCoreApplication.translate("Notifications", "Import model")
        ours = QCoreApplication.translate("Notifications", "Models' config.json")
        every = QCoreApplication.translate("Notifications", "All files")
        filters = f"{ours} (*.json);;{every} (*)"
        name, _ = QFileDialog.getOpenFileName(self._parent, title, str(folder), filters)
        return Path(name) if name else None

    def ask_trace_path(self, folder: Path) -> Path | None:
        """Asks for a trace of requests."""
        title = QCoreApplication.translate("Notifications", "Import trace")
        ours = QCoreApplication.translate("Notifications", "Traces of requests")
        every = QCoreApplication.translate("Notifications", "All files")
        filters = f"{ours} (*.csv *.jsonl *.json);;{every} (*)"
        name, _ = QFileDialog.getOpenFileName(self._parent, title, str(folder), filters)
        return Path(name) if name else None

    def ask_save_path(self, proposal: Path) -> Path | None:
        """Asks where to save; the file ending is added where it is missing."""
        title = QCoreApplication.translate("Notifications", "Save design")
        name, _ = QFileDialog.getSaveFileName(self._parent, title, str(proposal), self._filters())
        if not name:
            return None
        path = Path(name)
        return path if path.suffix else path.with_suffix(FILE_ENDING)

    @staticmethod
    def home() -> Path:
        """The folder a chooser starts in when nothing was opened yet."""
        return Path(QDir.homePath())

    @staticmethod
    def _filters() -> str:
        ours = QCoreApplication.translate("Notifications", "Rackflow designs")
        every = QCoreApplication.translate("Notifications", "All files")
        return f"{ours} (*{FILE_ENDING});;{every} (*)"
