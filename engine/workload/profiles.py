"""Named workloads, fitted to published statistics of the catalogue; the fit is done here.

A log-normal is fixed by median and mean: sigma = sqrt(2 ln(mean / median)), and a clipped one by
the sigma that gives the mean after the clip. Where quantiles are
published instead, sigma is the least-squares slope of ln(quantile / median) over the normal
quantile.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec


def clipped_mean(median: float, sigma: float, high: float) -> float:
    """Mean of a log-normal clipped above: m exp(s^2/2) F(z - s) + high (1 - F(z)).

    With z = ln(high / m) / s and F the normal distribution (the limited expected value of
    Klugman, Panjer and Willmot, "Loss Models", appendix A).
    """
    if sigma <= 0:
        return min(median, high)
    normal, z = NormalDist(), math.log(high / median) / sigma
    return median * math.exp(sigma * sigma / 2) * normal.cdf(z - sigma) + high * (
        1.0 - normal.cdf(z)
    )


def sigma_from_clipped_mean(median: float, mean: float, high: float) -> float:
    """Sigma of the log-normal that has a median, and a mean after a clip at `high`.

    Raises:
        ScenarioError: no clipped log-normal has them.
    """
    low, top = 0.0, 8.0
    if not 0 < median <= mean < clipped_mean(median, top, high):
        raise ScenarioError(
            "distribution", f"median {median:g}, mean {mean:g} and a clip at {high:g} do not go "
            "together", "raise the clip"
        )  # fmt: skip
    for _ in range(80):
        middle = (low + top) / 2
        low, top = (middle, top) if clipped_mean(median, middle, high) < mean else (low, middle)
    return (low + top) / 2


def sigma_from_mean(median: float, mean: float) -> float:
    """Sigma of the log-normal with a median and a mean.

    Raises:
        ScenarioError: the mean is below the median, which no log-normal has.
    """
    if not 0 < median <= mean:
        raise ScenarioError(
            "distribution", f"median {median:g} and mean {mean:g} do not go together"
        )
    return math.sqrt(2.0 * math.log(mean / median))


def sigma_from_quantiles(median: float, quantiles: dict[float, float]) -> tuple[float, float]:
    """Sigma that fits quantiles {probability: value} best, and the largest factor it is off by."""
    points = [(NormalDist().inv_cdf(p), math.log(v / median)) for p, v in quantiles.items()]
    sigma = sum(z * y for z, y in points) / sum(z * z for z, _ in points)
    worst = max(abs(y - sigma * z) for z, y in points)
    return sigma, math.exp(worst)


def coding_agent(catalog: Catalog, agents: int, window_tokens: int) -> WorkloadSpec:
    """Coding agents with the statistics of the TraceLab pool, capped at a model's window."""

    def value(name: str) -> float:
        return catalog.figure(name).value

    tool_sigma, _ = sigma_from_quantiles(
        value("wl.tl.tool_p50"), {0.9: value("wl.tl.tool_p90"), 0.99: value("wl.tl.tool_p99")}
    )
    think_sigma, _ = sigma_from_quantiles(
        value("wl.tl.human_p50"), {0.9: value("wl.tl.human_p90")}
    )
    prefix, append, output = value("wl.tl.prefix"), value("wl.tl.append"), value("wl.tl.out")
    return WorkloadSpec(
        kind=WorkloadKind.AGENTS,
        profile="coding-agent",
        agents=agents,
        prefix_tokens=LogNormal(
            median=prefix,
            sigma=sigma_from_mean(prefix, value("wl.tl.prefix_mean")),
            low=1024.0,
            high=0.9 * window_tokens,
        ),
        append_tokens=LogNormal(
            median=append,
            sigma=sigma_from_clipped_mean(append, value("wl.tl.append_mean"), 0.5 * window_tokens),
            low=1.0,
            high=0.5 * window_tokens,
        ),
        output_tokens=LogNormal(
            median=output,
            sigma=sigma_from_clipped_mean(output, value("wl.tl.out_mean"), 32_768.0),
            low=1.0,
            high=32_768.0,
        ),
        tool_s=LogNormal(median=value("wl.tl.tool_p50"), sigma=tool_sigma, low=0.01, high=3600.0),
        think_s=LogNormal(
            median=value("wl.tl.human_p50"), sigma=think_sigma, low=1.0, high=86_400.0
        ),
        tool_cpu_s=LogNormal(median=0.1, sigma=1.5, low=0.001, high=600.0),
        steps_per_task=value("wl.tl.steps"),
        growth_ratio=1.0 / value("wl.tl.amp"),
    )


def chat(catalog: Catalog, rate_per_s: float, window_tokens: int) -> WorkloadSpec:
    """An open loop of chats like the Azure conversation trace (medians and means as published)."""
    del catalog
    return WorkloadSpec(
        kind=WorkloadKind.POISSON,
        profile="chat",
        rate_per_s=rate_per_s,
        input_tokens=LogNormal(
            median=1020.0, sigma=sigma_from_mean(1020.0, 1155.0), low=1.0, high=0.9 * window_tokens
        ),
        output_tokens=LogNormal(
            median=129.0, sigma=sigma_from_mean(129.0, 211.0), low=1.0, high=16_384.0
        ),
    )


def api(catalog: Catalog, rate_per_s: float, window_tokens: int) -> WorkloadSpec:
    """An open loop of long prompts like the Mooncake conversation trace."""
    del catalog
    return WorkloadSpec(
        kind=WorkloadKind.POISSON,
        profile="api",
        rate_per_s=rate_per_s,
        input_tokens=LogNormal(
            median=6909.0,
            sigma=sigma_from_mean(6909.0, 12035.0),
            low=1.0,
            high=0.9 * window_tokens,
        ),
        output_tokens=LogNormal(
            median=230.0, sigma=sigma_from_mean(230.0, 343.0), low=1.0, high=16_384.0
        ),
    )


PROFILES: dict[str, Callable[[Catalog, float, int], WorkloadSpec]] = {
    "coding-agent": lambda catalog, load, window: coding_agent(catalog, int(load), window),
    "chat": chat,
    "api": api,
}
