"""Arranging what is drawn: alignment, equal gaps, arrays of copies. Every answer is one change."""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.topology.changes import Batch, MoveElements, PutElements, PutLinks
from engine.topology.elements import Element, Link
from engine.topology.layout import GRID, Rectangle
from engine.topology.model import Topology
from engine.topology.naming import free_id
from engine.topology.rules import may_connect

MOST_COPIES = 10_000
LONGEST_NAME = 200


class Edge(StrEnum):
    """What is aligned."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"
    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


class ArrayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An array of copies: the selection is its first place.

    `pattern` names each copy: {name} of its original, {row}, {column} and {number} from 1.
    """

    rows: int = 1
    columns: int = 2
    gap_x: float = 2 * GRID
    gap_y: float = 2 * GRID
    pattern: str = "{name} {number}"
    connect: bool = True  # copies get the links that the originals have to others


class Arrayed(NamedTuple):
    """The change that draws the copies, their ids, and links that found no free port."""

    change: Batch
    ids: frozenset[str]
    unlinked: int


def align(boxes: Mapping[str, Rectangle], edge: Edge) -> MoveElements:
    """Puts one edge or the middle of all boxes on a line, that of the outermost or of all.

    Args:
        boxes: x, y, width, height by element id.
        edge: what lies on the line.
    """
    left = min(box[0] for box in boxes.values())
    top = min(box[1] for box in boxes.values())
    right = max(box[0] + box[2] for box in boxes.values())
    bottom = max(box[1] + box[3] for box in boxes.values())
    place: dict[Edge, Callable[[Rectangle], tuple[float, float]]] = {
        Edge.LEFT: lambda box: (left, box[1]),
        Edge.CENTRE: lambda box: ((left + right - box[2]) / 2, box[1]),
        Edge.RIGHT: lambda box: (right - box[2], box[1]),
        Edge.TOP: lambda box: (box[0], top),
        Edge.MIDDLE: lambda box: (box[0], (top + bottom - box[3]) / 2),
        Edge.BOTTOM: lambda box: (box[0], bottom - box[3]),
    }
    ids = tuple(boxes)
    return MoveElements(ids, tuple(place[edge](boxes[name]) for name in ids))


def distribute(boxes: Mapping[str, Rectangle], *, across: bool) -> MoveElements:
    """Equal gaps between neighbours; the outermost stay, boxes that overlap get equal overlaps.

    Args:
        boxes: x, y, width, height by element id, three or more.
        across: side by side, else one below the other.
    """
    axis = 0 if across else 1
    order = sorted(boxes, key=lambda name: (boxes[name][axis], name))
    first, last = boxes[order[0]], boxes[order[-1]]
    span = last[axis] + last[axis + 2] - first[axis]
    gap = (span - sum(boxes[name][axis + 2] for name in order)) / max(len(order) - 1, 1)
    places, here = [], first[axis]
    for name in order:
        box = boxes[name]
        places.append((here, box[1]) if across else (box[0], here))
        here += box[axis + 2] + gap
    return MoveElements(tuple(order), tuple(places))


def names_of(plan: ArrayPlan, name: str) -> list[str]:
    """The names of all copies of an element, row by row, without the original's place.

    Raises:
        TopologyError: a pattern with unknown fields, or that gives equal names.
    """
    names = []
    for row in range(1, plan.rows + 1):
        for column in range(1, plan.columns + 1):
            number = (row - 1) * plan.columns + column
            if number > 1:
                names.append(_filled(plan.pattern, name, row, column, number))
    if len(set(names)) != len(names):
        raise TopologyError(
            "name pattern", "it gives equal names", "use {number}, or {row} and {column}"
        )
    return names


