"""What a crash has left: a list of unsaved designs with their pictures, to restore or to discard."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

PICTURE = QSize(160, 100)
SIZE = QSize(560, 420)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaved:
    """One row: what it is called, where its file is, when it was edited last, how often."""

    name: str
    path: str
    edited_s: float
    edits: int
    picture: Path


class RecoveryDialog(QDialog):
    """Restore opens the chosen design, Discard removes it, Later leaves all as it is."""

    restore_requested = Signal(int)
    discard_requested = Signal(int)

    def __init__(self, rows: Sequence[Unsaved], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Unsaved designs"))
        about = QLabel(
            self.tr("Rackflow has ended without saving these designs. Every edit is still there.")
        )
        about.setWordWrap(True)
        self.list = QListWidget()
        self.list.setIconSize(PICTURE)
        self.list.setSpacing(4)
        self.list.setAccessibleName(self.tr("Unsaved designs"))
        for row in rows:
            self.list.addItem(self._item(row))
        self.list.setCurrentRow(0)
        self.list.itemDoubleClicked.connect(lambda _item: self._restore())
        buttons = QDialogButtonBox()
        self.restore = buttons.addButton(
            self.tr("&Restore"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.discard = buttons.addButton(
            self.tr("&Discard"), QDialogButtonBox.ButtonRole.DestructiveRole
        )
        self.later = buttons.addButton(self.tr("&Later"), QDialogButtonBox.ButtonRole.RejectRole)
        self.restore.setToolTip(self.tr("Opens it as it was before the crash, unsaved"))
        self.discard.setToolTip(self.tr("Removes it for good"))
        self.later.setToolTip(self.tr("Asks again at the next start"))
        self.restore.setDefault(True)
        self.restore.clicked.connect(self._restore)
        self.discard.clicked.connect(self._discard)
        self.later.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(about)
        layout.addWidget(self.list, 1)
        layout.addWidget(buttons)
        self.resize(SIZE)

    def _item(self, row: Unsaved) -> QListWidgetItem:
        moment = QDateTime.fromSecsSinceEpoch(int(row.edited_s))
        when = QLocale().toString(moment, QLocale.FormatType.ShortFormat)
        edits = self.tr("unsaved edits: {0}").format(row.edits)
        place = row.path or self.tr("never saved")
        item = QListWidgetItem(f"{row.name}\n{place}\n{edits}, {when}")
        picture = QPixmap(str(row.picture)) if row.picture.is_file() else QPixmap()
        if picture.isNull():
            picture = QPixmap(PICTURE)
            picture.fill(Qt.GlobalColor.transparent)
        item.setIcon(QIcon(picture))
        item.setToolTip(place)
        return item

    def _restore(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.restore_requested.emit(row)
            self.accept()

    def _discard(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.list.takeItem(row)
            self.discard_requested.emit(row)
        if not self.list.count():
            self.reject()
