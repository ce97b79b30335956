"""Replicas whose coflows are equal but for their place: one template each, moved by an offset.

Equal racks are repetitions of one block, so that replicas at the same place of two racks differ by
one offset of nodes and one of links. Only coflows that stay on scale-up links inside a
rack are moved, and only after every link of their chips and switches was compared.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cost.communication import ExchangeShares
from engine.scenario.design import Deployment
from engine.sim.codes import LinkClass
from engine.sim.coflows import CoflowRow, replica_coflow
from engine.sim.routing import Router
from engine.sim.tables import FabricTables

I8 = NDArray[np.int64]


class CoflowClasses(NamedTuple):
    """Replica r has the links `templates[template[r]]` moved by `link_shift[r]`."""

    templates: list[CoflowRow]
    template: NDArray[np.int32]  # [replicas]
    link_shift: I8  # [replicas]

    def row(self, replica: int) -> CoflowRow:
        """Links, weights and latency of one replica."""
        links, weights, latency_s = self.templates[int(self.template[replica])]
        return (links + self.link_shift[replica]).astype(np.int32), weights, latency_s

    def csr(self) -> tuple[I8, NDArray[np.int32], NDArray[np.float64]]:
        """The fields `coflow_start`, `coflow_link`, `coflow_weight` of `ReplicaTables`."""
        sizes = np.array([len(links) for links, _, _ in self.templates], np.int64)
        firsts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        counts = sizes[self.template]
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        within = np.arange(start[-1]) - np.repeat(start[:-1], counts)
        place = np.repeat(firsts[self.template], counts) + within
        links = np.concatenate([links for links, _, _ in self.templates])[place]
        weights = np.concatenate([weights for _, weights, _ in self.templates])[place]
        moved = links + np.repeat(self.link_shift, counts)
        return start, moved.astype(np.int32), weights.astype(np.float64)

    @property
    def latency_s(self) -> float:
        """The longest of all."""
        return max((latency for _, _, latency in self.templates), default=0.0)


def coflow_classes(
    rows: NDArray[np.int32],
    deployment: Deployment,
    fabric: FabricTables,
    routes: Router,
    shares: ExchangeShares | None = None,
) -> CoflowClasses:
    """The coflows of all replicas, each computed once for a place in a rack.

    Equal to `replica_coflow` of every row. Raises as it does.

    Args:
        rows: [replicas, chips of a replica].
        deployment: as for `replica_coflow`.
        fabric: the expanded drawing.
        routes: over it.
        shares: as for `replica_coflow`.
    """
    order = np.argsort(fabric.link_source, kind="stable")
    first = np.searchsorted(fabric.link_source[order], np.arange(len(fabric.node_kind) + 1))
    coflows: list[CoflowRow] = []
    template = np.zeros(len(rows), np.int32)
    shift = np.zeros(len(rows), np.int64)
    _, shape = np.unique(rows - rows[:, :1], axis=0, return_inverse=True)
    order_of_shape = np.argsort(shape.ravel(), kind="stable")
    bounds = np.flatnonzero(np.diff(shape.ravel()[order_of_shape])) + 1
    for alike in np.split(order_of_shape, bounds):
        left = alike
        while len(left):
            row = rows[left[0]]
            found = replica_coflow(row, deployment, fabric, routes, shares)
            near = _near(row, found, fabric, order, first)
            same, offset = _moved(near, row, rows[left], fabric, order, first)
            template[left[same]], shift[left[same]] = len(coflows), offset[same]
            coflows.append(found)
            left = left[~same]
    return CoflowClasses(coflows, template, shift)


def _near(
    row: NDArray[np.int32], found: CoflowRow, fabric: FabricTables, order: I8, first: I8
) -> I8 | None:
    """Links of the rack out of the coflow's nodes; None where it must not be moved.

    A way that leaves the scale-up links goes over two others at least: where these are longer
    than the coflow's longest route, no rack's outside can offer a shorter one.
    """
    links, _, latency_s = found
    inside = (fabric.link_drawn[links] < 0) & (fabric.link_class[links] == LinkClass.SCALE_UP)
    if not len(links) or not inside.all():
        return None
    nodes = np.unique(np.concatenate([row, fabric.link_source[links]]))
    out = np.concatenate([order[first[node] : first[node + 1]] for node in nodes])
    others = fabric.link_class[out] != LinkClass.SCALE_UP
    if (fabric.link_latency_s[out[others]] * 2.0 <= latency_s * (1.0 + 1e-9)).any():
        return None
    if ((fabric.link_drawn[out] >= 0) & ~others).any():
        return None
    return np.asarray(out[fabric.link_drawn[out] < 0], np.int64)


def _moved(
    near: I8 | None,
    row: NDArray[np.int32],
    others: NDArray[np.int32],
    fabric: FabricTables,
    order: I8,
    first: I8,
) -> tuple[NDArray[np.bool_], I8]:
    """Which of other replicas are at the same place of an equal rack, and the offset of links.

    The first of the others is the template itself.
    """
    same = np.zeros(len(others), np.bool_)
    same[0] = True
    offset = np.zeros(len(others), np.int64)
    if near is None:
        return same, offset
    nodes = others[:, 0].astype(np.int64) - int(row[0])
    source = int(fabric.link_source[near[0]])
    place = int(np.flatnonzero(order[first[source] : first[source + 1]] == near[0])[0])
    theirs = source + nodes
    can = (theirs >= 0) & (theirs < len(fabric.node_kind))
    at = first[np.where(can, theirs, 0)] + place
    can &= at < first[np.where(can, theirs, 0) + 1]
    offset = np.where(can, order[np.where(can, at, 0)] - near[0], 0)
    can &= (near.min() + offset >= 0) & (near.max() + offset < len(fabric.link_source))
    asked = np.flatnonzero(can)
    same[asked] |= _equal(near, near + offset[asked, None], nodes[asked, None], fabric)
    return same, offset


def _equal(near: I8, moved: I8, nodes: I8, fabric: FabricTables) -> NDArray[np.bool_]:
    """Which rows of moved links are those of a rack, moved by some nodes; [rows]."""
    equal = (
        (fabric.link_source[moved] == fabric.link_source[near] + nodes)
        & (fabric.link_target[moved] == fabric.link_target[near] + nodes)
        & (fabric.link_bytes_per_s[moved] == fabric.link_bytes_per_s[near])
        & (fabric.link_bytes_per_s[moved ^ 1] == fabric.link_bytes_per_s[near ^ 1])
        & (fabric.link_latency_s[moved] == fabric.link_latency_s[near])
        & (fabric.link_class[moved] == fabric.link_class[near])
        & (fabric.link_drawn[moved] < 0)
    )
    return np.asarray(equal.all(axis=1), np.bool_)
