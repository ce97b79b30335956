"""The closed form of a step, and the band of one cell."""

from collections.abc import Iterator

import numpy as np

from engine.catalog.loader import load_catalog
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.curves import load_curves
from engine.cost.efficiency import load_system
from engine.cost.layers import Load
from engine.cost.timing import compile_timing
from engine.scenario.design import Deployment, Precision
from engine.sim.codes import CAUSES
from engine.sim.kernels.steps import time_steps
from engine.sim.timings import stack_timings
from engine.study.schedule import static_batch
from engine.study.uncertainty import bands
from tests.benchmarks.timing import Row, Table, cpu_s, seconds

SHOP = load_catalog()
STEPS = 200_000
CASES = (
    ("qwen3_8b", "nvidia-h100", Precision.BF16),
    ("deepseek_v3", "nvidia-h200", Precision.FP8),
    ("qwen35_397b_a17b", "zhenwu-m890", Precision.MXFP4),
)


def _batches() -> np.ndarray:
    generator = np.random.default_rng(1)
    decoding = generator.integers(1, 200, STEPS)
    prompt = generator.integers(0, 2, STEPS) * generator.integers(1, 1800, STEPS)
    columns = [
        decoding + prompt, decoding, decoding, decoding * 4096.0,
        (prompt > 0).astype(float), prompt * prompt / 2.0,
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float64)


def measure() -> Iterator[Table]:
    """One step, whatever the model behind it; the tables; 200 samples of Monte Carlo."""
    batches, causes, rows = _batches(), np.zeros((STEPS, CAUSES)), []
    for model, chip, precision in CASES:
        device, llm = SHOP.device(chip), SHOP.llm(model)
        deployment = Deployment(
            model=model, precision=precision, tp=8, max_num_batched_tokens=2048
        )
        fabric = chip_fabric(device)
        tables = stack_timings([compile_timing(deployment, llm, device, fabric)])
        step = cpu_s(lambda tables=tables: time_steps(tables, batches, causes)) / STEPS  # type: ignore[misc]
        compiled = cpu_s(
            lambda d=deployment, m=llm, c=device, f=fabric: compile_timing(d, m, c, f)
        )  # type: ignore[misc]
        rows.append(Row(f"{model} on {chip}", (seconds(step), seconds(compiled))))
    yield Table("Step time", ("a step", "tables compiled"), rows, "Asked: 100 ns a step.")
    device, llm = SHOP.device("zhenwu-m890"), SHOP.llm("qwen35_397b_a17b")
    deployment = Deployment(precision=Precision.MXFP4, tp=8)
    schedule, load = static_batch(32, 8192, 256), Load(8192.0, 8320.0)
    curves, system = load_curves(), load_system()
    band = cpu_s(
        lambda: bands(schedule, deployment, llm, device, load, curves, system, frontend_s=0.0)
    )
    yield Table(
        "Uncertainty", ("CPU",), [Row("one cell, 200 samples", (seconds(band),))], "Asked: 2 s."
    )
