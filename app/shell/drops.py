"""Files dropped on the window: a design is opened, a model's config.json is imported."""

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from app.shell.files import FileController
from app.shell.model_import import ModelImport
from app.support.notifications import FILE_ENDING
from engine.storage.config_fields import FILE_NAME

MAX_FILES = 20
_DRAGS = (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop)


class FileDrops(QObject):
    """Takes files and folders that are dropped anywhere on a window."""

    def __init__(self, window: QWidget, files: FileController, models: ModelImport) -> None:
        super().__init__(window)
        self._files = files
        self._models = models
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accepts drags of designs and models; their files are read after the drop is over."""
        if event.type() not in _DRAGS or not isinstance(event, QDropEvent):
            return super().eventFilter(watched, event)
        paths = dropped_paths(event.mimeData())
        if not paths:
            return super().eventFilter(watched, event)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.type() == QEvent.Type.Drop:
            QTimer.singleShot(0, self, lambda: self.take(paths))
        return True

    def take(self, paths: list[Path]) -> None:
        """Opens the first design, imports every model."""
        designs = [path for path in paths if path.suffix == FILE_ENDING]
        if designs and not self._files.open_path(designs[0]):
            return
        for path in paths:
            if path not in designs:
                self._models.import_path(path)


def dropped_paths(data: QMimeData) -> list[Path]:
    """Local files of a drag if all of them are designs, JSON files or folders of a model."""
    urls = data.urls() if data.hasUrls() else []
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    if len(paths) != len(urls) or len(paths) > MAX_FILES:
        return []
    return paths if all(_is_ours(path) for path in paths) else []


def _is_ours(path: Path) -> bool:
    try:
        return path.suffix in (FILE_ENDING, ".json") or (path / FILE_NAME).is_file()
    except (OSError, ValueError):
        return False
