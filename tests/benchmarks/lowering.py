"""Where the time goes from a drawn hall to a ready simulation, stage by stage.

How long the whole takes, and its memory, is in `hall`, which has a fresh process for each case.
"""

import cProfile
import pstats
from collections.abc import Iterator

from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from tests.benchmarks import hall
from tests.benchmarks.timing import Row, Table, cpu_s, seconds

STAGES = {
    "refuse_broken_drawing": "rules of the drawing",
    "expand": "chips, switches and links in tables",
    "place": "replicas on chips",
    "coflow_classes": "collectives of replicas, alike ones as one",
    "replica_tables": "routes of clients and storages to replicas",
    "request_tables": "requests",
    "agent_tables": "agents",
    "make_routes": "links that routes use alike",
    "make_state": "state of a run",
}


def stages(scenario: Scenario) -> dict[str, float]:
    """Seconds under the profiler in each stage, with what it calls."""
    profiler = cProfile.Profile()
    profiler.runcall(prepare_simulation, scenario)
    found = dict.fromkeys(STAGES, 0.0)
    for (file, _, name), row in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if name in found and "engine" in file:
            found[name] += row[3]
    return found


def measure() -> Iterator[Table]:
    """Every case of the hall."""
    given = {case: hall.scenario(case) for case in hall.CASES}
    whole = {
        case: cpu_s(lambda case=case: prepare_simulation(given[case]))  # type: ignore[misc]
        for case in given
    }
    parts = {case: stages(given[case]) for case in given}
    rows = [
        Row(text, tuple(seconds(parts[case][name]) for case in given))
        for name, text in STAGES.items()
    ]
    rows.append(Row("all, without the profiler", tuple(seconds(whole[case]) for case in given)))
    note = "CPU seconds, the best of three; stages by one profiled run. Asked: 5 s."
    yield Table("Lowering of 1,024 AL128 racks", tuple(hall.CASES.values()), rows, note)
