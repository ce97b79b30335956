"""Readers of the families of config.json: each turns its fields into those of `LlmSpec`.

Field names and their defaults are those of the configuration classes of Hugging Face Transformers
and of the families' own `configuration_*.py`. A family stands in `FAMILIES` under its `model_type`
without `_` and `-` and in lower case.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from engine.catalog.llm_rules import BOUNDS
from engine.catalog.llms import Attention
from engine.storage.config_fields import Fields

Parts = dict[str, Any]
Reader = Callable[[Fields], Parts]

CONTEXT = "max_position_embeddings|n_positions|n_ctx|seq_length|max_sequence_length"
LAYERS = "num_hidden_layers|n_layer|num_layers"
HIDDEN = "hidden_size|n_embd|n_embed|d_model"
HEADS = "num_attention_heads|n_head|num_heads|n_heads"
KV_HEADS = "num_key_value_heads|num_kv_heads|n_head_kv|multi_query_group_num"
WIDTH = "intermediate_size|ffn_hidden_size|n_inner|ffn_dim|inner_dim"
EXPERTS = "num_local_experts|num_experts|n_routed_experts|moe_num_experts"
ACTIVE = "num_experts_per_tok|num_experts_per_token|moe_topk|moe_k"
MAX_LAYERS = BOUNDS["layers"][1]
MTP = "num_nextn_predict_layers|num_mtp_modules|mtp_num_hidden_layers"

FULL, SLIDING, CHUNKED, LINEAR = (
    "full_attention",
    "sliding_attention",
    "chunked_attention",
    "linear_attention",
)


def shape(f: Fields, *, tied: bool = False, kv_heads: int | None = None) -> Parts:
    """What every transformer has; `kv_heads` is the family's own number where it has no field."""
    f.require(LAYERS, HIDDEN, HEADS, "vocab_size", CONTEXT)
    layers = f.whole(LAYERS, high=MAX_LAYERS)
    hidden, heads = f.whole(HIDDEN), f.whole(HEADS)
    if "head_dim" not in f and hidden % heads:
        raise f.wrong("head_dim", f"is missing and {heads} heads do not divide {hidden}")
    return {
        "attention": Attention.GQA,
        "layers": layers,
        "full_attention_layers": layers,
        "hidden": hidden,
        "heads": heads,
        "kv_heads": kv_heads or f.whole(KV_HEADS, heads),
        "head_dim": f.whole("head_dim", max(1, hidden // heads)),
        "vocabulary": f.whole("vocab_size"),
        "context_tokens": f.whole(CONTEXT),
        "tied_embeddings": f.flag("tie_word_embeddings", tied),
        "dense_layers": layers,
        "dense_intermediate": 0,
        "mtp_layers": f.whole(MTP, 0, low=0),
    }


def read_dense(f: Fields, *, tied: bool = False) -> Parts:
    """Llama and its like: grouped heads, a gated feed-forward in every layer."""
    f.require(LAYERS, HIDDEN, HEADS, "vocab_size", CONTEXT, WIDTH)
    parts = {**shape(f, tied=tied), "dense_intermediate": f.whole(WIDTH)}
    return {**parts, **_windows(f, parts["layers"])}


def read_plain(
    f: Fields, *, tied: bool, width: int = 0, context: int = 0, multi_query: bool = False
) -> Parts:
    """GPT-J, BLOOM, Falcon, OPT, GPT-NeoX: an ungated feed-forward, `width` hidden widths wide."""
    if context and not any(name in f for name in CONTEXT.split("|")):
        f = f.completed({"max_position_embeddings": context})
    kv = None
    if multi_query and not f.flag("new_decoder_architecture", default=False):
        kv = 1 if f.flag("multi_query", default=True) else f.whole(HEADS)
    parts = shape(f, tied=tied, kv_heads=kv)
    default = width * int(parts["hidden"]) if width else None
    return {**parts, "ffn_matrices": 2, "dense_intermediate": f.whole(WIDTH, default)}


def read_windowed(f: Fields, *, pattern: int, tied: bool) -> Parts:
    """Gemma 2 and 3, Cohere 2: every `pattern`-th layer is full, the others see a window."""
    parts = {**shape(f, tied=tied), "dense_intermediate": f.whole(WIDTH)}
    found = _windows(f, parts["layers"])
    if not found:
        step = f.whole("sliding_window_pattern|_sliding_window_pattern", pattern)
        found = _window(f, parts["layers"], parts["layers"] // step)
    return {**parts, **found}


def read_gemma3(f: Fields) -> Parts:
    """Gemma 3: fields that a file leaves out are those of its configuration class."""
    defaults = {
        "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "sliding_window": 4096,
    }
    return read_windowed(f.completed(defaults), pattern=6, tied=True)


def read_wide_experts(f: Fields) -> Parts:
    """Mixtral, Phi-3.5-MoE, gpt-oss, MiniMax: every layer has experts of `intermediate_size`."""
    parts = shape(f)
    found = _windows(f, parts["layers"])
    return {**parts, **found, **_experts(f, 0, WIDTH)}


def read_gpt_oss(f: Fields) -> Parts:
    """gpt-oss: windows and full attention by turns, the window first."""
    parts = read_wide_experts(f)
    if parts["attention"] is Attention.GQA and "layer_types" not in f:
        parts |= _window(f, parts["layers"], parts["layers"] // 2)
    return parts


def read_qwen_moe(f: Fields) -> Parts:
    """Qwen2-MoE and Qwen3-MoE: experts in every `decoder_sparse_step`-th layer."""
    parts = shape(f)
    found = _windows(f, parts["layers"])
    return {**parts, **found, **_qwen_experts(f, parts["layers"])}


def read_qwen_hybrid(f: Fields) -> Parts:
    """Qwen3-Next and Qwen3.5: gated delta nets with full attention every n-th layer."""
    parts = shape(f)
    layers = parts["layers"]
    kinds = f.per_layer("layer_types", layers, (FULL, LINEAR))
    full = kinds.count(FULL) if kinds else layers // f.assume("full_attention_interval", 4)
    f.require("linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim")
    key_dim = f.whole("linear_key_head_dim")
    if f.whole("linear_value_head_dim", key_dim) != key_dim:
        raise f.wrong("linear_value_head_dim", f"differs from linear_key_head_dim {key_dim}")
    has_experts = any(name in f for name in EXPERTS.split("|"))
    dense = {"dense_intermediate": 0 if has_experts else f.whole(WIDTH)}
    return {
        **parts,
        "attention": Attention.HYBRID_LINEAR,
        "full_attention_layers": full,
        "linear_k_heads": f.whole("linear_num_key_heads"),
        "linear_v_heads": f.whole("linear_num_value_heads"),
        "linear_head_dim": key_dim,
        "linear_conv": f.whole("linear_conv_kernel_dim", 4),
        "attention_output_gate": f.flag("attn_output_gate", default=True),
        **(_qwen_experts(f, layers) if has_experts else dense),
    }


def read_minimax(f: Fields) -> Parts:
    """MiniMax-Text-01, M1 and M2: lightning attention where the list of layers says so."""
    parts = read_wide_experts(f.completed({"layer_types": None}, over=True))
    layers = parts["layers"]
    kinds = f.per_layer("layer_types", layers, (FULL, LINEAR))
    flags = f.per_layer("attn_type_list", layers, (0, 1))
    full = kinds.count(FULL) if kinds else flags.count(1) if flags else layers
    if f.whole("shared_intermediate_size", 0, low=0):
        parts |= {"shared_experts": 1, "shared_intermediate": f.whole("shared_intermediate_size")}
    if full == layers:
        return parts
    linear = {f"linear_{kind}_heads": parts["heads"] for kind in "kv"}
    return {
        **parts,
        "attention": Attention.HYBRID_LINEAR,
        "full_attention_layers": full,
        **linear,
        "linear_head_dim": parts["head_dim"],
    }


def read_deepseek(f: Fields) -> Parts:
    """DeepSeek-V2, V3, V3.2, Kimi-K2, GLM-5: latent attention, experts after some dense layers."""
    f.require("kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
    nope, rope = f.whole("qk_nope_head_dim"), f.whole("qk_rope_head_dim", low=0)
    parts = shape(f.completed({"head_dim": nope + rope}, over=True))
    sparse = "index_n_heads" in f
    return {
        **parts,
        "attention": Attention.MLA,
        "kv_heads": parts["heads"],
        "q_lora": f.whole("q_lora_rank", 0, low=0),
        "kv_lora": f.whole("kv_lora_rank"),
        "qk_nope": nope,
        "qk_rope": rope,
        "v_head": f.whole("v_head_dim"),
        "index_heads": f.whole("index_n_heads") if sparse else 0,
        "index_head_dim": f.whole("index_head_dim") if sparse else 0,
        "index_topk": f.whole("index_topk") if sparse else 0,
        **_later_experts(f, parts["layers"]),
    }


def read_glm_moe(f: Fields) -> Parts:
    """GLM-4.5 and 4.6: grouped heads, experts after some dense layers."""
    parts = shape(f)
    return {**parts, **_later_experts(f, parts["layers"])}


def read_llama4(f: Fields) -> Parts:
    """Llama 4: attention inside chunks but for every fourth layer; experts every n-th layer."""
    parts = shape(f)
    layers = parts["layers"]
    named = f.indices("moe_layers", layers)
    step = f.whole("interleave_moe_layer_step", 1)
    dense = layers - (len(named) or layers // step)
    rotary = f.per_layer("no_rope_layers", layers, (0, 1))  # 1: rotary, inside chunks
    full = rotary.count(0) if rotary else layers // f.assume("no_rope_layer_interval", 4)
    return {
        **parts,
        "attention": Attention.GQA_WINDOW,
        "full_attention_layers": full,
        "window_tokens": f.assume("attention_chunk_size", 8192),
        **_experts(f, dense, "intermediate_size"),
        "dense_intermediate": f.whole("intermediate_size_mlp") if dense else 0,
        "shared_experts": 1,
        "shared_intermediate": f.whole("intermediate_size"),
    }


def read_generic(f: Fields) -> Parts:
    """A plain transformer from the standard fields: full attention, gated, experts everywhere.

    Raises:
        ModelConfigError: names every field that is missing.
    """
    has_experts = any(name in f for name in EXPERTS.split("|"))
    width = f"moe_intermediate_size|{WIDTH}" if has_experts else WIDTH
    wanted = [LAYERS, HIDDEN, HEADS, "vocab_size", CONTEXT, width]
    f.require(*wanted, *([ACTIVE] if has_experts else []))
    parts = shape(f)
    if not has_experts:
        return {**parts, "dense_intermediate": f.whole(WIDTH)}
    dense = f.whole("first_k_dense_replace", 0, low=0, high=parts["layers"])
    return {
        **parts,
        **_experts(f, dense, width),
        "dense_intermediate": f.whole(WIDTH) if dense else 0,
        **_counted_shared(f, width),
    }


def _windows(f: Fields, layers: int) -> Parts:
    """Windows as `layer_types` or Qwen2's `use_sliding_window` name them; nothing without."""
    kinds = f.per_layer("layer_types", layers, (FULL, SLIDING, CHUNKED))
    if kinds:
        full = kinds.count(FULL)
        return {} if full == layers else _window(f, layers, full)
    if f.flag("use_sliding_window", default=False):
        return _window(f, layers, min(layers, f.whole("max_window_layers", 0, low=0)))
    return {}


def _window(f: Fields, layers: int, full: int) -> Parts:
    """A sliding window in all layers but `full`."""
    f.require("sliding_window|attention_chunk_size")
    window = f.whole("sliding_window|attention_chunk_size")
    if full >= layers:
        return {}
    return {
        "attention": Attention.GQA_WINDOW,
        "full_attention_layers": full,
        "window_tokens": window,
    }


def _experts(f: Fields, dense_layers: int, width: str) -> Parts:
    f.require(EXPERTS, ACTIVE, width)
    return {
        "dense_layers": dense_layers,
        "experts": f.whole(EXPERTS),
        "active_experts": f.whole(ACTIVE),
        "moe_intermediate": f.whole(width),
    }


def _qwen_experts(f: Fields, layers: int) -> Parts:
    step = f.whole("decoder_sparse_step", 1)
    only = f.indices("mlp_only_layers", layers)
    sparse = sum(1 for layer in range(layers) if layer not in only and (layer + 1) % step == 0)
    shared = f.whole("shared_expert_intermediate_size", 0, low=0)
    dense = layers - sparse
    return {
        **_experts(f, dense, "moe_intermediate_size"),
        "dense_intermediate": f.whole(WIDTH) if dense else f.whole(WIDTH, 0, low=0),
        "shared_experts": 1 if shared else 0,
        "shared_intermediate": shared,
    }


def _later_experts(f: Fields, layers: int) -> Parts:
    """Experts from `first_k_dense_replace` on, in every `moe_layer_freq`-th layer."""
    f.require("first_k_dense_replace|mlp_layer_types", "moe_intermediate_size", WIDTH)
    kinds = f.per_layer("mlp_layer_types", layers, ("dense", "sparse"))
    first = f.whole("first_k_dense_replace", 0, low=0, high=layers)
    step = f.whole("moe_layer_freq", 1)
    sparse = sum(1 for layer in range(first, layers) if layer % step == 0)
    if kinds:
        sparse = kinds.count("sparse")
    return {
        **_experts(f, layers - sparse, "moe_intermediate_size"),
        "dense_intermediate": f.whole(WIDTH),
        **_counted_shared(f, "moe_intermediate_size"),
    }


def _counted_shared(f: Fields, width: str) -> Parts:
    shared = f.whole("n_shared_experts|num_shared_experts", 0, low=0)
    return {"shared_experts": shared, "shared_intermediate": f.whole(width) if shared else 0}


FAMILIES: dict[str, Reader] = {
    **dict.fromkeys(
        (
            "llama", "mistral", "ministral", "mistral3", "qwen2", "qwen3", "qwen2vl", "qwen25vl",
            "qwen3vl", "phi3", "glm", "glm4", "glm4v", "olmo2", "granite", "seedoss", "yi",
        ),
        read_dense,
    ),
    **dict.fromkeys(("gemma", "cohere"), partial(read_dense, tied=True)),
    "smollm3": partial(read_dense, tied=True),
    "gemma2": partial(read_windowed, pattern=2, tied=True),
    "cohere2": partial(read_windowed, pattern=4, tied=True),
    **dict.fromkeys(("gemma3", "gemma3text"), read_gemma3),
    **dict.fromkeys(("mixtral", "phimoe"), read_wide_experts),
    "gptoss": read_gpt_oss,
    **dict.fromkeys(("qwen2moe", "qwen3moe", "qwen3vlmoe"), read_qwen_moe),
    **dict.fromkeys(("qwen3next", "qwen35", "qwen35text", "qwen35moe", "qwen35moetext"),
                    read_qwen_hybrid),
    **dict.fromkeys(("minimax", "minimaxtext01", "minimaxm1", "minimaxm2"), read_minimax),
    **dict.fromkeys(("deepseekv2", "deepseekv3", "deepseekv32", "kimik2", "kimik25", "glmmoedsa"),
                    read_deepseek),
    **dict.fromkeys(("glm4moe", "glm4vmoe"), read_glm_moe),
    **dict.fromkeys(("llama4", "llama4text"), read_llama4),
    "gptj": partial(read_plain, tied=False, width=4),
    "bloom": partial(read_plain, tied=True, width=4, context=2048),
    "falcon": partial(read_plain, tied=False, width=4, context=2048, multi_query=True),
    "opt": partial(read_plain, tied=True),
    "gptneox": partial(read_plain, tied=False),
}  # fmt: skip
