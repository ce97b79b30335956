"""Fit of the system terms on whole-system measurements.

Each measured cell is run once by the event loop; what it did is priced under trial terms
(`engine.study.pricing`), and scipy's least squares moves the terms until the logarithm of
predicted over measured seconds is least: one residual a row, rows of a cluster sharing the weight
of one, a soft loss against outliers. Every term is drawn to a prior, the same for all families,
with a spread in the logarithm; a family with few rows stays near it. Ten terms a chip family,
six a serving engine (shared by all families), none a model or a row.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from engine.cost.efficiency import ENGINE_TERMS, FAMILY_TERMS, SystemTerms
from engine.scenario.design import Precision, ServingEngine
from engine.study.pricing import COLUMNS, TTFT
from engine.study.runs import CellRun

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

# log of the prior and its spread, in the order of FAMILY_TERMS and ENGINE_TERMS
FAMILY_PRIOR = (0.1, 0.1, 0.05, 0.1, 0.1, 0.05, 0.05, 0.1, 0.1, 0.0)
FAMILY_SPREAD = (0.25, 0.25, 0.2, 0.3, 0.25, 0.25, 0.25, 0.25, 0.4, 0.4)
ENGINE_PRIOR = (*np.log([8e-6, 1e-3, 5e-6, 3e-5, 2.5e-2]), 0.0)
ENGINE_SPREAD = (1.0, 1.0, 1.0, 1.0, 0.3, 1e-3)
PROMPT_SPREAD_2023 = 0.7  # engines before paged prompt kernels: their prompts are slower
PRIOR_WEIGHT = 0.4
SOFT = 0.07  # residuals beyond this count linearly
FOLDS = 6

# how much a cluster of each metric weighs; front ends of closed loops are less alike
METRIC_WEIGHT = {
    "throughput": 1.0, "burst": 0.5, "tpot": 1.0, "open-tpot": 0.5, "static-tpot": 1.0,
    "static-throughput": 1.0, "prefill": 1.0, "ttft": 0.1,
}  # fmt: skip
UNQUEUED_CLIENTS = 16  # a closed loop of more has first tokens that mostly wait

START = SystemTerms(
    gemm_compute=1.1, gemm_memory=1.05, experts_compute=1.1, experts_memory=1.1, decode=1.05,
    prefill_attention=1.1, communication=1.1, layer_s=8e-6, step_s=1e-3, sequence_s=5e-6,
    eager_s=3e-5, frontend_s=0.025,
)  # fmt: skip


class Observation(NamedTuple):
    """One measured number and the ledger row that it is compared with."""

    row_id: str
    cluster: str
    pair: str  # hardware and model: held out together
    hardware: str
    model: str
    family: str
    engine: str
    metric: str
    narrow: bool
    narrow_kv: bool
    sums: F8  # [columns]
    constant_s: float
    frontend_s: float
    measured_s: float


def observations_of(
    run: CellRun, row: Mapping[str, str], number: Callable[[str], float | None]
) -> list[Observation]:
    """What a row measured, in seconds; `number` reads one of its columns."""
    plan, ledger = run.plan, run.ledger
    scenario = plan.scenario
    rate = number("out_tok_s_per_accel")
    ttft = number("ttft_ms_mean") or number("ttft_ms_median")
    tpot = number("tpot_ms_mean") or number("tpot_ms_median")
    makespan = ledger.output_tokens / plan.chips / rate if rate else None
    rows: list[tuple[str, int, float | None]] = []
    if scenario == "offline-max" or scenario.startswith("burst"):
        rows.append(("throughput" if scenario == "offline-max" else "burst", 0, makespan))
    elif scenario == "static-batch":
        rows.append(("static-throughput", 0, None if tpot else makespan))
        rows.append(("static-tpot", 2, tpot and tpot * 1e-3))
        rows.append(("prefill", 1, ttft and ttft * 1e-3))
    elif scenario == "prefill-latency-b1":
        rows.append(("prefill", 1, ttft and ttft * 1e-3))
    elif scenario.startswith("closed-loop"):
        rows.append(
            ("tpot" if scenario == "closed-loop" else "open-tpot", 2, tpot and tpot * 1e-3)
        )
        if int(plan.requests.concurrency) <= UNQUEUED_CLIENTS:
            rows.append(("ttft", 1, ttft and ttft * 1e-3))
    elif scenario.startswith("open-loop"):
        rows.append(("open-tpot", 2, tpot and tpot * 1e-3))
    hardware, model = row.get("hardware", ""), row.get("model", "")
    return [
        Observation(
            row_id=row.get("id", ""),
            cluster=row.get("cluster", "") or row.get("id", ""),
            pair=f"{hardware}|{model}",
            hardware=hardware,
            model=model,
            family=plan.chip.family,
            engine=plan.deployment.engine.value,
            metric=metric,
            narrow=plan.deployment.precision is not Precision.BF16,
            narrow_kv=plan.deployment.kv_precision is not Precision.BF16,
            sums=ledger.sums[at],
            constant_s=float(ledger.constant_s[at]),
            frontend_s=ledger.frontend_s if at == TTFT else 0.0,
            measured_s=float(measured),
        )
        for metric, at, measured in rows
        if measured and measured > 0
    ]


class Problem(NamedTuple):
    """The fit's arrays. Families and engines are numbered; parameters are logarithms."""

    families: list[str]
    engines: list[str]
    family: I8  # [rows]
    engine: I8  # [rows]
    gemm: I8  # [rows] column of the GEMM's factor: wide or narrow
    decode: I8  # [rows]
    sums: F8  # [rows, columns]
    constant_s: F8  # [rows] without the front end
    first_token: F8  # [rows] 1 where the front end counts
    measured_s: F8
    weight: F8  # [rows] root of a row's share of its cluster
    pair: NDArray[np.str_]


