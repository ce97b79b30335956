"""Bands are computed in a thread of their own, for the design that is shown and for the run's."""

import threading
from collections.abc import Iterator

import msgspec
import pytest
from pytestqt.qtbot import QtBot

import app.jobs.band_job as module
from app.document import Document
from app.jobs.band_job import BandJob, band_key, bands_of
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.study.design_bands import DesignBands
from engine.topology.changes import MoveElements, SetSection
from tests.helpers.bands import made_up_bands
from tests.helpers.windows import drawn_document

WAIT_MS = 30_000


class Computing:
    """Stands for the Monte Carlo: keeps what was asked, waits where a test wants it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, design: Design, _catalog: Catalog) -> DesignBands:
        self.asked.append(design.deployment.tp)
        self.threads.add(threading.current_thread().name)
        self.gate.wait(WAIT_MS / 1000)
        return made_up_bands()._replace(sequences=design.deployment.tp)


@pytest.fixture
def computing(monkeypatch: pytest.MonkeyPatch) -> Computing:
    made = Computing()
    monkeypatch.setattr(module, "bands_of", made)
    return made


@pytest.fixture
def document(qtbot: QtBot, shop: Catalog) -> Document:
    return drawn_document(shop)


@pytest.fixture
def job(document: Document, computing: Computing) -> Iterator[BandJob]:
    made = BandJob(document)
    yield made
    computing.gate.set()
    made.shut_down()


def set_tp(document: Document, tp: int) -> None:
    changed = msgspec.structs.replace(document.design().deployment, tp=tp)
    assert document.perform("Set TP", SetSection("deployment", changed)).ok


def shown(job: BandJob) -> int | None:
    """Sequences of the bands of the document's design, which tell designs apart here."""
    bands = job.of_document().bands
    return None if bands is None else bands.sequences


def test_a_band_is_pending_and_then_known(
    job: BandJob, computing: Computing, qtbot: QtBot
) -> None:
    assert job.of_document().pending
    with qtbot.waitSignal(job.changed, timeout=WAIT_MS):
        job.request()
    assert not job.of_document().pending
    assert shown(job) == 8
    assert computing.threads == {"rackflow-bands"}


def test_an_edit_of_the_deployment_drops_the_band_and_asks_again(
    job: BandJob, document: Document, computing: Computing, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(job.changed, timeout=WAIT_MS):
        job.request()
    told: list[bool] = []
    job.changed.connect(lambda: told.append(job.of_document().pending))
    set_tp(document, 16)
    assert told == [True]
    qtbot.waitUntil(lambda: shown(job) == 16, timeout=WAIT_MS)
    document.undo_stack.undo()
    assert shown(job) == 8  # known already
    assert computing.asked == [8, 16]


def test_a_move_asks_for_nothing(
    job: BandJob, document: Document, computing: Computing, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(job.changed, timeout=WAIT_MS):
        job.request()
    told: list[None] = []
    job.changed.connect(lambda: told.append(None))
    before = band_key(document.design())
    assert document.perform("Move", MoveElements(("rack",), ((80.0, 40.0),))).ok
    assert band_key(document.design()) == before
    assert not job.of_document().pending
    assert computing.asked == [8]


def test_an_answer_that_comes_late_is_not_shown_for_another_design(
    job: BandJob, document: Document, computing: Computing, qtbot: QtBot
) -> None:
    computing.gate.clear()
    job.request()
    qtbot.waitUntil(lambda: computing.asked == [8], timeout=WAIT_MS)
    set_tp(document, 4)
    with qtbot.waitSignal(job.changed, timeout=WAIT_MS):
        computing.gate.set()
    assert shown(job) != 8
    qtbot.waitUntil(lambda: shown(job) == 4, timeout=WAIT_MS)


def test_the_bands_of_a_run_outlive_edits(
    job: BandJob, document: Document, computing: Computing, qtbot: QtBot
) -> None:
    run_design = document.design()
    job.follow_run(run_design)
    set_tp(document, 4)  # before the run's bands were computed
    qtbot.waitUntil(lambda: not job.of(run_design).pending, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: shown(job) == 4, timeout=WAIT_MS)
    bands = job.of(run_design).bands
    assert bands is not None
    assert bands.sequences == 8


def test_shutting_down_waits_and_says_nothing_more(
    document: Document, computing: Computing, qtbot: QtBot
) -> None:
    job = BandJob(document)
    told: list[None] = []
    job.changed.connect(lambda: told.append(None))
    computing.gate.clear()
    job.request()
    qtbot.waitUntil(lambda: computing.asked == [8], timeout=WAIT_MS)
    computing.gate.set()
    job.shut_down()
    qtbot.wait(50)
    assert told == []
    assert "rackflow-bands" not in {thread.name for thread in threading.enumerate()}


def test_a_design_that_cannot_run_has_no_bands(shop: Catalog) -> None:
    document = drawn_document(shop)
    design = document.design()
    assert bands_of(Design(), shop) is None
    wrong = msgspec.structs.replace(design.deployment, model="no-such-model")
    assert bands_of(msgspec.structs.replace(design, deployment=wrong), shop) is None
    alien = msgspec.structs.replace(design.elements[0], spec="no-such-rack")
    assert bands_of(msgspec.structs.replace(design, elements=(alien,)), shop) is None


def test_the_real_bands_of_an_unmeasured_chip_are_wide(shop: Catalog) -> None:
    bands = bands_of(drawn_document(shop).design(), shop)
    assert bands is not None
    assert bands.basis.kind == "prior"
    for band in (bands.rate, bands.ttft, bands.tpot):
        assert band.low < 1.0 < band.high
