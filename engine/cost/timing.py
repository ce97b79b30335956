"""The step time of one deployment, compiled into arrays before a run starts.

Everything that depends only on the batch's tokens (GEMMs, MoE, norms, collectives' latency) becomes
one row per token count; attention stays affine in the summed context and in the prefill area, so
that a step costs a few look-ups whatever the model behind it. `step_seconds` is the readable form.

Pipeline parallelism: the batch runs as `pp` micro-batches that keep every stage busy, so a step
takes the time of all layers at 1/pp of the tokens and of the contexts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import Attention, LlmSpec
from engine.cost.collectives import (
    Algorithm,
    all_reduce_latency_s,
    all_reduce_link_bytes,
)
from engine.cost.efficiency import CLASS_PRIOR, Efficiencies
from engine.cost.llm_counts import (
    EXPERT_BITS,
    OTHER_BITS,
    attention_parameters,
    kv_bytes_per_token_per_chip,
    linear_layers,
    linear_parameters,
    moe_layers,
    softmax_layers,
    state_bytes_per_sequence_per_chip,
    window_layers,
)
from engine.cost.roofline import (
    OperatorTime,
    Rates,
    decode_attention_s_per_token,
    elementwise,
    gemm,
    moe,
    prefill_attention_s_per_area,
)
from engine.errors import ScenarioError
from engine.scenario.design import Deployment, Precision

F8 = NDArray[np.float64]

# columns of dense_s: the numbers of engine.sim.codes.Cause (a test compares them)
COMPUTE, MEMORY_BANDWIDTH, OVERHEAD, NETWORK_LATENCY = 2, 3, 4, 5
CAUSES = 10

ACTIVATION_BYTES = 2.0  # BF16 activations in collectives
DISPATCH_BYTES = 1.0  # FP8 dispatch of experts' tokens, BF16 combine
ELEMENTWISE_PASSES = 10.0  # two norms, residuals, rotary, activation: reads and writes a layer

_FORMATS: dict[Precision, tuple[str, ...]] = {
    Precision.BF16: ("bf16_flops",),
    Precision.FP8: ("fp8_flops", "bf16_flops"),
    Precision.INT8: ("int8_flops", "bf16_flops"),
    Precision.MXFP4: ("fp4_flops", "fp8_flops", "bf16_flops"),
    Precision.NVFP4: ("fp4_flops", "fp8_flops", "bf16_flops"),
    Precision.INT4: ("bf16_flops",),
}


class CompiledTiming(NamedTuple):
    """The fields of `engine.sim.tables.TimingTables`, with the same meaning."""

    dense_s: F8  # [max_tokens + 1, CAUSES]
    head_s: F8  # [max_seqs + 1]
    decode_context_s: float
    prefill_area_s: float
    sequence_s: float
    collective_bytes: F8  # [max_tokens + 1]


def peak_flops(chip: DeviceSpec, precision: Precision) -> float:
    """The arithmetic a chip offers a weight format: its own, or the widest it must fall back to.

    Raises:
        ScenarioError: the chip has no figure for any usable format.
    """
    for name in _FORMATS[precision]:
        if chip.value(name) > 0:
            return chip.value(name)
    raise ScenarioError(chip.name, f"has no figure for {precision.value} arithmetic")


def chip_rates(
    chip: DeviceSpec, precision: Precision, efficiencies: Efficiencies = CLASS_PRIOR
) -> Rates:
    """What a chip reaches in a weight format."""
    return Rates(
        gemm_flops=peak_flops(chip, precision) * efficiencies.gemm.value,
        wide_flops=peak_flops(chip, Precision.BF16) * efficiencies.prefill_attention.value,
        memory_bytes_per_s=chip.value("memory_bandwidth_bytes_per_s") * efficiencies.memory.value,
    )


def compile_timing(
    deployment: Deployment,
    llm: LlmSpec,
    chip: DeviceSpec,
    hop_s: float,
    *,
    one_domain: bool = True,
    efficiencies: Efficiencies = CLASS_PRIOR,
) -> CompiledTiming:
    """The timing of a deployment on a chip, with `hop_s` the latency between two of its ranks.

    Raises:
        ScenarioError: a figure that the timing needs is missing.
    """
    if chip.value("memory_bandwidth_bytes_per_s") <= 0:
        raise ScenarioError(chip.name, "has no memory bandwidth", "give it an own value")
    tokens = np.arange(deployment.max_num_batched_tokens + 1, dtype=np.float64)
    micro = np.ceil(tokens / deployment.pp)
    rates = chip_rates(chip, deployment.precision, efficiencies)
    other = chip_rates(chip, _other_format(deployment.precision), efficiencies)
    dense = np.zeros((len(tokens), CAUSES))
    for operator, layers in _operators(micro, deployment, llm, rates, other, efficiencies):
        bound_by_compute = operator.compute_s >= operator.memory_s
        dense[:, COMPUTE] += layers * np.where(bound_by_compute, operator.compute_s, 0.0)
        dense[:, MEMORY_BANDWIDTH] += layers * np.where(bound_by_compute, 0.0, operator.memory_s)
    dense[:, OVERHEAD] = llm.layers * efficiencies.layer_s.value + efficiencies.step_s.value
    latency_s, collective_bytes = _collectives(
        micro, deployment, llm, hop_s, one_domain, efficiencies
    )
    dense[:, NETWORK_LATENCY] = latency_s
    dense[0] = 0.0
    return CompiledTiming(
        dense_s=dense,
        head_s=_head_s(deployment, llm, other, rates),
        decode_context_s=_decode_context_s(deployment, llm, rates) / deployment.pp,
        prefill_area_s=_prefill_area_s(deployment, llm, rates) / deployment.pp,
        sequence_s=efficiencies.sequence_s.value,
        collective_bytes=collective_bytes,
    )


def step_seconds(
    timing: CompiledTiming, tokens: int, sampled: int, context_tokens: float, area: float
) -> float:
    """Chip time of one step, written out: the twin of the kernel's look-up."""
    return float(
        timing.dense_s[tokens].sum()
        + timing.head_s[sampled]
        + timing.decode_context_s * context_tokens
        + timing.prefill_area_s * area
        + timing.sequence_s * sampled
    )


