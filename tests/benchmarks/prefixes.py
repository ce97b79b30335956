"""Batching, prefix cache and routing of traces beside NVIDIA's DynoSim, step by equal step.

Both get the same requests and the same step times: 6 ms for a step that decodes, 20 ms more for one
that has prompts. What is left to differ is what a scheduler, a cache and a router do. The traces are
drawn here: chats, and conversations whose prompts repeat all that was said in blocks of 512 tokens;
MOONCAKE=file adds one in Mooncake's schema.
"""

import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from engine.catalog.loader import load_catalog
from engine.cost.timing import CompiledTiming
from engine.scenario.design import Router
from engine.scenario.scenario import Scenario
from engine.sim.codes import CAUSES
from engine.sim.lower import Lowered, lower
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.sim.timings import stack_timings
from engine.workload.trace import RequestTrace
from engine.workload.traces import read_trace
from tests.benchmarks import peers
from tests.benchmarks.timing import Row, Table, seconds, times
from tests.helpers import worlds

SHOP = load_catalog()
PREFILL_S, DECODE_S = 0.020, 0.006
SEQUENCES, BATCHED = 256, 8192
BLOCK_TOKENS = 512


class Case(NamedTuple):
    """One comparison."""

    name: str
    trace: RequestTrace
    replicas: int
    blocks: int  # KV blocks of a replica, each as large as a hash block
    router: Router = Router.ROUND_ROBIN


