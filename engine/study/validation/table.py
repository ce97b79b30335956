"""The project's own table of measured facts: which rows may be carried, written and read.

`resources/validation/` holds the rows of the calibration's data whose licence lets the project
redistribute them, with the columns that a prediction and its check need and no others. A folder
of the whole data can be read in its place.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.catalog.resources import resource_path
from engine.errors import FileError
from engine.storage.atomic import write_atomic

LICENCES = frozenset(
    ("Apache-2.0", "Apache-2.0 (NVIDIA/TensorRT-LLM docs)", "MIT", "MIT-0", "CC0-1.0")
)
SERVING_COLUMNS = (
    "id", "source_url", "source_date", "license", "tier", "cluster", "hardware", "n_accel", "tp",
    "ep", "dp", "pp", "precision", "model", "framework", "scenario", "isl", "osl", "concurrency",
    "spec_decode", "out_tok_s_per_accel", "ttft_ms_median", "ttft_ms_mean", "tpot_ms_median",
    "tpot_ms_mean", "note",
)  # fmt: skip
COLLECTIVE_COLUMNS = (
    "id", "source", "license", "tier", "cluster", "hardware", "n", "op", "bytes", "time_us",
    "busbw_GBs", "fabric", "impl", "note",
)  # fmt: skip
MOST_BYTES = 64 * 2**20
MOST_ROWS = 100_000
_WAY_OUT = "install again, or write it with engine.study.validation --ship FOLDER"

Row = dict[str, str]


class Tables(NamedTuple):
    """Rows of serving and of collectives, every cell as text."""

    serving: list[Row]
    collectives: list[Row]
    shipped: bool


def shipped_path(kind: str) -> Path:
    """Where the shipped table of "serving" or "collectives" lies."""
    return resource_path("validation", f"{kind}.csv.gz")


def load_tables(folder: Path | None = None) -> Tables:
    """The shipped tables, or those of a folder of the whole data.

    Raises:
        FileError: a table is missing, too large, no CSV, or lacks columns.
    """
    shipped = folder is None
    serving, collectives = (
        read_csv(shipped_path(kind) if folder is None else folder / f"{kind}_calibrate.csv", names)
        for kind, names in (("serving", SERVING_COLUMNS), ("collectives", COLLECTIVE_COLUMNS))
    )
    return Tables(serving, collectives, shipped)


def read_csv(path: Path, needed: Sequence[str]) -> list[Row]:
    """Rows of a CSV file, packed by gzip where its name ends so.

    Raises:
        FileError: as it says.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise FileError(path, f"holds more than {MOST_BYTES >> 20} MiB", "split it")
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restval="")
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise FileError(path, f"has no column {', '.join(missing)}", _WAY_OUT)
        rows = [
            {name: text for name, text in row.items() if isinstance(text, str)} for row in reader
        ]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise FileError(path, f"cannot be read ({error})", _WAY_OUT) from error
    if len(rows) > MOST_ROWS:
        raise FileError(path, f"has more than {MOST_ROWS:,} rows", "split it")
    return rows


def may_be_carried(row: Mapping[str, str]) -> bool:
    """Whether the licence column of a row lets the project pass it on."""
    return row.get("license", "") in LICENCES


def ship(folder: Path) -> dict[str, tuple[int, int]]:
    """Writes the shipped tables from a folder of the whole data; (taken, all) rows of each.

    Equal data give equal bytes: rows keep their order and the archive has no date.

    Raises:
        FileError: a table cannot be read or written.
    """
    counts = {}
    tables = load_tables(folder)
    for kind, rows, names in (
        ("serving", tables.serving, SERVING_COLUMNS),
        ("collectives", tables.collectives, COLLECTIVE_COLUMNS),
    ):
        taken = [row for row in rows if may_be_carried(row)]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(taken)
        shipped_path(kind).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(shipped_path(kind), gzip.compress(text.getvalue().encode(), 9, mtime=0))
        counts[kind] = (len(taken), len(rows))
    return counts