def _other_format(precision: Precision) -> Precision:
    """The format of attention and dense projections where experts are in a 4-bit format."""
    if OTHER_BITS[precision] == EXPERT_BITS[precision]:
        return precision
    return Precision.FP8 if OTHER_BITS[precision] == 8.0 else Precision.BF16


def _operators(
    tokens: F8,
    deployment: Deployment,
    llm: LlmSpec,
    rates: Rates,
    other: Rates,
    efficiencies: Efficiencies,
) -> list[tuple[OperatorTime, int]]:
    """Operators of one token batch on one chip with the number of layers that run each."""
    tp, h = deployment.tp, llm.hidden
    other_bytes = OTHER_BITS[deployment.precision] / 8.0
    expert_bytes = EXPERT_BITS[deployment.precision] / 8.0
    rows: list[tuple[OperatorTime, int]] = [
        (gemm(tokens, attention_parameters(llm) / tp, other_bytes, other), softmax_layers(llm)),
        (elementwise(tokens, h, ELEMENTWISE_PASSES, other), llm.layers),
    ]
    if linear_layers(llm):
        rows.append(
            (gemm(tokens, linear_parameters(llm) / tp, other_bytes, other), linear_layers(llm))
        )
        scan = 8.0 * llm.linear_v_heads * llm.linear_head_dim**2 / tp
        reached = rates.wide_flops / efficiencies.prefill_attention.value
        seconds = tokens * scan / (reached * efficiencies.linear_attention.value)
        rows.append((OperatorTime(seconds, np.zeros_like(seconds)), linear_layers(llm)))
    if window_layers(llm):
        area = prefill_attention_s_per_area(llm.heads, llm.head_dim, llm.head_dim, rates)
        seconds = tokens * llm.window_tokens * area / tp
        rows.append((OperatorTime(seconds, np.zeros_like(seconds)), window_layers(llm)))
    sparse = moe_layers(llm)
    if llm.layers > sparse:
        width = 3.0 * h * llm.dense_intermediate / tp
        bits = other_bytes if llm.experts else expert_bytes
        rows.append(
            (gemm(tokens, width, bits, other if llm.experts else rates), llm.layers - sparse)
        )
    if sparse:
        rows += _sparse(tokens, deployment, llm, rates, efficiencies, expert_bytes, sparse)
    return rows


