"""What would help: a study in its own thread, fixes that are one step back and forth."""

import threading
from collections.abc import Iterator

import msgspec
import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.whatif_job import Helped, WhatIfJob
from app.panels.whatif_panel import WhatIfPanel
from app.panels.whatif_rows import latency_text
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.study.fixes import Dropped, Fix, Proposal
from engine.study.places import Place
from engine.study.whatif import Effect, WhatIf
from engine.study.worth import Gain, Worth
from engine.topology.changes import Batch, PutElements, SetSection
from tests.helpers import worlds

WAIT_MS = 120_000


@pytest.fixture
def document(shop: Catalog) -> Document:
    made = Document(shop)
    design = worlds.one_chip(shop)
    run = msgspec.structs.replace(design.run, until_s=3.0)
    changes = (PutElements(design.elements), SetSection("deployment", design.deployment),
               SetSection("workload", design.workload), SetSection("run", run))  # fmt: skip
    assert made.perform("Draw", Batch(changes)).ok
    return made


@pytest.fixture
def job(document: Document) -> Iterator[WhatIfJob]:
    made = WhatIfJob(document)
    yield made
    made.shut_down()


@pytest.fixture
def panel(qtbot: QtBot, document: Document, job: WhatIfJob) -> WhatIfPanel:
    made = WhatIfPanel(document, job)
    qtbot.addWidget(made)
    made.resize(320, 400)
    return made


def effect(mean: float) -> Effect:
    gain = Gain(mean=mean, low=mean - 0.02, high=mean + 0.02)
    return Effect(latency=gain, output_tokens_per_s=gain, ttft_p95=gain, tpot_p50=gain,
                  goodput=None)  # fmt: skip


def helped(design: Design) -> Helped:
    slots = msgspec.structs.replace(design.deployment, max_num_seqs=128)
    proposal = Proposal(text="Raise the batch slots to 128", why="",
                        change=Batch((SetSection("deployment", slots),)))  # fmt: skip
    rows = (
        WhatIf(
            resource="HBM bandwidth",
            small=effect(0.04),
            large=effect(0.3),
            helps=True,
            group=1,
            place=Place(element_ids=("chip",)),
        ),
        WhatIf(resource="KV memory", small=effect(0.04), large=effect(0.29), helps=True, group=1),
        WhatIf(resource="PCIe", small=effect(0.0), large=effect(0.0), helps=False, group=2),
    )
    fix = Fix(proposal=proposal, effect=effect(0.12), price=1000.0, power_w=-50.0,
              worth=Worth(tokens_per_s_a_thousand=12.0, latency_a_million=0.3),
              place=Place(element_ids=("chip",), link_ids=("cable",)))  # fmt: skip
    unsure = Fix(proposal=Proposal(text="Wait", why="", change=Batch(())), effect=effect(0.01),
                 price=0.0, power_w=0.0, unpriced=("a",))  # fmt: skip
    dropped = Dropped(text="More cables", reason="4 eth ports, 6 are linked",
                      place=Place(link_ids=("cable",)))  # fmt: skip
    return Helped(design=design, resources=rows, fixes=(fix, unsure), until_s=3.0, runs=3,
                  dropped=(dropped,))  # fmt: skip


def said(panel: WhatIfPanel) -> str:
    return "\n".join(label.text() for label in panel.findChildren(QLabel))


def test_resources_that_help_are_shown_with_intervals_and_company(
    panel: WhatIfPanel, document: Document
) -> None:
    panel.show_found(helped(document.design()))
    panel.complete()
    text = said(panel)
    assert "1. Twice the HBM bandwidth: latency -30% (-32% to -28%)" in text
    assert "inseparable from KV memory" in text
    assert "PCIe" not in text
    assert "+1 k CNY" in text
    assert "-50 W" in text
    assert "3 seeds" in panel.note.text()


