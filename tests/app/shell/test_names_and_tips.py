"""Whatever can be pressed or typed into has a name for screen readers and a tool tip."""

from collections.abc import Callable, Iterator

import msgspec
import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QProgressBar,
    QWidget,
)

from app.shell.main_window import MainWindow
from engine.metrics.bottlenecks import Bottleneck
from engine.scenario.design import Tenant
from engine.topology.changes import SetSection
from engine.workload.spec import WorkloadKind

INPUTS = (
    QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QProgressBar,
)  # fmt: skip

# Parts of other widgets that Qt makes and names itself; they cannot have the focus.
QTS_OWN = {
    "qt_dockwidget_floatbutton": "docks do not float",
    "qt_tableview_cornerbutton": "selects all of a table",
    "qt_menubar_ext_button": "menus that do not fit",
    "qt_toolbar_ext_button": "tools that do not fit",
    "qt_spinbox_lineedit": "the field of a spin box, which has name and tip",
    "ScrollLeftButton": "tabs that do not fit",
    "ScrollRightButton": "tabs that do not fit",
}


def is_qts_own(widget: QWidget) -> bool:
    """Headers, the list of a combo box, the clear button of a field, and named parts."""
    parent = widget.parentWidget()
    return (
        widget.objectName() in QTS_OWN
        or isinstance(widget, QHeaderView)
        or isinstance(parent, QLineEdit)
        or any(isinstance(one, QComboBox) for one in ancestors(widget))
    )


def ancestors(widget: QWidget) -> Iterator[QWidget]:
    parent = widget.parentWidget()
    while parent is not None:
        yield parent
        parent = parent.parentWidget()


def nameless(window: MainWindow) -> list[str]:
    """Inputs without a name or a tip, each with where it is."""
    found = []
    for widget in window.findChildren(QWidget):
        if not isinstance(widget, INPUTS) or is_qts_own(widget):
            continue
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        name, tip = widget.accessibleName() or text, widget.toolTip()
        if not name.strip() or not tip.strip():
            where = " in ".join(type(one).__name__ for one in [widget, *ancestors(widget)][:5])
            found.append(f"{where}: name {name!r}, tip {tip!r}")
    return found


def a_tenant(window: MainWindow) -> None:
    load = window.document.design().workload
    window.document.perform(
        "Add tenant", SetSection("tenants", (Tenant(name="one", workload=load),))
    )
    window.inspector.show_tenant(0)


def a_pool(window: MainWindow) -> None:
    deployment = msgspec.structs.replace(window.document.design().deployment, name="two")
    window.document.perform("Add pool", SetSection("pools", (deployment,)))
    window.inspector.show_pool(1)


def workload_of(kind: WorkloadKind) -> Callable[[MainWindow], None]:
    def show(window: MainWindow) -> None:
        load = msgspec.structs.replace(window.document.design().workload, kind=kind)
        window.document.perform("Set kind", SetSection("workload", load))

    return show


def select(*ids: str) -> Callable[[MainWindow], None]:
    return lambda window: window.document.select(frozenset(ids))


def a_ranking(window: MainWindow) -> None:
    row = Bottleneck(
        cause="hbm", resource="HBM", share=0.5, seconds=1.0, text="because", element_ids=("rack",),
    )  # fmt: skip
    window.bottlenecks.show_ranking((row,))


STATES: dict[str, Callable[[MainWindow], object]] = {
    "design": lambda window: window.document.select(frozenset()),
    "nothing drawn": lambda window: window.document.new(),
    "rack": select("rack"),
    "switch": select("leaf"),
    "link": select("cable"),
    "several": select("rack", "leaf"),
    "tenant": a_tenant,
    "pool": a_pool,
    **{kind.value: workload_of(kind) for kind in WorkloadKind},
    "bottlenecks": a_ranking,
    "commands": lambda window: window.actions_by_id["view.commands"].trigger(),
    "welcome": lambda window: window.welcome.show(),
    "example": lambda window: window.welcome.note.show_note("What it shows."),
    "tour": lambda window: window.tour.start(),
}


@pytest.mark.parametrize("state", STATES)
def test_every_input_has_a_name_and_a_tip(window: MainWindow, state: str) -> None:
    STATES[state](window)
    window.inspector.rebuild()  # it waits for a moment by itself
    assert nameless(window) == []


def test_the_pages_of_the_walk_are_those_that_are_meant(window: MainWindow) -> None:
    for state, page in (
        ("rack", "ElementForm"), ("link", "LinkForm"), ("tenant", "TenantForm"),
        ("pool", "PoolForm"),
    ):  # fmt: skip
        STATES[state](window)
        window.inspector.rebuild()
        assert type(window.inspector.form).__name__ == page
        window.document.select(frozenset())


def test_the_walk_finds_an_input_without_a_tip(window: MainWindow) -> None:
    QLineEdit(window).setAccessibleName("Named")
    assert len(nameless(window)) == 1


def test_buttons_of_the_tool_bar_name_their_keys(window: MainWindow) -> None:
    for name in ("file.new", "run.play", "view.fit", "help.tour"):
        action = window.actions_by_id[name]
        assert action.shortcut().toString() in action.toolTip(), name
