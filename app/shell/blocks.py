"""The user's own blocks: a selection kept in the palette, for this design and all others."""

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QMenu

from app.actions.registry import ActionRegistry
from app.commands import clipboard
from app.panels.palette import PalettePanel
from app.shell.features import Handlers, Shell
from engine.errors import EngineError
from engine.storage.blocks import MOST_NAME, Block, load_blocks, save_block

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "blocks"
PREFIX = "block:"


class Blocks(QObject):
    """Saves, offers, renames and removes blocks."""

    def __init__(self, shell: Shell, actions: ActionRegistry, palette: PalettePanel) -> None:
        super().__init__(shell.widget)
        self._shell, self._palette = shell, palette
        self._action = actions["edit.save_block"]
        self._folder = shell.settings.data_folder / FOLDER
        self._paths: dict[str, Path] = {}
        self.blocks: dict[str, Block] = {}
        palette.menu_requested.connect(self._show_menu)
        shell.document.selection_changed.connect(self._show_enabled)
        self._show_enabled()

    def handlers(self) -> Handlers:
        """What its action does."""
        return {"edit.save_block": self.save}

    def complete(self) -> None:
        """Reads the blocks and offers them."""
        found, wrong = load_blocks(self._folder)
        self._paths = {PREFIX + path.name: path for path in found}
        self.blocks = {PREFIX + path.name: block for path, block in found.items()}
        self._palette.show_blocks(self.blocks)
        if self._shell.canvas is not None:
            self._shell.canvas.blocks = self.blocks
        if wrong:
            self._shell.say(wrong[0])

    def save(self) -> None:
        """Keeps what is selected under a name."""
        parts = clipboard.selected(self._shell.document)
        if parts.is_empty:
            return
        name = self._ask_name(self.tr("Save as block"), self.tr("Block"))
        if name and self._may_take(name) and self._write(Block(name=name, parts=parts)):
            self._shell.say(self.tr("{0} is in the palette under My blocks").format(name))

    def rename(self, key: str) -> None:
        """Asks for another name of a block."""
        block = self.blocks[key]
        name = self._ask_name(self.tr("Rename block"), block.name)
        if not name or name == block.name or not self._may_take(name):
            return
        if self._write(msgspec.structs.replace(block, name=name)):  # before the old one goes
            self._remove_file(key)
            self.complete()

    def remove(self, key: str) -> None:
        """Removes a block after a question."""
        name = self.blocks[key].name
        sure = self._shell.notifications.ask_yes(
            self.tr("Remove block"),
            self.tr("Remove {0} from the palette? What was drawn with it stays.").format(name),
            self.tr("Remove"),
        )
        if sure and self._remove_file(key):
            self.complete()

    def menu_of(self, key: str) -> QMenu | None:
        """What can be done with a block; None for devices of the shop."""
        if key not in self.blocks:
            return None
        menu = QMenu(self._palette)
        menu.addAction(self.tr("Rename..."), lambda: self.rename(key))
        menu.addAction(self.tr("Remove..."), lambda: self.remove(key))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _ask_name(self, title: str, proposal: str) -> str:
        name = self._shell.notifications.ask_name(title, self.tr("Name of the block"), proposal)
        return name.strip()[:MOST_NAME]

    def _may_take(self, name: str) -> bool:
        """Whether a name is free, or the block that has it may be replaced."""
        if all(block.name != name for block in self.blocks.values()):
            return True
        return self._shell.notifications.ask_yes(
            self.tr("Replace block"),
            self.tr("There is a block {0} already. Replace it?").format(name),
            self.tr("Replace"),
        )

    def _write(self, block: Block) -> bool:
        try:
            save_block(self._folder, block)
        except (EngineError, OSError) as error:
            self._shell.notifications.error(self.tr("The block was not saved"), str(error))
            return False
        self.complete()
        return True

    def _remove_file(self, key: str) -> bool:
        try:
            self._paths[key].unlink(missing_ok=True)
        except OSError as error:
            self._shell.notifications.error(self.tr("The block was not removed"), str(error))
            return False
        return True

    def _show_menu(self, key: str, place: QPoint) -> None:
        menu = self.menu_of(key)
        if menu is not None:
            menu.popup(place)

    def _show_enabled(self) -> None:
        document = self._shell.document
        notes = {note.id for note in document.design().notes}
        drawn = document.topology.elements.keys() | notes
        self._action.setEnabled(not document.selection.isdisjoint(drawn))
