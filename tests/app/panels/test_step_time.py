"""The inspector says how long a step takes, with its band and what it rests on."""

import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.band_job import BandJob, KnownBands
from app.panels.step_time import StepTimeRow
from tests.helpers.bands import made_up_bands


class Knowing(BandJob):
    """A job that knows what a test tells it."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.known = KnownBands(True)

    def of_document(self) -> KnownBands:
        return self.known

    def tell(self, known: KnownBands) -> None:
        self.known = known
        self.changed.emit()


@pytest.fixture
def bands(document: Document) -> Knowing:
    return Knowing(document)


@pytest.fixture
def row(document: Document, bands: Knowing, qtbot: QtBot) -> StepTimeRow:
    made = StepTimeRow(document, bands)
    qtbot.addWidget(made)
    return made


def test_nothing_is_said_before_it_is_known(row: StepTimeRow) -> None:
    assert row.basis.text() == "…"
    assert row.text.isHidden()
    assert row.badge.isHidden()


def test_a_prior_is_shown_with_its_band_and_the_badge(row: StepTimeRow, bands: Knowing) -> None:
    bands.tell(KnownBands(False, made_up_bands()))
    lines = row.text.text().splitlines()
    assert lines[0] == "TPOT 33 ms (20-53) at 32 sequences x 119k tokens"
    assert lines[1] == "One prompt of 875 tokens 83 ms (58-141)"
    assert lines[2] == "Prior: no measurement names this chip"
    assert not row.badge.isHidden()
    assert "the reason" in row.text.toolTip()


def test_a_fit_names_its_numbers_and_has_no_badge(row: StepTimeRow, bands: Knowing) -> None:
    bands.tell(KnownBands(False, made_up_bands("fitted")))
    assert "1,234 measured numbers" in row.text.text()
    assert row.badge.isHidden()
    bands.tell(KnownBands(False, made_up_bands("shrunken")))
    assert "Few measured numbers (1,234)" in row.text.text()
    assert not row.badge.isHidden()


def test_a_design_without_a_band_says_what_to_do(row: StepTimeRow, bands: Knowing) -> None:
    bands.tell(KnownBands(False, made_up_bands()))
    bands.tell(KnownBands(False, None))
    assert "Draw chips" in row.text.text()
    assert "TPOT" not in row.text.text()
    assert row.badge.isHidden()
    bands.tell(KnownBands(True))
    assert row.text.isHidden()
