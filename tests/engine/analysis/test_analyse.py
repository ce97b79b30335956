"""Questions on the graph, against fabrics whose answers are known and against the unfolded graph."""

import itertools
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analysis.analyse import analyse, max_flow
from engine.analysis.bisection import bisection
from engine.analysis.fold import fold_twins
from engine.analysis.quotient import Drawing
from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import TopologyError
from engine.scenario.design import Design
from engine.topology.generators import cable, draw
from tests.oracles.fabric_graph import FlatFabric

if TYPE_CHECKING:
    from engine.topology.elements import Element, Link

SHOP = load_catalog()
EFFICIENCY = 0.97  # of the leaf's ports in the catalogue


def leaf_spine(racks: int, leaves: int, spines: int, uplinks: int, cables: int) -> Design:
    rack = draw(SHOP, "panjiu-al128-2x64", "rack", "Rack", 0, 0, racks)
    leaf = draw(SHOP, "hpn7-leaf", "leaf", "Leaf", 0, 0, leaves)
    spine = draw(SHOP, "hpn7-spine", "spine", "Spine", 0, 0, spines)
    links = (
        cable(SHOP, "up", (rack, "uplink"), (leaf, "port"), uplinks),
        cable(SHOP, "core", (leaf, "port"), (spine, "port"), cables),
    )
    return Design(elements=(rack, leaf, spine), links=links)


def chain() -> Design:
    """Two chips' hosts behind one switch each, joined by one cable."""
    hosts = [draw(SHOP, "x86-host", f"h{i}", f"Host {i}", 0, 0) for i in range(2)]
    chips = [draw(SHOP, "nvidia-h20", f"c{i}", f"Chip {i}", 0, 0) for i in range(2)]
    leaves = [draw(SHOP, "hpn7-leaf", f"l{i}", f"Leaf {i}", 0, 0) for i in range(2)]
    links = [
        cable(SHOP, "x", (leaves[0], "port"), (leaves[1], "port"), 1),
        *(cable(SHOP, f"p{i}", (chips[i], "pcie"), (hosts[i], "pcie"), 1) for i in range(2)),
        *(cable(SHOP, f"e{i}", (hosts[i], "eth"), (leaves[i], "port"), 2) for i in range(2)),
    ]
    return Design(elements=(*hosts, *chips, *leaves), links=tuple(links))


def test_an_empty_drawing_has_answers(shop: Catalog) -> None:
    found = analyse(Design(), shop)
    assert found.connectivity.connected
    assert found.chips == 0
    assert found.bisection is None
    assert found.distances is None


def test_a_chain_names_every_single_point_of_failure(shop: Catalog) -> None:
    found = analyse(chain(), shop)
    assert found.connectivity.connected
    names = {point.name: point for point in found.weak_points}
    assert {"Host 0", "Host 1", "Leaf 0", "Leaf 1"} <= set(names)
    assert names["Leaf 0 to Leaf 1"].kind == "cable"
    assert names["Leaf 0 to Leaf 1"].chips == 1
    assert found.distances is not None
    assert found.distances.diameter_hops == 5
    assert found.distances.disjoint_paths == 1


def test_a_second_path_takes_the_weak_point_away(shop: Catalog) -> None:
    found = analyse(leaf_spine(2, 2, 2, 64, 8), shop)
    assert found.weak_points == ()
    single = analyse(leaf_spine(2, 1, 1, 64, 8), shop)
    assert {point.name for point in single.weak_points} == {"Leaf"}


def test_parts_that_do_not_meet_are_named(shop: Catalog) -> None:
    design = chain()
    cut = msgspec.structs.replace(design, links=tuple(k for k in design.links if k.id != "x"))
    found = analyse(cut, shop)
    assert not found.connectivity.connected
    assert len(found.connectivity.parts) == 2
    assert max_flow(cut, shop, frozenset({"c0"}), frozenset({"c1"})) == 0.0


def test_the_maximum_flow_is_that_of_the_thinnest_cut(shop: Catalog) -> None:
    flow = max_flow(chain(), shop, frozenset({"h0"}), frozenset({"h1"}))
    link = next(k for k in chain().links if k.id == "x")
    assert flow == pytest.approx(link.bandwidth_bytes_per_s * EFFICIENCY, rel=1e-12)


def test_selections_must_be_drawn_and_apart(shop: Catalog) -> None:
    with pytest.raises(TopologyError, match="ghost"):
        max_flow(chain(), shop, frozenset({"ghost"}), frozenset({"h1"}))
    with pytest.raises(TopologyError, match="both sides"):
        max_flow(chain(), shop, frozenset({"h1"}), frozenset({"h1"}))


@pytest.mark.parametrize(("cables", "ratio"), [(32, 1.0), (16, 2.0), (8, 4.0)])
def test_a_leafs_oversubscription_is_down_over_up(
    shop: Catalog, cables: int, ratio: float
) -> None:
    found = analyse(leaf_spine(4, 2, 2, 16, cables), shop)
    row = next(row for row in found.tiers if row.where.startswith("Leaf"))
    assert row.oversubscription == pytest.approx(ratio)


