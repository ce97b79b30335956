"""Small worlds for tests of the simulation: a few chips, a step time that is known."""

import dataclasses

import msgspec
import numpy as np

from engine.catalog.catalog import Catalog
from engine.cost.timing import CompiledTiming
from engine.scenario.design import Deployment, Design, Precision, Router
from engine.scenario.scenario import Scenario
from engine.sim.codes import CAUSES, Cause
from engine.sim.lower import Lowered, lower
from engine.sim.run import Simulation
from engine.sim.services import service_tables
from engine.sim.timings import stack_timings
from engine.topology.generators import draw, mesh_of_eight
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace

MODEL = "qwen3_30b_a3b"


def fixed(value: float) -> LogNormal:
    """A distribution with one value."""
    return LogNormal(median=value, sigma=0.0, low=0.0, high=max(value, 1.0) * 2)


def one_chip(catalog: Catalog, replicas: int = 1) -> Design:
    """Chips that serve a small model alone, without hosts, network or clients."""
    chip = draw(catalog, "zhenwu-m890", "chip", "Chip", 0, 0, replicas)
    return Design(
        name="small",
        elements=(chip,),
        deployment=Deployment(
            model=MODEL,
            precision=Precision.BF16,
            tp=1,
            replicas=replicas,
            max_num_seqs=64,
            max_num_batched_tokens=2048,
            router=Router.ROUND_ROBIN,
        ),
        workload=WorkloadSpec(
            kind=WorkloadKind.POISSON,
            rate_per_s=1.0,
            input_tokens=fixed(100),
            output_tokens=fixed(10),
        ),
    )


def eight_chips(catalog: Catalog) -> Design:
    """Eight chips in a full mesh that serve one replica with TP8."""
    chips, links = mesh_of_eight(catalog, "zhenwu-m890", 0, 0)
    design = one_chip(catalog)
    deployment = msgspec.structs.replace(design.deployment, tp=8, model="qwen35_397b_a17b",
                                         precision=Precision.MXFP4)  # fmt: skip
    return msgspec.structs.replace(design, elements=chips, links=links, deployment=deployment)


def trace(
    arrival: list[float],
    inputs: list[int],
    outputs: list[int],
    blocks: list[list[int]] | None = None,
    block_tokens: int = 0,
) -> RequestTrace:
    """A trace from lists; `blocks` are the prefix blocks of each request."""
    rows = blocks or [[] for _ in arrival]
    return RequestTrace(
        arrival_s=np.array(arrival, np.float64),
        input_tokens=np.array(inputs, np.int32),
        output_tokens=np.array(outputs, np.int32),
        block_start=np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64),
        blocks=np.array([b for r in rows for b in r], np.int32),
        block_tokens=block_tokens,
        name="test",
        skipped_rows=0,
    )


def lowered_world(
    design: Design,
    catalog: Catalog,
    until_s: float,
    seed: int = 1,
    given: RequestTrace | None = None,
) -> Lowered:
    """The tables of a small design."""
    return lower(Scenario(design=design, catalog=catalog, until_s=until_s, seed=seed, trace=given))


def with_step_time(
    lowered: Lowered,
    *,
    base_s: float,
    token_s: float = 0.0,
    context_s: float = 0.0,
    area_s: float = 0.0,
    collective_bytes: float = 0.0,
) -> Lowered:
    """The same tables with a step time of the given parts."""
    limits = lowered.first.limits
    tokens = np.arange(limits.max_batched_tokens + 1)
    dense = np.zeros((len(tokens), CAUSES))
    dense[1:, Cause.COMPUTE] = base_s + token_s * tokens[1:]
    timing = CompiledTiming(
        dense_s=dense,
        head_s=np.zeros(limits.max_seqs + 1),
        decode_base_s=np.zeros(limits.max_seqs + 1),
        decode_context_s=np.full(limits.max_seqs + 1, context_s),
        prefill_area_s=np.full(len(tokens), area_s),
        prompt_s=0.0,
        sequence_s=0.0,
        collective_bytes=collective_bytes * (tokens > 0),
        verified=1,
        accepted=1.0,
        stages=1,
    )
    pools = tuple(dataclasses.replace(pool, frontend_s=0.0) for pool in lowered.pools)
    timings = stack_timings([timing] * len(pools))
    return dataclasses.replace(lowered, timing=timings, pools=pools)


def with_limits(
    lowered: Lowered, *, kv_blocks: int | None = None, **changes: int | bool
) -> Lowered:
    """The same tables with other scheduler limits of the first pool and KV capacity of all."""
    limits = lowered.first.limits._replace(**changes)  # type: ignore[arg-type]
    pools = (dataclasses.replace(lowered.first, limits=limits), *lowered.pools[1:])
    replicas = lowered.replicas
    if kv_blocks is not None:
        tokens = np.full(len(replicas.kv_tokens), kv_blocks * limits.block_tokens, np.int64)
        replicas = replicas._replace(kv_tokens=tokens)
    services = service_tables([pool.limits for pool in pools], replicas.pool, replicas.kv_tokens)
    return dataclasses.replace(lowered, pools=pools, replicas=replicas, services=services)


def simulation(lowered: Lowered, until_s: float, seed: int = 1) -> Simulation:
    """A run of the tables."""
    return Simulation(lowered, "test", seed, until_s)
