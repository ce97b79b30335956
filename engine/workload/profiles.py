"""Named workloads: `resources/workloads/profiles.json` says which figures of the catalogue fit them.

A log-normal is fixed by median and mean: sigma = sqrt(2 ln(mean / median)), and a clipped one by
the sigma that gives the mean after the clip. Where quantiles are
published instead, sigma is the least-squares slope of ln(quantile / median) over the normal
quantile; mean and a quantile q above give m exp(s^2/2) and m exp(z s) two equations; a mean
and a sigma leave the median. Means are those after the clip unless a fit says otherwise.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.errors import CatalogError, ScenarioError
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec

MAX_BYTES = 1_000_000
LARGEST = 1e9
LOADS = ("agents", "clients", "requests", "rate_per_s")  # not a profile's to say

MakeWorkload = Callable[[Catalog, float, int], WorkloadSpec]


class LawFit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which figures give a log-normal: median or mean, and mean, quantiles or sigma beside it."""

    median: str = ""
    mean: str = ""
    sigma: str = ""
    quantiles: dict[str, str] = {}
    low: float = 1.0
    high: float = LARGEST
    high_window: float = 0.0  # share of the model's window that bounds it, 0: no share
    clipped: bool = True  # the mean is that after the clip at `high`

    def names(self) -> list[str]:
        """The figures that it takes."""
        names = [self.median, self.mean, self.sigma, *self.quantiles.values()]
        return [name for name in names if name]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named workload: the laws and values of a `WorkloadSpec` by figures of the catalogue."""

    id: str
    name: str
    kind: WorkloadKind
    summary: str
    laws: dict[str, LawFit]
    values: dict[str, str] = {}


class ProfileFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of profiles."""

    version: str
    profiles: tuple[Profile, ...]


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
    low, top = 0.0, 8.0  # a sigma of 8 is wider than anything published
    if not 0 < median <= mean < clipped_mean(median, top, high):
        raise ScenarioError(
            "distribution", f"median {median:g}, mean {mean:g} and a clip at {high:g} do not go "
            "together", "raise the clip"
        )  # fmt: skip
    return _bisected(lambda sigma: clipped_mean(median, sigma, high) - mean, low, top)


def median_from_clipped_mean(mean: float, sigma: float, high: float) -> float:
    """Median of the log-normal that has a sigma, and a mean after a clip at `high`.

    Raises:
        ScenarioError: the mean is not below the clip.
    """
    if not 0 < mean < high:
        raise ScenarioError(
            "distribution", f"mean {mean:g} and a clip at {high:g} do not go together",
            "raise the clip",
        )  # fmt: skip
    return _bisected(lambda median: clipped_mean(median, sigma, high) - mean, 0.0, high)


def sigma_from_clipped_mean_and_quantile(
    mean: float, probability: float, value: float, high: float
) -> float:
    """Sigma of the log-normal with one quantile below the clip, and a mean after it: the least.

    The median is value exp(-z s); its clipped mean falls from the value until sigma is about z.

    Raises:
        ScenarioError: no clipped log-normal has them.
    """
    z = NormalDist().inv_cdf(probability)
    if z > 0 and mean < value <= high:
        top = 0.0
        while top < z:
            top = min(top + z / 64, z)
            if clipped_mean(value * math.exp(-z * top), top, high) <= mean:
                return _bisected(
                    lambda s: mean - clipped_mean(value * math.exp(-z * s), s, high), 0.0, top
                )
    raise ScenarioError(
        "distribution",
        f"mean {mean:g}, quantile {value:g} and a clip at {high:g} do not go together",
    )


