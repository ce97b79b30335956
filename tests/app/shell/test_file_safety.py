"""Locks, changes by others, earlier versions, damaged files and what a crash has left."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.shell.main_window import MainWindow
from app.shell.recovery import crashed
from app.support.file_guard import lock_path
from app.support.notifications import ChangedChoice, LockedChoice, SaveChoice
from engine.catalog.catalog import Catalog
from engine.scenario.hashing import design_hash
from engine.storage.project_file import load_design, save_design
from engine.topology.changes import SetSection
from tests.helpers import worlds
from tests.helpers.windows import close_window, drawn_document, make_window, notes

HOLDER = """
import sys
from PySide6.QtCore import QLockFile
lock = QLockFile(sys.argv[1])
assert lock.tryLock(0)
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def file(tmp_path: Path, shop: Catalog) -> Path:
    path = tmp_path / "mine.rackflow"
    save_design(path, worlds.one_chip(shop), shop)
    return path


@pytest.fixture
def held(file: Path) -> Iterator[int]:
    """Another process has the file open; its id."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock_path(file))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child.pid
    child.communicate("")


def rename(window: MainWindow, name: str) -> bool:
    return window.document.perform("Rename", SetSection("name", name)).ok


def fresh(window: MainWindow) -> MainWindow:
    """The window, ready to open another design without a question."""
    window.document.undo_stack.setClean()
    return window


def test_an_open_file_is_locked_and_let_go(window: MainWindow, file: Path) -> None:
    assert fresh(window).files.open_path(file)
    assert lock_path(file).is_file()
    window.document.new()
    assert not lock_path(file).exists()


@pytest.mark.parametrize(
    ("choice", "opens", "path", "edits"),
    [
        (LockedChoice.CANCEL, False, None, True),
        (LockedChoice.READ_ONLY, True, "mine.rackflow", False),
        (LockedChoice.COPY, True, None, True),
    ],
)
def test_a_file_that_somebody_holds_names_the_holder(
    window: MainWindow, file: Path, held: int, choice: LockedChoice, opens: bool,
    path: str | None, edits: bool,
) -> None:  # fmt: skip
    notes(window).locked_choice = choice
    assert fresh(window).files.open_path(file) is opens
    assert f"process {held}" in notes(window).asked[-1]
    shown = window.document.path
    assert (shown.name if shown else None) == path
    assert rename(window, "x") is edits


def test_a_held_file_is_not_saved_over(window: MainWindow, file: Path, held: int) -> None:
    before = file.read_bytes()
    notes(window).save_path = file
    assert not window.files.save_as()
    assert file.read_bytes() == before
    assert f"process {held}" in notes(window).errors[-1][1]


def test_a_copy_is_unsaved_and_has_no_name(window: MainWindow, file: Path, held: int) -> None:
    notes(window).locked_choice = LockedChoice.COPY
    fresh(window).files.open_path(file)
    assert window.document.is_dirty
    assert window.document.path is None


@pytest.mark.parametrize("choice", list(ChangedChoice))
def test_a_change_by_another_program_is_asked_about_before_saving(
    window: MainWindow, file: Path, shop: Catalog, choice: ChangedChoice, tmp_path: Path
) -> None:
    fresh(window).files.open_path(file)
    rename(window, "mine")
    save_design(file, load_design(file).design.__class__(name="theirs"), shop)
    notes(window).changed_choice = choice
    notes(window).save_path = tmp_path / "other.rackflow"
    saved = window.files.save()
    assert saved is (choice in (ChangedChoice.OVERWRITE, ChangedChoice.SAVE_AS))
    kept = "mine" if choice is ChangedChoice.OVERWRITE else "theirs"
    assert load_design(file).design.name == kept
    shown = "theirs" if choice is ChangedChoice.RELOAD else "mine"
    assert window.document.design().name == shown


def test_coming_back_to_the_window_asks_once_about_a_changed_file(
    window: MainWindow, file: Path, shop: Catalog
) -> None:
    fresh(window).files.open_path(file)
    window.files.look_outside()
    asked = len(notes(window).asked)
    save_design(file, load_design(file).design.__class__(name="theirs"), shop)
    window.files.look_outside()
    window.files.look_outside()
    assert len(notes(window).asked) == asked + 1
    notes(window).changed_choice = ChangedChoice.RELOAD
    save_design(file, load_design(file).design.__class__(name="again"), shop)
    window.files.look_outside()
    assert window.document.design().name == "again"


def test_the_last_three_versions_can_be_opened(window: MainWindow, tmp_path: Path) -> None:
    notes(window).save_path = tmp_path / "v.rackflow"
    for number in range(6):
        rename(window, f"version {number}")
        assert window.files.save()
    window.actions_by_id["file.versions"].trigger()
    assert len(window.quick_access.chooser.texts()) == 3
    newest = window.files.earlier_versions()[0]
    assert window.files.open_version(newest)
    assert window.document.design().name == "version 4"
    assert window.document.path is None
    assert window.document.is_dirty


def test_what_is_left_of_a_damaged_file_is_shown_read_only(window: MainWindow, file: Path) -> None:
    raw = json.loads(file.read_text())
    raw["elements"][0]["count"] = "many"
    file.write_text(json.dumps(raw))
    before = file.read_bytes()
    notes(window).says_yes = True
    assert fresh(window).files.open_path(file)
    assert "placeholder" in notes(window).offers[-1][1]
    assert not rename(window, "x")
    assert crashed(window.recovery.folder) == []
    assert not window.recovery.keeper.path.exists()  # nothing lossy is journaled
    notes(window).save_path = None
    assert not window.files.save()  # asks for another name
    assert file.read_bytes() == before


def test_a_damaged_file_may_be_left_closed(window: MainWindow, file: Path) -> None:
    file.write_text(file.read_text()[:-40])
    before = window.document.design()
    assert not fresh(window).files.open_path(file)
    assert window.document.design() == before
    assert not lock_path(file).exists()


def test_after_a_crash_the_unsaved_design_is_offered_and_restored(
    window: MainWindow, tmp_path: Path, shop: Catalog
) -> None:
    rename(window, "nearly lost")
    window.document.undo_stack.undo()
    window.document.undo_stack.redo()
    window.recovery.write_picture()
    expected = design_hash(window.document.design())
    window.recovery.shut_down(keep=True)  # as a crash leaves it
    other = make_window(drawn_document(shop), tmp_path)
    try:
        other.recovery.present = lambda _dialog: None
        other.recovery.offer()
        dialog = other.recovery.dialog
        assert dialog is not None
        assert "unsaved edits: 3" in dialog.list.item(0).text()
        assert not dialog.list.item(0).icon().isNull()
        fresh(other)
        dialog.restore.click()
        assert design_hash(other.document.design()) == expected
        assert other.document.is_dirty
        assert [one.journal for one in crashed(other.recovery.folder)] == []
        notes(other).choice = SaveChoice.DISCARD
    finally:
        close_window(other)
    assert crashed(other.recovery.folder) == []


def test_a_discarded_crash_is_not_offered_again(
    window: MainWindow, tmp_path: Path, shop: Catalog
) -> None:
    rename(window, "not wanted")
    window.recovery.shut_down(keep=True)
    other = make_window(drawn_document(shop), tmp_path)
    try:
        other.recovery.present = lambda _dialog: None
        other.recovery.offer()
        assert other.recovery.dialog is not None
        other.recovery.dialog.discard.click()
        other.recovery.dialog = None
        other.recovery.offer()
        assert other.recovery.dialog is None
    finally:
        close_window(other)


def test_a_living_program_keeps_its_journal_to_itself(window: MainWindow) -> None:
    rename(window, "mine")
    assert window.recovery.keeper.path.is_file()
    assert crashed(window.recovery.folder) == []


def test_a_saved_design_leaves_nothing_behind(window: MainWindow, tmp_path: Path) -> None:
    rename(window, "kept")
    notes(window).save_path = tmp_path / "a.rackflow"
    assert window.files.save()
    window.recovery.shut_down(keep=True)
    assert crashed(window.recovery.folder) == []
    assert list(window.recovery.folder.glob("*.journal")) == []
