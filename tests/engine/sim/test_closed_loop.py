"""A closed loop over a list of requests, admission that reserves, and the log of steps."""

import dataclasses

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.scenario.scenario import Scenario
from engine.sim.lower import Lowered, lower
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.sim.state import (
    LOG_AREA,
    LOG_CHUNKS,
    LOG_CONTEXT,
    LOG_DECODING,
    LOG_SAMPLES,
    LOG_STARTED_S,
    LOG_TOKENS,
)
from engine.sim.tables import RequestTables
from engine.workload.spec import WorkloadKind
from tests.helpers import worlds


def requests(count: int, inputs: int, outputs: int, concurrency: int) -> RequestTables:
    return RequestTables(
        arrival_s=np.zeros(count),
        input_tokens=np.full(count, inputs, np.int32),
        output_tokens=np.full(count, outputs, np.int32),
        entry_start=np.zeros(count + 1, np.int64),
        entry=np.empty(0, np.int32),
        entry_tokens=0,
        concurrency=concurrency,
    )


@pytest.fixture(scope="module")
def base(shop: Catalog) -> Lowered:
    given = worlds.trace([0.0], [1], [1])
    return worlds.lowered_world(worlds.one_chip(shop), shop, 1e6, given=given)


def run(
    base: Lowered, load: RequestTables, log: int = 0, **limits: int
) -> tuple[Simulation, RunResults]:
    lowered = worlds.with_limits(dataclasses.replace(base, requests=load), **limits)
    lowered = worlds.with_step_time(lowered, base_s=0.01, token_s=1e-4)
    simulation = Simulation(lowered, "test", 1, 1e6, log_steps=log)
    simulation.run_to_end()
    return simulation, simulation.results()


@pytest.mark.parametrize("clients", [1, 3, 8])
def test_no_more_requests_than_clients_are_in_the_system(base: Lowered, clients: int) -> None:
    _, results = run(base, requests(30, 20, 10, clients))
    assert results.completed == 30
    edges = np.concatenate([results.arrival_s, results.finish_s])
    # at equal times a finish comes first: its client sends the next request then
    change = np.concatenate([np.ones(30), -np.ones(30)])
    order = np.lexsort((change, edges))
    assert np.cumsum(change[order]).max() == clients


def test_a_client_sends_its_next_request_when_the_last_one_is_answered(base: Lowered) -> None:
    _, results = run(base, requests(5, 20, 10, 1))
    assert results.arrival_s[1:] == pytest.approx(results.finish_s[:-1])


def test_one_client_sees_prefill_and_decode_alone(base: Lowered) -> None:
    _, results = run(base, requests(4, 20, 10, 1))
    assert results.first_token_s - results.arrival_s == pytest.approx(0.01 + 20e-4)
    tpot = (results.finish_s - results.first_token_s) / 9
    assert tpot == pytest.approx(0.01 + 1e-4)


def test_clients_of_a_design_are_bounded_and_draw_their_lengths(shop: Catalog) -> None:
    import msgspec

    design = worlds.one_chip(shop)
    workload = msgspec.structs.replace(
        design.workload, kind=WorkloadKind.CLIENTS, clients=4, requests=0
    )
    design = msgspec.structs.replace(design, workload=workload)
    lowered = lower(Scenario(design=design, catalog=shop, until_s=1e3, seed=1))
    assert lowered.requests is not None
    assert lowered.requests.concurrency == 4
    assert len(lowered.requests.arrival_s) == 40
    crowd = msgspec.structs.replace(workload, clients=0)
    with pytest.raises(ScenarioError, match="clients"):
        lower(
            Scenario(
                design=msgspec.structs.replace(design, workload=crowd),
                catalog=shop, until_s=1e3, seed=1,
            )
        )  # fmt: skip


TIGHT = {"kv_blocks": 30, "max_seqs": 8, "max_batched_tokens": 64, "block_tokens": 4}


def test_reserving_admission_never_pushes_anybody_out(base: Lowered) -> None:
    load = requests(12, 16, 40, 0)
    _, greedy = run(base, load, **TIGHT)
    _, careful = run(base, load, no_evict=True, **TIGHT)
    assert greedy.preemptions > 0
    assert careful.preemptions == 0
    assert careful.completed == greedy.completed == 12


def test_reserving_admission_fills_the_memory_as_far_as_whole_requests_go(base: Lowered) -> None:
    # a request takes (16 + 40) / 4 = 14 of 30 blocks: two at a time
    simulation, _ = run(base, requests(6, 16, 40, 0), log=1000, no_evict=True, **TIGHT)
    log = simulation.step_log()
    assert log[:, LOG_DECODING].max() == 2


def test_the_log_has_every_step_with_what_it_computed(base: Lowered) -> None:
    simulation, results = run(base, requests(3, 20, 4, 1), log=1000)
    log = simulation.step_log()
    assert len(log) == results.steps == 12
    first = log[0]
    assert first[LOG_TOKENS] == 20
    assert first[LOG_CHUNKS] == 1
    assert first[LOG_SAMPLES] == 1
    assert first[LOG_AREA] == 200
    assert log[1:4, LOG_DECODING].tolist() == [1, 1, 1]
    assert log[1:4, LOG_CONTEXT].tolist() == [20, 21, 22]
    assert (np.diff(log[:, LOG_STARTED_S]) > 0).all()


def test_a_log_that_is_too_short_keeps_the_first_steps(base: Lowered) -> None:
    simulation, results = run(base, requests(3, 20, 4, 1), log=5)
    assert len(simulation.step_log()) == 5 < results.steps
    quiet, _ = run(base, requests(3, 20, 4, 1))
    assert len(quiet.step_log()) == 0
