"""What an LLM's architecture must hold to be counted: bounds and relations of its fields.

Asked by every door through which an architecture comes: catalogue, design file, config.json.
"""

from collections.abc import Iterator
from typing import NamedTuple

from engine.catalog.llms import Attention, LlmSpec

# Lowest and highest value of each number. The highest are far above any model and keep products
# of all of them inside what a float holds.
BOUNDS: dict[str, tuple[int, int]] = {
    "layers": (1, 10_000),
    "full_attention_layers": (0, 10_000),
    "hidden": (1, 1_000_000),
    "heads": (1, 100_000),
    "kv_heads": (1, 100_000),
    "head_dim": (1, 100_000),
    "vocabulary": (1, 100_000_000),
    "context_tokens": (1, 1_000_000_000),
    "dense_layers": (0, 10_000),
    "dense_intermediate": (0, 10_000_000),
    "experts": (0, 100_000),
    "active_experts": (0, 100_000),
    "shared_experts": (0, 1_000),
    "moe_intermediate": (0, 10_000_000),
    "shared_intermediate": (0, 10_000_000),
    "q_lora": (0, 1_000_000),
    "kv_lora": (0, 1_000_000),
    "qk_nope": (0, 100_000),
    "qk_rope": (0, 100_000),
    "v_head": (0, 100_000),
    "linear_k_heads": (0, 100_000),
    "linear_v_heads": (0, 100_000),
    "linear_head_dim": (0, 100_000),
    "linear_conv": (0, 1_000),
    "window_tokens": (0, 1_000_000_000),
    "ffn_matrices": (2, 3),
    "index_heads": (0, 100_000),
    "index_head_dim": (0, 100_000),
    "index_topk": (0, 1_000_000_000),
    "mtp_layers": (0, 100),
}


class Fault(NamedTuple):
    """A field that cannot be, and why."""

    field: str
    reason: str


def llm_faults(llm: LlmSpec) -> list[Fault]:
    """Everything that keeps an architecture from being counted; empty where it is sound."""
    outside = [
        Fault(name, f"is {getattr(llm, name)}, not between {low:,} and {high:,}")
        for name, (low, high) in BOUNDS.items()
        if not low <= getattr(llm, name) <= high
    ]
    return outside or [*_layer_faults(llm), *_attention_faults(llm), *_expert_faults(llm)]


def _layer_faults(llm: LlmSpec) -> Iterator[Fault]:
    for name in ("full_attention_layers", "dense_layers"):
        if getattr(llm, name) > llm.layers:
            yield Fault(name, f"is {getattr(llm, name)}, over the {llm.layers} layers")
    if not llm.experts and llm.dense_layers != llm.layers:
        yield Fault("dense_layers", f"is {llm.dense_layers}, but no layer has experts")
    if llm.dense_layers and not llm.dense_intermediate:
        yield Fault("dense_intermediate", f"is 0 with {llm.dense_layers} dense layers")


def _attention_faults(llm: LlmSpec) -> Iterator[Fault]:
    if llm.heads % llm.kv_heads:
        yield Fault("kv_heads", f"is {llm.kv_heads}, which does not divide {llm.heads} heads")
    partial = llm.full_attention_layers < llm.layers
    wanted: tuple[str, ...] = ()
    if llm.attention is Attention.MLA:
        wanted = ("kv_lora", "qk_nope", "v_head")
    elif llm.attention is Attention.GQA_WINDOW and partial:
        wanted = ("window_tokens",)
    elif llm.attention is Attention.HYBRID_LINEAR and partial:
        wanted = ("linear_k_heads", "linear_v_heads", "linear_head_dim")
    for name in wanted:
        if not getattr(llm, name):
            yield Fault(name, f"is 0, which {llm.attention.value} attention cannot be without")
    if llm.attention in (Attention.GQA, Attention.MLA) and partial:
        yield Fault(
            "full_attention_layers",
            f"is {llm.full_attention_layers}, but {llm.attention.value} is full in every layer",
        )


def _expert_faults(llm: LlmSpec) -> Iterator[Fault]:
    if not llm.experts:
        return
    if not 1 <= llm.active_experts <= llm.experts:
        yield Fault("active_experts", f"is {llm.active_experts} of {llm.experts} experts")
    if not llm.moe_intermediate:
        yield Fault("moe_intermediate", "is 0 with experts")
    if llm.shared_experts and not llm.shared_intermediate:
        yield Fault("shared_intermediate", "is 0 with shared experts")
