"""The network of a run: made from tables, made again when faults change it, copied."""

from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from engine.sim.beginning import make_routes, make_world
from engine.sim.kernels.network import Network, make_network
from engine.sim.kernels.world import World
from engine.sim.link_loads import LinkMap, LinkSums, link_map
from engine.sim.lower import Lowered
from engine.sim.own_links import own_links, own_rates

F8 = NDArray[np.float64]
T = TypeVar("T")

KINDS = 5  # of flows of a replica: coflow, way in, way out, KV, weights


class Carried(NamedTuple):
    """What links had carried before the network was last rewired."""

    bytes: F8  # [links]
    busy_s: F8  # [links]
    before: LinkSums | None  # sums of the present network that do not count: None for none

    @classmethod
    def nothing(cls, links: int) -> "Carried":
        """Of a run at time 0."""
        return cls(np.zeros(links), np.zeros(links), None)

    def upto(self, links: LinkMap, sums: LinkSums) -> tuple[F8, F8]:
        """Bytes and busy seconds of all links by now."""
        moved, busy = links.moved_bytes(sums), links.busy_s(sums)
        if self.before is not None:
            moved = moved - links.moved_bytes(self.before)
            busy = busy - links.busy_s(self.before)
        return self.bytes + moved, self.busy_s + busy


def wire(lowered: Lowered, seed: int, jump: int, *, whole: bool) -> tuple[World, Network, LinkMap]:
    """What the kernels read, an idle network, and where links find their figures in it."""
    own = own_rates(lowered.fabric, lowered.replicas, lowered.transfers)
    world = make_world(lowered, seed, own, jump)
    routes = make_routes(lowered, own, whole=whole)
    network = make_network(*routes[:4], KINDS * len(own))
    alone = own_links(lowered.fabric, lowered.replicas, own)
    links = link_map(len(lowered.fabric.link_source), routes, alone, len(own))
    return world, network, links


def copied(table: T) -> T:
    """A deep copy of a NamedTuple of arrays, numbers and such NamedTuples."""
    parts: list[Any] = []
    for part in cast("tuple[Any, ...]", table):
        if isinstance(part, tuple):
            parts.append(copied(part))
        else:
            parts.append(part.copy() if isinstance(part, np.ndarray) else part)
    return type(table)(*parts)
