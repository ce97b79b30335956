"""Step times: roofline anchors, and what may only grow."""

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.cost.llm_counts import active_parameters
from engine.cost.roofline import experts_hit, tile_rows
from engine.cost.timing import compile_timing, step_seconds
from engine.scenario.design import Deployment, Precision
from engine.sim.codes import CAUSES, Cause
from engine.sim.tables import TimingTables


def timing(shop: Catalog, model: str = "qwen3_32b", **changes: object) -> TimingTables:
    deployment = Deployment(
        model=model,
        precision=Precision.BF16,
        max_num_batched_tokens=4096,
        **changes,  # type: ignore[arg-type]
    )
    llm, chip = shop.llm(model), shop.device("nvidia-h100")
    return TimingTables(*compile_timing(deployment, llm, chip, 1e-6))


def test_causes_have_the_columns_of_the_code_table(shop: Catalog) -> None:
    assert timing(shop, tp=1).dense_s.shape == (4097, CAUSES)


def test_a_step_never_gets_shorter_with_more_tokens(shop: Catalog) -> None:
    for model, tp in (("qwen3_32b", 1), ("qwen3_30b_a3b", 4)):
        total = timing(shop, model, tp=tp).dense_s.sum(axis=1)
        assert (np.diff(total) >= -1e-15).all()
        assert total[0] == 0.0


def test_one_decoded_token_cannot_beat_the_reading_of_the_weights(shop: Catalog) -> None:
    llm, chip = shop.llm("qwen3_32b"), shop.device("nvidia-h100")
    weights = 2.0 * active_parameters(llm)
    floor = weights / chip.value("memory_bandwidth_bytes_per_s")
    step = float(timing(shop, tp=1).dense_s[1].sum())
    assert floor * 0.9 < step < floor * 2.0


def test_a_large_prefill_cannot_beat_the_peak(shop: Catalog) -> None:
    llm, chip = shop.llm("qwen3_32b"), shop.device("nvidia-h100")
    floor = 2.0 * active_parameters(llm) * 4096 / chip.value("bf16_flops")
    step = float(timing(shop, tp=1).dense_s[4096].sum())
    assert floor * 0.95 < step < floor * 2.5


def test_a_small_batch_is_bound_by_memory_and_a_large_one_by_arithmetic(shop: Catalog) -> None:
    dense = timing(shop, tp=1).dense_s
    assert dense[1, Cause.MEMORY_BANDWIDTH] > 5 * dense[1, Cause.COMPUTE]
    assert dense[4096, Cause.COMPUTE] > 5 * dense[4096, Cause.MEMORY_BANDWIDTH]


def test_tensor_parallel_moves_bytes_and_one_chip_none(shop: Catalog) -> None:
    assert timing(shop, tp=1).collective_bytes.max() == 0
    shared = timing(shop, tp=4)
    assert (np.diff(shared.collective_bytes) >= 0).all()
    assert shared.collective_bytes[-1] > 0


def test_more_shards_make_a_step_shorter(shop: Catalog) -> None:
    one, four = (float(timing(shop, tp=tp).dense_s[2048].sum()) for tp in (1, 4))
    assert four < one


def test_step_seconds_adds_the_parts(shop: Catalog) -> None:
    deployment = Deployment(
        model="qwen3_32b", precision=Precision.BF16, max_num_batched_tokens=4096
    )
    compiled = compile_timing(deployment, shop.llm("qwen3_32b"), shop.device("nvidia-h100"), 1e-6)
    base = step_seconds(compiled, 8, 8, 0.0, 0.0)
    more = step_seconds(compiled, 8, 8, 10_000.0, 0.0)
    assert more - base == pytest.approx(10_000.0 * compiled.decode_context_s, rel=1e-9)


def test_tiles_round_rows_up() -> None:
    assert tile_rows([0, 1, 16, 17, 65, 129]).tolist() == [0, 16, 16, 32, 128, 256]


def test_experts_hit_between_one_token_and_all() -> None:
    assert experts_hit(1, 128, 8) == pytest.approx(8.0)
    assert experts_hit(10_000, 128, 8) == pytest.approx(128.0)