def chats(count: int, block_tokens: int) -> RequestTrace:
    """Poisson arrivals, 8 a second; no prompt is like another."""
    draw = np.random.default_rng(1)
    inputs = np.clip(draw.lognormal(6.55, 0.8, count), 32, 1500).astype(int)
    outputs = np.clip(draw.lognormal(5.2, 0.7, count), 8, 1000).astype(int)
    arrivals = np.cumsum(draw.exponential(1.0 / 8.0, count)).round(3)
    blocks = [
        list(range(100 * row, 100 * row + n // block_tokens)) for row, n in enumerate(inputs)
    ]
    return worlds.trace(arrivals.tolist(), inputs.tolist(), outputs.tolist(), blocks, block_tokens)


def conversations(count: int, turns: int) -> RequestTrace:
    """Sessions of some turns half a minute apart; each prompt repeats the ones before."""
    draw = np.random.default_rng(2)
    rows = []
    for session in range(count // turns):
        at_s = float(draw.uniform(0.0, 600.0))
        length = 0
        for _ in range(turns):
            length += int(draw.integers(2, 9))
            ids = [1000 * session + number for number in range(length)]
            tokens = BLOCK_TOKENS * length + int(draw.integers(1, BLOCK_TOKENS))
            rows.append((round(at_s, 3), tokens, int(draw.integers(20, 300)), ids))
            at_s += float(draw.exponential(30.0))
    rows.sort(key=lambda row: row[0])
    return worlds.trace(*(list(column) for column in zip(*rows, strict=True)), BLOCK_TOKENS)


def tables(case: Case) -> Lowered:
    """The tables of a case, with the step times that both simulators have."""
    design = worlds.one_chip(SHOP, case.replicas)
    deployment = msgspec.structs.replace(
        design.deployment, max_num_seqs=SEQUENCES, max_num_batched_tokens=BATCHED,
        kv_block_tokens=case.trace.block_tokens, router=case.router,
    )  # fmt: skip
    design = msgspec.structs.replace(design, deployment=deployment)
    scenario = Scenario(design=design, catalog=SHOP, until_s=1e9, seed=1, trace=case.trace)
    lowered = worlds.with_limits(lower(scenario), kv_blocks=case.blocks, window_tokens=10**7)
    decode_s = np.full(SEQUENCES + 1, DECODE_S)
    decode_s[0] = 0.0
    timing = CompiledTiming(
        dense_s=np.zeros((BATCHED + 1, CAUSES)),
        head_s=np.zeros(SEQUENCES + 1),
        decode_base_s=decode_s,
        decode_context_s=np.zeros(SEQUENCES + 1),
        prefill_area_s=np.zeros(BATCHED + 1),
        prompt_s=PREFILL_S,
        sequence_s=0.0,
        collective_bytes=np.zeros(BATCHED + 1),
        verified=1,
        accepted=1.0,
        stages=1,
    )
    pools = tuple(dataclasses.replace(pool, frontend_s=0.0) for pool in lowered.pools)
    return dataclasses.replace(lowered, pools=pools, timing=stack_timings([timing]))


def run(case: Case) -> tuple[float, RunResults]:
    """CPU seconds of the loop, and what came out."""
    simulation = Simulation(tables(case), "bench", 1, 1e9)
    simulation.warm_up()
    began = time.process_time()
    simulation.run_to_end()
    return time.process_time() - began, simulation.results()


def asked_of_peer(case: Case) -> dict[str, object]:
    """The same as json for DynoSim."""
    trace = case.trace
    rows = [
        {
            "timestamp": round(1000 * float(trace.arrival_s[row])),
            "input_length": int(trace.input_tokens[row]),
            "output_length": int(trace.output_tokens[row]),
            "hash_ids": trace.blocks[trace.block_start[row] : trace.block_start[row + 1]].tolist(),
        }
        for row in range(len(trace.arrival_s))
    ]
    for row in rows:  # it wants an id for the last part of a block, too
        whole = -(-row["input_length"] // trace.block_tokens)
        missing = whole - len(row["hash_ids"])
        row["hash_ids"] += [10**8 + 1000 * id(row) % 10**9 + n for n in range(missing)]
    routing = "kv_router" if case.router is Router.PREFIX_AFFINITY else "round_robin"
    return {
        "rows": rows,
        "block_tokens": trace.block_tokens,
        "engine": {
            "backend": "vllm",
            "worker_type": "aggregated",
            "num_gpu_blocks": case.blocks,
            "block_size": trace.block_tokens,
            "max_num_seqs": SEQUENCES,
            "max_num_batched_tokens": BATCHED,
            "timing_model": {
                "type": "fixed",
                "prefill_ms": 1000 * PREFILL_S,
                "decode_ms": 1000 * DECODE_S,
            },
        },
        "replay": {"num_workers": case.replicas, "router_mode": routing},
    }


def cases() -> Iterator[Case]:
    """What is compared."""
    yield Case("3,000 chats, one replica", chats(3000, 16), 1, 40_000)
    yield Case("3,000 chats, four replicas", chats(3000, 16), 4, 40_000)
    talks = conversations(4000, 5)
    yield Case("4,000 turns, all prefixes kept", talks, 1, 200_000)
    yield Case("4,000 turns, four replicas, some kept", talks, 4, 1_000)
    yield Case("the same, sent to their prefixes", talks, 4, 1_000, Router.PREFIX_AFFINITY)
    path = os.environ.get("MOONCAKE")
    if path:
        trace = read_trace(Path(path), "mooncake")
        yield Case(f"{trace.name}, all prefixes kept", trace, 1, 200_000)
        yield Case(f"{trace.name}, four replicas, some kept", trace, 4, 2_000)
        yield Case("the same, sent to their prefixes", trace, 4, 2_000, Router.PREFIX_AFFINITY)


def measure() -> Iterator[Table]:
    """Ours and theirs, row by row."""
    python = peers.interpreter("dynamo", "DYNOSIM")
    head = ("", "TTFT mean", "p99", "end to end mean", "p99", "hits", "loop, CPU")
    rows: list[Row] = []
    for case in cases():
        spent_s, results = run(case)
        ttft = results.first_token_s - results.arrival_s
        e2e = results.finish_s - results.arrival_s
        hits = results.cached_tokens.sum() / results.input_tokens.sum()
        rows.append(Row(case.name, ("Rackflow", *_cells(ttft, e2e, hits), seconds(spent_s))))
        found = peers.run_dynosim(python, asked_of_peer(case)) if python else "not installed"
        if isinstance(found, str):
            rows.append(Row("", (f"DynoSim: {found}", "", "", "", "", "", "")))
            continue
        mine = found.rows
        share = mine[:, 4].sum() / mine[:, 3].sum()
        took = f"{seconds(found.cpu_s)} ({times(found.cpu_s / spent_s)})"
        rows.append(Row("", ("DynoSim", *_cells(mine[:, 1] / 1e3, mine[:, 2] / 1e3, share), took)))
    yield Table(
        "Batching, prefix cache and routing beside DynoSim", head, rows,
        "Equal requests and step times. Routers differ where prompts are sent to their prefixes: "
        "DynoSim weighs hits and load, ours sends to the prefix up to a slack of load.",
    )  # fmt: skip


def _cells(ttft: np.ndarray, e2e: np.ndarray, hits: float) -> tuple[str, ...]:
    return (
        seconds(float(ttft.mean())), seconds(float(np.percentile(ttft, 99))),
        seconds(float(e2e.mean())), seconds(float(np.percentile(e2e, 99))), f"{hits:.2%}",
    )  # fmt: skip
