"""The numbers that people read, on runs that can be counted by hand."""

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.metrics.percentiles import spread
from engine.metrics.summary import Summary, summarise
from engine.scenario.scenario import Scenario
from tests.helpers import worlds


def summary(shop: Catalog, slo_ttft_s: float = 2.0) -> Summary:
    import msgspec

    design = worlds.one_chip(shop)
    design = msgspec.structs.replace(
        design, slo=msgspec.structs.replace(design.slo, ttft_s=slo_ttft_s, tpot_s=0.5)
    )
    given = worlds.trace([0.0, 0.0, 10.0], [10, 10, 10], [3, 3, 1])
    scenario = Scenario(design=design, catalog=shop, until_s=100.0, seed=1, trace=given)
    lowered = worlds.lowered_world(design, shop, 100.0, given=given)
    lowered = worlds.with_limits(worlds.with_step_time(lowered, base_s=0.4), max_seqs=1)
    run = worlds.simulation(lowered, 100.0)
    run.run_to_end()
    return summarise(run.results(), lowered, scenario)


def test_latencies_and_goodput_of_three_requests(shop: Catalog) -> None:
    """One slot, 0.4 s a step: first tokens after 0.4, 1.6 and 0.4 s, 0.4 s a token."""
    found = summary(shop, slo_ttft_s=1.0)
    assert found.requests_completed == 3
    assert found.ttft_s.p50 == pytest.approx(0.4)
    assert found.ttft_s.mean == pytest.approx(0.8)
    assert found.tpot_s.mean == pytest.approx(0.4)
    assert found.e2e_s.p99 == pytest.approx(2.4, rel=0.03)
    assert found.goodput.share == pytest.approx(2 / 3)
    assert found.simulated_s == pytest.approx(10.4)
    assert found.output_tokens_per_s == pytest.approx(7 / 10.4)


def test_the_ranking_adds_up_to_the_latency(shop: Catalog) -> None:
    found = summary(shop)
    assert sum(row.share for row in found.bottlenecks) == pytest.approx(1.0, abs=5e-3)
    names = [row.cause for row in found.bottlenecks]
    assert names == sorted(names, key=lambda n: -next(
        r.share for r in found.bottlenecks if r.cause == n))  # fmt: skip
    assert set(names) == {"compute", "queue"}
    for row in found.bottlenecks:
        assert row.text


def test_power_lies_between_idle_and_full(shop: Catalog) -> None:
    found, chip = summary(shop), shop.device("zhenwu-m890")
    assert chip.value("idle_power_w") < found.power_w < chip.value("power_w")
    assert found.energy_per_output_token_j == pytest.approx(
        found.power_w / found.output_tokens_per_s
    )


def test_estimated_figures_are_named(shop: Catalog) -> None:
    assert "Zhenwu M890" in summary(shop).estimates


def test_spreads_of_nothing_are_none() -> None:
    empty = spread(np.empty(0))
    assert empty.p50 is None
    assert empty.mean is None


def test_spreads_are_those_of_numpy() -> None:
    values = np.random.default_rng(1).exponential(size=1000)
    found = spread(values)
    assert found.p99 == pytest.approx(float(np.quantile(values, 0.99)), rel=0.02)
    assert found.mean == pytest.approx(float(values.mean()))


def test_the_slowest_requests_come_first_and_their_causes_add_up(shop: Catalog) -> None:
    rows = summary(shop).slowest
    assert [row.e2e_s for row in rows] == pytest.approx([2.4, 1.2, 0.4])
    for row in rows:
        assert sum(row.causes.values()) == pytest.approx(row.e2e_s, rel=1e-9)
    assert rows[0].causes["queue"] == pytest.approx(1.2)
