"""What an action and a menu are: plain records, so that menus, keys and docs read the same table."""

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

Key = QKeySequence.StandardKey


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:
    """The text itself; the name makes lupdate collect it."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """One action. `shortcut` is a standard key or a text; `toolbar` is a group, '' for none."""

    id: str
    menu: str
    text: str
    tooltip: str
    shortcut: QKeySequence.StandardKey | str = ""
    icon: str = ""
    toolbar: str = ""
    separator_before: bool = False
    checkable: bool = False
    choice: str = ""  # actions of one choice exclude each other


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuRecord:
    """One menu of the menu bar, in order."""

    id: str
    text: str
