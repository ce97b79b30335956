"""Fixes: changes that the drawing's rules allow, one step each, tried with their price and power."""

import dataclasses

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.catalog.resources import resource_path
from engine.metrics.bottlenecks import Bottleneck
from engine.metrics.summary import Summary
from engine.scenario.design import Design
from engine.scenario.editor import DesignEditor
from engine.scenario.prices import seed_prices
from engine.scenario.scenario import Scenario
from engine.sim.codes import Cause
from engine.sim.prepare import refuse_broken_drawing
from engine.storage.project_file import load_design
from engine.study import whatif
from engine.study.fixes import Fix, Trial, trial, try_fixes
from engine.study.growth import more_cables, one_more
from engine.study.proposals import Proposal, proposed
from engine.study.whatif import Effect, Stopped
from engine.study.worth import Gain
from engine.topology.changes import Batch, PutLinks
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds


def crowded(shop: Catalog, slots: int = 1) -> Design:
    """One chip of so few batch slots that requests wait for them."""
    load = WorkloadSpec(
        kind=WorkloadKind.POISSON, rate_per_s=40.0, input_tokens=worlds.fixed(50),
        output_tokens=worlds.fixed(5),
    )  # fmt: skip
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    narrow = msgspec.structs.replace(design.deployment, max_num_seqs=slots)
    return msgspec.structs.replace(design, deployment=narrow)


def base_runs(design: Design, shop: Catalog) -> tuple[Scenario, list[Summary]]:
    given = Scenario(design=design, catalog=shop, until_s=20.0, seed=1)
    seeds = [dataclasses.replace(given, seed=seed) for seed in (1, 2)]
    return given, [whatif.run_scenario(seed) for seed in seeds]


def of(found: Trial, words: str) -> Fix:
    return next(fix for fix in found.fixes if words in fix.proposal.text)


def every_cause(summary: Summary, link_ids: tuple[str, ...]) -> Summary:
    """The summary with every cause among its bottlenecks."""
    rows = tuple(
        Bottleneck(resource="", cause=cause.name.lower(), share=0.1, seconds=1.0, text="",
                   link_ids=link_ids)
        for cause in Cause
    )  # fmt: skip
    return msgspec.structs.replace(summary, bottlenecks=rows)


@pytest.fixture(scope="module")
def example() -> Design:
    return load_design(resource_path("examples", "al128-agents.rackflow")).design


def test_a_fix_is_one_step_that_was_tried_with_its_price(shop: Catalog) -> None:
    design = crowded(shop)
    design = msgspec.structs.replace(design, prices=seed_prices(design, shop))
    given, base = base_runs(design, shop)
    found = trial(given, base, jobs=1)
    slots = of(found, "batch slots")
    assert slots.helps
    assert slots.effect.latency is not None
    assert slots.effect.latency.mean > 0.2  # one slot was the bottleneck
    assert slots.price == 0.0
    chip = of(found, "Add one")
    assert chip.helps  # it has a replica of its own
    assert chip.price == pytest.approx(design.prices.entries["zhenwu-m890"].amount)
    assert chip.unpriced == ()
    assert chip.power_low_w <= chip.power_w <= chip.power_high_w
    gains = [fix.effect.latency.mean for fix in found.fixes if fix.effect.latency]
    assert gains == sorted(gains, reverse=True)


def test_a_fix_is_the_same_run_as_the_design_after_it(shop: Catalog) -> None:
    design = crowded(shop)
    given, base = base_runs(design, shop)
    slots = of(trial(given, base, jobs=1), "batch slots")
    editor = DesignEditor(design, shop)
    inverse = editor.apply(slots.proposal.change)
    _, after = base_runs(editor.snapshot(), shop)
    assert editor.snapshot().deployment.max_num_seqs == 2
    assert whatif.effect_of(base, after) == slots.effect
    editor.apply(inverse)
    assert editor.snapshot() == design


def test_fixes_are_equal_on_any_number_of_threads(shop: Catalog) -> None:
    given, base = base_runs(crowded(shop), shop)
    assert trial(given, base, jobs=1) == trial(given, base, jobs=3)
    assert try_fixes(given, base) == list(trial(given, base, jobs=2).fixes)


def test_every_proposal_is_undone_in_one_step(shop: Catalog, example: Design) -> None:
    _, base = base_runs(crowded(shop), shop)
    links = tuple(link.id for link in example.links)
    four = msgspec.structs.replace(crowded(shop), deployment=msgspec.structs.replace(
        crowded(shop).deployment, replicas=4, tp=2, prefix_cache=False))  # fmt: skip
    for design in (example, four):
        texts = []
        for proposal in proposed(design, shop, every_cause(base[0], links)):
            editor = DesignEditor(design, shop)
            inverse = editor.apply(proposal.change)
            assert editor.snapshot() != design, proposal.text
            editor.apply(inverse)
            assert editor.snapshot() == design, proposal.text
            texts.append(proposal.text)
        assert len(texts) == len(set(texts)) >= 8


def test_what_cannot_be_lowered_is_dropped_with_its_reason(shop: Catalog) -> None:
    design = worlds.eight_chips(shop)  # all chips of the mesh are in use: TP16 has none
    load = msgspec.structs.replace(design.workload, rate_per_s=2.0)
    given, base = base_runs(msgspec.structs.replace(design, workload=load), shop)
    found = trial(given, base, jobs=1)
    assert not any("TP16" in fix.proposal.text for fix in found.fixes)
    reason = next(row.reason for row in found.dropped if "TP16" in row.text)
    assert "need 16" in reason


