"""Efficiency curves of operators: how much longer than ideal an operator of some shape takes.

A curve is a closed form of five numbers times a bounded, smooth correction by shape:

    t = ((C / e_c)^q + (M / e_m)^q)^(1/q) + t_0,    t' = t exp(g(shape))

C is FLOPs over the peak of the arithmetic's format, M bytes over the memory bandwidth, e_c and e_m
what of them is reached, q how sharply the two overlap (a roofline has q = infinity; Williams,
Waterman, Patterson, "Roofline", CACM 2009), t_0 the least time of a kernel. g is a network of two
hidden layers fitted to measured timings, of the shape alone: more bandwidth or FLOP/s can
therefore never make an operator slower. Shapes outside the measured ones are taken at the edge.

The arrays lie in `resources/calibration/operators.npz`, written by `make calibrate`.
"""

import io
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.catalog.resources import resource_path
from engine.errors import CatalogError

F8 = NDArray[np.float64]

CLASS = "class"  # the curves pooled over all measured systems: the prior of other chips
CORRECTION_LIMIT = 2.0  # |g|: no correction beyond a factor of e^2
_ARRAYS = ("theta", "low", "high", "w1", "b1", "w2", "b2", "w3")
_MAX_BYTES = 32 * 2**20


class Work(NamedTuple):
    """Ideal seconds of an operator at several shapes, and what its correction depends on."""

    compute_s: F8  # [shapes]
    memory_s: F8  # [shapes]
    shape: F8  # [shapes, features]


class Curve(NamedTuple):
    """One fitted curve; `error` is the mean absolute relative error on shapes held out."""

    theta: F8  # [4] log of e_c, e_m, t_0 in seconds, q
    low: F8  # [features] least measured feature
    high: F8  # [features]
    w1: F8  # [features, hidden]
    b1: F8  # [hidden]
    w2: F8  # [hidden, hidden]
    b2: F8  # [hidden]
    w3: F8  # [hidden + 1] the last is the constant
    rows: int
    error: float

    @property
    def floor_s(self) -> float:
        """The least time of the operator, without its correction."""
        return float(np.exp(self.theta[2]))


def closed_form_s(work: Work, theta: F8) -> F8:
    """The closed form without correction, in seconds [shapes]."""
    compute, memory, floor_s, sharpness = np.exp(theta)
    terms = (work.compute_s / compute) ** sharpness + (work.memory_s / memory) ** sharpness
    return np.asarray(terms ** (1.0 / sharpness) + floor_s)


def correction(curve: Curve, shape: F8) -> F8:
    """g of the curve's shapes [shapes]: log of measured over closed form."""
    inside = np.clip(shape, curve.low, curve.high)
    hidden = np.tanh(np.tanh(inside @ curve.w1 + curve.b1) @ curve.w2 + curve.b2)
    raw = hidden @ curve.w3[:-1] + curve.w3[-1]
    return np.asarray(np.clip(raw, -CORRECTION_LIMIT, CORRECTION_LIMIT), np.float64)


def seconds(work: Work, curve: Curve) -> F8:
    """Seconds of an operator at each shape [shapes]; an empty operator takes none."""
    idle = (work.compute_s <= 0.0) & (work.memory_s <= 0.0)
    taken = closed_form_s(work, curve.theta) * np.exp(correction(curve, work.shape))
    return np.where(idle, 0.0, taken)


def split_seconds(work: Work, curve: Curve) -> tuple[F8, F8]:
    """The seconds of `seconds` by what binds them, (arithmetic, memory), both [shapes].

    The closed form is shared by the q-th powers of its two terms, its least time counts to memory.
    Factors on the parts that differ by less than q / (q - 1) leave the sum monotone in both.
    """
    compute, memory, floor_s, sharpness = np.exp(curve.theta)
    by_compute = (work.compute_s / compute) ** sharpness
    both = by_compute + (work.memory_s / memory) ** sharpness
    stretch = np.where(both > 0.0, np.exp(correction(curve, work.shape)), 0.0)
    share = np.divide(by_compute, both, out=np.zeros_like(both), where=both > 0.0)
    body = both ** (1.0 / sharpness)
    return stretch * body * share, stretch * (body * (1.0 - share) + floor_s)


class CurveSet(NamedTuple):
    """All fitted curves by (chip family, operator, number format)."""

    curves: Mapping[tuple[str, str, str], Curve]

    def find(self, family: str, operator: str, number_format: str) -> Curve:
        """The curve of a family, of another format of it, or of the class.

        Raises:
            CatalogError: no curve of this operator exists at all.
        """
        for owner in (family, CLASS):
            for name in (number_format, *_NEAREST.get(number_format, ())):
                found = self.curves.get((owner, operator, name))
                if found is not None:
                    return found
        raise CatalogError(f"operator '{operator}'", "has no fitted curve", "run make calibrate")

    def measured(self, family: str) -> bool:
        """True where a family has curves of its own."""
        return any(owner == family for owner, _, _ in self.curves)


_NEAREST = {
    "fp8": ("bf16",),
    "nvfp4": ("fp8", "bf16"),
    "mxfp4": ("nvfp4", "w4a8", "fp8", "bf16"),
    "w4a8": ("w4a16", "fp8", "bf16"),
    "w4a16": ("int4", "bf16"),
    "int4": ("w4a16", "bf16"),
    "w8a16": ("bf16",),
    "int8": ("fp8", "bf16"),
}


def curves_path() -> Path:
    """Where the fitted arrays lie."""
    return resource_path("calibration", "operators.npz")


@lru_cache(maxsize=1)
def load_curves() -> CurveSet:
    """The fitted curves.

    Raises:
        CatalogError: the file is missing or not what `make calibrate` writes.
    """
    path = curves_path()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CatalogError(str(path), "is larger than any set of curves", "run make calibrate")
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            index: list[dict[str, Any]] = json.loads(str(stored["index"]))
            return CurveSet({_key(row): _curve(stored, row, i) for i, row in enumerate(index)})
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise CatalogError(
            str(path), f"cannot be read: {error}", "install again, or run make calibrate"
        ) from error


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return str(row["family"]), str(row["operator"]), str(row["format"])


def _curve(stored: Any, row: dict[str, Any], number: int) -> Curve:
    arrays = {name: stored[f"{number}/{name}"].astype(np.float64) for name in _ARRAYS}
    return Curve(**arrays, rows=int(row["rows"]), error=float(row["error"]))


def save_curves(path: Path, curves: Mapping[tuple[str, str, str], Curve]) -> None:
    """Writes curves so that `load_curves` reads them (float32: seven digits)."""
    index, arrays = [], {}
    for number, (key, curve) in enumerate(sorted(curves.items())):
        family, operator, number_format = key
        index.append(
            {
                "family": family,
                "operator": operator,
                "format": number_format,
                "rows": curve.rows,
                "error": round(curve.error, 4),
            }
        )
        for name in _ARRAYS:
            arrays[f"{number}/{name}"] = getattr(curve, name).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, index=np.array(json.dumps(index)), **arrays)
