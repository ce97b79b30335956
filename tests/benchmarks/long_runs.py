"""35 hours of 1,000 agents on one AL128, with and without random faults; and traces of a million."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.metrics.drift import Drift
from engine.metrics.summary import summarise
from engine.scenario.faults import FaultKind, FaultPlan, FaultRate
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.storage.project_file import load_design
from engine.workload.traces import read_trace
from tests.benchmarks.timing import Row, Table, bytes_text, cpu_s, least_cpu_s, peak_bytes, seconds

AGENTS, HOURS = 1000, 35.0
ROWS = 1_000_000
RATES = tuple(  # made up so that several of each come in 35 hours
    FaultRate(kind=kind, mtbf_h=hours, repair_h=1.0)
    for kind, hours in (
        (FaultKind.CHIP, 1500.0), (FaultKind.HOST, 500.0), (FaultKind.PLANE, 300.0),
        (FaultKind.LINK, 3000.0),
    )
)  # fmt: skip


def measure() -> Iterator[Table]:
    """Loops alone, one core; readers in CPU seconds."""
    yield _agents()
    yield _traces()


def _agents() -> Table:
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    load = msgspec.structs.replace(design.workload, agents=AGENTS)
    rows = []
    for name, plan in (("whole", FaultPlan()), ("with random faults", FaultPlan(rates=RATES))):
        own = msgspec.structs.replace(design, workload=load, faults=plan)
        scenario = Scenario(design=own, catalog=load_catalog(), until_s=HOURS * 3600, seed=1)
        simulation, lowered = prepare_simulation(scenario)
        simulation.warm_up()
        spent_s = least_cpu_s(simulation.run_to_end, 1)
        results = simulation.results()
        found = summarise(results, lowered, scenario)
        faults = sum(row.faults for row in found.outages.classes) if found.outages else 0
        rows.append(Row(
            name,
            (
                seconds(spent_s), f"{results.completed:,}", f"{faults}",
                "-" if found.outages is None else f"{found.outages.availability:.3%}",
                _told(found.drift.output_tokens_per_s), _told(found.drift.ttft_p50_s),
                bytes_text(peak_bytes()),
            ),
        ))  # fmt: skip
    head = (
        "CPU",
        "requests",
        "faults",
        "availability",
        "drift of tokens/s",
        "of TTFT",
        "peak memory",
    )
    return Table(f"{HOURS:g} hours of {AGENTS:,} agents on one AL128", head, rows,
                 "Asked: 60 s on one core.")  # fmt: skip


def _told(drift: Drift) -> str:
    if drift.change is None:
        return "-"
    return "steady" if drift.steady else f"{drift.change:+.1%}"


def _traces() -> Table:
    generator = np.random.default_rng(1)
    arrival = np.cumsum(generator.exponential(0.01, ROWS))
    inputs, outputs = generator.integers(1, 5000, ROWS), generator.integers(1, 500, ROWS)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, lines in (
            ("csv", _csv(arrival, inputs, outputs)),
            ("azure", _azure(arrival, inputs, outputs)),
            ("mooncake", _mooncake(arrival, inputs, outputs)),
        ):
            path = Path(folder) / kind
            with path.open("w", encoding="utf-8") as file:
                file.writelines(lines)
            size = path.stat().st_size
            spent_s = cpu_s(lambda path=path, kind=kind: read_trace(path, kind))
            rows.append(Row(kind, (seconds(spent_s), bytes_text(size))))
    return Table(f"Traces of {ROWS:,} requests", ("CPU", "file"), rows, "Asked: 5 s.")


def _csv(arrival: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> Iterator[str]:
    yield "arrival_s,input_tokens,output_tokens\n"
    for row in zip(arrival, inputs, outputs, strict=True):
        yield "{:.6f},{},{}\n".format(*row)


def _azure(arrival: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> Iterator[str]:
    yield "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    times = np.datetime64("2024-05-10T00:00:00") + (arrival * 1e6).astype("timedelta64[us]")
    for time, given, made in zip(times.astype(str), inputs, outputs, strict=True):
        yield f"{time.replace('T', ' ')}+00:00,{given},{made}\n"


def _mooncake(arrival: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> Iterator[str]:
    """Nine blocks a request in the mean, half of them shared with the request before."""
    last = 0
    for time, given, made in zip(arrival, inputs, outputs, strict=True):
        count = int(given) // 512
        first = max(0, last - count // 2)
        last = max(last, first + count)
        ids = list(range(first, first + count))
        yield (
            f'{{"timestamp": {int(1000 * time)}, "input_length": {given}, '
            f'"output_length": {made}, "hash_ids": {ids}}}\n'
        )
