"""Every figure says its unit, source and confidence; the shop holds what it must."""

import math
from collections.abc import Iterator

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Confidence, Figure
from engine.catalog.llms import LlmSpec
from engine.cost.llm_counts import active_parameters, total_parameters
from engine.errors import CatalogError
from engine.scenario.design import Precision

UNITS = {
    "B", "B/s", "FLOP/s", "W", "s", "Hz", "count", "ratio", "CNY", "USD", "tokens", "params",
    "CNY/J", "CNY/Mtok", "USD/Mtok", "CNY/USD", "score", "tok/s",
}  # fmt: skip
DEVICES = (
    "zhenwu-m890", "zhenwu-810e", "zhenwu-v900", "zhenwu-j900", "icn-switch-1",
    "xuantie-c950-host", "xuantie-c930-host", "yitian-710-host", "x86-host",
    "panjiu-al128-2x64", "panjiu-al128-flat", "hpn7-leaf", "hpn7-spine", "panmai-920",
    "flash-storage", "client-gateway", "nvidia-h20", "nvidia-h100", "nvidia-h200", "nvidia-b200",
    "nvidia-gb200-nvl72", "ascend-910b", "ascend-910c", "ascend-950dt", "cloudmatrix384",
    "amd-mi300x",
)  # fmt: skip


def figures_of(record: msgspec.Struct, where: str) -> Iterator[tuple[str, Figure]]:
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, Figure):
            yield f"{where}.{name}", value
        elif isinstance(value, msgspec.Struct):
            yield from figures_of(value, f"{where}.{name}")
        elif isinstance(value, tuple):
            for i, part in enumerate(value):
                if isinstance(part, msgspec.Struct):
                    yield from figures_of(part, f"{where}.{name}[{i}]")
        elif isinstance(value, dict):
            for key, part in value.items():
                if isinstance(part, Figure):
                    yield f"{where}.{name}[{key}]", part


def all_figures(shop: Catalog) -> list[tuple[str, Figure]]:
    found = [(name, figure) for name, figure in shop.figures.items()]
    for table in (shop.devices, shop.llms):
        for name, record in table.items():
            found += list(figures_of(record, name))
    return found


def test_every_figure_has_unit_source_confidence_date_and_an_ordered_range(shop: Catalog) -> None:
    figures = all_figures(shop)
    assert len(figures) > 300
    for where, figure in figures:
        assert figure.unit in UNITS, where
        assert figure.source, where
        assert all(text.strip() for text in figure.source), where
        assert figure.confidence in Confidence, where
        assert len(figure.date) >= 4, where
        assert math.isfinite(figure.value), where
        assert figure.low_value <= figure.value <= figure.high_value, where


def test_estimates_carry_a_range(shop: Catalog) -> None:
    bare = [
        where
        for where, figure in all_figures(shop)
        if figure.is_estimate and figure.value and figure.low is None and figure.high is None
    ]
    assert bare == []


