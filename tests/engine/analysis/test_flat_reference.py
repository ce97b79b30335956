"""The folded answers equal those of the drawing unfolded node by node."""

import msgspec
import pytest
from hypothesis import given, settings

from engine.analysis.bisection import least_cut
from engine.analysis.fold import fold_twins
from engine.analysis.losses import losses
from engine.analysis.quotient import Drawing
from engine.analysis.routes import all_to_all, routes_of, unreachable_pairs
from engine.analysis.tiers import tier_cuts
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.topology.generators import cable, draw
from tests.helpers.designs import SHOP, clusters
from tests.oracles.fabric_graph import FlatFabric


@given(design=clusters())
@settings(max_examples=60, deadline=None)
def test_distances_are_those_of_every_pair(design: Design) -> None:
    flat = FlatFabric(design, SHOP)
    routes = routes_of(Drawing(fold_twins(design).design, SHOP))
    hops, missing = flat.farthest(hops=True)
    assert unreachable_pairs(routes) == missing
    far = [
        (routes.hops[i, j], routes.latency_ps[i, j])
        for i, start in enumerate(routes.starts)
        for j, end in enumerate(routes.chips)
        if start != end and routes.hops[i, j] < float("inf")
    ]
    assert max((f[0] for f in far), default=-1) == hops
    assert max((f[1] for f in far), default=-1) == flat.farthest(hops=False)[0]


@given(design=clusters())
@settings(max_examples=60, deadline=None)
def test_an_all_to_all_loads_links_as_every_pair_does(design: Design) -> None:
    flat = FlatFabric(design, SHOP)
    found = all_to_all(routes_of(Drawing(fold_twins(design).design, SHOP)))
    if found is None:
        assert len(flat.chips) < 2 or flat.farthest(hops=True)[1]
        return
    assert found.bytes_per_s == pytest.approx(flat.all_to_all()[1], rel=1e-9)


def test_domains_of_a_rack_and_their_uplinks_carry_what_every_pair_sends(shop: Catalog) -> None:
    rack = draw(shop, "panjiu-al128-2x64", "rack", "Rack", 0, 0)
    leaves = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0, 2)
    link = cable(shop, "up", (rack, "uplink"), (leaves, "port"), 16)
    design = Design(elements=(rack, leaves), links=(link,))
    routes = routes_of(Drawing(design, shop))
    found = all_to_all(routes)
    assert found is not None
    flat = FlatFabric(design, shop)
    assert found.bytes_per_s == pytest.approx(flat.all_to_all()[1], rel=1e-9)
    assert routes.hops[0, 1] == flat.farthest(hops=True)[0]
    inside = max(row.share for row in found.load if row.inside)
    loads, _ = flat.all_to_all()
    icn = [
        load / rate
        for load, (a, b, rate, _) in zip(loads, flat.links, strict=True)
        if {flat.kind[a], flat.kind[b]} == {0, 2}
    ]
    assert inside == pytest.approx(max(icn) * found.bytes_per_s, rel=1e-9)


def flat_halves(design: Design, flat: FlatFabric, halves: dict[tuple[str, int], int]) -> set[int]:
    """Chips of the second half: of an array's unnamed members as many as were moved."""
    named = {(end.element, end.member) for link in design.links for end in (link.a, link.b)}
    right: set[int] = set()
    for (element, member), moved in halves.items():
        nodes = flat.nodes_of(design, element)
        if member >= 0:
            right |= {nodes[member]} if moved else set()
            continue
        free = [node for i, node in enumerate(nodes) if (element, i) not in named]
        right |= set(free[len(free) - moved :]) if moved else set()
    return right


@given(design=clusters())
@settings(max_examples=40, deadline=None)
def test_losses_are_the_worst_of_every_single_component(design: Design) -> None:
    folded = fold_twins(design)
    drawing = Drawing(folded.design, SHOP)
    cut = least_cut(drawing, folded.origins)
    if cut is None:
        return
    flat = FlatFabric(folded.design, SHOP)
    right = flat_halves(folded.design, flat, cut.halves)
    left = set(flat.chips) - right
    whole = flat.flow(left, right)
    assert cut.bytes_per_s == pytest.approx(whole, rel=1e-9)
    rows = {row.component: row for row in losses(drawing, cut)}
    before = flat.largest_group()
    for component, kind in (("host", "host"), ("leaf", "leaf"), ("spine", "spine")):
        ids = [e.id for e in folded.design.elements if e.id.startswith(kind)]
        if component not in rows or (kind == "leaf") != (component == "leaf"):
            continue
        nodes = [n for name in ids for n in flat.nodes_of(folded.design, name)]
        worst = min(
            (
                flat.largest_group(frozenset({n})) - before,
                flat.flow(left, right, frozenset({n})) / whole if whole else 1.0,
            )
            for n in nodes
        )
        _same(rows[component].chips, rows[component].bisection_left, worst)


def _same(chips: int, share: float | None, worst: tuple[int, float]) -> None:
    assert chips == -worst[0]
    assert (1.0 if share is None else share) == pytest.approx(worst[1], rel=1e-9)


@given(design=clusters())
@settings(max_examples=40, deadline=None)
def test_the_loss_of_one_cable_is_that_of_the_worst(design: Design) -> None:
    folded = fold_twins(design)
    drawing = Drawing(folded.design, SHOP)
    cut = least_cut(drawing, folded.origins)
    if cut is None or not cut.bytes_per_s:
        return
    flat = FlatFabric(folded.design, SHOP)
    right = flat_halves(folded.design, flat, cut.halves)
    left = set(flat.chips) - right
    before = flat.largest_group()
    worst = (0, 1.0)
    for first in range(0, len(flat.links), 2):
        cables = int(flat.fabric.link_multiplicity[first])
        gone = {i: flat.links[i][2] / cables for i in (first, first + 1)}
        dead = frozenset(gone) if cables == 1 else frozenset()
        share = flat.flow(left, right, gone=gone) / cut.bytes_per_s
        worst = min(worst, (flat.largest_group(gone_links=dead) - before, share))
    row = next(row for row in losses(drawing, cut) if row.component == "cable")
    _same(row.chips, row.bisection_left, worst)


def test_a_hall_with_one_cable_missing_is_measured_and_says_where(shop: Catalog) -> None:
    racks = [draw(shop, "panjiu-al128-flat", f"r{i}", f"R{i}", 0, 0) for i in range(8)]
    leaves = [draw(shop, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0, 4) for i in range(2)]
    spine = draw(shop, "hpn7-spine", "s", "S", 0, 0, 2)
    links = [
        cable(shop, f"u{i}", (r, "uplink"), (leaves[i // 4], "port"), 32)
        for i, r in enumerate(racks)
    ]
    links += [
        cable(shop, f"c{i}", (leaf, "port"), (spine, "port"), 8) for i, leaf in enumerate(leaves)
    ]
    links[5] = msgspec.structs.replace(links[5], count=31)
    design = Design(elements=(*racks, *leaves, spine), links=tuple(links))
    folded = fold_twins(design)
    rows = tier_cuts(Drawing(folded.design, shop), None)
    assert rows[0].where == "R5"
    assert rows[0].oversubscription == pytest.approx(32 / 31 * 63 / 48.5)
