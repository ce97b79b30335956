"""Runs of several seeds: the same on any number of cores, their interval as in the textbooks."""

import json

import msgspec
import numpy as np
import pytest
from scipy import stats

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.cli import FAILED, OK, main
from engine.errors import ScenarioError
from engine.metrics.summary import Summary, summarise
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.study.seeds import chances, run_seeds
from tests.helpers import worlds


@pytest.fixture(scope="module")
def scenario(shop: Catalog) -> Scenario:
    return Scenario(design=worlds.one_chip(shop), catalog=shop, until_s=120.0, seed=0)


def plain(summary: Summary) -> Summary:
    return msgspec.structs.replace(summary, wall_s=0.0)


def test_runs_on_many_threads_are_those_that_run_alone(scenario: Scenario) -> None:
    seeds = [5, 1, 9, 2]
    many = run_seeds(scenario, seeds, jobs=3)
    one = run_seeds(scenario, seeds, jobs=1)
    assert [plain(summary) for summary in many] == [plain(summary) for summary in one]
    assert [summary.seed for summary in many] == seeds
    alone = Scenario(design=scenario.design, catalog=scenario.catalog, until_s=120.0, seed=9)
    simulation, lowered = prepare_simulation(alone)
    simulation.run_to_end()
    assert plain(many[2]) == plain(summarise(simulation.results(), lowered, alone))


def test_the_interval_of_the_mean_is_student_s(scenario: Scenario) -> None:
    summaries = run_seeds(scenario, range(6))
    values = np.array([summary.ttft_s.p95 for summary in summaries])
    found = chances(summaries)["ttft_p95_s"]
    low, high = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert (found.least, found.most, found.runs) == (values.min(), values.max(), 6)
    single = chances(summaries[:1])["ttft_p95_s"]
    assert single.low == single.mean == single.high


def test_too_many_runs_are_refused(scenario: Scenario) -> None:
    with pytest.raises(ScenarioError, match="1001 are asked for"):
        run_seeds(scenario, range(1001))


def test_the_verb_runs_seeds_and_says_what_is_chance(capsys: pytest.CaptureFixture[str]) -> None:
    example = str(resource_path("examples", "al128-agents.rackflow"))
    words = ["simulate", example, "--until", "20", "--runs", "3", "--seed", "4"]
    assert main([*words, "--json"]) == OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["seeds"] == [4, 5, 6]
    assert len({run["ttft_s"]["p95"] for run in answer["runs"]}) == 3
    assert answer["chances"]["ttft_p95_s"]["runs"] == 3
    assert main(words) == OK
    assert "TTFT p95" in capsys.readouterr().out
    assert main([*words[:-4], "--runs", "0"]) == FAILED
