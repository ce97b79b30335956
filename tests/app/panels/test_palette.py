"""The palette shows the shop and hands out spec ids."""

import pytest
from PySide6.QtCore import QMimeData, QModelIndex
from PySide6.QtWidgets import QTreeView
from pytestqt.qtbot import QtBot

from app.models.palette_model import BADGE_ROLE, SPEC_MIME, SPEC_ROLE, PaletteModel, dragged_device
from app.panels.palette import PalettePanel
from engine.catalog.catalog import Catalog


@pytest.fixture
def palette(qtbot: QtBot, shop: Catalog) -> PalettePanel:
    panel = PalettePanel(shop)
    qtbot.addWidget(panel)
    return panel


def leaves(tree: QTreeView) -> list[QModelIndex]:
    model = tree.model()
    groups = [model.index(row, 0) for row in range(model.rowCount())]
    return [model.index(row, 0, group) for group in groups for row in range(model.rowCount(group))]


def test_every_device_of_the_catalogue_is_offered(palette: PalettePanel, shop: Catalog) -> None:
    assert {str(index.data(SPEC_ROLE)) for index in leaves(palette.tree)} == set(shop.devices)


def test_searching_leaves_only_what_matches(palette: PalettePanel) -> None:
    palette.search.setText("m890")
    assert [index.data(SPEC_ROLE) for index in leaves(palette.tree)] == ["zhenwu-m890"]
    palette.search.setText("no such device")
    assert leaves(palette.tree) == []


def test_what_if_devices_carry_their_badge(palette: PalettePanel) -> None:
    badges = {index.data(SPEC_ROLE): index.data(BADGE_ROLE) for index in leaves(palette.tree)}
    assert badges["xuantie-c950-host"] == "what-if"
    assert badges["zhenwu-m890"] == ""


def test_a_drag_carries_the_spec_id(qtbot: QtBot, shop: Catalog) -> None:
    model = PaletteModel(shop)
    group = model.index(0, 0)
    data = model.mimeData([model.index(0, 0, group)])
    assert dragged_device(data) == ("panjiu-al128-2x64", 1)
    model.count = 12
    assert dragged_device(model.mimeData([model.index(0, 0, group)])) == ("panjiu-al128-2x64", 12)
    for text in (b"chip\n9999999", b"chip\nmany", b"chip"):
        foreign = QMimeData()
        foreign.setData(SPEC_MIME, text)
        assert dragged_device(foreign) == ("chip", 1)
    assert dragged_device(QMimeData()) == ("", 1)
    assert not model.flags(group) & model.flags(model.index(0, 0, group)).ItemIsDragEnabled


def test_a_click_asks_to_place(palette: PalettePanel, qtbot: QtBot) -> None:
    palette.search.setText("m890")
    with qtbot.waitSignal(palette.place_requested) as blocker:
        palette.tree.clicked.emit(leaves(palette.tree)[0])
    assert blocker.args == ["zhenwu-m890", 1]
    palette.count.setValue(4)
    with qtbot.waitSignal(palette.place_requested) as blocker:
        palette.tree.clicked.emit(leaves(palette.tree)[0])
    assert blocker.args == ["zhenwu-m890", 4]


def test_tooltips_escape_catalogue_text(shop: Catalog) -> None:
    import msgspec

    from app.models.palette_model import tooltip

    spec = msgspec.structs.replace(shop.device("zhenwu-m890"), summary="<img src=x>")
    assert "<img" not in tooltip(spec)