def _bisected(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is 0."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


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


def sigma_from_mean_and_quantile(mean: float, probability: float, value: float) -> float:
    """Sigma of the log-normal with a mean and one quantile above it: the smaller root.

    From mean = m exp(s^2/2) and value = m exp(z s): s^2/2 - z s + ln(value/mean) = 0.

    Raises:
        ScenarioError: no log-normal has them.
    """
    z = NormalDist().inv_cdf(probability)
    root = z * z - 2.0 * math.log(value / mean) if value > mean > 0 else -1.0
    if root < 0:
        raise ScenarioError(
            "distribution", f"mean {mean:g} and quantile {value:g} do not go together"
        )
    return z - math.sqrt(root)


def read_profiles(path: Path) -> dict[str, Profile]:
    """The profiles of a file by id.

    Raises:
        CatalogError: it is missing, damaged, or names a profile or field that cannot be.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CatalogError(path.name, f"is over {MAX_BYTES:,} bytes")
        content = msgspec.json.decode(path.read_bytes(), type=ProfileFile)
    except OSError as error:
        raise CatalogError(path.name, f"cannot be read ({error})", "check the file") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogError(path.name, str(error)) from error
    found: dict[str, Profile] = {}
    for profile in content.profiles:
        if profile.id in found:
            raise CatalogError(f"{path.name}: {profile.id}", "is there twice")
        _check_profile(profile, path.name)
        found[profile.id] = profile
    return found


def _check_profile(profile: Profile, place: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(WorkloadSpec)}
    for name, fit in profile.laws.items():
        where = f"{place}: {profile.id} {name}"
        if fields.get(name) is not LogNormal:
            raise CatalogError(where, "is no distribution of a workload")
        if bool(fit.median) + bool(fit.mean) + bool(fit.sigma) + bool(fit.quantiles) < 2:
            raise CatalogError(where, "needs two of median, mean, sigma and quantiles")
    for name in profile.values:
        if fields.get(name) not in (float, int) or name in LOADS:
            raise CatalogError(f"{place}: {profile.id} {name}", "is no number of a workload")


@lru_cache(maxsize=1)
def shipped_profiles() -> dict[str, Profile]:
    """The profiles that come with the program."""
    return read_profiles(resource_path("workloads", "profiles.json"))


def fitted(fit: LawFit, catalog: Catalog, window_tokens: int) -> LogNormal:
    """The log-normal of a fit, bounded by a model's window.

    Raises:
        CatalogError: a figure that the catalogue does not have.
        ScenarioError: figures that no log-normal has.
    """
    value = {name: catalog.figure(name).value for name in fit.names()}
    high = min(fit.high, fit.high_window * window_tokens if fit.high_window else LARGEST)
    quantiles = {float(p): value[name] for p, name in fit.quantiles.items()}
    mean, median = (value[name] if name else 0.0 for name in (fit.mean, fit.median))
    if fit.sigma:
        sigma = value[fit.sigma]
    elif quantiles and median:
        sigma, _ = sigma_from_quantiles(median, quantiles)
    elif quantiles:
        probability, point = next(iter(quantiles.items()))
        sigma = (
            sigma_from_clipped_mean_and_quantile(mean, probability, point, high)
            if fit.clipped
            else sigma_from_mean_and_quantile(mean, probability, point)
        )
    elif fit.clipped:
        sigma = sigma_from_clipped_mean(median, mean, high)
    else:
        sigma = sigma_from_mean(median, mean)
    if not median:
        median = (
            median_from_clipped_mean(mean, sigma, high)
            if fit.clipped
            else mean / math.exp(sigma * sigma / 2)
        )
    return LogNormal(median=median, sigma=sigma, low=fit.low, high=high)


def make_workload(
    profile: Profile, catalog: Catalog, load: float, window_tokens: int
) -> WorkloadSpec:
    """The workload of a profile: `load` agents, or requests a second of an open loop."""
    laws = {name: fitted(fit, catalog, window_tokens) for name, fit in profile.laws.items()}
    whole = {field.name for field in msgspec.structs.fields(WorkloadSpec) if field.type is int}
    values = {
        name: round(value) if name in whole else value
        for name, figure in profile.values.items()
        for value in [catalog.figure(figure).value]
    }
    spec = WorkloadSpec(kind=profile.kind, profile=profile.id, **laws, **values)  # type: ignore[arg-type]
    if profile.kind is WorkloadKind.AGENTS:
        return msgspec.structs.replace(spec, agents=int(load))
    return msgspec.structs.replace(spec, rate_per_s=load)


def coding_agent(catalog: Catalog, agents: int, window_tokens: int) -> WorkloadSpec:
    """Coding agents with the statistics of the TraceLab pool, capped at a model's window."""
    return make_workload(shipped_profiles()["coding-agent"], catalog, agents, window_tokens)


def _maker(profile: Profile) -> MakeWorkload:
    return lambda catalog, load, window: make_workload(profile, catalog, load, window)


PROFILES: dict[str, MakeWorkload] = {
    name: _maker(profile) for name, profile in shipped_profiles().items()
}
