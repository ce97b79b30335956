"""Drift: a line that rises is found, noise is not, and a short run says nothing."""

import numpy as np
import pytest

from engine.metrics.drift import drift


def test_a_level_with_noise_is_steady() -> None:
    noise = np.random.default_rng(1).normal(100.0, 5.0, 1000)
    found = drift(noise)
    assert found.steady
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0 <= found.high


def test_a_rise_is_told_with_its_size() -> None:
    values = np.linspace(80.0, 120.0, 1000) + np.random.default_rng(2).normal(0, 3.0, 1000)
    found = drift(values)
    assert found.steady is False
    assert found.change == pytest.approx(0.9 * 40 / 102, rel=0.05)  # the first tenth is left out


def test_an_interval_that_holds_all_and_nothing_tells_nothing() -> None:
    wild = np.random.default_rng(3).lognormal(0.0, 2.5, 1000)
    found = drift(wild)
    assert found.low is not None
    assert found.low <= 0 <= found.high
    assert found.steady is None


def test_a_tiny_but_certain_change_is_no_drift() -> None:
    found = drift(np.linspace(100.0, 101.0, 1000))
    assert found.steady


@pytest.mark.parametrize("values", [np.ones(10), np.full(100, np.nan), np.zeros(100)])
def test_too_little_says_nothing(values: np.ndarray) -> None:
    assert drift(values).steady is None
