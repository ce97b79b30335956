"""Ready drawings as plain records: racks on leaves, a leaf-spine over them, a mesh of eight."""

from collections.abc import Sequence

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.topology.elements import Element, Endpoint, Link
from engine.topology.layout import GRID


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
