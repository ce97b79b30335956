"""Fabrics that are drawn at once: devices, cables and places follow from a few numbers.

Rail-optimised Clos: port r of every rack's share goes to leaf r, so that chips of one rank meet one
switch away; leaves meet at spines. Flat row: racks on leaves, no second tier. Mesh: eight chips, each
linked to every other. Torus and dragonfly: a leaf for each rack, leaves joined with each other (Dally
and Towles, "Principles and Practices of Interconnection Networks", 5 and 24; Kim et al., ISCA 2008).
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.errors import TopologyError
from engine.topology.elements import Element, Link
from engine.topology.generators import Drawing, cable, draw, mesh_of_eight
from engine.topology.layout import GRID, member_size

GAP = 4 * GRID
TIER_GAP = 10 * GRID
MOST_DEVICES = 4096
LEAF, SPINE = "hpn7-leaf", "hpn7-spine"


class Parameter(NamedTuple):
    """One number that a preset asks for."""

    name: str
    label: str
    usual: int
    low: int
    high: int


class Preset(NamedTuple):
    """One fabric: what it asks, and how it is drawn at a corner."""

    id: str
    title: str
    summary: str
    device: DeviceKind  # what it is made for: racks or chips
    parameters: tuple[Parameter, ...]
    make: Callable[[Catalog, DeviceSpec, "Numbers"], Drawing]


Numbers = dict[str, int]


def drawn(catalog: Catalog, preset: Preset, spec_id: str, numbers: Numbers) -> Drawing:
    """The drawing of a preset with its corner at 0, 0.

    Args:
        catalog: the shop.
        preset: which.
        spec_id: the rack or chip that it is made of.
        numbers: its parameters by name.

    Raises:
        TopologyError: a number out of range, a device of the wrong kind, or too few ports.
    """
    spec = catalog.device(spec_id)
    if spec.kind is not preset.device:
        raise TopologyError(preset.title, f"{spec.name} is a {spec.kind.value}",
                            f"choose a {preset.device.value}")  # fmt: skip
    for parameter in preset.parameters:
        value = numbers[parameter.name]
        if not parameter.low <= value <= parameter.high:
            raise TopologyError(
                f"{preset.title}: {parameter.label}", f"it is {value}",
                f"set {parameter.low} to {parameter.high}",
            )  # fmt: skip
    found = preset.make(catalog, spec, numbers)
    if sum(element.count for element in found.elements) > MOST_DEVICES:
        raise TopologyError(
            preset.title, "it has too many devices", f"stay below {MOST_DEVICES:,}"
        )
    return found


def _uplinks(catalog: Catalog, rack: DeviceSpec) -> tuple[str, int]:
    port = next((p for p in rack.ports if p.medium.value == "ethernet"), None)
    if port is None:
        raise TopologyError(rack.name, "it has no Ethernet ports", "choose another rack")
    return port.name, port.count


def _leaf_ports(catalog: Catalog) -> int:
    port = catalog.device(LEAF).port("port")
    return port.count if port is not None else 0


def _enough(what: str, wanted: int, there: int, way_out: str) -> None:
    if wanted > there:
        raise TopologyError(what, f"it would need {wanted} ports and has {there}", way_out)


def _row(
    catalog: Catalog, spec_id: str, stem: str, name: str, count: int, y: float, width: float
) -> list[Element]:
    """Devices side by side, their row centred in a width."""
    own, _ = member_size(catalog.device(spec_id))
    pitch = max(own + GAP, (width + GAP) / count if count else 0.0)
    left = (width - (count * pitch - (pitch - own))) / 2
    return [
        draw(catalog, spec_id, f"{stem}-{n + 1}", f"{name} {n + 1}", left + n * pitch, y)
        for n in range(count)
    ]


def _width(catalog: Catalog, spec_id: str, count: int) -> float:
    return count * (member_size(catalog.device(spec_id))[0] + GAP) - GAP


def _flat_row(catalog: Catalog, rack: DeviceSpec, numbers: Numbers) -> Drawing:
    racks, leaves = numbers["racks"], numbers["leaves"]
    port, uplinks = _uplinks(catalog, rack)
    each = min(uplinks // leaves, _leaf_ports(catalog) // racks)
    _enough(f"{rack.name} with {leaves} leaves", leaves, uplinks, "use fewer leaves")
    _enough("a leaf", racks, _leaf_ports(catalog), "use fewer racks")
    width = max(_width(catalog, rack.id, racks), _width(catalog, LEAF, leaves))
    top = _row(catalog, LEAF, "leaf", "Leaf", leaves, 0.0, width)
    below = _row(catalog, rack.id, "rack", "Rack", racks, _below(catalog, LEAF), width)
    links = [
        cable(catalog, f"{one.id}-{leaf.id}", (one, port), (leaf, "port"), each)
        for one in below
        for leaf in top
    ]
    return Drawing((*top, *below), tuple(links))


def _below(catalog: Catalog, spec_id: str) -> float:
    return member_size(catalog.device(spec_id))[1] + TIER_GAP


def _rail_clos(catalog: Catalog, rack: DeviceSpec, numbers: Numbers) -> Drawing:
    racks, rails, over = numbers["racks"], numbers["rails"], numbers["oversubscription"]
    port, uplinks = _uplinks(catalog, rack)
    leaf_ports = _leaf_ports(catalog)
    _enough(f"{rack.name} with {rails} rails", rails, uplinks, "use fewer rails")
    each = uplinks // rails
    down = min(racks * each, leaf_ports * over // (over + 1))
    each = down // racks
    _enough("a leaf", racks, leaf_ports * over // (over + 1), "use fewer racks")
    up = max(1, math.ceil(racks * each / over))
    spines = max(1, math.ceil(rails * up / leaf_ports))
    per_pair = max(1, up // spines)
    width = max(_width(catalog, rack.id, racks), _width(catalog, LEAF, rails))
    top = _row(catalog, SPINE, "spine", "Spine", spines, 0.0, width)
    y = _below(catalog, SPINE)
    middle = _row(catalog, LEAF, "rail", "Rail", rails, y, width)
    y += _below(catalog, LEAF)
    bottom = _row(catalog, rack.id, "rack", "Rack", racks, y, width)
    links = [
        cable(catalog, f"{one.id}-{leaf.id}", (one, port), (leaf, "port"), each)
        for one in bottom
        for leaf in middle
    ]
    links += [
        cable(catalog, f"{leaf.id}-{spine.id}", (leaf, "port"), (spine, "port"), per_pair)
        for leaf in middle
        for spine in top
    ]
    return Drawing((*top, *middle, *bottom), tuple(links))


def _mesh(catalog: Catalog, chip: DeviceSpec, _numbers: Numbers) -> Drawing:
    scale_up = next((p for p in chip.ports if p.medium.value not in ("pcie", "ethernet")), None)
    _enough(chip.name, 7, scale_up.count if scale_up else 0, "choose a chip with seven links")
    elements, links = mesh_of_eight(catalog, chip.id, 0.0, 0.0)
    return Drawing(tuple(elements), tuple(links))


def _with_racks(
    catalog: Catalog, rack: DeviceSpec, places: Sequence[tuple[float, float]], ports: int
) -> tuple[list[Element], list[Element], list[Link]]:
    """A leaf at each place with a rack below it, and the cables between them.

    `ports` of a leaf are left for other leaves.
    """
    port, uplinks = _uplinks(catalog, rack)
    each = min(uplinks, _leaf_ports(catalog) - ports)
    _enough("a leaf", ports + 1, _leaf_ports(catalog), "use fewer links between leaves")
    leaves, racks, links = [], [], []
    shift = (member_size(rack)[0] - member_size(catalog.device(LEAF))[0]) / 2
    for number, (x, y) in enumerate(places, 1):
        leaf = draw(catalog, LEAF, f"leaf-{number}", f"Leaf {number}", x + shift, y)
        below = y + member_size(catalog.device(LEAF))[1] + 5 * GRID
        one = draw(catalog, rack.id, f"rack-{number}", f"Rack {number}", x, below)
        leaves.append(leaf)
        racks.append(one)
        links.append(cable(catalog, f"{one.id}-{leaf.id}", (one, port), (leaf, "port"), each))
    return leaves, racks, links


def _torus(catalog: Catalog, rack: DeviceSpec, numbers: Numbers) -> Drawing:
    sides = [numbers["x"], numbers["y"], numbers["z"]]
    cables = numbers["cables"]
    ways = sum(2 if side > 2 else 1 if side == 2 else 0 for side in sides)
    width, height = member_size(rack)
    pitch = (width + 2 * GAP, height + 14 * GRID)
    places = [
        (x * pitch[0] + z * (sides[0] * pitch[0] + 2 * GAP), y * pitch[1])
        for z, y, x in itertools.product(range(sides[2]), range(sides[1]), range(sides[0]))
    ]
    leaves, racks, links = _with_racks(catalog, rack, places, ways * cables)
    for z, y, x in itertools.product(range(sides[2]), range(sides[1]), range(sides[0])):
        here = (z * sides[1] + y) * sides[0] + x
        for axis, place in enumerate((x, y, z)):
            side = sides[axis]
            if side < 2 or (side == 2 and place == 1):
                continue
            other = [x, y, z]
            other[axis] = (place + 1) % side
            there = (other[2] * sides[1] + other[1]) * sides[0] + other[0]
            a, b = leaves[here], leaves[there]
            links.append(cable(catalog, f"{a.id}-{b.id}", (a, "port"), (b, "port"), cables))
    return Drawing((*leaves, *racks), tuple(links))


def _dragonfly(catalog: Catalog, rack: DeviceSpec, numbers: Numbers) -> Drawing:
    groups, size, out = numbers["groups"], numbers["leaves"], numbers["global"]
    cables = numbers["cables"]
    if groups > size * out + 1:
        raise TopologyError(
            "dragonfly", f"{groups} groups need {groups - 1} links out of each group, which has "
            f"{size * out}", "use fewer groups, or more leaves or global links",
        )  # fmt: skip
    width, height = member_size(rack)
    pitch = (width + GAP, height + 16 * GRID)
    wide = size * pitch[0] + 3 * GAP
    a_row = max(1, math.ceil(math.sqrt(groups)))
    places = [
        ((group % a_row) * wide + n * pitch[0], (group // a_row) * pitch[1])
        for group in range(groups)
        for n in range(size)
    ]
    leaves, racks, links = _with_racks(catalog, rack, places, (size - 1 + out) * cables)

    def join(one: int, other: int) -> None:
        a, b = leaves[one], leaves[other]
        links.append(cable(catalog, f"{a.id}-{b.id}", (a, "port"), (b, "port"), cables))

    for group in range(groups):
        for one, other in itertools.combinations(range(size), 2):
            join(group * size + one, group * size + other)
    used = [0] * groups  # global links of each group so far: leaf by leaf
    for one, other in itertools.combinations(range(groups), 2):
        join(one * size + used[one] // out, other * size + used[other] // out)
        used[one] += 1
        used[other] += 1
    return Drawing((*leaves, *racks), tuple(links))


_CABLES = Parameter("cables", "Cables between two leaves", 8, 1, 64)

PRESETS: tuple[Preset, ...] = (
    Preset(
        "rail-clos", "Rail-optimised Clos",
        "Every rail of all racks meets in one leaf; spines join the rails.", DeviceKind.RACK,
        (
            Parameter("racks", "Racks", 4, 1, 64),
            Parameter("rails", "Rails (leaves)", 4, 1, 64),
            Parameter("oversubscription", "Oversubscription (to 1)", 1, 1, 16),
        ),
        _rail_clos,
    ),
    Preset(
        "flat-row", "Flat rack row", "Racks in a row on a few leaves, without a second tier.",
        DeviceKind.RACK,
        (Parameter("racks", "Racks", 4, 1, 64), Parameter("leaves", "Leaves", 2, 1, 16)),
        _flat_row,
    ),
    Preset(
        "mesh", "Mesh of eight chips", "Eight chips, each linked to every other.",
        DeviceKind.CHIP, (), _mesh,
    ),
    Preset(
        "torus", "Torus", "A leaf for each rack; leaves are joined with their neighbours in a ring "
        "along each side.", DeviceKind.RACK,
        (
            Parameter("x", "Across", 4, 2, 16), Parameter("y", "Down", 3, 1, 16),
            Parameter("z", "Deep", 1, 1, 8), _CABLES,
        ),
        _torus,
    ),
    Preset(
        "dragonfly", "Dragonfly", "Groups of leaves that are all joined; a link between any two "
        "groups.", DeviceKind.RACK,
        (
            Parameter("groups", "Groups", 4, 2, 64), Parameter("leaves", "Leaves a group", 3, 1, 16),
            Parameter("global", "Global links a leaf", 1, 1, 16), _CABLES,
        ),
        _dragonfly,
    ),
)  # fmt: skip
