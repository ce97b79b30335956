"""The agents' distributions have the published medians and means."""

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.workload.profiles import coding_agent, sigma_from_mean
from engine.workload.spec import LogNormal

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
