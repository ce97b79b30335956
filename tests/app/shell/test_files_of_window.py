"""New, open, save and close: nothing is lost, refusals are told as text."""

from pathlib import Path

import pytest
from PySide6.QtGui import QCloseEvent

from app.shell.files import example_path
from app.shell.main_window import MainWindow
from app.support.notifications import SaveChoice
from app.support.settings import Settings
from engine.scenario.hashing import design_hash
from engine.topology.changes import SetSection
from tests.helpers.windows import notes


def rename(window: MainWindow, name: str) -> None:
    assert window.document.perform("Rename design", SetSection("name", name)).ok


def close(window: MainWindow) -> bool:
    event = QCloseEvent()
    window.closeEvent(event)
    return event.isAccepted()


def test_the_example_opens_and_saves_and_opens_again_equal(
    window: MainWindow, tmp_path: Path
) -> None:
    notes(window).choice = SaveChoice.DISCARD
    assert window.files.open_example()
    rename(window, "Edited")
    before = design_hash(window.document.design())
    notes(window).save_path = tmp_path / "mine.rackflow"
    assert window.files.save()
    window.document.new()
    assert window.files.open_path(tmp_path / "mine.rackflow")
    assert design_hash(window.document.design()) == before
    assert window.document.design().name == "Edited"
    assert notes(window).errors == []


def test_saving_the_example_never_overwrites_it(window: MainWindow, tmp_path: Path) -> None:
    notes(window).choice = SaveChoice.DISCARD
    window.files.open_example()
    rename(window, "Mine")
    before = example_path().read_bytes()
    notes(window).save_path = None
    assert not window.files.save()
    assert example_path().read_bytes() == before


def test_an_edit_marks_the_title_and_saving_clears_it(window: MainWindow, tmp_path: Path) -> None:
    rename(window, "Hall 3")
    assert window.isWindowModified()
    notes(window).save_path = tmp_path / "hall.rackflow"
    assert window.files.save()
    assert not window.isWindowModified()
    assert "hall.rackflow" in window.windowTitle()
    assert window.settings.recent_files == ((tmp_path / "hall.rackflow").resolve(),)


def test_cancel_keeps_the_window_and_the_edits(window: MainWindow) -> None:
    rename(window, "Kept")
    notes(window).choice = SaveChoice.CANCEL
    assert not close(window)
    assert window.document.design().name == "Kept"
    assert notes(window).asked == ["Kept"]


def test_discard_closes_without_writing(window: MainWindow, tmp_path: Path) -> None:
    rename(window, "Gone")
    notes(window).choice = SaveChoice.DISCARD
    assert close(window)
    assert list(tmp_path.glob("*.rackflow")) == []


def test_save_on_close_writes_first(window: MainWindow, tmp_path: Path) -> None:
    rename(window, "Written")
    notes(window).choice = SaveChoice.SAVE
    notes(window).save_path = tmp_path / "w.rackflow"
    assert close(window)
    assert (tmp_path / "w.rackflow").is_file()


def test_a_failed_save_on_close_keeps_the_window(window: MainWindow, tmp_path: Path) -> None:
    rename(window, "Unwritable")
    notes(window).choice = SaveChoice.SAVE
    notes(window).save_path = tmp_path / "no" / "such" / "folder" / "w.rackflow"
    assert not close(window)
    assert len(notes(window).errors) == 1
    assert window.document.is_dirty


def test_a_clean_document_closes_without_a_question(window: MainWindow) -> None:
    window.document.new()
    assert close(window)
    assert notes(window).asked == []


@pytest.mark.parametrize("content", [b"", b"not json", b'{"format": "other"}', b"\xff\xfe\x00"])
def test_a_bad_file_is_refused_with_its_name_and_nothing_is_lost(
    window: MainWindow, tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "bad.rackflow"
    bad.write_bytes(content)
    before = window.document.design()
    notes(window).choice = SaveChoice.DISCARD
    assert not window.files.open_path(bad)
    assert window.document.design() == before
    assert "bad.rackflow" in notes(window).errors[0][1]
    assert window.settings.recent_files == ()


def test_a_recent_file_that_is_gone_is_told_and_forgotten(
    window: MainWindow, tmp_path: Path
) -> None:
    gone = tmp_path / "gone.rackflow"
    window.settings.remember_file(gone)
    notes(window).choice = SaveChoice.DISCARD
    window.files.open_recent(gone.resolve())
    assert len(notes(window).errors) == 1
    assert window.settings.recent_files == ()


def test_settings_survive_a_restart(tmp_path: Path) -> None:
    first = Settings(tmp_path / "s.ini")
    first.theme = "dark"
    for number in range(12):
        first.remember_file(tmp_path / f"{number}.rackflow")
    first.flush()
    again = Settings(tmp_path / "s.ini")
    assert again.theme == "dark"
    assert len(again.recent_files) == 10
    assert again.recent_files[0].name == "11.rackflow"


def test_hostile_settings_fall_back_to_defaults(tmp_path: Path) -> None:
    (tmp_path / "s.ini").write_text("[window]\ntheme=nonsense\ngeometry=7\n[files]\nrecent=3\n")
    settings = Settings(tmp_path / "s.ini")
    assert settings.theme == "system"
    assert settings.geometry.isEmpty()
    assert [path.name for path in settings.recent_files] == ["3"]
