"""A layered layout of any drawing: tiers above each other, neighbours below neighbours.

Tiers follow the roles of a cluster: clients and storage on top, switches by how far they are from what
they serve, then racks, hosts and NICs, chips at the bottom. Within a tier elements are ordered by the
means of their neighbours' places, up and down in turn (the barycentre rule of Sugiyama, Tagawa and Toda,
IEEE SMC 11, 1981), which keeps links from crossing. Long tiers are broken into rows.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.topology.changes import MoveElements
from engine.topology.elements import Element, Link
from engine.topology.layout import GRID, element_size

SWEEPS = 12
GAP = 3 * GRID
ROW_GAP = 4 * GRID
TIER_GAP = 8 * GRID
WIDEST = 12_000.0  # scene units before a tier gets another row
_TOP = (DeviceKind.CLIENT, DeviceKind.STORAGE)
_SERVED = (DeviceKind.RACK, DeviceKind.HOST, DeviceKind.NIC)


class LayoutStopped(Exception):  # noqa: N818 - not an error
    """Whoever asked for the layout does not want it any more."""


def layered(
    elements: Sequence[Element],
    links: Iterable[Link],
    catalog: Catalog,
    stopped: Callable[[], bool] = lambda: False,
) -> MoveElements:
    """New places for elements: the same drawing gives the same ones; its top left corner stays.

    Args:
        elements: what is laid out.
        links: those between two of them count.
        catalog: for their sizes; an unknown device is as large as a client.
        stopped: asked now and then.

    Raises:
        LayoutStopped: `stopped` said so.
    """
    sizes = {element.id: _size(element, catalog) for element in elements}
    near = _neighbours(elements, links)
    tiers = _ordered(_tiers(elements, near), near, stopped)
    left = min((element.x for element in elements), default=0.0)
    top = min((element.y for element in elements), default=0.0)
    rows = [row for tier in tiers for row in _rows(tier, sizes)]
    widths = [_width(row, sizes) for row in rows]
    widest = max(widths, default=0.0)
    places: dict[str, tuple[float, float]] = {}
    y, seen = top, 0
    for tier in tiers:
        for row in _rows(tier, sizes):
            x = left + (widest - widths[seen]) / 2
            for name in row:
                places[name] = (round(x / GRID) * GRID, round(y / GRID) * GRID)
                x += sizes[name][0] + GAP
            y += max(sizes[name][1] for name in row) + ROW_GAP
            seen += 1
        y += TIER_GAP - ROW_GAP
    ids = tuple(element.id for element in elements)
    return MoveElements(ids, tuple(places[name] for name in ids))


def _size(element: Element, catalog: Catalog) -> tuple[float, float]:
    spec: DeviceSpec | None = catalog.devices.get(element.spec)
    return (144.0, 64.0) if spec is None else element_size(element, spec)


def _neighbours(elements: Sequence[Element], links: Iterable[Link]) -> dict[str, list[str]]:
    near: dict[str, list[str]] = {element.id: [] for element in elements}
    for link in links:
        a, b = link.a.element, link.b.element
        if a in near and b in near:
            near[a].append(b)
            near[b].append(a)
    return near


def _tiers(elements: Sequence[Element], near: Mapping[str, list[str]]) -> list[list[str]]:
    """Ids of each tier from top to bottom, in the order of the drawing."""
    kinds = {element.id: element.kind for element in elements}
    switches = [name for name, kind in kinds.items() if kind is DeviceKind.SWITCH]
    served = [name for name, kind in kinds.items() if kind in (*_SERVED, DeviceKind.CHIP)]
    level = _levels(switches, served, near, kinds)
    depth = max(level.values(), default=0)
    tiers: list[list[str]] = [[name for name, kind in kinds.items() if kind in _TOP]]
    tiers += [[n for n in switches if level[n] == wanted] for wanted in range(depth, 0, -1)]
    tiers.append([name for name, kind in kinds.items() if kind in _SERVED])
    tiers.append([name for name, kind in kinds.items() if kind is DeviceKind.CHIP])
    return [tier for tier in tiers if tier]


def _levels(
    switches: Sequence[str],
    served: Sequence[str],
    near: Mapping[str, list[str]],
    kinds: Mapping[str, DeviceKind],
) -> dict[str, int]:
    """How many switches a switch is away from what it serves; those that serve nothing are low."""
    level: dict[str, int] = {}
    queue = deque((name, 0) for name in served)
    known = set(served)
    while queue:
        name, far = queue.popleft()
        for other in near[name]:
            if other not in known and kinds[other] is DeviceKind.SWITCH:
                known.add(other)
                level[other] = far + 1
                queue.append((other, far + 1))
    return {name: level.get(name, 1) for name in switches}


def _ordered(
    tiers: list[list[str]], near: Mapping[str, list[str]], stopped: Callable[[], bool]
) -> list[list[str]]:
    """Tiers in an order in which links cross little: the best of some sweeps."""
    best, fewest = tiers, _length(tiers, near)
    for sweep in range(SWEEPS):
        if stopped():
            raise LayoutStopped
        tiers = _swept(tiers, near, down=sweep % 2 == 0)
        length = _length(tiers, near)
        if length < fewest:
            best, fewest = tiers, length
    return best


def _swept(
    tiers: list[list[str]], near: Mapping[str, list[str]], *, down: bool
) -> list[list[str]]:
    found = [list(tier) for tier in tiers]
    order = range(1, len(found)) if down else range(len(found) - 2, -1, -1)
    for here in order:
        others = found[:here] if down else found[here + 1 :]
        place = {
            name: (number + 0.5) / len(tier) for tier in others for number, name in enumerate(tier)
        }
        own = {name: (n + 0.5) / len(found[here]) for n, name in enumerate(found[here])}

        def mean(
            name: str, place: Mapping[str, float] = place, own: Mapping[str, float] = own
        ) -> float:
            known = [place[other] for other in near[name] if other in place]
            return sum(known) / len(known) if known else own[name]

        found[here].sort(key=lambda name: (mean(name), own[name]))
    return found


def _length(tiers: Sequence[Sequence[str]], near: Mapping[str, list[str]]) -> float:
    """How far links go sideways in all: what crossings grow with."""
    place = {name: (n + 0.5) / len(tier) for tier in tiers for n, name in enumerate(tier)}
    return sum(abs(place[name] - place[other]) for name in place for other in near[name])


def _width(row: Sequence[str], sizes: Mapping[str, tuple[float, float]]) -> float:
    return sum(sizes[name][0] + GAP for name in row) - GAP


def _rows(tier: Sequence[str], sizes: Mapping[str, tuple[float, float]]) -> list[list[str]]:
    """A tier in rows that are not too wide, of about equal width."""
    total = _width(tier, sizes)
    wanted = total / max(1, -(-total // WIDEST)) if total > 0 else WIDEST
    rows: list[list[str]] = [[]]
    for name in tier:
        if rows[-1] and _width([*rows[-1], name], sizes) > wanted + sizes[name][0]:
            rows.append([])
        rows[-1].append(name)
    return rows
