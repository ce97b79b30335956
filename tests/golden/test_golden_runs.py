"""Small scenarios whose results must not change unnoticed.

`make golden-update` writes them anew; the difference is read in review. Between systems the
mathematical libraries differ in the last digits, hence 1e-9 and not equality of bytes.
"""

import json
import os
from pathlib import Path

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.metrics.summary import summarise
from engine.scenario.design import Design
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.storage.project_file import load_design
from tests.helpers import worlds

FOLDER = Path(__file__).parent
KEPT = (
    "requests_completed", "output_tokens_per_s", "input_tokens_per_s", "cache_hit_ratio",
    "ttft_s", "tpot_s", "e2e_s", "preemptions", "power_w", "events", "steps",
)  # fmt: skip


def result(design: Design, shop: Catalog, until_s: float) -> dict[str, object]:
    import msgspec

    scenario = Scenario(design=design, catalog=shop, until_s=until_s, seed=1)
    simulation, lowered = prepare_simulation(scenario)
    simulation.run_to_end()
    report = msgspec.to_builtins(summarise(simulation.results(), lowered, scenario))
    return {name: report[name] for name in KEPT}


def close(expected: object, found: object, where: str = "") -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert expected.keys() == found.keys()
        for key, value in expected.items():
            close(value, found[key], f"{where}.{key}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9), where
    else:
        assert found == expected, where


@pytest.mark.parametrize("name", ["al128-agents", "one-chip-poisson"])
def test_golden(name: str, shop: Catalog) -> None:
    if name == "al128-agents":
        example = resource_path("examples", "al128-agents.rackflow")
        found = result(load_design(example).design, shop, 30.0)
    else:
        found = result(worlds.one_chip(shop), shop, 200.0)
    path = FOLDER / f"{name}.json"
    if os.environ.get("RACKFLOW_GOLDEN_UPDATE") == "1":
        path.write_text(json.dumps(found, indent=1) + "\n")
    close(json.loads(path.read_text()), found)
