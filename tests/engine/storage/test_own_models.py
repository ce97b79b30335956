"""A design's own models: laid over the catalogue, kept by its file, refused where they cannot be."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.llms import LlmSpec
from engine.errors import CatalogError, DamagedFileError, TopologyError
from engine.report.analysis import memory_fit
from engine.scenario.design import Deployment, Design
from engine.scenario.editor import DesignEditor
from engine.scenario.hashing import design_hash
from engine.scenario.own_models import design_catalog, with_own_model
from engine.storage.llm_config import read_llm_config
from engine.storage.project_file import decode_design, encode_design
from engine.topology.changes import SetSection
from tests.helpers import worlds

CONFIGS = Path(__file__).parent / "configs"


@pytest.fixture(scope="module")
def own() -> LlmSpec:
    return read_llm_config(CONFIGS / "Qwen3-8B")


def test_own_models_lie_over_the_catalogue(shop: Catalog, own: LlmSpec) -> None:
    design = Design(llms=(own,))
    assert design_catalog(Design(), shop) is shop
    both = design_catalog(design, shop)
    assert both.llm("own:qwen3_8b") is own
    assert both.llm("qwen3_8b") is shop.llm("qwen3_8b")
    with pytest.raises(CatalogError):
        shop.llm("own:qwen3_8b")


def test_ids_of_own_models_stay_unique(shop: Catalog, own: LlmSpec) -> None:
    llms, first = with_own_model((), own)
    assert with_own_model(llms, own) == (llms, first)
    other = msgspec.structs.replace(own, layers=40, full_attention_layers=40, dense_layers=40)
    llms, second = with_own_model(llms, other)
    assert (second.id, second.name) == ("own:qwen3_8b_2", "Qwen3-8B (2)")
    assert with_own_model(llms, other) == (llms, second)
    llms, third = with_own_model(llms, shop.llm("llama31_8b"))
    assert third.id == "own:llama31_8b"
    assert [llm.id for llm in llms] == ["own:qwen3_8b", "own:qwen3_8b_2", "own:llama31_8b"]


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIGS.iterdir()))
def test_a_file_gives_back_its_own_models(shop: Catalog, name: str) -> None:
    llm = read_llm_config(CONFIGS / name)
    design = Design(llms=(llm,), deployment=Deployment(model=llm.id))
    read = decode_design(encode_design(design, shop), "x.rackflow").design
    assert read == design
    assert design_hash(read) == design_hash(design)


def raw_file(shop: Catalog, own: LlmSpec) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_design(Design(llms=(own,)), shop))
    return found


def test_fields_of_a_newer_program_are_kept(shop: Catalog, own: LlmSpec) -> None:
    raw = raw_file(shop, own)
    raw["llms"][0]["state_layers"] = 3
    design = decode_design(json.dumps(raw).encode(), "x.rackflow").design
    assert design.llms[0].extra == {"state_layers": 3}
    again = json.loads(encode_design(design, shop))
    assert again["llms"][0]["state_layers"] == 3
    assert len({design.llms[0], own}) == 2  # a spec with extra fields can be hashed


def test_a_file_without_own_models_is_read(shop: Catalog, own: LlmSpec) -> None:
    raw = raw_file(shop, own)
    del raw["llms"]
    assert decode_design(json.dumps(raw).encode(), "x.rackflow").design.llms == ()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"layers": 0}, "llms[0].layers"),
        ({"layers": 10**12}, "llms[0].layers"),
        ({"layers": "36"}, "llms[0].layers"),
        ({"kv_heads": 0}, "llms[0].kv_heads"),
        ({"kv_heads": 7}, "llms[0].kv_heads"),
        ({"dense_layers": 3}, "llms[0].dense_layers"),
        ({"full_attention_layers": 3}, "llms[0].full_attention_layers"),
        ({"experts": 8}, "llms[0].active_experts"),
        ({"attention": "mla"}, "llms[0].kv_lora"),
        ({"attention": "none"}, "llms[0].attention"),
        ({"ffn_matrices": 9}, "llms[0].ffn_matrices"),
        ({"id": "qwen3_8b"}, "llms[0].id"),
    ],
)
def test_an_own_model_that_cannot_be_is_refused(
    shop: Catalog, own: LlmSpec, change: dict[str, Any], place: str
) -> None:
    raw = raw_file(shop, own)
    raw["llms"][0] |= change
    with pytest.raises(DamagedFileError) as caught:
        decode_design(json.dumps(raw).encode(), "x.rackflow")
    assert place in str(caught.value)


def test_two_own_models_of_one_id_are_refused(shop: Catalog, own: LlmSpec) -> None:
    raw = raw_file(shop, own)
    raw["llms"] *= 2
    with pytest.raises(DamagedFileError, match="there twice"):
        decode_design(json.dumps(raw).encode(), "x.rackflow")


def test_adding_a_model_is_one_edit_with_its_inverse(shop: Catalog, own: LlmSpec) -> None:
    editor = DesignEditor(Design(), shop)
    inverse = editor.apply(SetSection("llms", (own,)))
    assert editor.snapshot().llms == (own,)
    editor.apply(inverse)
    assert editor.snapshot() == Design()
    with pytest.raises(TopologyError):
        editor.apply(SetSection("llms", own))


def test_the_memory_of_an_own_model_is_that_of_its_twin(shop: Catalog, own: LlmSpec) -> None:
    design = worlds.one_chip(shop)
    fits = []
    for model in ("qwen3_8b", own.id):
        deployment = msgspec.structs.replace(design.deployment, model=model)
        changed = msgspec.structs.replace(design, deployment=deployment, llms=(own,))
        found = memory_fit(changed, shop)
        assert not isinstance(found, str), found
        fits.append((found.kv_tokens, found.weight_bytes))
    assert fits[0] == fits[1]
