"""A design with a rack or an array taken apart, its deployment on the parts."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.topology.changes import Change
from engine.topology.model import Topology
from engine.topology.opened import open_rack, split_array


def with_open_rack(design: Design, catalog: Catalog, rack_id: str) -> Design:
    """The design with a rack's chips, switches, hosts and NICs drawn in its place.

    Raises:
        TopologyError: it is no single rack, or cannot be drawn open.
    """
    topology = Topology(design.elements, design.links, design.groups)
    return _changed(design, topology, open_rack(topology, catalog, rack_id), rack_id)


def with_split_array(design: Design, element_id: str) -> Design:
    """The design with every member of an array drawn as an element of its own.

    Raises:
        TopologyError: there is no such element, or it cannot be split.
    """
    topology = Topology(design.elements, design.links, design.groups)
    return _changed(design, topology, split_array(topology, element_id), element_id)


def _changed(design: Design, topology: Topology, change: Change, old: str) -> Design:
    before = set(topology.elements)
    topology.apply(change)
    parts = tuple(name for name in topology.elements if name not in before)
    chips = tuple(
        name for used in design.deployment.chips for name in (parts if used == old else (used,))
    )
    return msgspec.structs.replace(
        design,
        elements=tuple(topology.elements.values()),
        links=tuple(topology.links.values()),
        groups=tuple(topology.groups.values()),
        deployment=msgspec.structs.replace(design.deployment, chips=chips),
    )
