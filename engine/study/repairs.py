"""Repairs: what can be done about a finding with one click, each a change that was tried to help.

A repair is offered only if the finding is gone after it and no other error has come.
"""

from collections.abc import Iterator, Sequence
from heapq import nsmallest

import msgspec

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.findings import Finding, Severity
from engine.scenario.design import Deployment, Design, Precision
from engine.scenario.editor import DesignEditor
from engine.sim.preflight import preflight
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropLinks,
    PutElements,
    PutLinks,
    SetSection,
)
from engine.topology.elements import Element, Link
from engine.topology.model import Topology
from engine.topology.naming import free_id
from engine.topology.rules import Proposal, best_ports, check_topology, link_of, may_connect

MOST_REPAIRS = 3  # of one finding
MOST_TRIED = 8  # deployments, each is laid out in full
NEAREST, LOOKED_AT = 3, 50  # elements that a lonely one is offered a link to, of those near it
NARROWER = (Precision.FP8, Precision.INT8, Precision.MXFP4, Precision.NVFP4, Precision.INT4)


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """A change that removes a finding, in plain words."""

    text: str
    change: Change


def repairs(design: Design, catalog: Catalog, finding: Finding) -> list[Repair]:
    """What would remove a finding, the mildest first; nothing where nothing simple does."""
    if finding.code == "cannot-run":
        return _of_deployment(design, catalog)
    topology = Topology(design.elements, design.links, design.groups)
    found: list[Repair] = []
    for repair in _of_drawing(topology, catalog, finding):
        if len(found) < MOST_REPAIRS and _helps(topology, catalog, finding, repair):
            found.append(repair)
    return found


def _around(topology: Topology, subject: str) -> set[str]:
    """An element or link, what it is linked to, and all links there: what a repair may touch."""
    link = topology.links.get(subject)
    elements = {subject} if link is None else {link.a.element, link.b.element}
    for name in tuple(elements):
        elements |= {e.element for k in topology.links_of(name) for e in (k.a, k.b)}
    return elements | {k.id for name in elements for k in topology.links_of(name)} | {subject}


def _errors(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(f.code, f.subject) for f in findings if f.severity is Severity.ERROR}


def _helps(topology: Topology, catalog: Catalog, finding: Finding, repair: Repair) -> bool:
    """The finding is gone and no new error is there; the topology is as before."""
    around = _around(topology, finding.subject)
    before = check_topology(topology, catalog, around)
    try:
        inverse = topology.apply(repair.change)
    except EngineError:
        return False
    around |= _around(topology, finding.subject)
    after = check_topology(topology, catalog, around)
    topology.apply(inverse)
    gone = all((f.code, f.subject) != (finding.code, finding.subject) for f in after)
    return gone and _errors(after) <= _errors(before)


def _of_drawing(topology: Topology, catalog: Catalog, finding: Finding) -> Iterator[Repair]:
    element = topology.elements.get(finding.subject)
    link = topology.links.get(finding.subject)
    if element is not None:
        yield from _of_element(topology, catalog, finding.code, element)
    elif link is not None:
        yield from _of_link(topology, catalog, link)


def _of_element(
    topology: Topology, catalog: Catalog, code: str, element: Element
) -> Iterator[Repair]:
    spec = catalog.devices.get(element.spec)
    if code == "wrong-kind" and spec is not None:
        redrawn = msgspec.structs.replace(element, kind=spec.kind)
        yield Repair(text=f"Draw it as {spec.kind.value}", change=PutElements((redrawn,)))
    if code in ("bad-figure", "outside-range") and element.overrides:
        plain = msgspec.structs.replace(element, overrides={})
        yield Repair(text="Use the catalogue's values", change=PutElements((plain,)))
    if code == "port-twice":
        yield from _fewer_cables(topology, catalog, element)
    if code == "alone":
        yield from _links_to_near(topology, catalog, element)
    if code in ("unknown-device", "alone", "port-twice"):
        yield Repair(text=f"Remove {element.name}", change=_removal(topology, element))


def _removal(topology: Topology, element: Element) -> Change:
    links = tuple(link.id for link in topology.links_of(element.id))
    return Batch((DropLinks(links), DropElements((element.id,))))


