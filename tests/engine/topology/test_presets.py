"""Fabric presets: they pass all checks, and have the links that their formula says."""

import itertools

import networkx as nx
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.findings import Severity
from engine.topology.generators import Drawing
from engine.topology.layout import element_rect
from engine.topology.model import Topology
from engine.topology.presets import PRESETS, Numbers, Preset, drawn
from engine.topology.rules import check_topology

BY_ID = {preset.id: preset for preset in PRESETS}
RACK, CHIP = "panjiu-al128-2x64", "zhenwu-m890"


def made(shop: Catalog, name: str, **numbers: int) -> Drawing:
    preset = BY_ID[name]
    values = {p.name: numbers.get(p.name, p.usual) for p in preset.parameters}
    return drawn(shop, preset, RACK if preset.device.value == "rack" else CHIP, values)


def fabric(drawing: Drawing, kinds: tuple[str, ...] = ("switch",)) -> nx.MultiGraph:
    """The graph of its leaves and spines."""
    graph = nx.MultiGraph()
    names = {e.id for e in drawing.elements if e.kind.value in kinds}
    graph.add_nodes_from(names)
    for link in drawing.links:
        if {link.a.element, link.b.element} <= names:
            graph.add_edge(link.a.element, link.b.element, count=link.count)
    return graph


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_each_preset_passes_all_checks_and_overlaps_nothing(shop: Catalog, preset: Preset) -> None:
    drawing = made(shop, preset.id)
    topology = Topology(drawing.elements, drawing.links)
    bad = [f for f in check_topology(topology, shop) if f.severity is not Severity.NOTE]
    assert bad == []
    boxes = [element_rect(e, shop.device(e.spec)) for e in drawing.elements]
    for a, b in itertools.combinations(boxes, 2):
        apart = (
            a[0] + a[2] <= b[0]
            or b[0] + b[2] <= a[0]
            or a[1] + a[3] <= b[1]
            or b[1] + b[3] <= a[1]
        )
        assert apart
    assert made(shop, preset.id) == drawing


def test_a_mesh_links_every_pair_once(shop: Catalog) -> None:
    drawing = made(shop, "mesh")
    pairs = {frozenset({link.a.element, link.b.element}) for link in drawing.links}
    assert (len(drawing.elements), len(drawing.links), len(pairs)) == (8, 28, 28)


@pytest.mark.parametrize(("over", "spines"), [(1, 4), (4, 1)])
def test_a_rail_clos_has_the_oversubscription_that_was_asked_for(
    shop: Catalog, over: int, spines: int
) -> None:
    drawing = made(shop, "rail-clos", racks=4, rails=8, oversubscription=over)
    assert sum(e.name.startswith("Spine") for e in drawing.elements) == spines
    for rail in (e for e in drawing.elements if e.name.startswith("Rail")):
        own = [k for k in drawing.links if rail.id in (k.a.element, k.b.element)]
        down = sum(k.count for k in own if "rack" in k.a.element)
        up = sum(k.count for k in own if "rack" not in k.a.element)
        assert down == 4 * 16  # each rack gives an eighth of its 128 ports to each rail
        assert down / up == pytest.approx(over)


def test_a_torus_has_two_ways_a_side(shop: Catalog) -> None:
    drawing = made(shop, "torus", x=4, y=3, z=1, cables=6)
    graph = fabric(drawing)
    assert {degree for _, degree in graph.degree()} == {4}
    assert graph.number_of_edges() == 2 * 12
    assert nx.diameter(nx.Graph(graph)) == 2 + 1
    flat = fabric(made(shop, "torus", x=2, y=2, z=2))
    assert {degree for _, degree in flat.degree()} == {3}  # a side of two is joined once


@pytest.mark.parametrize(("groups", "leaves", "out"), [(4, 3, 1), (7, 2, 3), (5, 4, 1)])
def test_a_dragonfly_joins_groups_once_and_leaves_within_three_hops(
    shop: Catalog, groups: int, leaves: int, out: int
) -> None:
    numbers: Numbers = {"groups": groups, "leaves": leaves, "global": out, "cables": 4}
    drawing = drawn(shop, BY_ID["dragonfly"], RACK, numbers)
    graph = fabric(drawing)
    inner = groups * leaves * (leaves - 1) // 2
    assert graph.number_of_edges() == inner + groups * (groups - 1) // 2
    assert max(degree for _, degree in graph.degree()) <= leaves - 1 + out
    assert nx.diameter(nx.Graph(graph)) <= 3


@pytest.mark.parametrize(
    ("name", "numbers", "complaint"),
    [
        ("flat-row", {"racks": 64, "leaves": 16}, ""),
        ("rail-clos", {"racks": 0}, "set 1 to 64"),
        ("dragonfly", {"groups": 30, "leaves": 2}, "fewer groups"),
        ("torus", {"cables": 64, "z": 8}, "fewer links"),
    ],
)
def test_what_has_no_ports_is_refused_or_drawn_within_them(
    shop: Catalog, name: str, numbers: dict[str, int], complaint: str
) -> None:
    if complaint:
        with pytest.raises(TopologyError, match=complaint):
            made(shop, name, **numbers)
        return
    drawing = made(shop, name, **numbers)
    topology = Topology(drawing.elements, drawing.links)
    assert not [f for f in check_topology(topology, shop) if f.severity is Severity.ERROR]


def test_a_preset_of_racks_refuses_a_chip(shop: Catalog) -> None:
    with pytest.raises(TopologyError, match="choose a rack"):
        drawn(shop, BY_ID["flat-row"], CHIP, {"racks": 2, "leaves": 2})
    with pytest.raises(TopologyError, match="seven links"):
        drawn(shop, BY_ID["mesh"], "nvidia-l4", {})
