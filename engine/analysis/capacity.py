"""Bandwidth between halves of the cluster, tier by tier, and between any two selections."""

import msgspec
import networkx as nx

from engine.analysis.quotient import (
    CHIP,
    NIC,
    Drawing,
    Part,
    Split,
    folded_flow,
    halves,
    whole,
)
from engine.catalog.devices import DeviceKind
from engine.topology.elements import Element


class TierCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """One tier: what its chips or switches offer downwards against what gets across.

    `oversubscription` is offered / carried: 1 means non-blocking. Bytes/s, one direction.
    """

    tier: str
    where: str
    offered_bytes_per_s: float
    carried_bytes_per_s: float
    oversubscription: float | None


class Bisection(msgspec.Struct, frozen=True, kw_only=True):
    """The least bandwidth between two halves of the chips, and how that half was taken."""

    bytes_per_s: float
    cut: str
    full_bytes_per_s: float  # what half of the chips can send at once
    oversubscription: float | None


def scale_up_tiers(drawing: Drawing) -> tuple[TierCapacity, ...]:
    """Every kind of rack domain: what half of its chips offer, and what crosses its middle."""
    rows = {}
    for element in drawing.design.elements:
        rack = drawing.spec(element).rack
        if rack is None or rack.chips_per_domain < 2:
            continue
        half = rack.chips_per_domain // 2
        link = rack.plane_link_bytes_per_s.value
        switch = drawing.catalog.device(rack.switch)
        usable = switch.value("efficiency", 1.0)
        if rack.fabric == "switched":
            offered = crossing = half * rack.planes * link * usable
        else:
            offered = half * (rack.chips_per_domain - 1) * link * usable
            crossing = half * (rack.chips_per_domain - half) * link * usable
        rows[element.spec] = TierCapacity(
            tier="scale-up",
            where=f"{element.name}: a domain of {rack.chips_per_domain} chips",
            offered_bytes_per_s=offered,
            carried_bytes_per_s=crossing,
            oversubscription=max(1.0, offered / crossing) if crossing else None,
        )
    return tuple(rows.values())


def switch_tiers(drawing: Drawing) -> tuple[TierCapacity, ...]:
    """Every drawn switch: bandwidth towards the chips against bandwidth away from them."""
    graph = drawing.flow_graph()
    levels = _levels(drawing, graph)
    rows = []
    for element in drawing.design.elements:
        if element.kind is not DeviceKind.SWITCH:
            continue
        down = up = 0.0
        own = [part for part in graph if part.element == element.id]
        level = min((levels[part] for part in own if part in levels), default=None)
        if level is None:
            continue
        for part in own:
            for other, data in graph[part].items():
                below = levels.get(other, level) < level
                clients = drawing.elements[other.element].kind
                if below:
                    down += data["capacity"]
                elif clients not in (DeviceKind.CLIENT, DeviceKind.STORAGE):
                    up += data["capacity"]
        rows.append(
            TierCapacity(
                tier=f"switch level {level}",
                where=f"{element.name} x{element.count}" if element.count > 1 else element.name,
                offered_bytes_per_s=down,
                carried_bytes_per_s=up,
                oversubscription=down / up if up else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.tier, row.where)))


def _levels(drawing: Drawing, graph: nx.Graph) -> dict[Part, int]:
    """Hops from the nearest part that bears chips, hosts or NICs."""
    bearing = (DeviceKind.CHIP, DeviceKind.RACK, DeviceKind.HOST, DeviceKind.NIC)
    edge = [part for part in graph if drawing.elements[part.element].kind in bearing]
    levels = dict.fromkeys(edge, 0)
    while edge:
        edge = [o for part in edge for o in graph[part] if levels.setdefault(o, -1) < 0]
        level = max(levels.values()) + 1
        levels.update(dict.fromkeys(edge, level))
    return levels


def bisection(drawing: Drawing, origins: dict[str, tuple[str, ...]]) -> Bisection | None:
    """The bisection of the network between scale-up domains; None where there is only one.

    Balanced halves are tried in three ways and the least wins: the middle of every array and
    rack, the first half of the chips in drawing order, and every second element.

    Args:
        drawing: the folded drawing.
        origins: the drawn elements that each of its elements stands for.
    """
    units = [element for element in drawing.design.elements if drawing.chips(element)]
    if sum(element.count * drawing.inside(element).domains for element in units) < 2:
        return None
    cuts = [("the middle of every array and rack", _cut(drawing, units, halves))]
    if sum(len(origins[element.id]) for element in units) > 1:
        order = [(origin, e) for e in units for origin in origins[e.id]]
        cuts.append(("halves in drawing order", _cut(drawing, units, _first(drawing, order))))
        second = {origin for origin, _ in order[1::2]}
        cuts.append(("every second element", _cut(drawing, units, _chosen(origins, second))))
    name, (value, full) = min(cuts, key=lambda cut: cut[1][0])
    return Bisection(
        bytes_per_s=value,
        cut=name,
        full_bytes_per_s=full,
        oversubscription=max(1.0, full / value) if value else None,
    )


def _first(drawing: Drawing, order: list[tuple[str, Element]]) -> Split:
    """Puts the first half of the chips, as drawn, on one side."""
    origins: dict[str, list[str]] = {}
    for origin, element in order:
        origins.setdefault(element.id, []).append(origin)
    chips = [drawing.chips(e) * e.count // len(origins[e.id]) for _, e in order]
    total, counted, late = sum(chips), 0, set[str]()
    for (origin, _), own in zip(order, chips, strict=True):
        if 2 * counted >= total:
            late.add(origin)
        counted += own
    return _chosen({name: tuple(own) for name, own in origins.items()}, late)


def _chosen(origins: dict[str, tuple[str, ...]], other_side: set[str]) -> Split:
    """Members whose drawn element is in `other_side` go to side 1."""

    def split(element: Element, count: int) -> list[tuple[int, int]]:
        own = origins.get(element.id, (element.id,))
        moved = count * sum(origin in other_side for origin in own) // len(own)
        return [(side, n) for side, n in ((0, count - moved), (1, moved)) if n]

    return split


def _cut(drawing: Drawing, units: list[Element], split: Split) -> tuple[float, float]:
    """The flow across a split, and what the weaker side can send."""
    graph = drawing.flow_graph(split)
    ids = {element.id for element in units}
    mine = {part for part in graph if part.element in ids and part.kind == CHIP}
    left = {p for p in mine if (p.member % 2 == 0 if p.member >= 0 else p.side == 0)}
    return folded_flow(graph, left, mine - left), _offered(graph, left, mine - left)


def _offered(graph: nx.Graph, left: set[Part], right: set[Part]) -> float:
    """What the weaker half can send: links of its chips to NICs and to drawn devices."""

    def leaving(side: set[Part]) -> float:
        return sum(
            float(data["capacity"])
            for part in side
            for other, data in graph[part].items()
            if other.element != part.element or other.kind == NIC
        )

    return min(leaving(left), leaving(right))


def flow_between(drawing: Drawing, sources: frozenset[str], targets: frozenset[str]) -> float:
    """The maximum flow in bytes/s between two disjoint selections of elements."""
    graph = drawing.flow_graph(whole)

    def chosen(ids: frozenset[str]) -> set[Part]:
        parts = set()
        for element_id in ids:
            nodes = drawing.inside(drawing.elements[element_id]).nodes
            kind = CHIP if CHIP in nodes else next(iter(nodes))
            parts |= {p for p in graph if p.element == element_id and p.kind == kind}
        return parts

    return folded_flow(graph, chosen(sources), chosen(targets))
