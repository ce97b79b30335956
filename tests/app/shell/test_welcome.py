"""The welcome page: shown at a start without a file, gives way to the drawing, works by keyboard."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QDragEnterEvent, QResizeEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.main import _begin, build_parser
from app.models.palette_model import SPEC_MIME
from app.shell.files import example_path
from app.shell.main_window import MainWindow
from app.shell.recent_list import changed_text
from app.shell.welcome_page import SIDE_BY_SIDE, WelcomePage
from app.support.notifications import SaveChoice
from app.support.settings import Settings
from engine.catalog.catalog import Catalog
from engine.storage.examples import Example, load_examples
from engine.topology.changes import SetSection
from tests.helpers.windows import notes

# offscreen, a window whose central part changes says so
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

IDS = [example.id for example in load_examples()]


@pytest.fixture
def page(window: MainWindow) -> WelcomePage:
    """The page in a window whose design is saved."""
    window.document.undo_stack.setClean()
    window.welcome.show()
    assert window.welcome.page is not None
    return window.welcome.page


def press(widget: QWidget, key: Qt.Key) -> None:
    QTest.keyClick(widget, key)


def resize(widget: QWidget, width: int) -> None:
    """Also tells a widget that is not shown, which Qt would put off."""
    before = widget.size()
    widget.resize(width, 900)
    QApplication.sendEvent(widget, QResizeEvent(widget.size(), before))


def test_a_start_without_a_file_shows_it_as_long_as_it_is_wanted(window: MainWindow) -> None:
    assert not window.welcome.is_shown
    window.settings.show_welcome = False
    window.welcome.show_at_start()
    assert not window.welcome.is_shown
    window.settings.show_welcome = True
    window.welcome.show_at_start()
    assert window.welcome.is_shown


def test_the_program_shows_it_without_a_file_and_the_design_with_one(window: MainWindow) -> None:
    _begin(window, build_parser().parse_args([]))
    assert window.welcome.is_shown
    window.document.undo_stack.setClean()
    _begin(window, build_parser().parse_args([str(example_path())]))
    assert not window.welcome.is_shown
    assert window.document.design().name == "AL128 with coding agents"


def test_the_box_is_kept_between_starts(page: WelcomePage, window: MainWindow) -> None:
    assert page.at_start.isChecked()
    page.at_start.click()
    window.settings.flush()
    again = Settings(Path(window.settings._store.fileName()))
    assert not again.show_welcome
    page.at_start.click()
    assert Settings(Path(window.settings._store.fileName())).show_welcome


def test_settings_that_make_no_sense_show_it(tmp_path: Path) -> None:
    (tmp_path / "s.ini").write_text("[welcome]\nshow=maybe\n")
    assert Settings(tmp_path / "s.ini").show_welcome


def test_every_example_has_a_card_in_the_order_of_the_index(page: WelcomePage) -> None:
    assert [card.example.id for card in page.cards.cards] == IDS
    for card in page.cards.cards:
        assert card.accessibleName() == card.example.title
        assert card.accessibleDescription() == card.example.summary


@pytest.mark.parametrize("example_id", IDS)
def test_a_card_opens_its_example_without_a_name(
    page: WelcomePage, window: MainWindow, example_id: str
) -> None:
    card = next(card for card in page.cards.cards if card.example.id == example_id)
    press(card, Qt.Key.Key_Return)
    assert not window.welcome.is_shown
    assert window.document.path is None
    assert not window.document.is_dirty
    assert window.document.design().elements
    assert window.document.design().name in window.windowTitle()
    assert window.settings.recent_files == ()


def test_the_note_of_an_example_stands_over_the_canvas_until_it_is_closed(
    page: WelcomePage, window: MainWindow
) -> None:
    note = window.welcome.note
    page.cards.cards[0].click()
    assert not note.isHidden()
    assert note.text.text() == window.document.design().note
    note.close_button.click()
    assert note.isHidden()
    window.welcome.open_example(IDS[1])
    assert not note.isHidden()
    window.document.new()
    assert note.isHidden()


def test_unsaved_edits_are_asked_about_and_kept(page: WelcomePage, window: MainWindow) -> None:
    window.document.perform("Rename design", SetSection("name", "Kept"))
    window.welcome.show()
    notes(window).choice = SaveChoice.CANCEL
    page.cards.cards[0].click()
    assert window.welcome.is_shown
    assert window.document.design().name == "Kept"


def test_the_menu_has_every_example_with_what_it_shows(window: MainWindow) -> None:
    menu = window.actions_by_id["file.example"].menu()
    assert menu is window.welcome.menu
    assert [action.data() for action in menu.actions()] == IDS
    assert [a.toolTip() for a in menu.actions()] == [e.summary for e in load_examples()]
    window.document.undo_stack.setClean()
    menu.actions()[1].trigger()
    assert window.document.design().name == "Mesh of eight chips"
    assert window.welcome.note.text.text() == window.document.design().note


def test_saving_an_example_asks_for_a_name(
    page: WelcomePage, window: MainWindow, tmp_path: Path
) -> None:
    page.cards.cards[0].click()
    before = example_path(IDS[0]).read_bytes()
    notes(window).save_path = tmp_path / "mine.rackflow"
    assert window.files.save()
    assert window.document.path == tmp_path / "mine.rackflow"
    assert example_path(IDS[0]).read_bytes() == before


def test_arrows_walk_the_cards_by_rows_and_columns(page: WelcomePage) -> None:
    resize(page.cards, 2 * 184 + 12 + 100)
    cards = page.cards.cards
    assert page.cards.columns == 2
    told: list[int] = []
    for number, card in enumerate(cards):
        card.setFocus = lambda _reason, number=number: told.append(number)  # type: ignore
    press(cards[0], Qt.Key.Key_Right)
    press(cards[1], Qt.Key.Key_Down)
    press(cards[3], Qt.Key.Key_Left)
    press(cards[2], Qt.Key.Key_Up)
    press(cards[0], Qt.Key.Key_Left)  # nowhere to go
    press(cards[len(cards) - 1], Qt.Key.Key_Down)
    assert told == [1, 3, 2, 0]


@pytest.mark.parametrize(("width", "columns"), [(100, 1), (184, 1), (379, 1), (380, 2), (576, 3)])
def test_as_many_cards_stand_beside_each_other_as_fit(
    page: WelcomePage, width: int, columns: int
) -> None:
    resize(page.cards, width)
    assert page.cards.columns == columns


def test_buttons_stand_above_the_examples_where_it_is_narrow(page: WelcomePage) -> None:
    resize(page, SIDE_BY_SIDE)
    assert page._columns.direction() is QBoxLayout.Direction.LeftToRight
    resize(page, SIDE_BY_SIDE - 1)
    assert page._columns.direction() is QBoxLayout.Direction.TopToBottom


def test_escape_and_every_edit_go_back_to_the_drawing(
    page: WelcomePage, window: MainWindow
) -> None:
    press(page, Qt.Key.Key_Escape)
    assert not window.welcome.is_shown
    for leave in (
        lambda: window.document.perform("Rename design", SetSection("name", "x")),
        lambda: window.document.select(frozenset({"rack"})),
        lambda: window.actions_by_id["view.fit"].trigger(),
        lambda: window.actions_by_id["tool.pan"].trigger(),
        lambda: window.palette_panel.place_requested.emit("hpn7-leaf", 1),
        lambda: window.document.new(),
    ):
        window.welcome.show()
        assert window.welcome.is_shown
        leave()
        assert not window.welcome.is_shown


def test_a_run_shows_the_drawing(page: WelcomePage, window: MainWindow) -> None:
    window.run.play()
    assert not window.welcome.is_shown
    window.run.reset()


def test_a_device_that_is_dragged_finds_the_canvas(
    page: WelcomePage, window: MainWindow, qtbot: QtBot
) -> None:
    data = QMimeData()
    data.setData(SPEC_MIME, b"hpn7-leaf")
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    event = QDragEnterEvent(QPoint(9, 9), action, data, button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(page, event)
    qtbot.waitUntil(lambda: not window.welcome.is_shown)


def test_new_and_open_do_what_the_file_menu_does(
    page: WelcomePage, window: MainWindow, tmp_path: Path
) -> None:
    page.new.click()
    assert window.document.design().elements == ()
    assert not window.welcome.is_shown
    window.welcome.show()
    notes(window).open_path = None
    page.open.click()
    assert window.welcome.is_shown
    notes(window).open_path = example_path()
    page.open.click()
    assert not window.welcome.is_shown


def test_recent_designs_have_name_folder_and_time(
    page: WelcomePage, window: MainWindow, tmp_path: Path
) -> None:
    assert not page.recent.empty.isHidden()
    path = tmp_path / "hall.rackflow"
    path.write_bytes(example_path().read_bytes())
    window.settings.remember_file(path)
    window.welcome.show()
    (row,) = page.recent.rows
    assert page.recent.empty.isHidden()
    assert row.open.accessibleName() == "hall.rackflow"
    description = row.open.accessibleDescription()
    assert str(tmp_path) in description
    assert changed_text(path.stat().st_mtime) in description
    assert row.remove.isHidden()
    row.open.click()
    assert window.document.path == path.resolve()
    assert not window.welcome.is_shown


def test_a_recent_design_that_is_gone_is_greyed_and_can_be_removed(
    page: WelcomePage, window: MainWindow, tmp_path: Path
) -> None:
    window.settings.remember_file(tmp_path / "gone.rackflow")
    window.welcome.show()
    (row,) = page.recent.rows
    assert not row.open.isEnabled()
    assert "not found" in row.open.accessibleDescription()
    assert not row.remove.isHidden()
    assert "gone.rackflow" in row.remove.accessibleName()
    row.remove.click()
    assert window.settings.recent_files == ()
    assert page.recent.rows == []
    assert not page.recent.empty.isHidden()


def test_pictures_are_drawn_one_by_one_after_the_page_is_shown(
    page: WelcomePage, qtbot: QtBot
) -> None:
    assert all(card.picture.pixmap().isNull() for card in page.cards.cards)
    page.show()
    page.window().show()
    page._draw_all()
    page._draw_next()
    drawn = [not card.picture.pixmap().isNull() for card in page.cards.cards]
    assert drawn == [True] + [False] * (len(drawn) - 1)
    qtbot.waitUntil(lambda: all(not c.picture.pixmap().isNull() for c in page.cards.cards))


def test_an_example_that_cannot_be_read_says_so_on_its_card(
    qtbot: QtBot, shop: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = Example(id="x", file="no-such.rackflow", title="X", summary="Y.")
    page = WelcomePage(shop, (gone,))
    qtbot.addWidget(page)
    page.show()
    page._draw_all()
    page._draw_next()
    assert "no-such.rackflow" in page.cards.cards[0].picture.text()


def test_examples_that_cannot_be_listed_are_told_on_the_page(qtbot: QtBot, shop: Catalog) -> None:
    page = WelcomePage(shop, (), "index.json: it is damaged; install Rackflow again")
    qtbot.addWidget(page)
    assert not page.problem.isHidden()
    assert "install Rackflow again" in page.problem.text()


def test_the_empty_canvas_names_the_keys_as_they_are_set(window: MainWindow) -> None:
    assert window.canvas is not None
    text = " ".join(window.canvas.hints)
    assert "Space" in text
    assert "F1" in text
    window.actions_by_id["run.play"].setShortcut("Ctrl+P")
    assert "Ctrl+P" in " ".join(window.canvas.hints)


def test_the_page_asks_for_no_heavy_module_at_start() -> None:
    import subprocess
    import sys

    code = (
        "import sys, app.shell.main_window\n"
        "found = {'app.shell.welcome_page', 'app.canvas.view'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
