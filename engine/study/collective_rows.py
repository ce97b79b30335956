"""Rows of a table of collective times, read into what the model needs: chip, fabric, size.

The table's columns are id, hardware, n, op, bytes, time_us, busbw_GBs, note, fabric, impl and
cluster; all others pass through. Sizes that the table leaves out are taken from the note (tokens a
rank, hidden size, experts a token, formats). Measured columns fill `measured_s` and nothing else.
"""

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.cost.collectives import CollectiveFabric, ExpertTraffic, chip_fabric
from engine.cost.collectives.work import EXPERT_OPS, USUAL_TRAFFIC, distinct, domains_of
from engine.errors import FileError

MAX_BYTES = 200_000_000
MAX_RANKS = 1_000_000
MAX_SIZE = 1e15

OP_NAMES = {
    "allreduce": "all_reduce",
    "allgather": "all_gather",
    "reducescatter": "reduce_scatter",
    "alltoall": "all_to_all",
    "sendrecv": "point_to_point",
    "pointtopoint": "point_to_point",
    "rdmareadbatch128": "point_to_point",
} | {re.sub(r"_", "", op): op for op in EXPERT_OPS}
SM_CHIPS = {
    "sm80": "nvidia-a100-sxm-80g",
    "sm89": "nvidia-l40s",
    "sm90": "nvidia-h100",
    "sm100": "nvidia-b200",
    "sm103": "nvidia-b300",
    "sm120": "nvidia-rtxpro6000",
}
NIC_LATENCY_S = {"efa": 15e-6, "roce": 3e-6}
_IMPLEMENTATIONS = (
    (r"onesided", "trtllm-one-sided"),
    (r"twosided", "trtllm-two-sided"),
    (r"uccl", "uccl"),
    (r"mori", "mori"),
    (r"deepep", "deepep"),
    (r"(trt-?llm|tensorrt).*custom", "trtllm"),
    (r"(vllm|sglang).*custom", "vllm"),
)
_FORMAT_BYTES = {  # of one token on the wire, by hidden size; scales in blocks of 128 or 16
    "bfloat16": lambda hidden: 2.0 * hidden,
    "bf16": lambda hidden: 2.0 * hidden,
    "fp16": lambda hidden: 2.0 * hidden,
    "fp8": lambda hidden: hidden + hidden / 32.0,
    "int8": lambda hidden: hidden + 4.0,
    "nvfp4": lambda hidden: hidden / 2.0 + hidden / 16.0,
    "mxfp4": lambda hidden: hidden / 2.0 + hidden / 32.0,
}
_PREPARE_BYTES = 512.0  # the index of a token and expert, as costly as so many bytes on the wire


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveRow:
    """One row. `problem` says why it cannot be predicted; then the rest may be empty."""

    number: int
    problem: str
    op: str = ""
    implementation: str = ""
    hardware: str = ""
    family: str = ""
    ranks: int = 0
    size_bytes: float = 0.0
    fabric: CollectiveFabric | None = None
    traffic: ExpertTraffic = USUAL_TRAFFIC
    measured_s: float | None = None
    cluster: str = ""


