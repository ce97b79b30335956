"""The network alone: the ten shapes, a hall of 131,072 chips, and SimGrid beside them."""

import os
from collections.abc import Iterator

import numpy as np

from engine.sim.flows import FlowRun
from tests.benchmarks import peers, scenarios
from tests.benchmarks.scenarios import Scenario
from tests.benchmarks.timing import Row, Table, bytes_text, least_cpu_s, peak_bytes, seconds, times

SEED = 1
LONG = ("a3", "b3", "b4", "c1", "c2")  # SimGrid needs minutes: SIMGRID=all runs it there too
ORDERS = 10


def _run(scenario: Scenario, order: np.ndarray | None = None) -> FlowRun:
    rows = np.arange(len(scenario.source)) if order is None else order
    hops = np.diff(scenario.route_start)[rows]
    start = np.concatenate([[0], np.cumsum(hops)])
    first = np.repeat(scenario.route_start[:-1][rows] - start[:-1], hops)
    return FlowRun(
        scenario.link_bytes_per_s,
        start,
        scenario.route_link[first + np.arange(start[-1])],
        scenario.start_s[rows],
        scenario.size_bytes[rows],
        names=np.array([str(row) for row in rows]),
    )


def loop_s(scenario: Scenario, tries: int) -> tuple[float, np.ndarray]:
    """CPU seconds of the loop alone, the best of some tries, and the finish times."""
    best, finish = float("inf"), np.zeros(0)
    for _ in range(tries):
        run = _run(scenario)
        best = min(best, least_cpu_s(run.advance, 1))
        finish = run.results().finish_s
    return best, finish


def same_bits(scenario: Scenario) -> bool:
    """True if ten random orders of the flows give every flow the same bits."""
    plain = _run(scenario)
    plain.advance()
    for seed in range(ORDERS):
        order = np.random.default_rng(seed).permutation(len(scenario.source))
        mixed = _run(scenario, order)
        mixed.advance()
        expected = plain.results().finish_s[order]
        if mixed.results().finish_s.tobytes() != expected.tobytes():
            return False
    return True


def measure() -> Iterator[Table]:
    """All shapes against SimGrid, then the hall."""
    python = peers.interpreter("simgrid")
    everything = os.environ.get("SIMGRID") == "all"
    rows, ratios = [], []
    _run(scenarios.TEN["c3"](SEED)).advance()  # compiles
    for name, make in scenarios.TEN.items():
        scenario = make(SEED)
        ours, finish = loop_s(scenario, 1 if name in ("a3", "c2") else 5)
        peer, ratio, apart = "not installed", "", ""
        if python is not None:
            peer = "not run (SIMGRID=all)"
            if everything or name not in LONG:
                found = peers.run_simgrid(python, scenario)
                if isinstance(found, str):
                    peer = found
                else:
                    length = finish - scenario.start_s
                    apart = f"{np.abs((found.finish_s - finish) / length).max():.1e}"
                    peer, ratio = seconds(found.cpu_s), times(found.cpu_s / ours)
                    ratios.append(found.cpu_s / ours)
        events = len(scenario.source) / ours
        rows.append(Row(name, (f"{len(scenario.source):,}", seconds(ours), f"{events:,.0f}",
                               peer, ratio, apart)))  # fmt: skip
    note = "CPU seconds of the loop, one thread; SimGrid: of its run through its Python interface."
    if ratios:
        mean = float(np.exp(np.mean(np.log(ratios))))
        note += f" Geometric mean of the ratios {mean:.1f}."
    bits = all(same_bits(scenarios.TEN[name](SEED)) for name in ("a2", "b1", "b3", "c3"))
    note += f" Ten random orders of the flows of a2, b1, b3 and c3: {'the same bits' if bits else 'NOT the same'}."
    head = ("flows", "loop", "flows/s", "SimGrid, one Python actor", "ratio", "largest difference")
    yield Table("Network: the ten shapes", head, rows, note)
    yield _hall()


def _hall() -> Table:
    scenario = scenarios.hall(SEED)
    ours, _ = loop_s(scenario, 1)
    row = Row(
        "1,000,000 flows, 131,072 chips",
        (seconds(ours), f"{len(scenario.source) / ours:,.0f}", bytes_text(peak_bytes())),
    )
    return Table(
        "Network: a hall", ("loop", "flows/s", "peak memory"), [row], "Asked: 60 s, 4 GiB."
    )
