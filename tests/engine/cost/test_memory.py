"""What fits where, against sums that can be done by hand."""

import pytest

from engine.catalog.catalog import Catalog
from engine.cost.llm_counts import (
    kv_bytes_per_token_per_chip,
    total_parameters,
    weight_bytes,
)
from engine.cost.memory import MemoryFit, fit
from engine.scenario.design import Deployment, Precision


def test_the_weights_of_a_dense_model_are_its_parameters_times_their_bytes(shop: Catalog) -> None:
    llm = shop.llm("qwen3_32b")
    assert weight_bytes(llm, Precision.BF16) == pytest.approx(2 * total_parameters(llm), rel=1e-9)


def test_grouped_query_attention_keeps_two_heads_a_layer_and_token(shop: Catalog) -> None:
    llm = shop.llm("qwen3_32b")
    by_hand = 2 * llm.layers * llm.kv_heads * llm.head_dim * 2
    assert kv_bytes_per_token_per_chip(llm, Precision.BF16, 1) == by_hand
    assert kv_bytes_per_token_per_chip(llm, Precision.BF16, llm.kv_heads) == by_hand / llm.kv_heads
    more = kv_bytes_per_token_per_chip(llm, Precision.BF16, 2 * llm.kv_heads)
    assert more == by_hand / llm.kv_heads  # a head cannot be split: it is copied


def test_the_large_model_fits_sixteen_m890_in_mxfp4_but_not_in_fp8(shop: Catalog) -> None:
    chip, llm = shop.device("zhenwu-m890"), shop.llm("qwen38_2p4t_a95b")

    def placed(precision: Precision, tp: int, pp: int) -> MemoryFit:
        return fit(Deployment(model=llm.id, precision=precision, tp=tp, pp=pp), llm, chip)

    for tp, pp in ((8, 2), (16, 1)):
        assert placed(Precision.MXFP4, tp, pp).ok
        assert not placed(Precision.FP8, tp, pp).ok
    for tp, pp in ((8, 4), (16, 2), (32, 1)):
        assert placed(Precision.FP8, tp, pp).ok
    refusal = placed(Precision.FP8, 8, 2)
    assert refusal.chips_per_replica == 16
    needed = f"weights take {refusal.weight_bytes / 1e9:.1f} GB"
    assert f"{needed} of {refusal.usable_bytes / 1e9:.1f} GB usable a chip" in refusal.reason
    assert refusal.weight_bytes > refusal.usable_bytes
    assert refusal.way_out


def test_kv_room_is_what_the_parts_leave(shop: Catalog) -> None:
    chip, llm = shop.device("zhenwu-m890"), shop.llm("qwen35_397b_a17b")
    memory = fit(Deployment(model=llm.id, tp=8), llm, chip)
    parts = (
        memory.weight_bytes
        + memory.activation_bytes
        + memory.runtime_bytes
        + memory.state_bytes
        + memory.kv_bytes
    )
    assert parts == pytest.approx(memory.usable_bytes, rel=1e-12)
    assert memory.kv_tokens * memory.kv_bytes_per_token <= memory.kv_bytes
    assert memory.kv_tokens % 16 == 0


@pytest.mark.parametrize("tp", [1, 2, 4, 8])
def test_more_shards_leave_more_room(shop: Catalog, tp: int) -> None:
    chip, llm = shop.device("zhenwu-m890"), shop.llm("qwen3_30b_a3b")
    less = fit(Deployment(model=llm.id, tp=tp), llm, chip)
    more = fit(Deployment(model=llm.id, tp=2 * tp), llm, chip)
    assert more.weight_bytes < less.weight_bytes
    assert more.kv_tokens >= less.kv_tokens
