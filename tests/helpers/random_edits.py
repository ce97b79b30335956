"""Random edits of every kind, for tests that undo, replay or interrupt them."""

import msgspec
import numpy as np

from app.document import Document
from engine.scenario.design import Deployment, PriceEntry, PriceList, RunSettings, Tenant
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropGroups,
    DropLinks,
    MoveElements,
    PutElements,
    PutGroups,
    PutLinks,
    SetSection,
)
from engine.topology.collapse import toggled
from engine.topology.elements import Group, Override
from engine.topology.quick_add import new_element
from engine.topology.rules import Proposal, best_ports, link_of
from engine.workload.spec import WorkloadSpec

SPECS = ("panjiu-al128-2x64", "hpn7-leaf", "zhenwu-m890", "xuantie-c950-host")
MOST_ELEMENTS = 60


def random_change(rng: np.random.Generator, document: Document, number: int) -> Change:
    """A change that fits the drawing as it is; `number` makes names and ids."""
    topology = document.topology
    ids = list(topology.elements)
    place = (float(rng.integers(-80, 80)) * 16.0, float(rng.integers(-80, 80)) * 16.0)
    what = int(rng.integers(10))
    if not ids or (what <= 2 and len(ids) < MOST_ELEMENTS):
        spec = document.catalog.device(SPECS[rng.integers(len(SPECS))])
        count = int(rng.integers(1, 5))
        return PutElements((new_element(topology, spec, *place, count),))
    name = ids[rng.integers(len(ids))]
    if what == 3:
        chosen = tuple(n for n in ids if rng.random() < 0.3) or (name,)
        return MoveElements(chosen, tuple((place[0] + k, place[1]) for k in range(len(chosen))))
    if what == 4:
        links = tuple(link.id for link in topology.links_of(name))
        return Batch((DropLinks(links), DropElements((name,))))
    if what == 5:
        offer = best_ports(topology, document.catalog, name, ids[rng.integers(len(ids))])
        if isinstance(offer, Proposal):
            return PutLinks((link_of(offer, f"link-{number}"),))
    if what == 6:
        own = {"power_w": Override(value=float(rng.integers(1, 900)), reason=f"n {number}")}
        return PutElements((msgspec.structs.replace(topology.elements[name], overrides=own),))
    if what == 7 and topology.links:
        return DropLinks((next(iter(topology.links)),))
    if what == 8:
        return _group_change(rng, document, number, name)
    return _section_change(rng, document, number)


def _group_change(rng: np.random.Generator, document: Document, number: int, name: str) -> Change:
    topology = document.topology
    if topology.groups and rng.random() < 0.4:
        closed = toggled(topology.groups, frozenset(topology.groups))
        assert closed is not None
        return closed
    if topology.groups and rng.random() < 0.4:
        group = next(iter(topology.groups))
        inside = [e for e in topology.elements.values() if e.group == group]
        freed = tuple(msgspec.structs.replace(element, group="") for element in inside)
        return Batch((PutElements(freed), DropGroups((group,))))
    group = f"group-{number}"
    element = msgspec.structs.replace(topology.elements[name], group=group)
    return Batch((PutGroups((Group(id=group, name=group),)), PutElements((element,))))


def _section_change(rng: np.random.Generator, document: Document, number: int) -> Change:
    price = PriceEntry(amount=float(number), currency="CNY", estimate=False)
    choices = (
        SetSection("name", f"name {number}"),
        SetSection("deployment", Deployment(tp=int(rng.integers(1, 9)))),
        SetSection("pools", (Deployment(name=f"p{number}", service="s"),)),
        SetSection("tenants", (Tenant(name=f"t{number}", workload=WorkloadSpec()),)),
        SetSection("prices", PriceList(entries={"zhenwu-m890": price})),
        SetSection("run", RunSettings(seed=number)),
    )
    return choices[rng.integers(len(choices))]
