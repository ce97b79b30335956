"""Parameters, weight bytes and KV bytes of an LLM, computed from its architecture.

Counting follows the published configurations: a gated attention has a second query projection;
a gated delta net has q, k, v, gate and two per-head scalars, a short convolution over q, k, v
and an output projection; MLA projects through q and kv latents; a MoE layer has a router, its
experts and its shared experts (with a scalar gate each where the family has one). A feed-forward
has three matrices where it is gated and two where it is not. The indexer of a sparse attention
(DeepSeek-V3.2) has heads from the q latent, one key and a weight for each head. Lightning attention
(MiniMax-Text-01) counts as a delta net without convolution. Biases and norms of heads are left
out: under 0.1 % of any model. Layers for multi-token prediction are outside the counts.
"""

from typing import NamedTuple

from engine.catalog.llms import Attention, LlmSpec
from engine.scenario.design import Precision

# Bits per weight of the routed and shared experts, and of everything else. MXFP4 stores a shared
# 8-bit scale per 32 values (4.25 bits), NVFP4 per 16 (4.5 bits); published 4-bit checkpoints keep
# attention, embeddings and head in a wider format (T-Head's CI runs MXFP4 experts with FP8).
EXPERT_BITS = {
    Precision.BF16: 16.0,
    Precision.FP8: 8.0,
    Precision.INT8: 8.0,
    Precision.MXFP4: 4.25,
    Precision.NVFP4: 4.5,
    Precision.INT4: 4.25,
}
OTHER_BITS = {
    Precision.BF16: 16.0,
    Precision.FP8: 8.0,
    Precision.INT8: 8.0,
    Precision.MXFP4: 8.0,
    Precision.NVFP4: 8.0,
    Precision.INT4: 16.0,
}
EMBEDDING_BITS = 16.0
KV_BYTES = {
    Precision.BF16: 2.0,
    Precision.FP8: 1.0,
    Precision.INT8: 1.0,
    Precision.MXFP4: 0.53125,
    Precision.NVFP4: 0.5625,
    Precision.INT4: 0.53125,
}
INDEX_SCALE_BYTES = 4.0  # an indexer's key is cached in FP8 with one FP32 scale
STATE_BYTES = 4.0  # recurrent state of linear attention is kept in FP32
WIDE_WINDOW_TOKENS = 4096  # a window so wide is seldom full: its keys count as growing
SHARED_GATE_FAMILIES = (Attention.HYBRID_LINEAR,)


class Counts(NamedTuple):
    """Parameters by part; `active` counts what one token meets, head included, embedding not."""

    attention: int  # all full-attention layers
    linear_attention: int  # all linear-attention layers
    dense_ffn: int
    experts: int  # routed experts of all MoE layers
    shared: int  # shared experts and their gates
    router: int
    norms: int
    embedding: int
    head: int  # 0 where tied to the embedding

    @property
    def total(self) -> int:
        """All parameters."""
        return sum(self)


def moe_layers(llm: LlmSpec) -> int:
    """Layers with routed experts."""
    return llm.layers - llm.dense_layers if llm.experts else 0


def linear_layers(llm: LlmSpec) -> int:
    """Layers of linear attention; sliding-window layers are full attention with a cap."""
    if llm.attention is Attention.HYBRID_LINEAR:
        return llm.layers - llm.full_attention_layers
    return 0


def softmax_layers(llm: LlmSpec) -> int:
    """Layers that keep keys and values, windowed ones included."""
    return llm.layers - linear_layers(llm)


def window_layers(llm: LlmSpec) -> int:
    """Layers whose keys and values are capped by the sliding window."""
    if llm.attention is Attention.GQA_WINDOW:
        return llm.layers - llm.full_attention_layers
    return 0


def narrow_window_layers(llm: LlmSpec) -> int:
    """Layers whose window is full in any real context, so that their cache is constant."""
    return window_layers(llm) if llm.window_tokens < WIDE_WINDOW_TOKENS else 0


def index_parameters(llm: LlmSpec) -> int:
    """Parameters of the indexer of one sparse-attention layer; 0 where attention is full."""
    heads = (llm.q_lora or llm.hidden) * llm.index_heads * llm.index_head_dim
    return heads + llm.hidden * (llm.index_head_dim + llm.index_heads)


def dense_ffn_parameters(llm: LlmSpec) -> int:
    """Parameters of one dense feed-forward layer."""
    return llm.ffn_matrices * llm.hidden * llm.dense_intermediate


def expert_parameters(llm: LlmSpec) -> int:
    """Parameters of one routed expert of one layer."""
    return llm.ffn_matrices * llm.hidden * llm.moe_intermediate


def shared_parameters(llm: LlmSpec) -> int:
    """Parameters of all shared experts of one layer with their gates."""
    h = llm.hidden
    gate = h if llm.shared_experts and llm.attention in SHARED_GATE_FAMILIES else 0
    return llm.shared_experts * llm.ffn_matrices * h * llm.shared_intermediate + gate


def attention_parameters(llm: LlmSpec) -> int:
    """Parameters of one softmax attention layer without norms."""
    h = llm.hidden
    if llm.attention is Attention.MLA:
        down = h * llm.q_lora + h * (llm.kv_lora + llm.qk_rope)
        up = (llm.q_lora or h) * llm.heads * (llm.qk_nope + llm.qk_rope)
        up += llm.kv_lora * llm.heads * (llm.qk_nope + llm.v_head)
        return down + up + llm.heads * llm.v_head * h + index_parameters(llm)
    q = llm.heads * llm.head_dim
    gate = q if llm.attention_output_gate else 0
    return h * (2 * q + gate + 2 * llm.kv_heads * llm.head_dim)


