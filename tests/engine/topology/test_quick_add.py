"""New devices at the end of a link: only what fits, drawn with its link as one change."""

import pytest

from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.topology.changes import PutElements
from engine.topology.model import Topology
from engine.topology.quick_add import Fit, fitting, linked_element, new_element, refusal
from engine.topology.rules import best_ports


def world(shop: Catalog, spec: str, count: int = 1) -> Topology:
    topology = Topology()
    topology.apply(PutElements((new_element(topology, shop.device(spec), 0.0, 0.0, count),)))
    return topology


def first(topology: Topology) -> str:
    return next(iter(topology.elements))


def test_only_devices_with_a_free_port_of_the_medium_fit(shop: Catalog) -> None:
    topology = world(shop, "zhenwu-m890")
    chip = first(topology)
    kinds = {fit.spec.kind.value for fit in fitting(topology, shop, chip, "pcie")}
    assert kinds == {"host", "nic"}
    assert "client" not in {fit.spec.kind.value for fit in fitting(topology, shop, chip)}


def test_a_fitting_device_and_its_link_are_drawn_as_promised(shop: Catalog) -> None:
    topology = world(shop, "panjiu-al128-2x64")
    rack = first(topology)
    for fit in fitting(topology, shop, rack):
        before = (dict(topology.elements), dict(topology.links))
        element, change = linked_element(topology, fit, 400.0, 0.0)
        inverse = topology.apply(change)
        (link,) = topology.links.values()
        assert (link.count, link.medium) == (fit.proposal.cables, fit.proposal.medium)
        assert {link.a.element, link.b.element} == {rack, element.id}
        topology.apply(inverse)
        assert (dict(topology.elements), dict(topology.links)) == before


def test_fewer_cables_can_be_asked_for_but_never_more(shop: Catalog) -> None:
    topology = world(shop, "panjiu-al128-2x64")
    fit = next(f for f in fitting(topology, shop, first(topology)) if f.proposal.cables > 4)

    def cables(asked: int) -> int:
        topology_change = linked_element(topology, fit, 0.0, 0.0, asked)[1]
        return int(topology_change.changes[1].links[0].count)  # type: ignore[union-attr]

    assert [cables(n) for n in (0, 3, 10**6)] == [fit.proposal.cables, 3, fit.proposal.cables]


def test_ports_that_are_taken_fit_nothing_and_say_so(shop: Catalog) -> None:
    topology = world(shop, "zhenwu-m890")
    chip = first(topology)
    fit = next(f for f in fitting(topology, shop, chip, "pcie") if f.spec.kind.value == "host")
    topology.apply(linked_element(topology, fit, 0.0, 0.0)[1])
    assert fitting(topology, shop, chip, "pcie") == []
    assert "1 of 1 pcie" in refusal(topology, shop, chip, "pcie").reason


def test_it_finds_what_a_drag_to_a_drawn_device_finds(shop: Catalog) -> None:
    topology = world(shop, "xuantie-c950-host")
    host = first(topology)
    fits = {fit.spec.id: fit for fit in fitting(topology, shop, host)}
    for spec in shop.devices.values():
        other = new_element(topology, spec, 0.0, 0.0)
        drawn = Topology([topology.elements[host], other])
        offer = best_ports(drawn, shop, host, other.id)
        assert (spec.id in fits) == (not hasattr(offer, "ok"))
        if spec.id in fits:
            assert isinstance(fits[spec.id], Fit)
            assert fits[spec.id].proposal.cables == offer.cables  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [0, -1, 5000])
def test_arrays_have_a_bounded_size(shop: Catalog, count: int) -> None:
    with pytest.raises(TopologyError, match="use 1 to"):
        new_element(Topology(), shop.device("zhenwu-m890"), 0.0, 0.0, count)
