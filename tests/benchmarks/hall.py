"""A hall of 1,024 AL128 racks, 131,072 chips, under two tiers of switches: lowering and running."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from engine.catalog.loader import load_catalog
from engine.scenario.design import Deployment, Design, FabricSettings, Routing
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.topology.generators import HallPlan, hall
from engine.workload.profiles import coding_agent
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.benchmarks.timing import Row, Table, bytes_text, peak_bytes, seconds, times

RACKS, CLIENTS = 1024, 16
MODEL = "qwen35_397b_a17b"
AGENTS, RATE_PER_S = 100_000, 20.0 * RACKS
CASES = {
    "requests": "20,480 requests/s, sprayed",
    "ecmp": "20,480 requests/s, hashed paths",
    "singles": "20,480 requests/s, racks drawn singly",
    "agents": "100,000 agents",
}
SPAN_S = 10


def scenario(case: str, racks: int = RACKS) -> Scenario:
    """A hall with TP8 replicas on all chips."""
    shop = load_catalog()
    drawing = hall(shop, HallPlan(racks, clients=CLIENTS), singles=case == "singles")
    if case == "agents":
        workload = coding_agent(shop, AGENTS, shop.llm(MODEL).context_tokens)
    else:
        rate = RATE_PER_S * racks / RACKS
        workload = WorkloadSpec(kind=WorkloadKind.POISSON, rate_per_s=rate)
    routing = Routing.ECMP if case == "ecmp" else Routing.SPRAY
    design = Design(
        elements=drawing.elements,
        links=drawing.links,
        deployment=Deployment(model=MODEL, tp=8),
        workload=workload,
        fabric=FabricSettings(routing=routing),
    )
    return Scenario(design=design, catalog=shop, until_s=2.0 * SPAN_S, seed=1)


def _child(case: str) -> dict[str, float]:
    """One case, measured in this process."""
    prepare_simulation(scenario(case, 2))[0].warm_up()  # kernels from their cache
    given = scenario(case)
    start = time.process_time()
    simulation, lowered = prepare_simulation(given)
    prepared = time.process_time() - start
    lowered_bytes = peak_bytes()
    start = time.process_time()
    frames = 0.0
    for number in range(1, SPAN_S + 1):
        while not simulation.reached(float(number)):
            simulation.advance(float(number))
        before = time.process_time()
        simulation.frame()
        frames += time.process_time() - before
    ran = time.process_time() - start - frames
    results = simulation.results()
    return {
        "prepared_s": prepared, "lowered_bytes": lowered_bytes, "ran_s": ran,
        "frame_s": frames / SPAN_S, "peak_bytes": peak_bytes(), "steps": results.steps,
        "replicas": lowered.replicas.total, "links": len(lowered.fabric.link_source),
    }  # fmt: skip


def measure() -> Iterator[Table]:
    """Every case in a fresh process, so that its memory is its own."""
    rows = []
    for case, text in CASES.items():
        answer = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.hall", case],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        found = json.loads(answer.splitlines()[-1])
        rows.append(
            Row(
                f"{text}; {found['replicas']:,} replicas, {found['links']:,} links",
                (
                    seconds(found["prepared_s"]),
                    bytes_text(found["lowered_bytes"]),
                    times(SPAN_S / found["ran_s"]),
                    f"{found['steps'] / found['ran_s']:,.0f}",
                    seconds(found["frame_s"]),
                    bytes_text(found["peak_bytes"]),
                ),
            )
        )
    head = (
        "checked and lowered",
        "peak so far",
        "real time, one core",
        "steps/s",
        "a frame",
        "peak",
    )
    note = f"CPU seconds; the first {SPAN_S} s are simulated. Asked: lowered in 5 s and 4 GiB, real time."
    yield Table("Hall of 1,024 AL128 racks", head, rows, note)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_child(sys.argv[1])) + "\n")
