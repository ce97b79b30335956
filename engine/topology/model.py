"""Topology: the mutable drawing. It changes only by `apply`, and knows no listener."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

from engine.catalog.devices import Medium
from engine.errors import TopologyError
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropGroups,
    DropLinks,
    InsertAt,
    MoveElements,
    PutElements,
    PutGroups,
    PutLinks,
)
from engine.topology.elements import Element, Group, Link

T = TypeVar("T", Element, Link, Group)


class Topology:
    """Elements, links and groups in the order they were drawn."""

    def __init__(
        self,
        elements: Iterable[Element] = (),
        links: Iterable[Link] = (),
        groups: Iterable[Group] = (),
    ) -> None:
        self._elements = {element.id: element for element in elements}
        self._links = {link.id: link for link in links}
        self._groups = {group.id: group for group in groups}
        self._links_of: dict[str, set[str]] = {}
        for link in self._links.values():
            self._index(link)

    @property
    def elements(self) -> Mapping[str, Element]:
        """Elements by id, in drawing order."""
        return self._elements

    @property
    def links(self) -> Mapping[str, Link]:
        """Links by id, in drawing order."""
        return self._links

    @property
    def groups(self) -> Mapping[str, Group]:
        """Groups by id, in drawing order."""
        return self._groups

    def links_of(self, element_id: str) -> list[Link]:
        """Links with an end at an element, in drawing order of their ids' insertion."""
        ids = self._links_of.get(element_id, set())
        return [link for link in self._links.values() if link.id in ids] if ids else []

    def has_links(self, element_id: str) -> bool:
        """A link ends at an element; quicker than to list them."""
        return bool(self._links_of.get(element_id))

    def ports_used(
        self, element_id: str, port: str, ignoring: frozenset[str] = frozenset()
    ) -> int:
        """Ports of a group in use on the busiest member of an element.

        A link counts its cables once for every member at its other end; one that names a member
        of an array loads that member only. What an opened rack has wired inside takes no port.
        """
        everywhere, single = 0, dict[int, int]()
        for link_id in self._links_of.get(element_id, ()):
            if link_id in ignoring:
                continue
            link = self._links[link_id]
            if self._is_wired(link):
                continue
            for own, other in ((link.a, link.b), (link.b, link.a)):
                if own.element != element_id or own.port != port:
                    continue
                peers = 1 if other.member >= 0 else self._elements[other.element].count
                if own.member < 0:
                    everywhere += link.count * peers
                else:
                    single[own.member] = single.get(own.member, 0) + link.count * peers
        return everywhere + max(single.values(), default=0)

    def _is_wired(self, link: Link) -> bool:
        """True for a scale-up or PCIe link between parts of one opened rack."""
        first, second = self._elements[link.a.element], self._elements[link.b.element]
        group = self._groups.get(first.group) if first.group == second.group else None
        return group is not None and bool(group.template) and link.medium is not Medium.ETHERNET

    def apply(self, change: Change) -> Change:
        """Performs a change and returns the one that undoes it exactly.

        Raises:
            TopologyError: the change does not fit; nothing was changed.
        """
        handler = {
            PutElements: self._put_elements,
            DropElements: self._drop_elements,
            PutLinks: self._put_links,
            DropLinks: self._drop_links,
            PutGroups: self._put_groups,
            DropGroups: self._drop_groups,
            MoveElements: self._move,
            InsertAt: self._insert,
            Batch: self._batch,
        }.get(type(change))
        if handler is None:
            raise TopologyError(
                type(change).__name__, "is not a change of the drawing", "use the design editor"
            )
        perform = cast("Callable[[Change], Change]", handler)
        return perform(change)

    def _batch(self, change: Batch) -> Batch:
        inverses: list[Change] = []
        try:
            for part in change.changes:
                inverses.append(self.apply(part))  # noqa: PERF401 - those done are undone on failure
        except TopologyError:
            for inverse in reversed(inverses):
                self.apply(inverse)
            raise
        return Batch(tuple(reversed(inverses)))

    def _put_elements(self, change: PutElements) -> Change:
        elements = change.elements
        self._refuse_twice([element.id for element in elements], "element")
        for element in elements:
            if element.count < 1:
                raise TopologyError(
                    element.name, f"has a count of {element.count}", "use 1 or more"
                )
            if element.group and element.group not in self._groups:
                raise TopologyError(element.name, f"is in no group '{element.group}'")
            self._refuse_lost_members(element)
        return self._put(self._elements, elements, PutElements, DropElements)

    def _refuse_lost_members(self, element: Element) -> None:
        for link in self.links_of(element.id):
            for end in (link.a, link.b):
                if end.element == element.id and end.member >= element.count:
                    raise TopologyError(
                        element.name, f"a link ends at its member {end.member}", "remove it first"
                    )

    def _put_links(self, change: PutLinks) -> Change:
        links = change.links
        self._refuse_twice([link.id for link in links], "link")
        for link in links:
            if link.count < 1:
                raise TopologyError(f"link {link.id}", f"has {link.count} cables", "use 1 or more")
            for end in (link.a, link.b):
                element = self._elements.get(end.element)
                if element is None:
                    raise TopologyError(f"link {link.id}", f"ends at no element '{end.element}'")
                if not -1 <= end.member < element.count:
                    raise TopologyError(
                        f"link {link.id}", f"ends at member {end.member} of {element.name}"
                    )
        replaced = [self._links[link.id] for link in links if link.id in self._links]
        for old in replaced:
            self._unindex(old)
        inverse = self._put(self._links, links, PutLinks, DropLinks)
        for link in links:
            self._index(link)
        return inverse

    def _put_groups(self, change: PutGroups) -> Change:
        self._refuse_twice([group.id for group in change.groups], "group")
        return self._put(self._groups, change.groups, PutGroups, DropGroups)

    def _drop_groups(self, change: DropGroups) -> Change:
        return InsertAt(groups=self._drop(self._groups, change.ids, "group"))

    def _put(
        self,
        known: dict[str, T],
        records: tuple[T, ...],
        put: type[PutElements] | type[PutLinks] | type[PutGroups],
        drop: type[DropElements] | type[DropLinks] | type[DropGroups],
    ) -> Change:
        replaced = tuple(known[record.id] for record in records if record.id in known)
        added = tuple(record.id for record in records if record.id not in known)
        known.update({record.id: record for record in records})
        inverses: list[Change] = []
        if added:
            inverses.append(drop(added))
        if replaced:
            inverses.append(put(replaced))  # type: ignore[arg-type]
        return inverses[0] if len(inverses) == 1 else Batch(tuple(inverses))

    def _drop_elements(self, change: DropElements) -> Change:
        for name in change.ids:
            if self._links_of.get(name):
                element = self._elements[name]
                raise TopologyError(element.name, "still has links", "remove them first")
        return InsertAt(elements=self._drop(self._elements, change.ids, "element"))

    def _drop_links(self, change: DropLinks) -> Change:
        dropped = self._drop(self._links, change.ids, "link")
        for _, link in dropped:
            self._unindex(link)
        return InsertAt(links=dropped)

    def _drop(
        self, known: dict[str, T], ids: tuple[str, ...], what: str
    ) -> tuple[tuple[int, T], ...]:
        self._refuse_twice(ids, what)
        for name in ids:
            if name not in known:
                raise TopologyError(f"{what} {name}", "is not in the drawing")
        if what == "group":
            self._refuse_used_groups(ids)
        wanted = set(ids)
        places = tuple(
            (i, record) for i, record in enumerate(known.values()) if record.id in wanted
        )
        for name in ids:
            del known[name]
        return places

    def _refuse_used_groups(self, ids: tuple[str, ...]) -> None:
        wanted = set(ids)
        for element in self._elements.values():
            if element.group in wanted:
                raise TopologyError(f"group {element.group}", f"still holds {element.name}")

    def _move(self, change: MoveElements) -> MoveElements:
        if len(change.ids) != len(change.positions):
            raise TopologyError("move", f"{len(change.ids)} ids, {len(change.positions)} places")
        missing = [name for name in change.ids if name not in self._elements]
        if missing:
            raise TopologyError(f"element {missing[0]}", "is not in the drawing")
        before = tuple((self._elements[n].x, self._elements[n].y) for n in change.ids)
        for name, (x, y) in zip(change.ids, change.positions, strict=True):
            self._elements[name] = _placed(self._elements[name], x, y)
        return MoveElements(change.ids, before)

    def _insert(self, change: InsertAt) -> Change:
        for known, rows, what in (
            (self._groups, change.groups, "group"),
            (self._elements, change.elements, "element"),
            (self._links, change.links, "link"),
        ):
            for _, record in rows:
                if record.id in known:
                    raise TopologyError(f"{what} {record.id}", "is in the drawing already")
        inverses: list[Change] = []
        if change.groups:
            self._groups = _inserted(self._groups, change.groups)
            inverses.append(DropGroups(tuple(record.id for _, record in change.groups)))
        if change.elements:
            self._elements = _inserted(self._elements, change.elements)
            inverses.append(DropElements(tuple(record.id for _, record in change.elements)))
        if change.links:
            self._links = _inserted(self._links, change.links)
            for _, link in change.links:
                self._index(link)
            inverses.append(DropLinks(tuple(link.id for _, link in change.links)))
        return inverses[0] if len(inverses) == 1 else Batch(tuple(reversed(inverses)))

    def _refuse_twice(self, ids: Iterable[str], what: str) -> None:
        seen: set[str] = set()
        for name in ids:
            if name in seen or not name:
                raise TopologyError(f"{what} '{name}'", "is named twice or not at all")
            seen.add(name)

    def _index(self, link: Link) -> None:
        for end in (link.a, link.b):
            self._links_of.setdefault(end.element, set()).add(link.id)

    def _unindex(self, link: Link) -> None:
        for end in (link.a, link.b):
            self._links_of.get(end.element, set()).discard(link.id)


def _placed(element: Element, x: float, y: float) -> Element:
    fields = {name: getattr(element, name) for name in element.__struct_fields__}
    fields.update(x=x, y=y)
    return Element(**fields)


def _inserted(known: dict[str, T], rows: tuple[tuple[int, T], ...]) -> dict[str, T]:
    """Records back at their old places: `rows` hold indices in the order before the drop."""
    records = list(known.values())
    for index, record in sorted(rows, key=lambda row: row[0]):
        records.insert(index, record)
    return {record.id: record for record in records}
