"""Parameters, weights and KV bytes by part, against counts that are written out by hand."""

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.llms import Attention
from engine.cost.llm_counts import (
    attention_parameters,
    counts,
    dense_ffn_parameters,
    expert_parameters,
    index_bytes_per_token,
    index_parameters,
    kv_bytes_per_token_per_chip,
    kv_elements_per_token,
    linear_layers,
    linear_parameters,
    moe_layers,
    mtp_parameters,
    softmax_layers,
    state_bytes_per_sequence_per_chip,
    total_parameters,
    weight_bytes,
    window_layers,
)
from engine.scenario.design import Precision


def test_a_dense_layer_is_the_sum_of_its_matrices(shop: Catalog) -> None:
    llm = shop.llm("llama31_8b")
    assert attention_parameters(llm) == 4096 * (4096 + 1024 + 1024) + 4096 * 4096
    assert dense_ffn_parameters(llm) == 3 * 4096 * 14336
    assert total_parameters(llm) == 8_030_261_248


def test_an_ungated_feed_forward_has_two_matrices(shop: Catalog) -> None:
    assert dense_ffn_parameters(shop.llm("gpt_j_6b")) == 2 * 4096 * 16384
    bloom = shop.llm("bloom_176b")
    assert counts(bloom).head == 0
    assert counts(bloom).dense_ffn == 70 * 2 * 14336 * 4 * 14336


def test_dense_layers_between_experts_are_counted_once(shop: Catalog) -> None:
    llm = shop.llm("llama4_maverick")
    assert moe_layers(llm) == 24
    assert counts(llm).dense_ffn == 24 * 3 * 5120 * 16384
    assert counts(llm).experts == 24 * 128 * expert_parameters(llm)
    assert (softmax_layers(llm), window_layers(llm)) == (48, 36)


def test_latent_attention_without_a_query_latent_projects_directly(shop: Catalog) -> None:
    llm = shop.llm("deepseek_v2_lite")
    up = 2048 * 16 * 192
    assert attention_parameters(llm) == (
        up + 2048 * (512 + 64) + 512 * 16 * (128 + 128) + 16 * 128 * 2048
    )


def test_an_indexer_adds_its_matrices_and_its_keys(shop: Catalog) -> None:
    full, sparse = shop.llm("deepseek_v3"), shop.llm("deepseek_v32")
    added = 1536 * 64 * 128 + 7168 * 128 + 7168 * 64
    assert index_parameters(full) == 0
    assert index_parameters(sparse) == added
    assert attention_parameters(sparse) - attention_parameters(full) == added
    assert index_bytes_per_token(full) == 0
    assert index_bytes_per_token(sparse) == 61 * 132
    kv = kv_bytes_per_token_per_chip(sparse, Precision.FP8, 8)
    assert kv == 61 * (512 + 64) + 61 * 132


@pytest.mark.parametrize(("tp", "share"), [(1, 1), (4, 4), (8, 8), (16, 8)])
def test_grouped_heads_are_shared_out_up_to_their_number(
    shop: Catalog, tp: int, share: int
) -> None:
    llm = shop.llm("llama33_70b")
    assert kv_elements_per_token(llm) == 80 * 2 * 8 * 128
    expected = 80 * 2 * 8 * 128 * 2.0 / share
    assert kv_bytes_per_token_per_chip(llm, Precision.BF16, tp) == expected


def test_a_latent_is_whole_on_every_rank(shop: Catalog) -> None:
    llm = shop.llm("deepseek_v3")
    for tp in (1, 8, 16):
        assert kv_bytes_per_token_per_chip(llm, Precision.BF16, tp) == 61 * 576 * 2.0


def test_windows_are_constant_and_only_full_layers_grow(shop: Catalog) -> None:
    llm = shop.llm("gpt_oss_120b")
    assert kv_elements_per_token(llm) == 18 * 2 * 8 * 64
    expected = 18 * 2 * 8 * 64 * 128 * 2.0
    assert state_bytes_per_sequence_per_chip(llm, Precision.BF16, 1) == expected
    assert state_bytes_per_sequence_per_chip(llm, Precision.BF16, 4) == expected / 4


def test_lightning_attention_has_projections_a_gate_and_a_state(shop: Catalog) -> None:
    llm = shop.llm("minimax_m1")
    assert llm.attention is Attention.HYBRID_LINEAR
    assert (linear_layers(llm), softmax_layers(llm)) == (70, 10)
    assert linear_parameters(llm) == pytest.approx(5 * 6144 * 8192, rel=5e-3)
    state = state_bytes_per_sequence_per_chip(llm, Precision.BF16, 8)
    assert state == 70 * 64 * 128 * 128 * 4.0 / 8


def test_layers_for_multi_token_prediction_are_counted_apart(shop: Catalog) -> None:
    llm = shop.llm("deepseek_v3")
    assert mtp_parameters(llm) == pytest.approx(11.5e9, rel=0.03)  # the paper: 11.5 B of its own
    without = msgspec.structs.replace(llm, mtp_layers=0)
    assert mtp_parameters(without) == 0
    assert total_parameters(without) == total_parameters(llm)


@pytest.mark.parametrize("precision", list(Precision))
def test_weights_take_their_bits_in_every_format(shop: Catalog, precision: Precision) -> None:
    for llm in shop.llms.values():
        taken, total = weight_bytes(llm, precision), total_parameters(llm)
        assert total * 0.5 < taken <= total * 2.0, llm.id
    assert weight_bytes(shop.llm("llama33_70b"), Precision.BF16) == 2.0 * 70_553_706_496


def test_published_checkpoints_have_the_size_that_is_computed(shop: Catalog) -> None:
    gpt = weight_bytes(shop.llm("gpt_oss_120b"), Precision.MXFP4)
    assert gpt == pytest.approx(65.3e9, rel=0.06)  # model card: 60.8 GiB
    kimi = weight_bytes(shop.llm("kimi_k25"), Precision.INT4)
    assert kimi == pytest.approx(595e9, rel=0.07)  # its groups of 32 take 4.5 bits, not 4.25
