"""Ready drawings as plain records: racks on leaves, a leaf-spine over them, a mesh, a whole hall."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.errors import TopologyError
from engine.topology.elements import Element, Endpoint, Link
from engine.topology.layout import GRID

HOMES = 2  # leaves that each rack, host or client of a hall is cabled to


class HallPlan(NamedTuple):
    """What a two-tier hall is asked to have; the rest follows from the ports of its switches.

    A rack's `uplinks` go half to each of the two leaves of its pod. `oversubscription` is the rate
    of a leaf's ports down over that of its ports up. Clients and hosts hang on leaves of their own.
    """

    racks: int
    uplinks: int = 8
    oversubscription: float = 1.5
    clients: int = 0
    hosts: int = 0
    rack: str = "panjiu-al128-2x64"
    leaf: str = "hpn7-leaf"
    spine: str = "hpn7-spine"
    client: str = "client-gateway"
    host: str = "x86-host"


class Drawing(NamedTuple):
    """Elements and links of a generated drawing."""

    elements: tuple[Element, ...]
    links: tuple[Link, ...]


def draw(
    catalog: Catalog, spec_id: str, element_id: str, name: str, x: float, y: float, count: int = 1
) -> Element:
    """An element of a device of the shop, its corner on the grid."""
    spec = catalog.device(spec_id)
    return Element(
        id=element_id,
        kind=spec.kind,
        spec=spec_id,
        name=name,
        x=round(x / GRID) * GRID,
        y=round(y / GRID) * GRID,
        count=count,
    )


def cable(
    catalog: Catalog, link_id: str, a: tuple[Element, str], b: tuple[Element, str], count: int
) -> Link:
    """A bundle between two port groups at the slower port's rate and the latency of both."""
    specs = catalog.device(a[0].spec), catalog.device(b[0].spec)
    port_a, port_b = specs[0].port(a[1]), specs[1].port(b[1])
    assert port_a is not None
    assert port_b is not None
    return Link(
        id=link_id,
        a=Endpoint(element=a[0].id, port=a[1]),
        b=Endpoint(element=b[0].id, port=b[1]),
        medium=port_a.medium,
        count=count,
        bandwidth_bytes_per_s=min(
            port_a.bandwidth_bytes_per_s.value, port_b.bandwidth_bytes_per_s.value
        ),
        latency_s=port_a.latency_s.value + port_b.latency_s.value,
    )


