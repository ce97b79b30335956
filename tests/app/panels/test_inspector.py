"""The inspector edits through one command each, and refuses bad input inline."""

from collections.abc import Iterator

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.band_job import BandJob
from app.panels.fields import ChoiceRow, FieldRow, LineRow
from app.panels.figure_row import FigureRow
from app.panels.inspector import InspectorPanel
from engine.findings import Severity
from engine.scenario.design import CollectiveAlgorithm, Routing, ServingEngine
from engine.sim.preflight import preflight
from engine.topology.changes import PutLinks, SetSection
from engine.workload.spec import WorkloadKind


@pytest.fixture
def inspector(qtbot: QtBot, document: Document) -> Iterator[InspectorPanel]:
    bands = BandJob(document)
    panel = InspectorPanel(document, bands)
    qtbot.addWidget(panel)
    panel.resize(320, 600)
    yield panel
    bands.shut_down()


def show(inspector: InspectorPanel, document: Document, *ids: str) -> None:
    document.select(frozenset(ids))
    inspector.rebuild()


def row(inspector: InspectorPanel, label: str) -> FieldRow:
    assert inspector.form is not None
    return inspector.form.row(label)


def enter(field: FieldRow, text: str) -> None:
    assert isinstance(field, LineRow)
    field.edit.setFocus()
    field.edit.selectAll()
    QTest.keyClicks(field.edit, text)
    QTest.keyClick(field.edit, Qt.Key.Key_Return)


def test_an_edit_is_one_command_that_undo_takes_back(
    inspector: InspectorPanel, document: Document
) -> None:
    before, count = document.design(), document.undo_stack.count()
    enter(row(inspector, "Tensor parallel"), "2*8")
    assert document.design().deployment.tp == 16
    assert document.undo_stack.count() == count + 1
    document.undo_stack.undo()
    assert document.design() == before
    field = row(inspector, "Tensor parallel")
    assert isinstance(field, LineRow)
    assert field.edit.text() == "8"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Tensor parallel", "eight"),
        ("Tensor parallel", "0"),
        ("Tensor parallel", "1.5"),
        ("Memory share", "2"),
        ("TTFT", "5 GB"),
        ("Sigma", "11"),
        ("Horizon", "-4 s"),
        ("Name", " "),
    ],
)
def test_bad_input_shows_an_error_and_changes_nothing(
    inspector: InspectorPanel, document: Document, label: str, text: str
) -> None:
    before, count = document.design(), document.undo_stack.count()
    field = row(inspector, label)
    enter(field, text)
    assert not field.error.isHidden()
    assert field.error.text()
    assert document.design() == before
    assert document.undo_stack.count() == count


def test_escape_gives_up_a_refused_text(inspector: InspectorPanel, document: Document) -> None:
    field = row(inspector, "TTFT")
    assert isinstance(field, LineRow)
    enter(field, "5 GB")
    QTest.keyClick(field.edit, Qt.Key.Key_Escape)
    assert field.error.isHidden()
    assert field.edit.text() == "2 s"


def test_units_are_read(inspector: InspectorPanel, document: Document) -> None:
    enter(row(inspector, "TPOT"), "40 ms")
    assert document.design().slo.tpot_s == pytest.approx(0.04)
    assert inspector.form is not None
    enter(inspector.form.row("Median", "Append a step"), "1.2k")
    enter(inspector.form.row("Sigma", "Append a step"), "1.5")
    assert document.design().workload.append_tokens.median == pytest.approx(1200)
    assert document.design().workload.append_tokens.sigma == pytest.approx(1.5)


def test_every_shown_text_reads_back_to_its_value(
    inspector: InspectorPanel, document: Document
) -> None:
    before = document.design()
    assert inspector.form is not None
    for section in inspector.form._sections:
        for field in section.rows:
            if isinstance(field, LineRow) and not isinstance(field, FigureRow):
                field.edit.setModified(True)
                field.commit()
                if field.label.text() != "Note":
                    assert not field.error.text(), field.label.text()
    assert document.design() == before


def test_another_kind_of_workload_shows_other_fields(
    inspector: InspectorPanel, document: Document, qtbot: QtBot
) -> None:
    field = row(inspector, "Kind")
    assert isinstance(field, ChoiceRow)
    index = field.box.findData(WorkloadKind.POISSON.value)
    field.box.setCurrentIndex(index)
    field.box.activated.emit(index)
    assert document.design().workload.kind is WorkloadKind.POISSON
    inspector.rebuild()
    enter(row(inspector, "Rate"), "12")
    assert document.design().workload.rate_per_s == pytest.approx(12)
    with pytest.raises(KeyError):
        row(inspector, "Agents")


