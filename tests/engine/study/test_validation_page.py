"""The page: what it must say, its plots, and that equal data give equal text."""

import base64
import io
import re

import pytest
from PIL import Image

from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.cost.efficiency import load_system
from engine.study.validation.__main__ import main, outcome_of, pages, spaced
from engine.study.validation.blocks import Heading, Listing, Paragraph, Table
from engine.study.validation.chart import PAPER, Box, Chart, Scale
from engine.study.validation.compare import compare_row
from engine.study.validation.page import blocks_of, fingerprint
from engine.study.validation.plots import all_plots, colour_of
from engine.study.validation.render import html, markdown
from engine.study.validation.table import load_tables
from tests.engine.study.test_validation_scores import compared

SAMPLE = 12
MUST_SAY = (
    "Zhenwu M890", "Zhenwu 810E", "Zhenwu V900", "Ascend", "H20", "All-reduce over several nodes",
    "NVL72", "Disaggregation", "MLPerf", "Agents and prefix caches", "Faults",
    "Versions of software", "What is not validated", "Coverage of the 80 % band",
    "The worst rows", "Sources and licences", "Aim", "10 %", "12 %", "20 %",
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome():
    return outcome_of(load_tables(), SAMPLE, jobs=1)


@pytest.fixture(scope="module")
def page(outcome):
    return pages(outcome)


def test_a_sample_is_predicted_and_compared(outcome):
    assert len(outcome.serving_status) == len(outcome.collective_status) == SAMPLE
    assert outcome.serving_status.count("ok") >= SAMPLE - 1
    for comparison in outcome.comparisons:
        assert comparison.low <= comparison.predicted <= comparison.high
        assert comparison.error < 5
    assert {"collective"} < {c.metric for c in outcome.comparisons}


def test_the_page_says_what_it_must(page):
    for text in page.values():
        for words in (*MUST_SAY, fingerprint()):
            assert words in text, words


def test_the_page_is_self_contained(page):
    text = page["validation.html"]
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert all(re.findall(r'<img [^>]*alt="([^"]*)"', text))
    assert "<img" not in page["validation.md"]


def test_equal_data_give_equal_pages(outcome, page):
    assert pages(outcome) == page


def test_pictures_show_something(page):
    pictures = re.findall(r'base64,([^"]+)" width="(\d+)"', page["validation.html"])
    assert len(pictures) >= 4
    for data, width in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.width == 2 * int(width)
        drawn = image.convert("L").point(lambda v: 255 * (v < 200))
        assert drawn.getbbox() is not None
        assert drawn.histogram()[255] > 2000


def test_a_scatter_has_its_mark_where_the_number_lies():
    chart = Chart(200, 100)
    across = Scale(1.0, 100.0, 20, 180, log=True)
    assert across.at(10.0) == pytest.approx(100)
    assert across.at(1e9) == 180
    chart.mark(across.at(10.0), 50, "#d55e00", "circle", 4)
    image = Image.open(io.BytesIO(chart.png())).convert("RGB")
    red, green, blue = image.getpixel((200, 100))
    assert red > 180 > 120 > green > blue
    assert min(image.getpixel((40, 100))) > 240


def test_ticks_are_round_and_inside():
    assert Scale(0.0, 1.0, 0, 1).ticks() == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert Scale(3.0, 60.0, 0, 1, log=True).ticks() == [5.0, 10.0, 20.0, 50.0]
    assert Scale(3.0, 3e5, 0, 1, log=True).ticks() == [10.0, 100.0, 1e3, 1e4, 1e5]


def test_bars_may_be_drawn_from_either_end():
    chart = Chart(40, 40)
    chart.bar(Box(30, 30, 10, 10), "#000000")
    image = Image.open(io.BytesIO(chart.png())).convert("L")
    assert image.getpixel((40, 40)) < 20
    assert PAPER == "#ffffff"


def test_plots_of_few_numbers_and_of_an_unknown_family():
    one = compared(
        "a", 1.2, family="abacus", hardware="X", tp="TP 1", concurrency="1", engine="vllm"
    )
    names = [plot.name for plot in all_plots([one])]
    assert names == [
        "scatter-tpot", "errors-tpot", "coverage", "residual-tpot-concurrency", "residual-tpot-tp",
    ]  # fmt: skip
    assert colour_of("abacus")[1] == "circle"


def test_figures_of_the_summary_are_those_of_the_comparisons(outcome):
    comparisons = [
        compared("a", 1.1, family="hopper", hardware="H100", tp="TP 1", concurrency="1", held=1.3),
        compared("b", 1.3, family="hopper", hardware="H100", tp="TP 1", concurrency="1"),
    ]
    blocks = blocks_of(outcome._replace(comparisons=comparisons), load_catalog(), load_system())
    text = markdown(blocks)
    assert (
        "| TPOT, closed loop | 2 | 2 | 20.0 % | 28.0 % | 12 % | 30.0 % | 30.0 % | 16 % | 50 % |"
        in text
    )


def test_text_is_escaped():
    blocks = [
        Heading("a < b"), Paragraph("<script>"), Listing((("x & y", "<b>"),)),
        Table(("h|1",), (("<td>",),)),
    ]  # fmt: skip
    text = html("<t>", blocks)
    assert "<script>" not in text
    assert "&lt;td&gt;" in text
    assert "x &amp; y" in text
    assert "h\\|1" in markdown(blocks)


@pytest.mark.parametrize(
    ("change", "status"),
    [({"hardware": "abacus"}, "unknown hardware"), ({"tp": ""}, "unstated parallelism"),
     ({"isl": ""}, "unstated input length"), ({"model": "\0"}, "unknown model")],
)  # fmt: skip
def test_a_row_that_cannot_be_predicted_says_why(change, status):
    row = {**load_tables().serving[0], **change}
    result = compare_row(0, row, load_catalog())
    assert result.comparisons == ()
    assert status in result.status


def test_spaced_takes_even_distances():
    rows = [{"id": str(i)} for i in range(10)]
    assert [row["id"] for row in spaced(rows, 3)] == ["0", "3", "6"]
    assert spaced(rows, 99) == rows


def test_a_missing_folder_is_an_error_with_a_name(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 1
    assert "serving_calibrate.csv" in capsys.readouterr().err


def test_the_shipped_page_is_whole_and_of_the_shipped_calibration():
    """Fails after a new calibration until `make validate` has written the page anew."""
    for name in ("validation.html", "validation.md"):
        path = resource_path("docs", name)
        assert path.stat().st_size < 1_500_000
        text = path.read_text(encoding="utf-8")
        assert fingerprint() in text, "the calibration changed: run make validate"
        assert "do not publish" not in text
        assert all(words in text for words in MUST_SAY)