def test_a_fix_that_the_ports_do_not_allow_is_dropped_with_its_reason(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch, example: Design
) -> None:
    link = next(link for link in example.links if link.a.element == "gateway")
    more = msgspec.structs.replace(link, count=2 * link.count)
    asked = Proposal(text="More cables", why="", change=Batch((PutLinks((more,)),)))
    monkeypatch.setattr("engine.study.fixes.proposed", lambda *_: iter((asked,)))
    given = Scenario(design=example, catalog=shop, until_s=2.0, seed=1)
    _, base = base_runs(crowded(shop), shop)
    found = trial(given, base, jobs=1)
    assert found.dropped[0].place.link_ids == (link.id,)
    assert found.fixes == ()
    assert "4 eth ports, 6 are linked" in found.dropped[0].reason


def test_one_more_rack_takes_the_ports_that_there_are(shop: Catalog, example: Design) -> None:
    rack = next(e for e in example.elements if e.kind is DeviceKind.RACK)
    change, fewer = one_more(example, shop, rack)
    editor = DesignEditor(example, shop)
    editor.apply(change)
    after = editor.snapshot()
    refuse_broken_drawing(after, shop)
    counts = {link.id: link.count for link in after.links}
    # a leaf has 128 ports, of which clients and the store take 4: 62 for each of two racks
    assert counts["rack-leaf-0"] == counts["rack-leaf-1"] == 62
    assert "124 cables" in fewer


def test_cables_are_added_up_to_the_free_ports(shop: Catalog, example: Design) -> None:
    link = next(link for link in example.links if link.id == "gateway-leaf-0")
    three = tuple(
        msgspec.structs.replace(row, count=1) if row.id == "gateway-leaf-1" else row
        for row in example.links
    )
    design = msgspec.structs.replace(example, links=three)
    count, change = more_cables(design, shop, link, 2)
    assert count == 3  # of four ports one is taken
    editor = DesignEditor(design, shop)
    editor.apply(change)
    refuse_broken_drawing(editor.snapshot(), shop)


def test_chips_that_serve_nothing_are_given_replicas(shop: Catalog) -> None:
    design = crowded(shop)
    chips = msgspec.structs.replace(design.elements[0], count=3)
    design = msgspec.structs.replace(design, elements=(chips,))
    given, base = base_runs(design, shop)
    fix = of(trial(given, base, jobs=1), "Run 3 replicas")
    assert fix.helps
    assert fix.price == 0.0


def test_a_price_that_nobody_knows_is_said(shop: Catalog) -> None:
    given, base = base_runs(crowded(shop), shop)
    chip = of(trial(given, base, jobs=1), "Add one")
    assert chip.unpriced == (() if chip.price else ("zhenwu-m890",))


def test_cables_have_no_price_that_is_known(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch, example: Design
) -> None:
    link = next(link for link in example.links if link.id == "gateway-leaf-0")
    fewer = msgspec.structs.replace(link, count=1)
    rest = tuple(row for row in example.links if row.id != link.id)
    design = msgspec.structs.replace(example, links=(fewer, *rest))
    asked = Proposal(text="More cables", why="", change=Batch((PutLinks((link,)),)))
    monkeypatch.setattr("engine.study.fixes.proposed", lambda *_: iter((asked,)))
    given = Scenario(design=design, catalog=shop, until_s=2.0, seed=1)
    base = [whatif.run_scenario(dataclasses.replace(given, seed=seed)) for seed in (1, 2)]
    fix = trial(given, base, jobs=1).fixes[0]
    assert fix.unpriced == ("cables",)
    assert fix.worth.tokens_per_s_a_thousand is None
    assert fix.worth.latency_a_million is None


def test_a_cancelled_trial_stops(shop: Catalog) -> None:
    given, base = base_runs(crowded(shop), shop)
    with pytest.raises(Stopped):
        trial(given, base, jobs=1, stopped=lambda: True)


def test_progress_rises_to_the_end_though_proposals_are_dropped(shop: Catalog) -> None:
    shares: list[float] = []
    given, base = base_runs(worlds.eight_chips(shop), shop)
    found = trial(given, base, jobs=2, progress=shares.append)
    assert found.dropped
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("latency", "tokens", "verdict"),  # of helping, harming, changing nothing
    [
        ((0.1, 0.3), (0.0, 0.0), (True, False, False)),
        ((-0.1, 0.3), (-0.1, 0.1), (False, False, False)),
        ((-0.1, 0.1), (0.1, 0.3), (True, False, False)),
        ((-0.3, -0.1), (0.1, 0.3), (False, True, False)),
        ((0.0, 0.0), (-0.00001, 0.00001), (False, False, True)),
    ],
)
def test_a_fix_helps_if_it_is_quicker_or_more_for_certain(
    latency: tuple[float, float], tokens: tuple[float, float], verdict: tuple[bool, bool, bool]
) -> None:
    def gain(bounds: tuple[float, float]) -> Gain:
        return Gain(mean=sum(bounds) / 2, low=bounds[0], high=bounds[1])

    effect = Effect(latency=gain(latency), output_tokens_per_s=gain(tokens))
    proposal = Proposal(text="", why="", change=Batch(()))
    fix = Fix(proposal=proposal, effect=effect, price=0.0, power_w=0.0)
    assert (fix.helps, fix.harms, fix.is_idle) == verdict
