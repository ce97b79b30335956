"""Elements that were drawn one by one but could change places become one array."""

from collections import defaultdict
from typing import NamedTuple

import msgspec

from engine.scenario.design import Design
from engine.topology.elements import Element, Link


class Folded(NamedTuple):
    """A smaller design with the same cuts, and which drawn elements each of its own stands for."""

    design: Design
    origins: dict[str, tuple[str, ...]]  # id of the array -> ids of the drawn elements


def fold_twins(design: Design, keep: frozenset[str] = frozenset()) -> Folded:
    """Merges single elements of equal device and equal links into arrays.

    Two such elements can be swapped without a change to the drawing, so a cut that puts a number
    of them on either side has the same capacity whichever they are. Ids in `keep` stay alone.
    """
    ends: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for link in design.links:
        kind = (link.medium, link.count, link.bandwidth_bytes_per_s, link.latency_s)
        for own, other in ((link.a, link.b), (link.b, link.a)):
            ends[own.element].append((own.port, own.member, other, *kind))
    groups: dict[object, list[Element]] = defaultdict(list)
    for element in design.elements:
        alone = element.count > 1 or element.id in keep
        signature = (
            element.id if alone else "",
            element.spec,
            repr(sorted(element.overrides.items())),
            tuple(sorted(map(repr, ends[element.id]))),
        )
        groups[signature].append(element)
    if len(groups) == len(design.elements):
        return Folded(design, {element.id: (element.id,) for element in design.elements})
    stands_for = {twins[0].id: tuple(twin.id for twin in twins) for twins in groups.values()}
    elements = tuple(
        msgspec.structs.replace(twins[0], count=len(twins)) if len(twins) > 1 else twins[0]
        for twins in groups.values()
    )
    links = tuple(_joined(link, stands_for) for link in design.links if _kept(link, stands_for))
    return Folded(msgspec.structs.replace(design, elements=elements, links=links), stands_for)


def _kept(link: Link, stands_for: dict[str, tuple[str, ...]]) -> bool:
    return link.a.element in stands_for and link.b.element in stands_for


def _joined(link: Link, stands_for: dict[str, tuple[str, ...]]) -> Link:
    """A link whose end became an array joins every member: no end may name one."""
    a, b = link.a, link.b
    if len(stands_for[a.element]) > 1:
        a = msgspec.structs.replace(a, member=-1)
    if len(stands_for[b.element]) > 1:
        b = msgspec.structs.replace(b, member=-1)
    return msgspec.structs.replace(link, a=a, b=b)
