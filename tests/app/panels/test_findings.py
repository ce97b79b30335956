"""The list of findings: walked, located, mended with one click."""

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.jobs.check_job import check
from app.panels.findings import MOST_SHOWN, FindingsPanel
from engine.catalog.catalog import Catalog
from engine.findings import Finding, Severity
from engine.scenario.editor import DesignEditor
from engine.topology.elements import Override
from tests.helpers import worlds


@pytest.fixture
def panel(qtbot: QtBot) -> FindingsPanel:
    made = FindingsPanel()
    qtbot.addWidget(made)
    return made


def test_the_chosen_finding_offers_its_repairs(
    panel: FindingsPanel, shop: Catalog, qtbot: QtBot
) -> None:
    design = worlds.one_chip(shop)
    wrong = Override(value=-1.0, reason="typed")
    chip = msgspec.structs.replace(design.elements[0], overrides={"power_w": wrong})
    design = msgspec.structs.replace(design, elements=(chip,))
    checked = check(design, shop)
    panel.show_findings(checked.findings, checked.repairs)
    assert panel.buttons == []
    row = next(n for n, f in enumerate(checked.findings) if f.code == "bad-figure")
    panel.list.setCurrentRow(row)
    assert [button.text() for button in panel.buttons] == ["Fix: Use the catalogue's values"]
    with qtbot.waitSignal(panel.repair_requested) as asked:
        QTest.mouseClick(panel.buttons[0], Qt.MouseButton.LeftButton)
    editor = DesignEditor(design, shop)
    editor.apply(asked.args[0].change)
    mended = check(editor.snapshot(), shop)
    assert "bad-figure" not in {finding.code for finding in mended.findings}
    panel.show_findings(mended.findings, mended.repairs)
    assert not any("catalogue" in button.text() for button in panel.buttons)


def test_f8_walks_all_findings_and_begins_again(
    panel: FindingsPanel, shop: Catalog, qtbot: QtBot
) -> None:
    design = msgspec.structs.replace(worlds.one_chip(shop), links=())
    checked = check(design, shop)
    panel.show_findings(checked.findings, checked.repairs)
    located = []
    panel.locate_requested.connect(located.append)
    for _ in range(len(checked.findings) + 1):
        panel.next_issue()
    assert panel.list.currentRow() == 0
    assert located[0] == located[-1]


def test_of_very_many_findings_the_first_are_shown_and_the_rest_counted(
    panel: FindingsPanel,
) -> None:
    one = Finding(severity=Severity.NOTE, code="a", subject="x", text="text")
    panel.show_findings([one] * 1000)
    assert panel.list.count() == MOST_SHOWN + 1
    assert panel.list.item(MOST_SHOWN).text() == "... and 700 more"
    panel.list.setCurrentRow(MOST_SHOWN - 1)
    panel.next_issue()
    assert panel.list.currentRow() == 0
