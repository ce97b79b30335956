"""Readers of request traces in the public formats, all into one `RequestTrace`.

Formats: azure (TIMESTAMP, ContextTokens, GeneratedTokens), mooncake (JSON lines with 512-token
hash blocks), bailian (the same with 16-token blocks and seconds), burstgpt (CSV), servegen (a
folder of client descriptions, see `engine.workload.servegen`) and csv, whose columns the user
maps. A wrong value names file, line and column; nothing half-read comes back.
"""

import csv
import math
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import FileError, TooLargeError, TraceError
from engine.workload.blocks import read_ids
from engine.workload.quick_csv import QuickColumns, read_columns, separator_of
from engine.workload.servegen import read_servegen
from engine.workload.trace import RequestTrace

MAX_BYTES = 4 * 2**30
MAX_REQUESTS = 20_000_000
MAX_BLOCKS = 200_000_000
MAX_TOKENS = 100_000_000  # of one request
LONGEST_S = 1e9  # that a trace spans: thirty years
LARGEST_S = 1e11  # where microseconds can still be told apart
MS = 1e-3
MAX_LINE = 16 * 2**20
QUICK_BYTES = 2**30  # of JSON lines that are read at once
QUICK_LINES = 20_000  # that are decoded at once


_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$")


class _Columns(NamedTuple):
    """Names of the three columns of a CSV and how its time is written."""

    arrival: str
    input: str
    output: str
    time: Callable[[str], float]


