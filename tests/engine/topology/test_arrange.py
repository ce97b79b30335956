"""Arranging: exact places, names, links and ports."""

import pytest

from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.topology.arrange import (
    ArrayPlan,
    Edge,
    align,
    array_of,
    distribute,
    names_of,
)
from engine.topology.changes import PutElements, PutLinks
from engine.topology.model import Topology
from engine.topology.quick_add import fitting, linked_element, new_element
from engine.topology.rules import check_topology

BOXES = {"a": (0.0, 0.0, 10.0, 10.0), "b": (50.0, 20.0, 20.0, 30.0), "c": (100.0, 4.0, 4.0, 4.0)}


@pytest.mark.parametrize(
    ("edge", "places"),
    [
        (Edge.LEFT, [(0.0, 0.0), (0.0, 20.0), (0.0, 4.0)]),
        (Edge.RIGHT, [(94.0, 0.0), (84.0, 20.0), (100.0, 4.0)]),
        (Edge.CENTRE, [(47.0, 0.0), (42.0, 20.0), (50.0, 4.0)]),
        (Edge.TOP, [(0.0, 0.0), (50.0, 0.0), (100.0, 0.0)]),
        (Edge.BOTTOM, [(0.0, 40.0), (50.0, 20.0), (100.0, 46.0)]),
        (Edge.MIDDLE, [(0.0, 20.0), (50.0, 10.0), (100.0, 23.0)]),
    ],
)
def test_alignment_puts_edges_on_a_line(edge: Edge, places: list[tuple[float, float]]) -> None:
    change = align(BOXES, edge)
    assert change.ids == ("a", "b", "c")
    assert list(change.positions) == places


def test_distribution_makes_equal_gaps_and_keeps_the_ends() -> None:
    change = distribute(BOXES, across=True)
    places = dict(zip(change.ids, change.positions, strict=True))
    assert places["a"] == (0.0, 0.0)
    assert places["c"] == (100.0, 4.0)
    assert places["b"][0] - 10.0 == pytest.approx(100.0 - (places["b"][0] + 20.0))
    down = distribute(BOXES, across=False)
    assert down.ids == ("a", "c", "b")
    assert down.positions[-1] == (50.0, 20.0)


def chip_and_host(shop: Catalog) -> Topology:
    topology = Topology()
    topology.apply(PutElements((new_element(topology, shop.device("zhenwu-m890"), 0.0, 0.0),)))
    chip = next(iter(topology.elements))
    fit = next(f for f in fitting(topology, shop, chip, "pcie") if f.spec.kind.value == "host")
    topology.apply(linked_element(topology, fit, 200.0, 0.0)[1])
    return topology


def test_an_array_takes_inner_links_along(shop: Catalog) -> None:
    topology = chip_and_host(shop)
    plan = ArrayPlan(rows=2, columns=3, gap_x=10.0, gap_y=20.0)
    made = array_of(topology, shop, list(topology.elements), (0.0, 0.0, 344.0, 64.0), plan)
    topology.apply(made.change)
    assert len(topology.elements) == 12
    assert len(topology.links) == 6
    assert made.unlinked == 0
    assert len(made.ids) == 12
    chips = [e for e in topology.elements.values() if e.kind.value == "chip"]
    assert [(e.x, e.y) for e in chips] == [
        (0.0, 0.0), (354.0, 0.0), (708.0, 0.0), (0.0, 84.0), (354.0, 84.0), (708.0, 84.0),
    ]  # fmt: skip
    assert not [f for f in check_topology(topology, shop) if f.severity.value == "error"]


def test_copies_are_linked_to_others_while_ports_are_free(shop: Catalog) -> None:
    topology = chip_and_host(shop)
    chip = next(iter(topology.elements))
    made = array_of(topology, shop, [chip], (0.0, 0.0, 112.0, 64.0), ArrayPlan(columns=9))
    topology.apply(made.change)
    ports = shop.device("xuantie-c950-host").port("pcie")
    assert ports is not None
    assert len(topology.links) == ports.count  # the host is full
    assert made.unlinked == 9 - ports.count
    assert not [f for f in check_topology(topology, shop) if f.severity.value == "error"]


def test_without_connecting_only_inner_links_are_copied(shop: Catalog) -> None:
    topology = chip_and_host(shop)
    chip = next(iter(topology.elements))
    plan = ArrayPlan(columns=3, connect=False)
    made = array_of(topology, shop, [chip], (0.0, 0.0, 112.0, 64.0), plan)
    assert isinstance(made.change.changes[1], PutLinks)
    assert made.change.changes[1].links == ()


def test_names_follow_the_pattern() -> None:
    plan = ArrayPlan(rows=2, columns=2, pattern="{name}-r{row}c{column}")
    assert names_of(plan, "Rack") == ["Rack-r1c2", "Rack-r2c1", "Rack-r2c2"]
    plan = ArrayPlan(rows=1, columns=3, pattern="R{number}")
    assert names_of(plan, "Rack") == ["R2", "R3"]


@pytest.mark.parametrize("pattern", ["{name}", "{row}", "{0}", "{name.__class__}{number}", "  "])
def test_patterns_that_cannot_be_are_refused(pattern: str) -> None:
    with pytest.raises(TopologyError, match="name pattern"):
        names_of(ArrayPlan(rows=2, columns=3, pattern=pattern), "Rack")


@pytest.mark.parametrize(
    "plan",
    [ArrayPlan(rows=1, columns=1), ArrayPlan(rows=0, columns=5), ArrayPlan(rows=200, columns=200),
     ArrayPlan(gap_x=float("nan"))],
)  # fmt: skip
def test_arrays_that_cannot_be_are_refused(shop: Catalog, plan: ArrayPlan) -> None:
    topology = chip_and_host(shop)
    with pytest.raises(TopologyError, match="array"):
        array_of(topology, shop, list(topology.elements), (0.0, 0.0, 1.0, 1.0), plan)