def array_of(
    topology: Topology,
    catalog: Catalog,
    chosen: Sequence[str],
    box: Rectangle,
    plan: ArrayPlan,
) -> Arrayed:
    """Copies of elements with the links between them, in rows and columns.

    Args:
        topology: the drawing.
        catalog: for free ports.
        chosen: ids of the originals.
        box: around the originals; copies keep their places in boxes of this size.
        plan: how many, how far apart, what they are called.

    Raises:
        TopologyError: too many copies, or a pattern that cannot be.
    """
    copies = plan.rows * plan.columns - 1
    if plan.rows < 1 or plan.columns < 1 or copies < 1 or copies * len(chosen) > MOST_COPIES:
        raise TopologyError(
            "array", f"{plan.rows} x {plan.columns} of {len(chosen)}",
            f"ask for 2 places or more and {MOST_COPIES:,} copies at most",
        )  # fmt: skip
    if not all(math.isfinite(gap) and abs(gap) < 1e6 for gap in (plan.gap_x, plan.gap_y)):
        raise TopologyError("array", "its gaps cannot be", "give distances in scene units")
    builder = _Copies(topology, catalog, chosen)
    names = {name: names_of(plan, topology.elements[name].name) for name in chosen}
    for number in range(1, copies + 1):
        row, column = divmod(number, plan.columns)
        shift = (column * (box[2] + plan.gap_x), row * (box[3] + plan.gap_y))
        builder.add(shift, {name: names[name][number - 1] for name in chosen}, plan.connect)
    change = Batch((PutElements(tuple(builder.elements)), PutLinks(tuple(builder.links))))
    ids = frozenset(element.id for element in builder.elements)
    return Arrayed(change, ids | frozenset(chosen), builder.unlinked)


class _Copies:
    """Gathers copies; what they need of ports is drawn into a topology of its own."""

    def __init__(self, topology: Topology, catalog: Catalog, chosen: Sequence[str]) -> None:
        self._world = Topology(
            topology.elements.values(), topology.links.values(), topology.groups.values()
        )
        self._catalog = catalog
        self._originals = [topology.elements[name] for name in chosen]
        inside = set(chosen)
        touching = [
            link
            for link in topology.links.values()
            if link.a.element in inside or link.b.element in inside
        ]
        self._inner = [k for k in touching if {k.a.element, k.b.element} <= inside]
        self._outer = [k for k in touching if k not in self._inner]
        self._taken = {*topology.elements, *topology.links}
        self.elements: list[Element] = []
        self.links: list[Link] = []
        self.unlinked = 0

    def add(self, shift: tuple[float, float], names: Mapping[str, str], connect: bool) -> None:
        """One copy of all originals."""
        renamed: dict[str, str] = {}
        made = []
        for original in self._originals:
            renamed[original.id] = self._free(original.id)
            made.append(
                msgspec.structs.replace(
                    original,
                    id=renamed[original.id],
                    name=names[original.id],
                    x=original.x + shift[0],
                    y=original.y + shift[1],
                )
            )
        self._world.apply(PutElements(tuple(made)))
        self.elements += made
        for link in (*self._inner, *(self._outer if connect else ())):
            copy = self._copy(link, renamed)
            verdict = may_connect(self._world, self._catalog, copy.a, copy.b, copy.count)
            if verdict.ok:
                self._world.apply(PutLinks((copy,)))
                self.links.append(copy)
            else:
                self.unlinked += 1

    def _copy(self, link: Link, renamed: Mapping[str, str]) -> Link:
        ends = [
            msgspec.structs.replace(end, element=renamed.get(end.element, end.element))
            for end in (link.a, link.b)
        ]
        return msgspec.structs.replace(link, id=self._free(link.id), a=ends[0], b=ends[1])

    def _free(self, old: str) -> str:
        head, _, tail = old.rpartition("-")
        name = free_id(head if head and tail.isdecimal() else old, self._taken)
        self._taken.add(name)
        return name


def _filled(pattern: str, name: str, row: int, column: int, number: int) -> str:
    """The pattern with its fields; only plain ones are known, as text is not to be trusted."""
    text = pattern
    for field, value in (("name", name), ("row", row), ("column", column), ("number", number)):
        text = text.replace(f"{{{field}}}", str(value))
    if (
        "{"
        in pattern.replace("{name}", "")
        .replace("{row}", "")
        .replace("{column}", "")
        .replace("{number}", "")
        or not text.strip()
    ):
        raise TopologyError(
            "name pattern", f"'{pattern}' has a field that is not known",
            "use {name}, {row}, {column} and {number}",
        )  # fmt: skip
    return text.strip()[:LONGEST_NAME]
