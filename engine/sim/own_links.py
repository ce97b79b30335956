"""Links that one replica's collectives have for themselves: their time needs no shared network."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.tables import FabricTables, ReplicaTables, TransferTables

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]


class OwnLinks(NamedTuple):
    """Links of coflows that share none, one row a link."""

    link: I4
    replica: I8
    weight: F8  # bytes on the link per byte of the coflow
    utilisation: F8  # while the coflow moves


def own_rates(fabric: FabricTables, replicas: ReplicaTables, transfers: TransferTables) -> F8:
    """[replicas] bytes/s of a coflow alone on its links; 0 where another route has one of them.

    Infinite without links. A link of capacity 0 or one that a coflow names twice counts as shared:
    the network knows what to do with it.
    """
    links, count = len(fabric.link_bytes_per_s), replicas.total
    owner = np.repeat(np.arange(count), np.diff(replicas.coflow_start))
    users = np.bincount(replicas.coflow_link, minlength=links)
    users += np.bincount(replicas.ingress_link, minlength=links)
    users += np.bincount(replicas.egress_link, minlength=links)
    users += np.bincount(transfers.link, minlength=links)
    capacity = fabric.link_bytes_per_s[replicas.coflow_link]
    shared = (users[replicas.coflow_link] > 1) | (capacity <= 0)
    rate = np.full(count, np.inf)
    loaded = replicas.coflow_weight > 0
    alone = capacity[loaded] / replicas.coflow_weight[loaded]
    np.minimum.at(rate, owner[loaded], alone)
    rate[np.unique(owner[shared])] = 0.0
    return rate


def own_links(fabric: FabricTables, replicas: ReplicaTables, rate: F8) -> OwnLinks:
    """The links of the coflows whose `own_rates` is above 0."""
    owner = np.repeat(np.arange(len(rate)), np.diff(replicas.coflow_start))
    kept = (rate[owner] > 0) & np.isfinite(rate[owner])
    link, weight, owner = replicas.coflow_link[kept], replicas.coflow_weight[kept], owner[kept]
    utilisation = weight * rate[owner] / fabric.link_bytes_per_s[link]
    return OwnLinks(link, owner, weight, utilisation)


def sums_of_rows(start: I8, value: F8) -> F8:
    """[rows] sum of value[start[i]:start[i + 1]], 0 for an empty row."""
    row = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.bincount(row, weights=value, minlength=len(start) - 1).astype(np.float64)
