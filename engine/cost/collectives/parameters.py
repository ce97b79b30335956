"""Fitted parameters of collectives: read from resources/calibration/collectives.json.

A record is one (library, chip family, operation and algorithm). A family without measurements
takes the record of its medium, and then that of the library, each with a wider range.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec

from engine.catalog.resources import resource_path
from engine.cost.collectives.closed_forms import Algorithm
from engine.errors import CatalogError

MAX_BYTES = 20_000_000
GENERAL = "nccl"
Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e12)]


class Estimate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fitted number, its 80 % range and the measured rows that it rests on (0: a prior)."""

    value: Positive
    low: Positive
    high: Positive
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpParameters:
    """Numbers of one operation and algorithm; seconds, and shares of data-sheet bandwidths.

    `local_share` weighs the bytes that stay at home against those on the wire; `shared_path` and
    `bridge_path` are what PCIe leaves to more than two and more than four cards; `fan_out` is the
    loss for each node beyond four that a token goes to; `sharpness` is the p of the power sum.
    """

    launch_s: float
    step_s: float
    nic_step_s: float
    efficiency: float
    nic_efficiency: float
    sharpness: float
    local_share: float
    shared_path: float
    bridge_path: float
    fan_out: float


NAMES = tuple(OpParameters.__dataclass_fields__)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the file. `family` and `kind` are empty where the record stands for all."""

    implementation: str
    key: str  # operation:algorithm
    family: str = ""
    kind: str = ""
    rows: int
    estimates: dict[str, Estimate]


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Quantiles 10 % and 90 % of measured over predicted time for one library and operation."""

    implementation: str
    op: str
    low: Positive
    high: Positive
    rows: int


class CalibrationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: records, spreads and where they are from."""

    version: str
    source: str
    records: tuple[Record, ...]
    spreads: tuple[Spread, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveParameters:
    """Everything fitted for one chip family and one library, by operation and algorithm."""

    family: str
    kind: str
    implementation: str
    estimates: Mapping[str, Mapping[str, Estimate]]

    def of(self, op: str, algorithm: Algorithm) -> OpParameters:
        """The numbers of an operation and algorithm; near ones stand in where there are none.

        Raises:
            CatalogError: the calibration has nothing for the operation.
        """
        return _plain(self.estimates_of(op, algorithm))

    def estimates_of(self, op: str, algorithm: Algorithm) -> Mapping[str, Estimate]:
        """The same with ranges and the number of rows.

        Raises:
            CatalogError: the calibration has nothing for the operation.
        """
        for key in (f"{op}:{algorithm}", f"{op}:{Algorithm.RING}", f"{op}:{Algorithm.DIRECT}"):
            if key in self.estimates:
                return self.estimates[key]
        raise CatalogError(
            f"collectives of {self.implementation}", f"there is no calibration of {op}"
        )


def key_of(op: str, algorithm: Algorithm) -> str:
    """How records name an operation with its algorithm."""
    return f"{op}:{algorithm}"


def load_collective_parameters(
    family: str, implementation: str = GENERAL, kind: str = "", path: Path | None = None
) -> CollectiveParameters:
    """The parameters of a chip family (hopper) or, without one, of a medium (nvlink, icn).

    Args:
        family: of the catalogue's chip; may be empty or unknown.
        implementation: nccl, vllm, trtllm, deepep, uccl, mori, trtllm-one-sided, ...
        kind: medium of the scale-up fabric, for families without measurements.
        path: another calibration file.

    Raises:
        CatalogError: the file is missing or damaged, or knows nothing of the library.
    """
    content = load_calibration(path)
    chosen: dict[str, tuple[int, Mapping[str, Estimate]]] = {}
    for record in content.records:
        rank = _closeness(record, family, implementation, kind)
        if rank > chosen.get(record.key, (0, {}))[0]:
            chosen[record.key] = (rank, record.estimates)
    if not chosen:
        raise CatalogError("resources/calibration/collectives.json", "it has no usable record")
    return CollectiveParameters(
        family=family,
        kind=kind,
        implementation=implementation,
        estimates={key: estimates for key, (_, estimates) in chosen.items()},
    )


def _closeness(record: Record, family: str, implementation: str, kind: str) -> int:
    """0 where a record does not apply; the larger, the nearer."""
    if record.family and record.family != family:
        return 0
    if record.kind and record.kind != kind and not record.family:
        return 0
    if record.implementation not in (implementation, GENERAL, ""):
        return 0
    near = 4 * (record.implementation == implementation) + 2 * bool(record.family)
    return 1 + near + bool(record.kind)


def load_calibration(path: Path | None = None) -> CalibrationFile:
    """The calibration of a file, or the one that comes with the program (read once).

    Raises:
        CatalogError: the file is missing, too large or damaged.
    """
    return _shipped() if path is None else _read(path)


@lru_cache(maxsize=1)
def _shipped() -> CalibrationFile:
    return _read(resource_path("calibration", "collectives.json"))


def _read(path: Path) -> CalibrationFile:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CatalogError(path.name, f"is over {MAX_BYTES:,} bytes")
        content = msgspec.json.decode(path.read_bytes(), type=CalibrationFile)
    except OSError as error:
        raise CatalogError(path.name, f"cannot be read ({error})", "check the file") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogError(path.name, str(error)) from error
    for record in content.records:
        missing = [name for name in NAMES if name not in record.estimates]
        if missing:
            raise CatalogError(f"{path.name}: {record.key}", f"lacks {', '.join(missing)}")
    return content


def _plain(estimates: Mapping[str, Estimate]) -> OpParameters:
    return OpParameters(**{name: estimates[name].value for name in NAMES})
