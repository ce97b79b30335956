"""N-1: what is left when one component fails, for every class of components.

Only components that the symmetry tells apart are weighed: one member of each array, one cable of
each bundle, one plane, host and NIC of each kind of rack. The row of a class is its worst.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from engine.analysis.bisection import Cut, second_half, sides_of
from engine.analysis.flows import F8, Arcs, flow_arcs, max_flow_between, refine
from engine.analysis.groups import switch_levels
from engine.analysis.quotient import CHIP, HOST, NIC, RELAYS, SWITCH, Classes, Drawing, Part, Row

MAX_WEIGHED = 24  # components of a class, the one with the most capacity first
_SWITCHES = {0: "switch", 1: "leaf", 2: "spine"}
_ORDER = ("cable", "uplink bundle", "fabric bundle", "service bundle", "plane", "NIC", "host", "switch", "leaf",
          "spine", "core switch")  # fmt: skip


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """The worst single loss in a class of components.

    `chips` no longer reach the largest group of chips. `bisection_left` is the share of the
    bisection that stays, None where there is none; `domain_left` that of what the domain hit
    hardest can send, for a plane what it can exchange inside. `exact` is False where the class
    has more unlike components than were weighed.
    """

    component: str
    name: str
    subject: str  # element or link id
    chips: int
    bisection_left: float | None
    domain_left: float | None
    exact: bool


class _Candidate(NamedTuple):
    """One component that may fail, and what its loss leaves of the rows of cables it touches."""

    component: str
    name: str
    subject: str
    rows: list[int]  # of the classes
    factor: float  # what is left of their capacity
    unlike: tuple[object, ...]  # equal for components that cannot be told apart
    chips: int = 0  # that fail with it
    inside: float | None = None  # what stays of the domain's own fabric


class _World(NamedTuple):
    drawing: Drawing
    classes: Classes
    arcs: Arcs
    colour: dict[Part, int]
    left: set[Part]
    right: set[Part]
    levels: dict[tuple[str, int], int]
    rows_of: dict[Part, list[int]]  # rows of cables that touch a class


def losses(drawing: Drawing, cut: Cut | None) -> tuple[Loss, ...]:
    """The worst loss of every class of components that is drawn; of a folded drawing."""
    world = _world(drawing, cut)
    by_class: dict[str, dict[tuple[object, ...], _Candidate]] = defaultdict(dict)
    for found in (*_switches(world), *_bundles(world), *_insides(world)):
        by_class[found.component].setdefault(found.unlike, found)
    before = _largest_group(world, world.arcs.capacity)
    return tuple(
        _worst(world, list(by_class[name].values()), cut, before)
        for name in _ORDER
        if by_class.get(name)
    )


def _world(drawing: Drawing, cut: Cut | None) -> _World:
    halves = {} if cut is None else cut.halves
    classes = sides_of(drawing, halves, alone=True)
    arcs = flow_arcs(classes)
    chips = [part for part in classes.nodes if part.kind == CHIP]
    right = {part for part in chips if second_half(halves, part)}
    left = set(chips) - right
    start = np.zeros(arcs.nodes, np.int64)
    start[[arcs.sends[part] for part in left]] = 1
    start[[arcs.sends[part] for part in right]] = 2
    colour = refine(start, arcs.source, arcs.target, arcs.capacity)
    colours = {part: int(colour[node]) for part, node in arcs.sends.items()}
    levels = {(p.element, p.member): level for p, level in switch_levels(drawing).items()}
    rows_of: dict[Part, list[int]] = {part: [] for part in classes.nodes}
    for i, row in enumerate(classes.rows):
        for part in {row.a, row.b}:
            rows_of[part].append(i)
    return _World(drawing, classes, arcs, colours, left, right, levels, rows_of)


def _capacity(world: _World, candidate: _Candidate) -> F8:
    """[arcs] bytes/s that are left after a loss."""
    left = world.arcs.capacity.copy()
    rows = np.array(candidate.rows, np.int64)
    left[2 * rows] *= candidate.factor
    left[2 * rows + 1] *= candidate.factor
    return left


def _weight(world: _World, candidate: _Candidate) -> float:
    """Bytes/s that a loss takes away."""
    rows = np.array(candidate.rows, np.int64)
    return float(world.arcs.capacity[2 * rows].sum()) * (1.0 - candidate.factor)


def _worst(world: _World, found: list[_Candidate], cut: Cut | None, before: float) -> Loss:
    found.sort(key=lambda c: -_weight(world, c))
    rows: list[tuple[int, float, _Candidate]] = []
    for candidate in found[:MAX_WEIGHED]:
        lost, share = candidate.chips, 1.0
        if candidate.factor < 1.0:
            left = _capacity(world, candidate)
            lost += max(0, round(before - _largest_group(world, left)))
            if cut is not None and cut.bytes_per_s:
                flow = max_flow_between(world.arcs, world.left, world.right, left)
                share = min(1.0, flow / cut.bytes_per_s)
        rows.append((-lost, share, candidate))
    lost, share, worst = min(rows, key=lambda row: row[:2])
    return Loss(
        component=worst.component,
        name=worst.name,
        subject=worst.subject,
        chips=-lost,
        bisection_left=share if cut is not None and cut.bytes_per_s else None,
        domain_left=worst.inside if worst.inside is not None else _domain_left(world, worst),
        exact=len(found) <= MAX_WEIGHED,
    )


def _largest_group(world: _World, capacity: F8) -> float:
    """Chips on the set of joined relays that most chips hang on, with the capacity left."""
    arcs, classes = world.arcs, world.classes
    live = (capacity > 0)[::2]
    ends = [(arcs.sends[r.a], arcs.sends[r.b], r.a.kind, r.b.kind) for r in classes.rows]
    table = np.array(ends, np.int64).reshape(-1, 4)[live]
    relays = np.isin(table[:, 2], list(RELAYS)) & np.isin(table[:, 3], list(RELAYS))
    a, b = table[relays, 0], table[relays, 1]
    graph = csr_array((np.ones(len(a)), (a, b)), shape=(arcs.nodes, arcs.nodes))
    label = connected_components(graph, directed=False)[1]
    size = np.zeros(arcs.nodes)
    for part, number in classes.nodes.items():
        size[arcs.sends[part]] = number
    pairs = set()
    for chip, relay in ((0, 1), (1, 0)):
        rows = (table[:, 2 + chip] == CHIP) & np.isin(table[:, 2 + relay], list(RELAYS))
        pairs |= set(
            zip(table[rows, chip].tolist(), label[table[rows, relay]].tolist(), strict=True)
        )
    total: dict[int, float] = defaultdict(float)
    for chip, group in pairs:
        total[group] += float(size[chip])
    return max(total.values(), default=0.0)


def _domain_left(world: _World, candidate: _Candidate) -> float | None:
    """What the domain hit hardest can still send to all other chips, of those next to the loss."""
    arcs, chips = world.arcs, world.left | world.right
    rate = _capacity(world, candidate)
    touched = [world.classes.rows[i] for i in candidate.rows]
    hit = {end.element for row in touched for end in (row.a, row.b)}
    near = sorted(part for part in chips if part.element in hit and part.side < 2)[:2]
    shares = []
    for part in near or sorted(part for part in chips if part.side < 2)[:1]:
        full = max_flow_between(arcs, {part}, chips - {part})
        if full:
            shares.append(max_flow_between(arcs, {part}, chips - {part}, rate) / full)
    return min(1.0, *shares) if len(shares) > 1 else min(shares, default=None)


def _switches(world: _World) -> Iterator[_Candidate]:
    """Every drawn switch and host, one member of an array."""
    for part in world.classes.nodes:
        element = world.drawing.elements[part.element]
        rack = world.drawing.spec(element).rack
        if part.side > 1 or rack is not None or part.kind not in (SWITCH, HOST):
            continue
        component = "host"
        if part.kind == SWITCH:
            level = world.levels.get((part.element, part.member), 0)
            component = _SWITCHES.get(level, "core switch")
        unlike = (world.colour[part],)
        rows = world.rows_of[part]
        yield _Candidate(component, element.name, part.element, rows, 0.0, unlike)


def _bundles(world: _World) -> Iterator[_Candidate]:
    """Every bundle between two single devices, and one cable of it."""
    for i, row in enumerate(world.classes.rows):
        if not row.drawn or row.a.side > 1 or row.b.side > 1:
            continue
        names = [world.drawing.elements[end.element].name for end in (row.a, row.b)]
        name = " to ".join(names)
        unlike = (*sorted((world.colour[row.a], world.colour[row.b])), _cables(world, row))
        yield _Candidate(_bundle(row), name, row.drawn, [i], 0.0, unlike)
        left = max(0.0, 1.0 - 1.0 / _cables(world, row))
        yield _Candidate("cable", name, row.drawn, [i], left, unlike)


def _bundle(row: Row) -> str:
    kinds = {row.a.kind, row.b.kind}
    if kinds == {SWITCH}:
        return "fabric bundle"
    return "uplink bundle" if kinds <= {SWITCH, CHIP, HOST, NIC} else "service bundle"


def _cables(world: _World, row: Row) -> float:
    """Cables between two single devices or racks."""
    link = next(k for k in world.drawing.links_of(row.a.element) if k.id == row.drawn)
    return max(1.0, row.links * row.bytes_per_s / world.drawing.cable(link).bytes_per_s)


def _insides(world: _World) -> Iterator[_Candidate]:
    """A plane, a host and a NIC of every rack that can be told apart."""
    for part in world.classes.nodes:
        element = world.drawing.elements[part.element]
        rack = world.drawing.spec(element).rack
        if rack is None or part.kind != CHIP or part.side > 1:
            continue
        chips = world.classes.nodes[part]
        unlike = (element.spec, world.colour[part])
        about = element.name, part.element
        if rack.fabric == "switched":
            inner = (rack.planes - 1) / rack.planes
            yield _Candidate("plane", *about, [], 1.0, unlike, inside=inner)
        hit = round(min(chips, rack.chips_per_host))
        rows = sorted({i for p in _rack(part) for i in world.rows_of.get(p, ())})
        yield _Candidate("host", *about, rows, 1.0 - hit / chips, unlike, chips=hit)
        if rack.nics_per_chip:
            nic = part._replace(kind=NIC)
            left = 1.0 - 1.0 / world.classes.nodes[nic]
            yield _Candidate("NIC", *about, world.rows_of[nic], left, unlike)


def _rack(part: Part) -> set[Part]:
    return {part._replace(kind=kind) for kind in (CHIP, HOST, SWITCH, NIC)}
