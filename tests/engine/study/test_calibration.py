"""The fits find what was put in, say how sure they are, and repeat."""

import numpy as np
import pytest

from engine.cost.curves import Work, closed_form_s
from engine.cost.efficiency import ENGINE_TERMS, FAMILY_TERMS
from engine.scenario.design import ServingEngine
from engine.study.calibration.network import fit_network
from engine.study.calibration.operator_data import Samples, _least
from engine.study.calibration.operators import fit_curve
from engine.study.calibration.serving import (
    ENGINE_PRIOR,
    FAMILY_PRIOR,
    Observation,
    fit_terms,
    held_out_s,
    predicted_s,
    problem_of,
)
from engine.study.calibration.serving_file import system_file
from engine.study.calibration.serving_report import by_cluster, relative_errors
from engine.study.pricing import COLUMNS


def observations(
    noise: float = 0.0, families: tuple[str, ...] = ("hopper", "cdna4"), rows: int = 120
) -> list[Observation]:
    """Rows of made-up work, measured under known terms: hopper as the prior, cdna4 1.4 times."""
    generator = np.random.default_rng(5)
    made = []
    for i in range(rows):
        family = families[i % len(families)]
        sums = np.concatenate([generator.uniform(0, 1, 7), generator.uniform(0, 20, 4)])
        made.append(
            Observation(
                row_id=str(i), cluster=f"c{i // 3}", pair=f"{family}|m{i % 10}", hardware=family,
                model=f"m{i % 10}", family=family, engine="vllm", metric="tpot", narrow=i % 4 > 1,
                narrow_kv=i % 4 == 1, sums=sums, constant_s=0.0, frontend_s=0.0, measured_s=1.0,
            )
        )  # fmt: skip
    problem = problem_of(made)
    family_terms = np.tile(FAMILY_PRIOR, (len(problem.families), 1))
    if "cdna4" in problem.families:
        family_terms[problem.families.index("cdna4"), :9] += np.log(1.4)
    engine_terms = np.tile(ENGINE_PRIOR, (len(problem.engines), 1))
    truth = predicted_s(problem, family_terms, engine_terms)
    truth = truth * np.exp(noise * generator.standard_normal(len(truth)))
    return [row._replace(measured_s=float(s)) for row, s in zip(made, truth, strict=True)]


def test_the_fit_finds_terms_that_reproduce_the_measurements() -> None:
    rows = observations()
    problem = problem_of(rows)
    fit = fit_terms(problem)
    predicted = predicted_s(problem, fit.family, fit.engine)
    errors = relative_errors(rows, problem.measured_s, predicted)
    assert float(np.median(errors)) < 0.03
    slow, fast = (problem.families.index(name) for name in ("cdna4", "hopper"))
    apart = fit.family[slow, :9] - fit.family[fast, :9]
    assert 0.1 < apart.mean() < np.log(1.4) * 1.1


def test_equal_rows_give_equal_terms() -> None:
    one, two = (fit_terms(problem_of(observations(0.1))) for _ in range(2))
    assert (one.family == two.family).all()
    assert (one.engine == two.engine).all()


def test_a_family_with_few_rows_stays_near_the_prior_and_is_less_sure() -> None:
    rows = observations(0.1)
    few = [row for row in rows if row.family == "hopper"]
    few += [row for row in rows if row.family == "cdna4"][:2]
    problem = problem_of(few)
    fit = fit_terms(problem)
    thin, thick = problem.families.index("cdna4"), problem.families.index("hopper")
    gap = np.abs(fit.family[thin] - np.array(FAMILY_PRIOR))
    full_problem = problem_of(rows)
    full = fit_terms(full_problem).family[full_problem.families.index("cdna4")]
    assert gap.mean() < np.abs(full - np.array(FAMILY_PRIOR)).mean()
    assert fit.family_error[thin].mean() > fit.family_error[thick].mean()


def test_held_out_pairs_are_predicted_without_their_rows() -> None:
    rows = observations(0.1)
    honest = held_out_s(problem_of(rows))
    spoiled = [
        row._replace(measured_s=row.measured_s * 50) if row.pair == "hopper|m0" else row
        for row in rows
    ]
    again = held_out_s(problem_of(spoiled))
    own = np.array([row.pair == "hopper|m0" for row in rows])
    np.testing.assert_allclose(again[own], honest[own], rtol=1e-9)


