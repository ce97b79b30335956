"""The program: headless verbs load no Qt; the demo leaves a picture and a summary."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.main import build_parser, main
from app.shell.files import example_path
from app.support import crash_handler


def test_headless_verbs_load_no_qt() -> None:
    code = (
        "import sys; from app.main import main; "
        f"status = main(['validate', {str(example_path())!r}, '--json']); "
        "loaded = [m for m in sys.modules if m.startswith(('PySide6', 'pyqtgraph'))]; "
        "assert status == 0, status; assert loaded == [], loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--no-such-option"]) == 2
    assert "no-such-option" in capsys.readouterr().err


def test_version_is_printed_without_a_window(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("rackflow ")


def test_the_window_size_is_read_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_parser().parse_args(["demo", "--size", "1280x720"]).size == (1280, 720)
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", "--size", "1x1"])
    assert "1x1" in capsys.readouterr().err


@pytest.fixture
def restored_hooks() -> Iterator[None]:
    """The interpreter's own hooks after a test that installs others."""
    import threading

    from PySide6.QtCore import qInstallMessageHandler

    hooks = sys.excepthook, threading.excepthook
    before = qInstallMessageHandler(None)
    yield
    sys.excepthook, threading.excepthook = hooks
    qInstallMessageHandler(before)
    for handler in logging.getLogger("rackflow").handlers:
        handler.close()
    logging.getLogger("rackflow").handlers.clear()


def test_a_defect_ends_in_the_log(tmp_path: Path, restored_hooks: None) -> None:
    path = crash_handler.install(tmp_path / "log" / "rackflow.log")
    assert path is not None
    try:
        raise RuntimeError("a made-up defect")
    except RuntimeError as error:
        crash_handler.log_exception(type(error), error, error.__traceback__)
    text = path.read_text(encoding="utf-8")
    assert "a made-up defect" in text
    assert "Traceback" in text


def test_an_unwritable_log_does_not_stop_the_program(tmp_path: Path, restored_hooks: None) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert crash_handler.install(tmp_path / "file" / "rackflow.log") is None
