"""The event loop agrees with its slow twin, and holds what must hold in every world."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.sim.lower import Lowered
from engine.sim.results import RunResults
from tests.helpers import worlds
from tests.oracles import serving

REQUESTS = st.lists(
    st.tuples(
        st.floats(0.0, 3.0).map(lambda x: round(x, 3)), st.integers(1, 70), st.integers(1, 40)
    ),
    min_size=1,
    max_size=14,
)
TIMES = {"base_s": 0.01, "token_s": 0.001, "context_s": 1e-5, "area_s": 1e-6}


@pytest.fixture(scope="module")
def base(shop: Catalog) -> Lowered:
    given_trace = worlds.trace([0.0], [1], [1])
    return worlds.lowered_world(worlds.one_chip(shop), shop, 1e6, given=given_trace)


def run(base: Lowered, rows: list[tuple[float, int, int]], **limits: int) -> RunResults:
    import dataclasses

    from engine.sim.tables import RequestTables

    arrival, inputs, outputs = (np.array(column) for column in zip(*rows, strict=True))
    requests = RequestTables(
        arrival_s=arrival.astype(np.float64),
        input_tokens=inputs.astype(np.int32),
        output_tokens=outputs.astype(np.int32),
        entry_start=np.zeros(len(rows) + 1, np.int64),
        entry=np.empty(0, np.int32),
        entry_tokens=0,
        concurrency=0,
    )
    lowered = worlds.with_limits(dataclasses.replace(base, requests=requests), **limits)
    simulation = worlds.simulation(worlds.with_step_time(lowered, **TIMES), 1e6)
    simulation.run_to_end()
    return simulation.results()


@given(
    rows=REQUESTS,
    kv_blocks=st.integers(28, 60),
    max_seqs=st.integers(1, 5),
    max_batched_tokens=st.integers(5, 64),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_times_equal_those_of_the_slow_twin(
    base: Lowered,
    rows: list[tuple[float, int, int]],
    kv_blocks: int,
    max_seqs: int,
    max_batched_tokens: int,
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    limits = {
        "kv_blocks": kv_blocks,
        "max_seqs": max_seqs,
        "max_batched_tokens": max_batched_tokens,
        "block_tokens": 4,
    }
    results = run(base, rows, **limits)
    replica = serving.Replica(kv_blocks, 4, max_seqs, max_batched_tokens, *TIMES.values())
    twin = serving.simulate(replica, *map(list, zip(*rows, strict=True)))
    done = sorted((r for r in twin if np.isfinite(r.finish)), key=lambda r: (r.arrival, r.number))
    order = np.argsort(results.arrival_s, kind="stable")
    assert results.completed == len(done)
    assert results.preemptions == replica.preemptions
    mine = sorted(zip(results.arrival_s, results.first_token_s, results.finish_s, strict=True))
    theirs = sorted((r.arrival, r.first, r.finish) for r in done)
    np.testing.assert_allclose(np.array(mine), np.array(theirs).reshape(-1, 3), rtol=1e-9)
    assert len(order) == len(done)


@given(rows=REQUESTS, kv_blocks=st.integers(28, 40))
@settings(max_examples=60, deadline=None)
def test_causes_sum_to_the_latency_and_nothing_is_lost(
    base: Lowered, rows: list[tuple[float, int, int]], kv_blocks: int
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    results = run(
        base, rows, kv_blocks=kv_blocks, max_seqs=3, max_batched_tokens=16, block_tokens=4
    )
    latency = results.finish_s - results.arrival_s
    np.testing.assert_allclose(results.cause_seconds.sum(axis=1), latency, rtol=1e-9, atol=1e-12)
    assert results.arrived == len(rows)
    assert results.completed + results.rejected + results.in_flight == results.arrived
    assert results.drained
    assert (results.first_token_s >= results.arrival_s).all()
    assert (results.finish_s >= results.first_token_s).all()
    assert (np.diff(results.finish_s) >= 0).all()
    area = float(latency.sum())
    assert results.occupancy_integral == pytest.approx(area, rel=1e-9)


def test_requests_that_never_fit_are_rejected_and_counted(base: Lowered) -> None:
    results = run(base, [(0.0, 500, 1), (0.0, 8, 2)], kv_blocks=28, max_seqs=2,
                  max_batched_tokens=16, block_tokens=4)  # fmt: skip
    assert results.rejected == 1
    assert results.completed == 1


def test_memory_pressure_pushes_out_the_last_admitted(base: Lowered) -> None:
    rows = [(0.0, 40, 40), (0.0, 40, 40)]
    results = run(base, rows, kv_blocks=28, max_seqs=4, max_batched_tokens=64, block_tokens=4)
    assert results.preemptions >= 1
    from engine.sim.codes import Cause

    assert results.cause_seconds[:, Cause.KV_MEMORY].max() > 0


def test_a_pushed_out_sequence_longer_than_a_step_is_computed_again_without_chunks(
    base: Lowered,
) -> None:
    rows = [(0.0, 60, 40), (0.0, 60, 40)]
    results = run(base, rows, kv_blocks=40, max_seqs=4, max_batched_tokens=64, block_tokens=4,
                  chunked_prefill=False)  # fmt: skip
    assert results.preemptions >= 1
    assert results.completed == 2
