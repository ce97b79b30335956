"""The least bandwidth between two halves of the chips: candidate halves, each cut by a flow.

Halves are drawn between scale-up domains, never through one. To find the worst half is hard in
general, so several orders of the domains are cut in the middle and the best is improved by
exchanges; the capacity of each half is the maximum flow across it, hence exact. An all-to-all
that fits the network proves how low any half can go (`proven_bytes_per_s`).
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from engine.analysis.flows import colours, flow_arcs, max_flow_between
from engine.analysis.groups import labels_of
from engine.analysis.quotient import CHIP, NIC, Classes, Drawing, Part, whole
from engine.topology.elements import Element

_DENSE = 400  # classes whose spectrum is computed
_MODES = 4
_TRIES = 24  # exchanges that are weighed
_CLOSE = 1.0 + 1e-9


class Bisection(msgspec.Struct, frozen=True, kw_only=True):
    """The least bandwidth between two halves of the chips, and how that half was taken."""

    bytes_per_s: float
    cut: str
    full_bytes_per_s: float  # what half of the chips can send at once
    oversubscription: float | None
    proven_bytes_per_s: float | None = None  # no half can have less


class Holder(NamedTuple):
    """Domains that can change places: an array's unnamed members or one named member."""

    element: str
    member: int
    pieces: int
    chips: int  # a piece


Halves = dict[tuple[str, int], int]  # (element, member) -> pieces of it in the second half


class Cut(NamedTuple):
    """A half of the chips and the flow across its border."""

    name: str
    halves: Halves
    bytes_per_s: float
    full_bytes_per_s: float
    chips: tuple[float, float]


def holders_of(drawing: Drawing) -> list[Holder]:
    """Everything that bears chips, in drawing order."""
    found = []
    for element in drawing.design.elements:
        chips = drawing.inside(element).nodes.get(CHIP, 0)
        if chips:
            for member, _, pieces in drawing.parts(element, whole):
                found.append(Holder(element.id, member, pieces, chips))
    return found


def least_cut(drawing: Drawing, origins: dict[str, tuple[str, ...]]) -> Cut | None:
    """The half with the least flow across that was found; None with fewer than two domains.

    Args:
        drawing: the folded drawing.
        origins: the drawn elements that each of its elements stands for.
    """
    holders = holders_of(drawing)
    if sum(holder.pieces for holder in holders) < 2:
        return None
    slack = max(h.chips * (1 if h.member < 0 else h.pieces) for h in holders)
    best: Cut | None = None
    tried: list[Halves] = []
    for name, halves in _candidates(drawing, holders, origins):
        if halves in tried:
            continue
        tried.append(halves)
        cut = cut_of(drawing, name, halves)
        if abs(cut.chips[0] - cut.chips[1]) > slack or not min(cut.chips):
            continue
        if best is None or cut.bytes_per_s * _CLOSE < best.bytes_per_s:
            best = cut
    return None if best is None else _improved(drawing, holders, best)


def bisection(
    drawing: Drawing, origins: dict[str, tuple[str, ...]], all_to_all: float | None = None
) -> Bisection | None:
    """The bisection of the network between scale-up domains; None where there is only one.

    Args:
        drawing: the folded drawing.
        origins: the drawn elements that each of its elements stands for.
        all_to_all: what each chip can send at least when all send to all, bytes/s.
    """
    cut = least_cut(drawing, origins)
    return None if cut is None else bisection_of(cut, all_to_all)


def bisection_of(cut: Cut, all_to_all: float | None) -> Bisection:
    """The figures of a cut: across it an all-to-all sends left x right / (chips - 1) shares."""
    value, full = cut.bytes_per_s, cut.full_bytes_per_s
    left, right = cut.chips
    proven = None if all_to_all is None else all_to_all * left * right / (left + right - 1)
    return Bisection(
        bytes_per_s=value,
        cut=cut.name,
        full_bytes_per_s=full,
        oversubscription=max(1.0, full / value) if value else None,
        proven_bytes_per_s=None if proven is None else min(proven, value),
    )


