"""Copy, paste, duplicate and delete: each one command, on plain data.

The system's clipboard carries elements and the links between them as JSON, so that they can be
pasted into another window. What comes from there is checked like a file.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import msgspec
from PySide6.QtCore import QCoreApplication, QMimeData
from PySide6.QtGui import QGuiApplication

from app.document import Document
from engine.errors import EngineError, TopologyError
from engine.scenario.notes import copied, removed
from engine.scenario.own_devices import taken_over
from engine.storage.blocks import Fragment, checked_fragment, shift_to
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropGroups,
    DropLinks,
    PutElements,
    PutGroups,
    PutLinks,
    SetSection,
)
from engine.topology.elements import Endpoint, Group
from engine.topology.layout import GRID
from engine.topology.naming import free_id, free_name
from engine.topology.rules import Verdict

MIME = "application/vnd.rackflow.fragment+json"
MAX_BYTES = 32 * 2**20
OFFSET = 2 * GRID


class Pasted(NamedTuple):
    """A change that adds a fragment, and the ids that it adds."""

    change: Change
    ids: frozenset[str]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Clipboard", text)


def copy(document: Document) -> None:
    """Puts the selected elements and the links between them on the clipboard."""
    fragment = selected(document)
    if not fragment.is_empty:
        data = QMimeData()
        data.setData(MIME, msgspec.json.encode(fragment))
        QGuiApplication.clipboard().setMimeData(data)


def paste(document: Document) -> Verdict | None:
    """Adds what the clipboard holds, a little aside, and selects it; None where it holds none."""
    # Qt gives None for an empty clipboard, though its stubs do not say so
    data = cast("QMimeData | None", QGuiApplication.clipboard().mimeData())
    if data is None or not data.hasFormat(MIME):
        return None
    raw = bytes(data.data(MIME).data())
    if len(raw) > MAX_BYTES:
        return Verdict(False, _tr("The clipboard holds more than a drawing can take."))
    try:
        fragment = msgspec.json.decode(raw, type=Fragment)
        fragment = checked_fragment(fragment, _tr("The clipboard"))
    except (msgspec.DecodeError, RecursionError, EngineError) as error:
        return Verdict(False, _tr("The clipboard cannot be read: {0}").format(error))
    return _add(document, fragment, _tr("Paste"))


def duplicate(document: Document) -> Verdict | None:
    """Adds a copy of the selection, a little aside, and selects it."""
    fragment = selected(document)
    return _add(document, fragment, _tr("Duplicate")) if not fragment.is_empty else None


def delete(document: Document) -> Verdict | None:
    """Removes the selected elements with all their links, and the selected links."""
    topology = document.topology
    elements = tuple(name for name in topology.elements if name in document.selection)
    chosen = set(elements)
    links = tuple(
        link.id
        for link in topology.links.values()
        if link.id in document.selection or {link.a.element, link.b.element} & chosen
    )
    changes: list[Change] = []
    if links:
        changes.append(DropLinks(links))
    if elements:
        changes.append(DropElements(elements))
        left = {e.group for e in topology.elements.values() if e.id not in chosen}
        gone = {topology.elements[name].group for name in elements} & topology.groups.keys()
        if gone - left:
            changes.append(DropGroups(tuple(sorted(gone - left))))
    design = document.design()
    if any(note.id in document.selection for note in design.notes):
        changes.append(removed(design, document.selection))
    if not changes:
        return None
    return document.perform(_tr("Delete"), Batch(tuple(changes)))


def selected(document: Document) -> Fragment:
    """The selected elements, the links that join two of them, their whole groups, and notes."""
    topology = document.topology
    elements = tuple(e for e in topology.elements.values() if e.id in document.selection)
    ids = {element.id for element in elements}
    links = tuple(
        link for link in topology.links.values() if link.a.element in ids and link.b.element in ids
    )
    partly = {e.group for e in topology.elements.values() if e.id not in ids}
    whole = {element.group for element in elements} - partly
    groups = tuple(group for group in topology.groups.values() if group.id in whole)
    notes = tuple(note for note in document.design().notes if note.id in document.selection)
    used = {element.spec for element in elements}
    devices = tuple(spec for spec in document.design().devices if spec.id in used)
    return Fragment(elements=elements, links=links, groups=groups, notes=notes, devices=devices)


def place(document: Document, fragment: Fragment, x: float, y: float, text: str) -> Verdict:
    """Adds a fragment with its upper left corner at a point, and selects it."""
    return _draw(document, text, lambda: fresh(document, fragment, *shift_to(fragment, x, y)))


def _add(document: Document, fragment: Fragment, text: str) -> Verdict:
    return _draw(document, text, lambda: placed(document, fragment))


def _draw(document: Document, text: str, make: Callable[[], Pasted]) -> Verdict:
    """Performs what is made as one command, and selects it; a refusal adds nothing."""
    try:
        pasted = make()
    except TopologyError as error:
        return Verdict(False, str(error))
    verdict = document.perform(text, pasted.change)
    if verdict.ok:
        document.select(pasted.ids)
    return verdict


def placed(document: Document, fragment: Fragment) -> Pasted:
    """The fragment with fresh ids and names, moved off what is drawn in its place."""
    design = document.design()
    corners = {
        (thing.x, thing.y) for things in (design.elements, design.notes) for thing in things
    }
    parts = [(part.x, part.y) for parts in (fragment.elements, fragment.notes) for part in parts]
    shift = OFFSET
    while any((x + shift, y + shift) in corners for x, y in parts):
        shift += OFFSET
    return fresh(document, fragment, shift, shift)


def fresh(document: Document, fragment: Fragment, dx: float, dy: float) -> Pasted:
    """The fragment with fresh ids and names, moved by so much.

    Raises:
        TopologyError: more notes or own devices than a design can have.
    """
    topology, design = document.topology, document.design()
    groups = _fresh_groups(document, fragment)
    devices, specs = taken_over(design, fragment.devices)
    taken = {*topology.elements, *topology.links}
    names = {element.name for element in topology.elements.values()}
    renamed: dict[str, str] = {}
    elements = []
    for element in fragment.elements:
        renamed[element.id] = new_id = free_id(_stem(element.id), taken)
        taken.add(new_id)
        name = free_name(element.name, names)
        names.add(name)
        own = groups.get(element.group)
        group = own.id if own else element.group if element.group in topology.groups else ""
        elements.append(
            msgspec.structs.replace(
                element,
                id=new_id,
                name=name,
                group=group,
                spec=specs.get(element.spec, element.spec),
                x=element.x + dx,
                y=element.y + dy,
            )
        )
    links = []
    for link in fragment.links:
        if link.a.element in renamed and link.b.element in renamed:
            new_id = free_id(_stem(link.id), taken)
            taken.add(new_id)
            links.append(
                msgspec.structs.replace(
                    link, id=new_id, a=_moved(link.a, renamed), b=_moved(link.b, renamed)
                )
            )
    changes: list[Change] = [PutGroups(tuple(groups.values()))] if groups else []
    if devices != design.devices:
        changes.append(SetSection("devices", devices))
    changes += [PutElements(tuple(elements)), PutLinks(tuple(links))]
    ids = frozenset(element.id for element in elements)
    if fragment.notes:
        notes, added = copied(design, fragment.notes, dx, dy)
        changes.append(notes)
        ids |= added
    return Pasted(Batch(tuple(changes)), ids)


def _fresh_groups(document: Document, fragment: Fragment) -> dict[str, Group]:
    """The groups that are new, by the ids that the fragment has for them; empty ones are left."""
    known = document.topology.groups
    taken, names = set(known), {group.name for group in known.values()}
    used = {element.group for element in fragment.elements}
    made: dict[str, Group] = {}
    for group in fragment.groups:
        if group.id in used:
            new_id, name = free_id(_stem(group.id), taken), free_name(group.name, names)
            taken.add(new_id)
            names.add(name)
            made[group.id] = msgspec.structs.replace(group, id=new_id, name=name)
    return made


def _moved(end: Endpoint, renamed: dict[str, str]) -> Endpoint:
    return msgspec.structs.replace(end, element=renamed[end.element])


def _stem(old_id: str) -> str:
    """An id without its number, so that copies of copies do not grow."""
    head, _, tail = old_id.rpartition("-")
    return head if head and tail.isdecimal() else old_id
