"""Preflight: everything that can be said against a design before a run."""

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.findings import Finding, Severity
from engine.scenario.design import Design
from engine.scenario.scenario import Scenario
from engine.sim.lower import lower
from engine.topology.model import Topology
from engine.topology.rules import check_topology


def preflight(design: Design, catalog: Catalog) -> list[Finding]:
    """Everything that can be said against a design before a run: drawing, deployment, fit."""
    findings = check_topology(Topology(design.elements, design.links, design.groups), catalog)
    if any(f.severity is Severity.ERROR for f in findings):
        return findings
    try:
        lower(Scenario(design=design.untraced(), catalog=catalog, until_s=1.0, seed=1))
    except EngineError as error:
        findings.append(
            Finding(
                severity=Severity.ERROR,
                code="cannot-run",
                subject=getattr(error, "subject", ""),
                text=str(error),
                hint=getattr(error, "way_out", ""),
            )
        )
    return findings
