"""Scenario: a frozen design, its catalogue and the choices of one run."""

from dataclasses import dataclass

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.workload.trace import RequestTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that one run needs; the same scenario gives the same results, on screen and off."""

    design: Design
    catalog: Catalog
    until_s: float
    seed: int
    trace: RequestTrace | None = None
