"""Laws of queueing theory that a run must keep, and bounds that none may break.

References: Kleinrock, "Queueing Systems" vol. 1 (1975) for M/M/1 and M/M/c (Erlang C); Lazowska,
Zahorjan, Graham, Sevcik, "Quantitative System Performance" (1984), chapters 5 (asymptotic and
balanced-job bounds) and 6 (mean value analysis).
"""

import dataclasses
import math

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.scenario.design import Design, PoolRole
from engine.sim.lower import Lowered
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.sim.tables import RequestTables
from engine.topology.generators import mesh_of_eight
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

SHOP = load_catalog()
STEP_S = 1e-3
MEAN_STEPS = 1000  # of a request: service times are geometric in steps, all but exponential
FOREVER_S = 1e9


def asked(
    arrival_s: np.ndarray, outputs: np.ndarray, inputs: np.ndarray | None = None, clients: int = 0
) -> RequestTables:
    count = len(arrival_s)
    given_inputs = np.full(count, 8) if inputs is None else inputs
    return RequestTables(
        arrival_s=arrival_s,
        input_tokens=given_inputs.astype(np.int32),
        output_tokens=outputs.astype(np.int32),
        entry_start=np.zeros(count + 1, np.int64),
        entry=np.empty(0, np.int32),
        entry_tokens=0,
        concurrency=clients,
    )


def one_server(seats: int) -> Lowered:
    """A replica that takes a millisecond a step, whatever is in the batch."""
    plain = worlds.lowered_world(
        worlds.one_chip(SHOP), SHOP, 10.0, given=worlds.trace([0.0], [1], [1])
    )
    return worlds.with_limits(
        worlds.with_step_time(plain, base_s=STEP_S), max_seqs=seats, prefix_cache=False
    )


def finished(lowered: Lowered, requests: RequestTables) -> RunResults:
    simulation = Simulation(dataclasses.replace(lowered, requests=requests), "t", 1, FOREVER_S)
    simulation.run_to_end()
    results = simulation.results()
    assert results.drained
    return results


def exponential_loads(load: float, servers: int, count: int, seed: int) -> RequestTables:
    """Poisson arrivals at `load` of what the servers do, service times geometric, 1 s in the mean."""
    generator = np.random.default_rng([seed, 7])
    rate = load * servers / (MEAN_STEPS * STEP_S)
    arrival = np.cumsum(generator.exponential(1.0 / rate, count))
    return asked(arrival, generator.geometric(1.0 / MEAN_STEPS, count))


def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival waits in M/M/c at `load` of each server."""
    offered = servers * load
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) / (1.0 - load)
    return last / (sum(terms) + last)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.4), (1, 0.7), (3, 0.6), (4, 0.8)])
def test_the_mean_wait_is_that_of_m_m_1_and_m_m_c(servers: int, load: float) -> None:
    lowered = one_server(servers)
    waits = []
    for seed in range(12):
        requests = exponential_loads(load, servers, 12_000, seed)
        results = finished(lowered, requests)
        served_s = results.output_tokens * STEP_S
        waits.append(float((results.finish_s - results.arrival_s - served_s).mean()))
    mean_s = MEAN_STEPS * STEP_S
    expected = erlang_c(servers, load) * mean_s / (servers * (1.0 - load))
    error = float(np.std(waits, ddof=1) / math.sqrt(len(waits)))
    # where others are served an arrival waits for the end of a step: half a step at most in the mean
    assert abs(np.mean(waits) - expected) < 4.0 * error + 0.5 * STEP_S
    assert error < 0.05 * expected


def test_littles_law_holds_to_1e_9_over_several_replicas_and_handed_over_prompts(
    shop: Catalog,
) -> None:
    for design in (worlds.one_chip(shop, replicas=3), tandem(shop)):
        load = WorkloadSpec(
            kind=WorkloadKind.POISSON,
            rate_per_s=20.0,
            input_tokens=worlds.fixed(60),
            output_tokens=worlds.fixed(20),
        )
        lowered = worlds.lowered_world(msgspec.structs.replace(design, workload=load), shop, 100.0)
        lowered = worlds.with_step_time(lowered, base_s=STEP_S, token_s=1e-4)
        simulation = worlds.simulation(lowered, 1000.0)
        simulation.run_to_end()
        results = simulation.results()
        assert results.drained
        sojourn = float((results.finish_s - results.arrival_s).sum())
        assert results.occupancy_integral == pytest.approx(sojourn, rel=1e-9)


@given(
    clients=st.integers(1, 40),
    replicas=st.integers(1, 3),
    seats=st.integers(1, 8),
    output=st.integers(1, 30),
    token_s=st.sampled_from([0.0, 1e-4]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_closed_loop_breaks_the_asymptotic_bounds(
    clients: int, replicas: int, seats: int, output: int, token_s: float
) -> None:
    """X(N) <= min(N / D, 1 / Dmax), R(N) >= max(D, N Dmax), exactly, over a whole run.

    D is a request's time alone. A step gives each of its sequences one token, so that a request
    takes at least output x step / (seats x replicas) of all steps: Dmax.
    """
    count = 4 * clients
    plain = worlds.lowered_world(
        worlds.one_chip(SHOP, replicas=replicas), SHOP, 10.0, given=worlds.trace([0.0], [1], [1])
    )
    lowered = worlds.with_step_time(plain, base_s=STEP_S, token_s=token_s)
    lowered = worlds.with_limits(lowered, max_seqs=seats, prefix_cache=False)
    requests = asked(np.zeros(count), np.full(count, output), clients=clients)
    results = finished(lowered, requests)
    alone = finished(lowered, asked(np.zeros(1), np.full(1, output)))
    demand_s = float(alone.finish_s[0])
    most_s = output * STEP_S / (seats * replicas)
    slack = 1 + 1e-9
    took_s = results.time_s
    assert count / took_s <= min(clients / demand_s, 1.0 / most_s) * slack
    # the last clients to finish leave places empty
    response_s = float((results.finish_s - results.arrival_s).mean())
    assert response_s * slack >= demand_s
    assert response_s * slack >= clients * most_s * (1 - (clients - 1) / (2 * count))


@pytest.mark.parametrize("agents", [1, 5, 30])
def test_agents_that_think_keep_the_bound_of_their_think_time(shop: Catalog, agents: int) -> None:
    """K <= N (T / (D + Z) + 1): each cycle takes a request's time alone and the thought after it."""
    load = WorkloadSpec(
        kind=WorkloadKind.AGENTS, agents=agents, prefix_tokens=worlds.fixed(100),
        append_tokens=worlds.fixed(10), output_tokens=worlds.fixed(20), think_s=worlds.fixed(1.0),
        tool_s=worlds.fixed(0.1), steps_per_task=1.0, growth_ratio=0.0, warm_start=False,
    )  # fmt: skip
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    lowered = worlds.with_step_time(worlds.lowered_world(design, shop, 200.0), base_s=0.01)
    lowered = worlds.with_limits(lowered, max_seqs=4)
    simulation = worlds.simulation(lowered, 200.0)
    simulation.run_to_end()
    results = simulation.results()
    demand_s, think_s, most_s = 20 * 0.01, 1.0, 20 * 0.01 / 4
    assert results.completed <= agents * (200.0 / (demand_s + think_s) + 1)
    assert results.completed <= 200.0 / most_s
    assert results.completed > 0.8 * min(agents * 200.0 / (demand_s + think_s), 200.0 / most_s)


