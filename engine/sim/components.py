"""What can fail in a lowered drawing: nodes and links of each kind, by number."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.faults import FaultEvent, FaultKind
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.tables import FabricTables

I8 = NDArray[np.int64]

_WITH_PARTS = (FaultKind.PLANE, FaultKind.PORT)

_NODES = {
    FaultKind.CHIP: NodeKind.CHIP,
    FaultKind.HOST: NodeKind.HOST,
    FaultKind.NIC: NodeKind.NIC,
}


class Parts(NamedTuple):
    """What of the fabric a component is: its nodes, and a share of some links."""

    nodes: I8
    pairs: I8  # of links: rows 2 pair and 2 pair + 1
    planes: int  # of these pairs that are dead with it, as bits; 0: one cable of each


class Components:
    """The components of one fabric; they are numbered from 0 in each kind."""

    def __init__(
        self, fabric: FabricTables, element_ids: Sequence[str], is_rack: Sequence[bool],
        rack_counts: Sequence[int], link_ids: Sequence[str], racks_a_feed: int,
    ) -> None:  # fmt: skip
        """Finds all components.

        Args:
            fabric: the expanded drawing.
            element_ids: by `node_element`.
            is_rack: the element is one rack or several.
            rack_counts: how many of each element.
            link_ids: by `link_drawn`.
            racks_a_feed: racks that share a power feed, at least 1.
        """
        self._fabric = fabric
        self._element_ids: list[str] = list(element_ids)
        self._link_ids: list[str] = list(link_ids)
        self._feed = racks_a_feed
        kind, owner = fabric.node_kind, fabric.node_element
        racked = np.array(is_rack, np.bool_)[owner] if len(owner) else np.zeros(0, np.bool_)
        self._of_kind = {name: np.flatnonzero(kind == code) for name, code in _NODES.items()}
        self._of_kind[FaultKind.SWITCH] = np.flatnonzero((kind == NodeKind.SWITCH) & ~racked)
        forward = np.arange(0, len(fabric.link_source), 2)
        inside = (fabric.link_drawn[forward] < 0) & (
            fabric.link_class[forward] == LinkClass.SCALE_UP
        )
        self._cables = _repeated(forward[fabric.link_drawn[forward] >= 0] // 2, fabric)
        self._ports = _repeated(forward[inside] // 2, fabric)
        self._planes = self._find_planes(racked)
        self._racks = [
            nodes
            for index, count in enumerate(rack_counts)
            if is_rack[index]
            for nodes in np.split(np.flatnonzero(owner == index), count)
        ]

    def _find_planes(self, racked: NDArray[np.bool_]) -> I8:
        """[planes, 2] switch node of a rack and number of one of its planes."""
        fabric = self._fabric
        switches = np.flatnonzero((fabric.node_kind == NodeKind.SWITCH) & racked)
        most = np.zeros(len(fabric.node_kind), np.int64)
        np.maximum.at(most, fabric.link_target, fabric.link_multiplicity.astype(np.int64))
        counts = most[switches]
        first = np.cumsum(counts) - counts
        number = np.arange(counts.sum()) - np.repeat(first, counts)
        return np.stack([np.repeat(switches, counts), number], axis=1)

    def total(self, kind: FaultKind) -> int:
        """How many there are of a kind."""
        if kind is FaultKind.PLANE:
            return len(self._planes)
        if kind is FaultKind.LINK:
            return len(self._cables)
        if kind is FaultKind.PORT:
            return len(self._ports)
        if kind is FaultKind.RACK:
            return len(self._racks)
        if kind is FaultKind.FEED:
            return -(-len(self._racks) // self._feed)
        return len(self._of_kind[kind])

    def parts(self, kind: FaultKind, number: int) -> Parts:
        """What a component is made of."""
        none = np.empty(0, np.int64)
        if kind is FaultKind.PLANE:
            switch, plane = self._planes[number]
            rows = np.flatnonzero(self._fabric.link_target == switch)
            return Parts(none, np.unique(rows // 2), 1 << int(plane))
        if kind is FaultKind.LINK:
            return Parts(none, self._cables[number : number + 1, 0], 0)
        if kind is FaultKind.PORT:
            pair, plane = self._ports[number]
            return Parts(none, np.array([pair]), 1 << int(plane))
        if kind is FaultKind.RACK:
            return Parts(self._racks[number], none, 0)
        if kind is FaultKind.FEED:
            racks = self._racks[number * self._feed : (number + 1) * self._feed]
            return Parts(np.concatenate(racks), none, 0)
        return Parts(self._of_kind[kind][number : number + 1], none, 0)

    def name(self, kind: FaultKind, number: int) -> str:
        """A component in the words of the drawing's ids."""
        target = self.target(kind, number)
        if kind is FaultKind.FEED:
            return f"feed {number}"
        if kind in (FaultKind.LINK, FaultKind.RACK):
            owners = self.owners(kind)
            place = int((owners[:number] == owners[number]).sum())
            return f"{'cable' if kind is FaultKind.LINK else 'rack'} {place} of {target}"
        member = int(self._fabric.node_member[self._member_node(kind, number)])
        if kind not in _WITH_PARTS:
            return f"{kind.value} {member} of {target}"
        plane = self.parts(kind, number).planes.bit_length() - 1
        if kind is FaultKind.PORT:
            return f"port of chip {member} to plane {plane} of {target}"
        return f"plane {plane} of {target}" + (f" (rack {member})" if member else "")

    def owners(self, kind: FaultKind) -> I8:
        """[components] of a kind: number of the element that each belongs to, for cables the link."""
        fabric = self._fabric
        if kind is FaultKind.LINK:
            return fabric.link_drawn[2 * self._cables[:, 0]].astype(np.int64)
        if kind is FaultKind.PLANE:
            nodes = self._planes[:, 0]
        elif kind is FaultKind.PORT:
            nodes = fabric.link_source[2 * self._ports[:, 0]].astype(np.int64)
        elif kind is FaultKind.RACK:
            nodes = np.array([rack[0] for rack in self._racks], np.int64)
        elif kind is FaultKind.FEED:
            nodes = np.array([rack[0] for rack in self._racks[:: self._feed]], np.int64)
        else:
            nodes = self._of_kind[kind]
        return fabric.node_element[nodes].astype(np.int64)

    def owner_id(self, kind: FaultKind, owner: int) -> str:
        """The id of an owner."""
        return (self._link_ids if kind is FaultKind.LINK else self._element_ids)[owner]

    def target(self, kind: FaultKind, number: int) -> str:
        """The element or link of the drawing that a component belongs to."""
        return self.owner_id(kind, int(self.owners(kind)[number]))

    def event(self, kind: FaultKind, number: int) -> FaultEvent:
        """A fault of one component from the beginning, as a design says it."""
        target = self.target(kind, number)
        draft = FaultEvent(at_s=0.0, kind=kind, target=target, member=-1)
        part = max(self.parts(kind, number).planes.bit_length() - 1, 0)
        named = msgspec.structs.replace(draft, part=part)
        alike = self._find(named)
        if kind in (FaultKind.LINK, FaultKind.RACK, FaultKind.FEED):
            return msgspec.structs.replace(named, member=alike.index(number))
        node = self._member_node(kind, number)
        return msgspec.structs.replace(named, member=int(self._fabric.node_member[node]))

    def _member_node(self, kind: FaultKind, number: int) -> int:
        """The node that the `member` of an event counts."""
        if kind is FaultKind.PLANE:
            return int(self._planes[number, 0])
        if kind is FaultKind.PORT:
            return int(self._fabric.link_source[2 * self._ports[number, 0]])
        return int(self._of_kind[kind][number])

    def numbers(self, event: FaultEvent) -> list[int]:
        """The components that an event names.

        Raises:
            ScenarioError: the drawing has none such; says whether target, kind, member or part is
                wrong and which there are.
        """
        found = self._find(event) if event.member >= -1 else []
        if found:
            return found
        raise self._refusal(event)

    def _refusal(self, event: FaultEvent) -> ScenarioError:
        """Why an event names nothing."""
        kind, what = event.kind, f"fault of {event.kind.value} {event.target}"
        if kind is FaultKind.LINK and event.target not in self._link_ids:
            return ScenarioError(
                f"{what}: target", "no link of the drawing has this id", "name a drawn link"
            )
        if kind is not FaultKind.LINK and event.target not in self._element_ids:
            return ScenarioError(
                f"{what}: target", "no element of the drawing has this id", "name an element"
            )
        ids = self._link_ids if kind is FaultKind.LINK else self._element_ids
        mine = [
            number
            for number, owner in enumerate(self.owners(kind).tolist())
            if self.owner_id(kind, owner) == event.target
        ]
        if not mine:
            having = {self.owner_id(kind, owner) for owner in set(self.owners(kind).tolist())}
            others = ", ".join(name for name in ids if name in having)
            return ScenarioError(
                f"{what}: kind",
                f"it has no {kind.value}",
                f"name one that has: {others}" if others else "choose another kind",
            )
        members = self._members(kind, mine)
        if event.member < -1 or (event.member >= 0 and event.member not in members):
            return ScenarioError(
                f"{what}: member", f"it is {event.member}",
                f"set {min(members)} to {max(members)}, or -1 for all",
            )  # fmt: skip
        most = max(self.parts(kind, number).planes.bit_length() - 1 for number in mine)
        return ScenarioError(f"{what}: part", f"it is {event.part}", f"set 0 to {most}")

    def _members(self, kind: FaultKind, numbers: Sequence[int]) -> set[int]:
        """The `member`s by which events name components of one target."""
        if kind is FaultKind.FEED:
            owner = int(self.owners(kind)[numbers[0]])
            return set(
                range(sum(self._fabric.node_element[rack[0]] == owner for rack in self._racks))
            )
        if kind in (FaultKind.LINK, FaultKind.RACK):
            return set(range(len(numbers)))
        return {int(self._fabric.node_member[self._member_node(kind, row)]) for row in numbers}

    def _find(self, event: FaultEvent) -> list[int]:
        fabric, kind = self._fabric, event.kind
        everyone = event.member < 0
        if kind is FaultKind.LINK:
            if event.target not in self._link_ids:
                return []
            drawn = fabric.link_drawn[2 * self._cables[:, 0]]
            rows = np.flatnonzero(drawn == self._link_ids.index(event.target))
            return _chosen(rows, event.member)
        if event.target not in self._element_ids:
            return []
        owner = self._element_ids.index(event.target)
        if kind in (FaultKind.RACK, FaultKind.FEED):
            own = [i for i, nodes in enumerate(self._racks)
                    if fabric.node_element[nodes[0]] == owner]  # fmt: skip
            racks = own if everyone else own[event.member : event.member + 1]
            if kind is FaultKind.RACK:
                return racks
            return sorted({rack // self._feed for rack in racks})
        if kind is FaultKind.PLANE:
            mine = np.flatnonzero(fabric.node_element[self._planes[:, 0]] == owner)
            member = fabric.node_member[self._planes[mine, 0]]
            right = (self._planes[mine, 1] == event.part) & (everyone | (member == event.member))
            return [int(row) for row in mine[right]]
        if kind is FaultKind.PORT:
            chip = fabric.link_source[2 * self._ports[:, 0]]
            right = (fabric.node_element[chip] == owner) & (self._ports[:, 1] == event.part)
            right &= everyone | (fabric.node_member[chip] == event.member)
            return [int(row) for row in np.flatnonzero(right)]
        nodes = self._of_kind[kind]
        right = fabric.node_element[nodes] == owner
        right &= everyone | (fabric.node_member[nodes] == event.member)
        return [int(row) for row in np.flatnonzero(right)]


def _chosen(rows: I8, member: int) -> list[int]:
    return [int(row) for row in (rows if member < 0 else rows[member : member + 1])]


def _repeated(pairs: I8, fabric: FabricTables) -> I8:
    """[parts, 2] pair and number of each cable or plane of a bundle."""
    counts = fabric.link_multiplicity[2 * pairs].astype(np.int64)
    first = np.cumsum(counts) - counts
    number = np.arange(counts.sum()) - np.repeat(first, counts)
    return np.stack([np.repeat(pairs, counts), number], axis=1)
