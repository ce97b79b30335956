"""Operators as work: FLOPs and bytes whose answers are known."""

import numpy as np
import pytest

from engine.cost import operators
from engine.cost.operators import ChipRates, NumberFormat

CHIP = ChipRates("test", 1e12, 1e15, 100.0)
BF16 = NumberFormat("bf16", 2.0, 2.0, 1e15)
FP8 = NumberFormat("fp8", 1.0, 1.0, 2e15)


def test_a_gemm_computes_2mnk_and_reads_its_weights_once() -> None:
    work = operators.gemm([1.0, 512.0], 4096.0, 8192.0, BF16, CHIP)
    assert work.compute_s == pytest.approx([2 * 4096 * 8192 / 1e15, 512 * 2 * 4096 * 8192 / 1e15])
    moved = 4096 * 8192 * 2 + 8192 * 2 + 4096 * 2
    assert work.memory_s[0] == pytest.approx(moved / 1e12)


def test_a_narrow_format_halves_weights_and_doubles_arithmetic() -> None:
    wide, narrow = (operators.gemm([256.0], 4096, 4096, form, CHIP) for form in (BF16, FP8))
    assert narrow.compute_s == pytest.approx(wide.compute_s / 2)
    assert narrow.memory_s[0] < wide.memory_s[0]


def test_a_gemm_of_no_rows_is_no_work() -> None:
    work = operators.gemm([0.0], 4096, 4096, BF16, CHIP)
    assert work.compute_s.tolist() == [0.0]
    assert work.memory_s.tolist() == [0.0]


def decode(context: float, window: float = 0.0, kv_bytes: float = 2.0) -> operators.Work:
    return operators.decode_attention(
        [4.0], [context], heads=32, kv_heads=8, head_dim=128, kv_bytes=kv_bytes, window=window,
        chip=CHIP,
    )  # fmt: skip


def test_decode_reads_the_cache_of_every_sequence() -> None:
    cached = 4 * 1000 * 8 * 128 * 2 * 2
    assert decode(1000.0).memory_s[0] == pytest.approx(cached / 1e12, rel=0.02)
    assert decode(1000.0).compute_s[0] == pytest.approx(4 * 4 * 32 * 128 * 1000 / 1e15)
    assert decode(1000.0, kv_bytes=1.0).memory_s[0] < 0.52 * decode(1000.0).memory_s[0]


def test_a_window_caps_what_decode_reads() -> None:
    assert decode(10_000.0, window=128.0).memory_s == decode(128.0, window=128.0).memory_s
    assert decode(64.0, window=128.0).memory_s == decode(64.0).memory_s


def test_causal_area_is_a_triangle_and_a_band_under_a_window() -> None:
    assert operators.causal_area(100.0) == 5000.0
    assert operators.causal_area(100.0, 10.0) == 100 * 10 - 50
    assert operators.causal_area(5.0, 10.0) == 12.5


def test_prefill_attention_is_quadratic_in_the_prompt() -> None:
    short, long = (
        operators.prefill_attention(
            [1.0], [n], heads=32, kv_heads=8, head_dim=128, window=0.0, chip=CHIP
        ).compute_s[0]
        for n in (1000.0, 2000.0)
    )
    assert long == pytest.approx(4 * short)
    assert short == pytest.approx(4 * 32 * 128 * 1000 * 1000 / 2 / 1e15)


def test_the_latent_is_read_once_whatever_the_heads() -> None:
    few, many = (
        operators.mla_decode(
            [8.0], [4096.0], heads=h, latent=512, rope=64, kv_bytes=2.0, chip=CHIP
        )
        for h in (16, 128)
    )
    cached = 8 * 4096 * 576 * 2 / 1e12
    assert few.memory_s[0] == pytest.approx(cached, rel=0.02)
    assert many.memory_s[0] == pytest.approx(cached, rel=0.06)
    assert many.compute_s[0] == pytest.approx(8 * few.compute_s[0])


def moe(tokens: float, ranks: float = 1.0) -> operators.Work:
    return operators.moe(
        [tokens], hidden=4096, width=1536, experts=128, active=8, ranks=ranks, skew=1.01,
        matrices=3, form=BF16, chip=CHIP,
    )  # fmt: skip


def test_few_tokens_read_few_experts_and_many_read_all() -> None:
    expert = 3 * 4096 * 1536 * 2 / 1e12
    assert moe(1.0).memory_s[0] == pytest.approx(8 * expert, rel=0.02)
    assert moe(100_000.0).memory_s[0] > 128 * expert
    assert moe(64.0, ranks=8).memory_s[0] == pytest.approx(moe(64.0).memory_s[0] / 8, rel=0.02)


def test_experts_hit_follow_the_coverage_formula() -> None:
    assert operators.experts_hit(1, 128, 8) == pytest.approx(8.0)
    assert operators.experts_hit(16, 128, 8) == pytest.approx(128 * (1 - (1 - 8 / 128) ** 16))
    assert operators.experts_hit(10_000, 128, 8) == pytest.approx(128.0)


def test_skew_lies_between_the_measured_laws() -> None:
    places = [operators.skew_feature(s) for s in (0.0, 1.01, 1.1, 1.2, 9.0)]
    assert places == sorted(places)
    assert (places[0], places[1]) == (-1.0, 0.0)


def test_the_state_of_a_delta_net_is_read_and_written_whatever_the_context() -> None:
    work = operators.delta_decode([10.0], k_heads=16, v_heads=32, head_dim=128, chip=CHIP)
    assert work.memory_s[0] == pytest.approx(10 * 32 * 128 * 128 * 8 / 1e12)
    prompt = operators.delta_prefill([1000.0, 2000.0], k_heads=16, v_heads=32, head_dim=128,
                                     chip=CHIP)  # fmt: skip
    assert prompt.compute_s[1] == pytest.approx(2 * prompt.compute_s[0])
    assert np.isfinite(prompt.shape).all()


def test_elementwise_work_is_its_bytes() -> None:
    assert operators.elementwise_s(10.0, 4096, 10.0, CHIP) == pytest.approx(10 * 4096 * 20 / 1e12)