def test_an_element_is_renamed_and_moved(inspector: InspectorPanel, document: Document) -> None:
    show(inspector, document, "leaf")
    enter(row(inspector, "Name"), "Leaf 7")
    enter(row(inspector, "Position"), "320, 160")
    leaf = document.design().elements[1]
    assert (leaf.name, leaf.x, leaf.y) == ("Leaf 7", 320.0, 160.0)
    count = document.undo_stack.count()
    enter(row(inspector, "Position"), "left a bit")
    assert document.undo_stack.count() == count


def test_an_own_value_wants_a_reason_and_can_be_reset(
    inspector: InspectorPanel, document: Document
) -> None:
    show(inspector, document, "leaf")
    field = row(inspector, "Power")
    assert isinstance(field, FigureRow)
    enter(field, "3 kW")
    assert document.design().elements[1].overrides == {}
    assert not field.reason.isHidden()
    QTest.keyClicks(field.reason, "measured in our lab")
    QTest.keyClick(field.reason, Qt.Key.Key_Return)
    own = document.design().elements[1].overrides["power_w"]
    assert (own.value, own.reason) == (3000.0, "measured in our lab")
    assert "measured in our lab" in field.edit.toolTip()
    field.reset.click()
    assert document.design().elements[1].overrides == {}


def test_a_link_is_edited_and_a_refusal_of_the_rules_is_shown(
    inspector: InspectorPanel, document: Document
) -> None:
    show(inspector, document, "cable")
    enter(row(inspector, "Bandwidth"), "200 Gb/s")
    assert document.design().links[0].bandwidth_bytes_per_s == pytest.approx(25e9)
    enter(row(inspector, "Length"), "7 m")
    assert document.design().links[0].length_m == pytest.approx(7)
    field = row(inspector, "Bandwidth")
    enter(field, "fast")
    assert not field.error.isHidden()
    assert document.design().links[0].bandwidth_bytes_per_s == pytest.approx(25e9)


def test_several_elements_of_one_spec_are_edited_at_once(
    inspector: InspectorPanel, document: Document
) -> None:
    show(inspector, document, "leaf", "rack")
    enter(row(inspector, "Count"), "3")
    assert [element.count for element in document.design().elements] == [3, 3]


def test_different_devices_share_names_places_and_the_figures_that_all_have(
    inspector: InspectorPanel, document: Document
) -> None:
    show(inspector, document, "leaf", "rack")
    before = document.design()
    enter(row(inspector, "Names"), "Pod #")
    assert sorted(e.name for e in document.design().elements) == ["Pod 1", "Pod 2"]
    corner = min(e.x for e in before.elements), min(e.y for e in before.elements)
    enter(row(inspector, "Position"), f"{corner[0] + 40}, {corner[1] - 20}")
    after = {e.id: (e.x, e.y) for e in document.design().elements}
    assert after == {e.id: (e.x + 40, e.y - 20) for e in before.elements}
    power = row(inspector, "Power")
    assert isinstance(power, FigureRow)
    assert power.edit.text() == ""
    assert power.edit.placeholderText() == "different values"
    enter(power, "2*15 kW")
    power.reason.setText("measured on site")
    QTest.keyClick(power.reason, Qt.Key.Key_Return)
    assert [e.overrides["power_w"].value for e in document.design().elements] == [30e3, 30e3]
    assert power.edit.text() == "30 kW"


def test_several_links_are_edited_at_once(inspector: InspectorPanel, document: Document) -> None:
    (cable,) = document.topology.links.values()
    other = msgspec.structs.replace(cable, id="other", length_m=cable.length_m + 1)
    assert document.perform("Second", PutLinks((other,))).ok
    show(inspector, document, "cable", "other")
    length = row(inspector, "Length")
    assert isinstance(length, LineRow)
    assert length.edit.text() == ""
    count = document.undo_stack.count()
    enter(length, "12 m")
    assert [link.length_m for link in document.design().links] == [12.0, 12.0]
    assert document.undo_stack.count() == count + 1


def test_the_memory_row_says_why_a_model_does_not_fit(
    inspector: InspectorPanel, document: Document
) -> None:
    enter(row(inspector, "Tensor parallel"), "1")
    memory = row(inspector, "Chip memory")
    assert not memory.error.isHidden()
    assert "GB" in memory.error.text()
    enter(row(inspector, "Tensor parallel"), "8")
    assert memory.error.isHidden()


def test_deleting_the_selection_leaves_no_stale_page(
    inspector: InspectorPanel, document: Document
) -> None:
    from app.commands import clipboard

    show(inspector, document, "leaf")
    clipboard.delete(document)
    inspector.rebuild()
    row(inspector, "Model")


def choose(field: FieldRow, value: str) -> None:
    assert isinstance(field, ChoiceRow)
    index = field.box.findData(value)
    assert index >= 0
    field.box.setCurrentIndex(index)
    field.box.activated.emit(index)


