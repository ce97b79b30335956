"""The csv files of the `flows` verb: links and flows in, completion times out."""

import csv
import gzip
import io
import math
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import FileError, TooLargeError, TraceError
from engine.sim.flows import simulate_flows
from engine.storage.atomic import write_atomic

MAX_BYTES = 1_000_000_000
LINK_COLUMNS = ("link_id", "name", "bandwidth_Bps")
FLOW_COLUMNS = ("flow_id", "src", "dst", "start_s", "size_B", "route")


class FlowTable(NamedTuple):
    """Flows as arrays; `ids` in file order."""

    ids: list[str]
    start_s: NDArray[np.float64]
    size_bytes: NDArray[np.float64]
    route_start: NDArray[np.int64]
    route_link: NDArray[np.int32]


def run_flow_files(links: Path, flows: Path, out: Path) -> dict[str, float | int | str]:
    """Reads links and flows, simulates them, writes `flow_id,finish_s`; returns counts and times.

    Raises:
        TraceError: a wrong value; names file, line and column.
        FileError: a file cannot be read or written.
    """
    number, bandwidth = read_links(links)
    table = read_flows(flows, number)
    started = time.perf_counter()
    results = simulate_flows(
        bandwidth, table.route_start, table.route_link, table.start_s, table.size_bytes
    )
    wall_s = time.perf_counter() - started
    lines = ["flow_id,finish_s"]
    lines += [
        f"{name},{t:.17g}" for name, t in zip(table.ids, results.finish_s.tolist(), strict=True)
    ]
    write_atomic(out, ("\n".join(lines) + "\n").encode())
    return {
        "flows": len(table.ids),
        "links": len(bandwidth),
        "events": results.events,
        "last_finish_s": float(results.finish_s.max(initial=0.0)),
        "wall_s": wall_s,
        "out": str(out),
    }


def read_links(path: Path) -> tuple[dict[str, int], NDArray[np.float64]]:
    """Index by link id and the bandwidths in B/s, in file order."""
    number: dict[str, int] = {}
    bandwidth: list[float] = []
    for line, row in _rows(path, LINK_COLUMNS):
        if row[0] in number:
            raise TraceError(path, line, "link_id", f"'{row[0]}' is there twice", "rename it")
        number[row[0]] = len(bandwidth)
        bandwidth.append(_number(path, line, "bandwidth_Bps", row[2], above=True))
    return number, np.array(bandwidth)


def read_flows(path: Path, links: dict[str, int]) -> FlowTable:
    """Flows whose routes name links of `links`."""
    ids: dict[str, None] = {}
    start, size = array("d"), array("d")
    ends, route = array("q", [0]), array("i")
    for line, row in _rows(path, FLOW_COLUMNS):
        if row[0] in ids:
            raise TraceError(path, line, "flow_id", f"'{row[0]}' is there twice", "rename it")
        ids[row[0]] = None
        start.append(_number(path, line, "start_s", row[3]))
        size.append(_number(path, line, "size_B", row[4]))
        hops = row[5].split()
        for hop in hops:
            link = links.get(hop)
            if link is None:
                raise TraceError(path, line, "route", f"there is no link '{hop}'", "add the link")
            route.append(link)
        if len(set(hops)) != len(hops):
            raise TraceError(path, line, "route", "a link is there twice", "name each link once")
        ends.append(len(route))
    return FlowTable(
        list(ids),
        np.array(start, np.float64),
        np.array(size, np.float64),
        np.array(ends, np.int64),
        np.array(route, np.int32),
    )


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Rows after a header that starts with `columns`; plain or gzip-packed by the name's end."""
    with _open(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, [])
            if tuple(header[: len(columns)]) != columns:
                raise TraceError(
                    path, 1, columns[0], f"the header is {header[:8]}", f"use {','.join(columns)}"
                )
            for row in reader:
                if len(row) < len(columns):
                    raise TraceError(
                        path,
                        reader.line_num,
                        columns[len(row)],
                        f"has {len(row)} of {len(columns)} columns",
                        "complete the row",
                    )
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, OSError) as error:
            raise FileError(path, f"is no csv text ({error})", "check the file") from error


def _open(path: Path) -> io.TextIOBase:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLargeError(path, f"is over {MAX_BYTES:,} bytes", "split it")
        raw = path.open("rb")
    except OSError as error:
        raise FileError(path, error.strerror or str(error), "check the name") from error
    if path.suffix == ".gz":
        unpacked = io.BytesIO(_unpack(raw, path))
        return io.TextIOWrapper(unpacked, encoding="utf-8", newline="")
    return io.TextIOWrapper(raw, encoding="utf-8", newline="")


def _unpack(raw: io.BufferedReader, path: Path) -> bytes:
    try:
        with raw, gzip.GzipFile(fileobj=raw) as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise FileError(path, f"is no gzip file ({error})", "check the file") from error
    if len(data) > MAX_BYTES:
        raise TooLargeError(path, f"unpacks to over {MAX_BYTES:,} bytes", "split it")
    return data


def _number(path: Path, line: int, column: str, text: str, *, above: bool = False) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TraceError(path, line, column, f"'{text[:40]}' is no number", "correct it") from None
    if not math.isfinite(value) or value < 0 or (above and value == 0):
        need = "above 0" if above else "from 0"
        raise TraceError(
            path, line, column, f"{text[:40]} is not a finite number {need}", "correct it"
        )
    return value
