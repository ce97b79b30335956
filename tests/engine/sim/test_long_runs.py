"""Long runs: memory that does not grow with simulated time, and sums that stay exact."""

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.sim import beginning
from engine.sim.results import RunResults
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

ROWS = 5000


def run(shop: Catalog) -> RunResults:
    load = WorkloadSpec(
        kind=WorkloadKind.POISSON, rate_per_s=20.0, input_tokens=worlds.fixed(100),
        output_tokens=msgspec.structs.replace(worlds.fixed(10), sigma=0.8, high=200.0),
    )  # fmt: skip
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    lowered = worlds.with_step_time(worlds.lowered_world(design, shop, 1000.0), base_s=0.004)
    simulation = worlds.simulation(worlds.with_limits(lowered, max_seqs=4), 1000.0)
    simulation.run_to_end()
    return simulation.results()


def test_a_sample_of_the_requests_stands_for_all_of_them(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(shop)
    monkeypatch.setattr(beginning, "MOST_ROWS", ROWS)
    part = run(shop)
    assert len(part.arrival_s) == ROWS
    assert whole.requests_a_row == 1.0
    assert part.requests_a_row == pytest.approx(whole.completed / ROWS)
    for name in ("completed", "arrived", "events", "steps", "occupancy_integral"):
        assert getattr(part, name) == getattr(whole, name)
    assert np.array_equal(part.ended_cause_seconds, whole.ended_cause_seconds)
    assert part.tenants.output_tokens[0] == whole.output_tokens.sum()
    everyone = np.sort(whole.finish_s - whole.arrival_s)
    sample = part.finish_s - part.arrival_s
    for share in (0.5, 0.9, 0.99):
        below = np.searchsorted(everyone, np.quantile(sample, share)) / len(everyone)
        assert abs(below - share) < 3 * np.sqrt(share * (1 - share) / ROWS)
    assert set(part.finish_s.tolist()) <= set(whole.finish_s.tolist())
    times = np.sort(part.arrival_s)
    assert times[ROWS // 2] == pytest.approx(500.0, abs=60.0)  # early and late ones alike
