"""A planned cell, run once: its schedule and its ledger."""

from dataclasses import dataclass

from engine.cost.curves import CurveSet
from engine.cost.efficiency import SystemTerms
from engine.errors import ScenarioError
from engine.sim.bench import on_bench
from engine.sim.lower import Lowered
from engine.sim.run import Simulation
from engine.sim.tenants import request_load
from engine.study.cells import STATIC_SCENARIOS, Plan
from engine.study.pricing import Ledger, ledger_of
from engine.study.schedule import Schedule, schedule_of, static_batch

HORIZON_S = 1e9
SLICE_EVENTS = 2_000_000
FIRST_LOG_STEPS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """What one run of a cell leaves to be priced."""

    plan: Plan
    schedule: Schedule
    ledger: Ledger
    kv_tokens: int


def run_cell(plan: Plan, terms: SystemTerms, curves: CurveSet) -> CellRun:
    """Runs the event loop on a cell and keeps its schedule.

    A static batch has no scheduler: its steps are written down directly.

    Raises:
        ScenarioError: the cell cannot be run, with the reason.
        DoesNotFitError: the model does not fit.
    """
    lowered = on_bench(
        plan.deployment,
        plan.llm,
        plan.chip,
        plan.requests,
        terms=terms,
        curves=curves,
        kv_tokens=plan.kv_tokens,
    )
    frontend_s = lowered.first.frontend_s
    if plan.scenario in STATIC_SCENARIOS:
        prompt = int(plan.requests.input_tokens[0])
        output = int(plan.requests.output_tokens[0])
        schedule = static_batch(len(plan.requests.input_tokens), prompt, output)
        frontend_s = 0.0
    else:
        schedule = _simulated(lowered, FIRST_LOG_STEPS)
    load = request_load(plan.requests)
    ledger = ledger_of(schedule, plan.deployment, plan.llm, plan.chip, load, curves, frontend_s)
    return CellRun(
        plan=plan, schedule=schedule, ledger=ledger, kv_tokens=lowered.first.memory.kv_tokens
    )


def _simulated(lowered: Lowered, log_steps: int) -> Schedule:
    """The schedule of a run to its end, however many steps it takes."""
    simulation = Simulation(lowered, "cell", 1, HORIZON_S, log_steps=log_steps)
    while not simulation.advance(HORIZON_S, SLICE_EVENTS):
        pass
    results = simulation.results()
    if not results.completed:
        raise ScenarioError(
            "cell",
            f"none of its {results.arrived:,} requests can be served: each is longer than the "
            "model's window or the KV memory",
        )
    if results.steps > log_steps:
        return _simulated(lowered, results.steps)
    return schedule_of(simulation.step_log(), results, lowered.first.frontend_s)
