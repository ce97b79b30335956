"""What can be drawn from."""

import math

from engine.errors import ScenarioError
from engine.workload.spec import LogNormal


def check_distribution(name: str, distribution: LogNormal) -> None:
    """Refuses a distribution that cannot be drawn from.

    Raises:
        ScenarioError: median or sigma out of range, or bounds in the wrong order.
    """
    good = (
        math.isfinite(distribution.median)
        and distribution.median > 0
        and math.isfinite(distribution.sigma)
        and 0 <= distribution.sigma <= 10
        and 0 <= distribution.low <= distribution.high
    )
    if not good:
        raise ScenarioError(
            name,
            f"median {distribution.median:g}, sigma {distribution.sigma:g}, "
            f"range {distribution.low:g} to {distribution.high:g} is no distribution",
            "give a median above 0, a sigma from 0 to 10 and a range in order",
        )