def test_the_engines_of_today_are_offered_and_no_others(
    inspector: InspectorPanel, document: Document
) -> None:
    field = row(inspector, "Engine")
    assert isinstance(field, ChoiceRow)
    offered = [field.box.itemData(index) for index in range(field.box.count())]
    assert offered == ["vllm", "sglang", "tensorrt-llm"]
    choose(field, "sglang")
    assert document.design().deployment.engine is ServingEngine.SGLANG


def test_an_engine_of_a_file_that_is_not_offered_is_kept(
    inspector: InspectorPanel, document: Document
) -> None:
    deployment = document.design().deployment
    old = msgspec.structs.replace(deployment, engine=ServingEngine.VLLM_2023)
    assert document.perform("Old engine", SetSection("deployment", old)).ok
    inspector.rebuild()
    field = row(inspector, "Engine")
    assert isinstance(field, ChoiceRow)
    assert field.box.currentData() == "vllm-2023"
    assert document.design().deployment.engine is ServingEngine.VLLM_2023


def test_attention_ranks_speculation_and_skew_are_edited(
    inspector: InspectorPanel, document: Document
) -> None:
    for label, text in (
        ("Attention DP", "2"), ("Draft tokens", "3"), ("Accepted a step", "2.4"),
        ("Expert skew", "0.8"),
    ):  # fmt: skip
        enter(row(inspector, label), text)
    deployment = document.design().deployment
    assert deployment.attention_dp == 2
    assert deployment.speculative_tokens == 3
    assert deployment.acceptance_length == pytest.approx(2.4)
    assert deployment.expert_skew == pytest.approx(0.8)
    for label, text in (
        ("Attention DP", "0"), ("Draft tokens", "-1"), ("Accepted a step", "0.5"),
        ("Expert skew", "4"),
    ):  # fmt: skip
        enter(row(inspector, label), text)
        assert row(inspector, label).error.text(), label
    assert document.design().deployment == deployment


def test_the_algorithm_of_collectives_is_chosen_and_refused_by_the_engine(
    inspector: InspectorPanel, document: Document
) -> None:
    field = row(inspector, "All-reduce")
    assert isinstance(field, ChoiceRow)
    assert field.box.currentData() == "auto"
    field.box.setCurrentIndex(field.box.findData("in-switch"))
    field.box.activated.emit(field.box.currentIndex())
    deployment = document.design().deployment
    assert deployment.collective_algorithm is CollectiveAlgorithm.IN_SWITCH
    found = preflight(document.design(), document.catalog)
    assert any("cannot add up" in finding.text for finding in found)
    document.undo_stack.undo()
    assert document.design().deployment.collective_algorithm is CollectiveAlgorithm.AUTO


def test_what_does_not_go_together_is_said_by_the_engine(
    inspector: InspectorPanel, document: Document
) -> None:
    enter(row(inspector, "Accepted a step"), "3")  # though nothing is drafted
    found = preflight(document.design(), document.catalog)
    assert any(
        finding.severity is Severity.ERROR and "acceptance_length" in finding.text
        for finding in found
    )


def test_clients_of_a_closed_loop_are_edited(
    inspector: InspectorPanel, document: Document
) -> None:
    choose(row(inspector, "Kind"), WorkloadKind.CLIENTS.value)
    assert document.design().workload.kind is WorkloadKind.CLIENTS
    inspector.rebuild()
    enter(row(inspector, "Clients"), "64")
    enter(row(inspector, "Requests"), "640")
    assert inspector.form is not None
    enter(inspector.form.row("Median", "Input"), "1024")
    enter(inspector.form.row("Sigma", "Input"), "0")
    enter(inspector.form.row("Median", "Output"), "128")
    enter(inspector.form.row("Sigma", "Output"), "0.5")
    workload = document.design().workload
    assert (workload.clients, workload.requests) == (64, 640)
    assert workload.input_tokens.median == pytest.approx(1024)
    assert workload.output_tokens.sigma == pytest.approx(0.5)
    with pytest.raises(KeyError):
        row(inspector, "Rate")


def test_the_step_time_is_in_the_deployment(inspector: InspectorPanel) -> None:
    assert row(inspector, "Step time").isVisibleTo(inspector)


def test_how_equal_paths_are_used_is_chosen_with_one_undo(
    inspector: InspectorPanel, document: Document
) -> None:
    field = row(inspector, "Equal paths")
    assert isinstance(field, ChoiceRow)
    assert field.box.currentData() == "spray"
    field.box.setCurrentIndex(field.box.findData("ecmp"))
    field.box.activated.emit(field.box.currentIndex())
    assert document.design().fabric.routing is Routing.ECMP
    document.undo_stack.undo()
    assert document.design().fabric.routing is Routing.SPRAY
