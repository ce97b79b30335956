"""The page of a pool: every field of its deployment, one step each."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.panels.design_form import DesignForm
from app.panels.fields import CheckRow, ChoiceRow, FieldRow
from app.panels.inspector import InspectorPanel
from app.panels.load_panel import LoadPanel
from app.panels.pool_form import PoolForm
from engine.scenario.design import PoolRole, Router
from engine.scenario.faults import FaultPolicy
from engine.topology.changes import SetSection
from tests.helpers.forms import enter, inspecting


@pytest.fixture
def pooled(document: Document) -> Document:
    first = document.design().deployment
    pools = (msgspec.structs.replace(first, name="second", replicas=2),)
    assert document.perform("Pool", SetSection("pools", pools)).ok
    return document


@pytest.fixture
def inspector(qtbot: QtBot, pooled: Document) -> Iterator[InspectorPanel]:
    with inspecting(qtbot, pooled) as panel:
        yield panel


def page(inspector: InspectorPanel, row: int) -> PoolForm:
    inspector.show_pool(row)
    inspector.rebuild()
    assert isinstance(inspector.form, PoolForm)
    return inspector.form


def field(form: Any, section: str, label: str) -> FieldRow:
    row: FieldRow = form.row(label, section)
    return row


@pytest.mark.parametrize(
    ("section", "label", "typed", "path", "value"),
    [
        ("Pool", "Name", "fast", "name", "fast"),
        ("Deployment", "Tensor parallel", "4", "tp", 4),
        ("Scheduler limits", "Batch slots", "32", "max_num_seqs", 32),
        ("Prefix cache", "Prefix life", "5 min", "prefix_ttl_s", 300.0),
        ("Prefix cache", "In host memory", "40 GB", "host_kv_gb", 40.0),
        ("Prefix cache", "Affinity slack", "3", "affinity_slack", 3),
        ("Autoscaling", "At least", "1", "autoscale.min_replicas", 1),
        ("Autoscaling", "Requests each", "16", "autoscale.target_in_flight", 16.0),
        ("Autoscaling", "Process start", "90 s", "autoscale.start_s", 90.0),
    ],
)
def test_each_field_is_written_in_one_step_and_taken_back(
    inspector: InspectorPanel, pooled: Document, section: str, label: str, typed: str, path: str,
    value: object,
) -> None:  # fmt: skip
    before = pooled.design()
    enter(field(page(inspector, 1), section, label), typed)
    found: Any = pooled.design().pools[0]
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value
    assert pooled.design().deployment == before.deployment
    pooled.undo_stack.undo()
    assert pooled.design() == before


def test_choices_and_checks_of_a_pool_are_its_own(
    inspector: InspectorPanel, pooled: Document
) -> None:
    form = page(inspector, 1)
    role, router = field(form, "Pool", "Role"), field(form, "Scheduler limits", "Router")
    shares = field(form, "Prefix cache", "Share prefixes")
    assert isinstance(role, ChoiceRow)
    assert isinstance(router, ChoiceRow)
    assert isinstance(shares, CheckRow)
    for row, value in ((role, PoolRole.DECODE.value), (router, Router.PREFIX_AFFINITY.value)):
        row.box.setCurrentIndex(row.box.findData(value))
        row.box.activated.emit(row.box.currentIndex())
    shares.box.click()
    pool = pooled.design().pools[0]
    assert (pool.role, pool.router) == (PoolRole.DECODE, Router.PREFIX_AFFINITY)
    assert pool.share_prefixes


def test_the_first_row_is_the_page_of_the_design_and_a_removed_pool_leaves(
    inspector: InspectorPanel, pooled: Document
) -> None:
    inspector.show_pool(0)
    inspector.rebuild()
    assert isinstance(inspector.form, DesignForm)
    page(inspector, 1)
    assert pooled.perform("Remove", SetSection("pools", ())).ok
    inspector.rebuild()
    assert isinstance(inspector.form, DesignForm)


def test_a_row_of_the_table_asks_for_its_page(qtbot: QtBot, pooled: Document) -> None:
    panel = LoadPanel(pooled)
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.pool_chosen) as asked:
        panel.pools.table.setCurrentIndex(panel.pools.model.index(1, 0))
    assert asked.args == [1]


def test_what_is_done_about_faults_can_be_set(inspector: InspectorPanel, pooled: Document) -> None:
    form = inspector.form
    policy = field(form, "Faults", "Requests")
    assert isinstance(policy, ChoiceRow)
    policy.box.setCurrentIndex(policy.box.findData(FaultPolicy.MIGRATE.value))
    policy.box.activated.emit(policy.box.currentIndex())
    enter(field(form, "Faults", "Restart"), "4 min")
    plan = pooled.design().faults
    assert (plan.policy, plan.restart_s) == (FaultPolicy.MIGRATE, 240.0)