def test_the_bisection_of_a_leaf_spine_is_what_the_leaves_carry_up(shop: Catalog) -> None:
    """Racks 0-1 on leaf pair A, racks 2-3 on leaf pair B: the cut runs through the spines."""
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(4)]
    leaves = [draw(shop, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0) for i in range(2)]
    spine = draw(shop, "hpn7-spine", "s", "S", 0, 0, 2)
    links = [
        cable(shop, f"u{i}", (racks[i], "uplink"), (leaves[i // 2], "port"), 16) for i in range(4)
    ]
    links += [cable(shop, f"c{i}", (leaves[i], "port"), (spine, "port"), 4) for i in range(2)]
    found = analyse(Design(elements=(*racks, *leaves, spine), links=tuple(links)), shop).bisection
    assert found is not None
    assert found.bytes_per_s == pytest.approx(2 * 4 * 50e9 * EFFICIENCY, rel=1e-9)


def test_planes_and_leaves_count_as_ways(shop: Catalog) -> None:
    found = analyse(leaf_spine(4, 2, 2, 64, 16), shop).distances
    assert found is not None
    assert found.diameter_hops == 4  # chip, NIC, leaf, NIC, chip
    assert found.equal_paths == 2
    assert found.disjoint_paths == 128


def test_two_domains_of_a_rack_meet_over_its_leaves(shop: Catalog) -> None:
    found = analyse(leaf_spine(1, 2, 1, 64, 8), shop).distances
    assert found is not None
    assert found.diameter_hops == 4
    assert found.farthest == ("Rack", "Rack")
    assert found.disjoint_paths == 64
    assert found.equal_paths == 2


def test_a_hall_of_1024_racks_is_folded(shop: Catalog) -> None:
    found = analyse(leaf_spine(1024, 8, 8, 16, 8), shop)
    assert found.chips == 131_072
    assert found.bisection is not None
    assert found.bisection.bytes_per_s > 1e15


def unfolded_flow(design: Design, sources: set[str], targets: set[str]) -> float:
    """Maximum flow on the expanded graph, node by node, without any folding."""
    flat = FlatFabric(design, SHOP)

    def nodes(ids: set[str]) -> set[int]:
        return {node for name in ids for node in flat.nodes_of(design, name)}

    return flat.flow(nodes(sources), nodes(targets))


@st.composite
def small_designs(draw_from: st.DrawFn) -> Design:
    specs = ["hpn7-leaf", "nvidia-h20", "x86-host", "panmai-920", "hpn7-spine"]
    elements: list[Element] = []
    for i in range(draw_from(st.integers(2, 6))):
        spec = draw_from(st.sampled_from(specs))
        elements.append(draw(SHOP, spec, f"e{i}", f"E{i}", 0, 0, draw_from(st.integers(1, 3))))
    links: list[Link] = []
    for i, (a, b) in enumerate(itertools.combinations(elements, 2)):
        ports = [
            (pa.name, pb.name)
            for pa in SHOP.device(a.spec).ports
            for pb in SHOP.device(b.spec).ports
            if pa.medium is pb.medium
        ]
        if ports and draw_from(st.booleans()):
            pa, pb = draw_from(st.sampled_from(ports))
            link = cable(SHOP, f"k{i}", (a, pa), (b, pb), draw_from(st.integers(1, 5)))
            if draw_from(st.booleans()):
                member = draw_from(st.integers(-1, a.count - 1))
                link = msgspec.structs.replace(
                    link, a=msgspec.structs.replace(link.a, member=member)
                )
            links.append(link)
    return Design(elements=tuple(elements), links=tuple(links))


@given(design=small_designs())
@settings(max_examples=120, deadline=None)
def test_folding_never_changes_a_maximum_flow(design: Design) -> None:
    sources, targets = {design.elements[0].id}, {design.elements[-1].id}
    expected = unfolded_flow(design, sources, targets)
    flow = max_flow(design, SHOP, frozenset(sources), frozenset(targets))
    assert flow == pytest.approx(expected, rel=1e-9)


def test_twins_drawn_one_by_one_fold_into_an_array(shop: Catalog) -> None:
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0)
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(5)]
    links = tuple(
        cable(shop, f"k{i}", (r, "uplink"), (leaf, "port"), 8) for i, r in enumerate(racks)
    )
    design = Design(elements=(leaf, *racks), links=links)
    folded = fold_twins(design)
    assert [(e.id, e.count) for e in folded.design.elements] == [("leaf", 1), ("r0", 5)]
    kept = fold_twins(design, frozenset({"r1"}))
    assert {e.id: e.count for e in kept.design.elements} == {"leaf": 1, "r0": 4, "r1": 1}
    assert bisection(Drawing(folded.design, shop), folded.origins) is not None


def test_arrays_and_single_drawings_of_the_same_fabric_agree(shop: Catalog) -> None:
    array = leaf_spine(4, 2, 2, 16, 8)
    leaves = [draw(shop, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0) for i in range(2)]
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(4)]
    spines = [draw(shop, "hpn7-spine", f"s{i}", f"S{i}", 0, 0) for i in range(2)]
    links = [
        cable(shop, f"u{i}{j}", (r, "uplink"), (leaf, "port"), 16)
        for i, r in enumerate(racks)
        for j, leaf in enumerate(leaves)
    ]
    links += [
        cable(shop, f"c{i}{j}", (leaf, "port"), (spine, "port"), 8)
        for i, leaf in enumerate(leaves)
        for j, spine in enumerate(spines)
    ]
    single = analyse(Design(elements=(*racks, *leaves, *spines), links=tuple(links)), shop)
    folded = analyse(array, shop)
    assert single.bisection is not None
    assert folded.bisection is not None
    np.testing.assert_allclose(single.bisection.bytes_per_s, folded.bisection.bytes_per_s)
    assert single.distances is not None
    assert folded.distances is not None
    assert single.distances.diameter_hops == folded.distances.diameter_hops
    assert single.distances.disjoint_paths == folded.distances.disjoint_paths
    assert single.weak_points == folded.weak_points == ()
