"""The quick readers give what the careful ones give, or leave the file to them."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ScenarioError, TraceError
from engine.workload import traces
from engine.workload.blocks import infinite_reuse, joined_blocks, read_ids
from engine.workload.scaling import scale_trace
from engine.workload.trace import RequestTrace
from engine.workload.traces import read_trace

NUMBER = st.one_of(
    st.integers(0, 10**6).map(str),
    st.floats(0, 1e6, allow_nan=False).map(repr),
    st.sampled_from(["", " 5", "1e3", "x", "-1", "nan", "1_000", "2.0"]),
)
CLOCK = st.one_of(
    st.datetimes(min_value=datetime(1980, 1, 1)).map(  # noqa: DTZ001
        lambda d: d.strftime("%Y-%m-%d %H:%M:%S.%f0")
    ),
    st.sampled_from(["2023-11-16 18:17:03", "2023-11-16T18:17:03.5", "2023-11-16 18:17:03Z",
                     "2023-11-16 18:17:03.9799600+00:00", "2023-11-16", "2023-13-40 00:00:00",
                     "2023-11-16 18:17:03-05:00", "2023-11-16 18:17:03."]),
)  # fmt: skip


def answer(path: Path, kind: str) -> RequestTrace | str:
    try:
        return read_trace(path, kind)
    except Exception as error:  # noqa: BLE001 - both ways must fail alike
        return f"{type(error).__name__}: {error}"


def both(path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = answer(path, kind)
    with monkeypatch.context() as patch:
        patch.setattr(traces, "read_columns", lambda *_args, **_kw: None)
        patch.setattr(traces, "_quick_json", lambda *_args: None)
        careful = answer(path, kind)
    if isinstance(quick, str) or isinstance(careful, str):
        assert quick == careful
        return
    for mine, theirs in zip(quick, careful, strict=True):
        assert np.array_equal(mine, theirs)
        assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None)


@given(
    rows=st.lists(st.tuples(NUMBER, NUMBER, NUMBER), max_size=6),
    end=st.sampled_from(["", "\n", "\r\n", "\n\n", ",\n", '"1",2,3\n']),
    line=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_plain_csv_files_give_the_same_trace_or_the_same_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, str, str]], end: str,
    line: str,
) -> None:  # fmt: skip
    path = tmp_path / "t.csv"
    body = line.join([",".join(row) for row in rows])
    path.write_bytes(f"arrival_s,input_tokens,output_tokens{line}{body}{end}".encode())
    both(path, "csv", monkeypatch)


@given(times=st.lists(CLOCK, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_clock_times_are_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: list[str]
) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{time},10,{n + 1}\n" for n, time in enumerate(times))
    path.write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}")
    both(path, "azure", monkeypatch)


LINES = st.one_of(
    st.builds(
        lambda t, i, o, ids: f'{{"timestamp": {t}, "input_length": {i}, "output_length": {o}, '
        f'"hash_ids": {ids}}}',
        st.one_of(st.integers(0, 10**6), st.floats(0, 1e6)),
        st.integers(-1, 5000),
        st.integers(0, 5000),
        st.lists(st.integers(0, 9), max_size=5),
    ),
    st.sampled_from(["", "  ", '{"timestamp": 1}', "[1]", "{", "1,2",
                     '{"timestamp": 1, "input_length": 5, "output_length": 1}',
                     '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": ["a", 3]}',
                     '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [ ]}',
                     '{"timestamp": 1, "input_length": 5.5, "output_length": 1}',
                     '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [1.5]}',
                     '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [[1]]}',
                     '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [-4]}']),
)  # fmt: skip


@given(lines=st.lists(LINES, max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_json_lines_give_the_same_trace_or_the_same_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines))
    both(path, "mooncake", monkeypatch)


def test_a_wrong_cell_far_down_is_named_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{n}.0,10,5" for n in range(5000)]
    rows[4321] = "4321.0,ten,5"
    path.write_text("arrival_s,input_tokens,output_tokens\n" + "\n".join(rows))
    with pytest.raises(TraceError, match=r"4323.*input_tokens.*'ten'"):
        read_trace(path, "csv")


@given(
    rows=st.lists(st.lists(st.integers(0, 3), max_size=9), max_size=6), joined=st.integers(2, 4)
)
def test_joined_blocks_are_equal_where_all_their_parts_are(
    rows: list[list[int]], joined: int
) -> None:
    start = np.cumsum([0, *map(len, rows)])
    blocks = np.array([b for row in rows for b in row], np.int32)
    fresh, ids = joined_blocks(start, blocks, joined)
    names: dict[tuple[int, ...], int] = {}
    slow = [
        [names.setdefault(tuple(row[at : at + joined]), len(names))
         for at in range(0, len(row) - joined + 1, joined)]
        for row in rows
    ]  # fmt: skip
    assert fresh.tolist() == np.cumsum([0, *map(len, slow)]).tolist()
    assert ids.tolist() == [i for row in slow for i in row]


def test_ids_that_are_far_apart_become_dense() -> None:
    found = read_ids([b"[7, 900000000000]", b"[]", b"[900000000000,3]"])
    assert found is not None
    assert found[0].tolist() == [0, 2, 2, 4]
    assert found[1].tolist() == [0, 1, 1, 2]
    assert read_ids([b'["a"]']) is None


def trace() -> RequestTrace:
    return RequestTrace(
        arrival_s=np.array([0.0, 10.0, 20.0]),
        input_tokens=np.array([1024, 1000, 512], np.int32),
        output_tokens=np.array([10, 3, 1], np.int32),
        block_start=np.array([0, 2, 3, 4]),
        blocks=np.array([0, 1, 0, 0], np.int32),
        block_tokens=512,
        name="t",
        skipped_rows=0,
    )


def test_blocks_seen_before_are_hits() -> None:
    assert tuple(infinite_reuse(trace())) == (4, 2, 2)
    assert infinite_reuse(trace()).share == 0.5


def test_a_scaled_trace_is_denser_and_its_prompts_keep_what_fits() -> None:
    found = scale_trace(trace(), rate=2.0, inputs=0.5, outputs=3.0)
    assert found.arrival_s.tolist() == [0.0, 5.0, 10.0]
    assert found.input_tokens.tolist() == [512, 500, 256]
    assert found.output_tokens.tolist() == [30, 9, 3]
    assert found.block_start.tolist() == [0, 1, 1, 1]
    assert found.blocks.tolist() == [0]
    longer = scale_trace(trace(), inputs=4.0)
    assert longer.blocks.tolist() == trace().blocks.tolist()


def test_a_part_of_a_trace_begins_at_its_first_request() -> None:
    found = scale_trace(trace(), first_s=5.0, last_s=20.0)
    assert found.arrival_s.tolist() == [0.0]
    assert found.blocks.tolist() == [0]
    with pytest.raises(ScenarioError, match="no request comes"):
        scale_trace(trace(), first_s=100.0)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), 1e9])
def test_a_factor_that_cannot_be_is_refused(factor: float) -> None:
    with pytest.raises(ScenarioError, match="factor"):
        scale_trace(trace(), rate=factor)
