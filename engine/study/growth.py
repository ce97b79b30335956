"""More of what is drawn: cables and devices as changes that the ports have room for."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.cost.memory import chips_per_replica
from engine.scenario.design import Design
from engine.topology.changes import Batch, Change, PutElements, PutLinks, SetSection
from engine.topology.elements import Element, Link
from engine.topology.model import Topology
from engine.topology.rules import may_connect


def more_cables(design: Design, catalog: Catalog, link: Link, factor: int) -> tuple[int, Change]:
    """Up to `factor` times the cables of a link, as many as its ports take: how many, the change.

    Where they take none the change is for all of them; the rules of the drawing refuse it and say
    which ports are missing.
    """
    topology = Topology(design.elements, design.links, design.groups)
    wanted = factor * link.count
    verdict = may_connect(topology, catalog, link.a, link.b, wanted, frozenset({link.id}))
    count = verdict.free if not verdict.ok and verdict.free > link.count else wanted
    return count, Batch((PutLinks((msgspec.structs.replace(link, count=count),)),))


def one_more(
    design: Design, catalog: Catalog, element: Element, more: int = 1
) -> tuple[Change, str]:
    """`more` of a drawn element, linked like it: the change, and what it takes from each cable.

    Links of all members get fewer cables a member where the other end has no ports for as many.
    """
    larger = msgspec.structs.replace(element, count=element.count + more)
    topology = Topology(design.elements, design.links, design.groups)
    topology.apply(PutElements((larger,)))
    links = []
    for link in design.links:
        own = [end for end in (link.a, link.b) if end.element == element.id]
        if not own or own[0].member >= 0:
            continue
        verdict = may_connect(topology, catalog, link.a, link.b, link.count, frozenset({link.id}))
        if not verdict.ok and 0 < verdict.free < link.count:
            links.append(msgspec.structs.replace(link, count=verdict.free))
    parts: list[Change] = [PutElements((larger,))]
    if not links:
        return Batch(tuple(parts)), ""
    parts.append(PutLinks(tuple(links)))
    before = sum(link.count for link in design.links if link.id in {row.id for row in links})
    after = sum(link.count for link in links)
    return Batch(tuple(parts)), f" ({after} cables each in place of {before})"


def with_chips(design: Design, catalog: Catalog, element: Element) -> tuple[int, Change, str]:
    """One more rack, or the chips of one more replica: how many, the change, what cables it takes.

    Where the deployment says how many replicas it has, it gets those that the new chips can serve.
    """
    pool = design.deployment
    each = chips_per_replica(pool)
    rack = catalog.device(element.spec).rack
    count = 1 if rack is not None else each
    change, fewer = one_more(design, catalog, element, count)
    chips = rack.domains * rack.chips_per_domain if rack is not None else count
    more = chips // each
    if not pool.replicas or not more:
        return count, change, fewer
    wider = msgspec.structs.replace(pool, replicas=pool.replicas + more)
    return count, Batch((change, SetSection("deployment", wider))), fewer


def spare_chips(design: Design, catalog: Catalog, used: int) -> int:
    """Chips that are drawn, less those in use."""
    drawn = 0
    for element in design.elements:
        spec = catalog.device(element.spec)
        if spec.rack is not None:
            drawn += element.count * spec.rack.domains * spec.rack.chips_per_domain
        elif spec.kind is DeviceKind.CHIP:
            drawn += element.count
    return drawn - used
