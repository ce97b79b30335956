"""Prints speeds of this machine: `make bench`."""

import sys
import time
from collections.abc import Callable

import numpy as np

from engine.analysis.analyse import analyse
from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.curves import load_curves
from engine.cost.efficiency import load_system
from engine.cost.layers import Load
from engine.cost.timing import compile_timing
from engine.scenario.design import Deployment, Design, Precision
from engine.scenario.scenario import Scenario
from engine.sim.codes import CAUSES
from engine.sim.flows import simulate_flows
from engine.sim.kernels.steps import time_steps
from engine.sim.prepare import prepare_simulation
from engine.sim.tables import TimingTables
from engine.storage.project_file import load_design
from engine.study.schedule import static_batch
from engine.study.uncertainty import bands
from engine.topology.generators import cable, draw
from tests.oracles import max_min

SHOP = load_catalog()


def best_of(work: Callable[[], object], times: int = 3) -> float:
    """The least wall seconds of some runs; the first one, which may compile, does not count."""
    work()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def say(text: str) -> None:
    """One line of the report."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def network() -> None:
    """An all-to-all with random sizes against the slow twin on a part of it."""
    generator = np.random.default_rng(1)

    def case(ranks: int) -> tuple[list[float], list[list[int]], list[float], list[float]]:
        pairs = [(a, b) for a in range(ranks) for b in range(ranks) if a != b]
        size = generator.lognormal(0.0, 1.0, len(pairs)).tolist()
        return [1.0] * (2 * ranks), [[a, ranks + b] for a, b in pairs], [0.0] * len(pairs), size

    def run(given: tuple[list[float], list[list[int]], list[float], list[float]]) -> None:
        capacity, routes, start, size = given
        simulate_flows(
            np.array(capacity),
            np.arange(0, 2 * len(routes) + 1, 2, dtype=np.int64),
            np.array(routes, np.int32).ravel(),
            np.array(start),
            np.array(size),
        )

    small, large = case(8), case(48)
    kernel = best_of(lambda: run(small))
    twin = best_of(lambda: max_min.finish_times(*small), 1)
    say(f"network, 56 flows: {kernel * 1e3:.2f} ms, slow twin {twin * 1e3:.0f} ms, "
        f"{twin / kernel:,.0f} times as fast")  # fmt: skip
    say(f"network, 2,256 coupled flows: {best_of(lambda: run(large)) * 1e3:.0f} ms")


def steps() -> None:
    """One step of the loop's closed form, whatever the model behind it."""
    generator = np.random.default_rng(1)
    count = 200_000
    decoding = generator.integers(1, 200, count)
    prompt = generator.integers(0, 2, count) * generator.integers(1, 1800, count)
    batches = np.stack(
        [
            decoding + prompt, decoding, decoding, decoding * 4096.0,
            (prompt > 0).astype(float), prompt * prompt / 2.0,
        ],
        axis=1,
    ).astype(np.float64)  # fmt: skip
    causes = np.zeros((count, CAUSES))
    for model, chip, precision in (
        ("qwen3_8b", "nvidia-h100", Precision.BF16),
        ("deepseek_v3", "nvidia-h200", Precision.FP8),
        ("qwen35_397b_a17b", "zhenwu-m890", Precision.MXFP4),
    ):
        device = SHOP.device(chip)
        deployment = Deployment(
            model=model, precision=precision, tp=8, max_num_batched_tokens=2048
        )
        llm, fabric = SHOP.llm(model), chip_fabric(device)
        tables = TimingTables(*compile_timing(deployment, llm, device, fabric))
        taken = best_of(lambda tables=tables: time_steps(tables, batches, causes))  # type: ignore[misc]
        compiled = best_of(
            lambda d=deployment, m=llm, c=device, f=fabric: compile_timing(d, m, c, f)
        )  # type: ignore[misc]
        say(f"step of {model} on {chip}: {taken / count * 1e9:.0f} ns (asked 100), tables compiled "
            f"in {compiled * 1e3:.0f} ms")  # fmt: skip


