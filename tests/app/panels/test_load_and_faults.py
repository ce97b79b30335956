"""Tables of tenants, pools and faults: every cell is one command, refusals say why."""

import msgspec
import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.document import Document
from app.panels.faults_panel import FaultsPanel
from app.panels.load_panel import LoadPanel
from app.panels.record_view import RecordView
from engine.catalog.catalog import Catalog
from engine.scenario.design import PoolRole
from engine.scenario.faults import FaultKind
from engine.sim.fault_report import FaultReport
from engine.sim.faults import LoggedFault
from engine.workload.spec import WorkloadKind
from tests.helpers.windows import drawn_document


@pytest.fixture
def document(shop: Catalog) -> Document:
    return drawn_document(shop)


@pytest.fixture
def load(qtbot: QtBot, document: Document) -> LoadPanel:
    panel = LoadPanel(document)
    qtbot.addWidget(panel)
    panel.resize(1200, 220)
    return panel


def column(view: RecordView, title: str) -> int:
    return [column.title for column in view.model.columns].index(title)


def put(view: RecordView, row: int, title: str, text: str) -> bool:
    return view.model.setData(view.model.index(row, column(view, title)), text)


def cell(view: RecordView, row: int, title: str) -> str:
    return str(view.model.index(row, column(view, title)).data())


def test_the_first_tenant_is_the_design_s_own_load(load: LoadPanel, document: Document) -> None:
    load.tenants.add.click()
    design = document.design()
    assert [tenant.workload for tenant in design.tenants] == [design.workload]
    assert design.tenants[0].slo == design.slo
    document.undo_stack.undo()
    assert document.design().tenants == ()


def test_tenants_are_added_duplicated_and_removed_by_buttons(
    load: LoadPanel, document: Document
) -> None:
    view = load.tenants
    assert not view.remove.isEnabled()
    view.add.click()
    view.add.click()
    view.duplicate.click()
    names = [tenant.name for tenant in document.design().tenants]
    assert len(names) == len(set(names)) == 3
    view.remove.click()
    assert len(document.design().tenants) == 2


def test_cells_write_the_tenant_as_one_command_each(load: LoadPanel, document: Document) -> None:
    view = load.tenants
    view.add.click()
    before = document.undo_stack.count()
    assert put(view, 0, "Tenant", "gold")
    assert put(view, 0, "Load", "250 agents")
    assert put(view, 0, "Priority", "0")
    assert put(view, 0, "TTFT", "1.5 s")
    assert put(view, 0, "Rate limit", "2.5 /s")
    assert put(view, 0, "In flight", "32")
    tenant = document.design().tenants[0]
    assert (tenant.name, tenant.workload.agents, tenant.priority) == ("gold", 250, 0)
    assert (tenant.slo.ttft_s, tenant.rate_limit_per_s, tenant.most_in_flight) == (1.5, 2.5, 32)
    assert document.undo_stack.count() == before + 6
    assert cell(view, 0, "TTFT") == "1.5 s"


def test_a_profile_brings_its_own_kind_of_load(load: LoadPanel, document: Document) -> None:
    view = load.tenants
    view.add.click()
    assert put(view, 0, "Workload", "azure-chat")
    assert document.design().tenants[0].workload.kind is WorkloadKind.POISSON
    assert cell(view, 0, "Load") == "1 /s"
    assert put(view, 0, "Load", "4 /s")
    assert put(view, 0, "Workload", "bailian-api")
    assert document.design().tenants[0].workload.rate_per_s == 4.0
    assert put(view, 0, "Workload", "coding-agent")
    assert document.design().tenants[0].workload.kind is WorkloadKind.AGENTS


@pytest.mark.parametrize(
    ("title", "typed"),
    [("Load", "many"), ("TTFT", "-1 s"), ("In flight", "1.5"), ("Tenant", "")],
)
def test_a_refusal_is_shown_and_changes_nothing(
    load: LoadPanel, document: Document, title: str, typed: str
) -> None:
    view = load.tenants
    view.add.click()
    before = document.design()
    assert not put(view, 0, title, typed)
    assert document.design() == before
    assert not view.error.isHidden()
    assert view.error.text()
    assert put(view, 0, "Tenant", "other")
    assert view.error.isHidden()


