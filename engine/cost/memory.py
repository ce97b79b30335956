"""Does a deployment fit its chips, and how many tokens of KV are left? In numbers."""

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
from engine.scenario.design import Deployment, ServingEngine

# driver, communicators, graphs of one chip: engines in Python keep more than compiled ones
RUNTIME_BYTES = {
    ServingEngine.VLLM: 3.0 * 2**30,
    ServingEngine.SGLANG: 3.0 * 2**30,
    ServingEngine.VLLM_2023: 3.0 * 2**30,
    ServingEngine.TENSORRT_LLM: 1.0 * 2**30,
    ServingEngine.TENSORRT_ENGINE: 1.0 * 2**30,
    ServingEngine.TENSORRT_STATIC: 1.0 * 2**30,
}
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


def chips_per_replica(deployment: Deployment) -> int:
    """Chips of one replica: TP x attention-DP ranks of each pipeline stage."""
    return deployment.tp * deployment.attention_dp * deployment.pp


def weight_bytes_per_chip(deployment: Deployment, llm: LlmSpec) -> float:
    """Weights on one chip: experts over all chips of a stage, the rest over TP, layers over PP."""
    parts = counts(llm)
    total = weight_bytes(llm, deployment.precision)
    experts = parts.experts * EXPERT_BITS[deployment.precision] / 8.0
    stage = deployment.tp * deployment.attention_dp
    return (experts / stage + (total - experts) / deployment.tp) / deployment.pp


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
        / deployment.attention_dp
        / deployment.pp
    )
    left = usable - weights - activations - RUNTIME_BYTES[deployment.engine] - state
    per_token = kv_bytes_per_token_per_chip(llm, deployment.kv_precision, tp) / deployment.pp
    ranks = deployment.attention_dp
    tokens = int(left / per_token) * ranks if left > 0 and per_token > 0 else 0
    chips = chips_per_replica(deployment)
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
        runtime_bytes=RUNTIME_BYTES[deployment.engine],
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
        f"({_shards(deployment)})"
    )
    need = f"weights take {weights / GB:.1f} GB of {usable / GB:.1f} GB usable a chip"
    if ok:
        return f"{placed}: {need}, KV has room for {tokens:,} tokens a replica"
    return f"{placed} does not fit: {need}, which leaves {left / GB:.1f} GB for KV"


def _shards(deployment: Deployment) -> str:
    ranks = f" x DP{deployment.attention_dp}" if deployment.attention_dp > 1 else ""
    return f"TP{deployment.tp}{ranks} x PP{deployment.pp}, EP{deployment.ep}"
