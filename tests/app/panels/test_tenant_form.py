"""The page of a tenant: every field of its workload, service level and rights, one step each."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.panels.design_form import DesignForm
from app.panels.fields import CheckRow, ChoiceRow, LineRow
from app.panels.folds import FoldSection
from app.panels.inspector import InspectorPanel
from app.panels.load_panel import LoadPanel
from app.panels.tenant_form import TenantForm
from engine.scenario.design import Tenant
from engine.topology.changes import SetSection
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers.forms import enter, inspecting


@pytest.fixture
def shared(document: Document) -> Document:
    design = document.design()
    tenants = (
        Tenant(name="agents", workload=design.workload),
        Tenant(name="chat", workload=WorkloadSpec(kind=WorkloadKind.POISSON, profile="chat")),
    )
    assert document.perform("Share", SetSection("tenants", tenants)).ok
    return document


@pytest.fixture
def inspector(qtbot: QtBot, shared: Document) -> Iterator[InspectorPanel]:
    with inspecting(qtbot, shared) as panel:
        yield panel


def page(inspector: InspectorPanel, place: int) -> TenantForm:
    inspector.show_tenant(place)
    inspector.rebuild()
    assert isinstance(inspector.form, TenantForm)
    return inspector.form


def of(document: Document, place: int, path: str) -> Any:
    found: Any = document.design().tenants[place]
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(
    ("section", "label", "typed", "path", "value"),
    [
        ("Tenant", "Name", "gold", "name", "gold"),
        ("Workload", "Agents", "250", "workload.agents", 250),
        ("Workload", "Steps a task", "12.5", "workload.steps_per_task", 12.5),
        ("Workload", "Growth", "0.5", "workload.growth_ratio", 0.5),
        ("Workload", "Compacted to", "40 %", "workload.compact_to", 0.4),
        ("Think time", "Median", "2 min", "workload.think_s.median", 120.0),
        ("Think time", "Sigma", "1.5", "workload.think_s.sigma", 1.5),
        ("Append a step", "At least", "10", "workload.append_tokens.low", 10.0),
        ("First context", "At most", "1M", "workload.prefix_tokens.high", 1e6),
        ("Tool CPU time", "Median", "50 ms", "workload.tool_cpu_s.median", 0.05),
        ("Service level", "Whole request", "90 s", "slo.e2e_s", 90.0),
        ("Rights", "Rate limit", "2.5 /s", "rate_limit_per_s", 2.5),
        ("Rights", "Burst", "8", "burst", 8),
        ("Rights", "Longest wait", "30 s", "longest_wait_s", 30.0),
        ("Rights", "In flight", "16", "most_in_flight", 16),
        ("Rights", "Most held", "1,000", "most_held", 1000),
    ],
)
def test_a_field_is_written_as_one_step(
    inspector: InspectorPanel,
    shared: Document,
    section: str,
    label: str,
    typed: str,
    path: str,
    value: object,
) -> None:
    before, count = shared.design(), shared.undo_stack.count()
    enter(page(inspector, 0).row(label, section), typed)
    assert of(shared, 0, path) == value
    assert shared.undo_stack.count() == count + 1
    assert shared.design().tenants[1] == before.tenants[1]
    shared.undo_stack.undo()
    assert shared.design() == before


def test_every_field_of_a_workload_has_a_row(inspector: InspectorPanel, shared: Document) -> None:
    written: set[str] = set()
    for kind in WorkloadKind:
        load = msgspec.structs.replace(shared.design().tenants[0].workload, kind=kind)
        tenant = msgspec.structs.replace(shared.design().tenants[0], workload=load)
        shared.perform("Kind", SetSection("tenants", (tenant,)))
        form = page(inspector, 0)
        for section in form._sections:
            if section.title not in ("Tenant", "Service level", "Rights"):
                written |= {section.title} if isinstance(section, FoldSection) else set()
                written |= {row.label.text() for row in section.rows}
    assert written >= {
        "Kind", "Agents", "Steps a task", "Growth", "Compacted to", "Warm start", "Rate", "Clients",
        "Requests", "Trace file", "Format", "Input", "Output", "First context", "Append a step",
        "Output a step", "Tool time", "Think time", "Tool CPU time", "Median", "Sigma", "At least",
        "At most",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "label", "typed"),
    [
        ("Think time", "Sigma", "11"),
        ("Think time", "Median", "0 s"),
        ("Append a step", "At most", "0"),  # below the least
        ("Workload", "Compacted to", "1.5"),
        ("Rights", "Burst", "0"),
        ("Tenant", "Name", " "),
    ],
)
def test_what_cannot_be_is_refused_below_its_field(
    inspector: InspectorPanel, shared: Document, section: str, label: str, typed: str
) -> None:
    before = shared.design()
    field = page(inspector, 0).row(label, section)
    enter(field, typed)
    assert not field.error.isHidden()
    assert field.error.text()
    assert shared.design() == before


def test_tips_say_the_range(inspector: InspectorPanel) -> None:
    form = page(inspector, 0)
    assert "(0 ... 10)" in form.row("Sigma", "Think time").toolTip()
    assert "(1 ... 10,000,000)" in form.row("Burst").toolTip()


def test_a_distribution_is_folded_with_its_figures_in_the_heading(
    inspector: InspectorPanel, shared: Document
) -> None:
    form = page(inspector, 1)
    fold = next(s for s in form._sections if s.title == "Input")
    assert isinstance(fold, FoldSection)
    assert fold.header.text() == "Input: 1 k tokens, \u03c3 1"
    assert fold.rows[0].isHidden() is False
    assert fold._inside.isHidden()
    QTest.keyClick(fold.header, Qt.Key.Key_Space)
    assert not fold._inside.isHidden()
    enter(fold.rows[1], "0.5")
    assert fold.header.text().endswith("\u03c3 0.5")
    shared.undo_stack.undo()
    assert fold.header.text().endswith("\u03c3 1")


def test_kind_and_profile_bring_other_fields(inspector: InspectorPanel, shared: Document) -> None:
    form = page(inspector, 0)
    kind = form.row("Kind")
    assert isinstance(kind, ChoiceRow)
    at = kind.box.findData(WorkloadKind.CLIENTS.value)
    kind.box.setCurrentIndex(at)
    kind.box.activated.emit(at)
    assert form.is_outdated
    form = page(inspector, 0)
    enter(form.row("Clients"), "32")
    assert of(shared, 0, "workload.clients") == 32
    profile = form.row("Profile")
    assert isinstance(profile, ChoiceRow)
    at = profile.box.findData("coding-agent")
    profile.box.activated.emit(at)
    assert of(shared, 0, "workload.kind") is WorkloadKind.AGENTS
    warm = page(inspector, 0).row("Warm start")
    assert isinstance(warm, CheckRow)
    was = of(shared, 0, "workload.warm_start")
    warm.box.click()
    assert of(shared, 0, "workload.warm_start") is not was


def test_the_page_goes_with_its_tenant_and_with_a_selection(
    inspector: InspectorPanel, shared: Document
) -> None:
    form = page(inspector, 1)
    assert form.title.text() == "Tenant chat"
    shared.perform("Remove", SetSection("tenants", shared.design().tenants[:1]))
    inspector.rebuild()
    assert isinstance(inspector.form, DesignForm)
    page(inspector, 0)
    shared.select(frozenset({"leaf"}))
    inspector.rebuild()
    assert not isinstance(inspector.form, TenantForm)
    shared.select(frozenset())
    inspector.rebuild()
    assert isinstance(inspector.form, DesignForm)
    page(inspector, 0).left.emit()
    inspector.rebuild()
    assert isinstance(inspector.form, DesignForm)


def test_choosing_a_row_of_the_table_asks_for_the_page(qtbot: QtBot, shared: Document) -> None:
    panel = LoadPanel(shared)
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.tenant_chosen) as told:
        panel.tenants.choose(1)
    assert told.args == [1]


def test_what_is_shown_rounded_is_not_written(inspector: InspectorPanel, shared: Document) -> None:
    law = msgspec.structs.replace(shared.design().workload.think_s, sigma=1.23456789)
    tenant = shared.design().tenants[0]
    load = msgspec.structs.replace(tenant.workload, think_s=law)
    tenant = msgspec.structs.replace(tenant, workload=load)
    shared.perform("Set", SetSection("tenants", (tenant,)))
    field = page(inspector, 0).row("Sigma", "Think time")
    assert isinstance(field, LineRow)
    field.edit.setModified(True)
    field.commit()
    assert of(shared, 0, "workload.think_s.sigma") == 1.23456789
