"""What an LLM is for sizing: its architecture, from which every count is computed."""

from enum import StrEnum
from typing import Any

import msgspec

from engine.catalog.figures import Figure


class Attention(StrEnum):
    """Kinds of attention that differ in KV bytes and in cost."""

    GQA = "gqa"
    GQA_WINDOW = "gqa_swa"  # some layers see a sliding window or a chunk of the context only
    MLA = "mla"
    HYBRID_LINEAR = "hybrid_gdn"  # gated delta net or lightning attention, full every n-th layer


class LlmSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Architecture of one LLM, in the terms of its published configuration (0: has none).

    `dense_layers` counts the layers without routed experts wherever they stand: first, or between
    MoE layers. `ffn_matrices` is 3 for a gated feed-forward, 2 for a plain one. `index_*` describe
    the indexer of a sparse attention that reads the keys of `index_topk` tokens. `mtp_layers` are
    layers for multi-token prediction, outside every count. `native_precision` is the format of
    the published checkpoint (bf16, fp8, mxfp4, nvfp4, int8, int4; empty: unknown).
    """

    id: str
    name: str
    vendor: str
    attention: Attention
    layers: int
    full_attention_layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context_tokens: int
    tied_embeddings: bool
    dense_layers: int
    dense_intermediate: int
    experts: int = 0
    active_experts: int = 0
    shared_experts: int = 0
    moe_intermediate: int = 0
    shared_intermediate: int = 0
    q_lora: int = 0
    kv_lora: int = 0
    qk_nope: int = 0
    qk_rope: int = 0
    v_head: int = 0
    linear_k_heads: int = 0
    linear_v_heads: int = 0
    linear_head_dim: int = 0
    linear_conv: int = 0
    attention_output_gate: bool = False
    window_tokens: int = 0
    ffn_matrices: int = 3
    index_heads: int = 0
    index_head_dim: int = 0
    index_topk: int = 0
    mtp_layers: int = 0
    native_precision: str = ""
    aliases: tuple[str, ...] = ()  # other public names of the same architecture
    published_total_parameters: Figure
    published_active_parameters: Figure
    active_convention: str = ""
    estimated_fields: tuple[str, ...] = ()
    disclosed: bool = True
    source: tuple[str, ...] = ()
    date: str = ""
    note: str = ""
    extra: dict[str, Any] = {}  # fields of a design file that this version does not know

    def __hash__(self) -> int:
        return hash((self.id, self.attention, self.layers, self.hidden, self.experts))
