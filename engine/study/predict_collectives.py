"""Predicts every row of a table of collectives: time, band and whether it could be done."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np

from engine.catalog.loader import load_catalog
from engine.cost.collectives import (
    collective_s,
    load_collective_parameters,
    serving_all_reduce_s,
)
from engine.cost.collectives.parameters import CalibrationFile, Spread, load_calibration
from engine.cost.collectives.serving import OWN_KERNELS
from engine.errors import CatalogError
from engine.storage.atomic import write_atomic
from engine.study.collective_rows import CollectiveRow, read_row, read_table

ADDED = ("pred_time_us", "pred_low", "pred_high", "status")
OK = "ok"


def predict_collectives(rows_in: Path, rows_out: Path) -> Counter[str]:
    """Writes the table with pred_time_us, pred_low, pred_high (80 % band) and status.

    A row that cannot be predicted keeps its cells, with the reason as its status. Measured
    columns are never read for a prediction.

    Args:
        rows_in: a CSV file; see `engine.study.collective_rows` for its columns.
        rows_out: is replaced as a whole.

    Returns:
        How many rows have each status.

    Raises:
        FileError: a file cannot be read or written.
        CatalogError: the shipped calibration is missing or damaged.
    """
    columns, table = read_table(rows_in)
    catalog, calibration = load_catalog(), load_calibration()
    names = [name for name in columns if name not in ADDED]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*names, *ADDED], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    counts: Counter[str] = Counter()
    for number, cells in enumerate(table):
        added = _predict(read_row(number, cells, catalog), calibration)
        counts[added["status"]] += 1
        writer.writerow({**cells, **added})
    write_atomic(rows_out, text.getvalue().encode())
    return counts


def predicted_s(row: CollectiveRow) -> float:
    """Seconds of one row without a problem.

    Raises:
        CatalogError: the calibration knows nothing of its operation.
    """
    if row.fabric is None:
        raise CatalogError(f"row {row.number}", row.problem or "has no fabric", "correct the row")
    if row.implementation in OWN_KERNELS and row.op == "all_reduce":
        times = serving_all_reduce_s(
            row.ranks, row.size_bytes, row.fabric, row.family, row.implementation
        )
        return float(np.asarray(times))
    parameters = load_collective_parameters(row.family, row.implementation, row.fabric.kind)
    return collective_s(
        row.op, row.ranks, row.size_bytes, row.fabric, parameters, traffic=row.traffic
    )


def band_of(row: CollectiveRow, calibration: CalibrationFile) -> Spread:
    """The spread of a row's library and operation, else of the library, else of all.

    Raises:
        CatalogError: the calibration has no spread at all.
    """
    known = {(spread.implementation, spread.op): spread for spread in calibration.spreads}
    for place in ((row.implementation, row.op), (row.implementation, ""), ("", "")):
        if place in known:
            return known[place]
    raise CatalogError("calibration of collectives", "it has no spreads", "calibrate again")


def _predict(row: CollectiveRow, calibration: CalibrationFile) -> dict[str, str]:
    blank = dict.fromkeys(ADDED, "")
    if row.problem:
        return {**blank, "status": row.problem}
    try:
        seconds = predicted_s(row)
    except (CatalogError, ArithmeticError, ValueError) as error:
        return {**blank, "status": str(error)}
    band = band_of(row, calibration)
    return {
        "pred_time_us": f"{seconds * 1e6:.6g}",
        "pred_low": f"{seconds * band.low * 1e6:.6g}",
        "pred_high": f"{seconds * band.high * 1e6:.6g}",
        "status": OK,
    }
