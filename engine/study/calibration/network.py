"""A small network of two hidden layers, fitted with its analytic gradient; no framework needed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

F8 = NDArray[np.float64]

HIDDEN = 16
PENALTY = 1e-4  # weight decay
ITERATIONS = 400
TURN = 0.3  # residuals above this count linearly (pseudo-Huber)


class Weights(NamedTuple):
    """Arrays of the network tanh(tanh(x w1 + b1) w2 + b2) w3."""

    w1: F8  # [features, hidden]
    b1: F8
    w2: F8  # [hidden, hidden]
    b2: F8
    w3: F8  # [hidden + 1], the last is the constant


def fit_network(inputs: F8, target: F8, weight: F8, seed: int = 0) -> Weights:
    """The network whose output is nearest to `target` [rows] in the weighted pseudo-Huber loss.

    Args:
        inputs: [rows, features], of order one.
        target: [rows].
        weight: [rows], how much each counts.
        seed: of the first weights; equal seeds give equal results.
    """
    features = inputs.shape[1]
    generator = np.random.default_rng(seed)
    shapes = ((features, HIDDEN), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN + 1,))
    start = [
        generator.normal(0, 1 / np.sqrt(features), shapes[0]),
        generator.normal(0, 0.5, HIDDEN),
        generator.normal(0, 0.1, shapes[2]),
        np.zeros(HIDDEN),
        np.append(generator.normal(0, 0.1, HIDDEN), 0.0),
    ]
    share = weight / weight.sum()

    def loss(packed: F8) -> tuple[float, F8]:
        w1, b1, w2, b2, w3 = _unpacked(packed, shapes)
        first = np.tanh(inputs @ w1 + b1)
        second = np.tanh(first @ w2 + b2)
        miss = second @ w3[:-1] + w3[-1] - target
        root = np.sqrt(1 + (miss / TURN) ** 2)
        value = 2 * TURN**2 * float((share * (root - 1)).sum()) + PENALTY * float(packed @ packed)
        slope = 2 * share * miss / root
        back = np.outer(slope, w3[:-1]) * (1 - second * second)
        front = (back @ w2.T) * (1 - first * first)
        gradient = np.concatenate(
            [
                (inputs.T @ front).ravel(),
                front.sum(axis=0),
                (first.T @ back).ravel(),
                back.sum(axis=0),
                np.append(second.T @ slope, slope.sum()),
            ]
        )
        return value, gradient + 2 * PENALTY * packed

    found = minimize(
        loss,
        np.concatenate([part.ravel() for part in start]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS},
    )
    return Weights(*_unpacked(np.asarray(found.x), shapes))


def _unpacked(packed: F8, shapes: tuple[tuple[int, ...], ...]) -> list[F8]:
    parts, at = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        parts.append(packed[at : at + size].reshape(shape))
        at += size
    return parts
