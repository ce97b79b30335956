"""Groups: named frames around devices that are selected and moved together."""

import msgspec
from PySide6.QtCore import QCoreApplication

from app.document import Document
from engine.topology.changes import Batch, Change, DropGroups, PutElements, PutGroups
from engine.topology.collapse import toggled
from engine.topology.elements import Group
from engine.topology.naming import free_id, free_name
from engine.topology.rules import Verdict

FEWEST = 2


def _tr(text: str) -> str:
    return QCoreApplication.translate("Grouping", text)


def group(document: Document) -> Verdict | None:
    """Puts the selected devices into a new group; None with fewer than two.

    They leave the groups that they were in; those that are empty then go.
    """
    topology = document.topology
    chosen = [e for e in topology.elements.values() if e.id in document.selection]
    if len(chosen) < FEWEST:
        return None
    if any(topology.groups[e.group].template for e in chosen if e.group in topology.groups):
        return Verdict(False, _tr("The parts of an opened rack stay together"))
    names = {one.name for one in topology.groups.values()}
    made = Group(id=free_id("group", topology.groups), name=free_name(_tr("Group"), names))
    moved = tuple(msgspec.structs.replace(element, group=made.id) for element in chosen)
    changes: list[Change] = [PutGroups((made,)), PutElements(moved)]
    left = _left_empty(document, {element.id for element in chosen})
    if left:
        changes.append(DropGroups(left))
    return document.perform(_tr("Group"), Batch(tuple(changes)))


def ungroup(document: Document) -> Verdict | None:
    """Removes the groups of the selected devices, which stay; None where there are none."""
    topology = document.topology
    wanted = {
        element.group
        for element in topology.elements.values()
        if element.id in document.selection and element.group in topology.groups
    }
    wanted = {name for name in wanted if not topology.groups[name].template}
    if not wanted:
        return None
    freed = tuple(
        msgspec.structs.replace(element, group="")
        for element in topology.elements.values()
        if element.group in wanted
    )
    return document.perform(
        _tr("Ungroup"), Batch((PutElements(freed), DropGroups(tuple(sorted(wanted)))))
    )


def toggle_groups(document: Document, ids: frozenset[str]) -> Verdict | None:
    """Collapses groups, or expands them where all are collapsed; None where there are none."""
    change = toggled(document.topology.groups, ids)
    if change is None:
        return None
    text = _tr("Collapse") if change.groups[0].collapsed else _tr("Expand")
    return document.perform(text, change)


def toggle_selected(document: Document) -> Verdict | None:
    """Collapses or expands the groups of the selected devices; all groups where none is selected."""
    topology = document.topology
    chosen = {
        element.group
        for element in topology.elements.values()
        if element.id in document.selection and element.group
    }
    if document.selection and not chosen:
        return Verdict(False, _tr("The selected devices are in no group"))
    return toggle_groups(document, frozenset(chosen or topology.groups))


def selected_group(document: Document) -> Group | None:
    """The group whose devices, all of them and no others, are selected."""
    topology = document.topology
    chosen = [e for e in topology.elements.values() if e.id in document.selection]
    owners = {element.group for element in chosen}
    if len(owners) != 1 or not owners <= topology.groups.keys():
        return None
    owner = topology.groups[owners.pop()]
    total = sum(element.group == owner.id for element in topology.elements.values())
    return owner if total == len(chosen) > 1 else None


def _left_empty(document: Document, leaving: set[str]) -> tuple[str, ...]:
    """Groups that have nobody left when some devices leave them."""
    topology = document.topology
    before = {e.group for e in topology.elements.values() if e.id in leaving and e.group}
    kept = {e.group for e in topology.elements.values() if e.id not in leaving}
    return tuple(sorted((before & topology.groups.keys()) - kept))