def uncertainty() -> None:
    """200 samples of Monte Carlo for one cell, on a chip with ranges."""
    device, llm = SHOP.device("zhenwu-m890"), SHOP.llm("qwen35_397b_a17b")
    deployment = Deployment(precision=Precision.MXFP4, tp=8)
    schedule, load = static_batch(32, 8192, 256), Load(8192.0, 8320.0)

    def run() -> None:
        bands(
            schedule, deployment, llm, device, load, load_curves(), load_system(), frontend_s=0.0
        )

    say(f"band of one cell, 200 samples: {best_of(run):.2f} s (asked 2)")


def serving() -> None:
    """The example for 120 simulated seconds."""
    design = load_design(resource_path("examples", "al128-agents.rackflow")).design
    scenario = Scenario(design=design, catalog=SHOP, until_s=120.0, seed=1)
    events = 0

    def run() -> None:
        nonlocal events
        simulation, _ = prepare_simulation(scenario)
        simulation.run_to_end()
        events = simulation.results().events

    seconds = best_of(run)
    say(f"serving, AL128 example: {events:,} events in {seconds:.2f} s, {events / seconds:,.0f} "
        f"events/s, {120 / seconds:.0f} times real time")  # fmt: skip


def hall(racks: int) -> Design:
    """Racks on eight leaves and eight spines."""
    rack = draw(SHOP, "panjiu-al128-2x64", "r", "R", 0, 0, racks)
    leaf = draw(SHOP, "hpn7-leaf", "l", "L", 0, 0, 8)
    spine = draw(SHOP, "hpn7-spine", "s", "S", 0, 0, 8)
    links = (
        cable(SHOP, "a", (rack, "uplink"), (leaf, "port"), 16),
        cable(SHOP, "b", (leaf, "port"), (spine, "port"), 8),
    )
    return Design(elements=(rack, leaf, spine), links=links)


def singles(racks: int, leaves: int) -> Design:
    """Racks and leaves drawn one by one: 1,000 nodes without arrays."""
    rack = [draw(SHOP, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(racks)]
    leaf = [draw(SHOP, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0) for i in range(leaves)]
    spine = draw(SHOP, "hpn7-spine", "s", "S", 0, 0, 8)
    pairs = leaves // 2
    links = [
        cable(SHOP, f"x{i}-{j}", (rack[i], "uplink"), (leaf[i % pairs * 2 + j], "port"), 2)
        for i in range(racks)
        for j in range(2)
    ]
    links += [cable(SHOP, f"y{i}", (leaf[i], "port"), (spine, "port"), 8) for i in range(leaves)]
    return Design(elements=(*rack, *leaf, spine), links=tuple(links))


def analysis() -> None:
    """A hall drawn as an array, and as single racks."""
    large, small = hall(1024), singles(950, 42)
    say(f"analysis, 131,072 chips: {best_of(lambda: analyse(large, SHOP)) * 1e3:.0f} ms")
    say(f"analysis, 1,000 nodes drawn singly: "
        f"{best_of(lambda: analyse(small, SHOP)) * 1e3:.0f} ms")  # fmt: skip


def canvas() -> None:
    """Painting the example and a hall of 131,072 chips at 1600x900."""
    from PySide6.QtWidgets import QApplication

    from app.canvas.view import CanvasView
    from app.document import Document
    from engine.topology.changes import Batch, PutElements, PutLinks

    application = QApplication.instance() or QApplication([])
    for name, design in (("16 racks", hall(16)), ("1,024 racks", hall(1024))):
        document = Document(SHOP)
        document.perform("", Batch((PutElements(design.elements), PutLinks(design.links))))
        view = CanvasView(document)
        view.resize(1600, 900)
        view.fit_all()

        def redraw(shown: CanvasView = view) -> None:
            shown.set_frame(None)
            shown.grab()

        say(f"canvas, {name}: full redraw {best_of(redraw) * 1e3:.1f} ms")
        view.close()
        view.deleteLater()
        application.processEvents()


def main() -> None:
    """All benchmarks."""
    network()
    steps()
    uncertainty()
    serving()
    analysis()
    canvas()


if __name__ == "__main__":
    main()
