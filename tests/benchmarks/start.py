"""Kernels: compiled from nothing, and read from the cache of an earlier process."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tests.benchmarks.timing import Row, Table, seconds

WORK = {
    "serving (the example)": """
from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.storage.project_file import load_design
design = load_design(resource_path("examples", "al128-agents.rackflow")).design
began = time.process_time()
scenario = Scenario(design=design, catalog=load_catalog(), until_s=1.0, seed=1)
prepare_simulation(scenario)[0].run_to_end()
""",
    "flows alone": """
import numpy as np
from engine.sim.flows import simulate_flows
began = time.process_time()
one = np.ones(1)
simulate_flows(one, np.array([0, 1]), np.zeros(1, np.int32), np.zeros(1), one)
""",
}


def _once(code: str, folder: str) -> float:
    text = f"import json, time\n{code}\nprint(json.dumps(time.process_time() - began))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, env=environment
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def measure() -> Iterator[Table]:
    """Two processes with one empty cache."""
    rows = []
    for name, code in WORK.items():
        with tempfile.TemporaryDirectory() as folder:
            cold, cached = _once(code, folder), _once(code, folder)
        rows.append(Row(name, (seconds(cold), seconds(cached))))
    yield Table("Start of the kernels", ("compiled", "from the cache"), rows,
                "CPU seconds from the first call to the first result.")  # fmt: skip