class _Rows:
    """Requests as they are read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.arrival_s = array("d")
        self.inputs = array("q")
        self.outputs = array("q")
        self.block_start = array("q", [0])
        self.blocks = array("q")
        self.names: dict[int | str, int] = {}
        self.skipped = 0

    def add(self, line: int, arrival_s: float, inputs: int, outputs: int) -> bool:
        """Takes a request; one without output (failed, cancelled) is counted and left out."""
        if outputs == 0 or inputs == 0:
            self.skipped += 1
            return False
        if len(self.arrival_s) >= MAX_REQUESTS:
            raise TooLargeError(self.path, f"over {MAX_REQUESTS:,} requests", "split the trace")
        self.arrival_s.append(arrival_s)
        self.inputs.append(inputs)
        self.outputs.append(outputs)
        return True

    def trace(self, block_tokens: int) -> RequestTrace:
        """The trace, sorted by arrival (stable), arrivals from 0 s."""
        if not self.arrival_s:
            raise FileError(self.path, "has no request with output", "choose another trace")
        arrival = np.array(self.arrival_s, np.float64)
        order = np.argsort(arrival, kind="stable")
        start = np.array(self.block_start, np.int64)
        blocks = np.array(self.blocks, np.int32)
        if len(start) == 1:
            start = np.zeros(len(order) + 1, np.int64)
        else:
            blocks, start = _reordered(blocks, start, order)
        return RequestTrace(
            arrival_s=_from_zero(self.path, arrival[order]),
            input_tokens=np.array(self.inputs, np.int32)[order],
            output_tokens=np.array(self.outputs, np.int32)[order],
            block_start=start,
            blocks=blocks,
            block_tokens=block_tokens if len(blocks) else 0,
            name=self.path.name,
            skipped_rows=self.skipped,
        )


def read_trace(
    path: Path, kind: str, columns: Mapping[str, str] | None = None, block_tokens: int = 0
) -> RequestTrace:
    """The requests of a trace file (a folder for servegen).

    Args:
        path: the file.
        kind: azure, mooncake, bailian, burstgpt, servegen or csv.
        columns: for csv, the names of the columns arrival_s, input_tokens and output_tokens, and
            under `time` how arrivals are written: s (if nothing is said), ms or date.
        block_tokens: tokens of a hash block (0: the format's own, 512 or 16).

    Raises:
        TraceError: a value is missing or wrong; names line and column.
        FileError: the file cannot be read, is empty or too large, or the format is unknown.
    """
    if kind == "servegen":
        return read_servegen(path)
    if kind in ("mooncake", "bailian"):
        unit_s = 1e-3 if kind == "mooncake" else 1.0
        return _read_json_lines(path, unit_s, block_tokens or (512 if kind == "mooncake" else 16))
    chosen = {
        "azure": _Columns("TIMESTAMP", "ContextTokens", "GeneratedTokens", _clock_s),
        "burstgpt": _Columns("Timestamp", "Request tokens", "Response tokens", _number),
        "csv": _mapped(path, columns or {}) if kind == "csv" else None,
    }.get(kind)
    if chosen is None:
        raise FileError(path, f"'{kind}' is no trace format", "say azure, mooncake, bailian, "
                        "burstgpt, servegen or csv")  # fmt: skip
    return _read_csv(path, chosen)


def detect_format(path: Path) -> str:
    """The format of a trace by its first line; '' if it is none that is known.

    Mooncake and Bailian lines look alike: times in whole milliseconds are Mooncake's.
    """
    if path.is_dir():
        return "servegen"
    with _opened(path) as lines:
        first = next((line for _, line in lines if line.strip()), "")
    titles = [title.strip() for title in first.strip().split(separator_of(first))]
    if {"TIMESTAMP", "ContextTokens", "GeneratedTokens"} <= set(titles):
        return "azure"
    if {"Timestamp", "Request tokens", "Response tokens"} <= set(titles):
        return "burstgpt"
    if {"arrival_s", "input_tokens", "output_tokens"} <= set(titles):
        return "csv"
    if not first.lstrip().startswith("{"):
        return ""
    return "bailian" if '"chat_id"' in first or '"turn"' in first else "mooncake"


def _mapped(path: Path, columns: Mapping[str, str]) -> _Columns:
    written = columns.get("time", "s")
    if written not in TIMES:
        raise FileError(path, f"'{written}' is no way to write a time", "say s, ms or date")
    return _Columns(
        columns.get("arrival_s", "arrival_s"),
        columns.get("input_tokens", "input_tokens"),
        columns.get("output_tokens", "output_tokens"),
        TIMES[written],
    )


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[tuple[int, str]]]:
    """Numbered lines of a text file of bounded size."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TooLargeError(path, f"is {size / 2**30:.1f} GiB", "split the trace")
        with path.open(encoding="utf-8-sig", errors="strict", newline="") as file:
            yield _lines(path, file)
    except UnicodeDecodeError as error:
        raise FileError(
            path, f"is no UTF-8 text ({error.reason})", "choose another file"
        ) from None
    except OSError as error:
        raise FileError(path, error.strerror or str(error), "choose another file") from None


def _lines(path: Path, file: Iterator[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file, 1):
        if len(line) > MAX_LINE:
            raise TraceError(path, number, "", f"the line is over {MAX_LINE:,} characters")
        yield number, line


def _read_csv(path: Path, columns: _Columns) -> RequestTrace:
    quick = read_columns(path, columns[:3], is_clock=columns.time is _clock_s)
    if quick is not None and len(quick.arrival_s) <= MAX_REQUESTS:
        if columns.time is _milliseconds:
            quick = quick._replace(arrival_s=quick.arrival_s * MS)
        return _of_columns(path, quick)
    return _read_rows(path, columns)


def _of_columns(path: Path, quick: QuickColumns) -> RequestTrace:
    """The trace of whole columns; rows without input or output are left out."""
    kept = (quick.input_tokens > 0) & (quick.output_tokens > 0)
    if not kept.any():
        raise FileError(path, "has no request with output", "choose another trace")
    arrival = quick.arrival_s[kept]
    order = np.argsort(arrival, kind="stable")
    return RequestTrace(
        arrival_s=_from_zero(path, arrival[order]),
        input_tokens=quick.input_tokens[kept][order].astype(np.int32),
        output_tokens=quick.output_tokens[kept][order].astype(np.int32),
        block_start=np.zeros(len(order) + 1, np.int64),
        blocks=np.empty(0, np.int32),
        block_tokens=0,
        name=path.name,
        skipped_rows=int((~kept).sum()),
    )


def _read_rows(path: Path, columns: _Columns) -> RequestTrace:
    """The careful way: row by row, so that a wrong value is named with its place."""
    rows = _Rows(path)
    with _opened(path) as lines:
        number = 1
        try:
            first = next((line for _, line in lines), "")
            separator = separator_of(first)
            rest = (line for _, line in lines)
            reader = csv.reader(chain([first], rest), delimiter=separator)
            header = [name.strip() for name in next(reader, [])]
            places = [_place(path, header, name) for name in columns[:3]]
            for number, cells in enumerate(reader, 2):
                if not cells:
                    continue
                if len(cells) <= max(places):
                    raise TraceError(path, number, columns.output, "the row is too short")
                written = cells[places[0]]
                if separator != "," and "." not in written:
                    written = written.replace(",", ".")  # 12,5 of an office's regional settings
                arrival = _time(path, number, columns, written)
                inputs = _count(path, number, columns.input, cells[places[1]])
                outputs = _count(path, number, columns.output, cells[places[2]])
                rows.add(number, arrival, inputs, outputs)
        except csv.Error as error:
            raise TraceError(path, number, "", str(error)) from None
    return rows.trace(0)


def _place(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        known = ", ".join(header[:12]) or "none"
        raise TraceError(path, 1, name, f"there is no such column; the file has {known}",
                         "choose the format or map the columns")  # fmt: skip
    return header.index(name)


def _time(path: Path, line: int, columns: _Columns, text: str) -> float:
    try:
        value = columns.time(text)
    except ValueError:
        raise TraceError(path, line, columns.arrival, f"'{text[:40]}' is no time") from None
    if not math.isfinite(value):
        raise TraceError(path, line, columns.arrival, f"'{text[:40]}' is no time")
    return value


def _number(text: str) -> float:
    return float(text)


def _clock_s(text: str) -> float:
    """Seconds of '2023-11-16 18:17:03.9799600' (any number of digits; UTC offset allowed)."""
    match = _CLOCK.match(text.strip())
    if match is None:
        raise ValueError(text)
    moment = datetime.fromisoformat(match.group(1) + (match.group(3) or "+00:00"))
    return moment.timestamp() + float(f"0.{match.group(2) or 0}")


def _milliseconds(text: str) -> float:
    return float(text) * MS


TIMES: dict[str, Callable[[str], float]] = {"s": _number, "ms": _milliseconds, "date": _clock_s}


def _count(path: Path, line: int, column: str, text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        raise TraceError(path, line, column, f"'{text[:40]}' is no number of tokens") from None
    if not (0 <= value <= MAX_TOKENS) or value != int(value):
        raise TraceError(path, line, column, f"'{text[:40]}' is no number of tokens")
    return int(value)


class _JsonRow(msgspec.Struct):
    """One line of a Mooncake or Bailian trace; other fields are left alone."""

    timestamp: float
    input_length: int
    output_length: int
    hash_ids: list[int | str] = []


def _read_json_lines(path: Path, unit_s: float, block_tokens: int) -> RequestTrace:
    quick = _quick_json(path, unit_s, block_tokens)
    return quick if quick is not None else _careful_json(path, unit_s, block_tokens)


def _quick_json(path: Path, unit_s: float, block_tokens: int) -> RequestTrace | None:
    """Many lines at once; None where the careful reader has to look."""
    try:
        if path.stat().st_size > QUICK_BYTES:
            return None
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        rows: list[_RawRow] = []
        decoder = msgspec.json.Decoder(list[_RawRow])
        for first in range(0, len(lines), QUICK_LINES):
            part = lines[first : first + QUICK_LINES]
            found = decoder.decode(b"[" + b",".join(part) + b"]")
            if len(found) != len(part):
                return None
            rows += found
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    arrival = np.array([row.timestamp for row in rows], np.float64) * unit_s
    inputs = np.array([row.input_length for row in rows])
    outputs = np.array([row.output_length for row in rows])
    if not len(rows) or len(rows) > MAX_REQUESTS or inputs.dtype != np.int64:
        return None
    if outputs.dtype != np.int64 or not np.isfinite(arrival).all():
        return None
    if not all(((n >= 0) & (n <= MAX_TOKENS)).all() for n in (inputs, outputs)):
        return None
    kept = (inputs > 0) & (outputs > 0)
    if not kept.any():
        return None
    texts = [bytes(row.hash_ids) for row, good in zip(rows, kept.tolist(), strict=True) if good]
    found_ids = _quick_ids(texts, -(-inputs[kept] // block_tokens))
    if found_ids is None:
        return None
    start, ids = found_ids
    arrival = arrival[kept]
    order = np.argsort(arrival, kind="stable")
    blocks, start = _reordered(ids, start, order)
    return RequestTrace(
        arrival_s=_from_zero(path, arrival[order]),
        input_tokens=inputs[kept][order].astype(np.int32),
        output_tokens=outputs[kept][order].astype(np.int32),
        block_start=start,
        blocks=blocks,
        block_tokens=block_tokens if len(blocks) else 0,
        name=path.name,
        skipped_rows=int((~kept).sum()),
    )


def _quick_ids(texts: list[bytes], most: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Starts and ids of rows of hash blocks, `most` [rows] of each; None where one is odd."""
    found = read_ids(texts)
    if found is None or len(found[1]) > MAX_BLOCKS or (np.diff(found[0]) > most).any():
        return None
    return found


def _careful_json(path: Path, unit_s: float, block_tokens: int) -> RequestTrace:
    """Line by line, so that a wrong value is named with its place."""
    rows = _Rows(path)
    decoder = msgspec.json.Decoder(_JsonRow)
    with _opened(path) as lines:
        for number, line in lines:
            if not line.strip():
                continue
            try:
                row = decoder.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                raise TraceError(path, number, _field(str(error)), str(error)) from None
            _check_row(path, number, row, block_tokens)
            if rows.add(number, row.timestamp * unit_s, row.input_length, row.output_length):
                rows.blocks.extend(
                    rows.names.setdefault(name, len(rows.names)) for name in row.hash_ids
                )
                rows.block_start.append(len(rows.blocks))
            if len(rows.blocks) > MAX_BLOCKS:
                raise TooLargeError(path, f"over {MAX_BLOCKS:,} hash blocks", "split the trace")
    return rows.trace(block_tokens)


def _check_row(path: Path, line: int, row: _JsonRow, block_tokens: int) -> None:
    if not math.isfinite(row.timestamp):
        raise TraceError(path, line, "timestamp", f"{row.timestamp} is no time")
    for name in ("input_length", "output_length"):
        if not 0 <= getattr(row, name) <= MAX_TOKENS:
            raise TraceError(path, line, name, f"{getattr(row, name)} is no number of tokens")
    most = -(-row.input_length // block_tokens)
    if len(row.hash_ids) > most and row.input_length and row.output_length:
        raise TraceError(
            path, line, "hash_ids",
            f"{len(row.hash_ids)} blocks of {block_tokens} tokens are more than a prompt of "
            f"{row.input_length} tokens has",
            "say the right size of a block or correct the trace",
        )  # fmt: skip


def _field(message: str) -> str:
    """The field that a decoder's message names, as in '... - at `$.input_length`'."""
    return message.rpartition("$.")[2].rstrip("`") if "$." in message else ""


class _RawRow(msgspec.Struct, gc=False):
    """The same line with its hash ids as text: most time goes into making numbers of them."""

    timestamp: float
    input_length: int
    output_length: int
    hash_ids: msgspec.Raw = msgspec.Raw(b"[]")


def _from_zero(path: Path, sorted_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Arrivals from 0 s.

    Raises:
        FileError: they are too far from 0 to be told apart, or from each other to be of one trace.
    """
    span_s = float(sorted_s[-1] - sorted_s[0])
    if span_s > LONGEST_S or max(-float(sorted_s[0]), float(sorted_s[-1])) > LARGEST_S:
        raise FileError(
            path,
            f"its arrivals go from {sorted_s[0]:g} to {sorted_s[-1]:g} s",
            f"a trace spans {LONGEST_S:g} s at most: check whether times are in s, ms or dates",
        )
    shifted: NDArray[np.float64] = sorted_s - sorted_s[0]
    return shifted


def _reordered(
    blocks: np.ndarray, start: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.diff(start)[order]
    fresh = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    index = np.repeat(start[:-1][order] - fresh[:-1], lengths) + np.arange(fresh[-1])
    return blocks[index], fresh
