"""How far off a prediction may be: Monte Carlo over the catalogue's ranges and the fit's spread.

Each sample draws the chip's estimated figures inside their ranges, for chips without measurements
the system terms too, and how far measurements lay from predictions on rows that the fit had not
seen. The band is the middle 80 % of the samples. Equal seeds give equal bands.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.catalog.figures import Figure
from engine.catalog.llms import LlmSpec
from engine.cost.curves import CurveSet
from engine.cost.efficiency import (
    CLASS,
    ENGINE_TERMS,
    FAMILY_TERMS,
    Ranged,
    Spread,
    SystemFile,
    SystemTerms,
    family_terms,
    resolve,
)
from engine.cost.layers import Load
from engine.scenario.design import Deployment
from engine.study.pricing import MAKESPAN, TPOT, TTFT, ledger_of, priced
from engine.study.schedule import Schedule

F8 = NDArray[np.float64]

SAMPLES = 200
SEED = 20_26
LOW, HIGH = 0.1, 0.9  # quantiles of the band
Z80 = 1.2816
SAMPLED_FIGURES = (
    "memory_bandwidth_bytes_per_s", "bf16_flops", "fp8_flops", "fp4_flops", "int8_flops",
    "scale_up_bytes_per_s",
)  # fmt: skip

# spreads of makespan, TTFT and TPOT, by what a run is
OFFLINE = ("throughput", "ttft", "burst")
BURST = ("burst", "ttft", "burst")
STATIC = ("static", "prefill", "static")
LOADED = ("tpot", "ttft", "tpot")
DRAWN = ("throughput", "prefill", "tpot")  # steps of a design, without its queues


class Bands(NamedTuple):
    """Low and high seconds of each metric, [2] each."""

    makespan_s: F8
    ttft_s: F8
    tpot_s: F8


def bands(
    schedule: Schedule,
    deployment: Deployment,
    llm: LlmSpec,
    chip: DeviceSpec,
    load: Load,
    curves: CurveSet,
    system: SystemFile,
    *,
    frontend_s: float,
    spreads: tuple[str, str, str] = LOADED,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> Bands:
    """The 80 % band of a schedule's metrics.

    Args:
        schedule: of a run of this deployment.
        deployment: as it was run.
        llm: the model.
        chip: with its ranges.
        load: around which attention is affine.
        curves: of operators.
        system: the fitted terms.
        frontend_s: of the run.
        spreads: names of the spreads of makespan, TTFT and TPOT, by the kind of run.
        samples: draws.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    fixed = [name for name in SAMPLED_FIGURES if _is_ranged(chip.figure(name))]
    ledger = ledger_of(schedule, deployment, llm, chip, load, curves, frontend_s)
    drawn = np.zeros((samples, 3))
    common = generator.standard_normal((samples, 2))
    for i in range(samples):
        if fixed:
            sampled = _sampled_chip(chip, fixed, float(common[i, 0]), float(common[i, 1]))
            ledger = ledger_of(schedule, deployment, llm, sampled, load, curves, frontend_s)
        terms = sampled_terms(system, chip.family, deployment, generator)
        drawn[i] = priced(ledger, terms)
    for column, metric in zip((MAKESPAN, TTFT, TPOT), spreads, strict=True):
        spread = spread_of(system, metric, chip.family)
        drawn[:, column] *= np.exp(_two_piece(spread, generator.standard_normal(samples)))
    low, high = np.quantile(drawn, [LOW, HIGH], axis=0)
    return Bands(*(np.array([low[c], high[c]]) for c in (MAKESPAN, TTFT, TPOT)))


def spread_of(system: SystemFile, metric: str, family: str) -> Spread:
    """What the fit leaves of a metric: of the family, of all, or of the class without rows."""
    rows = system.spreads[metric]
    if family not in system.families:
        return rows[CLASS]
    return rows.get(family, rows["all"])


def sampled_terms(
    system: SystemFile, family: str, deployment: Deployment, generator: np.random.Generator
) -> SystemTerms:
    """Terms of a deployment: drawn from the prior's ranges without measurements, fixed with.

    The spread on held-out rows already contains how uncertain fitted terms are.
    """
    known = family in system.families
    own = family_terms(family, system)
    engine = system.engines[deployment.engine.value]
    return resolve(
        {
            name: getattr(own, name).value if known else _drawn(getattr(own, name), generator)
            for name in FAMILY_TERMS
        },
        {name: getattr(engine, name).value for name in ENGINE_TERMS},
        deployment,
    )


def _drawn(term: Ranged, generator: np.random.Generator) -> float:
    """A log-normal draw whose 80 % range is the term's."""
    sigma = np.log(term.high / term.low) / (2 * Z80)
    return float(term.value * np.exp(sigma * generator.standard_normal()))


def _two_piece(spread: Spread, normal: F8) -> F8:
    """Draws of ln(measured / predicted) whose quantiles 0.1 and 0.9 are the spread's."""
    return np.where(normal > 0, normal * spread.high, -normal * spread.low) / Z80


def _is_ranged(figure: Figure | None) -> bool:
    return (
        figure is not None
        and figure.low is not None
        and figure.high is not None
        and figure.high > figure.low > 0
    )


def _sampled_chip(
    chip: DeviceSpec, names: list[str], of_arithmetic: float, of_memory: float
) -> DeviceSpec:
    """The chip with figures drawn inside their ranges; all formats' FLOP/s move together.

    A range is read as the middle 90 % of a two-piece log-normal around the nominal value.
    """
    figures = dict(chip.figures)
    for name in names:
        figure = figures[name]
        assert figure.low is not None
        assert figure.high is not None
        normal = of_arithmetic if name.endswith("_flops") else of_memory
        end = figure.high if normal > 0 else figure.low
        factor = (end / figure.value) ** (abs(normal) / 1.645)
        factor = float(np.clip(factor, figure.low / figure.value, figure.high / figure.value))
        figures[name] = msgspec.structs.replace(figure, value=figure.value * factor)
    return msgspec.structs.replace(chip, figures=figures)
