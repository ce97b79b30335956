"""What one chip of a replica computes in a step: the operators of all layers, summed by kind.

The result is a `StepParts`: seconds as arrays over tokens, sampled and decoding sequences, before
the system terms of `engine.cost.efficiency` stretch them. Everything is linear in those terms, so
a fit needs the parts of a deployment only once.

Tensor parallelism shards heads and widths, attention-DP ranks hold 1/dp of the sequences each,
experts lie over all chips of a stage (EP ranks times MoE-TP). Pipeline stages work on 1/pp of the
batch at a time: a step takes all layers at 1/pp of the tokens. That is a full pipeline; one with
fewer micro-batches than stages is looked up in a larger row (`engine.sim.tables.TimingTables`), so
that the table has rows for pp times the token budget.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import Attention, LlmSpec
from engine.cost import operators
from engine.cost.curves import Curve, CurveSet, Work, seconds, split_seconds
from engine.cost.formats import ModelFormats, chip_rates, model_formats
from engine.cost.llm_counts import linear_layers, moe_layers, softmax_layers, window_layers
from engine.cost.operators import ChipRates, NumberFormat
from engine.scenario.design import Deployment, Precision

F8 = NDArray[np.float64]

ELEMENTWISE_PASSES = 10.0  # two norms, residuals, rotary, activation: reads and writes a layer
SHORTEST_CHUNK = 128.0  # tokens: the curve of prompt attention is read at no shorter chunk
LONGEST_GRID = 1_000_000  # tokens of the largest batch that a table has a row for
SHORTEST_CONTEXT = 64.0  # tokens: below, attention is all launch
KV_BYTES = {"bf16": 2.0, "fp8": 1.0}


class Load(NamedTuple):
    """What a deployment is asked: where the affine forms of attention are taken."""

    prompt_tokens: float  # computed of a prompt, in the mean
    context_tokens: float  # cached of a decoding sequence, in the mean


class StepParts(NamedTuple):
    """Seconds of one chip by kind of operator, on a grid of batch sizes."""

    tokens: F8  # [grid] batch tokens
    gemm_compute_s: F8  # [grid] GEMMs bound by arithmetic
    gemm_memory_s: F8  # [grid] GEMMs bound by memory
    moe_compute_s: F8  # [grid]
    moe_memory_s: F8  # [grid]
    elementwise_s: F8  # [grid]
    linear_s: F8  # [grid] prompt part of linear attention
    prefill_area_s: F8  # [grid] per token^2
    sequences: F8  # [counts] grid of sequences
    head_s: F8  # [counts] head of so many sampled sequences
    decode_base_s: F8  # [counts] attention of so many sequences without context
    decode_context_s: F8  # [counts] per token of their summed context
    layers: float  # of the model


def accepted_per_step(deployment: Deployment, llm: LlmSpec) -> float:
    """Tokens that a speculative step emits for each of its costs, drafting included.

    Every drafted token takes a layer of multi-token prediction (DeepSeek-V3 report, section 2.2),
    1/layers of a step; the rest is the mean acceptance length.
    """
    if not deployment.speculative_tokens:
        return 1.0
    return deployment.acceptance_length / (1.0 + deployment.speculative_tokens / llm.layers)


def token_grid(most: int) -> F8:
    """Token counts at which operators are timed: all small ones, then steps of about 6 %."""
    grid = list(range(33))
    while grid[-1] < most:
        grid.append(min(most, max(grid[-1] + 4, int(grid[-1] * 1.06) // 4 * 4)))
    return np.array(grid if most >= 32 else range(most + 1), np.float64)


class _Shard(NamedTuple):
    llm: LlmSpec
    tp: int
    dp: int
    pp: int
    ep: int
    formats: ModelFormats
    chip: ChipRates
    curves: CurveSet
    kv: str

    def curve(self, operator: str, form: str) -> Curve:
        return self.curves.find(self.chip.family, operator, form)


def step_parts(
    deployment: Deployment, llm: LlmSpec, chip: DeviceSpec, load: Load, curves: CurveSet
) -> StepParts:
    """The operators of a deployment on one chip.

    Raises:
        ScenarioError: a figure of the chip is missing.
    """
    shard = _Shard(
        llm,
        deployment.tp,
        deployment.attention_dp,
        deployment.pp,
        deployment.ep,
        model_formats(chip, llm, deployment.precision),
        chip_rates(chip),
        curves,
        "bf16" if deployment.kv_precision is Precision.BF16 else "fp8",
    )
    verified = deployment.speculative_tokens + 1
    most = deployment.max_num_batched_tokens + deployment.max_num_seqs * (verified - 1)
    tokens = token_grid(min(most * shard.pp, LONGEST_GRID))
    batch = tokens / shard.pp
    own = batch / shard.dp
    compute, memory = _gemms(shard, own)
    moe_compute, moe_memory = _experts(shard, batch, deployment.expert_skew)
    sequences = token_grid(deployment.max_num_seqs)
    base, context = _decode(shard, sequences / shard.dp / shard.pp, load.context_tokens)
    return StepParts(
        tokens=tokens,
        gemm_compute_s=compute,
        gemm_memory_s=memory,
        moe_compute_s=moe_compute,
        moe_memory_s=moe_memory,
        elementwise_s=llm.layers
        * operators.elementwise_s(own, llm.hidden, ELEMENTWISE_PASSES, shard.chip),
        linear_s=_linear_prompt(shard, own),
        prefill_area_s=_prefill(shard, own, load.prompt_tokens) / shard.dp / shard.pp,
        sequences=sequences,
        head_s=_head(shard, sequences * verified / shard.dp / shard.pp)
        + _linear_decode(shard, sequences / shard.dp / shard.pp),
        decode_base_s=base,
        decode_context_s=context / shard.dp / shard.pp,
        layers=float(llm.layers),
    )


def _split(work: Work, curve: Curve, layers: float) -> tuple[F8, F8]:
    """Seconds of `layers` operators as (bound by arithmetic, bound by memory)."""
    compute, memory = split_seconds(work, curve)
    return layers * compute, layers * memory


def _gemm(
    shard: _Shard, rows: F8, columns: float, depth: float, form: NumberFormat, layers: float
) -> tuple[F8, F8]:
    work = operators.gemm(rows, columns, depth, form, shard.chip)
    return _split(work, shard.curve("gemm", form.name), layers)


def _gemms(shard: _Shard, rows: F8) -> tuple[F8, F8]:
    """Projections and dense feed-forward of all layers."""
    llm, tp, forms = shard.llm, shard.tp, shard.formats
    parts: list[tuple[float, float, NumberFormat, float]] = []
    softmax = softmax_layers(llm)
    if llm.attention is Attention.MLA:
        heads = llm.heads / tp
        parts.append(
            (llm.q_lora + llm.kv_lora + llm.qk_rope, llm.hidden, forms.attention, softmax)
        )
        query = heads * (llm.qk_nope + llm.qk_rope)
        parts.append((query, llm.q_lora or llm.hidden, forms.attention, softmax))
        parts.append((heads * (llm.qk_nope + llm.v_head), llm.kv_lora, forms.attention, softmax))
        parts.append((llm.hidden, heads * llm.v_head, forms.attention, softmax))
        if llm.index_heads:
            index = llm.index_heads * llm.index_head_dim
            parts.append((index, llm.q_lora or llm.hidden, forms.attention, softmax))
    elif softmax:
        query = llm.heads * llm.head_dim / tp
        gate = query if llm.attention_output_gate else 0.0
        keys = 2.0 * max(1.0, llm.kv_heads / tp) * llm.head_dim
        parts.append((query + gate + keys, llm.hidden, forms.attention, softmax))
        parts.append((llm.hidden, query, forms.attention, softmax))
    if linear := linear_layers(llm):
        keys = llm.linear_k_heads * llm.linear_head_dim / tp
        values = llm.linear_v_heads * llm.linear_head_dim / tp
        parts.append((2 * keys + 2 * values, llm.hidden, forms.attention, linear))
        parts.append((llm.hidden, values, forms.attention, linear))
    if dense := llm.layers - moe_layers(llm):
        parts += _ffn(llm, llm.dense_intermediate / tp, forms.dense, dense)
    if sparse := moe_layers(llm):
        parts.append((llm.experts, llm.hidden, forms.wide, sparse))
        if llm.shared_experts:
            width = llm.shared_experts * llm.shared_intermediate / tp
            parts += _ffn(llm, width, forms.dense, sparse)
    done = [_gemm(shard, rows, *part) for part in parts]
    return (
        np.asarray(sum(compute for compute, _ in done)),
        np.asarray(sum(memory for _, memory in done)),
    )


def _ffn(
    llm: LlmSpec, width: float, form: NumberFormat, layers: float
) -> list[tuple[float, float, NumberFormat, float]]:
    up = (llm.ffn_matrices - 1) * width
    return [(up, llm.hidden, form, layers), (llm.hidden, width, form, layers)]


def _experts(shard: _Shard, tokens: F8, skew: float) -> tuple[F8, F8]:
    """Routed experts of all MoE layers on the busiest rank."""
    llm, form = shard.llm, shard.formats.experts
    if not moe_layers(llm):
        return np.zeros_like(tokens), np.zeros_like(tokens)
    work = operators.moe(
        tokens,
        hidden=llm.hidden,
        width=llm.moe_intermediate / (shard.tp * shard.dp / shard.ep),
        experts=llm.experts,
        active=llm.active_experts,
        ranks=shard.ep,
        skew=skew,
        matrices=llm.ffn_matrices,
        form=form,
        chip=shard.chip,
    )
    return _split(work, shard.curve("moe", form.name), moe_layers(llm))


def _head(shard: _Shard, rows: F8) -> F8:
    """The language-model head over the sampled sequences."""
    llm, form = shard.llm, shard.formats.wide
    work = operators.gemm(rows, llm.vocabulary / shard.tp, llm.hidden, form, shard.chip)
    return seconds(work, shard.curve("gemm", form.name))


def _windows(llm: LlmSpec) -> list[tuple[float, float]]:
    """(layers, window in tokens or 0) of the softmax attention of a model."""
    windowed = window_layers(llm)
    rows = [(float(softmax_layers(llm) - windowed), 0.0), (float(windowed), llm.window_tokens)]
    return [(layers, float(window)) for layers, window in rows if layers]


def _decode_s(shard: _Shard, sequences: F8, context: F8) -> F8:
    """Attention of one new token of each sequence, all layers."""
    llm, kv = shard.llm, KV_BYTES[shard.kv]
    if llm.attention is Attention.MLA:
        seen = np.minimum(context, llm.index_topk) if llm.index_topk else context
        work = operators.mla_decode(
            sequences, seen, heads=llm.heads / shard.tp, latent=llm.kv_lora, rope=llm.qk_rope,
            kv_bytes=kv, chip=shard.chip,
        )  # fmt: skip
        taken = softmax_layers(llm) * seconds(work, shard.curve("mla_decode", shard.kv))
        if llm.index_topk:  # the indexer reads one FP8 key of every cached token
            moved = sequences * context * llm.index_head_dim
            taken = taken + softmax_layers(llm) * moved / shard.chip.memory_bytes_per_s
        return taken
    total = np.zeros(np.broadcast(sequences, context).shape)
    for layers, window in _windows(llm):
        work = operators.decode_attention(
            sequences, context, heads=max(1.0, llm.heads / shard.tp),
            kv_heads=max(1.0, llm.kv_heads / shard.tp), head_dim=llm.head_dim, kv_bytes=kv,
            window=window, chip=shard.chip,
        )  # fmt: skip
        total = total + layers * seconds(work, shard.curve("decode", shard.kv))
    return total


def _decode(shard: _Shard, sequences: F8, context_tokens: float) -> tuple[F8, F8]:
    """Attention of a decode batch, affine in its summed context: exact without and at the expected.

    Returns (seconds without context, seconds per context token), both [counts], neither negative.
    Both ends of the line are monotone in the chip's figures, and so is every point between them.
    """
    if not softmax_layers(shard.llm):
        return np.zeros_like(sequences), np.zeros_like(sequences)
    expected = max(context_tokens, SHORTEST_CONTEXT)
    some = np.maximum(sequences, 1e-9)
    base, full = (_decode_s(shard, some, np.full_like(some, c)) for c in (1.0, expected))
    slope = np.maximum(full - base, 0.0) / (some * expected)
    idle = sequences <= 0
    return np.where(idle, 0.0, base), np.where(idle, 0.0, slope)


def _prefill(shard: _Shard, rows: F8, prompt_tokens: float) -> F8:
    """Seconds per token^2 of the attention of prompts, all layers, [grid].

    The curve is read at the chunk that prompts of the expected length form in a batch of so many
    tokens; its least time is left out, it belongs to the layer's launches.
    """
    llm = shard.llm
    chunk = np.maximum(np.minimum(rows, max(prompt_tokens, SHORTEST_CHUNK)), SHORTEST_CHUNK)
    prompts = np.maximum(rows / chunk, 1.0)
    if not softmax_layers(llm):
        return np.zeros_like(rows)
    if llm.attention is Attention.MLA:
        curve = shard.curve("mla_prefill", shard.kv)
        qk = llm.qk_nope + llm.qk_rope
        work = operators.mla_prefill(
            prompts, chunk, heads=llm.heads / shard.tp, qk=qk, v=llm.v_head, chip=shard.chip
        )
        area = prompts * operators.causal_area(chunk)
        return softmax_layers(llm) * _beyond_floor(work, curve) / area
    total = np.zeros_like(rows)
    curve = shard.curve("prefill", shard.kv)
    for layers, window in _windows(llm):
        work = operators.prefill_attention(
            prompts, chunk, heads=max(1.0, llm.heads / shard.tp),
            kv_heads=max(1.0, llm.kv_heads / shard.tp), head_dim=llm.head_dim, window=window,
            chip=shard.chip,
        )  # fmt: skip
        # a window caps the area that the loop counts: its share of the whole triangle
        total = total + layers * _beyond_floor(work, curve) / (
            prompts * operators.causal_area(chunk)
        )
    return total


def _beyond_floor(work: Work, curve: Curve) -> F8:
    return np.maximum(seconds(work, curve) - curve.floor_s, 0.2 * work.compute_s)


def _linear_prompt(shard: _Shard, rows: F8) -> F8:
    return _linear_s(shard, rows, operators.delta_prefill, "delta_prefill")


def _linear_decode(shard: _Shard, sequences: F8) -> F8:
    return _linear_s(shard, sequences, operators.delta_decode, "delta_decode")


def _linear_s(shard: _Shard, counts: F8, work_of: Callable[..., Work], operator: str) -> F8:
    """All linear-attention layers of so many prompt tokens, or of so many decoding sequences."""
    llm = shard.llm
    if not linear_layers(llm):
        return np.zeros_like(counts)
    work = work_of(
        counts,
        k_heads=max(1.0, llm.linear_k_heads / shard.tp),
        v_heads=max(1.0, llm.linear_v_heads / shard.tp),
        head_dim=llm.linear_head_dim,
        chip=shard.chip,
    )
    return linear_layers(llm) * seconds(work, shard.curve(operator, "bf16"))
