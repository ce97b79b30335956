"""Fabrics of the literature, whose bisection, diameter and path counts are known in closed form."""

import pytest

from engine.analysis.analyse import Analysis, analyse
from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.topology.generators import cable, draw
from tests.benchmarks.analysis import hall
from tests.helpers.designs import PORT_BYTES_PER_S, dragonfly, fat_tree, torus, with_chips

TO_SWITCH = 2  # links between a chip and its switch: PCIe to the host, Ethernet to the switch


def loss(found: Analysis, component: str) -> tuple[int, float | None]:
    row = next(row for row in found.losses if row.component == component)
    return row.chips, row.bisection_left


@pytest.mark.parametrize("k", [4, 6])
def test_a_fat_tree_of_k_ports(shop: Catalog, k: int) -> None:
    design = with_chips(shop, fat_tree(shop, k))
    found = analyse(design, shop)
    assert found.chips == k**3 // 4
    assert sum(e.count for e in design.elements if e.kind.value == "switch") == 5 * k**2 // 4
    assert found.bisection is not None
    assert found.bisection.bytes_per_s == pytest.approx(k**3 / 8 * PORT_BYTES_PER_S, rel=1e-9)
    assert found.distances is not None
    assert found.distances.diameter_hops == 6 + 2  # hosts are 6 apart, chips a link further
    assert found.distances.equal_paths == (k // 2) ** 2
    assert found.distances.unreachable_pairs == 0
    over = [row.oversubscription for row in found.cuts if row.tier.startswith("switch")]
    assert over == [pytest.approx(63e9 / PORT_BYTES_PER_S)] * 3  # PCIe over Ethernet, no tier
    assert loss(found, "leaf") == (k // 2, pytest.approx(1 - 4 / k**2))


@pytest.mark.parametrize(("k", "dimensions"), [(4, 2), (6, 2), (4, 3)])
def test_a_torus_of_switches(shop: Catalog, k: int, dimensions: int) -> None:
    found = analyse(with_chips(shop, torus(shop, k, dimensions)), shop)
    assert found.bisection is not None
    links = 2 * k ** (dimensions - 1)
    assert found.bisection.bytes_per_s == pytest.approx(links * PORT_BYTES_PER_S, rel=1e-9)
    assert found.distances is not None
    assert found.distances.diameter_hops == dimensions * k // 2 + 2 * TO_SWITCH


def test_a_thin_waist_is_found_in_whatever_order_it_was_drawn(shop: Catalog) -> None:
    """Two rings of four switches, drawn in turn, joined by a single cable."""
    order = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (1, 2), (0, 3), (1, 3)]
    switches = {p: draw(shop, "hpn7-leaf", f"s{p[0]}{p[1]}", f"S{p}", 0, 0) for p in order}
    hosts = {p: draw(shop, "x86-host", f"h{p[0]}{p[1]}", f"H{p}", 0, 0) for p in order}
    links = [cable(shop, f"a{p}", (hosts[p], "eth"), (switches[p], "port"), 2) for p in order]
    for ring, place in order:
        ends = (switches[ring, place], "port"), (switches[ring, (place + 1) % 4], "port")
        links.append(cable(shop, f"r{ring}{place}", *ends, 2))
    links.append(cable(shop, "waist", (switches[0, 0], "port"), (switches[1, 0], "port"), 1))
    drawn = Design(elements=(*switches.values(), *hosts.values()), links=tuple(links))
    found = analyse(with_chips(shop, drawn), shop)
    assert found.bisection is not None
    assert found.bisection.bytes_per_s == pytest.approx(PORT_BYTES_PER_S, rel=1e-9)
    assert loss(found, "cable") == (4, 0.0)


def test_a_balanced_dragonfly(shop: Catalog) -> None:
    p, a, h = 2, 4, 2
    design = with_chips(shop, dragonfly(shop, p, a, h))
    found = analyse(design, shop)
    groups = a * h + 1
    assert found.chips == p * a * groups
    assert sum(link.id.startswith("g") for link in design.links) == groups * (groups - 1) // 2
    assert found.distances is not None
    assert found.distances.diameter_hops == 3 + 2 * TO_SWITCH
    assert found.connectivity.connected


@pytest.mark.parametrize(
    ("spec", "domains", "chips"),
    [("panjiu-al128-2x64", 2, 64), ("panjiu-al128-flat", 1, 128)],
)
def test_both_presets_of_al128(shop: Catalog, spec: str, domains: int, chips: int) -> None:
    rack = draw(shop, spec, "rack", "Rack", 0, 0, 4)
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0, 4)
    links = (cable(shop, "up", (rack, "uplink"), (leaf, "port"), 32),)
    found = analyse(Design(elements=(rack, leaf), links=links), shop)
    domain, top = found.cuts
    assert (domain.groups, domain.chips) == (4 * domains, chips)
    assert domain.bisection_bytes_per_s == pytest.approx(chips / 2 * 400e9 * 0.85)
    assert domain.cut_bytes_per_s == pytest.approx(chips * PORT_BYTES_PER_S)
    assert top.bisection_bytes_per_s == pytest.approx(256 * PORT_BYTES_PER_S)
    assert loss(found, "plane") == (0, 1.0)
    planes = 8 * (3 - domains)
    inside = next(row for row in found.losses if row.component == "plane").domain_left
    assert inside == pytest.approx(1 - 1 / planes)
    assert loss(found, "leaf") == (0, pytest.approx(3 / 4))
    assert loss(found, "host") == (8, pytest.approx(1 - 8 / 256))


