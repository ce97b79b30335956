"""Step times: anchors of physics, what may only grow, and the kernel beside its slow twin."""

import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.catalog.loader import load_catalog
from engine.cost.collectives.fabric import CollectiveFabric, chip_fabric
from engine.cost.layers import Load
from engine.cost.llm_counts import active_parameters
from engine.cost.timing import Batch, CompiledTiming, compile_timing, step_seconds
from engine.scenario.design import Deployment, Precision
from engine.sim.codes import CAUSES, Cause
from engine.sim.kernels.steps import time_steps
from engine.sim.timings import stack_timings

SHOP = load_catalog()  # for generated cases, whose arguments are printed
LOAD = Load(1024.0, 2048.0)
MODELS = (  # one of each kind of attention and feed-forward
    "qwen3_32b", "qwen3_30b_a3b", "deepseek_v3", "gpt_oss_120b", "qwen35_397b_a17b", "llama4_scout",
)  # fmt: skip


def timing(
    shop: Catalog,
    model: str = "qwen3_32b",
    chip: str | DeviceSpec = "nvidia-h100",
    *,
    load: Load = LOAD,
    fabric: CollectiveFabric | None = None,
    precision: Precision = Precision.BF16,
    **changes: object,
) -> CompiledTiming:
    deployment = Deployment(
        model=model,
        precision=precision,
        max_num_batched_tokens=2048,
        **{"tp": 1, **changes},  # type: ignore[arg-type]
    )
    device = shop.device(chip) if isinstance(chip, str) else chip
    return compile_timing(deployment, shop.llm(model), device, fabric or chip_fabric(device), load)


def with_figure(device: DeviceSpec, name: str, factor: float) -> DeviceSpec:
    figure = device.figures[name]
    figures = {
        **device.figures,
        name: msgspec.structs.replace(figure, value=figure.value * factor),
    }
    return msgspec.structs.replace(device, figures=figures)


def steps_of(compiled: CompiledTiming) -> np.ndarray:
    """Seconds of a spread of batches: decode, prefill and mixed."""
    rows = [Batch(n, n, n, n * c) for n in (1, 7, 64, 256) for c in (64.0, 2048.0, 30_000.0)]
    rows += [Batch(m, 0, 1, 0.0, 1, m * m / 2) for m in (16, 333, 2048)]
    rows += [Batch(64 + m, 64, 65, 64 * 2048.0, 1, m * m / 2) for m in (100, 1900)]
    return np.array([step_seconds(compiled, row) for row in rows])


def test_causes_have_the_columns_of_the_code_table(shop: Catalog) -> None:
    assert timing(shop).dense_s.shape == (2049, CAUSES)


@pytest.mark.parametrize("model", MODELS)
def test_a_step_never_gets_shorter_with_more_tokens(shop: Catalog, model: str) -> None:
    compiled = timing(shop, model, tp=4)
    total = compiled.dense_s.sum(axis=1)
    assert (np.diff(total) >= -1e-15).all()
    assert total[0] == 0.0
    assert (np.diff(compiled.head_s) >= 0).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_longer_context_never_speeds_a_step_up(shop: Catalog, model: str) -> None:
    compiled = timing(shop, model, tp=4)
    assert (compiled.decode_context_s >= 0).all()
    assert (compiled.prefill_area_s >= 0).all()
    assert (compiled.decode_base_s >= 0).all()


def test_one_decoded_token_cannot_beat_the_reading_of_the_weights(shop: Catalog) -> None:
    llm, chip = shop.llm("qwen3_32b"), shop.device("nvidia-h100")
    floor = 2.0 * active_parameters(llm) / chip.value("memory_bandwidth_bytes_per_s")
    step = step_seconds(timing(shop), Batch(1, 1, 1, 0.0))
    assert floor * 0.9 < step < floor * 2.0


def test_a_large_prefill_cannot_beat_the_peak(shop: Catalog) -> None:
    llm, chip = shop.llm("qwen3_32b"), shop.device("nvidia-h100")
    head = llm.vocabulary * llm.hidden
    floor = 2.0 * (active_parameters(llm) - head) * 2048 / chip.value("bf16_flops")
    step = step_seconds(timing(shop), Batch(2048, 0, 1, 0.0, 1, 2048**2 / 2))
    assert floor < step < floor * 3.0


def test_a_small_batch_is_bound_by_memory_and_a_large_one_by_arithmetic(shop: Catalog) -> None:
    dense = timing(shop).dense_s
    assert dense[1, Cause.MEMORY_BANDWIDTH] > 5 * dense[1, Cause.COMPUTE]
    assert dense[2048, Cause.COMPUTE] > 5 * dense[2048, Cause.MEMORY_BANDWIDTH]


def test_tensor_parallel_moves_bytes_and_one_chip_none(shop: Catalog) -> None:
    assert timing(shop).collective_bytes.max() == 0
    shared = timing(shop, tp=4)
    assert (np.diff(shared.collective_bytes) >= 0).all()
    hidden, layers = shop.llm("qwen3_32b").hidden, shop.llm("qwen3_32b").layers
    ring = 2 * layers * 2 * 3 / 4 * 2048 * hidden * 2
    assert shared.collective_bytes[-1] == pytest.approx(ring)


def test_more_shards_make_a_step_shorter(shop: Catalog) -> None:
    one, four = (float(timing(shop, tp=tp).dense_s[2048].sum()) for tp in (1, 4))
    assert four < one


