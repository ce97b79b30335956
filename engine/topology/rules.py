"""What may be linked and what is wrong with a drawing, each with its reason in plain words."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Medium, PortSpec
from engine.findings import Finding, Severity
from engine.topology.elements import Element, Endpoint, Link
from engine.topology.model import Topology

_K = DeviceKind

# pairs of kinds that make sense for a medium family; a pair is unordered
_PCIE_PAIRS = {
    frozenset({_K.CHIP, _K.HOST}),
    frozenset({_K.CHIP, _K.NIC}),
    frozenset({_K.HOST, _K.NIC}),
}
_SCALE_UP_PAIRS = {frozenset({_K.CHIP}), frozenset({_K.CHIP, _K.SWITCH})}
_PASSIVE_PAIRS = {
    frozenset({_K.CLIENT, _K.STORAGE}),
    frozenset({_K.CLIENT}),
    frozenset({_K.STORAGE}),
}


class Verdict(NamedTuple):
    """The answer of `may_connect`: `free` is how many more cables both ends can take."""

    ok: bool
    reason: str
    medium: Medium | None = None
    free: int = 0


class Proposal(NamedTuple):
    """A link that one gesture makes: ends, cables, and the port data to build it."""

    a: Endpoint
    b: Endpoint
    cables: int
    medium: Medium
    bandwidth_bytes_per_s: float
    latency_s: float


def may_connect(
    topology: Topology,
    catalog: Catalog,
    a: Endpoint,
    b: Endpoint,
    count: int = 1,
    ignoring: frozenset[str] = frozenset(),
) -> Verdict:
    """Whether `count` more cables may join two port groups, and why not.

    Args:
        topology: the drawing.
        catalog: for the ports of each element.
        a: one end.
        b: the other end.
        count: cables per pair of members.
        ignoring: links that are being replaced and do not use ports.
    """
    missing = _not_there(topology, catalog, (a.element, b.element))
    if missing is not None:
        return missing
    first, second = topology.elements[a.element], topology.elements[b.element]
    if first.id == second.id:
        return Verdict(False, "a link needs two different elements")
    specs = (catalog.device(first.spec), catalog.device(second.spec))
    ports = (specs[0].port(a.port), specs[1].port(b.port))
    for element, end, port in ((first, a, ports[0]), (second, b, ports[1])):
        if port is None:
            return Verdict(False, f"{element.name} has no port '{end.port}'")
    port_a, port_b = ports
    assert port_a is not None
    assert port_b is not None
    if port_a.medium is not port_b.medium:
        return Verdict(
            False,
            f"{first.name} has {port_a.medium.value} there, {second.name} has {port_b.medium.value}",
        )
    sense = _kinds(first, second, port_a.medium)
    if sense:
        return Verdict(False, sense, port_a.medium)
    free_a = _free(topology, first, port_a, second, b, ignoring)
    free_b = _free(topology, second, port_b, first, a, ignoring)
    free = min(free_a, free_b)
    if free < count:
        tight = first if free_a <= free_b else second
        port = port_a if free_a <= free_b else port_b
        return Verdict(
            False,
            f"{tight.name} has {max(free, 0)} of {port.count} {port.name} ports free for this, "
            f"{count} are needed",
            port_a.medium,
            max(free, 0),
        )
    return Verdict(True, f"{port_a.medium.value}, up to {free} cables", port_a.medium, free)


def _not_there(topology: Topology, catalog: Catalog, ids: tuple[str, str]) -> Verdict | None:
    """A refusal where an element is not drawn or its device not in the catalogue."""
    for name in ids:
        element = topology.elements.get(name)
        if element is None:
            return Verdict(False, f"there is no element '{name}'")
        if element.spec not in catalog.devices:
            return Verdict(False, f"{element.name}: the catalogue has no device '{element.spec}'")
    return None


def _kinds(a: Element, b: Element, medium: Medium) -> str:
    """Why two kinds should not be joined, or nothing."""
    pair = frozenset({a.kind, b.kind})
    if medium is Medium.PCIE:
        return "" if pair in _PCIE_PAIRS else "PCIe joins chips, hosts and NICs"
    if medium is not Medium.ETHERNET:
        return "" if pair in _SCALE_UP_PAIRS else "scale-up links join chips and their switches"
    if pair in _PASSIVE_PAIRS:
        return "clients and storage meet the cluster at a switch, rack or host"
    return ""


def _free(
    topology: Topology,
    element: Element,
    port: PortSpec,
    other: Element,
    other_end: Endpoint,
    ignoring: frozenset[str],
) -> int:
    """Cables a pair that one end can still take: its free ports over the members it meets."""
    peers = 1 if other_end.member >= 0 else other.count
    return (port.count - topology.ports_used(element.id, port.name, ignoring)) // max(peers, 1)


def best_ports(
    topology: Topology,
    catalog: Catalog,
    element_a: str,
    element_b: str,
    port_a: str = "",
    port_b: str = "",
) -> Proposal | Verdict:
    """The link that one gesture between two elements means, or why there is none.

    Of the port pairs with a common medium the one of most total bandwidth is taken, with as many
    cables as both ends have free; a bundle between unequal ports runs at the slower one's rate.
    A port that is named must be used.
    """
    if element_a == element_b:
        return Verdict(False, "a link needs two different elements")
    missing = _not_there(topology, catalog, (element_a, element_b))
    if missing is not None:
        return missing
    first, second = topology.elements[element_a], topology.elements[element_b]
    spec_a, spec_b = catalog.device(first.spec), catalog.device(second.spec)
    best: Proposal | None = None
    refusal = Verdict(False, f"{first.name} and {second.name} have no port of a common medium")
    for own in spec_a.ports:
        for other in spec_b.ports:
            wanted = port_a in ("", own.name) and port_b in ("", other.name)
            if not wanted or own.medium is not other.medium:
                continue
            a = Endpoint(element=first.id, port=own.name)
            b = Endpoint(element=second.id, port=other.name)
            verdict = may_connect(topology, catalog, a, b)
            if not verdict.ok:
                refusal = verdict
                continue
            proposal = _propose(a, b, own, other, verdict.free)
            if best is None or _total(proposal) > _total(best):
                best = proposal
    return best if best is not None else refusal


def _propose(a: Endpoint, b: Endpoint, port_a: PortSpec, port_b: PortSpec, count: int) -> Proposal:
    return Proposal(
        a,
        b,
        count,
        port_a.medium,
        min(port_a.bandwidth_bytes_per_s.value, port_b.bandwidth_bytes_per_s.value),
        port_a.latency_s.value + port_b.latency_s.value,
    )


def _total(proposal: Proposal) -> float:
    return proposal.cables * proposal.bandwidth_bytes_per_s


def with_cables(proposal: Proposal, cables: int) -> Proposal:
    """The proposal with fewer cables; 0, or more than both ends can take, leaves it."""
    return proposal._replace(cables=cables) if 0 < cables < proposal.cables else proposal


def link_of(proposal: Proposal, link_id: str) -> Link:
    """The record of a proposed link."""
    return Link(
        id=link_id,
        a=proposal.a,
        b=proposal.b,
        medium=proposal.medium,
        count=proposal.cables,
        bandwidth_bytes_per_s=proposal.bandwidth_bytes_per_s,
        latency_s=proposal.latency_s,
    )


def legal_targets(
    topology: Topology,
    catalog: Catalog,
    element_id: str,
    port: str = "",
    among: Iterable[str] | None = None,
) -> dict[str, Verdict]:
    """Whether a gesture from an element (or one of its ports) may end at others.

    Args:
        topology: the drawing.
        catalog: for ports.
        element_id: where it begins.
        port: the port that must be used, '' for any.
        among: the others that are asked about; all of the drawing if not given.
    """
    answers = {}
    for other in topology.elements if among is None else among:
        if other == element_id:
            continue
        proposal = best_ports(topology, catalog, element_id, other, port)
        if isinstance(proposal, Verdict):
            answers[other] = proposal
        else:
            answers[other] = Verdict(True, "", proposal.medium, proposal.cables)
    return answers


def check_topology(
    topology: Topology, catalog: Catalog, only: Collection[str] | None = None
) -> list[Finding]:
    """Everything wrong with a drawing: specs, ports, kinds, figures, things left alone.

    Args:
        topology: the drawing.
        catalog: for specs and ports.
        only: ids of elements and links that are looked at; all if not given.
    """
    findings = [
        finding
        for element in topology.elements.values()
        if only is None or element.id in only
        for finding in _check_element(element, topology, catalog)
    ]
    if any(finding.code == "unknown-device" for finding in findings):
        return findings
    for link in topology.links.values():
        if only is None or link.id in only:
            findings += _check_link(link, topology, catalog)
    return findings


def _check_element(element: Element, topology: Topology, catalog: Catalog) -> Iterator[Finding]:
    spec = catalog.devices.get(element.spec)
    if spec is None:
        yield _error("unknown-device", element.id, f"{element.name}: the catalogue has no device "
                     f"'{element.spec}'", "choose a device of the palette")  # fmt: skip
        return
    if spec.kind is not element.kind:
        yield _error("wrong-kind", element.id, f"{element.name} is drawn as {element.kind.value}, "
                     f"but {spec.name} is a {spec.kind.value}", "draw it again")  # fmt: skip
    for name, override in element.overrides.items():
        yield from _check_override(element, spec, name, override.value)
    for port in spec.ports:
        used = topology.ports_used(element.id, port.name)
        if used > port.count:
            yield _error("port-twice", element.id, f"{element.name} has {port.count} {port.name} "
                         f"ports, {used} are linked", "remove cables or add a device")  # fmt: skip
    needs_link = element.kind is not DeviceKind.RACK and spec.ports
    if needs_link and not topology.has_links(element.id):
        yield Finding(
            severity=Severity.WARNING,
            code="alone",
            subject=element.id,
            text=f"{element.name} is linked to nothing",
            hint="link or remove it",
        )


def _check_override(
    element: Element, spec: DeviceSpec, name: str, value: float
) -> Iterator[Finding]:
    if not 0 <= value < 1e30:
        yield _error("bad-figure", element.id, f"{element.name}: own value {value} of {name}",
                     "give a finite number from 0")  # fmt: skip
        return
    known = spec.figure(name)
    if known is not None and not known.low_value <= value <= known.high_value:
        yield Finding(
            severity=Severity.NOTE,
            code="outside-range",
            subject=element.id,
            text=f"{element.name}: own value {value:g} of {name} is outside the catalogue's range "
            f"{known.low_value:g} to {known.high_value:g}",
            hint="",
        )


def _check_link(link: Link, topology: Topology, catalog: Catalog) -> Iterator[Finding]:
    verdict = may_connect(topology, catalog, link.a, link.b, 1, frozenset({link.id}))
    if not verdict.ok and verdict.free == 0:
        yield _error("bad-link", link.id, f"link {link.name or link.id}: {verdict.reason}",
                     "remove the link and draw it again")  # fmt: skip
    elif verdict.medium is not link.medium:
        yield _error("bad-link", link.id, f"link {link.name or link.id} is drawn as "
                     f"{link.medium.value}", "remove the link and draw it again")  # fmt: skip
    good = 0 < link.bandwidth_bytes_per_s < 1e18 and 0 <= link.latency_s <= 1e3
    if not (good and 0 <= link.length_m < 1e7):
        yield _error("bad-figure", link.id, f"link {link.name or link.id} has a bandwidth, latency "
                     "or length that cannot be", "give numbers above 0")  # fmt: skip


def _error(code: str, subject: str, text: str, hint: str) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, subject=subject, text=text, hint=hint)
