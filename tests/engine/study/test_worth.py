"""Gains for money and power, and where on the drawing a change or a resource is."""

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.scenario.scenario import Scenario
from engine.sim.lower import lower
from engine.storage.project_file import load_design
from engine.study.places import touched
from engine.study.resources import Resource, place_of
from engine.study.worth import Gain, Worth, worth_of
from engine.topology.changes import Batch, PutElements, PutLinks, SetSection
from tests.helpers import worlds

SURE = Gain(mean=0.2, low=0.1, high=0.3)
CHANCE = Gain(mean=0.2, low=-0.1, high=0.5)
LOSS = Gain(mean=-0.2, low=-0.3, high=-0.1)
MORE_W = Gain(mean=2000.0, low=1500.0, high=2500.0)
NO_W = Gain(mean=0.0, low=0.0, high=0.0)


def test_gains_are_given_for_money_and_power() -> None:
    worth = worth_of(SURE, SURE, 1000.0, 50_000.0, MORE_W)
    assert worth.tokens_per_s_a_thousand == pytest.approx(200.0 / 50.0)
    assert worth.latency_a_million == pytest.approx(0.2 / 0.05)
    assert worth.tokens_per_s_a_kw == pytest.approx(100.0)
    assert worth.latency_a_kw == pytest.approx(0.1)
    assert worth.is_known


@pytest.mark.parametrize("price", [None, 0.0, -5000.0])
def test_what_costs_nothing_or_nobody_knows_what_has_no_gain_for_money(
    price: float | None,
) -> None:
    worth = worth_of(SURE, SURE, 1000.0, price, NO_W)
    assert worth == Worth()
    assert not worth.is_known


@pytest.mark.parametrize("gain", [None, CHANCE, LOSS])
def test_a_gain_that_may_be_chance_is_not_divided(gain: Gain | None) -> None:
    assert worth_of(gain, gain, 1000.0, 50_000.0, MORE_W) == Worth()


def test_power_that_may_be_chance_is_no_divisor() -> None:
    watts = Gain(mean=100.0, low=-50.0, high=250.0)
    worth = worth_of(SURE, None, 1000.0, 1000.0, watts)
    assert worth.latency_a_kw is None
    assert worth.latency_a_million == pytest.approx(200.0)


def test_a_change_is_where_its_elements_and_links_are(shop: Catalog) -> None:
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    link = design.links[0]
    drawn = Batch((PutElements(design.elements[:1]), PutLinks((link,)),
                   SetSection("deployment", design.deployment)))  # fmt: skip
    assert touched(design, drawn).element_ids == (design.elements[0].id,)
    assert touched(design, drawn).link_ids == (link.id,)
    deployed = touched(design, SetSection("deployment", design.deployment))
    kinds = {e.kind.value for e in design.elements if e.id in deployed.element_ids}
    assert kinds == {"rack"}
    assert touched(design, SetSection("run", design.run)).element_ids == ()


def test_resources_are_where_they_are_drawn(shop: Catalog) -> None:
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    lowered = lower(Scenario(design=design, catalog=shop, until_s=1.0, seed=1))
    kinds = {e.id: e.kind.value for e in design.elements}
    ends = {link.id: {kinds[link.a.element], kinds[link.b.element]} for link in design.links}
    clients = place_of(lowered, Resource.CLIENT_LINKS)
    assert clients.link_ids
    assert all("client" in ends[name] for name in clients.link_ids)
    chips = place_of(lowered, Resource.ARITHMETIC)
    assert {kinds[name] for name in chips.element_ids} == {"rack"}
    assert chips.link_ids == ()
    inside = place_of(lowered, Resource.SCALE_UP)
    assert {kinds[name] for name in inside.element_ids} == {"rack"}
    one = lower(Scenario(design=worlds.one_chip(shop), catalog=shop, until_s=1.0, seed=1))
    assert place_of(one, Resource.SCALE_UP) == place_of(one, Resource.PCIE)
    assert place_of(one, Resource.COLLECTIVE_LATENCY) == place_of(one, Resource.ARITHMETIC)
