"""What the first run of a process would wait for, done before somebody asks for it."""

from pathlib import Path

from engine.catalog.catalog import Catalog
from engine.cost.curves import load_curves
from engine.scenario.design import Design
from engine.scenario.scenario import Scenario
from engine.sim.kernels.serving import advance
from engine.sim.prepare import prepare_simulation


def kernels_are_kept() -> bool:
    """The event loop was compiled before, by this state of its sources: it is only to be loaded."""
    return any(Path(advance.stats.cache_path).glob("serving.advance-*.nbi"))


def preload(design: Design, catalog: Catalog) -> bool:
    """Reads the fitted curves, and loads the kernels if nothing has to be compiled for that.

    Returns:
        Whether a run of the design was prepared, and thrown away.

    Raises:
        EngineError: the design cannot run; what could be loaded is.
    """
    load_curves()
    if not design.elements or not kernels_are_kept():
        return False
    plain = Scenario(design=design.untraced(), catalog=catalog, until_s=1.0, seed=1)
    simulation, _ = prepare_simulation(plain, may_inject=True)
    simulation.warm_up()
    return True
