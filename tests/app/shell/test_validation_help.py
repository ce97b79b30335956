"""Help > Validation shows the report, says where it is missing, and asks before it goes outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from pytestqt.qtbot import QtBot

from app.jobs.band_job import KnownBands
from app.shell.main_window import MainWindow
from engine.catalog.resources import resource_path
from tests.helpers.bands import made_up_bands
from tests.helpers.windows import notes

WAIT_MS = 60_000

# what the off-screen platform says of every window that is shown
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def report(window: MainWindow, tmp_path: Path) -> Path:
    path = tmp_path / "validation.html"
    path.write_text("<h1>Errors</h1><p>See <a href='https://example.org/a'>source</a></p>")
    window.validation.path = path
    return path


@pytest.fixture(autouse=True)
def closed(window: MainWindow) -> Iterator[None]:
    yield
    if window.validation.window is not None:
        window.validation.window.close()


def test_it_shows_the_report_of_the_installation(window: MainWindow) -> None:
    assert window.validation.path == resource_path("docs", "validation.html")


def test_the_action_opens_the_report_once(window: MainWindow, report: Path) -> None:
    window.actions_by_id["help.validation"].trigger()
    opened = window.validation.window
    assert opened is not None
    assert opened.isVisible()
    assert not opened.isModal()
    assert "Errors" in opened.page.toPlainText()
    assert opened.missing.isHidden()
    window.actions_by_id["help.validation"].trigger()
    assert window.validation.window is opened


def test_a_missing_report_says_where_it_should_be(window: MainWindow, tmp_path: Path) -> None:
    window.validation.path = tmp_path / "nowhere.html"
    window.validation.open()
    opened = window.validation.window
    assert opened is not None
    assert opened.page.isHidden()
    assert "nowhere.html" in opened.missing.text()
    assert "install Rackflow again" in opened.missing.text()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad", b" " * 32_000_001])
def test_a_report_that_cannot_be_read_is_no_defect(
    window: MainWindow, report: Path, content: bytes
) -> None:
    report.write_bytes(content)
    window.validation.open()
    opened = window.validation.window
    assert opened is not None
    assert "cannot be shown" in opened.missing.text()


def test_a_link_outside_is_asked_for(window: MainWindow, report: Path) -> None:
    window.validation.open()
    opened = window.validation.window
    assert opened is not None
    opened.page.anchorClicked.emit(QUrl("https://example.org/a"))
    assert [offer[1] for offer in notes(window).offers] == ["https://example.org/a"]
    assert notes(window).opened == []
    notes(window).says_yes = True
    opened.page.anchorClicked.emit(QUrl("https://example.org/a"))
    assert notes(window).opened == ["https://example.org/a"]
    for text in ("file:///etc/passwd", "javascript:alert(1)", "other.html"):
        opened.page.anchorClicked.emit(QUrl(text))
    assert len(notes(window).offers) == 2


def test_the_open_design_names_its_basis(
    window: MainWindow, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownBands(True)
    monkeypatch.setattr(window.bands, "of_document", lambda: known)
    window.validation.open()
    opened = window.validation.window
    assert opened is not None
    assert opened.basis.isHidden()
    known = KnownBands(False, made_up_bands())
    window.bands.changed.emit()
    assert "Chip X" in opened.basis.text()
    assert not opened.basis.isHidden()


def test_the_results_lead_to_the_report(window: MainWindow, report: Path) -> None:
    window.bottlenecks.results.validation_requested.emit()
    assert window.validation.window is not None


def test_a_run_is_shown_with_the_bands_of_its_own_design(window: MainWindow, qtbot: QtBot) -> None:
    window.run.set_speed(0.0)
    window.run.play()
    design = window.run.design
    assert design is not None
    qtbot.waitUntil(lambda: not window.bands.of(design).pending, timeout=WAIT_MS)
    bands = window.bands.of(design).bands
    assert bands is not None
    results = window.bottlenecks.results
    qtbot.waitUntil(lambda: "(" in results.rate.text(), timeout=WAIT_MS)
    assert "…" not in results.rate.text()
    assert "prior" in results.validation.text()
    assert window.charts is not None
    assert "80 % band" in window.charts._plots[0].frame.toolTip()
    window.run.reset()
    assert results.rate.text() == "-"
