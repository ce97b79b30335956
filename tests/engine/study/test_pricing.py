"""A schedule priced under other terms is what the event loop measures under them."""

import dataclasses
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.cost.curves import load_curves
from engine.cost.efficiency import SystemTerms
from engine.sim.bench import on_bench
from engine.sim.run import Simulation
from engine.sim.tenants import request_load
from engine.study.calibration.serving import START
from engine.study.cells import Plan, plan
from engine.study.pricing import COLUMNS, MAKESPAN, TPOT, TTFT, ledger_of, priced
from engine.study.runs import run_cell
from engine.study.schedule import schedule_of, static_batch
from tests.engine.study.test_cells import ROW

if TYPE_CHECKING:
    from engine.sim.tables import RequestTables

OTHER = msgspec.structs.replace(
    START, gemm_compute=1.6, gemm_memory=0.9, decode=1.5, prefill_attention=2.0,
    communication=1.4, layer_s=2e-5, step_s=3e-3, sequence_s=2e-5, eager_s=1e-3,
)  # fmt: skip


def measured(planned: Plan, terms: SystemTerms) -> np.ndarray:
    lowered = on_bench(
        planned.deployment, planned.llm, planned.chip, planned.requests, terms=terms
    )
    simulation = Simulation(lowered, "test", 1, 1e9)
    simulation.run_to_end()
    results = simulation.results()
    tpot = (results.finish_s - results.first_token_s) / np.maximum(results.output_tokens - 1, 1)
    ttft = results.first_token_s - results.arrival_s
    return np.array([results.finish_s.max(), ttft.mean(), tpot.mean()])


CELLS = {
    "tp": {"concurrency": "6", "note": "uniform in [0.8,1.0]; num_prompts=6*conc"},
    "one": {"concurrency": "1", "model": "Qwen3-8B", "tp": "1", "n_accel": "1"},
    "burst": {"scenario": "burst-random", "concurrency": "40", "osl": "60"},
    "drafts": {"spec_decode": "mtp", "model": "DeepSeek-R1", "tp": "8", "n_accel": "8",
               "hardware": "H200", "note": "num_prompts=3*conc"},
    "pp": {"tp": "1", "pp": "4", "scenario": "burst-random", "concurrency": "24", "osl": "40"},
    "ranks": {"model": "Qwen3-30B-A3B", "dp": "4", "ep": "4", "note": "num_prompts=3*conc"},
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_the_price_is_what_the_loop_measures(shop: Catalog, name: str) -> None:
    planned = plan({**ROW, **CELLS[name]}, shop)
    run = run_cell(planned, START, load_curves())
    np.testing.assert_allclose(priced(run.ledger, START), measured(planned, START), rtol=0.03)


@pytest.mark.parametrize("name", ["tp", "burst", "pp", "drafts"])
def test_a_run_priced_again_is_a_run_made_again(shop: Catalog, name: str) -> None:
    planned = plan({**ROW, **CELLS[name]}, shop)
    run = run_cell(planned, START, load_curves())
    # steps become up to three times as long: what a front end holds back shifts by a step
    again, made = priced(run.ledger, OTHER), measured(planned, OTHER)
    np.testing.assert_allclose(again[[MAKESPAN, TPOT]], made[[MAKESPAN, TPOT]], rtol=0.01)
    assert again[TTFT] == pytest.approx(made[TTFT], rel=0.06)


def test_a_static_batch_is_one_prefill_and_its_decode_steps() -> None:
    schedule = static_batch(4, 100, 11)
    tokens = schedule.counts[:, 0].tolist()
    assert sorted(tokens) == [4, 400]
    prefill, decode = tokens.index(400), tokens.index(4)
    assert schedule.weight[prefill].tolist() == [1.0, 1.0, 0.0]
    assert schedule.weight[decode, MAKESPAN] == 10
    assert schedule.weight[decode, TPOT] == pytest.approx(1.0)
    assert schedule.context[decode, MAKESPAN] == 4 * sum(range(101, 111))
    assert schedule.area[prefill, TTFT] == 4 * 100 * 100 / 2
    assert schedule.output_tokens == 44


def test_every_term_has_a_price(shop: Catalog) -> None:
    planned = plan({**ROW, **CELLS["ranks"]}, shop)
    ledger = run_cell(planned, START, load_curves()).ledger
    base = priced(ledger, START)
    for name in (*COLUMNS, "frontend_s"):
        dearer = msgspec.structs.replace(START, **{name: getattr(START, name) * 2})
        after = priced(ledger, dearer)
        assert (after >= base - 1e-12).all()
        assert after[TTFT] > base[TTFT], name


def test_an_open_run_keeps_its_idle_time(shop: Catalog) -> None:
    planned = plan({**ROW, "model": "Qwen3-8B", "tp": "1", "n_accel": "1"}, shop)
    requests: RequestTables = planned.requests._replace(
        arrival_s=np.arange(80) * 10.0, concurrency=0
    )
    planned = dataclasses.replace(planned, requests=requests)
    lowered = on_bench(planned.deployment, planned.llm, planned.chip, requests, terms=START)
    simulation = Simulation(lowered, "test", 1, 1e9, log_steps=100_000)
    simulation.run_to_end()
    results = simulation.results()
    schedule = schedule_of(simulation.step_log(), results, lowered.first.frontend_s)
    load = request_load(requests)
    ledger = ledger_of(
        schedule, planned.deployment, planned.llm, planned.chip, load, load_curves(),
        lowered.first.frontend_s,
    )  # fmt: skip
    assert priced(ledger, START)[MAKESPAN] == pytest.approx(
        float(results.finish_s.max()), rel=0.01
    )
    assert ledger.constant_s[MAKESPAN] > 700
