"""Recent files with pictures, and the banner of read-only designs."""

from pathlib import Path

from app.panels.banner import ReadOnlyBanner
from app.shell.main_window import MainWindow
from tests.helpers.windows import notes


def test_a_saved_file_gets_a_picture_in_the_menu(window: MainWindow, tmp_path: Path) -> None:
    notes(window).save_path = tmp_path / "a.rackflow"
    assert window.files.save()
    (action,) = window.recent.menu.actions()
    assert action.icon().isNull()
    window.recent.draw()
    (action,) = window.recent.menu.actions()
    assert not action.icon().isNull()
    assert "a.rackflow" in action.text()


def test_an_unsaved_design_gets_no_picture(window: MainWindow) -> None:
    window.recent.draw()
    assert not window.recent.picture_path(Path("x")).exists()
    assert not window.recent.menu.isEnabled()


def test_the_banner_says_why_and_saving_a_copy_ends_it(window: MainWindow, tmp_path: Path) -> None:
    banner = window.findChild(ReadOnlyBanner)
    assert isinstance(banner, ReadOnlyBanner)
    assert banner.isHidden()
    design = window.document.design()
    window.document.show(design, tmp_path / "theirs.rackflow", "theirs is open elsewhere")
    assert not banner.isHidden()
    assert banner.text.text() == "theirs is open elsewhere"
    notes(window).save_path = tmp_path / "mine.rackflow"
    banner.save_as.click()
    assert banner.isHidden()
    assert window.document.read_only == ""
    assert window.document.path == tmp_path / "mine.rackflow"