@settings(max_examples=12, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    chip=st.sampled_from(("nvidia-h100", "nvidia-b200", "zhenwu-m890", "nvidia-l40s")),
    figure=st.sampled_from(("memory_bandwidth_bytes_per_s", "bf16_flops", "fp8_flops")),
    factor=st.floats(1.05, 4.0),
)
def test_a_better_chip_never_slows_a_step(
    model: str, chip: str, figure: str, factor: float
) -> None:
    shop = SHOP
    device = shop.device(chip)
    if not device.value(figure):
        return
    precision = Precision.FP8 if device.value("fp8_flops") else Precision.BF16
    fabric = chip_fabric(device)
    before = steps_of(timing(shop, model, device, fabric=fabric, tp=2, precision=precision))
    better = with_figure(device, figure, factor)
    after = steps_of(timing(shop, model, better, fabric=fabric, tp=2, precision=precision))
    assert (after <= before * (1 + 1e-9)).all()


@settings(max_examples=12, deadline=None)
@given(factor=st.floats(1.05, 8.0), tp=st.sampled_from((2, 4, 8)))
def test_wider_links_never_slow_a_step(factor: float, tp: int) -> None:
    shop = SHOP
    device = shop.device("nvidia-h100")
    narrow = chip_fabric(device)
    wide = dataclasses.replace(narrow, port_bytes_per_s=narrow.port_bytes_per_s * factor)

    def whole(fabric: CollectiveFabric) -> np.ndarray:
        compiled = timing(shop, fabric=fabric, tp=tp)
        moved = compiled.collective_bytes / fabric.port_bytes_per_s
        return compiled.dense_s.sum(axis=1) + moved

    assert (whole(wide) <= whole(narrow) * (1 + 1e-9)).all()


batches = st.lists(
    st.tuples(
        st.integers(0, 200), st.integers(0, 1800), st.integers(0, 3), st.floats(0.0, 1e6)
    ).filter(lambda row: row[0] + row[1] > 0),
    min_size=1,
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(
    rows=batches,
    drafted=st.integers(0, 4),
    share=st.floats(0.0, 1.0),
    pp=st.sampled_from((1, 2, 4)),
)
def test_the_kernel_takes_the_seconds_of_its_readable_twin(
    rows: list[tuple[int, int, int, float]], drafted: int, share: float, pp: int
) -> None:
    shop = SHOP
    compiled = timing(
        shop, "qwen3_30b_a3b", tp=2, pp=pp, speculative_tokens=drafted,
        acceptance_length=1.0 + drafted * share,
    )  # fmt: skip
    wanted = [
        Batch(n + p, n, n + (c if p else 0), ctx if n else 0.0, c if p else 0, p * p / 2.0)
        for n, p, c, ctx in rows
    ]
    array = np.array(
        [[b.tokens, b.decoding, b.sampled, b.context, b.chunks, b.area] for b in wanted], float
    )
    causes = np.zeros((len(wanted), CAUSES))
    time_steps(stack_timings([compiled]), array, causes)
    twin = [step_seconds(compiled, b) for b in wanted]
    np.testing.assert_allclose(causes.sum(axis=1), twin, rtol=1e-9)


def test_accepted_drafts_make_decode_cheaper_and_refused_ones_dearer(shop: Catalog) -> None:
    batch = Batch(8, 8, 8, 8 * 2048.0)
    plain = step_seconds(timing(shop), batch)
    good = step_seconds(timing(shop, speculative_tokens=3, acceptance_length=3.0), batch)
    none = step_seconds(timing(shop, speculative_tokens=3, acceptance_length=1.0), batch)
    assert plain / 3 < good < plain / 2
    assert none > plain


def test_a_full_pipeline_shares_the_layers_and_adds_its_stages_steps(shop: Catalog) -> None:
    one, two = timing(shop), timing(shop, pp=2)
    batch = Batch(1024, 0, 2, 0.0, 2, 0.0)
    assert step_seconds(one, batch) / 2 < step_seconds(two, batch) < step_seconds(one, batch)
    assert two.dense_s[1, Cause.OVERHEAD] > one.dense_s[1, Cause.OVERHEAD]


def test_a_pipeline_with_one_prompt_takes_as_long_as_its_layers(shop: Catalog) -> None:
    alone = Batch(1024, 0, 1, 0.0, 1, 1024**2 / 2)
    one, four = (step_seconds(timing(shop, pp=pp), alone) for pp in (1, 4))
    assert four == pytest.approx(one, rel=0.2)
    assert four > one


def test_attention_ranks_hold_their_own_sequences(shop: Catalog) -> None:
    ranks = timing(shop, "deepseek_v3", tp=1, attention_dp=8, ep=8, precision=Precision.FP8)
    shards = timing(shop, "deepseek_v3", tp=8, ep=8, precision=Precision.FP8)
    # the latent is whole on every TP rank: eight ranks of a TP group read it all, DP ranks 1/8
    assert ranks.decode_context_s[64] < 0.5 * shards.decode_context_s[64]


def test_a_window_ends_the_growth_of_attention(shop: Catalog) -> None:
    full, windowed = shop.llm("qwen3_32b"), shop.llm("gpt_oss_120b")
    assert windowed.window_tokens < 1024 < full.context_tokens
    slope = timing(shop, "gpt_oss_120b").decode_context_s[32]
    per_layer_full = timing(shop, "qwen3_32b").decode_context_s[32] / full.layers
    per_full_layer = slope / windowed.full_attention_layers
    kv_full = full.kv_heads * full.head_dim
    kv_windowed = windowed.kv_heads * windowed.head_dim
    assert per_full_layer / kv_windowed == pytest.approx(per_layer_full / kv_full, rel=1.0)
