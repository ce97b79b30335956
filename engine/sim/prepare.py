"""One call from a scenario to a simulation that is ready to advance."""

from engine.scenario.hashing import design_hash
from engine.scenario.scenario import Scenario
from engine.sim.lower import Lowered, lower
from engine.sim.run import Simulation


def prepare_simulation(scenario: Scenario) -> tuple[Simulation, Lowered]:
    """The simulation of a scenario and its tables (to find rows in the drawing).

    Raises:
        ScenarioError: the design cannot be simulated; the text says why and the way out.
    """
    lowered = lower(scenario)
    simulation = Simulation(lowered, design_hash(scenario.design), scenario.seed, scenario.until_s)
    return simulation, lowered
