"""Least squares on positive parameters that are shared by degrees: general, family, operation.

log p[j, row] = log prior[j] + sum over factors of effect[j, level of the row]; every effect has a
normal prior around 0, so that a level with few rows stays near the general value and a level
without rows is the general value with a wide range (partial pooling: Gelman and Hill, "Data
analysis using regression and multilevel models", 2007, 12). Errors count by their magnitude, not
square: rows far off are weighted down at each pass (Huber, 1964).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
# log parameters [options, parameters] -> log of each option's prediction, and its row
Predict = Callable[[F8], tuple[F8, I8]]

NOISE = 0.08  # spread of the logarithm of one measurement about a curve of the model's shape
HUBER = 0.12  # beyond this error of the logarithm a row counts by magnitude
PASSES = 3
STEPS = 40
TOLERANCE = 2e-4  # share of the cost that a step must still gain
_STEP = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One way in which parameters differ: `labels` a row each, `sigma` a parameter each."""

    name: str
    labels: tuple[str, ...]
    sigma: F8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A fit: effects by factor and level, with their covariance, to be summed for any levels."""

    prior_log: F8  # [parameters]
    factors: tuple[Factor, ...]
    columns: dict[tuple[str, str], int]
    effects: F8  # [parameters, columns]
    covariance: F8  # [parameters x columns, parameters x columns]

    def means(self, levels: dict[str, str]) -> F8:
        """Logarithms of the parameters for levels by factor name."""
        result = self.prior_log.copy()
        for factor in self.factors:
            column = self.columns.get((factor.name, levels.get(factor.name, "")))
            if column is not None:
                result += self.effects[:, column]
        return result

    def estimate(self, levels: dict[str, str]) -> tuple[F8, F8]:
        """Logarithms of the parameters and their standard deviations for levels by factor name."""
        parameters, width = self.effects.shape
        mark = np.zeros(width)
        unknown = np.zeros(parameters)
        for factor in self.factors:
            column = self.columns.get((factor.name, levels.get(factor.name, "")))
            if column is None:
                unknown += factor.sigma**2
            else:
                mark[column] = 1.0
        blocks = self.covariance.reshape(parameters, width, parameters, width)
        known = np.einsum("jajb,a,b->j", blocks, mark, mark)
        return self.prior_log + self.effects @ mark, np.sqrt(known + unknown)


def fit_pooled(
    predict: Predict, measured_log: F8, weight: F8, prior_log: F8, factors: Sequence[Factor]
) -> Pooled:
    """Effects that explain the measured logarithms best.

    A row may have several options, of which the quickest counts.

    Args:
        predict: the model; options must be independent of each other and ordered by row.
        measured_log: [rows] logarithm of what was measured.
        weight: [rows] in how many measurements a row counts.
        prior_log: [parameters] general value of each parameter before any data.
        factors: how parameters may differ; every factor has a label for each option.
    """
    columns = {
        (factor.name, label): number
        for number, (factor, label) in enumerate(
            (factor, label) for factor in factors for label in sorted(set(factor.labels))
        )
    }
    width, parameters = len(columns), len(prior_log)
    marks = np.zeros((len(factors[0].labels), width))
    sigma = np.ones((parameters, width))
    for factor in factors:
        for row, label in enumerate(factor.labels):
            marks[row, columns[factor.name, label]] = 1.0
        for label in set(factor.labels):
            sigma[:, columns[factor.name, label]] = factor.sigma
    problem = _Problem(predict, measured_log, prior_log, marks, sigma)
    z = np.zeros(parameters * width)
    scale = np.sqrt(weight) / NOISE
    for _ in range(PASSES):
        miss = np.abs(problem.errors(z))
        problem.scale = scale * np.sqrt(HUBER / np.maximum(miss, HUBER))
        z = _descend(problem, z)
    inverse = cho_solve(cho_factor(problem.normal(z)[0]), np.eye(len(z)))
    outer = sigma.ravel()
    return Pooled(
        prior_log=prior_log,
        factors=tuple(factors),
        columns=columns,
        effects=z.reshape(parameters, width) * sigma,
        covariance=inverse * outer[:, None] * outer[None, :],
    )


def _descend(problem: "_Problem", z: F8) -> F8:
    """Levenberg and Marquardt's steps until none lowers the cost (Marquardt, 1963)."""
    cost, damping = problem.cost(z), 1e-2
    for _ in range(STEPS):
        matrix, gradient = problem.normal(z)
        before = cost
        while damping < 1e8:
            damped = matrix + damping * np.diag(np.diag(matrix))
            trial = z - cho_solve(cho_factor(damped), gradient)
            value = problem.cost(trial)
            if value < cost:
                z, cost, damping = trial, value, max(damping / 5.0, 1e-9)
                break
            damping *= 4.0
        if before - cost < TOLERANCE * before:
            break
    return z


class _Problem:
    """Residuals and their Jacobian in effects measured in their own sigma."""

    def __init__(
        self, predict: Predict, measured_log: F8, prior_log: F8, marks: F8, sigma: F8
    ) -> None:
        self.predict, self.measured_log, self.prior_log = predict, measured_log, prior_log
        self.marks, self.sigma = marks, sigma
        self.scale = np.ones(len(measured_log))

    def parameters(self, z: F8) -> F8:
        effects = z.reshape(self.sigma.shape) * self.sigma
        return np.asarray(self.prior_log + self.marks @ effects.T)

    def quickest(self, logs: F8) -> I8:
        """The option with the least time of each row."""
        times, rows = self.predict(logs)
        order = np.lexsort((times, rows))
        first = np.searchsorted(rows[order], np.arange(len(self.measured_log)))
        return np.asarray(order[first])

    def errors(self, z: F8) -> F8:
        logs = self.parameters(z)
        return self.predict(logs)[0][self.quickest(logs)] - self.measured_log

    def cost(self, z: F8) -> float:
        """Half the squared misses, of rows and of priors."""
        miss = self.errors(z) * self.scale
        return 0.5 * float(miss @ miss + z @ z)

    def normal(self, z: F8) -> tuple[F8, F8]:
        """The normal equations' matrix and the gradient of the cost."""
        at = self.parameters(z)
        base, _ = self.predict(at)
        taken = self.quickest(at)
        miss = (base[taken] - self.measured_log) * self.scale
        parts = []
        for j in range(len(self.prior_log)):
            moved = at.copy()
            moved[:, j] += _STEP
            slope = ((self.predict(moved)[0] - base) / _STEP)[taken]
            parts.append((slope * self.scale)[:, None] * self.marks[taken] * self.sigma[j])
        jacobian = np.hstack(parts)
        matrix = jacobian.T @ jacobian
        matrix[np.diag_indices_from(matrix)] += 1.0
        return matrix, jacobian.T @ miss + z
