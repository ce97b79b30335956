"""What each tier lets through: the cut around its groups and the bandwidth across their middle.

A tier is a level of switches: inside a domain, then by hops from the chips' NICs. Its groups are
the chips that stay joined once all switches above that level are gone.
"""

from collections.abc import Iterator
from math import isinf

import msgspec

from engine.analysis.bisection import Cut, least_cut, leaving
from engine.analysis.flows import Arcs, colours, flow_arcs, max_flow_between
from engine.analysis.groups import groups_below, switch_levels
from engine.analysis.quotient import CHIP, Classes, Drawing, Part, stand_ins, whole
from engine.catalog.devices import DeviceKind
from engine.scenario.design import Design
from engine.topology.expand import Tier

_WEIGHED = 16  # groups of a tier beyond which one of each colour is weighed


class TierCut(msgspec.Struct, frozen=True, kw_only=True):
    """Of a tier's groups the one that can send out least for what its chips offer.

    Bytes/s, one direction. `cut` is what gets from the group's chips to all others, None where
    there are no others; `bisection` is what crosses between two halves of the group without the
    tiers above, None for a group that cannot be halved. `oversubscription` is offered / cut, at
    the top what half of the chips offer / bisection; None where nothing gets across.
    """

    tier: str
    where: str
    groups: int
    chips: int  # of that group
    offered_bytes_per_s: float
    cut_bytes_per_s: float | None
    bisection_bytes_per_s: float | None
    oversubscription: float | None


def tier_cuts(drawing: Drawing, whole_cut: Cut | None) -> tuple[TierCut, ...]:
    """All tiers from the domain up; of a folded drawing and its least cut."""
    rows = list(_domains(drawing))
    levels = switch_levels(drawing)
    kinds = {part: drawing.elements[part.element].kind for part in levels}
    tiers = sorted({v for part, v in levels.items() if kinds[part] is DeviceKind.SWITCH and v})
    classes = drawing.classes(whole)
    arcs = flow_arcs(classes)
    chips = {part for part in classes.nodes if part.kind == CHIP}
    for level in tiers:
        groups = [g for g in groups_below(drawing, level, levels) if g & chips]
        weighed = [
            (g, _sent(classes, arcs, g & chips, chips)) for g in _unlike(classes, arcs, groups)
        ]
        if not weighed:
            continue
        group, (offered, cut) = max(weighed, key=lambda row: _ratio(*row[1]) or 0.0)
        if cut is None and len(groups) == 1:
            crossing = whole_cut
        else:
            crossing = least_cut(_inside_of(drawing, group), _alone(drawing, group))
        rows.append(_row(drawing, classes, f"switch level {level}", len(groups), group, crossing,
                         offered, cut))  # fmt: skip
    return tuple(rows)


def _row(
    drawing: Drawing,
    classes: Classes,
    tier: str,
    groups: int,
    group: set[Part],
    crossing: Cut | None,
    offered: float,
    cut: float | None,
) -> TierCut:
    ratio = _ratio(offered, cut)
    if cut is None and crossing is not None and crossing.bytes_per_s:
        ratio = max(1.0, crossing.full_bytes_per_s / crossing.bytes_per_s)
    owners = {part.element for part in group if part.kind == CHIP}
    names = [e.name for e in drawing.design.elements if e.id in owners]
    return TierCut(
        tier=tier,
        where=names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more",
        groups=groups,
        chips=round(sum(classes.nodes[part] for part in group if part.kind == CHIP)),
        offered_bytes_per_s=offered,
        cut_bytes_per_s=cut,
        bisection_bytes_per_s=None if crossing is None else crossing.bytes_per_s,
        oversubscription=_finite(ratio),
    )


def _finite(ratio: float | None) -> float | None:
    return None if ratio is None or isinf(ratio) else ratio


def _ratio(offered: float, cut: float | None) -> float | None:
    if cut is None:
        return None
    return max(1.0, offered / cut) if cut else (float("inf") if offered else None)


def _sent(
    classes: Classes, arcs: Arcs, own: set[Part], chips: set[Part]
) -> tuple[float, float | None]:
    """What the chips of a group offer, and what gets to all other chips."""
    offered = leaving(classes, own)
    others = chips - own
    return offered, max_flow_between(arcs, own, others) if others else None


def _unlike(classes: Classes, arcs: Arcs, groups: list[set[Part]]) -> list[set[Part]]:
    """All groups if they are few, else one of each that colour refinement tells apart."""
    if len(groups) <= _WEIGHED:
        return groups
    colour = colours(classes, arcs)
    seen = {tuple(sorted(colour[part] for part in group)): group for group in groups}
    return list(seen.values())


def _inside_of(drawing: Drawing, group: set[Part]) -> Drawing:
    """The drawing of a group alone."""
    ids = {part.element for part in group}
    design = Design(
        elements=tuple(e for e in drawing.design.elements if e.id in ids),
        links=tuple(k for k in drawing.design.links if k.a.element in ids and k.b.element in ids),
    )
    return Drawing(design, drawing.catalog)


def _alone(drawing: Drawing, group: set[Part]) -> dict[str, tuple[str, ...]]:
    ids = {part.element for part in group}
    return {e.id: (e.id,) for e in drawing.design.elements if e.id in ids}


def _domains(drawing: Drawing) -> Iterator[TierCut]:
    """Every kind of rack: what one of its domains can send to all other chips."""
    classes = drawing.classes(stand_ins)
    arcs = flow_arcs(classes)
    chips = {part for part in classes.nodes if part.kind == CHIP}
    worst: dict[str, tuple[float | None, TierCut]] = {}
    pieces: dict[str, int] = {}
    for element in drawing.design.elements:
        count = element.count * drawing.inside(element).domains
        pieces[element.spec] = pieces.get(element.spec, 0) + count
    colour = colours(classes, arcs)
    unlike = {colour[p]: p for p in sorted(chips, reverse=True) if p.side == 0}
    for part in unlike.values():
        element = drawing.elements[part.element]
        if drawing.spec(element).rack is None:
            continue
        offered, cut = _sent(classes, arcs, {part}, chips)
        per = round(classes.nodes[part] / classes.pieces[part])
        if part.member >= 0:
            offered /= classes.pieces[part]
            cut = None if cut is None else cut / classes.pieces[part]
        row = TierCut(
            tier="scale-up domain",
            where=element.name,
            groups=pieces[element.spec],
            chips=per,
            offered_bytes_per_s=offered,
            cut_bytes_per_s=cut,
            bisection_bytes_per_s=_middle_of(classes, part, per),
            oversubscription=_finite(_ratio(offered, cut)),
        )
        old = worst.get(element.spec)
        if old is None or (_ratio(offered, cut) or 0) > (old[0] or 0):
            worst[element.spec] = _ratio(offered, cut), row
    yield from (row for _, row in worst.values())


def _middle_of(classes: Classes, part: Part, chips: int) -> float | None:
    """What crosses between two halves of a domain's chips, over scale-up links."""
    if chips < 2:
        return None
    half = chips // 2
    for row in classes.rows:
        if row.a == part and not row.drawn and row.tier is Tier.SCALE_UP:
            return half * row.bytes_per_s * (1 if row.b.kind != CHIP else chips - half)
    return None
