"""ServeGen descriptions: a service as clients with their own rates, burstiness and lengths.

A folder holds, for each client, `chunk-N-trace.csv` (start of a window in s, requests/s,
coefficient of variation of the gaps, gap distribution, its two parameters) and
`chunk-N-dataset.json` (from a time on: probabilities of input and output lengths). Requests are
drawn from these with a fixed seed, so that equal folders give equal traces.
"""

import csv
import math
import re
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from engine.errors import FileError, TooLargeError, TraceError
from engine.workload.trace import RequestTrace

MAX_CLIENTS = 10_000
MAX_FILE_BYTES = 64 * 2**20
MAX_REQUESTS = 20_000_000

_PAIR = re.compile(r"\s*([0-9.eE+-]+)\s*:\s*([0-9.eE+-]+)\s*(?:,|$)")
_NUMBER = re.compile(r"chunk-(\d+)-trace\.csv$")


class _Window(NamedTuple):
    start_s: float
    rate_per_s: float
    family: str
    shape: float


class _Lengths(NamedTuple):
    start_s: float
    inputs: tuple[np.ndarray, np.ndarray]
    outputs: tuple[np.ndarray, np.ndarray]


def read_servegen(folder: Path, seed: int = 0) -> RequestTrace:
    """Draws the requests of all clients of a folder over their described time.

    Raises:
        TraceError: a value is missing or wrong; names file, line and column.
        FileError: not a folder of client descriptions.
    """
    if not folder.is_dir():
        raise FileError(folder, "is no folder of ServeGen clients", "choose the folder of chunks")
    found = sorted(
        (int(match.group(1)), path)
        for path in folder.iterdir()
        if (match := _NUMBER.match(path.name))
    )
    if not found or len(found) > MAX_CLIENTS:
        raise FileError(folder, f"has {len(found)} chunk-N-trace.csv files", "choose the folder")
    arrivals, inputs, outputs = [], [], []
    total = 0
    for number, path in found:
        generator = np.random.default_rng([seed, number])
        lengths = _read_lengths(path.with_name(f"chunk-{number}-dataset.json"))
        times = _arrivals(_read_windows(path), generator)
        total += len(times)
        if total > MAX_REQUESTS:
            raise TooLargeError(folder, f"over {MAX_REQUESTS:,} requests", "use fewer clients")
        if len(times) and lengths:
            first, second = _draw_lengths(times, lengths, generator)
            arrivals.append(times)
            inputs.append(first)
            outputs.append(second)
    return _trace(folder, arrivals, inputs, outputs)


def _trace(
    folder: Path, arrivals: list[np.ndarray], inputs: list[np.ndarray], outputs: list[np.ndarray]
) -> RequestTrace:
    if not arrivals:
        raise FileError(folder, "describes no request", "choose another folder")
    arrival = np.concatenate(arrivals)
    order = np.argsort(arrival, kind="stable")
    given, made = np.concatenate(inputs)[order], np.concatenate(outputs)[order]
    good = (given > 0) & (made > 0)
    arrival = arrival[order][good]
    if not len(arrival):
        raise FileError(folder, "describes no request with output", "choose another folder")
    return RequestTrace(
        arrival_s=arrival - arrival[0],
        input_tokens=given[good].astype(np.int32),
        output_tokens=made[good].astype(np.int32),
        block_start=np.zeros(len(arrival) + 1, np.int64),
        blocks=np.empty(0, np.int32),
        block_tokens=0,
        name=folder.name,
        skipped_rows=int((~good).sum()),
    )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TooLargeError(path, f"is over {MAX_FILE_BYTES // 2**20} MiB", "split it")
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise FileError(path, "is no UTF-8 text", "choose another folder") from None
    except OSError as error:
        raise FileError(path, error.strerror or str(error), "choose another folder") from None


