"""The event loop of serving: one replica, 64 routed ones, the example; with and without jumps.

The workload is drawn here in the shape of the published one: 10,000 Poisson requests of Llama 3
70B in bf16 on TP8 H100, at most 256 sequences and 2,048 tokens a step, blocks of 16 tokens, prompts
and answers as in chats (log-normal, medians of 700 and 180 tokens). Vidur runs it too where it is
installed.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.scenario.design import Deployment, Precision
from engine.scenario.scenario import Scenario
from engine.sim.bench import on_bench
from engine.sim.kernels.world import LEAST_LOADED
from engine.sim.lower import Lowered
from engine.sim.prepare import prepare_simulation
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.sim.services import service_tables
from engine.sim.tables import RequestTables, no_transfers
from engine.storage.project_file import load_design
from tests.benchmarks import peers
from tests.benchmarks.timing import Row, Table, bytes_text, peak_bytes, seconds, times

SHOP = load_catalog()
REQUESTS, RATE_PER_S = 10_000, 8.0
REPLICAS, ROUTED = 64, 100_000
END_S = 1e9


def chats(count: int, rate_per_s: float, seed: int) -> RequestTables:
    """Poisson arrivals of chats."""
    draw = np.random.default_rng(seed)
    inputs = np.clip(np.rint(700 * np.exp(0.8 * draw.standard_normal(count))), 32, 3072)
    outputs = np.clip(np.rint(180 * np.exp(0.7 * draw.standard_normal(count))), 8, 1000)
    return RequestTables(
        arrival_s=np.cumsum(draw.exponential(1.0 / rate_per_s, count)),
        input_tokens=inputs.astype(np.int32),
        output_tokens=outputs.astype(np.int32),
        entry_start=np.zeros(count + 1, np.int64),
        entry=np.empty(0, np.int32),
        entry_tokens=0,
        concurrency=0,
    )


def one_replica(requests: RequestTables) -> Lowered:
    """Llama 3 70B on eight H100."""
    deployment = Deployment(
        model="llama3_70b",
        precision=Precision.BF16,
        kv_precision=Precision.BF16,
        tp=8,
        max_num_batched_tokens=2048,
    )
    return on_bench(deployment, SHOP.llm("llama3_70b"), SHOP.device("nvidia-h100"), requests)


def routed(requests: RequestTables, count: int) -> Lowered:
    """So many of them behind a router that chooses the least loaded."""
    one = one_replica(requests)
    links = len(one.fabric.link_source)
    tiled = {
        name: np.tile(getattr(one.fabric, name), count)
        for name in one.fabric._fields
        if name.startswith("link_")
    }
    every, nobody = np.arange(count + 1), np.zeros(count + 1, np.int64)
    replicas = one.replicas._replace(
        pool=np.zeros(count, np.int32),
        chip_start=every * len(one.replicas.chip),
        chip=np.tile(one.replicas.chip, count),
        host=np.full(count, -1, np.int32),
        kv_tokens=np.repeat(one.replicas.kv_tokens, count),
        coflow_start=every * links,
        coflow_link=np.arange(count * links, dtype=np.int32),
        coflow_weight=np.tile(one.replicas.coflow_weight, count),
        ingress_start=nobody,
        egress_start=nobody,
    )
    limits = one.first.limits._replace(router=LEAST_LOADED)
    return dataclasses.replace(
        one,
        fabric=one.fabric._replace(**tiled),
        pools=(dataclasses.replace(one.first, limits=limits),),
        replicas=replicas,
        services=service_tables([limits], replicas.pool, replicas.kv_tokens),
        transfers=no_transfers(count),
    )


def loop(lowered: Lowered, *, jump: bool, tries: int) -> tuple[float, RunResults]:
    """Seconds of the loop alone, the best of some runs, and what came out."""
    best, results = float("inf"), None
    for number in range(tries):
        simulation = Simulation(lowered, "bench", 1, END_S, jump=jump)
        if number == 0:
            simulation.warm_up()
        simulation.run_to_end()
        results = simulation.results()
        best = min(best, results.wall_s)
    assert results is not None
    return best, results


def _row(name: str, lowered: Lowered, tries: int) -> Row:
    jumping, results = loop(lowered, jump=True, tries=tries)
    plain, same = loop(lowered, jump=False, tries=tries)
    equal = np.array_equal(results.finish_s, same.finish_s) and np.array_equal(
        results.cause_seconds, same.cause_seconds
    )
    return Row(
        name,
        (
            seconds(jumping),
            f"{results.completed / jumping:,.0f}",
            f"{results.steps / jumping:,.0f}",
            times(plain / jumping),
            "yes" if equal else "NO",
            bytes_text(peak_bytes()),
        ),
    )


def measure() -> Iterator[Table]:
    """Loops alone; causes, metrics and own links of replicas on."""
    head = ("loop", "requests/s", "steps/s", "over the plain loop", "equal to it", "peak memory")
    single = one_replica(chats(REQUESTS, RATE_PER_S, 1))
    many = routed(chats(ROUTED, REPLICAS * RATE_PER_S, 2), REPLICAS)
    rows = [
        _row("10,000 requests, one replica", single, 7),
        _row("100,000 requests, 64 replicas, least loaded", many, 4),
    ]
    note = f"Asked: 10 ms and 0.25 s. Vidur on the same 10,000 requests: {_vidur(single)}."
    yield Table("Serving", head, rows, note)
    yield _example()


def _vidur(lowered: Lowered) -> str:
    python = peers.interpreter("vidur")
    if python is None:
        return "not installed"
    assert lowered.requests is not None
    found = peers.run_vidur(python, lowered.requests)
    if isinstance(found, str):
        return f"not run ({found})"
    ours, _ = loop(lowered, jump=True, tries=3)
    return f"{seconds(found)}, {times(found / ours)}"


def _example() -> Table:
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    rows = []
    for until_s in (120.0, 3600.0):
        best, events = float("inf"), 0
        for _ in range(3):
            scenario = Scenario(design=design, catalog=SHOP, until_s=until_s, seed=1)
            simulation, _ = prepare_simulation(scenario)
            simulation.run_to_end()
            results = simulation.results()
            best, events = min(best, results.wall_s), results.events
        rows.append(Row(
            f"the AL128 example for {until_s:g} s",
            (seconds(best), f"{events / best:,.0f}", times(until_s / best)),
        ))  # fmt: skip
    return Table("Serving with agents and the drawn network",
                 ("loop", "events/s", "real time"), rows)  # fmt: skip
