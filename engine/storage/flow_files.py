"""The csv files of the `flows` verb: links, flows and changes of links in, completion times out.

Columns after the named ones may be there: `latency_s` of a link (a flow moves its first byte after
the sum over its path), `weight` of a flow (its share of a full link, 1 where not given). Others
are passed over.
"""

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
from engine.sim.flows import NO_CHANGES, CapacityChanges, simulate_flows
from engine.sim.own_links import sums_of_rows
from engine.storage.atomic import write_atomic

MAX_BYTES = 1_000_000_000
LINK_COLUMNS = ("link_id", "name", "bandwidth_Bps")
FLOW_COLUMNS = ("flow_id", "src", "dst", "start_s", "size_B", "route")
CHANGE_COLUMNS = ("time_s", "link_id", "bandwidth_Bps")


class LinkTable(NamedTuple):
    """Links in file order."""

    number: dict[str, int]  # row by id
    bytes_per_s: NDArray[np.float64]
    latency_s: NDArray[np.float64]


class FlowTable(NamedTuple):
    """Flows as arrays; `ids` in file order."""

    ids: list[str]
    start_s: NDArray[np.float64]
    size_bytes: NDArray[np.float64]
    weight: NDArray[np.float64]
    route_start: NDArray[np.int64]
    route_link: NDArray[np.int32]


def run_flow_files(
    links: Path, flows: Path, out: Path, changes: Path | None = None
) -> dict[str, float | int | str]:
    """Reads links and flows, simulates them, writes `flow_id,finish_s`; returns counts and times.

    Args:
        links: csv of the links.
        flows: csv of the flows.
        out: csv to write.
        changes: csv of capacities that change on the way (0: the link is dead), sorted or not.

    Raises:
        TraceError: a wrong value; names file, line and column.
        FileError: a file cannot be read or written.
        ScenarioError: a flow can never end.
    """
    net = read_links(links)
    table = read_flows(flows, net.number)
    path_s = sums_of_rows(table.route_start, net.latency_s[table.route_link])
    started = time.perf_counter()
    results = simulate_flows(
        net.bytes_per_s,
        table.route_start,
        table.route_link,
        table.start_s,
        table.size_bytes,
        weight=table.weight,
        latency_s=path_s,
        changes=NO_CHANGES if changes is None else read_changes(changes, net.number),
        names=np.array(table.ids, np.str_),
    )
    wall_s = time.perf_counter() - started
    lines = ["flow_id,finish_s"]
    lines += [
        f"{name},{t:.17g}" for name, t in zip(table.ids, results.finish_s.tolist(), strict=True)
    ]
    write_atomic(out, ("\n".join(lines) + "\n").encode())
    return {
        "flows": len(table.ids),
        "links": len(net.bytes_per_s),
        "events": results.events,
        "last_finish_s": float(results.finish_s.max(initial=0.0)),
        "wall_s": wall_s,
        "out": str(out),
    }


def read_links(path: Path) -> LinkTable:
    """Links by id, in file order."""
    number: dict[str, int] = {}
    bandwidth, latency = array("d"), array("d")
    for line, row, more in _rows(path, LINK_COLUMNS, ("latency_s",)):
        if row[0] in number:
            raise TraceError(path, line, "link_id", f"'{row[0]}' is there twice", "rename it")
        number[row[0]] = len(bandwidth)
        bandwidth.append(_number(path, line, "bandwidth_Bps", row[2], above=True))
        latency.append(_number(path, line, "latency_s", more[0]) if more[0] else 0.0)
    return LinkTable(number, np.array(bandwidth, np.float64), np.array(latency, np.float64))


def read_changes(path: Path, links: dict[str, int]) -> CapacityChanges:
    """Changes of capacities, by time."""
    rows = []
    for line, row, _ in _rows(path, CHANGE_COLUMNS, ()):
        if row[1] not in links:
            raise TraceError(path, line, "link_id", f"there is no link '{row[1]}'", "add the link")
        time_s = _number(path, line, "time_s", row[0])
        rows.append((time_s, links[row[1]], _number(path, line, "bandwidth_Bps", row[2])))
    rows.sort(key=lambda change: change[0])
    return CapacityChanges(
        np.array([row[0] for row in rows], np.float64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
    )


def read_flows(path: Path, links: dict[str, int]) -> FlowTable:
    """Flows whose routes name links of `links`."""
    ids: dict[str, None] = {}
    start, size, weight = array("d"), array("d"), array("d")
    ends, route = array("q", [0]), array("i")
    for line, row, more in _rows(path, FLOW_COLUMNS, ("weight",)):
        if row[0] in ids:
            raise TraceError(path, line, "flow_id", f"'{row[0]}' is there twice", "rename it")
        ids[row[0]] = None
        start.append(_number(path, line, "start_s", row[3]))
        size.append(_number(path, line, "size_B", row[4]))
        weight.append(_number(path, line, "weight", more[0], above=True) if more[0] else 1.0)
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
        np.array(weight, np.float64),
        np.array(ends, np.int64),
        np.array(route, np.int32),
    )


def _rows(
    path: Path, columns: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Rows after a header that starts with `columns`, and the texts of optional columns ("" without).

    Plain or gzip-packed by the name's end.
    """
    with _open(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, [])
            if tuple(header[: len(columns)]) != columns:
                raise TraceError(
                    path, 1, columns[0], f"the header is {header[:8]}", f"use {','.join(columns)}"
                )
            places = [header.index(name) if name in header else -1 for name in optional]
            for row in reader:
                if len(row) < len(columns):
                    raise TraceError(
                        path,
                        reader.line_num,
                        columns[len(row)],
                        f"has {len(row)} of {len(columns)} columns",
                        "complete the row",
                    )
                more = [row[at] if 0 <= at < len(row) else "" for at in places]
                yield reader.line_num, row, more
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