def tandem(shop: Catalog) -> Design:
    """A prefill and a decode replica: two stations, one after the other."""
    chips, links = mesh_of_eight(shop, "zhenwu-m890", 0, 0)
    design = msgspec.structs.replace(worlds.one_chip(shop), elements=chips, links=links)
    first = msgspec.structs.replace(
        design.deployment, name="prefill", role=PoolRole.PREFILL, replicas=1
    )
    second = msgspec.structs.replace(first, name="decode", role=PoolRole.DECODE)
    return msgspec.structs.replace(design, deployment=first, pools=(second,))


def mean_value_analysis(demands_s: tuple[float, ...], clients: int) -> float:
    """Throughput of a closed network of queueing stations by the exact recursion."""
    queues = [0.0] * len(demands_s)
    rate = 0.0
    for number in range(1, clients + 1):
        waits = [demand * (1 + queue) for demand, queue in zip(demands_s, queues, strict=True)]
        rate = number / sum(waits)
        queues = [rate * wait for wait in waits]
    return rate


@pytest.mark.parametrize(("clients", "decode_share"), [(2, 1.0), (6, 1.0), (4, 0.5)])
def test_an_unbatched_tandem_keeps_balanced_job_bounds_and_mean_value_analysis(
    clients: int, decode_share: float
) -> None:
    """N / (D + (N - 1) Dmax) <= X(N) <= min(1 / Dmax, N / (D + (N - 1) Dave)).

    Prompts and outputs of geometric length make both services all but exponential; KV takes some
    0.1 ms between them, 1e-4 of a cycle.
    """
    plain = worlds.lowered_world(tandem(SHOP), SHOP, 10.0, given=worlds.trace([0.0], [1], [2]))
    lowered = worlds.with_step_time(plain, base_s=1e-9, token_s=STEP_S)
    pools = tuple(
        dataclasses.replace(pool, limits=pool.limits._replace(max_seqs=1, prefix_cache=False))
        for pool in lowered.pools
    )
    lowered = dataclasses.replace(lowered, pools=pools)
    steps = int(MEAN_STEPS * decode_share)
    rates = []
    for seed in range(8):
        generator = np.random.default_rng([seed, 9])
        count = 6_000
        prompts = generator.geometric(1.0 / MEAN_STEPS, count)
        outputs = 1 + generator.geometric(1.0 / steps, count)
        results = finished(lowered, asked(np.zeros(count), outputs, prompts, clients))
        rates.append(count / results.time_s)
    prefill_s, decode_s = MEAN_STEPS * STEP_S, steps * STEP_S
    total, most, mean = prefill_s + decode_s, max(prefill_s, decode_s), (prefill_s + decode_s) / 2
    found, error = float(np.mean(rates)), float(np.std(rates, ddof=1) / math.sqrt(len(rates)))
    room = 4.0 * error + 3e-4 * found
    assert found >= clients / (total + (clients - 1) * most) - room
    assert found <= min(1.0 / most, clients / (total + (clients - 1) * mean)) + room
    assert found == pytest.approx(mean_value_analysis((prefill_s, decode_s), clients), abs=room)
    assert error < 0.02 * found
