"""config.json files of every family give the architecture; broken ones a reason, never a crash."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.figures import Confidence
from engine.catalog.llm_rules import llm_faults
from engine.catalog.llms import Attention, LlmSpec
from engine.cost.llm_counts import active_parameters, total_parameters
from engine.errors import EngineError, ModelConfigError, TooLargeError, UnknownArchitectureError
from engine.storage.config_fields import MAX_BYTES
from engine.storage.llm_config import read_llm_config

CONFIGS = Path(__file__).parent / "configs"

# Billions of parameters as model card or checkpoint index says, and the format of the weights.
PUBLISHED = {
    "Llama-3.3-70B-Instruct": (70.55, "bf16"),
    "Llama-4-Maverick-17B-128E": (400.7, "bf16"),
    "Mistral-7B-v0.1": (7.24, "bf16"),
    "Mixtral-8x7B-v0.1": (46.7, "bf16"),
    "Qwen2.5-7B-Instruct-AWQ": (7.62, "int4"),
    "Qwen3-8B": (8.19, "bf16"),
    "Qwen2-57B-A14B": (57.4, "bf16"),
    "Qwen3-235B-A22B-FP8": (235.1, "fp8"),
    "Qwen3-Next-80B-A3B": (80.0, "bf16"),
    "Qwen3.5-397B-A17B": (397.0, "bf16"),
    "Qwen3.5-27B": (27.0, "bf16"),
    "DeepSeek-R1": (671.0, "fp8"),
    "DeepSeek-V3.2": (671.9, "fp8"),
    "DeepSeek-V2-Lite": (15.7, "bf16"),
    "Kimi-K2.5": (1026.0, "int4"),
    "GLM-5": (744.0, "bf16"),
    "gpt-oss-120b": (116.8, "mxfp4"),
    "GLM-4-32B-0414": (32.6, "bf16"),
    "GLM-4.6": (355.0, "bf16"),
    "MiniMax-M1-80k": (456.0, "bf16"),
    "MiniMax-M2.5": (228.7, "fp8"),
    "gemma-2-27b-it": (27.2, "bf16"),
    "gemma-3-27b-it": (27.0, "bf16"),
    "phi-4": (14.7, "bf16"),
    "Phi-3.5-MoE-instruct": (41.9, "bf16"),
    "falcon-180B": (179.5, "bf16"),
    "falcon-7b": (7.22, "bf16"),
    "bloom": (176.2, ""),
    "gpt-j-6b": (6.05, ""),
    "opt-30b": (30.0, "bf16"),
    "c4ai-command-r-v01": (35.0, "bf16"),
    "c4ai-command-a-03-2025": (111.0, "bf16"),
}
FREE = {
    "id", "name", "vendor", "aliases", "source", "date", "note", "estimated_fields", "disclosed",
    "published_total_parameters", "published_active_parameters", "active_convention",
    "native_precision", "mtp_layers", "context_tokens",
}  # fmt: skip


def raw(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONFIGS / name / "config.json").read_bytes())
    return found


def read_raw(folder: Path, content: object, *, generic: bool = False) -> LlmSpec:
    path = folder / "config.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_llm_config(path, generic=generic)


def test_every_config_of_the_tests_has_its_published_size() -> None:
    assert {path.name for path in CONFIGS.iterdir()} == set(PUBLISHED)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_config_gives_the_published_parameters(name: str) -> None:
    llm = read_llm_config(CONFIGS / name)
    billions, precision = PUBLISHED[name]
    assert total_parameters(llm) / 1e9 == pytest.approx(billions, rel=1e-2)
    assert llm.native_precision == precision
    assert llm.name == name
    assert llm.id.startswith("own:")
    assert llm_faults(llm) == []
    for figure, counted in (
        (llm.published_total_parameters, total_parameters(llm)),
        (llm.published_active_parameters, active_parameters(llm)),
    ):
        assert (figure.value, figure.confidence) == (counted, Confidence.DERIVED)


def test_configs_agree_with_the_catalogue_field_by_field(shop: Catalog) -> None:
    compared = 0
    for name in PUBLISHED:
        read, known = read_llm_config(CONFIGS / name), shop.find_llm(name)
        if known is None or name == "Mistral-7B-v0.1":  # another vocabulary than v0.3
            continue
        compared += 1
        for field in set(LlmSpec.__struct_fields__) - FREE:
            assert getattr(read, field) == getattr(known, field), (name, field)
    assert compared >= 24


def test_a_file_and_its_folder_are_the_same_model() -> None:
    folder = CONFIGS / "DeepSeek-V3.2"
    assert read_llm_config(folder) == read_llm_config(folder / "config.json")


def test_latent_attention_and_its_indexer_are_read() -> None:
    llm = read_llm_config(CONFIGS / "DeepSeek-V3.2")
    assert llm.attention is Attention.MLA
    assert (llm.q_lora, llm.kv_lora, llm.qk_nope, llm.qk_rope, llm.v_head) == (
        1536, 512, 128, 64, 128,
    )  # fmt: skip
    assert (llm.index_heads, llm.index_head_dim, llm.index_topk) == (64, 128, 2048)
    assert (llm.dense_layers, llm.mtp_layers) == (3, 1)
    assert read_llm_config(CONFIGS / "DeepSeek-V2-Lite").q_lora == 0


def test_windows_chunks_and_linear_layers_are_counted() -> None:
    kinds = {
        "gpt-oss-120b": (Attention.GQA_WINDOW, 18, 128),
        "gemma-3-27b-it": (Attention.GQA_WINDOW, 10, 1024),
        "Llama-4-Maverick-17B-128E": (Attention.GQA_WINDOW, 12, 8192),
        "c4ai-command-a-03-2025": (Attention.GQA_WINDOW, 16, 4096),
        "Qwen3-Next-80B-A3B": (Attention.HYBRID_LINEAR, 12, 0),
        "Qwen3.5-27B": (Attention.HYBRID_LINEAR, 16, 0),
        "MiniMax-M1-80k": (Attention.HYBRID_LINEAR, 10, 0),
        "MiniMax-M2.5": (Attention.GQA, 62, 0),
    }
    for name, expected in kinds.items():
        llm = read_llm_config(CONFIGS / name)
        assert (llm.attention, llm.full_attention_layers, llm.window_tokens) == expected, name


def test_a_window_of_qwen2_begins_at_its_layer(tmp_path: Path) -> None:
    config = raw("Qwen2.5-7B-Instruct-AWQ")
    config |= {"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 21}
    llm = read_raw(tmp_path, config)
    assert (llm.full_attention_layers, llm.window_tokens) == (21, 4096)


def test_what_the_family_supplies_and_what_is_simplified_is_told() -> None:
    assert "vocab_size 262208" in read_llm_config(CONFIGS / "gemma-3-27b-it").note
    assert "window of 4096" in read_llm_config(CONFIGS / "Mistral-7B-v0.1").note
    assert read_llm_config(CONFIGS / "Qwen3-8B").note == ""


@pytest.mark.parametrize(
    ("quantised", "expected"),
    [
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, "nvfp4"),
        ({"config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}}}, "fp8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"bits": 5, "group_size": 64}, ""),
    ],
)
def test_the_format_of_the_weights_is_read(
    tmp_path: Path, quantised: dict[str, Any], expected: str
) -> None:
    config = {**raw("Qwen3-8B"), "quantization_config": quantised}
    assert read_raw(tmp_path, config).native_precision == expected


def test_the_name_is_that_of_a_hub_cache_too(tmp_path: Path) -> None:
    folder = tmp_path / "models--Qwen--Qwen3-8B" / "snapshots" / "0123abcd"
    folder.mkdir(parents=True)
    assert read_raw(folder, raw("Qwen3-8B")).name == "Qwen3-8B"


def test_an_unknown_architecture_offers_the_generic_reading(tmp_path: Path) -> None:
    config = {**raw("Qwen3-8B"), "model_type": "grok-9"}
    with pytest.raises(UnknownArchitectureError, match=r"'grok-9' is no known.*--generic"):
        read_raw(tmp_path, config)
    llm = read_raw(tmp_path, config, generic=True)
    assert total_parameters(llm) == total_parameters(read_llm_config(CONFIGS / "Qwen3-8B"))
    assert "generically" in llm.note


def test_a_generic_reading_takes_experts(tmp_path: Path) -> None:
    config = {**raw("Mixtral-8x7B-v0.1"), "model_type": "own-moe"}
    llm = read_raw(tmp_path, config, generic=True)
    assert total_parameters(llm) == total_parameters(
        read_llm_config(CONFIGS / "Mixtral-8x7B-v0.1")
    )


def test_a_generic_reading_names_every_missing_field(tmp_path: Path) -> None:
    config = {"model_type": "mamba", "hidden_size": 4096, "num_hidden_layers": 32}
    with pytest.raises(ModelConfigError) as caught:
        read_raw(tmp_path, config, generic=True)
    for field in ("num_attention_heads", "vocab_size", "max_position_emb", "intermediate_size"):
        assert field in str(caught.value)
    with pytest.raises(UnknownArchitectureError, match="num_attention_heads"):
        read_raw(tmp_path, config)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hidden_size": "4096"}, "hidden_size"),
        ({"hidden_size": True}, "hidden_size"),
        ({"hidden_size": 4096.0}, "hidden_size"),
        ({"hidden_size": -1}, "hidden_size"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"vocab_size": 10**400}, "vocab_size"),
        ({"vocab_size": None}, "vocab_size"),
        ({"num_key_value_heads": 5}, "num_key_value_heads"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings"),
        ({"layer_types": ["full_attention"]}, "layer_types"),
        ({"layer_types": ["mamba"] * 36}, "layer_types"),
        ({"layer_types": [["deep"]] * 36}, "layer_types"),
        ({"quantization_config": 3}, "quantization_config"),
        ({"text_config": []}, "text_config"),
        ({"model_type": 7}, "model_type"),
        ({"model_type": "x" * 5000}, "model_type"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ModelConfigError, match=field) as caught:
        read_raw(tmp_path, {**raw("Qwen3-8B"), **change})
    assert field in caught.value.field
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("DeepSeek-R1", {"first_k_dense_replace": 62}, "first_k_dense_replace"),
        ("DeepSeek-R1", {"kv_lora_rank": None}, "kv_lora_rank"),
        ("DeepSeek-R1", {"num_experts_per_tok": 300}, "num_experts_per_tok"),
        ("Qwen3-235B-A22B-FP8", {"mlp_only_layers": [94]}, "mlp_only_layers"),
        ("Qwen3-Next-80B-A3B", {"linear_value_head_dim": 64}, "linear_value_head_dim"),
        ("MiniMax-M1-80k", {"attn_type_list": [0, 1]}, "attn_type_list"),
        ("gpt-oss-120b", {"sliding_window": None}, "sliding_window"),
        ("falcon-7b", {"num_attention_heads": 70}, "head_dim"),
    ],
)
def test_a_contradiction_is_named(
    tmp_path: Path, name: str, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ModelConfigError, match=field):
        read_raw(tmp_path, {**raw(name), **change})


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "3", "null", '"llama"', '{"hidden_size": 1, "hidden_size": 2}',
        '{"a": ' + "9" * 5000 + "}", "[" * 100_000, '{"\\ud800": 1, "\\ud800": 2}',
        '{"hidden_size": NaN}',
    ],
)  # fmt: skip
def test_what_is_no_config_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelConfigError) as caught:
        read_raw(tmp_path, text)
    str(caught.value).encode()


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.json", Path("a\0b")):
        with pytest.raises(ModelConfigError, match=r"is no file|null"):
            read_llm_config(path)
    big = tmp_path / "config.json"
    big.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(TooLargeError):
        read_llm_config(big)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelConfigError):
        read_llm_config(tmp_path / "bytes.json")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.integers(0, 70),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(-1, 3) | st.sampled_from(["full_attention", "x"]), max_size=90),
    st.dictionaries(st.sampled_from(["bits", "quant_method", "hidden_size"]), st.none()),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.sampled_from(sorted(PUBLISHED)), st.booleans())
def test_a_broken_config_gives_a_sound_model_or_a_reason(
    tmp_path: Path, data: st.DataObject, name: str, generic: bool
) -> None:
    config = raw(name)
    inner = config.get("text_config", config)
    for field in data.draw(st.lists(st.sampled_from(sorted(inner)), max_size=3, unique=True)):
        inner[field] = data.draw(VALUES)
    try:
        llm = read_raw(tmp_path, config, generic=generic)
    except EngineError as error:
        str(error).encode()
        return
    assert llm_faults(llm) == []
    assert 0 < active_parameters(llm) <= total_parameters(llm) < 1e15
