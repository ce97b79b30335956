"""Keyboard shortcuts: changed in a dialog, kept, refused where they clash."""

from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from app.actions.registry import key_sequence
from app.actions.table import ACTIONS
from app.dialogs.shortcuts import ShortcutsDialog
from app.shell.keys import readable
from app.shell.main_window import MainWindow
from app.support.settings import Settings


@pytest.fixture
def dialog(window: MainWindow) -> ShortcutsDialog:
    window.keys.present = lambda _dialog: None
    window.actions_by_id["edit.shortcuts"].trigger()
    assert window.keys.dialog is not None
    return window.keys.dialog


def test_new_keys_hold_at_once_and_after_a_restart(
    window: MainWindow, dialog: ShortcutsDialog
) -> None:
    dialog.choose("view.fit")
    dialog.edit.setKeySequence(QKeySequence("Ctrl+0"))
    dialog.accept()
    action = window.actions_by_id["view.fit"]
    assert action.shortcut() == QKeySequence("Ctrl+0")
    assert "Ctrl+0" in action.toolTip()
    assert window.settings.shortcuts == {"view.fit": "Ctrl+0"}
    assert readable(window.settings.shortcuts) == {"view.fit": "Ctrl+0"}


def test_cancel_changes_nothing(window: MainWindow, dialog: ShortcutsDialog) -> None:
    dialog.choose("view.fit")
    dialog.edit.setKeySequence(QKeySequence("Ctrl+0"))
    dialog.reject()
    assert window.actions_by_id["view.fit"].shortcut() == QKeySequence("F")
    assert window.settings.shortcuts == {}


def test_keys_of_another_action_are_refused_by_its_name(dialog: ShortcutsDialog) -> None:
    dialog.choose("view.fit")
    dialog.edit.setKeySequence(QKeySequence("Ctrl+D"))
    assert "Duplicate" in dialog.note.text()
    assert dialog.keys()["view.fit"] == QKeySequence("F")
    assert dialog.edit.keySequence() == QKeySequence("F")
    dialog.choose("edit.duplicate")
    dialog.clear.click()
    dialog.choose("view.fit")
    dialog.edit.setKeySequence(QKeySequence("Ctrl+D"))
    assert dialog.keys()["view.fit"] == QKeySequence("Ctrl+D")
    assert dialog.changed_keys() == {"view.fit": "Ctrl+D", "edit.duplicate": ""}


def test_keys_of_the_canvas_are_refused(dialog: ShortcutsDialog) -> None:
    dialog.choose("view.fit")
    dialog.edit.setKeySequence(QKeySequence("Up"))
    assert "canvas" in dialog.note.text()
    assert dialog.changed_keys() == {}


def test_reset_gives_back_what_came_with_the_program(dialog: ShortcutsDialog) -> None:
    for name, keys in (("view.fit", "Ctrl+0"), ("help.about", "Ctrl+9")):
        dialog.choose(name)
        dialog.edit.setKeySequence(QKeySequence(keys))
    dialog.reset.click()
    assert dialog.changed_keys() == {"view.fit": "Ctrl+0"}
    dialog.reset_all.click()
    assert dialog.changed_keys() == {}


def test_the_search_finds_actions_and_keys(dialog: ShortcutsDialog) -> None:
    for text, name in (("duplicate", "edit.duplicate"), ("f8", "view.next_issue")):
        dialog.search.setText(text)
        shown = [r.id for r in ACTIONS if not dialog._items[r.id].isHidden()]
        assert shown == [name]


def test_damaged_or_clashing_settings_fall_back(qtbot: QtBot, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "s.ini")
    settings.shortcuts = {"view.fit": "Ctrl+D", "nobody": "Ctrl+1", "help.about": "Ctrl+9"}
    assert readable(settings.shortcuts) == {"help.about": "Ctrl+9"}
    assert readable({"view.fit": ""}) == {"view.fit": ""}


def test_no_two_actions_of_the_table_share_keys_with_the_canvas(qtbot: QtBot) -> None:
    own = {key_sequence(record).toString() for record in ACTIONS}
    assert not own & {"Up", "Down", "Left", "Right", "Esc", "+", "-"}
