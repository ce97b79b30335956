"""The colours of heat can be told apart by eyes that lack one kind of cones."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from app.support.theme import DARK, LIGHT, CanvasColors

F8 = NDArray[np.float64]

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB
SEEN = {
    "all": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
LEAST = 12.0  # of CIE 1976: 2.3 can just be seen


def lab(color: str, eyes: F8) -> F8:
    """CIE L*a*b* of a colour as some eyes see it."""
    rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(eyes @ linear, 0.0, 1.0) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_steps_of_heat_differ_for_all_eyes(colors: CanvasColors, eyes: str) -> None:
    steps = [lab(color, SEEN[eyes]) for color in colors.heat]
    for one, other in itertools.combinations(range(len(steps)), 2):
        apart = float(np.linalg.norm(steps[one] - steps[other]))
        assert apart >= LEAST, f"steps {one} and {other} are {apart:.1f} apart"
