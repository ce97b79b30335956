"""Does a deployment fit its chips, and how many tokens of KV are left? In numbers."""

from typing import NamedTuple

import msgspec

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.llm_counts import (
    EXPERT_BITS,
    counts,
    kv_bytes_per_token_per_chip,
    state_bytes_per_sequence_per_chip,
    weight_bytes,
)
from engine.scenario.design import Deployment

RUNTIME_BYTES = 3.5 * 2**30  # driver, communicators, graphs: about 3.5 GiB a chip
GB = 1e9


class MemoryFit(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one chip of a replica by use, and the KV tokens that the replica can hold."""

    ok: bool
    reason: str
    way_out: str
    chips_per_replica: int
    chip_bytes: float
    usable_bytes: float
    weight_bytes: float
    activation_bytes: float
    runtime_bytes: float
    state_bytes: float
    kv_bytes: float
    kv_bytes_per_token: float
    kv_tokens: int


class _Shards(NamedTuple):
    stage_chips: int
    expert_shards: int


def _shards(deployment: Deployment) -> _Shards:
    stage = max(deployment.tp, -(-deployment.ep // deployment.pp))
    return _Shards(stage, max(deployment.tp, min(deployment.ep, stage)))


def weight_bytes_per_chip(deployment: Deployment, llm: LlmSpec) -> float:
    """Weights on one chip: experts over the expert shards, the rest over TP, layers over PP."""
    parts = counts(llm)
    total = weight_bytes(llm, deployment.precision)
    experts = (parts.experts + parts.shared) * EXPERT_BITS[deployment.precision] / 8.0
    shards = _shards(deployment)
    return (experts / shards.expert_shards + (total - experts) / deployment.tp) / deployment.pp


def activation_bytes(deployment: Deployment, llm: LlmSpec) -> float:
    """Peak of activations on one chip: residuals, the widest projection, and the logits.

    Six BF16 copies of the hidden vector a token, three of the feed-forward width on this shard,
    and FP32 logits of every sampled sequence over the TP shards.
    """
    tokens = deployment.max_num_batched_tokens
    experts = llm.active_experts * llm.moe_intermediate + llm.shared_intermediate
    width = max(llm.dense_intermediate, experts) / deployment.tp
    logits = deployment.max_num_seqs * llm.vocabulary / deployment.tp * 4.0
    return tokens * 2.0 * (6 * llm.hidden + 3 * width) + logits


def fit(deployment: Deployment, llm: LlmSpec, chip: DeviceSpec) -> MemoryFit:
    """The memory of one chip of a replica, and whether a useful amount of KV is left.

    KV capacity = memory x utilisation - weights - activation peak - runtime - constant state of
    `max_num_seqs` sequences. It must hold at least one sequence of one block.
    """
    chip_bytes = chip.value("memory_bytes")
    usable = chip_bytes * deployment.memory_utilisation
    weights = weight_bytes_per_chip(deployment, llm)
    activations = activation_bytes(deployment, llm)
    tp = deployment.tp
    state = (
        state_bytes_per_sequence_per_chip(llm, deployment.kv_precision, tp)
        * deployment.max_num_seqs
        / deployment.pp
    )
    left = usable - weights - activations - RUNTIME_BYTES - state
    per_token = kv_bytes_per_token_per_chip(llm, deployment.kv_precision, tp) / deployment.pp
    tokens = int(left / per_token) if left > 0 and per_token > 0 else 0
    chips = max(deployment.tp * deployment.pp, deployment.ep)
    ok = tokens >= max(2 * deployment.kv_block_tokens, 1024)
    return MemoryFit(
        ok=ok,
        reason=_reason(ok, chip, llm, deployment, chips, usable, weights, left, tokens),
        way_out=""
        if ok
        else "use more chips a replica (TP, PP, EP), a smaller weight format or fewer sequences",
        chips_per_replica=chips,
        chip_bytes=chip_bytes,
        usable_bytes=usable,
        weight_bytes=weights,
        activation_bytes=activations,
        runtime_bytes=RUNTIME_BYTES,
        state_bytes=state,
        kv_bytes=max(left, 0.0),
        kv_bytes_per_token=per_token,
        kv_tokens=tokens // deployment.kv_block_tokens * deployment.kv_block_tokens,
    )


def _reason(
    ok: bool,
    chip: DeviceSpec,
    llm: LlmSpec,
    deployment: Deployment,
    chips: int,
    usable: float,
    weights: float,
    left: float,
    tokens: int,
) -> str:
    placed = (
        f"{llm.name} in {deployment.precision.value} on {chips} x {chip.name} "
        f"(TP{deployment.tp} x PP{deployment.pp}, EP{deployment.ep})"
    )
    need = f"weights take {weights / GB:.1f} GB of {usable / GB:.1f} GB usable a chip"
    if ok:
        return f"{placed}: {need}, KV has room for {tokens:,} tokens a replica"
    return f"{placed} does not fit: {need}, which leaves {left / GB:.1f} GB for KV"
