"""Replicas as tables: their chips and hosts, and their ways from the clients and back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import LinkClass, NodeKind
from engine.sim.pools import PoolParts
from engine.sim.routing import Router, RouteTable
from engine.sim.tables import FabricTables, ReplicaTables


def replica_tables(
    parts: Sequence[PoolParts], fabric: FabricTables, routes: Router
) -> ReplicaTables:
    """One row a replica, pool by pool: clients take turns, a replica's number is that of its flows.

    Raises:
        ScenarioError: a replica has no path from or to its client.
    """
    counts = [len(part.pool.placement.chips) for part in parts]
    count = sum(counts)
    first = np.concatenate([part.pool.placement.chips[:, 0] for part in parts])
    hosts = host_of_nodes(fabric)[first]
    ends = np.where(hosts >= 0, hosts, first).astype(np.int32)
    clients = np.flatnonzero(fabric.node_kind == NodeKind.CLIENT).astype(np.int32)
    flows = np.arange(count)
    if len(clients):
        client = clients[flows % len(clients)]
        way_in = routes.require_all(
            client, ends, lambda replica: f"replica {replica} from its client", flows
        )
        way_out = routes.require_all(
            ends, client, lambda replica: f"replica {replica} to its client", flows
        )
    else:
        nowhere = np.zeros(count + 1, np.int64)
        way_in = way_out = RouteTable(nowhere, np.empty(0, np.int32), np.empty(0), np.zeros(count))
    coflows = [part.collectives.csr() for part in parts]
    each = np.concatenate(
        [np.full(len(part.pool.placement.chips), part.pool.placement.chips.shape[1])
         for part in parts]
    )  # fmt: skip
    kv_tokens = [part.pool.memory.kv_tokens for part in parts]
    return ReplicaTables(
        pool=np.repeat(np.arange(len(parts)), counts).astype(np.int32),
        chip_start=np.concatenate([[0], np.cumsum(each)]).astype(np.int64),
        chip=np.concatenate([part.pool.placement.chips.ravel() for part in parts]),
        host=hosts,
        kv_tokens=np.repeat(np.array(kv_tokens, np.int64), counts),
        coflow_start=_joined([start for start, _, _ in coflows]),
        coflow_link=np.concatenate([links for _, links, _ in coflows]),
        coflow_weight=np.concatenate([weights for _, _, weights in coflows]),
        ingress_start=way_in.start,
        ingress_link=way_in.links,
        ingress_weight=way_in.shares,
        egress_start=way_out.start,
        egress_link=way_out.links,
        egress_weight=way_out.shares,
    )


def _joined(starts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Starts of rows that follow one another."""
    sizes = np.concatenate([np.diff(start) for start in starts])
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def host_of_nodes(fabric: FabricTables) -> NDArray[np.int32]:
    """The host that each node hangs on over PCIe (its first link to one), -1 for none; [nodes]."""
    host = np.full(len(fabric.node_kind), -1, np.int32)
    to_host = fabric.link_class == LinkClass.PCIE
    to_host &= fabric.node_kind[fabric.link_target] == NodeKind.HOST
    links = np.flatnonzero(to_host)[::-1]  # of several the first one stays
    host[fabric.link_source[links]] = fabric.link_target[links]
    return host