class CellError(ValueError):
    """A cell cannot be read; the text says which and why."""


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows of a CSV file, whatever its columns; a BOM is dropped.

    Raises:
        FileError: the file is missing, too large, no text or has no header.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileError(path, f"is over {MAX_BYTES:,} bytes", "split it")
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
        rows = [
            {key: value for key, value in row.items() if isinstance(value, str)} for row in reader
        ]
        columns = [name for name in reader.fieldnames or [] if name]
    except OSError as error:
        raise FileError(path, f"cannot be read ({error.strerror})", "check its name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(path, f"is no CSV in UTF-8 ({error})", "export it again") from error
    if not columns:
        raise FileError(path, "has no header", "put column names into its first line")
    return columns, rows


def read_row(number: int, cells: dict[str, str], catalog: Catalog) -> CollectiveRow:
    """What a row of the table means; never raises, a row that is of no use says why."""
    try:
        return _row(number, {key: value.strip() for key, value in cells.items()}, catalog)
    except CellError as error:
        return CollectiveRow(number=number, problem=str(error))


def _row(number: int, cells: dict[str, str], catalog: Catalog) -> CollectiveRow:
    chip = _chip(cells.get("hardware", ""), catalog)
    op = _op(cells.get("op", ""))
    ranks = int(_number(cells, "n", 1, MAX_RANKS, whole=True))
    note = cells.get("note", "")
    implementation = implementation_of(cells.get("impl", ""), op)
    fabric = fabric_of(chip, cells.get("fabric", ""), ranks)
    traffic, tokens, token_bytes = _tokens(op, note)
    size = _size(cells, op, tokens, token_bytes, traffic)
    return CollectiveRow(
        number=number,
        problem="",
        op=op,
        implementation=implementation,
        hardware=chip.id,
        family=chip.family,
        ranks=ranks,
        size_bytes=size,
        fabric=fabric,
        traffic=traffic,
        measured_s=_measured(cells, op, ranks, size, fabric, traffic),
        cluster=cells.get("cluster", "") or cells.get("id", "") or str(number),
    )


def _chip(name: str, catalog: Catalog) -> DeviceSpec:
    plain = name.casefold().replace(" ", "").replace("_", "")
    found = catalog.devices.get(SM_CHIPS.get(plain, "")) or catalog.find_device(name)
    if found is not None and found.rack is not None:
        found = catalog.devices[found.rack.chip]
    if found is None or found.kind is not DeviceKind.CHIP:
        raise CellError(f"unknown hardware '{name[:40]}'" if name else "no hardware")
    return found


def _op(name: str) -> str:
    found = OP_NAMES.get(re.sub(r"[\s_\-]", "", name.casefold()))
    if found is None:
        raise CellError(f"unknown op '{name[:40]}'" if name else "no op")
    return found


def _number(
    cells: dict[str, str], column: str, low: float, high: float, whole: bool = False
) -> float:
    text = cells.get(column, "")
    if not text:
        raise CellError(f"no {column}")
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        raise CellError(f"{column} '{text[:40]}' is no number") from None
    if not (math.isfinite(value) and low <= value <= high) or (whole and value != int(value)):
        raise CellError(f"{column} {text[:40]} is not a number from {low:g} to {high:g}")
    return value


def implementation_of(text: str, op: str) -> str:
    """The library of a row as the calibration names it; "" for an unknown expert library."""
    plain = text.casefold()
    if op == "point_to_point":
        return "rdma"
    for pattern, name in _IMPLEMENTATIONS:
        if re.search(pattern, plain) and (name in ("vllm", "trtllm")) == (op not in EXPERT_OPS):
            return name
    return "" if op in EXPERT_OPS else "nccl"


def fabric_of(chip: DeviceSpec, text: str, ranks: int) -> CollectiveFabric:
    """The fabric of a row: the chip's usual one with what the text says of NICs and nodes."""
    plain = text.casefold()
    each = re.search(r"(\d+) gpus? each", plain)
    domain = int(each.group(1)) if each else None
    if "nvlink disabled" in plain or re.search(r"\b1 nic\b", plain):
        domain = 1
    elif "nvl72" in plain:
        domain = 72
    nodes = re.match(r"(\d+) (?:nodes|x )", plain)
    if nodes and not domain and int(nodes.group(1)) > 1 and ranks % int(nodes.group(1)) == 0:
        domain = ranks // int(nodes.group(1))
    usual = chip_fabric(chip, ranks_per_domain=domain)
    latency = next((v for k, v in NIC_LATENCY_S.items() if k in plain), usual.nic_latency_s)
    return chip_fabric(
        chip,
        ranks_per_domain=usual.ranks_per_domain,
        nic_bytes_per_s=_nic_rate(plain, usual.ranks_per_domain) or usual.nic_bytes_per_s,
        nic_latency_s=latency,
    )


def _nic_rate(text: str, domain: int) -> float:
    """Bytes/s of NIC that a rank has; 0 where the text does not say."""
    several = re.search(r"(\d+)\s*x\s*(\d+)\s*g\b", text)
    if several:
        count, gigabits = int(several.group(1)), int(several.group(2))
        one = gigabits * 1e9 / 8
        return one * max(1.0, count / 8) if domain < 8 else one * count / domain
    single = re.search(r"(\d+)\s*g\b", text)
    return int(single.group(1)) * 1e9 / 8 if single else 0.0


def _tokens(op: str, note: str) -> tuple[ExpertTraffic, float, float]:
    """Routing, tokens of a rank and bytes of one token's copy; zeros where the note is silent."""
    plain = note.casefold().replace(",", "") if op in EXPERT_OPS else ""
    tokens = re.search(r"\b(\d{1,7}) tokens", plain) or re.search(
        r"tokens(?:/| per )rank (\d{1,7})\b", plain
    )
    hidden = re.search(r"hidden (\d{1,6})\b", plain)
    groups = re.search(r"top-(\d{1,3}) groups", plain)
    top_k = re.search(r"top-(\d{1,3})(?! groups)\b", plain)
    width = float(hidden.group(1)) if hidden else 0.0
    wire = _wire_format(op, plain)
    summed = "combine" in op and width > 0
    traffic = ExpertTraffic(
        top_k=max(1, int(top_k.group(1))) if top_k else 8,
        node_limit=int(groups.group(1)) if groups else 0,
        local_ratio=2.0 * width / _FORMAT_BYTES[wire](width) if summed else 1.0,
    )
    bytes_of_token = _FORMAT_BYTES[wire](width) if width else 0.0
    if op == "alltoall_prepare":
        bytes_of_token = _PREPARE_BYTES
    return traffic, float(tokens.group(1)) if tokens else 0.0, bytes_of_token


def _wire_format(op: str, note: str) -> str:
    if "combine" in op and "low_precision" not in op:
        return "bf16"
    named = re.search(r"(bf16|fp8|int8|nvfp4|mxfp4) dispatch", note) or re.search(
        r"dtype (bfloat16|bf16|fp16|fp8|int8|nvfp4|mxfp4)", note
    )
    return named.group(1) if named else "fp8"


def _size(
    cells: dict[str, str], op: str, tokens: float, token_bytes: float, traffic: ExpertTraffic
) -> float:
    if cells.get("bytes", ""):
        return _number(cells, "bytes", 0.0, MAX_SIZE)
    if op in EXPERT_OPS and tokens and token_bytes:
        return tokens * token_bytes * traffic.top_k
    raise CellError("no size")


def _measured(
    cells: dict[str, str],
    op: str,
    ranks: int,
    size: float,
    fabric: CollectiveFabric,
    traffic: ExpertTraffic,
) -> float | None:
    """Seconds as measured, or from the reported bandwidth; None where neither can be used."""
    try:
        if cells.get("time_us", ""):
            return _number(cells, "time_us", 1e-3, 1e12) * 1e-6
        rate = _number(cells, "busbw_GBs", 1e-6, 1e9) * 1e9
    except CellError:
        return None
    inside, domains = domains_of(ranks, fabric)
    if op.endswith("_ht"):  # copies to different nodes, or ranks where there is one node
        nodes = min(domains, traffic.node_limit) if traffic.node_limit else domains
        copies = distinct(nodes if domains > 1 else inside, traffic.top_k)
        return size / traffic.top_k * copies / rate
    share = {"all_reduce": 2.0 * (ranks - 1) / ranks, "point_to_point": 1.0}
    usual = 1.0 if op in EXPERT_OPS else (ranks - 1) / ranks
    return share.get(op, usual) * size / rate
