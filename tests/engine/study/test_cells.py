"""Rows of measured tables become runs: parallelism, formats, load; or a reason why not."""

from pathlib import Path

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import FileError
from engine.scenario.design import Precision, ServingEngine
from engine.study.cells import Plan, Refused, engine_of, plan, read_rows

ROW = {
    "hardware": "H100", "n_accel": "4", "tp": "4", "ep": "1", "dp": "1", "pp": "1.0",
    "precision": "fp8", "model": "Llama-3.3-70B", "framework": "vLLM", "scenario": "closed-loop",
    "isl": "1024.0", "osl": "128", "concurrency": "8", "note": "", "spec_decode": "none",
}  # fmt: skip


def planned(shop: Catalog, **changes: str) -> Plan:
    return plan({**ROW, **changes}, shop)


def refusal(shop: Catalog, **changes: str) -> str:
    with pytest.raises(Refused) as verdict:
        planned(shop, **changes)
    return str(verdict.value)


def test_a_row_becomes_a_deployment_and_its_load(shop: Catalog) -> None:
    found = planned(shop)
    assert found.deployment.tp == 4
    assert found.deployment.precision is Precision.FP8
    assert found.requests.concurrency == 8
    assert len(found.requests.arrival_s) == 80
    assert set(found.requests.input_tokens.tolist()) == {1024}
    assert found.chips == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hardware": "Abacus 9"}, "unknown hardware: Abacus 9"),
        ({"hardware": ""}, "unknown hardware"),
        ({"model": "Eliza"}, "unknown model: Eliza"),
        ({"tp": ""}, "unstated parallelism"),
        ({"tp": "nan"}, "unstated parallelism"),
        ({"tp": "P8/D8", "scenario": "disagg-closed-loop"}, "disaggregated"),
        ({"precision": "fp3"}, "unknown precision: fp3"),
        ({"isl": ""}, "unstated input length"),
        ({"osl": ""}, "unstated output length"),
        ({"isl": "many"}, "isl is not a number"),
        ({"isl": "-5"}, "isl is out of range"),
        ({"concurrency": "production"}, "unstated concurrency"),
        ({"concurrency": "0"}, "concurrency out of range"),
        ({"concurrency": "1e999"}, "unstated concurrency"),
        ({"concurrency": "rate=0/s"}, "a rate of no requests"),
        ({"n_accel": "6"}, "no multiple"),
        ({"n_accel": "2"}, "no multiple"),
        ({"n_accel": "1000000", "tp": "1000000"}, "more than 4,096 chips"),
        ({"spec_decode": "hope"}, "unknown speculative decoding"),
        ({"isl": "90000000"}, "a request of more than"),
        ({"model": "Qwen3.8-2.4T-A95B", "hardware": "M890", "n_accel": "16", "tp": "8",
          "pp": "2"}, "does not fit"),
        ({"model": "Llama-3.1-405B", "precision": "fp16", "tp": "1", "n_accel": "1"},
         "does not fit"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_says_why(
    shop: Catalog, changes: dict[str, str], reason: str
) -> None:
    assert reason in refusal(shop, **changes)


def test_measured_columns_are_not_read(shop: Catalog) -> None:
    with_results = planned(shop, out_tok_s_per_accel="1e9", ttft_ms_mean="x", tpot_ms_mean="-1")
    assert with_results.deployment == planned(shop).deployment


def test_attention_ranks_divide_the_chips_of_a_stage(shop: Catalog) -> None:
    moe = {"model": "DeepSeek-R1", "hardware": "H200", "n_accel": "8"}
    ranks = planned(shop, **moe, tp="8", ep="8", dp="8").deployment
    assert (ranks.tp, ranks.attention_dp, ranks.ep) == (1, 8, 8)
    shards = planned(shop, **moe, tp="8", ep="1", dp="1").deployment
    assert (shards.tp, shards.attention_dp, shards.ep) == (8, 1, 1)


def test_tensorrt_mixtures_with_unstated_ranks_spread_over_their_chips(shop: Catalog) -> None:
    moe = {"model": "Qwen3-235B-A22B", "n_accel": "4", "ep": "", "dp": ""}
    found = planned(shop, **moe, framework="TensorRT-LLM 1.0")
    assert (found.deployment.attention_dp, found.deployment.ep) == (4, 4)
    assert "attention-DP and EP over 4 chips" in found.assumed
    plain = planned(shop, **moe).deployment
    assert (plain.tp, plain.attention_dp, plain.ep) == (4, 1, 1)


def test_limits_are_those_of_each_attention_rank(shop: Catalog) -> None:
    moe = {"model": "DeepSeek-R1", "hardware": "H200", "n_accel": "8", "tp": "8", "ep": "8"}
    one, eight = (planned(shop, **moe, dp=dp).deployment for dp in ("1", "8"))
    assert eight.max_num_batched_tokens == 8 * one.max_num_batched_tokens
    assert eight.max_num_seqs == 8 * one.max_num_seqs


def test_more_chips_than_a_replica_takes_are_replicas_that_share_the_load(shop: Catalog) -> None:
    found = planned(shop, n_accel="16", concurrency="64")
    assert found.requests.concurrency == 16
    assert len(found.requests.arrival_s) == 160
    assert found.chips == 4
    assert "4 equal replicas that share the load" in found.assumed


def test_a_rack_stands_for_its_chip(shop: Catalog) -> None:
    assert planned(shop, hardware="GB200 NVL72").chip.id == "nvidia-gb200"


@pytest.mark.parametrize(
    "note",
    ["uniform in [5,1]", "uniform in [.,.]", "num_prompts=0*conc", "kv blocks " + "9" * 30,
     "0 requests max concurrency", "max_num_seqs " + "9" * 40],
)  # fmt: skip
def test_a_hostile_note_changes_nothing(shop: Catalog, note: str) -> None:
    found = planned(shop, note=note)
    assert 1 <= len(found.requests.arrival_s) <= 80
    assert found.requests.input_tokens.min() >= 1


def test_a_static_batch_is_computed_whole(shop: Catalog) -> None:
    found = planned(shop, scenario="static-batch", isl="4096", concurrency="16")
    assert found.deployment.max_num_batched_tokens >= 16 * 4096


@pytest.mark.parametrize(
    ("framework", "note", "engine"),
    [
        ("vLLM", "", ServingEngine.VLLM),
        ("vllm 0.19.0", "", ServingEngine.VLLM),
        ("SGLang 0.5.7", "", ServingEngine.SGLANG),
        ("TensorRT-LLM 1.2", "", ServingEngine.TENSORRT_LLM),
        ("trt", "", ServingEngine.TENSORRT_LLM),
        ("TensorRT-LLM 0.14", "", ServingEngine.TENSORRT_ENGINE),
        ("TensorRT-LLM 0.9", "", ServingEngine.TENSORRT_STATIC),
        ("TensorRT-LLM 0.9", "gptSessionBenchmark", ServingEngine.TENSORRT_STATIC),
        ("vLLM (2023, profiling)", "", ServingEngine.VLLM_2023),
        ("MindIE", "", ServingEngine.VLLM),
    ],
)
def test_frameworks_have_an_engine(framework: str, note: str, engine: ServingEngine) -> None:
    assert engine_of(framework, note) is engine


def test_formats_follow_the_chip_and_the_checkpoint(shop: Catalog) -> None:
    def of(**changes: str) -> Precision:
        return planned(shop, **changes).deployment.precision

    assert of(precision="fp16") is Precision.BF16
    assert of(precision="fp4", hardware="B200") is Precision.NVFP4
    assert of(precision="fp4", hardware="MI355X") is Precision.MXFP4
    assert of(precision="fp8", model="gpt-oss-120b") is Precision.MXFP4


def test_lengths_are_drawn_as_the_note_says(shop: Catalog) -> None:
    found = planned(shop, note="lengths uniform in [0.8,1.0]*nominal; num_prompts=10*conc")
    inputs = found.requests.input_tokens
    assert 0.8 * 1024 - 1 <= inputs.min() < inputs.max() <= 1024
    assert inputs.mean() == pytest.approx(0.9 * 1024, rel=0.03)
    again = planned(shop, note="lengths uniform in [0.8,1.0]*nominal; num_prompts=10*conc")
    assert (again.requests.input_tokens == inputs).all()


def test_conversations_have_a_long_tail_with_the_stated_mean(shop: Catalog) -> None:
    found = planned(
        shop, scenario="burst-sharegpt", concurrency="1000", isl="217",
        note="1000 requests all sent at once",
    )  # fmt: skip
    inputs = found.requests.input_tokens
    assert len(inputs) == 1000
    assert inputs.mean() == pytest.approx(217, rel=0.02)
    assert np.quantile(inputs, 0.99) > 3 * inputs.mean()
    assert found.requests.concurrency == 0


def test_an_offline_run_queues_all_its_requests_at_once(shop: Catalog) -> None:
    found = planned(
        shop, scenario="offline-max", concurrency="inf", isl="128", osl="128",
        framework="TensorRT-LLM 1.0",
    )  # fmt: skip
    assert len(found.requests.arrival_s) == 30_000
    assert found.requests.arrival_s.max() == 0.0
    assert found.deployment.kv_precision is Precision.FP8


def test_stated_limits_and_kv_blocks_are_taken(shop: Catalog) -> None:
    found = planned(
        shop, concurrency="rate=2.5/s", scenario="open-loop-multiturn",
        note="max_num_seqs 128, max_num_batched_tokens 2048, kv blocks 8253",
    )  # fmt: skip
    assert (found.deployment.max_num_seqs, found.deployment.max_num_batched_tokens) == (128, 2048)
    assert found.kv_tokens == 8253 * 16
    rate = len(found.requests.arrival_s) / found.requests.arrival_s[-1]
    assert rate == pytest.approx(2.5, rel=0.1)


def test_a_table_is_read_with_mark_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes('\ufeffhardware,note\nH100,"a, b"\nH200\n'.encode())
    names, rows = read_rows(path)
    assert names == ["hardware", "note"]
    assert rows == [{"hardware": "H100", "note": "a, b"}, {"hardware": "H200", "note": ""}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"\xff\xfe\x00", "no CSV"), (b"a,b\n1,2,3\n", "line 2")],
)
def test_a_broken_table_is_refused_with_its_place(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes(content)
    with pytest.raises(FileError, match=reason):
        read_rows(path)