def _fewer_cables(topology: Topology, catalog: Catalog, element: Element) -> Iterator[Repair]:
    """Cables taken from the links drawn last, until the ports of each group are enough."""
    changed: dict[str, Link] = {}
    dropped: list[str] = []
    for port in catalog.device(element.spec).ports:
        over = topology.ports_used(element.id, port.name) - port.count
        for link in reversed(topology.links_of(element.id)):
            ends = ((link.a, link.b), (link.b, link.a))
            other = next(
                (o for e, o in ends if (e.element, e.port) == (element.id, port.name)), None
            )
            if over <= 0 or other is None:
                continue
            peers = 1 if other.member >= 0 else topology.elements[other.element].count
            taken = min(link.count, -(-over // peers))
            over -= taken * peers
            if taken == link.count:
                dropped.append(link.id)
            else:
                changed[link.id] = msgspec.structs.replace(link, count=link.count - taken)
    parts: list[Change] = []
    if changed:
        parts.append(PutLinks(tuple(changed.values())))
    if dropped:
        parts.append(DropLinks(tuple(dropped)))
    if parts:
        yield Repair(text="Remove the cables beyond its ports", change=Batch(tuple(parts)))


def _links_to_near(topology: Topology, catalog: Catalog, element: Element) -> Iterator[Repair]:
    """A link to each of the nearest elements that take one."""

    def away(other: Element) -> float:
        return abs(other.x - element.x) + abs(other.y - element.y)

    others = nsmallest(
        LOOKED_AT, (e for e in topology.elements.values() if e is not element), key=away
    )
    made = 0
    for other in others:
        if made == NEAREST or other.spec not in catalog.devices:
            break
        offer = best_ports(topology, catalog, element.id, other.id)
        if isinstance(offer, Proposal):
            made += 1
            link = link_of(offer, free_id(f"{element.id}-{other.id}", topology.links))
            yield Repair(
                text=f"Link it to {other.name} ({offer.cables} x {offer.medium.value})",
                change=PutLinks((link,)),
            )


def _of_link(topology: Topology, catalog: Catalog, link: Link) -> Iterator[Repair]:
    verdict = may_connect(topology, catalog, link.a, link.b, 1, frozenset({link.id}))
    if verdict.ok and verdict.medium is not None:
        specs = [catalog.device(topology.elements[e.element].spec) for e in (link.a, link.b)]
        ports = [spec.port(e.port) for spec, e in zip(specs, (link.a, link.b), strict=True)]
        good = [port for port in ports if port is not None]
        redrawn = msgspec.structs.replace(
            link,
            medium=verdict.medium,
            count=max(1, min(link.count, verdict.free)),
            bandwidth_bytes_per_s=min(port.bandwidth_bytes_per_s.value for port in good),
            latency_s=sum(port.latency_s.value for port in good),
            length_m=link.length_m if 0 <= link.length_m < 1e7 else 2.0,
        )
        yield Repair(text="Draw it anew with its ports' figures", change=PutLinks((redrawn,)))
    yield Repair(text="Remove the link", change=DropLinks((link.id,)))


def _of_deployment(design: Design, catalog: Catalog) -> list[Repair]:
    """Deployments near the design's own with which it can run, each tried in full."""
    found: list[Repair] = []
    for tried, (text, pool) in enumerate(_deployments(design.deployment)):
        if tried == MOST_TRIED or len(found) == MOST_REPAIRS:
            break
        change = SetSection("deployment", pool)
        editor = DesignEditor(design, catalog)
        try:
            editor.apply(change)
        except EngineError:
            continue
        after = preflight(editor.snapshot(), catalog)
        if all(finding.severity is not Severity.ERROR for finding in after):
            found.append(Repair(text=text, change=change))
    return found


def _deployments(pool: Deployment) -> Iterator[tuple[str, Deployment]]:
    replace = msgspec.structs.replace
    if pool.replicas:
        yield "Use as many replicas as fit", replace(pool, replicas=0)
    if pool.chips:
        yield "Use all chips of the drawing", replace(pool, chips=(), replicas=0)
    for factor in (2, 4, 8):
        yield (
            f"Tensor parallelism over {pool.tp * factor} chips",
            replace(pool, tp=pool.tp * factor, replicas=0),
        )
    for part in (2, 4, 8):
        if pool.tp % part == 0 and pool.tp > 1:
            yield (
                f"Tensor parallelism over {pool.tp // part} chips",
                replace(pool, tp=pool.tp // part, ep=1, replicas=0),
            )
    for precision in NARROWER:
        if precision is not pool.precision:
            yield f"Weights in {precision.value.upper()}", replace(pool, precision=precision)
