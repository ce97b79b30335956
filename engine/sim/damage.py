"""The fabric with some of its parts dead: what is left of every link, and which replicas serve.

A link whose end is dead carries nothing. A bundle has what its live cables and planes carry. Ranks
of one replica, and both ends of a transfer of KV, use the planes that are alive at all of them: of 8
planes, one lost at each of two ends, 6 are usable.
"""

import numpy as np
from numpy.typing import NDArray

from engine.scenario.faults import FaultKind
from engine.sim.components import Components
from engine.sim.tables import FabricTables, ReplicaTables

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

Key = tuple[FaultKind, int]


class Damage:
    """Which components are dead; changed by `fail` and `repair`, copied with a snapshot."""

    def __init__(self, components: Components, fabric: FabricTables) -> None:
        self._components = components
        self._fabric = fabric
        self.dead: frozenset[Key] = frozenset()

    def fail(self, key: Key) -> bool:
        """A component dies; False if it is dead."""
        if key in self.dead:
            return False
        self.dead |= {key}
        return True

    def repair(self, key: Key) -> bool:
        """A component is whole again; False if it was not dead."""
        if key not in self.dead:
            return False
        self.dead -= {key}
        return True

    def dead_nodes(self) -> B1:
        """[nodes] that are dead."""
        dead = np.zeros(len(self._fabric.node_kind), np.bool_)
        for kind, number in self.dead:
            dead[self._components.parts(kind, number).nodes] = True
        return dead

    def planes(self) -> I8:
        """[pairs of links] dead planes as bits."""
        masks = np.zeros(len(self._fabric.link_source) // 2, np.int64)
        for kind, number in self.dead:
            parts = self._components.parts(kind, number)
            if parts.planes:
                masks[parts.pairs] |= parts.planes
        return masks

    def link_shares(self) -> F8:
        """[links] share of the capacity that is left."""
        fabric = self._fabric
        pairs = len(fabric.link_source) // 2
        cables = np.zeros(pairs)
        for kind, number in self.dead:
            parts = self._components.parts(kind, number)
            if not parts.planes:
                np.add.at(cables, parts.pairs, 1.0)
        lost = cables + bits(self.planes())
        left = np.clip(1.0 - lost / fabric.link_multiplicity[::2], 0.0, 1.0)
        dead = self.dead_nodes()
        left[dead[fabric.link_source[::2]] | dead[fabric.link_target[::2]]] = 0.0
        return np.repeat(left, 2)


def bits(masks: I8) -> F8:
    """Number of bits that are set."""
    count = np.zeros(masks.shape)
    left = masks.copy()
    while left.any():
        count += left & 1
        left >>= 1
    return count


def blocked_replicas(replicas: ReplicaTables, dead: B1) -> B1:
    """[replicas] that have a dead chip, or whose host is dead."""
    blocked = np.zeros(replicas.total, np.bool_)
    blocked[replicas.owner[dead[replicas.chip]]] = True
    hosted = replicas.host >= 0
    blocked[hosted] |= dead[replicas.host[hosted]]
    return blocked


def common_share(links: I8, masks: I8, multiplicity: NDArray[np.int32]) -> F8:
    """[links] of one user: planes alive on all its links, over those alive on each.

    Args:
        links: rows of the user's links in bundles of planes.
        masks: [pairs] dead planes as bits.
        multiplicity: [links] planes of each.
    """
    own = masks[links // 2]
    together = np.bitwise_or.reduce(own) if len(own) else np.int64(0)
    planes = multiplicity[links]
    alive = np.maximum(planes - bits(own), 1.0)
    usable = np.maximum(planes - bits(np.full(len(links), together)), 0.0)
    return np.asarray(usable / alive)
