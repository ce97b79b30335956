"""Time of a collective on a fabric, with the library's choice of an algorithm made visible."""

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.curve import Terms, curve_s, numbers_of, terms_of
from engine.cost.collectives.fabric import CollectiveFabric
from engine.cost.collectives.parameters import CollectiveParameters, OpParameters
from engine.cost.collectives.work import (
    USUAL_TRAFFIC,
    ExpertTraffic,
    Work,
    algorithms_of,
    work_of,
)

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The algorithm that a library takes for one size, and its time in seconds."""

    algorithm: Algorithm
    seconds: float


@overload
def collective_s(
    op: str,
    ranks: int,
    size_bytes: float,
    fabric: CollectiveFabric,
    parameters: CollectiveParameters,
    algorithm: Algorithm | None = None,
    traffic: ExpertTraffic = USUAL_TRAFFIC,
) -> float: ...


@overload
def collective_s(
    op: str,
    ranks: int,
    size_bytes: F8,
    fabric: CollectiveFabric,
    parameters: CollectiveParameters,
    algorithm: Algorithm | None = None,
    traffic: ExpertTraffic = USUAL_TRAFFIC,
) -> F8: ...


def collective_s(
    op: str,
    ranks: int,
    size_bytes: float | F8,
    fabric: CollectiveFabric,
    parameters: CollectiveParameters,
    algorithm: Algorithm | None = None,
    traffic: ExpertTraffic = USUAL_TRAFFIC,
) -> float | F8:
    """Seconds of a collective of each size; the quickest algorithm unless one is given.

    More bytes are never faster; more port bandwidth or a shorter hop never slower.

    Args:
        op: one of `work.OPS`.
        ranks: ranks that take part; below two nothing moves.
        size_bytes: one size or an array, from 0; see `work` for what it counts.
        fabric: what the ranks are joined by.
        parameters: of the chip's family and the library.
        algorithm: an algorithm in place of the library's choice.
        traffic: routing of tokens, for dispatch and combine.

    Raises:
        ValueError: unknown operation, or a size that is negative or not finite.
    """
    sizes = np.asarray(size_bytes, np.float64)
    if not bool(np.all(np.isfinite(sizes) & (sizes >= 0))):
        raise ValueError("sizes of collectives are finite numbers of bytes from 0")
    options = algorithms_of(op, ranks, fabric) if algorithm is None else (algorithm,)
    if ranks < 2:
        times = np.zeros_like(sizes)
    else:
        times = np.min(
            [
                algorithm_s(
                    sizes,
                    work_of(op, option, ranks, fabric, traffic),
                    ranks,
                    fabric,
                    parameters.of(op, option),
                )
                for option in options
            ],
            axis=0,
        )
    return float(times) if np.ndim(size_bytes) == 0 else times


def choose(
    op: str,
    ranks: int,
    size_bytes: float,
    fabric: CollectiveFabric,
    parameters: CollectiveParameters,
    traffic: ExpertTraffic = USUAL_TRAFFIC,
) -> Choice:
    """Which algorithm is taken for one size, and how long it takes."""
    rows = [
        Choice(
            algorithm=option,
            seconds=collective_s(op, ranks, size_bytes, fabric, parameters, option, traffic),
        )
        for option in algorithms_of(op, ranks, fabric)
    ]
    return min(rows, key=lambda row: row.seconds)


def algorithm_s(
    sizes: F8, work: Work, ranks: int, fabric: CollectiveFabric, parameters: OpParameters
) -> F8:
    """Seconds of one algorithm for each size in bytes."""
    terms = Terms(*(np.asarray(value) for value in terms_of(work, ranks, fabric)))
    return curve_s(sizes, terms, numbers_of(parameters))
