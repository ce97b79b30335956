"""Where on the drawing a change or a resource is: ids of elements and links."""

import msgspec
import numpy as np

from engine.catalog.devices import DeviceKind
from engine.scenario.design import Deployment, Design
from engine.sim.codes import LinkClass
from engine.sim.lower import Lowered
from engine.topology.changes import Batch, Change, PutElements, PutLinks, SetSection


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the drawing, in its order."""

    element_ids: tuple[str, ...] = ()
    link_ids: tuple[str, ...] = ()


def touched(design: Design, change: Change) -> Place:
    """What a change of the design is about.

    The elements and links that it replaces or adds; where it only sets how models are deployed, the
    chips and racks that serve.
    """
    elements, links, sections = _ids_of(change)
    if not elements and not links and sections & {"deployment", "pools"}:
        elements = _serving(design)
    order = {name: at for at, name in enumerate(design.ids())}
    return Place(
        element_ids=tuple(sorted(elements, key=lambda name: order.get(name, len(order)))),
        link_ids=tuple(sorted(links, key=lambda name: order.get(name, len(order)))),
    )


def _ids_of(change: Change) -> tuple[set[str], set[str], set[str]]:
    """Elements, links and sections that a change puts."""
    if isinstance(change, Batch):
        parts = [_ids_of(part) for part in change.changes]
        return (
            {name for part in parts for name in part[0]},
            {name for part in parts for name in part[1]},
            {name for part in parts for name in part[2]},
        )
    if isinstance(change, PutElements):
        return {element.id for element in change.elements}, set(), set()
    if isinstance(change, PutLinks):
        return set(), {link.id for link in change.links}, set()
    return set(), set(), {change.section} if isinstance(change, SetSection) else set()


def _serving(design: Design) -> set[str]:
    chips = {e.id for e in design.elements if e.kind in (DeviceKind.RACK, DeviceKind.CHIP)}
    pools: tuple[Deployment, ...] = design.all_pools()
    if any(not pool.chips for pool in pools):
        return chips
    return chips & {name for pool in pools for name in pool.chips}


def links_of(lowered: Lowered, link_class: LinkClass) -> Place:
    """The drawn links of a class, and the elements that have such links inside."""
    fabric = lowered.fabric
    rows = np.flatnonzero(fabric.link_class == link_class)
    drawn = fabric.link_drawn[rows]
    owners = fabric.node_element[fabric.link_source[rows[drawn < 0]]]
    return Place(
        element_ids=_names(lowered.element_ids, owners),
        link_ids=_names(lowered.link_ids, drawn[drawn >= 0]),
    )


def chips_of(lowered: Lowered) -> Place:
    """The chips and racks whose chips serve."""
    owners = lowered.fabric.node_element[lowered.replicas.chip]
    return Place(element_ids=_names(lowered.element_ids, owners))


def hosts_of(lowered: Lowered) -> Place:
    """The elements whose cores run tools."""
    owners = lowered.fabric.node_element[np.flatnonzero(lowered.host_cores > 0)]
    return Place(element_ids=_names(lowered.element_ids, owners))


def _names(ids: tuple[str, ...], rows: np.ndarray) -> tuple[str, ...]:
    return tuple(ids[row] for row in np.unique(rows).tolist())
