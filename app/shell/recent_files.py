"""File > Open recent: the last files with small pictures of them."""

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, QSize, QTimer
from PySide6.QtGui import QAction, QIcon, QPixmap
from PySide6.QtWidgets import QMenu, QProxyStyle, QStyle, QStyleOption, QWidget

from app.shell.features import Shell
from app.shell.files import FileController

PICTURE = QSize(160, 100)
MOST_PICTURES = 60
MENU_ICON = 72
PICTURE_MS = 400  # after a file was opened or saved


class _LargeIcons(QProxyStyle):
    """A style whose menus show icons as small pictures."""

    def pixelMetric(
        self,
        metric: QStyle.PixelMetric,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
    ) -> int:
        """The size of an icon in a menu."""
        if metric is QStyle.PixelMetric.PM_SmallIconSize:
            return MENU_ICON
        return super().pixelMetric(metric, option, widget)


class RecentFiles(QObject):
    """The menu, and the pictures that it shows."""

    def __init__(self, shell: Shell, files: FileController) -> None:
        super().__init__(shell.widget)
        self._shell, self._files = shell, files
        self._folder = shell.settings.data_folder / "pictures"
        self.menu = QMenu(self.tr("Open &recent"), shell.widget)
        self.menu.setToolTipsVisible(True)
        self._style = _LargeIcons(self.menu.style().name())
        self.menu.setStyle(self._style)
        files.recent_changed.connect(self.refresh)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PICTURE_MS)
        self._timer.timeout.connect(self.draw)
        shell.document.path_changed.connect(self._timer.start)
        shell.document.saved.connect(self._timer.start)
        self.refresh()

    def refresh(self) -> None:
        """Shows the files that are remembered now."""
        self.menu.clear()
        recent = self._shell.settings.recent_files
        for number, path in enumerate(recent, start=1):
            action = self.menu.addAction(f"&{number} {path.name}")
            action.setToolTip(str(path))
            action.setStatusTip(str(path))
            action.setData(str(path))
            picture = QPixmap(str(self.picture_path(path)))
            if not picture.isNull():
                action.setIcon(QIcon(picture))
            action.triggered.connect(self._open)
        self.menu.setEnabled(bool(recent))

    def picture_path(self, path: Path) -> Path:
        """Where the picture of a file is kept."""
        name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
        return self._folder / f"{name}.png"

    def draw(self) -> None:
        """Keeps a picture of the open design for its file; old pictures go."""
        document = self._shell.document
        path = document.path
        if path is None or document.is_dirty or self._shell.canvas is None:
            return
        if path.resolve() not in self._shell.settings.recent_files:
            return
        from app.canvas.thumbnails import thumbnail

        palette = self._shell.widget.palette()
        picture = thumbnail(document.design(), document.catalog, PICTURE, palette)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            picture.save(str(self.picture_path(path)))
            kept = sorted(self._folder.glob("*.png"), key=lambda p: -p.stat().st_mtime)
            for old in kept[MOST_PICTURES:]:
                old.unlink(missing_ok=True)
        except OSError:
            return  # a menu without pictures
        self.refresh()

    def shut_down(self) -> None:
        """Draws nothing more."""
        self._timer.stop()

    def _open(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self._files.open_recent(Path(str(action.data())))
