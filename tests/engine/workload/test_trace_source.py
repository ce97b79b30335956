"""Traces that a workload names: columns that the user maps, dates and milliseconds, first looks."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import FileError, ScenarioError, TraceError
from engine.scenario.hashing import design_hash
from engine.storage.project_file import load_design, save_design
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace_preview import counts_of, csv_head, guessed_columns
from engine.workload.trace_source import columns_of, parse_columns, trace_of, with_trace_file
from engine.workload.traces import read_trace
from tests.helpers import worlds

COLUMNS = {"arrival_s": "when", "input_tokens": "in", "output_tokens": "out", "time": "ms"}
MS = "user,when,in,out\na,1000,100,10\nb,3500,200,20\nc,2000,300,0\n"


def file(folder: Path, text: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(text)
    return path


def test_milliseconds_and_dates_are_seconds(tmp_path: Path) -> None:
    trace = read_trace(file(tmp_path, MS), "csv", COLUMNS)
    assert trace.arrival_s.tolist() == pytest.approx([0.0, 2.5])
    assert trace.skipped_rows == 1
    dates = "when,in,out\n2026-03-01 12:00:01.5,5,6\n2026-03-01 12:00:00,7,8\n"
    trace = read_trace(file(tmp_path, dates), "csv", {**COLUMNS, "time": "date"})
    assert trace.arrival_s.tolist() == pytest.approx([0.0, 1.5])
    assert trace.input_tokens.tolist() == [7, 5]


def test_quick_and_careful_readers_agree_on_milliseconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [f"{value!r},5,6" for value in (rng.random(200) * 1e6).tolist()]
    plain = "when,in,out\n" + "\n".join(rows) + "\n"
    quick = read_trace(file(tmp_path, plain), "csv", COLUMNS)
    quoted = plain.replace("when", '"when"', 1)
    careful = read_trace(file(tmp_path, quoted), "csv", COLUMNS)
    assert quick.arrival_s.tolist() == careful.arrival_s.tolist()


def test_a_way_to_write_a_time_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="say s, ms or date"):
        read_trace(file(tmp_path, MS), "csv", {**COLUMNS, "time": "weeks"})


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_columns_may_be_parted_otherwise(tmp_path: Path, separator: str) -> None:
    path = file(tmp_path, MS.replace(",", separator))
    assert csv_head(path).titles == ("user", "when", "in", "out")
    assert read_trace(path, "csv", COLUMNS).arrival_s.tolist() == pytest.approx([0.0, 2.5])


def test_a_decimal_comma_is_read_where_commas_do_not_part_columns(tmp_path: Path) -> None:
    path = file(tmp_path, "when;in;out\n1,5;10;5\n4,25;20;6\n")
    trace = read_trace(path, "csv", {**COLUMNS, "time": "s"})
    assert trace.arrival_s.tolist() == [0.0, 2.75]


def test_titles_may_hold_commas(tmp_path: Path) -> None:
    columns = parse_columns("arrival_s=when, UTC,input_tokens=in,output_tokens=a=b, time=ms")
    assert columns == {
        "arrival_s": "when, UTC", "input_tokens": "in", "output_tokens": "a=b", "time": "ms"
    }  # fmt: skip
    path = file(tmp_path, '"when, UTC",in,a=b\n1000,5,6\n2000,7,8\n')
    assert read_trace(path, "csv", columns).arrival_s.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("text", ["foo", "arrival_s", "arrival_s=", "who=a", "time=s,time=ms"])
def test_a_mapping_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="names no column"):
        parse_columns(text)


def test_times_of_the_wrong_unit_are_refused(tmp_path: Path) -> None:
    for far in ("1e18", "-1e18", "2e9"):
        path = file(tmp_path, f"when,in,out\n0,5,6\n{far},7,8\n")
        with pytest.raises(FileError, match="check whether times"):
            read_trace(path, "csv", {**COLUMNS, "time": "s"})


def test_a_wrong_value_names_line_and_column(tmp_path: Path) -> None:
    path = file(tmp_path, MS.replace("3500", "soon"))
    with pytest.raises(TraceError) as refused:
        read_trace(path, "csv", COLUMNS)
    assert (refused.value.line, refused.value.column) == (3, "when")


def test_a_workload_keeps_its_columns_in_the_file(tmp_path: Path, shop: Catalog) -> None:
    path = file(tmp_path, MS)
    load = with_trace_file(WorkloadSpec(extra={"later": 1}), str(path), "csv", COLUMNS)
    assert load.kind is WorkloadKind.TRACE
    assert columns_of(load) == COLUMNS
    assert load.extra["later"] == 1
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    save_design(tmp_path / "a.rackflow", design, shop)
    again = load_design(tmp_path / "a.rackflow").design
    assert columns_of(again.workload) == COLUMNS
    assert len(trace_of(again.workload).arrival_s) == 2
    other = with_trace_file(load, str(path), "csv", {**COLUMNS, "time": "s"})
    assert design_hash(msgspec.structs.replace(design, workload=other)) != design_hash(design)
    assert columns_of(with_trace_file(load, "b.csv", "azure")) == {}
    assert with_trace_file(load, "b.csv", "azure").extra == {"later": 1}


@pytest.mark.parametrize("kept", [5, "when", ["when"], {"arrival_s": 7}])
def test_a_mapping_that_is_none_is_not_followed(kept: object) -> None:
    assert columns_of(WorkloadSpec(extra={"trace_columns": kept})) == {}


def test_a_workload_without_a_known_trace_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="names no trace"):
        trace_of(WorkloadSpec(kind=WorkloadKind.TRACE))
    path = file(tmp_path, "a,b,c\n1,2,3\n")
    with pytest.raises(FileError, match="no format that is known"):
        trace_of(WorkloadSpec(kind=WorkloadKind.TRACE, trace_path=str(path)))


@pytest.mark.parametrize(
    ("titles", "row", "found"),
    [
        ("id,prompt_len,gen,start_ms,output_len", "a,5,x,1200,7",
         {"arrival_s": "start_ms", "time": "ms", "input_tokens": "prompt_len",
          "output_tokens": "output_len"}),
        ("Timestamp,ContextTokens,GeneratedTokens", "2026-03-01 12:00:00,5,7",
         {"arrival_s": "Timestamp", "time": "date", "input_tokens": "ContextTokens",
          "output_tokens": "GeneratedTokens"}),
        ("id,received_at,model,prompt_tokens,completion_tokens", "r1,2026-03-01 12:00:00.5,q,5,7",
         {"arrival_s": "received_at", "time": "date", "input_tokens": "prompt_tokens",
          "output_tokens": "completion_tokens"}),
        ("who,x,y,when", "a,1,2,3",
         {"arrival_s": "when", "time": "s", "input_tokens": "x", "output_tokens": "y"}),
        ("x,y,z", "1,2,3",
         {"arrival_s": "z", "time": "s", "input_tokens": "x", "output_tokens": "y"}),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_titles(
    tmp_path: Path, titles: str, row: str, found: dict[str, str]
) -> None:
    head = csv_head(file(tmp_path, f"{titles}\n{row}\n"))
    assert guessed_columns(head) == found


def test_the_head_of_a_file_is_shown_and_of_a_large_one_only_that(tmp_path: Path) -> None:
    head = csv_head(file(tmp_path, 'a,b,c\n1,"2,5",3\n4\n' + "7,8,9\n" * 50_000))
    assert head.titles == ("a", "b", "c")
    assert head.rows[0] == ("1", "2,5", "3")
    assert head.rows[1] == ("4", "", "")
    assert len(head.rows) == 6


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for text in ("", "one line of text\n", "a,b\n1,2\n"):
        with pytest.raises(FileError, match="columns"):
            csv_head(file(tmp_path, text))
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(FileError, match="UTF-8"):
        csv_head(path)
    with pytest.raises(FileError):
        csv_head(tmp_path / "nothing.csv")


def test_counts_say_what_is_in_it(tmp_path: Path) -> None:
    counts = counts_of(read_trace(file(tmp_path, MS), "csv", COLUMNS))
    assert (counts.requests, counts.skipped_rows, counts.duration_s) == (2, 1, 2.5)
    assert (counts.input_tokens, counts.output_tokens) == (150.0, 15.0)
