"""The user's own keyboard shortcuts: read at the start, changed in a dialog."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog

from app.actions.registry import ActionRegistry, key_sequence
from app.actions.table import ACTIONS
from app.dialogs.shortcuts import PORTABLE, ShortcutsDialog
from app.shell.features import Handlers, Shell

if TYPE_CHECKING:
    from collections.abc import Callable


class Keys(QObject):
    """Keeps the registry's keys as the settings say."""

    def __init__(self, shell: Shell, actions: ActionRegistry) -> None:
        super().__init__(shell.widget)
        self._shell, self._actions = shell, actions
        self.dialog: ShortcutsDialog | None = None
        self.present: Callable[[QDialog], None] = QDialog.open
        self._apply(readable(shell.settings.shortcuts))

    def handlers(self) -> Handlers:
        """What each action does."""
        return {"edit.shortcuts": self.ask}

    def ask(self) -> None:
        """Opens the editor."""
        current = {record.id: self._actions.keys(record.id) for record in ACTIONS}
        dialog = self.dialog = ShortcutsDialog(current, self._shell.widget)
        dialog.accepted.connect(self._take)
        dialog.finished.connect(dialog.deleteLater)
        self.present(dialog)

    def _take(self) -> None:
        if self.dialog is not None:
            changed = self.dialog.changed_keys()
            self._shell.settings.shortcuts = changed
            self._apply(changed)

    def _apply(self, changed: dict[str, str]) -> None:
        for record in ACTIONS:
            own = changed.get(record.id)
            keys = key_sequence(record) if own is None else QKeySequence(own)
            self._actions.set_keys(record.id, keys)


def readable(kept: dict[str, str]) -> dict[str, str]:
    """Kept keys of known actions that are keys; of two that clash the action's own stays."""
    known = {record.id: key_sequence(record) for record in ACTIONS}
    found: dict[str, str] = {}
    for name, text in kept.items():
        keys = QKeySequence.fromString(text, PORTABLE)
        if name in known and (not text or not keys.isEmpty()):
            found[name] = text
    taken: dict[str, str] = {}
    for name, keys in known.items():
        if name not in found and not keys.isEmpty():
            taken[keys.toString(PORTABLE)] = name
    for name in list(found):
        text = found[name]
        if text and taken.setdefault(text, name) != name:
            del found[name]
    return found
