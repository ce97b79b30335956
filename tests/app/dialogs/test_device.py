"""The device editor: what is typed is checked, what nobody touched stays exact."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.dialogs.device import PORT_COUNT, PORT_RATE, REASON, VALUE, DeviceDialog
from app.panels.element_form import figure_label
from app.shell.main_window import MainWindow
from engine.catalog.catalog import Catalog
from engine.catalog.figures import Confidence
from engine.scenario.own_devices import draft_of
from tests.helpers.windows import close_window, drawn_document, make_window


def dialog_of(qtbot: QtBot, shop: Catalog, spec_id: str) -> DeviceDialog:
    draft = draft_of(shop.device(spec_id), "Mine")
    dialog = DeviceDialog(draft, shop, figure_label, "2026-11-27")
    qtbot.addWidget(dialog)
    return dialog


def can_accept(dialog: DeviceDialog) -> bool:
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def row_of(dialog: DeviceDialog, label: str) -> int:
    rows = range(dialog.figures.rowCount())
    return next(row for row in rows if dialog.figures.item(row, 0).text() == label)


def test_every_device_of_the_shop_comes_out_as_it_went_in(qtbot: QtBot, shop: Catalog) -> None:
    for spec_id in shop.devices:
        dialog = dialog_of(qtbot, shop, spec_id)
        assert dialog.device() == draft_of(shop.device(spec_id), "Mine"), spec_id
        assert can_accept(dialog), dialog.note.text()


def test_values_with_units_become_estimates_with_a_source(qtbot: QtBot, shop: Catalog) -> None:
    dialog = dialog_of(qtbot, shop, "zhenwu-m890")
    row = row_of(dialog, "Power")
    dialog.figures.item(row, VALUE).setText("2*0.6 kW")
    dialog.figures.item(row, REASON).setText("our lab, May")
    figure = dialog.device().figures["power_w"]
    assert figure.value == pytest.approx(1200.0)
    assert figure.confidence is Confidence.ESTIMATE
    assert figure.source == ("our lab, May",)
    assert figure.date == "2026-11-27"


@pytest.mark.parametrize(("text", "words"), [("", "no value"), ("much", "much"), ("-5 W", "-5.0")])
def test_what_cannot_be_is_said_and_cannot_be_kept(
    qtbot: QtBot, shop: Catalog, text: str, words: str
) -> None:
    dialog = dialog_of(qtbot, shop, "zhenwu-m890")
    dialog.figures.item(row_of(dialog, "Power"), VALUE).setText(text)
    assert not can_accept(dialog)
    assert words in dialog.note.text()
    dialog.figures.item(row_of(dialog, "Power"), VALUE).setText("500 W")
    assert can_accept(dialog)
    dialog.name.clear()
    assert not can_accept(dialog)


def test_figures_and_ports_are_added_and_removed(qtbot: QtBot, shop: Catalog) -> None:
    dialog = dialog_of(qtbot, shop, "zhenwu-m890")
    before = dialog.device()
    dialog.add_figure("latency_s")
    assert not can_accept(dialog)  # it has no value yet
    dialog.figures.item(row_of(dialog, "Latency"), VALUE).setText("300 ns")
    assert dialog.device().figures["latency_s"].value == pytest.approx(3e-7)
    dialog.figures.setCurrentCell(row_of(dialog, "Power"), 0)
    dialog.remove_row(dialog.figures)
    after = dialog.device().figures
    assert set(after) == {*before.figures, "latency_s"} - {"power_w"}
    assert all(after[name] == before.figures[name] for name in before.figures if name in after)
    ports = dialog.ports.rowCount()
    dialog.add_port()
    dialog.ports.item(ports, PORT_COUNT).setText("3")
    dialog.ports.item(ports, PORT_RATE).setText("800 Gb/s")
    port = dialog.device().ports[-1]
    assert (port.count, port.bandwidth_bytes_per_s.value) == (3, pytest.approx(1e11))
    dialog.ports.item(ports, PORT_RATE).setText("0 B/s")
    assert not can_accept(dialog)
    dialog.ports.setCurrentCell(ports, 0)
    dialog.remove_row(dialog.ports)
    assert dialog.device().ports == before.ports


def test_the_inside_of_a_rack_is_edited(qtbot: QtBot, shop: Catalog) -> None:
    dialog = dialog_of(qtbot, shop, "panjiu-al128-2x64")
    dialog.counts["domains"].setValue(2)
    rack = dialog.device().rack
    assert rack is not None
    assert rack.domains == 2
    dialog.counts["chips_per_domain"].setValue(99_999)
    assert not can_accept(dialog)


@pytest.fixture
def window(shop: Catalog, tmp_path: Path) -> Iterator[MainWindow]:
    made = make_window(drawn_document(shop), tmp_path)
    made.own_devices.present = lambda _dialog: None
    yield made
    close_window(made)


def test_the_selected_device_becomes_an_own_one_in_one_step(window: MainWindow) -> None:
    document = window.document
    before = document.design()
    assert not window.actions_by_id["edit.device"].isEnabled()
    document.select(frozenset({"leaf"}))
    window.actions_by_id["edit.device"].trigger()
    dialog = window.own_devices.dialog
    assert dialog is not None
    dialog.name.setText("Quiet leaf")
    dialog.accept()
    (own,) = document.design().devices
    assert document.topology.elements["leaf"].spec == own.id
    assert document.catalog.device(own.id) == own
    model = window.palette_panel.tree.model()
    last = model.index(model.rowCount() - 1, 0)
    assert (last.data(), model.index(0, 0, last).data()) == ("This design", "Quiet leaf")
    window.own_devices.remove(own.id)  # in use: refused
    assert document.design().devices == (own,)
    menu = window.own_devices.menu_of(own.id)
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["Edit...", "Remove from the design"]
    menu.deleteLater()
    document.undo_stack.undo()
    assert document.design() == before
    assert own.id not in document.catalog.devices
    model = window.palette_panel.tree.model()
    assert model.index(model.rowCount() - 1, 0).data() != "This design"


def test_a_changed_value_does_not_cite_the_source_of_the_old_one(
    qtbot: QtBot, shop: Catalog
) -> None:
    dialog = dialog_of(qtbot, shop, "nvidia-h100")
    before = dialog.device().figures["power_w"]
    dialog.figures.item(row_of(dialog, "Power"), VALUE).setText("1 W")
    figure = dialog.device().figures["power_w"]
    assert figure.source == ("own value",)
    assert figure.confidence is Confidence.ESTIMATE
    assert before.source != figure.source
    dialog.figures.item(row_of(dialog, "Power"), REASON).setText("our lab")
    assert dialog.device().figures["power_w"].source == ("our lab",)