def _candidates(
    drawing: Drawing, holders: list[Holder], origins: dict[str, tuple[str, ...]]
) -> Iterable[tuple[str, Halves]]:
    yield "groups under common switches", _first_half(_by_group(drawing, holders))
    for mode in _by_spectrum(drawing, holders):
        yield "along the slowest modes of the fabric", _first_half(mode)
    yield "the middle of every array and rack", _middle(holders)
    order = [(h, h.pieces / len(origins[h.element]), o) for h in holders for o in _own(h, origins)]
    drawn = {name: i for i, name in enumerate(n for own in origins.values() for n in own)}
    order.sort(key=lambda row: drawn[row[2]])
    yield "halves in drawing order", _first_half((h, round(n)) for h, n, _ in order)
    yield "every second element", _every_second(order)


def _own(holder: Holder, origins: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return origins[holder.element] if holder.member < 0 else (holder.element,)


def _first_half(order: Iterable[tuple[Holder, int]]) -> Halves:
    """Fills the first half in a given order of domains; the rest is the second half."""
    rows = list(order)
    left = sum(holder.chips * pieces for holder, pieces in rows) / 2
    halves: Halves = {}
    for holder, pieces in rows:
        taken = min(pieces, max(0, round(left / holder.chips)))
        left -= taken * holder.chips
        key = (holder.element, holder.member)
        halves[key] = halves.get(key, 0) + pieces - taken
    return halves


def _middle(holders: list[Holder]) -> Halves:
    """Halves every holder; what is left over goes to the two sides in turn."""
    halves: Halves = {}
    odd = 0
    for holder in holders:
        halves[holder.element, holder.member] = (holder.pieces + odd % 2) // 2
        odd += holder.pieces % 2
    return halves


def _every_second(order: list[tuple[Holder, float, str]]) -> Halves:
    halves: Halves = {}
    for i, (holder, pieces, _) in enumerate(order):
        key = (holder.element, holder.member)
        halves[key] = halves.get(key, 0) + (round(pieces) if i % 2 else 0)
    return halves


def _by_group(drawing: Drawing, holders: list[Holder]) -> list[tuple[Holder, int]]:
    """Domains ordered so that those under common switches stand together, tier by tier."""
    labels = labels_of(drawing)
    keyed = [(labels.get((h.element, h.member), ()), i, h) for i, h in enumerate(holders)]
    return [(holder, holder.pieces) for _, _, holder in sorted(keyed, key=lambda row: row[:2])]


def _by_spectrum(drawing: Drawing, holders: list[Holder]) -> Iterable[list[tuple[Holder, int]]]:
    """Orders of the domains by the lowest eigenvectors of the Laplacian of capacities.

    Only where no array can be divided: a divided one has no single place in such an order.
    """
    graph = drawing.flow_graph()
    parts = list(graph)
    if any(h.pieces > 1 for h in holders) or not 3 < len(parts) <= _DENSE:
        return
    index = {part: i for i, part in enumerate(parts)}
    laplacian = np.zeros((len(parts), len(parts)))
    for a, b, rate in graph.edges(data="capacity"):
        if a != b:
            laplacian[index[a], index[b]] = laplacian[index[b], index[a]] = -rate
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    modes = np.linalg.eigh(laplacian / (np.abs(laplacian).max() or 1.0))[1]
    places = [index[Part(h.element, CHIP, h.member, 0)] for h in holders]
    for mode in range(1, min(_MODES + 1, len(parts))):
        height = np.round(modes[places, mode], 9)
        yield [(holders[i], holders[i].pieces) for i in np.argsort(height, kind="stable")]


def _improved(drawing: Drawing, holders: list[Holder], best: Cut) -> Cut:
    """Exchanges domains of two holders while that lowers the flow."""
    classes = drawing.classes(whole)
    colour = colours(classes, flow_arcs(classes))
    looks = {(p.element, p.member): colour[p] for p in classes.nodes if p.kind == CHIP}
    tries = 0
    better = True
    while better and tries < _TRIES:
        better = False
        seen = set()
        for a, b in ((a, b) for a in holders for b in holders if a is not b):
            first, second = (a.element, a.member), (b.element, b.member)
            out, into = best.halves.get(first, 0), best.halves.get(second, 0)
            moved = min(a.pieces - out, into)
            look = (looks[first], out, looks[second], into)
            if not moved or a.chips != b.chips or look in seen:
                continue
            seen.add(look)
            tries += 1
            halves = {**best.halves, first: out + moved, second: into - moved}
            cut = cut_of(drawing, "improved by exchanges", halves)
            if cut.bytes_per_s * _CLOSE < best.bytes_per_s:
                best, better = cut, True
            if better or tries >= _TRIES:
                break
    return best


def sides_of(drawing: Drawing, halves: Halves, *, alone: bool) -> Classes:
    """Classes with the domains of the second half on odd sides.

    Args:
        drawing: the folded drawing.
        halves: pieces in the second half.
        alone: whether one member of every class is split off, to be lost.
    """
    domains = {e.id: drawing.inside(e).domains for e in drawing.design.elements} if alone else {}

    def split(element: Element, count: int) -> list[tuple[int, int]]:
        second = halves.get((element.id, -1), 0)
        rows = [(0, count - second), (1, second)]
        if alone:
            one = domains[element.id]
            rows = [(s + 2 * i, n) for s, k in rows for i, n in enumerate((min(k, one), k - one))]
        return [(side, number) for side, number in rows if number > 0]

    return drawing.classes(split)


def second_half(halves: Halves, part: Part) -> bool:
    """Whether a class of chips lies in the second half."""
    if part.member >= 0:
        return halves.get((part.element, part.member), 0) > 0
    return part.side % 2 == 1


def cut_of(drawing: Drawing, name: str, halves: Halves) -> Cut:
    """The maximum flow across a half, and what the weaker side can send."""
    fixed = _unbroken(drawing, halves)
    classes = sides_of(drawing, fixed, alone=False)
    arcs = flow_arcs(classes)
    chips = [part for part in classes.nodes if part.kind == CHIP]
    right = {part for part in chips if second_half(fixed, part)}
    left = set(chips) - right
    value = max_flow_between(arcs, left, right)
    sizes = tuple(sum(classes.nodes[part] for part in side) for side in (left, right))
    full = min(leaving(classes, left), leaving(classes, right))
    return Cut(name, fixed, value, full, (sizes[0], sizes[1]))


def _unbroken(drawing: Drawing, halves: Halves) -> Halves:
    """Singled-out members go to one side whole: their domains are one class."""
    pieces = {(h.element, h.member): h.pieces for h in holders_of(drawing)}
    return {
        key: number if key[1] < 0 or 2 * number < pieces[key] else pieces[key]
        for key, number in halves.items()
        if key[1] < 0 or 2 * number >= pieces[key]
    }


def leaving(classes: Classes, chips: set[Part]) -> float:
    """What chips can send at once: their links to NICs and to drawn devices, bytes/s."""
    return sum(
        row.links * row.bytes_per_s
        for row in classes.rows
        for own, other in ((row.a, row.b), (row.b, row.a))
        if own in chips and (other.element != own.element or other.kind == NIC)
    )


def flow_between(drawing: Drawing, sources: frozenset[str], targets: frozenset[str]) -> float:
    """The maximum flow in bytes/s between two disjoint selections of elements."""
    classes = drawing.classes(whole)
    arcs = flow_arcs(classes)

    def chosen(ids: frozenset[str]) -> set[Part]:
        kinds = {}
        for element_id in ids:
            nodes = drawing.inside(drawing.elements[element_id]).nodes
            kinds[element_id] = CHIP if CHIP in nodes else next(iter(nodes))
        return {part for part in classes.nodes if kinds.get(part.element) == part.kind}

    return max_flow_between(arcs, chosen(sources), chosen(targets))
