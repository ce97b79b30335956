"""Readers of traces: the public schemas in small, and errors that name the place."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import FileError, TraceError
from engine.workload.traces import read_trace


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:17:04.0319600,3180,8\n"
    "2023-11-16 18:17:03.9799600,4808,10\n"
    "2023-11-16 18:17:05.0000000,12,0\n"
)


def test_azure(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, "a.csv", AZURE), "azure")
    np.testing.assert_allclose(trace.arrival_s, [0.0, 0.052], atol=1e-6)
    assert trace.input_tokens.tolist() == [4808, 3180]
    assert trace.output_tokens.tolist() == [10, 8]
    assert trace.skipped_rows == 1


def rows(**extra: object) -> str:
    lines = [
        {"timestamp": 3000, "input_length": 1000, "output_length": 5, "hash_ids": [7, 8], **extra},
        {"timestamp": 1000, "input_length": 600, "output_length": 9, "hash_ids": [7, 11], **extra},
    ]
    return "\n".join(json.dumps(line) for line in lines)


def test_mooncake_keeps_equal_blocks_equal(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, "m.jsonl", rows()), "mooncake")
    assert trace.arrival_s.tolist() == [0.0, 2.0]
    assert trace.block_tokens == 512
    first, second = (
        trace.blocks[a:b].tolist()
        for a, b in zip(trace.block_start[:-1], trace.block_start[1:], strict=True)
    )
    assert first[0] == second[0]
    assert len({*first, *second}) == 3


def test_bailian_counts_seconds_and_blocks_of_16(tmp_path: Path) -> None:
    text = rows(chat_id=1, parent_chat_id=-1, type="text", turn=1)
    trace = read_trace(write(tmp_path, "b.jsonl", text), "bailian")
    assert trace.arrival_s.tolist() == [0.0, 2000.0]
    assert trace.block_tokens == 16


def test_burstgpt(tmp_path: Path) -> None:
    text = (
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,API log\n"
        "118,GPT-4,417,276,693,API log\n"
    )
    trace = read_trace(write(tmp_path, "b.csv", text), "burstgpt")
    assert trace.arrival_s.tolist() == [0.0, 113.0]
    assert trace.skipped_rows == 1


def test_a_generic_csv_takes_mapped_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "g.csv", "when;x\n".replace(";", ",") + "1,2\n")
    with pytest.raises(TraceError, match="input_tokens"):
        read_trace(path, "csv", {"arrival_s": "when"})
    path = write(tmp_path, "h.csv", "t,p,o\n2.5,10,3\n1.5,20,4\n")
    columns = {"arrival_s": "t", "input_tokens": "p", "output_tokens": "o"}
    assert read_trace(path, "csv", columns).input_tokens.tolist() == [20, 10]


def servegen(folder: Path) -> Path:
    (folder / "chunk-0-trace.csv").write_text(
        "0,0.5,1.0,Gamma,1.0,2.0\n600,0,0,,0,0\n1200,0.25,2.0,Weibull,0.7,1.0\n"
    )
    (folder / "chunk-0-dataset.json").write_text(
        json.dumps({"0": {"input_tokens": "{50: 0.25, 100: 0.75}", "output_tokens": "{7: 1.0}"}})
    )
    return folder


def test_servegen_draws_the_described_rates_and_lengths(tmp_path: Path) -> None:
    trace = read_trace(servegen(tmp_path), "servegen")
    first = int((trace.arrival_s < 600).sum())
    assert 240 < first < 360
    assert 90 < len(trace.arrival_s) - first < 220
    assert set(trace.input_tokens.tolist()) == {50, 100}
    assert set(trace.output_tokens.tolist()) == {7}
    again = read_trace(servegen(tmp_path), "servegen")
    np.testing.assert_array_equal(trace.arrival_s, again.arrival_s)


def test_servegen_text_is_parsed_not_evaluated(tmp_path: Path) -> None:
    folder = servegen(tmp_path)
    bad = {"0": {"input_tokens": "{__import__('os'): 1}", "output_tokens": "{7: 1.0}"}}
    (folder / "chunk-0-dataset.json").write_text(json.dumps(bad))
    with pytest.raises(TraceError, match="input_tokens"):
        read_trace(folder, "servegen")


@pytest.mark.parametrize(
    ("kind", "text", "place"),
    [
        ("azure", AZURE.replace("3180", "many"), "line 2, column 'ContextTokens'"),
        ("azure", AZURE.replace("2023-11-16 18:17:04.0319600", "noon"), "line 2, column 'TIMEST"),
        ("azure", AZURE.replace("GeneratedTokens", "Gen"), "column 'GeneratedTokens'"),
        ("azure", AZURE + "2023-11-16 18:17:09,5\n", "line 5"),
        ("azure", AZURE.replace("3180", "-4"), "line 2"),
        ("mooncake", rows().replace("600", '"x"'), "line 2, column 'input_length'"),
        ("mooncake", "{not json}\n", "line 1"),
        ("mooncake", '{"timestamp": 1, "output_length": 3}\n', "line 1"),
    ],
)
def test_a_wrong_value_names_file_line_and_column(
    tmp_path: Path, kind: str, text: str, place: str
) -> None:
    with pytest.raises(TraceError) as caught:
        read_trace(write(tmp_path, "t.txt", text), kind)
    assert place in str(caught.value)
    assert "t.txt" in str(caught.value)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        read_trace(tmp_path / "missing.csv", "azure")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(FileError):
        read_trace(tmp_path / "binary", "azure")
    with pytest.raises(FileError, match="no request"):
        read_trace(write(tmp_path, "e.csv", AZURE.splitlines()[0] + "\n"), "azure")
    with pytest.raises(FileError, match="no trace format"):
        read_trace(write(tmp_path, "k.csv", AZURE), "excel")


@pytest.mark.parametrize("first", ["2023-11-16 18:17:03Z", "2023-11-16 13:17:03-05:00"])
def test_azure_times_may_carry_an_offset(tmp_path: Path, first: str) -> None:
    text = f"TIMESTAMP,ContextTokens,GeneratedTokens\n{first},1,1\n2023-11-16 18:17:04.5,2,2\n"
    trace = read_trace(write(tmp_path, "o.csv", text), "azure")
    assert trace.arrival_s.tolist() == [0.0, 1.5]


def test_more_blocks_than_a_prompt_has_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", rows(hash_ids=[1, 2, 3, 4, 5, 6, 7, 8, 9]))
    with pytest.raises(TraceError, match="column 'hash_ids': 9 blocks of 512"):
        read_trace(path, "mooncake")


def test_ids_that_64_bits_do_not_hold_stay_apart(tmp_path: Path) -> None:
    line = rows(hash_ids=[2**70 + 1])
    path = write(tmp_path, "a.jsonl", line + "\n" + line.replace(str(2**70 + 1), str(2**70 + 2)))
    assert len(set(read_trace(path, "mooncake").blocks.tolist())) == 2
