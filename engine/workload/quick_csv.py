"""CSV traces read as whole columns; anything odd is left to the careful reader, which names the place.

The quick way knows plain files only: no quotes, the same number of cells in every row. What it gives is
equal to what the careful reader gives, to the last bit.
"""

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]

MOST_BYTES = 2**30  # beyond, rows are read one by one
MOST_TOKENS = 100_000_000
OFFSET = "+00:00"
CLOCK_LENGTH = 19  # of 2023-11-16 18:17:03
SEPARATORS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"]*"')
FIRST_YEAR, LAST_YEAR = "1970", "2200"  # that 64 bits of nanoseconds hold
MOST_DIGITS = 9  # of a second that numpy keeps


class QuickColumns(NamedTuple):
    """The rows of a plain file."""

    arrival_s: F8
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]


def separator_of(header: str) -> str:
    """What parts the columns of a CSV by its first line: comma, semicolon, tab or bar."""
    bare = _QUOTED.sub("", header)
    return max(SEPARATORS, key=bare.count)  # the first of the best


def read_columns(
    path: Path, names: tuple[str, str, str], *, is_clock: bool
) -> QuickColumns | None:
    """The columns of a CSV file; None where the careful reader has to look.

    Args:
        path: the file.
        names: of the columns of arrival, input and output.
        is_clock: arrivals are dates with times, else seconds.
    """
    text = _plain_text(path)
    if text is None:
        return None
    header, _, body = text.partition("\n")
    separator = separator_of(header)
    titles = [title.strip() for title in header.rstrip("\r").split(separator)]
    if any(name not in titles for name in names):
        return None
    body = body.replace("\r\n", "\n").rstrip("\n")
    cells = _cells(body, len(titles), separator)
    if cells is None:
        return None
    places = [titles.index(name) for name in names]
    arrival, inputs, outputs = (cells[place :: len(titles)] for place in places)
    times = _clocks(arrival) if is_clock else _numbers(arrival)
    given, made = _counts(inputs), _counts(outputs)
    if times is None or given is None or made is None:
        return None
    return QuickColumns(times, given, made)


def _plain_text(path: Path) -> str | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    return None if '"' in text or "\0" in text else text


def _cells(body: str, columns: int, separator: str) -> list[str] | None:
    """All cells, row by row; None unless every row has the same number."""
    if not body or "\r" in body:
        return None
    raw = np.frombuffer(body.encode(), np.uint8)
    marks = raw[(raw == ord(separator)) | (raw == ord("\n"))]
    whole = np.append(marks, np.uint8(ord("\n")))
    if len(whole) % columns:
        return None
    rows = whole.reshape(-1, columns)
    if not ((rows[:, :-1] == ord(separator)).all() and (rows[:, -1] == ord("\n")).all()):
        return None
    return body.replace("\n", separator).split(separator)


def _numbers(cells: list[str]) -> F8 | None:
    try:
        values = np.array(list(map(float, cells)))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _counts(cells: list[str]) -> NDArray[np.int64] | None:
    values = _numbers(cells)
    if values is None:
        return None
    whole = np.floor(values)
    if (whole != values).any() or (values < 0).any() or (values > MOST_TOKENS).any():
        return None
    return whole.astype(np.int64)


def _clocks(cells: list[str]) -> F8 | None:
    """Seconds of dates with times in UTC: whole ones and the fraction, each rounded once."""
    if all(cell.endswith(OFFSET) for cell in cells):
        cells = [cell[: -len(OFFSET)] for cell in cells]
    lengths = set(map(len, cells))
    most = CLOCK_LENGTH + 1 + MOST_DIGITS
    if not all(CLOCK_LENGTH <= length <= most for length in lengths):
        return None
    if not all(cell[CLOCK_LENGTH:].lstrip(".").isdigit() or len(cell) == CLOCK_LENGTH
               for cell in cells):  # fmt: skip
        return None
    if not all(FIRST_YEAR <= cell[:4] <= LAST_YEAR for cell in cells):
        return None
    try:
        moments = np.array(cells, "datetime64[ns]")
    except ValueError:
        return None
    if np.isnat(moments).any() or any(cell[10] not in " T" for cell in cells):
        return None
    nanoseconds = moments.astype(np.int64)
    seconds, rest = np.divmod(nanoseconds, 10**9)
    values = seconds.astype(np.float64) + rest / 1e9
    return values if math.isfinite(float(values.sum())) else None
