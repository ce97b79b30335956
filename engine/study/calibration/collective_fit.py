"""The fits of collectives: which rows go together, how each may have run, what fits them best.

Three fits, each pooled over media, chip families, libraries and operations: NCCL, the all-reduce
kernels of serving engines (beside NCCL, whichever is quicker), dispatch and combine of expert
parallelism. Every cell of the table (cluster) counts alike, whatever its number of rows.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.curve import Numbers, Terms, curve_s, terms_of
from engine.cost.collectives.parameters import key_of
from engine.cost.collectives.serving import OWN_KERNELS, own_limit_bytes
from engine.cost.collectives.work import EXPERT_OPS, algorithms_of, work_of
from engine.errors import FileError
from engine.study.calibration.hierarchy import F8, Factor, Pooled, fit_pooled
from engine.study.collective_rows import CollectiveRow, read_row, read_table

FITS = ("nccl", "own", "expert")  # own kernels after NCCL, beside which they run
CLUSTER_ROWS = 4.0  # independent facts that a curve of one cell holds at most
OWN_ALGORITHMS = (Algorithm.ONE_SHOT, Algorithm.TWO_SHOT)

# Prior value and spread of the logarithm: general, by medium or library, family, operation, both
# family and operation. Values: engine overheads and efficiencies that the literature reports for
# NCCL (launch 3-10 us, 0.65-0.85 of a port), own kernels (2-5 us) and DeepEP (10-40 us).
_SIGMA = {  # factor: spread by parameter, in the order of NAMES
    "group": (0.6, 0.5, 0.7, 0.2, 0.4, 0.15, 0.8, 0.4, 0.5, 0.8),
    "family": (0.4, 0.4, 0.4, 0.12, 0.2, 0.05, 0.3, 0.3, 1.2, 0.2),
    "key": (0.4, 0.4, 0.6, 0.15, 0.3, 0.10, 0.6, 0.2, 0.3, 0.8),
    "both": (0.2, 0.2, 0.3, 0.08, 0.2, 0.05, 0.3, 0.1, 0.2, 0.3),
}
_PRIOR = {
    "nccl": (6e-6, 1e-6, 12e-6, 0.75, 0.6, 0.6, 0.4, 0.7, 0.6, 0.01),
    "own": (2e-6, 2.5e-6, 10e-6, 0.7, 0.7, 1.0, 0.05, 0.7, 0.6, 0.01),
    "expert": (12e-6, 1e-6, 4e-6, 0.6, 0.85, 1.1, 0.05, 0.7, 0.6, 0.3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way in which a row's collective may have run; `fixed_s` where its time is known."""

    row: int
    key: str
    row_data: CollectiveRow
    terms: tuple[float, ...]
    fixed_s: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveFit:
    """The fits by their names, of `FITS`."""

    pooled: dict[str, Pooled]


def group_of(row: CollectiveRow) -> str:
    """Which of the three fits a row belongs to."""
    if row.implementation in OWN_KERNELS:
        return "own"
    return "expert" if row.op in (*EXPERT_OPS, "point_to_point") else "nccl"


def measured_rows(csv: Path, catalog: Catalog) -> list[CollectiveRow]:
    """The rows of a table that can be predicted and have a measured time.

    Raises:
        FileError: there are none.
    """
    _, table = read_table(csv)
    rows = [read_row(number, cells, catalog) for number, cells in enumerate(table)]
    usable = [
        row
        for row in rows
        if not row.problem and row.measured_s and row.ranks > 1 and row.size_bytes > 0
    ]
    if not usable:
        raise FileError(csv, "has no row with chip, ranks, size and time", "check its columns")
    return usable


def fit_rows(rows: Sequence[CollectiveRow]) -> CollectiveFit:
    """The three fits; own kernels after NCCL, on which they fall back."""
    pooled: dict[str, Pooled] = {}
    for name in FITS:
        part = [row for row in rows if group_of(row) == name]
        if part:
            pooled[name] = fit_group(name, part, pooled.get("nccl"))
    return CollectiveFit(pooled=pooled)


def fit_group(name: str, part: Sequence[CollectiveRow], nccl: Pooled | None) -> Pooled:
    """One of the three fits on its own rows, which must be some."""
    options = options_of(part, nccl)
    count = Counter(row.cluster for row in part)
    return fit_pooled(
        _predictor(options),
        np.log([row.measured_s or 1.0 for row in part]),
        np.array([min(CLUSTER_ROWS, count[r.cluster]) / count[r.cluster] for r in part]),
        np.log(_PRIOR[name]),
        [
            Factor(
                name=factor,
                labels=tuple(_levels(name, option)[factor] for option in options),
                sigma=np.array(_SIGMA[factor]),
            )
            for factor in _SIGMA
        ],
    )


def kind_of(option: Option) -> str:
    """The medium of an option's fabric."""
    return option.row_data.fabric.kind if option.row_data.fabric else ""


def _levels(name: str, option: Option) -> dict[str, str]:
    row = option.row_data
    return levels_of(name, row.implementation, row.family, kind_of(option), option.key)


