"""What each tier offers downwards against what it carries on: domains of racks and switches."""

import msgspec

from engine.analysis.groups import switch_levels
from engine.analysis.quotient import Drawing
from engine.catalog.devices import DeviceKind


class TierCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """One tier: what its chips or switches offer downwards against what gets across.

    `oversubscription` is offered / carried: 1 means non-blocking. Bytes/s, one direction.
    """

    tier: str
    where: str
    offered_bytes_per_s: float
    carried_bytes_per_s: float
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
    graph, levels = drawing.flow_graph(), switch_levels(drawing)
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