def _sparse(
    tokens: F8,
    deployment: Deployment,
    llm: LlmSpec,
    rates: Rates,
    efficiencies: Efficiencies,
    expert_bytes: float,
    layers: int,
) -> list[tuple[OperatorTime, int]]:
    """Router, routed experts and shared experts of the MoE layers."""
    shards = max(deployment.tp, deployment.ep)
    imbalance = efficiencies.expert_imbalance.value if deployment.ep > 1 else 1.0
    expert = 3.0 * llm.hidden * llm.moe_intermediate / shards
    rows = [
        (gemm(tokens, llm.hidden * llm.experts, 2.0, rates), layers),
        (
            moe(tokens, llm.experts, llm.active_experts, expert, expert_bytes, rates, imbalance),
            layers,
        ),
    ]
    if llm.shared_experts:
        shared = llm.shared_experts * 3.0 * llm.hidden * llm.shared_intermediate / deployment.tp
        rows.append((gemm(tokens, shared, expert_bytes, rates), layers))
    return rows


def _collectives(
    tokens: F8,
    deployment: Deployment,
    llm: LlmSpec,
    hop_s: float,
    one_domain: bool,
    efficiencies: Efficiencies,
) -> tuple[float, F8]:
    """Seconds of latency and bytes through the busiest port, of all layers of one step.

    TP: one all-reduce after attention and one after the feed-forward, two-shot inside a domain and
    ring over several. EP replaces the second by dispatch (FP8) and combine (BF16) all-to-alls.
    PP: one activation between stages a micro-batch.
    """
    tp, ep, sparse = deployment.tp, deployment.ep, moe_layers(llm)
    algorithm = Algorithm.TWO_SHOT if one_domain else Algorithm.RING
    launch = efficiencies.collective_s.value
    message = tokens * llm.hidden * ACTIVATION_BYTES
    reduces = (2 * llm.layers if ep == 1 else 2 * llm.layers - sparse) if tp > 1 else 0
    latency = reduces * (launch + all_reduce_latency_s(tp, hop_s, algorithm))
    moved = reduces * all_reduce_link_bytes(tp, 1.0, algorithm) * message
    if ep > 1 and sparse:
        latency += sparse * 2 * (launch + hop_s)
        copies = tokens / ep * llm.active_experts * llm.hidden * (ep - 1) / ep
        moved = moved + sparse * copies * (DISPATCH_BYTES + ACTIVATION_BYTES)
    if deployment.pp > 1:
        latency += (deployment.pp - 1) * (launch + hop_s)
        if not reduces:
            moved = moved + message
    return latency, np.asarray(moved, np.float64) * np.ones_like(tokens)


def _head_s(deployment: Deployment, llm: LlmSpec, other: Rates, rates: Rates) -> F8:
    """Language-model head and the constant state of each sequence, by sampled sequences."""
    sampled = np.arange(deployment.max_num_seqs + 1, dtype=np.float64)
    micro = np.ceil(sampled / deployment.pp)
    head = gemm(micro, llm.vocabulary * llm.hidden / deployment.tp, 2.0, other)
    state = state_bytes_per_sequence_per_chip(llm, deployment.kv_precision, deployment.tp)
    traffic = 2.0 * state / rates.memory_bytes_per_s / deployment.pp
    return np.asarray(np.maximum(head.compute_s, head.memory_s) + sampled * traffic)


def _decode_context_s(deployment: Deployment, llm: LlmSpec, rates: Rates) -> float:
    kv = kv_bytes_per_token_per_chip(llm, deployment.kv_precision, deployment.tp)
    growing = softmax_layers(llm) - window_layers(llm)
    if llm.attention is Attention.MLA:
        flops = 2.0 * llm.heads * (2 * llm.kv_lora + llm.qk_rope) / deployment.tp
    else:
        flops = 4.0 * llm.heads * llm.head_dim / deployment.tp
    return growing * decode_attention_s_per_token(kv / growing, flops, rates) if growing else 0.0


def _prefill_area_s(deployment: Deployment, llm: LlmSpec, rates: Rates) -> float:
    growing = softmax_layers(llm) - window_layers(llm)
    qk, v = llm.head_dim, llm.head_dim
    if llm.attention is Attention.MLA:
        qk, v = llm.qk_nope + llm.qk_rope, llm.v_head
    return growing * prefill_attention_s_per_area(llm.heads, qk, v, rates) / deployment.tp
