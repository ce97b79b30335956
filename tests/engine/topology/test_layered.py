"""The layered layout: tiers above each other, nothing overlaps, equal drawings equal places."""

import itertools

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.topology.generators import Drawing, HallPlan, hall
from engine.topology.layered import LayoutStopped, layered
from engine.topology.layout import element_rect
from engine.topology.model import Topology
from engine.topology.presets import PRESETS, drawn


def shuffled(drawing: Drawing, shop: Catalog) -> Topology:
    """The drawing with its elements thrown about."""
    rng = np.random.default_rng(3)
    topology = Topology(drawing.elements, drawing.links)
    move = layered(drawing.elements, drawing.links, shop)
    places = tuple((float(x), float(y)) for x, y in rng.uniform(-5000, 5000, (len(move.ids), 2)))
    topology.apply(move.__class__(move.ids, places))
    return topology


def laid_out(topology: Topology, shop: Catalog) -> Topology:
    topology.apply(layered(list(topology.elements.values()), topology.links.values(), shop))
    return topology


def test_nothing_overlaps_and_switches_are_above_racks(shop: Catalog) -> None:
    topology = laid_out(shuffled(hall(shop, HallPlan(6, clients=2), singles=True), shop), shop)
    boxes = {e.id: element_rect(e, shop.device(e.spec)) for e in topology.elements.values()}
    for a, b in itertools.combinations(boxes.values(), 2):
        assert (
            a[0] + a[2] <= b[0]
            or b[0] + b[2] <= a[0]
            or a[1] + a[3] <= b[1]
            or b[1] + b[3] <= a[1]
        )
    kinds = {e.id: e.kind.value for e in topology.elements.values()}
    lowest_switch = max(boxes[n][1] for n, kind in kinds.items() if kind == "switch")
    assert lowest_switch < min(boxes[n][1] for n, kind in kinds.items() if kind == "rack")
    assert all(box[0] % 16 == 0 and box[1] % 16 == 0 for box in boxes.values())


def crossings(topology: Topology) -> int:
    """Pairs of links that cross as straight lines between two tiers."""
    middle = {e.id: (e.x, e.y) for e in topology.elements.values()}
    lines = [(middle[k.a.element], middle[k.b.element]) for k in topology.links.values()]
    found = 0
    for (a, b), (c, d) in itertools.combinations(lines, 2):
        if a[1] == c[1] and b[1] == d[1] and (a[0] - c[0]) * (b[0] - d[0]) < 0:
            found += 1
    return found


def test_a_tree_is_laid_out_without_a_crossing(shop: Catalog) -> None:
    preset = next(p for p in PRESETS if p.id == "torus")
    drawing = drawn(shop, preset, "panjiu-al128-2x64", {"x": 6, "y": 1, "z": 1, "cables": 1})
    tree = Drawing(drawing.elements, tuple(k for k in drawing.links if "rack" in k.a.element))
    assert crossings(laid_out(shuffled(tree, shop), shop)) == 0


def test_equal_drawings_get_equal_places(shop: Catalog) -> None:
    drawing = hall(shop, HallPlan(5), singles=True)
    assert layered(drawing.elements, drawing.links, shop) == layered(
        drawing.elements, drawing.links, shop
    )


def test_it_stops_when_it_is_told(shop: Catalog) -> None:
    drawing = hall(shop, HallPlan(2))
    with pytest.raises(LayoutStopped):
        layered(drawing.elements, drawing.links, shop, lambda: True)


def test_nothing_has_no_places(shop: Catalog) -> None:
    assert layered((), (), shop).ids == ()
