"""N-1: what the loss of one component of each class leaves, by runs under the same seeds.

Components of one kind in one element of the drawing are a class: the planes, chips and hosts of a rack
are built alike, so that one of them stands for all. Replicas that span two trays, or chips left over,
break that symmetry: then the first of the class, which a replica uses, stands for the worst of it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from engine.errors import ScenarioError
from engine.metrics.summary import Summary
from engine.scenario.design import Design
from engine.scenario.faults import FaultKind, FaultPlan
from engine.scenario.scenario import Scenario
from engine.sim.components import Components
from engine.sim.lower import Lowered, lower
from engine.study.whatif import MOST_RUNS, Effect, Told, effect_of, run_scenario, workers


class OutageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One class: how many there are, who stands for it, and what its loss changes (gains; below 0)."""

    kind: str
    target: str  # element or link of the drawing
    components: int
    stands: str  # the component that was lost
    replicas_down: int
    effect: Effect


def outage_table(
    scenario: Scenario,
    runs: int = 2,
    jobs: int = 0,
    progress: Callable[[float], None] | None = None,
) -> tuple[list[Summary], list[OutageRow]]:
    """The base runs, and every class by what its loss costs in goodput, then in tokens/s.

    Args:
        scenario: its own faults are left out.
        runs: seeds, from the scenario's own up.
        jobs: threads, 0 for one a core; results do not depend on it.
        progress: gets the share that is done.

    Raises:
        ScenarioError: the design cannot run, or the number of runs cannot be.
    """
    if not 2 <= runs <= MOST_RUNS:
        raise ScenarioError("runs", f"{runs} are asked for", f"ask for 2 to {MOST_RUNS}")
    design = msgspec.structs.replace(scenario.design, faults=FaultPlan())
    base_scenario = dataclasses.replace(scenario, design=design)
    lowered = lower(base_scenario)
    parts = components_of(lowered, design)
    classes = component_classes(parts)
    plans: list[FaultPlan] = [FaultPlan(), *(_loss(parts, *row[:2]) for row in classes)]
    tasks = [(plan, scenario.seed + number) for plan in plans for number in range(runs)]
    told = Told(len(tasks), progress, None)

    def run(task: tuple[FaultPlan, int]) -> Summary:
        own = msgspec.structs.replace(design, faults=task[0])
        summary = run_scenario(dataclasses.replace(scenario, design=own, seed=task[1]))
        told.tell()
        return summary

    threads = workers(jobs, len(tasks))
    with ThreadPoolExecutor(threads, thread_name_prefix="outages") as pool:
        summaries = list(pool.map(run, tasks))
    base = summaries[:runs]
    rows = [
        _row(parts, row, base, summaries[runs * (at + 1) : runs * (at + 2)])
        for at, row in enumerate(classes)
    ]
    return base, sorted(rows, key=_cost)


def components_of(lowered: Lowered, design: Design) -> Components:
    """What can fail in a design."""
    counts = [element.count for element in design.elements]
    return Components(
        lowered.fabric, lowered.element_ids, lowered.racks, counts, lowered.link_ids,
        design.faults.racks_a_feed,
    )  # fmt: skip


def component_classes(parts: Components) -> list[tuple[FaultKind, int, str, int]]:
    """(kind, first component, element or link, how many) of every class."""
    found = []
    for kind in FaultKind:
        owners, first, counts = np.unique(
            parts.owners(kind), return_index=True, return_counts=True
        )
        found += [
            (kind, int(number), parts.owner_id(kind, int(owner)), int(count))
            for owner, number, count in zip(owners, first, counts, strict=True)
        ]
    return found


def _loss(parts: Components, kind: FaultKind, number: int) -> FaultPlan:
    """A plan in which one component is dead from the beginning."""
    return FaultPlan(events=(parts.event(kind, number),), detect_s=0.0)


def _row(
    parts: Components,
    row: tuple[FaultKind, int, str, int],
    base: Sequence[Summary],
    runs: Sequence[Summary],
) -> OutageRow:
    kind, first, target, count = row
    down = 0
    for summary in runs[:1]:
        if summary.outages is not None and summary.simulated_s > 0:
            lost = sum(row.down_replica_s for row in summary.outages.classes)
            down = round(lost / summary.simulated_s)
    return OutageRow(
        kind=kind.value,
        target=target,
        components=count,
        stands=parts.name(kind, first),
        replicas_down=down,
        effect=effect_of(base, runs),
    )


def _cost(row: OutageRow) -> tuple[float, float, str]:
    goodput = row.effect.goodput.mean if row.effect.goodput else 0.0
    tokens = row.effect.output_tokens_per_s.mean if row.effect.output_tokens_per_s else 0.0
    return goodput, tokens, row.kind