def problem_of(rows: Sequence[Observation]) -> Problem:
    """Arrays of the observations; each cluster of a metric has the weight of one row."""
    families = sorted({row.family for row in rows})
    engines = [engine.value for engine in ServingEngine]
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        counts[row.metric, row.cluster] = counts.get((row.metric, row.cluster), 0) + 1
    weight = [METRIC_WEIGHT[row.metric] / counts[row.metric, row.cluster] for row in rows]
    return Problem(
        families=families,
        engines=engines,
        family=np.array([families.index(row.family) for row in rows]),
        engine=np.array([engines.index(row.engine) for row in rows]),
        gemm=np.array([_at("gemm_narrow" if row.narrow else "gemm_wide") for row in rows]),
        decode=np.array(
            [_at("decode_narrow" if row.narrow_kv else "decode_wide") for row in rows]
        ),
        sums=np.stack([row.sums for row in rows]),
        constant_s=np.array([row.constant_s - row.frontend_s for row in rows]),
        first_token=np.array([float(row.metric == "ttft") for row in rows]),
        measured_s=np.array([row.measured_s for row in rows]),
        weight=np.sqrt(weight),
        pair=np.array([row.pair for row in rows]),
    )


def _at(name: str) -> int:
    return FAMILY_TERMS.index(name)


class Fit(NamedTuple):
    """Logarithms of all terms and their standard errors."""

    family: F8  # [families, terms]
    engine: F8  # [engines, terms]
    family_error: F8
    engine_error: F8


def predicted_s(problem: Problem, family: F8, engine: F8, rows: I8 | None = None) -> F8:
    """Seconds of each observation under terms given as logarithms."""
    at = np.arange(len(problem.family)) if rows is None else rows
    own, of_engine = np.exp(family[problem.family[at]]), np.exp(engine[problem.engine[at]])
    pick = np.arange(len(at))
    prompt = of_engine[:, ENGINE_TERMS.index("prompt")]
    overhead = own[:, _at("overhead")]
    factors = {
        "gemm_compute": own[pick, problem.gemm[at]] * prompt,
        "gemm_memory": own[:, _at("gemm_memory")],
        "experts_compute": own[:, _at("experts_compute")],
        "experts_memory": own[:, _at("experts_memory")],
        "decode": own[pick, problem.decode[at]],
        "prefill_attention": own[:, _at("prefill_attention")] * prompt,
        "communication": own[:, _at("communication")],
        **{
            name: of_engine[:, ENGINE_TERMS.index(name)] * overhead
            for name in ("layer_s", "step_s", "sequence_s", "eager_s")
        },
    }
    matrix = np.stack([factors[name] for name in COLUMNS], axis=1)
    front = of_engine[:, ENGINE_TERMS.index("frontend_s")] * problem.first_token[at]
    total = (problem.sums[at] * matrix).sum(axis=1) + problem.constant_s[at] + front
    return np.maximum(np.asarray(total, np.float64), 1e-9)


def fit_terms(problem: Problem, rows: I8 | None = None) -> Fit:
    """The terms that fit `rows` (all of them if None) best, with standard errors of logarithms."""
    at = np.arange(len(problem.family)) if rows is None else rows
    nf, ne = len(problem.families), len(problem.engines)
    prior = np.concatenate([np.tile(FAMILY_PRIOR, nf), np.tile(ENGINE_PRIOR, ne)])
    spread = np.concatenate([np.tile(FAMILY_SPREAD, nf), np.tile(ENGINE_SPREAD, ne)])
    old = problem.engines.index(ServingEngine.VLLM_2023.value)
    spread[nf * len(FAMILY_TERMS) + (old + 1) * len(ENGINE_TERMS) - 1] = PROMPT_SPREAD_2023
    split = nf * len(FAMILY_TERMS)

    def residuals(values: F8) -> F8:
        family = values[:split].reshape(nf, -1)
        engine = values[split:].reshape(ne, -1)
        ratio = predicted_s(problem, family, engine, at) / problem.measured_s[at]
        pull = PRIOR_WEIGHT * (values - prior) / spread
        return np.concatenate([np.log(ratio) * problem.weight[at], pull])

    found = least_squares(residuals, prior, loss="soft_l1", f_scale=SOFT, max_nfev=300)
    error = _standard_errors(np.asarray(found.jac), np.asarray(found.fun), len(at))
    values = np.asarray(found.x)
    return Fit(
        values[:split].reshape(nf, -1),
        values[split:].reshape(ne, -1),
        error[:split].reshape(nf, -1),
        error[split:].reshape(ne, -1),
    )


def _standard_errors(jacobian: F8, residuals: F8, rows: int) -> F8:
    """Of a penalised least squares: inverse of J'J times the variance of a row's residual."""
    noise = max(float(np.var(residuals[:rows])), 1e-6)
    inverse = np.linalg.inv(jacobian.T @ jacobian)
    return np.sqrt(np.maximum(np.diag(inverse) * noise, 0.0))


def held_out_s(problem: Problem, seed: int = 0) -> F8:
    """Predictions of each row by a fit that saw no row of its (hardware, model) pair."""
    pairs = np.array(sorted(set(problem.pair.tolist())))
    order = np.random.default_rng(seed).permutation(len(pairs))
    predicted = np.zeros(len(problem.pair))
    for fold in np.array_split(pairs[order], min(FOLDS, len(pairs))):
        out = np.isin(problem.pair, fold)
        fit = fit_terms(problem, np.flatnonzero(~out))
        inside = np.flatnonzero(out)
        predicted[inside] = predicted_s(problem, fit.family, fit.engine, inside)
    return predicted
