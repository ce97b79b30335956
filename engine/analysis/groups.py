"""Which chips are joined below a tier: levels of switches and the groups under each."""

from collections import defaultdict

import networkx as nx

from engine.analysis.quotient import Drawing, Part
from engine.catalog.devices import DeviceKind

_BEARING = (DeviceKind.CHIP, DeviceKind.RACK, DeviceKind.HOST, DeviceKind.NIC)

Place = tuple[str, int]  # element and singled-out member, -1 for the others


def switch_levels(drawing: Drawing) -> dict[Part, int]:
    """Hops of every class from the nearest that bears chips, hosts or NICs (level 0)."""
    graph = drawing.flow_graph()
    edge = [part for part in graph if drawing.elements[part.element].kind in _BEARING]
    levels = dict.fromkeys(edge, 0)
    level = 0
    while edge:
        level += 1
        edge = list({o for part in edge for o in graph[part] if o not in levels})
        levels.update(dict.fromkeys(edge, level))
    return levels


def groups_below(drawing: Drawing, level: int, levels: dict[Part, int]) -> list[set[Part]]:
    """Classes that stay joined when all switches above a level are gone, in drawing order."""
    kept = [part for part in drawing.flow_graph() if levels.get(part, level + 1) <= level]
    order = {part: i for i, part in enumerate(kept)}
    found = nx.connected_components(drawing.flow_graph().subgraph(kept))
    return sorted((set(group) for group in found), key=lambda group: min(order[p] for p in group))


def labels_of(drawing: Drawing) -> dict[Place, tuple[int, ...]]:
    """The groups of every class from the highest tier to the lowest: a sort key."""
    levels = switch_levels(drawing)
    labels: dict[Place, list[int]] = defaultdict(list)
    for level in range(max(levels.values(), default=0), 0, -1):
        for i, group in enumerate(groups_below(drawing, level, levels)):
            for place in {(part.element, part.member) for part in group}:
                labels[place].append(i)
    return {place: tuple(label) for place, label in labels.items()}