def test_a_figure_without_unit_source_or_confidence_is_refused() -> None:
    good = {"value": 1, "unit": "B", "confidence": "published", "source": ["x"], "date": "2026"}
    assert msgspec.convert(good, Figure).value == 1
    for missing in ("unit", "confidence", "source"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({k: v for k, v in good.items() if k != missing}, Figure)


@pytest.mark.parametrize("name", DEVICES)
def test_the_shop_holds(shop: Catalog, name: str) -> None:
    spec = shop.device(name)
    assert spec.name
    if spec.kind is DeviceKind.CHIP:
        for figure in ("memory_bytes", "memory_bandwidth_bytes_per_s", "power_w"):
            assert spec.value(figure) > 0, figure


def test_what_is_not_on_sale_says_so(shop: Catalog) -> None:
    marked = {s.id: s.status.value for s in shop.devices.values() if s.status.value != "available"}
    assert marked["xuantie-c950-host"] == "what-if"
    assert marked["zhenwu-v900"] == "announced"


def chips_of(spec: DeviceSpec) -> int:
    assert spec.rack is not None
    return spec.rack.domains * spec.rack.chips_per_domain


def test_racks_hold_their_chips_and_name_parts_of_the_shop(shop: Catalog) -> None:
    assert chips_of(shop.device("panjiu-al128-2x64")) == 128
    assert chips_of(shop.device("panjiu-al128-flat")) == 128
    assert chips_of(shop.device("nvidia-gb200-nvl72")) == 72
    assert chips_of(shop.device("cloudmatrix384")) == 384
    for spec in shop.devices.values():
        if spec.rack is not None:
            for part in (spec.rack.chip, spec.rack.host, spec.rack.nic, spec.rack.switch):
                shop.device(part)


DISCLOSED = 1.5e-2


def test_total_parameters_are_within_one_and_a_half_percent_of_the_published(
    shop: Catalog,
) -> None:
    assert len(shop.llms) == 71
    for llm in shop.llms.values():
        if llm.disclosed:
            published = llm.published_total_parameters.value
            assert abs(total_parameters(llm) / published - 1) <= DISCLOSED, llm.id


def test_undisclosed_models_are_marked(shop: Catalog) -> None:
    hidden = [llm.id for llm in shop.llms.values() if not llm.disclosed]
    assert hidden == ["qwen37_max"]
    assert shop.llm("qwen37_max").estimated_fields


def test_active_parameters_name_their_counting_convention(shop: Catalog) -> None:
    for llm in shop.llms.values():
        assert llm.active_convention, llm.id
        assert 0 < active_parameters(llm) <= total_parameters(llm)


def test_unknown_names_are_refused_with_the_nearest(shop: Catalog) -> None:
    with pytest.raises(CatalogError, match="zhenwu-m890"):
        shop.device("zhenwu-m89")
    with pytest.raises(CatalogError, match="qwen3_32b"):
        shop.llm("qwen3_32")


def test_windows_of_models_are_positive(shop: Catalog) -> None:
    def sound(llm: LlmSpec) -> bool:
        return llm.context_tokens >= 2048 and llm.layers > 0 and llm.vocabulary > 1000

    assert all(sound(llm) for llm in shop.llms.values())


NAMES = {
    "DeepSeek-R1": "deepseek_v3",
    "nvidia/DeepSeek-R1-0528-FP4": "deepseek_v3",
    "DeepSeek-V3.2": "deepseek_v32",
    "Llama-2-70b-chat-hf": "llama2_70b",
    "Meta-Llama-3.1-8B-Instruct": "llama31_8b",
    "meta-llama/Llama-3.3-70B-Instruct": "llama33_70b",
    "amd/Llama-3.1-405B-Instruct-MXFP4": "llama31_405b",
    "Llama 4 Maverick": "llama4_maverick",
    "Llama-4-Scout-17B-16E-Instruct-FP8": "llama4_scout",
    "openai/gpt-oss-120b": "gpt_oss_120b",
    "gpt-oss-20b": "gpt_oss_20b",
    "MiniMax-M2.5": "minimax_m25",
    "Qwen2.5-7B": "qwen25_7b",
    "qwen3 8b": "qwen3_8b",
    "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8": "qwen3_235b_a22b",
    "Mixtral-8x22B": "mixtral_8x22b",
    "Kimi-K2.5": "kimi_k25",
    "mistralai/Mistral-7B-Instruct-v0.1": "mistral_7b",
    "Mistral-Nemo-12B": "mistral_nemo_12b",
    "GLM-4.6": "glm_46",
    "GLM-4.5-Air": "glm_45_air",
    "GPT-J-6B": "gpt_j_6b",
    "Falcon-180B": "falcon_180b",
    "BLOOM-176B": "bloom_176b",
    "Yi-34B": "yi_34b",
    "qwen3_32b": "qwen3_32b",
}


@pytest.mark.parametrize(("name", "expected"), list(NAMES.items()))
def test_models_are_found_by_their_public_names(shop: Catalog, name: str, expected: str) -> None:
    found = shop.find_llm(name)
    assert found is not None
    assert found.id == expected


@pytest.mark.parametrize("name", ["", "Instruct", "Llama", "Qwen3", "x/y/-FP8", "GPT-5"])
def test_names_that_mean_no_model_find_none(shop: Catalog, name: str) -> None:
    assert shop.find_llm(name) is None


def test_every_id_name_and_alias_finds_its_own_model(shop: Catalog) -> None:
    for llm in shop.llms.values():
        for name in (llm.id, llm.name, *llm.aliases):
            assert shop.find_llm(name) is llm, name


def test_native_precisions_are_formats_that_exist(shop: Catalog) -> None:
    formats = {precision.value for precision in Precision} | {""}
    assert {llm.native_precision for llm in shop.llms.values()} <= formats
    assert shop.llm("deepseek_v3").native_precision == "fp8"
    assert shop.llm("gpt_oss_120b").native_precision == "mxfp4"
    assert shop.llm("kimi_k25").native_precision == "int4"