def test_the_first_pool_stays_and_is_the_deployment(load: LoadPanel, document: Document) -> None:
    view = load.pools
    view.table.setCurrentIndex(view.model.index(0, 0))
    assert not view.remove.isEnabled()
    view.remove_rows()
    assert len(document.design().all_pools()) == 1
    view.add.click()
    assert put(view, 0, "Role", "prefill")
    assert put(view, 1, "Role", "decode")
    design = document.design()
    assert design.deployment.role is PoolRole.PREFILL
    assert [pool.role for pool in design.pools] == [PoolRole.DECODE]
    view.table.setCurrentIndex(view.model.index(1, 0))
    view.remove.click()
    assert document.design().pools == ()


def test_a_pool_that_does_not_fit_says_so_in_red(load: LoadPanel) -> None:
    view = load.pools
    assert "KV tokens" in cell(view, 0, "Memory")
    assert put(view, 0, "TP", "1")
    assert cell(view, 0, "Memory") == "does not fit"
    assert view.model.is_wrong(view.model.index(0, column(view, "Memory")))


def test_choices_are_offered_as_a_list(load: LoadPanel, document: Document) -> None:
    view = load.pools
    index = view.model.index(0, column(view, "Role"))
    view.table.setCurrentIndex(index)
    view.table.edit(index)
    box = view.table.findChild(QComboBox)
    assert box is not None
    assert [box.itemText(row) for row in range(box.count())] == ["mixed", "prefill", "decode"]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert document.design().deployment.role is PoolRole.DECODE


@pytest.fixture
def faults(qtbot: QtBot, document: Document) -> FaultsPanel:
    panel = FaultsPanel(document)
    qtbot.addWidget(panel)
    panel.resize(1200, 220)
    return panel


def test_a_fault_by_hand_is_a_row_of_the_plan(faults: FaultsPanel, document: Document) -> None:
    view = faults.events
    view.add.click()
    assert put(view, 0, "Kind", "plane")
    assert put(view, 0, "At", "90 s")
    assert put(view, 0, "Plane", "3")
    assert put(view, 0, "For", "ever")
    event = document.design().faults.events[0]
    assert (event.kind, event.at_s, event.part, event.repair_s) == (FaultKind.PLANE, 90.0, 3, 0.0)
    assert cell(view, 0, "Of") == "Rack A"
    assert not put(view, 0, "Plane", "99")
    assert not faults.events.error.isHidden()


def test_rates_say_that_they_are_estimates(faults: FaultsPanel, document: Document) -> None:
    faults.rates.add.click()
    assert "estimate" in document.design().faults.rates[0].source
    assert put(faults.rates, 0, "Between failures", "50,000 h")
    assert document.design().faults.rates[0].mtbf_h == 50_000


def test_the_log_of_a_run_names_devices_and_locates_them(
    faults: FaultsPanel, qtbot: QtBot
) -> None:
    line = LoggedFault(12.0, "plane", "plane 2 of rack", "fails", "rack", 3)
    report = FaultReport((line,), {"plane": 1}, {"plane": 36.0}, 0.987)
    faults.show_report(report)
    item = faults.log.item(0)
    assert item.text() == "12 s  Plane 2 of Rack A fails"
    assert "98.700%" in faults.summary.text()
    with qtbot.waitSignal(faults.locate_requested) as located:
        faults.log.itemActivated.emit(item)
    assert located.args == [frozenset({"rack"})]
    faults.show_report(None)
    assert faults.log.count() == 0


def test_a_table_follows_what_is_undone(load: LoadPanel, document: Document) -> None:
    load.pools.add.click()
    assert len(load.pools.model.rows) == 2
    document.undo_stack.undo()
    assert len(load.pools.model.rows) == 1
    assert msgspec.structs.asdict(load.pools.model.rows[0])["name"] == "main"
