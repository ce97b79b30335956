"""The action table is the one truth about actions: it must not contradict itself."""

from collections import Counter

from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from app.actions.registry import key_sequence
from app.actions.table import ACTIONS, MENUS
from app.shell.main_window import MainWindow
from app.support.icons import icon_path


def test_ids_are_unique() -> None:
    assert max(Counter(record.id for record in ACTIONS).values()) == 1


def test_no_two_actions_share_a_shortcut(qtbot: QtBot) -> None:
    keys = [key_sequence(record).toString() for record in ACTIONS]
    counts = Counter(key for key in keys if key)
    assert [key for key, count in counts.items() if count > 1] == []
    assert counts["Space"] == 1


def test_every_shortcut_text_is_a_key(qtbot: QtBot) -> None:
    for record in ACTIONS:
        if isinstance(record.shortcut, str) and record.shortcut:
            assert not QKeySequence(record.shortcut).isEmpty(), record.id


def test_every_icon_exists() -> None:
    missing = [r.icon for r in ACTIONS if r.icon and not icon_path(r.icon).is_file()]
    assert missing == []


def test_tool_bar_actions_have_icons() -> None:
    assert [record.id for record in ACTIONS if record.toolbar and not record.icon] == []


def test_every_action_is_in_a_known_menu_with_text_and_tooltip() -> None:
    menus = {menu.id for menu in MENUS}
    for record in ACTIONS:
        assert record.menu in menus, record.id
        assert record.text, record.id
        assert record.tooltip, record.id


def test_mnemonics_of_a_menu_do_not_clash() -> None:
    for menu in MENUS:
        marks = [
            record.text[record.text.index("&") + 1].lower()
            for record in ACTIONS
            if record.menu == menu.id and "&" in record.text
        ]
        assert [m for m, count in Counter(marks).items() if count > 1] == [], menu.id


def test_the_window_offers_every_action(window: MainWindow) -> None:
    offered = {action.objectName() for action in window.actions()}
    assert {record.id for record in ACTIONS} <= offered
