"""A device that the catalogue does not have: seen, named, removable, and nothing crashes."""

import msgspec
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.shell.main_window import MainWindow


def test_it_can_be_selected_linked_against_saved_and_removed(
    window: MainWindow, qtbot: QtBot
) -> None:
    document = window.document
    design = document.design()
    strange = msgspec.structs.replace(design.elements[1], spec="nobody-sells-it")
    document.restore(msgspec.structs.replace(design, elements=(design.elements[0], strange)), None)
    assert window.canvas is not None
    window.canvas.resize(900, 700)
    window.canvas.fit_all()
    window.canvas.grab()
    assert "leaf" in window.canvas.scene.bodies
    document.select(frozenset({"leaf"}))
    window.canvas.set_tool("link")
    x, y, width, height = window.canvas.scene.bodies["rack"].box
    start = QPoint(*map(round, window.canvas.camera.to_view(x + width / 2, y + height / 2)))
    x, y, width, height = window.canvas.scene.bodies["leaf"].box
    end = QPoint(*map(round, window.canvas.camera.to_view(x + width / 2, y + height / 2)))
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(window.canvas, end)
    assert "nobody-sells-it" in window.canvas.overlay.verdict
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=end)
    assert len(document.design().links) == 1
    document.select(frozenset({"leaf"}))
    window.actions_by_id["edit.duplicate"].trigger()
    document.select(frozenset({"leaf"}))
    window.actions_by_id["edit.delete"].trigger()
    assert "leaf" not in document.topology.elements
