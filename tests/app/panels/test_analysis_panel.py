"""The analysis panel answers after a check, and two selected devices get their flow."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.check_job import CheckJob, check
from app.panels.analysis import AnalysisPanel
from engine.scenario.design import Design
from engine.topology.changes import Batch, PutElements, PutLinks
from engine.topology.generators import cable, draw

WAIT_MS = 30_000


def rows(panel: AnalysisPanel) -> dict[str, str]:
    tree = panel.tree
    items = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
    return {item.text(0): item.text(1) for item in items if item is not None}


def test_every_question_has_a_row(qtbot: QtBot, document: Document) -> None:
    panel = AnalysisPanel()
    qtbot.addWidget(panel)
    checked = check(document.design(), document.catalog)
    panel.show_analysis(checked.analysis, checked.flow)
    shown = rows(panel)
    assert shown["Connected"] == "yes"
    assert shown["Single points of failure"] == "0"
    assert "TB/s" in shown["Bisection"]
    assert shown["Diameter"] == "4 links"


def test_tiers_and_losses_have_tables_of_their_own(qtbot: QtBot, document: Document) -> None:
    panel = AnalysisPanel()
    qtbot.addWidget(panel)
    checked = check(document.design(), document.catalog)
    panel.show_analysis(checked.analysis, None)
    lost = panel.tree.findItems("One lost", Qt.MatchFlag.MatchStartsWith)[0]
    named = {lost.child(i).text(0): lost.child(i).text(1) for i in range(lost.childCount())}
    assert any(name.startswith("Plane: ") for name in named)
    assert all("%" in text for text in named.values())
    tiers = panel.tree.findItems("Tiers", Qt.MatchFlag.MatchStartsWith)[0]
    assert tiers.child(0).text(0) == "Domain, 64 chips"
    assert "TB/s" in tiers.child(0).child(0).text(1)


def test_an_empty_drawing_shows_no_tables(qtbot: QtBot, document: Document) -> None:
    panel = AnalysisPanel()
    qtbot.addWidget(panel)
    panel.show_analysis(check(Design(), document.catalog).analysis, None)
    assert panel._stack.currentIndex() == 0
    assert not panel.tree.findItems("One lost", Qt.MatchFlag.MatchStartsWith)


def test_a_click_on_a_weak_point_asks_for_its_place(qtbot: QtBot, document: Document) -> None:
    panel = AnalysisPanel()
    qtbot.addWidget(panel)
    rack = draw(document.catalog, "panjiu-al128-2x64", "two", "Rack B", 0, 600)
    leaf = document.topology.elements["leaf"]
    link = cable(document.catalog, "k", (rack, "uplink"), (leaf, "port"), 8)
    document.perform("Add", Batch((PutElements((rack,)), PutLinks((link,)))))
    checked = check(document.design(), document.catalog)
    panel.show_analysis(checked.analysis, None)
    assert rows(panel)["Single points of failure"] == "1"
    found = panel.tree.findItems("Single points", Qt.MatchFlag.MatchStartsWith)[0]
    with qtbot.waitSignal(panel.locate_requested) as told:
        panel.tree.itemClicked.emit(found.child(0), 0)
    assert told.args == [frozenset({"leaf"})]


def test_two_selected_devices_get_the_flow_between_them(qtbot: QtBot, document: Document) -> None:
    job = CheckJob(document)
    with qtbot.waitSignal(job.checked, timeout=WAIT_MS) as told:
        document.select(frozenset({"rack", "leaf"}))
    assert told.args is not None
    name, value = told.args[0].flow
    assert name == "Rack A - Leaf 1"
    assert 3.0e12 < value <= 3.2e12
    with qtbot.waitSignal(job.checked, timeout=WAIT_MS) as told:
        document.select(frozenset({"rack"}))
    assert told.args is not None
    assert told.args[0].flow is None
    job.shut_down()
