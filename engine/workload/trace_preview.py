"""A first look at a CSV that is to be a trace: its head, which columns it may mean, what it holds."""

import csv
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.errors import FileError
from engine.workload.quick_csv import separator_of
from engine.workload.trace import RequestTrace
from engine.workload.traces import TIMES

HEAD_CHARACTERS = 65_536
SHOWN_ROWS = 6
FEWEST_COLUMNS = 3

_WORDS = {  # that titles of columns have, the surest first
    "input_tokens": ("input", "prompt", "context", "request token", "in_tok", "isl"),
    "output_tokens": ("output", "completion", "generated", "response", "out_tok", "osl"),
    "arrival_s": ("arriv", "timestamp", "receiv", "time", "date", "start", "_at", "ts"),
}


class CsvHead(msgspec.Struct, frozen=True, kw_only=True):
    """Titles and first rows of a file; rows are as long as the titles."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class TraceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a trace holds."""

    requests: int
    skipped_rows: int  # without input or output
    duration_s: float
    input_tokens: float  # mean
    output_tokens: float


def csv_head(path: Path, rows: int = SHOWN_ROWS) -> CsvHead:
    """Titles and first rows of a CSV file.

    Raises:
        FileError: it cannot be read, or is no table of three columns or more.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="strict", newline="") as file:
            text = file.read(HEAD_CHARACTERS)
    except UnicodeDecodeError as error:
        raise FileError(
            path, f"is no UTF-8 text ({error.reason})", "choose another file"
        ) from None
    except OSError as error:
        raise FileError(path, error.strerror or str(error), "choose another file") from None
    lines = text.splitlines()
    if len(text) == HEAD_CHARACTERS and len(lines) > 1:
        lines = lines[:-1]  # half a line
    separator = separator_of(lines[0]) if lines else ","
    try:
        table = [row for row in csv.reader(lines[: rows + 1], delimiter=separator) if row]
    except csv.Error as error:
        raise FileError(path, f"is no CSV ({error})", "choose another file") from None
    titles = tuple(title.strip() for title in table[0]) if table else ()
    if len(titles) < FEWEST_COLUMNS:
        raise FileError(
            path,
            f"has {len(titles)} columns",
            "a trace needs arrival, input and output tokens, parted by commas, semicolons or tabs",
        )
    wide = len(titles)
    return CsvHead(
        titles=titles,
        rows=tuple((*row, *("",) * wide)[:wide] for row in (tuple(row) for row in table[1:])),
    )


def guessed_columns(head: CsvHead) -> dict[str, str]:
    """The columns that titles and first values speak for, and how the time is written."""
    first = (
        dict(zip(reversed(head.titles), reversed(head.rows[0]), strict=True)) if head.rows else {}
    )
    found: dict[str, str] = {}
    for role, words in _WORDS.items():
        wanted = _is_time if role == "arrival_s" else _is_number
        free = [title for title in head.titles if title not in found.values()]
        likely = [title for title in free if wanted(first.get(title, ""))]
        found[role] = _best(likely or free, words)
    arrival = found["arrival_s"]
    found["time"] = _time_of(arrival, first.get(arrival, ""))
    return found


def counts_of(trace: RequestTrace) -> TraceCounts:
    """What a trace holds, in numbers."""
    return TraceCounts(
        requests=len(trace.arrival_s),
        skipped_rows=trace.skipped_rows,
        duration_s=float(trace.arrival_s[-1]),
        input_tokens=float(trace.input_tokens.mean()),
        output_tokens=float(trace.output_tokens.mean()),
    )


def _best(titles: Sequence[str], words: Sequence[str]) -> str:
    for word in words:
        for title in titles:
            if word in title.lower():
                return title
    return titles[0]


def _time_of(title: str, value: str) -> str:
    """Dates are known by reading one; a number is of ms where the title says so."""
    if not _is_number(value):
        return "date" if _is_time(value) else "s"
    name = title.lower()
    return "ms" if name.endswith("ms") or "milli" in name else "s"


def _is_number(value: str) -> bool:
    return _reads("s", value)


def _is_time(value: str) -> bool:
    return _is_number(value) or _reads("date", value)


def _reads(written: str, value: str) -> bool:
    try:
        TIMES[written](value)
    except ValueError:
        return False
    return True
