"""Errors by cluster, coverage, groups and the worst rows, on comparisons with known answers."""

import math

import pytest

from engine.study.validation.compare import (
    ALL_AT_ONCE,
    Comparison,
    concurrency_class,
    measured_numbers,
    size_text,
    source_of,
)
from engine.study.validation.scores import (
    by_group,
    by_metric,
    coverage,
    natural,
    score,
    worst,
)


def compared(cluster, ratio, *, metric="tpot", row=0, band=0.2, held=None, **groups):
    """A number of 50 that was predicted `ratio` times too high, with a band around it."""
    return Comparison(
        row=row,
        metric=metric,
        cluster=cluster,
        measured=50.0,
        predicted=50.0 * ratio,
        low=50.0 * ratio * (1 - band),
        high=50.0 * ratio * (1 + band),
        held_out=None if held is None else 50.0 * held,
        groups=groups,
        label=f"row {row}",
    )


KNOWN = (
    compared("a", 1.1, row=0, hardware="H100", tp="TP 8"),
    compared("a", 0.7, row=1, hardware="H100", tp="TP 8"),
    compared("b", 1.5, row=2, hardware="H100", tp="TP 16"),
    compared("c", 1.0, row=3, hardware="L40S", tp="TP 2", held=0.9),
)


def test_errors_are_averaged_inside_a_cluster_before_the_median():
    found = score(KNOWN)
    # clusters: (0.1 + 0.3) / 2, 0.5, 0
    assert found.median == pytest.approx(0.2)
    assert found.p90 == pytest.approx(0.2 + 0.8 * 0.3)
    assert (found.rows, found.clusters) == (4, 3)


def test_held_out_errors_count_only_rows_that_have_one():
    found = score(KNOWN)
    assert found.held_median == pytest.approx(0.1)
    assert score(KNOWN[:3]).held_median is None


def test_bias_is_the_median_of_cluster_means_of_the_logarithm():
    # means of ln: (ln 1.1 + ln 0.7) / 2 < 0, ln 1.5, 0
    assert score(KNOWN).bias == pytest.approx(0.0)
    assert score(KNOWN[:3]).bias == pytest.approx((math.log(0.77) / 2 + math.log(1.5)) / 2)


def test_coverage_counts_rows_with_ends_of_the_band_inside():
    # 1.1: 44 to 66 holds 50; 0.7: 28 to 42 does not; 1.5: 60 to 90 does not; 1.0 does
    assert coverage(KNOWN) == 0.5
    edge = compared("d", 1.25)
    assert edge.low == 50.0
    assert edge.inside
    assert math.isnan(coverage([]))


def test_no_comparison_has_no_score():
    assert score([]) is None


def test_groups_come_in_natural_order_and_leave_out_rows_without_the_dimension():
    assert list(by_group(KNOWN, "tp")) == ["TP 2", "TP 8", "TP 16"]
    assert [c.row for c in by_group(KNOWN, "hardware")["H100"]] == [0, 1, 2]
    assert by_group(KNOWN, "op") == {}
    classes = ["over 128", "33-128", "1", ALL_AT_ONCE, "9-32", "2-8"]
    ordered = sorted(classes, key=natural)
    assert ordered[:4] == ["1", "2-8", "9-32", "33-128"]
    sizes = ["to 1 MiB", "over 64 MiB", "to 64 MiB", "to 16 KiB"]
    assert sorted(sizes, key=natural) == ["to 16 KiB", "to 1 MiB", "to 64 MiB", "over 64 MiB"]


def test_metrics_come_in_the_order_of_the_page():
    mixed = [compared("a", 1, metric="collective"), compared("a", 1, metric="throughput")]
    assert list(by_metric(mixed)) == ["throughput", "collective"]


def test_the_worst_are_by_logarithm_and_one_of_a_cluster():
    low, high = compared("x", 0.5, row=7), compared("y", 1.9, row=8)
    found = worst([*KNOWN, high, low, compared("x", 0.6, row=9)], 3)
    assert [c.row for c in found] == [7, 8, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", "1"), ("8", "2-8"), ("9", "9-32"), ("128", "33-128"), ("129", "over 128"),
     ("inf", ALL_AT_ONCE), ("production", "not stated"), ("", "not stated")],
)  # fmt: skip
def test_classes_of_concurrency(text, expected):
    assert concurrency_class(text) == expected


def test_means_go_before_medians_and_queued_first_tokens_apart():
    row = {
        "scenario": "closed-loop", "concurrency": "16", "ttft_ms_mean": "90",
        "ttft_ms_median": "80", "tpot_ms_median": "12", "out_tok_s_per_accel": "",
    }  # fmt: skip
    assert measured_numbers(row) == [("tpot", "tpot_ms", 12.0), ("ttft", "ttft_ms", 90.0)]
    queued = measured_numbers({**row, "concurrency": "17"})
    assert [metric for metric, *_ in queued] == ["tpot", "queued-ttft"]


def test_a_throughput_that_was_computed_from_times_is_not_counted_twice():
    row = {"scenario": "static-batch", "out_tok_s_per_accel": "900", "tpot_ms_mean": ""}
    assert [metric for metric, *_ in measured_numbers(row)] == ["static-throughput"]
    row["tpot_ms_mean"] = "11"
    assert [metric for metric, *_ in measured_numbers(row)] == ["static-tpot"]


@pytest.mark.parametrize("text", ["nan", "inf", "-3", "0", "fast", ""])
def test_what_is_no_measurement_is_left_out(text):
    assert measured_numbers({"scenario": "offline-max", "out_tok_s_per_accel": text}) == []


def test_names_of_sources():
    docs = "https://github.com/someone/TensorRT-LLM/blob/abc/docs/perf-overview.md"
    assert source_of(docs) == "TensorRT-LLM performance tables"
    assert source_of("https://github.com/gpustack/gpustack/x.md") == "gpustack/gpustack"
    assert source_of("https://github.com/a/b/c", "SemiAnalysis InferenceX measurement").startswith(
        "InferenceX"
    )
    assert source_of("") == "not stated"


def test_sizes_for_people():
    assert [size_text(v) for v in (512, 2048, 3 * 2**20, 2**33)] == [
        "512 B", "2 KiB", "3 MiB", "8 GiB",
    ]  # fmt: skip