def test_clusters_count_once_whatever_their_rows() -> None:
    rows = observations()
    many = [*rows, *[rows[0]] * 50]
    problem = problem_of(many)
    same = np.array([row.cluster == rows[0].cluster for row in many])
    assert float((problem.weight[same] ** 2).sum()) == pytest.approx(1.0)
    errors = by_cluster(many, np.where(same, 0.5, 0.1))
    assert max(errors["tpot"].tolist()) == pytest.approx(0.5)
    assert len(errors["tpot"]) == 40


def test_the_file_says_what_each_family_rests_on() -> None:
    rows = observations(0.1)
    rows += [row._replace(family="ascend", hardware="910B") for row in rows[:6]]
    problem = problem_of(rows)
    fit = fit_terms(problem)
    system = system_file(problem, rows, fit, held_out_s(problem), "2026-01")
    assert system.basis["hopper"].kind == "fitted"
    assert system.basis["ascend"].kind == "shrunken"
    assert system.basis["class"].kind == "prior"
    assert "6 measured numbers" in system.basis["ascend"].why
    for name in FAMILY_TERMS:
        term = getattr(system.families["hopper"], name)
        wide = getattr(system.families["class"], name)
        assert term.low < term.value < term.high
        assert wide.high / wide.low > 1.05
    assert set(system.engines) == {engine.value for engine in ServingEngine}
    assert len(ENGINE_TERMS) + len(FAMILY_TERMS) < 18
    assert len(FAMILY_TERMS) < 12
    assert system.spreads["tpot"]["class"].rows == 0


def test_rates_and_times_have_errors_of_their_own() -> None:
    row = observations()[0]
    rows = [row._replace(metric="throughput"), row]
    errors = relative_errors(rows, np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    assert errors.tolist() == [0.5, 1.0]


def made_samples(seed: int) -> Samples:
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(60), 30)
    shape = generator.uniform(-1, 1, (len(groups), 3))
    work = Work(
        10.0 ** generator.uniform(-6, -2, len(groups)),
        10.0 ** generator.uniform(-6, -2, len(groups)),
        shape,
    )
    closed = closed_form_s(work, np.log([0.6, 0.8, 5e-6, 2.0]))
    measured = closed * np.exp(0.4 * np.sin(2 * shape[:, 0]) - 0.3 * shape[:, 1] * shape[:, 2])
    return Samples("gemm", "bf16", work, measured, groups.astype(str))


def test_a_curve_learns_a_correction_that_no_closed_form_has() -> None:
    curve, closed = fit_curve(made_samples(0))
    assert closed > 0.12
    assert curve.error < 0.05
    assert np.exp(curve.theta[0]) == pytest.approx(0.6, rel=0.2)
    again, _ = fit_curve(made_samples(0))
    assert (again.w1 == curve.w1).all()


def test_too_few_shapes_get_no_correction() -> None:
    full = made_samples(1)
    generator = np.random.default_rng(2)
    kept = np.isin(full.group, np.unique(full.group)[:10]) & (generator.random(1800) < 0.06)
    noisy = full.measured_s * np.exp(generator.normal(0, 0.8, len(full.measured_s)))
    few = Samples(
        "gemm", "bf16", Work(*(part[kept] for part in full.work)), noisy[kept], full.group[kept]
    )
    curve, closed = fit_curve(few)
    assert curve.error <= closed


def test_a_network_follows_a_smooth_function() -> None:
    generator = np.random.default_rng(3)
    inputs = generator.uniform(-1, 1, (600, 2))
    target = np.tanh(2 * inputs[:, 0]) * inputs[:, 1]
    net = fit_network(inputs, target, np.ones(600))
    hidden = np.tanh(np.tanh(inputs @ net.w1 + net.b1) @ net.w2 + net.b2)
    assert float(np.abs(hidden @ net.w3[:-1] + net.w3[-1] - target).mean()) < 0.05


def test_of_several_kernels_the_fastest_counts() -> None:
    table = {
        "m": np.array([1, 1, 2, 1]), "n": np.array([8, 8, 8, 9]),
        "latency": np.array([3.0, 2.0, 5.0, 7.0]),
    }  # fmt: skip
    found = _least(table, ("m", "n"))
    assert found["latency"].tolist() == [2.0, 7.0, 5.0]
    assert len(COLUMNS) == 11
