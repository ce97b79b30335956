"""Calibrates collectives on a table of measured times and writes the calibration file."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from engine.catalog.loader import load_catalog
from engine.cost.collectives.parameters import CalibrationFile
from engine.storage.atomic import write_atomic
from engine.study.calibration.collective_fit import (
    fit_rows,
    held_out_seconds,
    measured_rows,
    predict_rows,
)
from engine.study.calibration.collective_records import records_of, spreads_of
from engine.study.calibration.collective_report import CollectiveReport, judge, report_lines

VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A finished fit: what the program will read, and how good it is."""

    content: CalibrationFile
    report: CollectiveReport


def fit_collectives(csv: Path) -> Calibration:
    """Fits the parameters of collectives on a table; the same table gives the same numbers.

    Args:
        csv: columns as in `engine.study.collective_rows`.

    Raises:
        FileError: the table cannot be read or holds nothing to fit.
    """
    rows = measured_rows(csv, load_catalog())
    fit = fit_rows(rows)
    held = held_out_seconds(rows)
    seconds = predict_rows(fit, rows)
    spreads = spreads_of([*rows, *rows], np.concatenate([seconds, held]))
    cells = len({row.cluster for row in rows})
    content = CalibrationFile(
        version=VERSION,
        source=f"fitted on {len(rows):,} measured rows in {cells:,} cells",
        records=tuple(records_of(fit, rows)),
        spreads=tuple(spreads),
    )
    return Calibration(content=content, report=judge(rows, seconds, held, spreads))


def calibrate_collectives(csv: Path, out: Path) -> list[str]:
    """Fits a table, writes the calibration file as a whole, returns the report's lines.

    Raises:
        FileError: the table cannot be read or holds nothing to fit, or `out` cannot be written.
    """
    calibration = fit_collectives(csv)
    write_atomic(out, file_text(calibration.content))
    return report_lines(calibration.report)


def file_text(content: CalibrationFile) -> bytes:
    """The file's JSON with one record or spread a line."""
    lines = [b'{"version":' + msgspec.json.encode(content.version) + b","]
    lines.append(b'"source":' + msgspec.json.encode(content.source) + b",")
    for name, rows in (("records", content.records), ("spreads", content.spreads)):
        body = b",\n".join(msgspec.json.encode(row) for row in rows)
        end = b"]," if name == "records" else b"]}"
        lines.append(b'"' + name.encode() + b'":[\n' + body + b"\n" + end)
    return b"\n".join(lines) + b"\n"
