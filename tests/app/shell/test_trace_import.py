"""Import of traces in the window: known formats at once, any other CSV by its columns."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QPushButton
from pytestqt.qtbot import QtBot

from app.dialogs.trace_columns import TraceColumnsDialog
from app.shell.main_window import MainWindow
from engine.scenario.design import Tenant
from engine.topology.changes import SetSection
from engine.workload.spec import WorkloadKind
from engine.workload.trace_source import columns_of, trace_of
from tests.helpers.windows import notes

WAIT_MS = 20_000
OWN = "who,at_ms,asked,answered\na,1000,100,10\nb,3500,200,20\n"


@pytest.fixture
def quiet(window: MainWindow) -> Iterator[MainWindow]:
    window.traces.present = lambda dialog: None
    yield window
    if window.traces.dialog is not None:
        window.traces.dialog.reject()


def asked(window: MainWindow, tmp_path: Path, text: str, qtbot: QtBot) -> TraceColumnsDialog:
    path = tmp_path / "own.csv"
    path.write_text(text)
    notes(window).trace_path = path
    window.actions_by_id["file.import_trace"].trigger()
    dialog = window.traces.dialog
    assert dialog is not None
    settled(window, qtbot)
    return dialog


def settled(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.traces.job.is_running, timeout=WAIT_MS)


def test_a_known_format_is_taken_at_once(quiet: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("arrival_s,input_tokens,output_tokens\n0,5,6\n")
    before = quiet.document.design()
    notes(quiet).trace_path = path
    quiet.actions_by_id["file.import_trace"].trigger()
    load = quiet.document.design().workload
    assert quiet.traces.dialog is None
    assert (load.kind, load.trace_path, load.trace_format) == (
        WorkloadKind.TRACE,
        str(path),
        "csv",
    )
    assert columns_of(load) == {}
    quiet.document.undo_stack.undo()
    assert quiet.document.design() == before


def test_the_columns_of_another_csv_are_chosen(
    quiet: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = asked(quiet, tmp_path, OWN, qtbot)
    assert dialog.table.item(1, 2).text() == "200"
    dialog.choose("arrival_s", "who")
    settled(quiet, qtbot)
    assert "line 2, column 'who'" in dialog.preview.text()
    assert not dialog.accept_button.isEnabled()
    for name, value in (("arrival_s", "at_ms"), ("time", "ms"), ("input_tokens", "asked"),
                        ("output_tokens", "answered")):  # fmt: skip
        dialog.choose(name, value)
    settled(quiet, qtbot)
    assert dialog.preview.text() == "2 requests in 2.5 s; mean 150 tokens in, 15 out"
    assert dialog.table.horizontalHeaderItem(1).text() == "at_ms\n\u2191 arrival"
    assert dialog.accept_button.isEnabled()
    count = quiet.document.undo_stack.count()
    dialog.accept()
    load = quiet.document.design().workload
    assert quiet.document.undo_stack.count() == count + 1
    assert columns_of(load) == {"arrival_s": "at_ms", "time": "ms", "input_tokens": "asked",
                                "output_tokens": "answered"}  # fmt: skip
    assert trace_of(load).arrival_s.tolist() == pytest.approx([0.0, 2.5])
    assert quiet.traces.dialog is None


def test_a_dialog_that_is_left_changes_nothing(
    quiet: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    before = quiet.document.design()
    asked(quiet, tmp_path, OWN, qtbot).reject()
    assert quiet.document.design() == before
    assert quiet.traces.dialog is None


def test_what_is_no_trace_is_told(quiet: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "text.csv"
    path.write_text("just a line\n")
    notes(quiet).trace_path = path
    quiet.traces.ask()
    assert quiet.traces.dialog is None
    assert "columns" in notes(quiet).errors[0][1]
    notes(quiet).trace_path = tmp_path / "missing.csv"
    quiet.traces.ask()
    assert len(notes(quiet).errors) == 2


def test_the_tenant_that_is_shown_gets_the_trace_and_its_columns_can_be_changed(
    quiet: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    own = quiet.document.design().workload
    tenants = (Tenant(name="a", workload=own), Tenant(name="b", workload=own))
    quiet.document.perform("Share", SetSection("tenants", tenants))
    quiet.load.tenants.choose(1)
    dialog = asked(quiet, tmp_path, OWN, qtbot)
    dialog.choose("time", "ms")
    settled(quiet, qtbot)
    dialog.accept()
    first, second = quiet.document.design().tenants
    assert first.workload == own
    assert second.workload.kind is WorkloadKind.TRACE
    quiet.inspector.rebuild()
    assert quiet.inspector.form is not None
    assert "(ms)" in quiet.inspector.form.row("Columns")._read()
    button = next(b for b in quiet.inspector.findChildren(QPushButton) if b.text() == "Columns...")
    button.click()
    again = quiet.traces.dialog
    assert again is not None
    assert again.columns()["time"] == "ms"
    settled(quiet, qtbot)
    again.done(QDialog.DialogCode.Rejected)
