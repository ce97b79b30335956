"""No part of the window is shown for a moment as a window of its own: that flickers and takes the focus."""

from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.shell.main_window import MainWindow
from engine.catalog.catalog import Catalog
from tests.helpers.windows import close_window, drawn_document, make_window


class Watch(QObject):
    """Notes every window that is shown but the main one."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Looks at shows of windows only."""
        if (
            event.type() == QEvent.Type.Show
            and isinstance(watched, QWidget)
            and watched.isWindow()
        ) and not isinstance(watched, MainWindow):
            text = getattr(watched, "text", lambda: "")()
            self.seen.append(f"{type(watched).__name__} {text}")
        return False


def test_making_the_window_and_pages_of_the_inspector_shows_no_other_window(
    qtbot: QtBot, shop: Catalog, tmp_path: Path
) -> None:
    application = QApplication.instance()
    assert application is not None
    watch = Watch()
    application.installEventFilter(watch)
    try:
        window = make_window(drawn_document(shop), tmp_path)
        document = window.document
        for ids in ({"rack"}, {"cable"}, {"rack", "leaf"}, {"leaf"}, set[str]()):
            document.select(frozenset(ids))
            window.inspector.rebuild()
            if window.inspector.form is not None:
                window.inspector.form.complete()
        close_window(window)
    finally:
        application.removeEventFilter(watch)
    assert watch.seen == []
