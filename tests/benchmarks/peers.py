"""Other simulators on the same input, each in a child process, where they are installed.

An interpreter that has one of them is named by an environment variable (SIMGRID_PYTHON,
VIDUR_PYTHON, DYNOSIM_PYTHON), as a peer may need other versions of its libraries; without it this one is tried.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.tables import RequestTables
from tests.benchmarks.scenarios import Scenario

HERE = Path(__file__).parent
PATIENCE_S = 3600.0


class PeerRun(NamedTuple):
    """What a peer found, and the CPU seconds of its run without setting up."""

    finish_s: NDArray[np.float64]
    cpu_s: float


class ReplayRun(NamedTuple):
    """What a replay of a trace gave."""

    rows: NDArray[np.float64]  # [requests, 5] arrival, TTFT, latency in ms, prompt, reused tokens
    cpu_s: float


def interpreter(peer: str, name: str = "") -> str | None:
    """The interpreter that can import a peer, None without one; `name` if it is called otherwise."""
    python = os.environ.get(f"{(name or peer).upper()}_PYTHON", sys.executable)
    found = subprocess.run([python, "-c", f"import {peer}"], capture_output=True, check=False)
    return python if found.returncode == 0 else None


def run_simgrid(python: str, scenario: Scenario, peer: Path | None = None) -> PeerRun | str:
    """SimGrid on a scenario, or the last line of why not.

    Args:
        python: an interpreter that has it.
        scenario: links and flows.
        peer: the program to run in its place.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(
            given,
            rate=scenario.link_bytes_per_s,
            start_s=scenario.start_s,
            size=scenario.size_bytes,
            source=scenario.source,
            target=scenario.target,
            route_start=scenario.route_start,
            route_link=scenario.route_link,
        )
        refused = _run(python, peer or HERE / "simgrid_peer.py", given, found)
        if refused:
            return refused
        with np.load(found) as answer:
            return PeerRun(answer["finish_s"], float(answer["seconds"]))


def run_vidur(python: str, requests: RequestTables, peer: Path | None = None) -> float | str:
    """CPU seconds of Vidur's loop on a list of requests, or the last line of why not."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "in.csv"), Path(folder, "out.npz")
        rows = np.stack(
            [requests.arrival_s, requests.input_tokens, requests.output_tokens], axis=1
        )
        head = "arrived_at,num_prefill_tokens,num_decode_tokens"
        np.savetxt(given, rows, fmt=("%.17g", "%d", "%d"), delimiter=",", header=head, comments="")
        refused = _run(python, peer or HERE / "vidur_peer.py", given, found)
        if refused:
            return refused
        with np.load(found) as answer:
            return float(answer["seconds"])


def run_dynosim(
    python: str, asked: dict[str, object], peer: Path | None = None
) -> ReplayRun | str:
    """DynoSim on a trace, or the last line of why not."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "in.json"), Path(folder, "out.npz")
        given.write_text(json.dumps(asked), encoding="utf-8")
        refused = _run(python, peer or HERE / "dynosim_peer.py", given, found)
        if refused:
            return refused
        with np.load(found) as answer:
            return ReplayRun(answer["rows"], float(answer["seconds"]))


def _run(python: str, program: Path, given: Path, found: Path) -> str:
    """Runs a peer; the last line of what it said if it failed."""
    done = subprocess.run(
        [python, str(program), str(given), str(found)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode == 0 and found.exists():
        return ""
    return (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:120]
