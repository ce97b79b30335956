"""What the calibration file says of a fit: records for every family and medium, and bands."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from engine.cost.collectives.parameters import NAMES, Estimate, Record, Spread
from engine.study.calibration.collective_fit import (
    CollectiveFit,
    group_of,
    kind_of,
    levels_of,
    options_of,
)
from engine.study.calibration.hierarchy import F8, Pooled
from engine.study.collective_rows import CollectiveRow

BAND_Z = 1.2816  # 80 % of a normal distribution
SHARES = ("efficiency", "nic_efficiency", "shared_path", "bridge_path")
KINDS = ("nvlink", "xgmi", "hccs", "icn", "pcie")


def records_of(fit: CollectiveFit, rows: Sequence[CollectiveRow]) -> list[Record]:
    """What the file holds: every combination with measurements, each medium's and library's mean."""
    records = []
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        counts[row.implementation, row.family, row.op] += 1
    for name, pooled in fit.pooled.items():
        part = [row for row in rows if group_of(row) == name]
        wanted = {
            (option.row_data.implementation, option.row_data.family, kind_of(option), option.key)
            for option in options_of(part, None)
        }
        keys = {key for *_, key in wanted}
        families = {(family, kind) for _, family, kind, _ in wanted if family}
        libraries = {implementation for implementation, *_ in wanted}
        general = {"": ""} if name == "expert" else {}
        for library in (*libraries, *general):
            for key in keys:
                wanted |= {(library, family, kind, key) for family, kind in families}
                wanted |= {(library, "", kind, key) for kind in KINDS if name == "nccl"}
                wanted.add((library, "", "", key))
        for library, family, kind, key in sorted(wanted):
            count = counts[library, family, key.split(":")[0]]
            records.append(_record(name, pooled, (library, family, kind, key), count))
    return records


def _record(name: str, pooled: Pooled, place: tuple[str, str, str, str], rows: int) -> Record:
    library, family, kind, key = place
    mean, deviation = pooled.estimate(levels_of(name, library, family, kind, key))
    low, high = np.exp(mean - BAND_Z * deviation), np.exp(mean + BAND_Z * deviation)
    return Record(
        implementation=library,
        key=key,
        family=family,
        kind=kind,
        rows=rows,
        estimates={
            parameter: Estimate(
                value=_digits(math.exp(mean[j])),
                low=_digits(float(low[j])),
                high=_digits(_highest(parameter, math.exp(mean[j]), float(high[j]))),
                rows=rows,
            )
            for j, parameter in enumerate(NAMES)
        },
    )


def _highest(parameter: str, value: float, high: float) -> float:
    """The upper end of a range; a share of a bandwidth ends at the whole."""
    return max(value, min(high, 1.0)) if parameter in SHARES else high


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def spreads_of(rows: Sequence[CollectiveRow], seconds: F8) -> list[Spread]:
    """80 % bands of measured over predicted by library and operation, for each and for all.

    `rows` are given twice, with the seconds of a fit that saw them and of one that did not: a new
    cell is as far off as the second at worst. A group of few cells leans on its library and that on all: quantiles are taken over the pooled
    rows with weights that halve at each wider level.
    """
    ratio = np.log([row.measured_s or 1.0 for row in rows]) - np.log(seconds)
    count = Counter(row.cluster for row in rows)
    weight = np.array([1.0 / count[row.cluster] for row in rows])
    places = sorted({(row.implementation, row.op) for row in rows})
    libraries = sorted({(library, "") for library, _ in places})
    return [
        _spread(library, op, rows, ratio, weight)
        for library, op in [*places, *libraries, ("", "")]
    ]


def _spread(library: str, op: str, rows: Sequence[CollectiveRow], ratio: F8, weight: F8) -> Spread:
    same_library = np.array([row.implementation == library for row in rows])
    same_op = np.array([row.op == op for row in rows])
    inside = (
        same_library & same_op if op else same_library if library else np.ones(len(rows), bool)
    )
    cells = weight[inside].sum()
    lean = 2.0 / (2.0 + cells)  # two cells' worth of the wider group
    wider = weight * (same_library if library else 1.0)
    total = np.where(inside, weight / cells * (1 - lean), 0.0) + lean * wider / wider.sum()
    low, high = weighted_quantiles(ratio, total, (0.1, 0.9))
    return Spread(
        implementation=library,
        op=op,
        low=_digits(math.exp(min(low, 0.0))),
        high=_digits(math.exp(max(high, 0.0))),
        rows=int(inside.sum()) // 2,
    )


def weighted_quantiles(values: F8, weight: F8, shares: Sequence[float]) -> list[float]:
    """Quantiles of values that count by their weights."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    middle = (total - 0.5 * weight[order]) / total[-1]
    return [float(np.interp(share, middle, values[order])) for share in shares]