@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_two_tiers_oversubscribed_by_r(shop: Catalog, ratio: int) -> None:
    """Two groups of two racks on two leaves: 128 cables down a leaf, 128 / r up."""
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0, 2) for i in range(2)]
    leaves = [draw(shop, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0, 2) for i in range(2)]
    spine = draw(shop, "hpn7-spine", "s", "S", 0, 0, 4)
    links = [cable(shop, f"u{i}", (racks[i], "uplink"), (leaves[i], "port"), 64) for i in range(2)]
    links += [
        cable(shop, f"c{i}", (leaves[i], "port"), (spine, "port"), 32 // ratio) for i in range(2)
    ]
    found = analyse(Design(elements=(*racks, *leaves, spine), links=tuple(links)), shop)
    _, leaf, top = found.cuts
    assert (leaf.groups, leaf.chips, top.groups, top.chips) == (2, 256, 1, 512)
    assert leaf.cut_bytes_per_s == pytest.approx(256 / ratio * PORT_BYTES_PER_S)
    assert leaf.bisection_bytes_per_s == pytest.approx(128 * PORT_BYTES_PER_S)
    assert top.bisection_bytes_per_s == pytest.approx(256 / ratio * PORT_BYTES_PER_S)
    assert leaf.offered_bytes_per_s == pytest.approx(256 * 63e9)
    assert loss(found, "spine") == (0, pytest.approx(3 / 4))
    assert found.all_to_all is not None
    between = found.all_to_all.between_bytes_per_s
    down = 511 / 448 * PORT_BYTES_PER_S  # to the 448 chips outside the own domain
    assert between == pytest.approx(min(down, 511 / 256 * PORT_BYTES_PER_S / ratio))


def test_what_only_one_leaf_joins_is_cut_off_with_it(shop: Catalog) -> None:
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0, 2) for i in range(2)]
    leaves = [draw(shop, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0) for i in range(2)]
    spine = draw(shop, "hpn7-spine", "s", "S", 0, 0, 2)
    links = [cable(shop, f"u{i}", (racks[i], "uplink"), (leaves[i], "port"), 64) for i in range(2)]
    links += [cable(shop, f"c{i}", (leaves[i], "port"), (spine, "port"), 8) for i in range(2)]
    found = analyse(Design(elements=(*racks, *leaves, spine), links=tuple(links)), shop)
    assert loss(found, "leaf") == (256, 0.0)
    assert loss(found, "uplink bundle")[0] == 128
    assert {point.name for point in found.weak_points} == {"L0", "L1"}


def test_a_rack_on_two_fabrics_does_not_join_them(shop: Catalog) -> None:
    """Chips relay for nobody: what hangs on either leaf alone cannot talk across."""
    chips = [draw(shop, "nvidia-h20", f"c{i}", f"C{i}", 0, 0) for i in range(3)]
    switches = [draw(shop, "nvlink-switch-5", f"w{i}", f"W{i}", 0, 0) for i in range(2)]
    pairs = [(0, 0), (1, 0), (1, 1), (2, 1)]
    links = [
        cable(shop, f"k{i}-{j}", (chips[i], "nvlink"), (switches[j], "port"), 1) for i, j in pairs
    ]
    found = analyse(Design(elements=(*chips, *switches), links=tuple(links)), shop)
    assert found.distances is not None
    assert found.distances.unreachable_pairs == 2
    assert found.distances.diameter_hops == 2
    assert found.all_to_all is None


def test_a_hall_of_1024_racks_answers_alike_as_arrays_and_drawn_one_by_one(shop: Catalog) -> None:
    arrays, singles = (analyse(hall(arrays=way), shop) for way in (True, False))
    assert arrays.chips == singles.chips == 131_072

    def figures(found: Analysis) -> list[object]:
        cuts = [
            (c.tier, c.groups, c.chips, c.cut_bytes_per_s, c.bisection_bytes_per_s)
            for c in found.cuts
        ]
        losses = [(r.component, r.chips, r.bisection_left, r.domain_left) for r in found.losses]
        return [cuts, losses]

    assert figures(singles) == figures(arrays)
    assert singles.all_to_all is not None
    assert arrays.all_to_all is not None
    assert singles.all_to_all.bytes_per_s == pytest.approx(arrays.all_to_all.bytes_per_s)
    assert singles.bisection == arrays.bisection
    assert arrays.bisection is not None
    links = 16 * 32 * 16 * 4  # half of the pods, their leaves, spines, cables
    assert arrays.bisection.bytes_per_s == pytest.approx(links * PORT_BYTES_PER_S)


def test_a_cable_missing_in_a_hall_shows_at_its_rack_and_its_group(shop: Catalog) -> None:
    found = analyse(hall(arrays=False, missing=True), shop)
    domain, leaf, _ = found.cuts
    assert domain.where == "R5"
    assert domain.cut_bytes_per_s == pytest.approx(48 * PORT_BYTES_PER_S)
    assert leaf.bisection_bytes_per_s == pytest.approx((16 * 128 - 32) * PORT_BYTES_PER_S)
