"""Every action of the window as a record: menus, tool bar, shortcuts and docs read this table.

What an action does is wired in the shell; this file only says what exists and how it is called.
"""

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

Key = QKeySequence.StandardKey


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:
    """The text itself; the name makes lupdate collect it."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """One action. `shortcut` is a standard key or a text; `toolbar` is a group, '' for none."""

    id: str
    menu: str
    text: str
    tooltip: str
    shortcut: QKeySequence.StandardKey | str = ""
    icon: str = ""
    toolbar: str = ""
    separator_before: bool = False
    checkable: bool = False
    choice: str = ""  # actions of one choice exclude each other


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuRecord:
    """One menu of the menu bar, in order."""

    id: str
    text: str


MENUS: tuple[MenuRecord, ...] = (
    MenuRecord(id="file", text=QT_TRANSLATE_NOOP("Actions", "&File")),
    MenuRecord(id="edit", text=QT_TRANSLATE_NOOP("Actions", "&Edit")),
    MenuRecord(id="view", text=QT_TRANSLATE_NOOP("Actions", "&View")),
    MenuRecord(id="run", text=QT_TRANSLATE_NOOP("Actions", "&Run")),
    MenuRecord(id="help", text=QT_TRANSLATE_NOOP("Actions", "&Help")),
)

ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="file.new",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&New"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Start an empty design"),
        shortcut=Key.New,
        icon="new",
        toolbar="file",
    ),
    ActionRecord(
        id="file.open",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&Open..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Open a design"),
        shortcut=Key.Open,
        icon="open",
        toolbar="file",
    ),
    ActionRecord(
        id="file.example",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Open &example"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Open the AL128 rack that serves coding agents"),
        icon="demo",
    ),
    ActionRecord(
        id="file.save",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&Save"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Save the design"),
        shortcut=Key.Save,
        icon="save",
        toolbar="file",
        separator_before=True,
    ),
    ActionRecord(
        id="file.save_as",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Save &as..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Save the design under another name"),
        shortcut="Ctrl+Shift+S",
    ),
    ActionRecord(
        id="file.import_model",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Import &model..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Add an LLM to the design from its config.json"),
        shortcut="Ctrl+Shift+M",
        icon="import-model",
        separator_before=True,
    ),
    ActionRecord(
        id="file.import_trace",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Import &trace..."),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "Run the workload from a file of requests; columns of any CSV can be chosen"
        ),
        shortcut="Ctrl+Shift+T",
    ),
    ActionRecord(
        id="file.quit",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&Quit"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Close the window"),
        shortcut="Ctrl+Q",
        separator_before=True,
    ),
    ActionRecord(
        id="edit.undo",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "&Undo"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Take back the last edit"),
        shortcut=Key.Undo,
        icon="undo",
        toolbar="edit",
    ),
    ActionRecord(
        id="edit.redo",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "&Redo"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Do the edit again that was taken back"),
        shortcut="Ctrl+Shift+Z",
        icon="redo",
        toolbar="edit",
    ),
    ActionRecord(
        id="edit.cut",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Cu&t"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Move the selection to the clipboard"),
        shortcut=Key.Cut,
        icon="cut",
        separator_before=True,
    ),
    ActionRecord(
        id="edit.copy",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "&Copy"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Copy the selection with its inner links"),
        shortcut=Key.Copy,
        icon="copy",
    ),
    ActionRecord(
        id="edit.paste",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "&Paste"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Insert what was copied"),
        shortcut=Key.Paste,
        icon="paste",
    ),
    ActionRecord(
        id="edit.duplicate",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "&Duplicate"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Copy the selection beside itself"),
        shortcut="Ctrl+D",
        icon="duplicate",
    ),
    ActionRecord(
        id="edit.delete",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Del&ete"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Remove the selection and its links"),
        shortcut="Del",
        icon="delete",
    ),
    ActionRecord(
        id="edit.select_all",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Select &all"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Select every element and link"),
        shortcut=Key.SelectAll,
        separator_before=True,
    ),
    ActionRecord(
        id="edit.rename",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Re&name"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Change the name of the selected element"),
        shortcut="F2",
        icon="rename",
    ),
    ActionRecord(
        id="tool.select",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Select tool"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Select and move elements"),
        shortcut="V",
        icon="select",
        toolbar="tool",
        separator_before=True,
        checkable=True,
        choice="tool",
    ),
    ActionRecord(
        id="tool.link",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Link tool"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Draw a link from one element to another"),
        shortcut="L",
        icon="link",
        toolbar="tool",
        checkable=True,
        choice="tool",
    ),
    ActionRecord(
        id="tool.pan",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Pan tool"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Move the view with the left button"),
        shortcut="H",
        icon="pan",
        toolbar="tool",
        checkable=True,
        choice="tool",
    ),
    ActionRecord(
        id="view.fit",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Fit all"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Show the whole drawing"),
        shortcut="F",
        icon="fit",
        toolbar="view",
    ),
    ActionRecord(
        id="view.fit_selection",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "Fit &selection"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Show the selected elements"),
        shortcut="Shift+F",
        icon="fit-selection",
        toolbar="view",
    ),
    ActionRecord(
        id="view.next_issue",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Next issue"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Go to the next finding of the checks"),
        shortcut="F8",
        icon="issue",
        separator_before=True,
    ),
    ActionRecord(
        id="view.theme_system",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "Theme of the s&ystem"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Follow the system's light or dark colours"),
        separator_before=True,
        checkable=True,
        choice="theme",
    ),
    ActionRecord(
        id="view.theme_light",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Light theme"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Always use light colours"),
        checkable=True,
        choice="theme",
    ),
    ActionRecord(
        id="view.theme_dark",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Dark theme"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Always use dark colours"),
        checkable=True,
        choice="theme",
    ),
    ActionRecord(
        id="run.restart",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Jump to start"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Forget the run; the next one starts at zero"),
        shortcut="Home",
        icon="restart",
        toolbar="run",
    ),
    ActionRecord(
        id="run.play",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Play"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Run or pause the simulation of the drawing"),
        shortcut="Space",
        icon="play",
        toolbar="run",
    ),
    ActionRecord(
        id="run.step",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Step"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Simulate one short piece of time and pause"),
        shortcut=".",
        icon="step",
        toolbar="run",
    ),
    ActionRecord(
        id="run.slower",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "S&lower"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Fewer simulated seconds per second"),
        shortcut="[",
        icon="slower",
        toolbar="speed",
        separator_before=True,
    ),
    ActionRecord(
        id="run.faster",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Faster"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "More simulated seconds per second"),
        shortcut="]",
        icon="faster",
        toolbar="speed",
    ),
    ActionRecord(
        id="run.fail",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "Let selection f&ail"),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "The selected devices and links fail now, at the time of the run"
        ),
        shortcut="Ctrl+Shift+F",
        separator_before=True,
    ),
    ActionRecord(
        id="help.validation",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&Validation"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "How well predictions match published measurements"),
        shortcut="Ctrl+Shift+V",
    ),
    ActionRecord(
        id="help.about",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&About Rackflow"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Version and licence"),
    ),
)
