"""What ranks exchange in a step, and what a cache takes to move, from closed forms."""

import dataclasses

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.communication import (
    KV_TRANSFER_S,
    StepCommunication,
    kv_transfer_s,
    step_communication,
)
from engine.cost.llm_counts import kv_bytes_per_token_per_chip
from engine.scenario.design import Deployment, Precision, ServingEngine

TOKENS = np.array([0.0, 1.0, 64.0, 2048.0])


def exchange(shop: Catalog, model: str = "qwen3_32b", **changes: object) -> StepCommunication:
    deployment = Deployment(model=model, **{"tp": 1, **changes})  # type: ignore[arg-type]
    chip = shop.device("nvidia-h100")
    return step_communication(deployment, shop.llm(model), TOKENS, chip_fabric(chip), chip.family)


def test_one_chip_exchanges_nothing(shop: Catalog) -> None:
    found = exchange(shop)
    assert found.seconds.tolist() == [0.0] * 4
    assert found.bytes.tolist() == [0.0] * 4


def test_tensor_parallel_reduces_twice_a_layer(shop: Catalog) -> None:
    llm = shop.llm("qwen3_32b")
    found = exchange(shop, tp=8)
    each = 2 * 7 / 8 * 2048 * llm.hidden * 2
    assert found.bytes[-1] == pytest.approx(2 * llm.layers * each)
    assert (np.diff(found.seconds) >= 0).all()
    assert (
        found.seconds[-1]
        > found.bytes[-1] / chip_fabric(shop.device("nvidia-h100")).port_bytes_per_s
    )


def test_attention_ranks_dispatch_their_tokens_to_the_experts(shop: Catalog) -> None:
    llm = shop.llm("deepseek_v3")
    found = exchange(shop, "deepseek_v3", attention_dp=8, ep=8)
    sparse = llm.layers - llm.dense_layers
    own = 2048 / 8 * min(llm.active_experts, 8) * llm.hidden
    assert found.bytes[-1] == pytest.approx(sparse * own * (1 + 2) * 7 / 8)


def test_expert_ranks_of_one_tp_group_reduce_as_tp_does(shop: Catalog) -> None:
    plain = exchange(shop, "deepseek_v3", tp=8)
    spread = exchange(shop, "deepseek_v3", tp=8, ep=8)
    assert (plain.bytes == spread.bytes).all()


def test_stages_hand_their_activations_on(shop: Catalog) -> None:
    found = exchange(shop, pp=4)
    assert found.bytes[-1] == 2048 * shop.llm("qwen3_32b").hidden * 2
    assert found.seconds[1] > 0


def test_engines_have_kernels_of_their_own(shop: Catalog) -> None:
    one = exchange(shop, tp=8, engine=ServingEngine.VLLM)
    two = exchange(shop, tp=8, engine=ServingEngine.TENSORRT_LLM)
    assert (one.seconds[1:] != two.seconds[1:]).any()


def test_a_cache_takes_its_bytes_over_the_path_to_move(shop: Catalog) -> None:
    llm = shop.llm("qwen3_32b")
    deployment = Deployment(model="qwen3_32b", tp=4, kv_precision=Precision.BF16)
    cached = 10_000 * kv_bytes_per_token_per_chip(llm, Precision.BF16, 4)
    taken = kv_transfer_s(deployment, llm, 10_000, 50e9, 2e-6)
    assert taken == pytest.approx(KV_TRANSFER_S + 2e-6 + cached / 50e9)
    assert cached == 10_000 * 64 * 2 * 2 * 128 * 2
    half = kv_transfer_s(deployment, llm, 10_000, 100e9, 2e-6)
    assert half < taken


def test_a_latent_is_sent_whole_by_every_rank(shop: Catalog) -> None:
    llm = shop.llm("deepseek_v3")
    one, eight = (
        kv_transfer_s(Deployment(model="deepseek_v3", tp=tp), llm, 10_000, 50e9, 0.0)
        for tp in (1, 8)
    )
    assert one == eight


def test_a_faster_port_never_slows_an_exchange(shop: Catalog) -> None:
    chip, llm = shop.device("nvidia-h100"), shop.llm("deepseek_v3")
    slow = chip_fabric(chip)
    fast = dataclasses.replace(slow, port_bytes_per_s=2 * slow.port_bytes_per_s)
    for changes in ({"tp": 8}, {"tp": 1, "attention_dp": 8, "ep": 8}, {"tp": 1, "pp": 4}):
        deployment = Deployment(model="deepseek_v3", **changes)  # type: ignore[arg-type]
        before, after = (
            step_communication(deployment, llm, TOKENS, fabric, chip.family).seconds
            for fabric in (slow, fast)
        )
        assert (after <= before).all()
