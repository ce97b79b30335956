"""Models come in by menu and by drop: one edit each, with a word about it or a reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.panels.design_form import DesignForm
from app.panels.fields import ChoiceRow
from app.shell.drops import dropped_paths
from app.shell.main_window import MainWindow
from app.support.notifications import SaveChoice
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.storage.project_file import load_design, save_design
from tests.helpers.windows import notes

CONFIGS = Path(__file__).parents[2] / "engine" / "storage" / "configs"
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton
COPY = Qt.DropAction.CopyAction


def write_config(folder: Path, **changes: Any) -> Path:
    config = json.loads((CONFIGS / "Qwen3-8B" / "config.json").read_text())
    path = folder / "config.json"
    path.write_text(json.dumps({**config, **changes}))
    return path


def mime(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(target: QWidget, data: QMimeData) -> bool:
    """Drags data over a widget and lets it fall; True if it was accepted."""
    enter = QDragEnterEvent(QPoint(20, 20), COPY, data, LEFT, NONE)
    QApplication.sendEvent(target, enter)
    if not enter.isAccepted():
        return False
    window = target.window()
    QApplication.sendEvent(window, QDropEvent(QPointF(20, 20), COPY, data, LEFT, NONE))
    return True


def own_ids(window: MainWindow) -> list[str]:
    return [llm.id for llm in window.document.design().llms]


def model_row(window: MainWindow) -> ChoiceRow:
    form = window.inspector.form
    assert isinstance(form, DesignForm)
    return next(row for row in form.findChildren(ChoiceRow) if row.label.text() == "Model")


def offered(window: MainWindow) -> list[str]:
    box = model_row(window).box
    return [str(box.itemData(index)) for index in range(box.count())]


@pytest.mark.parametrize("place", [CONFIGS / "gpt-oss-120b", CONFIGS / "Qwen3-8B" / "config.json"])
@pytest.mark.parametrize(
    "target",
    [lambda w: w, lambda w: w.canvas, lambda w: w.inspector],
    ids=["window", "canvas", "panel"],
)
def test_a_dropped_config_is_one_undoable_edit(
    window: MainWindow, qtbot: QtBot, place: Path, target: Callable[[MainWindow], QWidget]
) -> None:
    before, count = window.document.design(), window.document.undo_stack.count()
    assert drop(target(window), mime(place))
    qtbot.waitUntil(lambda: bool(window.document.design().llms))
    assert window.document.undo_stack.count() == count + 1
    title, text = notes(window).told[0]
    assert window.document.design().llms[0].name in title
    assert "B active" in text
    assert notes(window).errors == []
    window.document.undo_stack.undo()
    assert window.document.design() == before
    window.document.undo_stack.redo()
    assert len(own_ids(window)) == 1


def test_the_menu_imports_what_is_chosen(window: MainWindow) -> None:
    window.actions_by_id["file.import_model"].trigger()
    assert own_ids(window) == []
    notes(window).model_path = CONFIGS / "DeepSeek-R1" / "config.json"
    window.actions_by_id["file.import_model"].trigger()
    assert own_ids(window) == ["own:deepseek_r1"]
    assert "671.03 B" in notes(window).told[0][1]


def test_the_same_model_again_is_no_edit(window: MainWindow) -> None:
    assert window.models.import_path(CONFIGS / "Qwen3-8B")
    count = window.document.undo_stack.count()
    assert window.models.import_path(CONFIGS / "Qwen3-8B")
    assert window.document.undo_stack.count() == count
    assert len(notes(window).told) == 2


def test_own_models_can_be_chosen_checked_and_saved(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, shop: Catalog
) -> None:
    window.document.select(frozenset())
    window.models.import_path(CONFIGS / "Qwen3-8B")
    qtbot.waitUntil(lambda: offered(window)[0] == "own:qwen3_8b")
    assert set(offered(window)) == {"own:qwen3_8b", *shop.llms}
    row = model_row(window)
    assert "own" in row.box.itemText(0)
    row.box.setCurrentIndex(0)
    row.box.activated.emit(0)
    assert window.document.design().deployment.model == "own:qwen3_8b"
    notes(window).save_path = tmp_path / "own.rackflow"
    assert window.files.save()
    assert load_design(tmp_path / "own.rackflow").design == window.document.design()


def test_a_broken_config_is_refused_and_nothing_changes(
    window: MainWindow, tmp_path: Path
) -> None:
    before, count = window.document.design(), window.document.undo_stack.count()
    assert not window.models.import_path(write_config(tmp_path, hidden_size="wide"))
    assert "hidden_size" in notes(window).errors[0][1]
    assert window.document.design() is before
    assert window.document.undo_stack.count() == count


@pytest.mark.parametrize("wanted", [True, False])
def test_an_unknown_architecture_offers_the_generic_reading(
    window: MainWindow, tmp_path: Path, wanted: bool
) -> None:
    notes(window).says_yes = wanted
    assert window.models.import_path(write_config(tmp_path, model_type="grok-9")) is wanted
    assert "grok-9" in notes(window).offers[0][1]
    assert len(own_ids(window)) == int(wanted)
    assert notes(window).errors == []


def test_what_no_reading_can_take_is_an_error_without_an_offer(
    window: MainWindow, tmp_path: Path
) -> None:
    path = write_config(tmp_path, model_type="grok-9", vocab_size=None)
    assert not window.models.import_path(path)
    assert notes(window).offers == []
    assert "vocab_size" in notes(window).errors[0][1]


def test_a_dropped_design_is_opened(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, shop: Catalog
) -> None:
    path = tmp_path / "hall.rackflow"
    save_design(path, Design(name="Hall"), shop)
    notes(window).choice = SaveChoice.DISCARD
    assert drop(window, mime(path, CONFIGS / "Qwen3-8B"))
    qtbot.waitUntil(lambda: own_ids(window) == ["own:qwen3_8b"])
    assert window.document.design().name == "Hall"


def test_other_drags_are_left_alone(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"")
    remote = QMimeData()
    remote.setUrls([QUrl("https://example.org/config.json")])
    text = QMimeData()
    text.setText("config.json")
    many = mime(*[CONFIGS / "Qwen3-8B"] * 21)
    mixed = mime(CONFIGS / "Qwen3-8B", tmp_path / "picture.png")
    for data in (mime(tmp_path / "picture.png"), mime(tmp_path), remote, text, many, mixed):
        assert dropped_paths(data) == []
        assert not drop(window, data)
