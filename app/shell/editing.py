"""The Edit menu and the tools: clipboard, selection, names, what a press on the canvas means."""

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject

from app.commands import clipboard, grouping, linking
from app.panels.outline import OutlinePanel
from app.shell.features import Handlers, Shell
from engine.errors import EngineError
from engine.scenario.notes import added, edited
from engine.topology.changes import PutGroups
from engine.topology.elements import Group
from engine.topology.rules import Verdict

if TYPE_CHECKING:
    from engine.study.repairs import Repair


class Editing(QObject):
    """Wires the actions that edit what is selected."""

    def __init__(self, shell: Shell, outline: OutlinePanel) -> None:
        super().__init__(shell.widget)
        self._shell, self._outline = shell, outline
        outline.delete_requested.connect(self.delete)

    def handlers(self) -> Handlers:
        """What each action does."""
        stack = self._shell.document.undo_stack
        return {
            "edit.undo": stack.undo,
            "edit.redo": stack.redo,
            "edit.cut": self.cut,
            "edit.copy": self.copy,
            "edit.paste": self.paste,
            "edit.duplicate": self.duplicate,
            "edit.delete": self.delete,
            "edit.select_all": self.select_all,
            "edit.rename": self.rename,
            "edit.connect": lambda: self.report(linking.link_selected(self._shell.document)),
            "edit.group": lambda: self.report(grouping.group(self._shell.document)),
            "edit.ungroup": lambda: self.report(grouping.ungroup(self._shell.document)),
            "edit.collapse": lambda: self.report(grouping.toggle_selected(self._shell.document)),
            "tool.select": lambda: self.set_tool("select"),
            "tool.link": lambda: self.set_tool("link"),
            "tool.pan": lambda: self.set_tool("pan"),
            "tool.note": self.begin_note,
        }

    def set_tool(self, name: str) -> None:
        """Chooses what a press on the canvas means."""
        if self._shell.canvas is not None:
            self._shell.canvas.set_tool(name)

    def cut(self) -> None:
        """Moves the selection to the clipboard."""
        self.copy()
        self.delete()

    def copy(self) -> None:
        """Copies the selection with its inner links."""
        clipboard.copy(self._shell.document)

    def paste(self) -> None:
        """Inserts what was copied and selects it."""
        self.report(clipboard.paste(self._shell.document))

    def duplicate(self) -> None:
        """Copies the selection beside itself."""
        self.report(clipboard.duplicate(self._shell.document))

    def delete(self) -> None:
        """Removes the selection and its links."""
        self.report(clipboard.delete(self._shell.document))

    def select_all(self) -> None:
        """Selects every element, link and note."""
        document = self._shell.document
        design = document.design()
        document.select(frozenset((*design.ids(), *(note.id for note in design.notes))))

    def rename(self) -> None:
        """Edits the name of the selected element in the outline.

        The name of a whole group and the text of a note are asked for.
        """
        chosen = self._shell.document.selection
        note = next((n for n in self._shell.document.design().notes if n.id in chosen), None)
        if note is not None and len(chosen) == 1:
            self.ask_note(note.id, (note.x, note.y))
            return
        whole = grouping.selected_group(self._shell.document)
        if whole is not None:
            self._rename_group(whole)
            return
        self._shell.raise_dock("outline")
        self._outline.rename_selected()

    def _rename_group(self, group: Group) -> None:
        name = self._shell.notifications.ask_name(
            self.tr("Rename group"), self.tr("Name of the group"), group.name
        )
        if name and name != group.name:
            renamed = msgspec.structs.replace(group, name=name)
            document = self._shell.document
            self.report(document.perform(self.tr("Rename group"), PutGroups((renamed,))))

    def begin_note(self) -> None:
        """The next click on the canvas writes a note; from the outline, one in the middle of the view."""
        canvas = self._shell.canvas
        if canvas is not None and self._outline.tree.hasFocus():
            x, y, width, height = canvas.seen
            self.ask_note("", (x + width / 2, y + height / 2))
        elif canvas is not None:
            canvas.begin_note()
            self._shell.say(self.tr("Click where the note is to be; Esc stops"))

    def ask_note(self, note_id: str, place: tuple[float, float]) -> None:
        """Asks for the text of a note, '' for a new one at a place."""
        document = self._shell.document
        design = document.design()
        old = next((note.text for note in design.notes if note.id == note_id), "")
        text = self._shell.notifications.ask_text(
            self.tr("Note"), self.tr("Text of the note"), old
        )
        if not text or text == old:
            return
        try:
            if note_id:
                verdict = document.perform(self.tr("Edit note"), edited(design, note_id, text))
            else:
                change, note_id = added(design, text, *place)
                verdict = document.perform(self.tr("Write note"), change)
        except EngineError as error:
            self._shell.say(str(error))
            return
        self.report(verdict)
        document.select(frozenset({note_id}))

    def repair(self, repair: "Repair") -> None:
        """Mends a finding as one step."""
        verdict = self._shell.document.perform(repair.text, repair.change)
        self.report(verdict)
        if verdict.ok:
            self._shell.say(self.tr("Done: {0}. Undo takes it back.").format(repair.text))

    def report(self, verdict: Verdict | None) -> None:
        """Says why something was refused."""
        if verdict is not None and not verdict.ok:
            self._shell.say(verdict.reason)