def test_a_fix_says_how_sure_it_is_and_what_it_brings_for_money_and_power(
    panel: WhatIfPanel, document: Document
) -> None:
    panel.show_found(helped(document.design()))
    panel.complete()
    text = said(panel)
    assert "helps for certain: latency -12%" in text
    assert "? not certain: latency -1.0%" in text
    assert "tokens/s +12%, TTFT p95 -12%, TPOT p50 -12%" in text
    assert "may be chance: tokens/s +1.0%" in text
    assert "Per 1,000 CNY: +12 tokens/s; per million: latency -30.00%" in text
    assert "Per kW: - tokens/s, latency -" in text
    assert "Price and power: not known (a)" in text


def test_a_latency_that_stays_is_not_given_in_percent() -> None:
    none = Gain(mean=-0.0, low=-0.0001, high=0.0001)
    assert latency_text(Effect(latency=none)) == "latency as before"
    assert latency_text(Effect()) == "latency not known"


def test_fixes_that_cannot_be_are_named_with_their_reason(
    panel: WhatIfPanel, document: Document
) -> None:
    panel.show_found(helped(document.design()))
    panel.complete()
    text = said(panel)
    assert "Not possible here\nMore cables\n4 eth ports, 6 are linked" in text


def test_resources_and_fixes_are_located(
    panel: WhatIfPanel, document: Document, qtbot: QtBot
) -> None:
    panel.show_found(helped(document.design()))
    panel.complete()
    buttons = {b.accessibleName(): b for b in panel.findChildren(QToolButton)}
    found: list[frozenset[str]] = []
    panel.locate_requested.connect(found.append)
    next(b for name, b in buttons.items() if "HBM" in name).click()
    buttons["Locate: Raise the batch slots to 128"].click()
    buttons["Locate: More cables"].click()
    assert found == [frozenset({"chip"}), frozenset({"chip", "cable"}), frozenset({"cable"})]
    assert buttons["Locate: Wait"].isHidden()  # it changes nothing that is drawn


def test_a_fix_is_applied_as_one_step(
    panel: WhatIfPanel, document: Document, qtbot: QtBot
) -> None:
    before = document.design()
    panel.show_found(helped(before))
    panel.complete()
    buttons = [b for b in panel.findChildren(QPushButton) if b.text() == "Apply"]
    with qtbot.waitSignal(panel.applied) as told:
        buttons[0].click()
    assert told.args == ["Raise the batch slots to 128"]
    assert document.design().deployment.max_num_seqs == 128
    assert "earlier drawing" in panel.note.text()
    document.undo_stack.undo()
    assert document.design() == before
    assert "earlier drawing" not in panel.note.text()


def test_the_study_runs_in_its_thread_and_tells_what_it_found(
    panel: WhatIfPanel, job: WhatIfJob, qtbot: QtBot
) -> None:
    shares: list[float] = []
    job.progressed.connect(shares.append)
    with qtbot.waitSignal(job.ended, timeout=WAIT_MS):
        panel.start.click()
        assert not panel.cancel.isHidden()
    panel.complete()
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert "Fixes that were tried" in said(panel)
    assert panel.cancel.isHidden()
    assert "rackflow-whatif" not in {thread.name for thread in threading.enumerate()}


def test_a_cancelled_study_says_nothing(panel: WhatIfPanel, job: WhatIfJob, qtbot: QtBot) -> None:
    found: list[object] = []
    job.found.connect(found.append)
    with qtbot.waitSignal(job.ended, timeout=WAIT_MS):
        panel.start.click()
        panel.cancel.click()
    assert found == []
    assert not panel.start.isHidden()


def test_a_design_that_cannot_run_says_why(
    panel: WhatIfPanel, job: WhatIfJob, document: Document, qtbot: QtBot
) -> None:
    large = msgspec.structs.replace(document.design().deployment, model="qwen35_397b_a17b")
    document.perform("Set model", SetSection("deployment", large))
    with qtbot.waitSignal(job.failed, timeout=WAIT_MS):
        panel.start.click()
    assert "does not fit" in panel.note.text()
