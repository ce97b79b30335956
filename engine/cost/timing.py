"""The step time of one deployment, compiled into arrays before a run starts.

Everything that depends only on the batch's tokens (GEMMs, experts, norms, collectives) becomes one
row per token count; attention stays affine in the summed context and in the prefill area, so that a
step costs a few look-ups whatever the model behind it. `step_seconds` is the readable form.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.collectives.fabric import CollectiveFabric
from engine.cost.communication import StepCommunication, step_communication
from engine.cost.curves import CurveSet, load_curves
from engine.cost.efficiency import SystemTerms, load_terms
from engine.cost.layers import Load, StepParts, accepted_per_step, step_parts
from engine.scenario.design import Deployment

F8 = NDArray[np.float64]

# columns of dense_s: the numbers of engine.sim.codes.Cause (a test compares them)
COMPUTE, MEMORY_BANDWIDTH, OVERHEAD, NETWORK_LATENCY = 2, 3, 4, 5
CAUSES = 13

USUAL_LOAD = Load(prompt_tokens=2048.0, context_tokens=4096.0)


class CompiledTiming(NamedTuple):
    """The fields of `engine.sim.tables.TimingTables`, with the same meaning."""

    dense_s: F8  # [max_tokens + 1, CAUSES]
    head_s: F8  # [max_seqs + 1]
    decode_base_s: F8  # [max_seqs + 1]
    decode_context_s: F8  # [max_seqs + 1]
    prefill_area_s: F8  # [max_tokens + 1]
    prompt_s: float
    sequence_s: float
    collective_bytes: F8  # [max_tokens + 1]
    verified: int
    accepted: float
    stages: int


def compile_timing(
    deployment: Deployment,
    llm: LlmSpec,
    chip: DeviceSpec,
    fabric: CollectiveFabric,
    load: Load = USUAL_LOAD,
    *,
    terms: SystemTerms | None = None,
    curves: CurveSet | None = None,
) -> CompiledTiming:
    """The timing of a deployment on a chip whose ranks are joined by `fabric`.

    Args:
        deployment: how the model is served.
        llm: the model.
        chip: all chips of a replica are of this kind.
        fabric: between the ranks of a replica.
        load: prompts and contexts around which attention is made affine.
        terms: system terms in place of the fitted ones.
        curves: efficiency curves in place of the fitted ones.

    Raises:
        ScenarioError: a figure that the timing needs is missing.
        CatalogError: the fitted efficiencies cannot be read.
    """
    parts = step_parts(deployment, llm, chip, load, curves or load_curves())
    exchange = step_communication(deployment, llm, parts.tokens, fabric, chip.family)
    chosen = terms or load_terms(chip.family, deployment)
    accepted = accepted_per_step(deployment, llm)
    return assemble(deployment, parts, exchange, fabric.port_bytes_per_s, chosen, accepted)


def assemble(
    deployment: Deployment,
    parts: StepParts,
    exchange: StepCommunication,
    port_bytes_per_s: float,
    terms: SystemTerms,
    accepted: float = 1.0,
) -> CompiledTiming:
    """Arrays from parts and system terms; no row is shorter than the one before it."""
    grid, counts = parts.tokens, parts.sequences
    by_cause = np.zeros((len(grid), CAUSES))
    by_cause[:, COMPUTE] = (
        terms.gemm_compute * (parts.gemm_compute_s + parts.linear_s)
        + terms.experts_compute * parts.moe_compute_s
    )
    by_cause[:, MEMORY_BANDWIDTH] = (
        terms.gemm_memory * (parts.gemm_memory_s + parts.elementwise_s)
        + terms.experts_memory * parts.moe_memory_s
    )
    # each of the pipeline's micro-batches has its own step on every stage
    by_cause[:, OVERHEAD] = parts.layers * terms.layer_s + deployment.pp * terms.step_s
    taken = terms.communication * exchange.seconds
    by_cause[:, NETWORK_LATENCY] = np.maximum(taken - exchange.bytes / port_bytes_per_s, 0.0)
    total = np.maximum.accumulate(by_cause.sum(axis=1))
    by_cause[:, OVERHEAD] += total - by_cause.sum(axis=1)
    by_cause[0] = 0.0
    tokens = np.arange(int(grid[-1]) + 1, dtype=np.float64)
    sequences = np.arange(int(counts[-1]) + 1, dtype=np.float64)
    # between no token and one there is a jump, so that the grid's row 0 takes no part
    rows = [np.interp(tokens, grid[1:], by_cause[1:, c]) for c in range(CAUSES)]
    dense = np.stack(rows, axis=1) if len(grid) > 1 else by_cause
    dense[0] = 0.0
    base = terms.decode * np.interp(sequences, counts, parts.decode_base_s)
    return CompiledTiming(
        dense_s=dense,
        head_s=np.maximum.accumulate(
            terms.gemm_memory * np.interp(sequences, counts, parts.head_s)
        ),
        decode_base_s=np.maximum.accumulate(base),
        decode_context_s=terms.decode * np.interp(sequences, counts, parts.decode_context_s),
        prefill_area_s=terms.prefill_attention * np.interp(tokens, grid, parts.prefill_area_s),
        prompt_s=parts.layers * terms.eager_s,
        sequence_s=terms.sequence_s,
        collective_bytes=np.interp(tokens, grid, exchange.bytes),
        verified=deployment.speculative_tokens + 1,
        accepted=accepted,
        stages=deployment.pp,
    )


class Batch(NamedTuple):
    """What a step computes."""

    tokens: int  # decode and prefill
    decoding: int  # sequences in decode
    sampled: int  # sequences that get a token
    context: float  # summed tokens of the decoding sequences
    chunks: int = 0  # prompts of which a part is computed
    area: float = 0.0  # token^2


def step_seconds(timing: CompiledTiming, batch: Batch) -> float:
    """Chip time of one step, written out: the slow twin of the kernel's look-up."""
    last = len(timing.dense_s) - 1
    batches = batch.decoding + batch.chunks
    fill = timing.stages / batches if 0 < batches < timing.stages else 1.0
    extra = batch.decoding * (timing.verified - 1)
    whole = min(int((batch.tokens + extra) * fill), last)
    share = 1.0 / timing.accepted if timing.verified > 1 and batch.decoding else 1.0
    dense = float(timing.dense_s[whole].sum())
    if extra:
        row = min(int(batch.decoding * timing.verified * fill), last)
        alone = float(timing.dense_s[row].sum())
        dense = alone * share + dense - alone
    attention = timing.decode_base_s[batch.decoding]
    attention += timing.decode_context_s[batch.decoding] * batch.context * fill
    repeated = timing.head_s[batch.sampled] + attention + timing.sequence_s * batch.sampled
    prompts = timing.prefill_area_s[whole] * batch.area * fill
    prompts += timing.prompt_s if batch.chunks else 0.0
    return float(dense + repeated * share + prompts)
