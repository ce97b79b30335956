"""From a fit of system terms to `serving.json`: values, ranges, what each rests on, what is left."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cost.efficiency import (
    CLASS,
    ENGINE_TERMS,
    FAMILY_TERMS,
    Basis,
    EngineTerms,
    FamilyTerms,
    Ranged,
    Spread,
    SystemFile,
)
from engine.storage.atomic import write_atomic
from engine.study.calibration.serving import (
    FAMILY_SPREAD,
    Fit,
    Observation,
    Problem,
    predicted_s,
)

F8 = NDArray[np.float64]

Z80 = 1.2816  # standard deviations on each side of an 80 % range
THIN_ROWS = 40  # fewer: the prior still decides most terms
LEAST_SPREAD_ROWS = 25  # fewer: the spread of all families is taken
MAD_TO_SIGMA = 1.4826  # of a normal distribution
PRIOR_WIDENING = 1.35  # of the spread where a family has no rows at all
BANDS = {
    "throughput": ("throughput",),
    "burst": ("burst",),
    "static": ("static-throughput", "static-tpot"),
    "tpot": ("tpot", "open-tpot"),
    "ttft": ("ttft",),
    "prefill": ("prefill",),
}


def system_file(
    problem: Problem, rows: Sequence[Observation], fit: Fit, held_out_s: F8, date: str
) -> SystemFile:
    """Everything that predictions need of a fit."""
    families = {
        name: FamilyTerms(**_ranged(FAMILY_TERMS, fit.family[i], fit.family_error[i]))
        for i, name in enumerate(problem.families)
    }
    engines = {
        name: EngineTerms(**_ranged(ENGINE_TERMS, fit.engine[i], fit.engine_error[i]))
        for i, name in enumerate(problem.engines)
    }
    basis = {name: _basis(name, rows) for name in problem.families}
    families[CLASS] = _class_prior(problem, fit, basis)
    basis[CLASS] = Basis(
        kind="prior",
        rows=0,
        clusters=0,
        why="no published measurement names such a chip: the median of the fitted families, with "
        "their scatter as range",
    )
    return SystemFile(
        date=date,
        families=families,
        engines=engines,
        basis=basis,
        spreads=_spreads(problem, rows, predicted_s(problem, fit.family, fit.engine), held_out_s),
    )


def write_system(path: Path, system: SystemFile) -> None:
    """Writes the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(system, order="deterministic"), indent=1)
    write_atomic(path, text + b"\n")


def _ranged(names: tuple[str, ...], value: F8, error: F8) -> dict[str, Ranged]:
    return {
        name: Ranged(
            float(np.exp(value[i])),
            float(np.exp(value[i] - Z80 * error[i])),
            float(np.exp(value[i] + Z80 * error[i])),
        )
        for i, name in enumerate(names)
    }


def _basis(family: str, rows: Sequence[Observation]) -> Basis:
    own = [row for row in rows if row.family == family]
    clusters = len({row.cluster for row in own})
    chips = ", ".join(sorted({row.hardware for row in own}))
    thin = len(own) < THIN_ROWS
    why = f"{len(own)} measured numbers in {clusters} cells on {chips}"
    if thin:
        why += ": too few for ten terms, so that most stay near the prior"
    return Basis(kind="shrunken" if thin else "fitted", rows=len(own), clusters=clusters, why=why)


def _class_prior(problem: Problem, fit: Fit, basis: dict[str, Basis]) -> FamilyTerms:
    """Median of the well measured families; their scatter and half the prior's spread are the range.

    The median, because one family can stand aside for reasons of its own: communication of cards
    on PCIe, whose published deployments are quicker than the published collectives allow.
    """
    known = [i for i, name in enumerate(problem.families) if basis[name].kind == "fitted"]
    chosen = fit.family[known or range(len(problem.families))]
    away = np.median(np.abs(chosen - np.median(chosen, axis=0)), axis=0) * MAD_TO_SIGMA
    scatter = np.sqrt(away**2 + (0.5 * np.array(FAMILY_SPREAD)) ** 2)
    return FamilyTerms(**_ranged(FAMILY_TERMS, np.median(chosen, axis=0), scatter))


def _spreads(
    problem: Problem, rows: Sequence[Observation], seen_s: F8, held_out_s: F8
) -> dict[str, dict[str, Spread]]:
    """Quantiles of ln(measured / predicted), seen and held out, by metric and family."""
    miss = np.log(np.tile(problem.measured_s, 2) / np.concatenate([seen_s, held_out_s]))
    family = np.tile([row.family for row in rows], 2)
    metric = np.tile([row.metric for row in rows], 2)
    spreads: dict[str, dict[str, Spread]] = {}
    for band, members in BANDS.items():
        inside = np.isin(metric, members)
        whole = _quantiles(miss[inside])
        spreads[band] = {"all": whole}
        for name in problem.families:
            own = inside & (family == name)
            if own.sum() >= 2 * LEAST_SPREAD_ROWS:
                spreads[band][name] = _quantiles(miss[own])
        wide = PRIOR_WIDENING
        spreads[band][CLASS] = Spread(low=whole.low * wide, high=whole.high * wide, rows=0)
    return spreads


def _quantiles(miss: F8) -> Spread:
    if not len(miss):
        return Spread(low=-0.7, high=0.7, rows=0)
    low, high = np.quantile(miss, [0.1, 0.9])
    return Spread(low=float(min(low, 0.0)), high=float(max(high, 0.0)), rows=len(miss) // 2)
