"""Fit of the operators' efficiency curves: one for each chip family, operator and format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from engine.catalog.catalog import Catalog
from engine.cost.curves import CLASS, Curve, Work, closed_form_s, save_curves, seconds
from engine.study.calibration.network import fit_network
from engine.study.calibration.operator_data import SYSTEMS, Samples, joined, samples_of

F8 = NDArray[np.float64]

MOST_ROWS = 15_000  # of one curve; more change nothing and take long
HELD_OUT = 0.2  # share of shapes that judge a fit and take no part in it
EDGE = 0.02  # measured features beyond these quantiles are clipped
_START = (-0.3, -0.2, float(np.log(6e-6)), 0.7)
_BOUNDS = ((-4.0, -3.0, -16.0, 0.0), (0.2, 0.3, -7.0, 3.0))


def calibrate_operators(
    folder: Path, out: Path, catalog: Catalog, say: Callable[[str], None]
) -> None:
    """Fits all curves on the timings in `folder` and writes them to `out`."""
    by_key: dict[tuple[str, str, str], list[Samples]] = {}
    for system in SYSTEMS:
        family = catalog.device(SYSTEMS[system]).family
        for part in samples_of(folder, system, catalog):
            for owner in (family, CLASS):
                by_key.setdefault((owner, part.operator, part.format), []).append(part)
    curves = {}
    for key, parts in sorted(by_key.items()):
        curves[key], closed = fit_curve(joined(parts))
        say(
            f"{key[0]:<10} {key[1]:<13} {key[2]:<6} {curves[key].rows:>6} timings, mean error on "
            f"shapes held out {curves[key].error:6.1%} (closed form alone {closed:6.1%})"
        )
    save_curves(out, curves)


def fit_curve(samples: Samples, seed: int = 0) -> tuple[Curve, float]:
    """The curve of some timings, judged on shapes held out, and the closed form's error there.

    The curve that is returned is fitted to all shapes; its error is that of a twin that never saw
    a fifth of them.
    """
    generator = np.random.default_rng(seed)
    shapes = np.unique(samples.group)
    held = np.isin(samples.group, generator.permutation(shapes)[: int(len(shapes) * HELD_OUT)])
    if held.any() and not held.all():
        twin = _fitted(samples, ~held, generator)
        work, truth = _rows(samples.work, held), samples.measured_s[held]
        error = float(np.abs(seconds(work, twin) / truth - 1).mean())
        closed = float(np.abs(closed_form_s(work, twin.theta) / truth - 1).mean())
    else:
        error = closed = np.nan
    curve = _fitted(samples, np.ones(len(held), bool), generator)
    if closed < error:  # too few shapes for a correction: none
        curve, error = curve._replace(w3=np.zeros_like(curve.w3)), closed
    return curve._replace(rows=len(samples.measured_s), error=error), closed


def _rows(work: Work, mask: NDArray[np.bool_]) -> Work:
    return Work(work.compute_s[mask], work.memory_s[mask], work.shape[mask])


def _fitted(samples: Samples, mask: NDArray[np.bool_], generator: np.random.Generator) -> Curve:
    chosen = mask.copy()
    if chosen.sum() > MOST_ROWS:
        chosen &= generator.random(len(chosen)) < MOST_ROWS / chosen.sum()
    work, measured = _rows(samples.work, chosen), samples.measured_s[chosen]
    found = least_squares(
        lambda theta: np.log(closed_form_s(work, theta) / measured),
        _START,
        loss="soft_l1",
        f_scale=0.2,
        bounds=_BOUNDS,
    )
    theta = np.asarray(found.x)
    low, high = work.shape.min(axis=0), work.shape.max(axis=0)
    target = np.log(measured / closed_form_s(work, theta))
    weights = fit_network(work.shape, target, np.ones(len(target)))
    return Curve(theta, low, high, *weights, rows=int(chosen.sum()), error=np.nan)
