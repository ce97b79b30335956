"""The agents' distributions have the published medians and means."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import CatalogError, ScenarioError
from engine.workload.profiles import (
    PROFILES,
    LawFit,
    coding_agent,
    fitted,
    median_from_clipped_mean,
    read_profiles,
    shipped_profiles,
    sigma_from_clipped_mean_and_quantile,
    sigma_from_mean,
    sigma_from_mean_and_quantile,
)
from engine.workload.spec import LogNormal, WorkloadKind

WINDOW = 262_144


def draws(law: LogNormal) -> np.ndarray:
    normal = np.random.default_rng(3).standard_normal(400_000)
    return np.clip(law.median * np.exp(law.sigma * normal), law.low, law.high)


def test_append_and_output_have_the_published_medians_and_means(shop: Catalog) -> None:
    agent = coding_agent(shop, 100, WINDOW)
    for law, median, mean in (
        (agent.append_tokens, 875.0, 6540.0),
        (agent.output_tokens, 214.0, 523.0),
    ):
        values = draws(law)
        assert np.median(values) == pytest.approx(median, rel=0.02)
        assert law.median == median
        assert values.mean() == pytest.approx(mean, rel=0.05)


def test_the_cached_prefix_has_the_published_median_within_the_window(shop: Catalog) -> None:
    agent = coding_agent(shop, 100, WINDOW)
    assert np.median(draws(agent.prefix_tokens)) == pytest.approx(118_656, rel=0.02)
    assert agent.prefix_tokens.high <= WINDOW


def test_tools_have_the_published_median_and_tail(shop: Catalog) -> None:
    values = draws(coding_agent(shop, 1, WINDOW).tool_s)
    assert np.median(values) == pytest.approx(0.3, rel=0.05)
    assert 4.0 < np.quantile(values, 0.9) < 30.0
    assert 60.0 < np.quantile(values, 0.99) < 600.0


def test_sigma_follows_from_median_and_mean() -> None:
    assert sigma_from_mean(100.0, 100.0 * np.exp(0.5)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("profile", "law", "median", "mean", "quantile"),
    [
        ("mooncake-chat", "input_tokens", 6909.0, None, None),
        ("mooncake-chat", "output_tokens", None, 343.0, (0.9, 597.0)),
        ("mooncake-tool-agent", "input_tokens", None, 8596.0, None),
        ("mooncake-tool-agent", "output_tokens", None, 182.0, None),
        ("bailian-api", "input_tokens", 208.0, None, None),
        ("bailian-api", "output_tokens", 792.0, 1523.0, None),
        ("azure-chat", "output_tokens", 129.0, 211.0, None),
        ("azure-code", "input_tokens", 1469.0, 2048.0, None),
        ("azure-code", "output_tokens", 13.0, 28.0, None),
    ],
)
def test_each_profile_has_the_figures_of_its_source(
    shop: Catalog,
    profile: str,
    law: str,
    median: float | None,
    mean: float | None,
    quantile: tuple[float, float] | None,
) -> None:
    values = draws(getattr(PROFILES[profile](shop, 1.0, WINDOW), law))
    if median is not None:
        assert np.median(values) == pytest.approx(median, rel=0.02)
    if mean is not None:
        assert values.mean() == pytest.approx(mean, rel=0.03)
    if quantile is not None:
        assert np.quantile(values, quantile[0]) == pytest.approx(quantile[1], rel=0.03)


def test_every_figure_of_a_profile_is_in_the_catalogue_with_a_source(shop: Catalog) -> None:
    for profile in shipped_profiles().values():
        names = [name for fit in profile.laws.values() for name in fit.names()]
        for name in [*names, *profile.values.values()]:
            figure = shop.figure(name)
            assert figure.source
            if figure.is_estimate:
                assert figure.low_value < figure.value < figure.high_value


@pytest.mark.parametrize("profile", list(PROFILES))
def test_a_profile_takes_its_load_and_stays_within_the_window(shop: Catalog, profile: str) -> None:
    load = PROFILES[profile](shop, 7.0, 32_768)
    assert load.profile == profile
    assert (load.agents if load.kind is WorkloadKind.AGENTS else load.rate_per_s) == 7
    for name in shipped_profiles()[profile].laws:
        if name in ("input_tokens", "prefix_tokens", "append_tokens"):
            assert getattr(load, name).high <= 32_768


LAW = '{"median": "wl.tl.append", "mean": "wl.tl.append_mean"}'


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "truncated"),
        ('{"version": "1", "profiles": 3}', "array"),
        (f'"laws": {{"nobody": {LAW}}}', "no distribution"),
        ('"laws": {"input_tokens": {"median": "wl.tl.append"}}', "needs two"),
        (f'"laws": {{"input_tokens": {LAW}}}, "values": {{"agents": "wl.tl.steps"}}', "no number"),
        (f'"laws": {{"input_tokens": {LAW}}}, "more": 1', "unknown field"),
    ],
)
def test_a_damaged_file_of_profiles_is_refused(tmp_path: Path, body: str, complaint: str) -> None:
    path = tmp_path / "profiles.json"
    one = '{"id": "a", "name": "A", "kind": "poisson", "summary": "", '
    is_part = body.startswith('"')
    path.write_text(f'{{"version": "1", "profiles": [{one}{body}}}]}}' if is_part else body)
    with pytest.raises(CatalogError, match=complaint):
        read_profiles(path)


def test_a_clip_that_cuts_deep_leaves_the_mean_and_the_quantile() -> None:
    mean, high = 500.0, 2000.0
    sigma = sigma_from_clipped_mean_and_quantile(mean, 0.9, 1200.0, high)
    median = 1200.0 * np.exp(-NormalDist().inv_cdf(0.9) * sigma)
    values = draws(LogNormal(median=median, sigma=sigma, high=high))
    assert values.mean() == pytest.approx(mean, rel=0.01)
    assert np.quantile(values, 0.9) == pytest.approx(1200.0, rel=0.01)
    wide = 1.5
    median = median_from_clipped_mean(mean, wide, high)
    values = draws(LogNormal(median=median, sigma=wide, high=high))
    assert values.mean() == pytest.approx(mean, rel=0.01)
    assert median * np.exp(wide**2 / 2) > 1.3 * mean  # which the mean would be without the clip


def test_without_a_clip_that_matters_both_ways_agree() -> None:
    bare = sigma_from_mean_and_quantile(343.0, 0.9, 597.0)
    assert sigma_from_clipped_mean_and_quantile(343.0, 0.9, 597.0, 1e9) == pytest.approx(bare)


def test_clipped_laws_that_cannot_be_are_refused() -> None:
    with pytest.raises(ScenarioError, match="go together"):
        median_from_clipped_mean(500.0, 1.0, 400.0)
    for mean, value in ((500.0, 400.0), (500.0, 1e8), (1.0, 1500.0)):
        with pytest.raises(ScenarioError, match="go together"):
            sigma_from_clipped_mean_and_quantile(mean, 0.9, value, 2000.0)


def test_a_figure_that_is_not_there_is_named(shop: Catalog) -> None:
    with pytest.raises(CatalogError, match=r"wl\.nowhere"):
        fitted(LawFit(median="wl.nowhere", mean="wl.tl.append"), shop, WINDOW)


def test_a_mean_and_a_quantile_that_no_log_normal_has_are_refused() -> None:
    assert sigma_from_mean_and_quantile(100.0, 0.9, 200.0) == pytest.approx(0.81, abs=0.3)
    for value in (50.0, 1e9):
        with pytest.raises(ScenarioError, match="go together"):
            sigma_from_mean_and_quantile(100.0, 0.9, value)