def linear_parameters(llm: LlmSpec) -> int:
    """Parameters of one gated-delta-net layer without norms."""
    keys = llm.linear_k_heads * llm.linear_head_dim
    values = llm.linear_v_heads * llm.linear_head_dim
    projections = llm.hidden * (2 * keys + 2 * values + 2 * llm.linear_v_heads)
    convolution = llm.linear_conv * (2 * keys + values)
    scalars = 2 * llm.linear_v_heads + llm.linear_head_dim
    return projections + convolution + scalars + values * llm.hidden


def counts(llm: LlmSpec) -> Counts:
    """Parameters of a model by part."""
    h, moe = llm.hidden, moe_layers(llm)
    return Counts(
        attention=softmax_layers(llm) * attention_parameters(llm),
        linear_attention=linear_layers(llm) * linear_parameters(llm),
        dense_ffn=(llm.layers - moe) * dense_ffn_parameters(llm),
        experts=moe * llm.experts * expert_parameters(llm),
        shared=moe * shared_parameters(llm),
        router=moe * h * llm.experts,
        norms=2 * llm.layers * h + h,
        embedding=llm.vocabulary * h,
        head=0 if llm.tied_embeddings else llm.vocabulary * h,
    )


def mtp_parameters(llm: LlmSpec) -> int:
    """Parameters of the layers for multi-token prediction, which no other count holds.

    Each is one layer of the last kind with a projection of two hidden vectors to one
    (DeepSeek-V3, section 2.2); embedding and head are shared with the model.
    """
    attention = attention_parameters(llm)
    router = llm.hidden * llm.experts
    sparse = llm.experts * expert_parameters(llm) + shared_parameters(llm) + router
    ffn = sparse if llm.experts else dense_ffn_parameters(llm)
    return llm.mtp_layers * (attention + ffn + 2 * llm.hidden * llm.hidden)


def total_parameters(llm: LlmSpec) -> int:
    """All parameters of a model."""
    return counts(llm).total


def active_parameters(llm: LlmSpec) -> int:
    """Parameters that one token meets: `active_experts` of each layer, head, no embedding."""
    parts = counts(llm)
    experts = parts.experts * llm.active_experts // llm.experts if llm.experts else 0
    head = parts.head or parts.embedding
    return parts.total - parts.experts - parts.embedding - parts.head + experts + head


def other_bits(llm: LlmSpec, precision: Precision) -> float:
    """Bits per weight of attention and dense feed-forward layers.

    A 4-bit checkpoint of a dense model has all its projections in four bits; one of a mixture of
    experts keeps them wider, in 16 bits where the model was published so (gpt-oss, Kimi K2.5).
    """
    if not llm.experts:
        return EXPERT_BITS[precision]
    if llm.native_precision == precision.value and EXPERT_BITS[precision] < 8.0:
        return 16.0
    return OTHER_BITS[precision]


def weight_bytes(llm: LlmSpec, precision: Precision) -> float:
    """Bytes of all weights in a format; embeddings and head stay in 16 bits."""
    parts = counts(llm)
    experts = (parts.experts + parts.shared) * EXPERT_BITS[precision]
    wide = (parts.embedding + parts.head + parts.norms + parts.router) * EMBEDDING_BITS
    other = parts.attention + parts.linear_attention + parts.dense_ffn
    return (experts + wide + other * other_bits(llm, precision)) / 8.0


def kv_elements_per_token(llm: LlmSpec) -> int:
    """Cached elements of one token over all layers that grow with the context, indexer aside."""
    growing = softmax_layers(llm) - narrow_window_layers(llm)
    if llm.attention is Attention.MLA:
        return growing * (llm.kv_lora + llm.qk_rope)
    return growing * 2 * llm.kv_heads * llm.head_dim


def index_bytes_per_token(llm: LlmSpec) -> float:
    """Bytes of one token's keys in the indexers of all layers, whole on every rank."""
    return llm.layers * (llm.index_head_dim + INDEX_SCALE_BYTES) if llm.index_heads else 0.0


def kv_bytes_per_token_per_chip(llm: LlmSpec, kv_precision: Precision, tp: int) -> float:
    """KV bytes that one token takes on each chip of a TP group.

    GQA is sharded over min(TP, KV heads) ranks and replicated beyond; the MLA latent and an
    indexer's keys are whole on every rank.
    """
    share = 1 if llm.attention is Attention.MLA else min(tp, llm.kv_heads)
    cached = kv_elements_per_token(llm) * KV_BYTES[kv_precision] / share
    return cached + index_bytes_per_token(llm)


def state_bytes_per_sequence_per_chip(llm: LlmSpec, kv_precision: Precision, tp: int) -> float:
    """Constant bytes of one sequence on each chip: recurrent states and full windows."""
    state = (
        linear_layers(llm)
        * (llm.linear_v_heads * llm.linear_head_dim * llm.linear_head_dim)
        * STATE_BYTES
        / max(1, min(tp, llm.linear_v_heads or 1))
    )
    window = (
        (narrow_window_layers(llm) * 2 * llm.kv_heads * llm.head_dim * llm.window_tokens)
        * KV_BYTES[kv_precision]
        / min(tp, llm.kv_heads)
    )
    return state + window
