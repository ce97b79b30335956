"""Ranges are nominal times factors, in one unit, and every figure of a run has one."""

import json
import math
from pathlib import Path

import pytest

from engine.catalog.catalog import Catalog
from engine.cli import OK, main
from engine.metrics.summary import Summary, summarise
from engine.report.ranges import (
    e2e_band,
    rate_range,
    rate_text,
    summary_bands,
    summary_report,
    time_range,
    time_text,
    tokens_text,
)
from engine.report.tables import summary_lines
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.storage.project_file import save_design
from engine.study.design_bands import Band
from tests.helpers import worlds
from tests.helpers.bands import made_up_bands


@pytest.fixture(scope="module")
def summary(shop: Catalog) -> Summary:
    scenario = Scenario(design=worlds.one_chip(shop), catalog=shop, until_s=40.0, seed=1)
    simulation, lowered = prepare_simulation(scenario)
    simulation.run_to_end(None)
    return summarise(simulation.results(), lowered, scenario)


def test_a_range_shares_the_unit_of_its_value() -> None:
    assert time_text(0.033, Band(0.7, 1.6)) == "33 ms (23-53)"
    assert time_text(0.95, Band(0.5, 2.0)) == "950 ms (475-1,900)"
    assert time_text(2.5, Band(0.5, 2.0)) == "2.5 s (1.2-5.0)"
    assert time_text(9e-7, Band(0.5, 2.0)) == "0.90 us (0.45-1.8)"
    assert time_range(0.0999, Band(1.0, 10.0)) == "100-999 ms"


def test_a_rate_keeps_its_digits_and_rounds_its_range() -> None:
    assert rate_text(3499.4, Band(0.566, 1.5), "tok/s") == "3,499 tok/s (1,980-5,250)"
    assert rate_text(3.14159, Band(0.5, 2.0)) == "3.14 (1.6-6.3)"
    assert rate_text(0.0, Band(0.5, 2.0)) == "0 (0-0)"
    assert rate_range(1e6, Band(0.5, 2.0)) == "500,000-2,000,000"


def test_a_range_on_its_way_is_announced_and_nothing_is_made_of_no_value() -> None:
    assert time_text(0.033, None, pending=True) == "33 ms (…)"
    assert rate_text(100.0, None, "tok/s", pending=True) == "100 tok/s (…)"
    assert time_text(0.033, None) == "33 ms"
    for pending in (False, True):
        assert time_text(math.nan, Band(0.5, 2.0), pending=pending) == "-"
        assert rate_text(math.nan, None, "tok/s", pending=pending) == "-"


def test_lengths_are_short() -> None:
    assert [tokens_text(n) for n in (875, 6540, 118_656)] == ["875", "6,540", "119k"]


def test_every_figure_of_throughput_and_latency_has_its_range(summary: Summary) -> None:
    bands = made_up_bands()
    made = summary_bands(summary, bands)
    out = made["output_tokens_per_s"]
    assert out.low == pytest.approx(0.5 * summary.output_tokens_per_s)
    assert out.high == pytest.approx(1.5 * summary.output_tokens_per_s)
    for name, factors in (("ttft_s", bands.ttft), ("tpot_s", bands.tpot)):
        for point in ("p50", "p90", "p95", "p99", "mean"):
            value = getattr(getattr(summary, name), point)
            assert made[name][point].low == pytest.approx(factors.low * value)
            assert made[name][point].high == pytest.approx(factors.high * value)
    assert made["step"]["tpot_band_s"].high == pytest.approx(0.033 * 1.6)


def test_the_whole_latency_lies_between_its_parts(summary: Summary) -> None:
    bands = made_up_bands()
    band = e2e_band(summary, bands)
    assert bands.tpot.low < band.low < bands.ttft.low
    assert bands.tpot.high < band.high < bands.ttft.high
    assert summary.ttft_s.mean is not None
    assert summary.e2e_s.mean is not None
    share = summary.ttft_s.mean / summary.e2e_s.mean
    assert band.high == pytest.approx(share * 1.7 + (1 - share) * 1.6)


def test_the_text_names_ranges_and_validation(summary: Summary) -> None:
    bands = made_up_bands()
    lines = summary_lines(summary, bands)
    assert f"validation: {bands.sentence()}" in lines
    [rates] = [line for line in lines if line.startswith("tokens/s")]
    assert f"({rate_range(summary.output_tokens_per_s, bands.rate)})" in rates
    ttft = next(number for number, line in enumerate(lines) if line.startswith("TTFT"))
    assert summary.ttft_s.p50 is not None
    assert lines[ttft + 1].split("  ")[1].strip() == "80 % band"
    assert time_range(summary.ttft_s.p50, bands.ttft) in lines[ttft + 1]
    assert "one prompt of 875 tokens 83 ms (58-141)" in "\n".join(lines)


def test_without_bands_the_text_says_so(summary: Summary) -> None:
    lines = summary_lines(summary)
    assert any(line.startswith("validation: no band") for line in lines)
    report = summary_report(summary, None)
    assert report["bands"] is None
    assert report["validation"] is None


def test_simulate_prints_the_ranges_of_an_unmeasured_chip(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.rackflow"
    save_design(path, worlds.one_chip(shop), shop)
    assert main(["simulate", str(path), "--until", "20", "--json"]) == OK
    report = json.loads(capsys.readouterr().out)
    assert report["validation"]["basis"] == "prior"
    assert report["validation"]["chip"] == "Zhenwu M890"
    low, high = (report["bands"]["output_tokens_per_s"][end] for end in ("low", "high"))
    assert 0 < low < report["output_tokens_per_s"] < high
    ttft = report["bands"]["ttft_s"]["p95"]
    assert ttft["low"] < report["ttft_s"]["p95"] < ttft["high"]
    assert main(["simulate", str(path), "--until", "20"]) == OK
    text = capsys.readouterr().out
    assert report["validation"]["sentence"] in text
    assert text.count("80 % band") >= 3
