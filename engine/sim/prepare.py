"""One call from a scenario to a simulation that is ready to advance."""

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.findings import Severity
from engine.scenario.design import Design
from engine.scenario.hashing import design_hash
from engine.scenario.scenario import Scenario
from engine.sim.faults import Faults
from engine.sim.lower import Lowered, lower
from engine.sim.run import Simulation
from engine.topology.model import Topology
from engine.topology.rules import check_topology


def prepare_simulation(
    scenario: Scenario, *, may_inject: bool = False
) -> tuple[Simulation, Lowered]:
    """The simulation of a scenario and its tables (to find rows in the drawing).

    With `may_inject` faults can be injected though the design plans none.

    Raises:
        ScenarioError: the drawing breaks a rule (a port used twice, a figure that cannot be) or
            cannot be simulated; the text says why and the way out.
    """
    refuse_broken_drawing(scenario.design, scenario.catalog)
    lowered = lower(scenario, may_fail=may_inject)
    design, until_s, seed = scenario.design, scenario.until_s, scenario.seed
    faults = None
    if may_inject or not design.faults.is_empty:
        faults = Faults(design.faults, lowered, design, until_s, seed)
    return Simulation(lowered, design_hash(design), seed, until_s, faults=faults), lowered


def refuse_broken_drawing(design: Design, catalog: Catalog) -> None:
    """Refuses a drawing with errors.

    Raises:
        ScenarioError: names the first error and how many more there are.
    """
    topology = Topology(design.elements, design.links, design.groups)
    findings = check_topology(topology, catalog)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first, more = errors[0], len(errors) - 1
        also = f" (and {more} more errors)" if more else ""
        raise ScenarioError(first.subject, f"{first.text}{also}", first.hint)