def racks_on_leaves(
    catalog: Catalog, racks: Element, leaves: Sequence[Element], uplinks: int
) -> tuple[Link, ...]:
    """Links that split a rack's uplinks evenly over leaves."""
    return tuple(
        cable(
            catalog,
            f"{racks.id}-{leaf.id}",
            (racks, "uplink"),
            (leaf, "port"),
            max(1, uplinks // len(leaves)),
        )
        for leaf in leaves
    )


def leaf_spine(
    catalog: Catalog, leaves: Element, spines: Element, cables_per_pair: int
) -> tuple[Link, ...]:
    """The full bipartite fabric between an array of leaves and one of spines."""
    return (
        cable(
            catalog,
            f"{leaves.id}-{spines.id}",
            (leaves, "port"),
            (spines, "port"),
            cables_per_pair,
        ),
    )


def mesh_of_eight(
    catalog: Catalog, spec_id: str, x: float, y: float
) -> tuple[tuple[Element, ...], tuple[Link, ...]]:
    """Eight chips, each linked to every other by one scale-up cable."""
    spec = catalog.device(spec_id)
    assert spec.kind is DeviceKind.CHIP
    port = spec.ports[0].name
    chips = tuple(
        draw(
            catalog,
            spec_id,
            f"chip-{i}",
            f"{spec.name} {i}",
            x + 176 * (i % 4),
            y + 160 * (i // 4),
        )
        for i in range(8)
    )
    links = tuple(
        cable(catalog, f"mesh-{i}-{j}", (chips[i], port), (chips[j], port), 1)
        for i in range(8)
        for j in range(i + 1, 8)
    )
    return chips, links


def hall(
    catalog: Catalog, plan: HallPlan, *, singles: bool = False, broken: bool = False
) -> Drawing:
    """Racks in pods under two leaves each, all leaves under all spines.

    Args:
        catalog: the shop.
        plan: what the hall has.
        singles: every rack is an element of its own, in place of one array a pod.
        broken: the last rack lacks its cables to one of its leaves.

    Raises:
        TopologyError: the leaves are more than a spine has ports, or a number is below one.
    """
    down, up = _leaf_ports(catalog, plan)
    pods = _pods(catalog, plan, down)
    ends = [_in_pods(catalog, plan, pod, singles, broken) for pod in pods]
    ends += _on_borders(catalog, plan, down)
    leaves = [(leaf, leaf.count) for leaf, _, _ in ends]
    ports = _ports(catalog, plan.spine)
    total = sum(count for _, count in leaves)
    if total > ports:
        raise TopologyError(
            "hall",
            f"{total} leaves do not fit under spines of {ports} ports",
            "take fewer uplinks or more oversubscription",
        )
    widest = min(ports // total, up)
    # a divisor, so that no port up is left empty
    each = next(cables for cables in range(widest, 0, -1) if up % cables == 0)
    spine = draw(catalog, plan.spine, "spine", "Spine", 0, 96, up // each)
    links = [cable(catalog, f"{leaf.id}-spine", (leaf, "port"), (spine, "port"), each)
             for leaf, _ in leaves]  # fmt: skip
    below = [element for _, elements, _ in ends for element in elements]
    inside = [link for _, _, cables in ends for link in cables]
    return Drawing((spine, *(leaf for leaf, _ in leaves), *below), (*inside, *links))


_Pod = tuple[Element, list[Element], list[Link]]  # leaves, what hangs on them, cables between


def _ports(catalog: Catalog, spec_id: str) -> int:
    return max(port.count for port in catalog.device(spec_id).ports)


def _leaf_ports(catalog: Catalog, plan: HallPlan) -> tuple[int, int]:
    """Ports of a leaf that lead down and up."""
    smallest = min(plan.racks, plan.uplinks // HOMES)
    if smallest < 1 or plan.uplinks % HOMES or not plan.oversubscription > 0:
        raise TopologyError(
            "hall",
            f"{plan.racks} racks with {plan.uplinks} uplinks, {plan.oversubscription:g}:1",
            f"give at least one rack, a multiple of {HOMES} uplinks and a ratio above 0",
        )
    ports = _ports(catalog, plan.leaf)
    up = max(1, int(ports / (1.0 + plan.oversubscription)))
    return ports - up, up


def _pods(catalog: Catalog, plan: HallPlan, down: int) -> list[tuple[int, int, bool]]:
    """Number, racks and whether it is the last one, of each pod."""
    each = down // (plan.uplinks // HOMES)
    if each < 1:
        raise TopologyError(
            "hall",
            f"the {plan.uplinks} uplinks of a rack need more than the {down} ports down of "
            f"{HOMES} leaves",
            "take fewer uplinks or more oversubscription",
        )
    count = -(-plan.racks // each)
    return [(pod, min(each, plan.racks - pod * each), pod == count - 1) for pod in range(count)]


def _in_pods(
    catalog: Catalog, plan: HallPlan, pod: tuple[int, int, bool], singles: bool, broken: bool
) -> _Pod:
    number, count, last = pod
    x = 320 * number
    leaf = draw(catalog, plan.leaf, f"leaf-{number}", f"Leaf {number}", x, 256, HOMES)
    lonely = 1 if broken and last else 0
    if singles:
        racks = [
            draw(catalog, plan.rack, f"rack-{number}-{i}", f"Rack {number}.{i}", x, 416 + 192 * i)
            for i in range(count)
        ]
    else:
        sizes = [size for size in (count - lonely, lonely) if size]
        racks = [
            draw(catalog, plan.rack, f"rack-{number}-{i}", f"Racks {number}.{i}", x, 416 + 192 * i,
                 size)
            for i, size in enumerate(sizes)
        ]  # fmt: skip
    links = [
        cable(catalog, f"{rack.id}-up", (rack, "uplink"), (leaf, "port"), plan.uplinks // HOMES)
        for rack in racks
    ]
    if lonely:
        end = Endpoint(element=leaf.id, port="port", member=0)
        links[-1] = msgspec.structs.replace(links[-1], b=end)
    return leaf, racks, links


def _on_borders(catalog: Catalog, plan: HallPlan, down: int) -> list[_Pod]:
    """Clients and hosts, as many on a pair of leaves as it has ports for, a cable to each leaf."""
    pods: list[_Pod] = []
    for spec_id, stem, wanted in (
        (plan.client, "client", plan.clients),
        (plan.host, "host", plan.hosts),
    ):
        for first in range(0, wanted, down):
            number = len(pods)
            x = -320 * (number + 1)
            leaf = draw(catalog, plan.leaf, f"border-{number}", f"Border {number}", x, 256, HOMES)
            count = min(down, wanted - first)
            end = draw(
                catalog, spec_id, f"{stem}-{number}", f"{stem.title()}s {number}", x, 416, count
            )
            link = cable(catalog, f"{end.id}-up", (end, "eth"), (leaf, "port"), 1)
            pods.append((leaf, [end], [link]))
    return pods