def _read_windows(path: Path) -> list[_Window]:
    windows = []
    for line, cells in enumerate(csv.reader(_text(path).splitlines()), 1):
        if not cells:
            continue
        if len(cells) < 5:
            raise TraceError(path, line, "parameters", "the row has fewer than 5 columns")
        start = _value(path, line, "start", cells[0])
        rate = _value(path, line, "rate", cells[1])
        if rate > 0:
            shape = _value(path, line, "shape", cells[4])
            family = cells[3].strip()
            if family not in ("Gamma", "Weibull"):
                raise TraceError(path, line, "distribution", f"'{family[:40]}' is not known")
            if shape <= 0:
                raise TraceError(path, line, "shape", f"{shape} is not above 0")
            windows.append(_Window(start, rate, family, shape))
        else:
            windows.append(_Window(start, 0.0, "", 1.0))
    return windows


def _value(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TraceError(path, line, column, f"'{text[:40]}' is no number") from None
    if not 0 <= value < 1e12:
        raise TraceError(path, line, column, f"'{text[:40]}' is out of range")
    return value


def _arrivals(windows: list[_Window], generator: np.random.Generator) -> np.ndarray:
    """A renewal process per window; gaps have the described shape and the described mean."""
    times = []
    span = windows[1].start_s - windows[0].start_s if len(windows) > 1 else 600.0
    for window in windows:
        expected = window.rate_per_s * span
        if expected <= 0:
            continue
        if expected > MAX_REQUESTS:
            raise TooLargeError("servegen", f"{expected:.3g} requests a window", "check its rate")
        count = int(expected + 12 * math.sqrt(expected) + 32)
        if window.family == "Gamma":
            gaps = generator.gamma(window.shape, 1.0 / window.shape, count)
        else:
            gaps = generator.weibull(window.shape, count) / math.gamma(1 + 1 / window.shape)
        offset = np.cumsum(gaps / window.rate_per_s) - generator.random() / window.rate_per_s
        times.append(window.start_s + offset[(offset >= 0) & (offset < span)])
    return np.concatenate(times) if times else np.empty(0)


def _read_lengths(path: Path) -> list[_Lengths]:
    try:
        table = msgspec.json.decode(_text(path), type=dict[str, dict[str, str]])
    except (msgspec.DecodeError, RecursionError) as error:
        raise TraceError(path, 1, "", str(error)) from None
    rows = []
    for start, parts in table.items():
        inputs = _probabilities(path, parts.get("input_tokens", ""), "input_tokens")
        outputs = _probabilities(path, parts.get("output_tokens", ""), "output_tokens")
        if len(inputs[0]) and len(outputs[0]):
            rows.append(_Lengths(_value(path, 1, "time", start), inputs, outputs))
    return sorted(rows, key=lambda row: row.start_s)


def _probabilities(path: Path, text: str, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and probabilities of a text like '{50: 0.04, 51: 0.08}'."""
    body = text.strip().removeprefix("{").removesuffix("}")
    values, shares = [], []
    at = 0
    while at < len(body.rstrip()):
        match = _PAIR.match(body, at)
        if match is None:
            raise TraceError(path, 1, column, f"'{body[at : at + 40]}' is no length: probability")
        values.append(_value(path, 1, column, match.group(1)))
        shares.append(_value(path, 1, column, match.group(2)))
        at = match.end()
    weights = np.array(shares)
    if len(values) and not weights.sum() > 0:
        raise TraceError(path, 1, column, "all probabilities are 0")
    return np.array(values), weights / weights.sum() if len(values) else weights


def _draw_lengths(
    times: np.ndarray, lengths: list[_Lengths], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    starts = np.array([row.start_s for row in lengths])
    which = np.clip(np.searchsorted(starts, times, "right") - 1, 0, len(lengths) - 1)
    inputs, outputs = np.zeros(len(times)), np.zeros(len(times))
    for i, row in enumerate(lengths):
        mine = which == i
        count = int(mine.sum())
        inputs[mine] = generator.choice(row.inputs[0], count, p=row.inputs[1])
        outputs[mine] = generator.choice(row.outputs[0], count, p=row.outputs[1])
    return np.rint(inputs), np.rint(outputs)