def levels_of(name: str, implementation: str, family: str, kind: str, key: str) -> dict[str, str]:
    """The levels of a record in the factors of a fit."""
    if name == "nccl":
        group = kind
        both = f"{family}|{key}" if family else ""
    else:
        group = implementation
        both = f"{implementation}|{key}" if implementation else ""
    return {"group": group, "family": family, "key": key, "both": both}


def options_of(rows: Iterable[CollectiveRow], nccl: Pooled | None) -> list[Option]:
    """Every algorithm that each row may have run with, row by row."""
    options: list[Option] = []
    for number, row in enumerate(rows):
        fabric = row.fabric
        if fabric is None:
            continue
        own = row.implementation in OWN_KERNELS
        for algorithm in OWN_ALGORITHMS if own else algorithms_of(row.op, row.ranks, fabric):
            limit = own_limit_bytes(row.implementation, row.family, row.ranks, fabric.kind)
            if own and row.size_bytes > limit:
                continue
            work = work_of(row.op, algorithm, row.ranks, fabric, row.traffic)
            options.append(
                Option(
                    row=number,
                    key=key_of(row.op, algorithm),
                    row_data=row,
                    terms=terms_of(work, row.ranks, fabric),
                )
            )
        if own and nccl is not None:
            options.append(_general(number, row, nccl))
    return options


def _general(number: int, row: CollectiveRow, nccl: Pooled) -> Option:
    """NCCL's time of a row as an option of an engine with kernels of its own."""
    options = options_of([replace(row, implementation="nccl")], None)
    seconds = float(_seconds(options, _parameters("nccl", nccl, options)).min())
    return Option(row=number, key="general", row_data=row, terms=options[0].terms, fixed_s=seconds)


def _terms(options: Sequence[Option]) -> Terms:
    return Terms(*np.array([option.terms for option in options]).T)


def _seconds(options: Sequence[Option], logs: F8) -> F8:
    sizes = np.array([option.row_data.size_bytes for option in options])
    return curve_s(sizes, _terms(options), Numbers(*np.exp(logs).T))


def _parameters(name: str, pooled: Pooled, options: Sequence[Option]) -> F8:
    known: dict[tuple[str, ...], F8] = {}
    rows = []
    for option in options:
        levels = _levels(name, option)
        mark = tuple(levels.values())
        if mark not in known:
            known[mark] = pooled.means(levels)
        rows.append(known[mark])
    return np.array(rows)


def _predictor(options: Sequence[Option]) -> Callable[[F8], tuple[F8, NDArray[np.int64]]]:
    """Logarithm of each option's time, and the row that it belongs to."""
    fixed = np.array([option.fixed_s for option in options])
    known = np.isfinite(fixed)
    fixed_log = np.log(np.where(known, fixed, 1.0))
    rows = np.array([option.row for option in options])
    sizes = np.array([option.row_data.size_bytes for option in options])
    terms = _terms(options)

    def predict(logs: F8) -> tuple[F8, NDArray[np.int64]]:
        free = np.log(curve_s(sizes, terms, Numbers(*np.exp(np.clip(logs, -40, 20)).T)))
        return np.where(known, fixed_log, free), rows

    return predict


def predict_rows(fit: CollectiveFit, rows: Sequence[CollectiveRow]) -> F8:
    """Seconds of each row by a fit, as the written file would give."""
    result = np.full(len(rows), np.nan)
    for name, pooled in fit.pooled.items():
        places = [i for i, row in enumerate(rows) if group_of(row) == name]
        options = options_of([rows[i] for i in places], fit.pooled.get("nccl"))
        if not options:
            continue
        seconds = _seconds(options, _parameters(name, pooled, options))
        for option, value in zip(options, seconds.tolist(), strict=True):
            quick = value if math.isnan(option.fixed_s) else option.fixed_s
            place = places[option.row]
            result[place] = np.fmin(result[place], quick)
    return result


def held_out_seconds(rows: Sequence[CollectiveRow]) -> F8:
    """Seconds of each row by fits that did not see its hardware with its operation or ranks.

    Half of the groups (hardware, operation) and half of (hardware, ranks) are left out in turn,
    so that both kinds of new cell are judged; the assignment depends on the names alone.
    """
    result = np.full(len(rows), np.nan)
    folds: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        folds[_fold(row)].append(place)
    general = [row for row in rows if group_of(row) == "nccl"]
    nccl = fit_group("nccl", general, None) if general else None
    for (name, *_), places in sorted(folds.items()):
        out = set(places)
        part = [
            row for place, row in enumerate(rows) if place not in out and group_of(row) == name
        ]
        if not part:
            continue
        fit = {name: fit_group(name, part, None if name == "nccl" else nccl)}
        if nccl is not None:
            fit.setdefault("nccl", nccl)
        result[places] = predict_rows(CollectiveFit(pooled=fit), [rows[i] for i in places])
    return result


def _fold(row: CollectiveRow) -> tuple[str, str, str]:
    by_ranks = sum(map(ord, row.cluster)) % 2
    return (group_of(row), row.hardware, str(row.ranks) if by_ranks else row.op)
