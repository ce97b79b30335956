"""Replicas as tables: their hosts, and their ways from the clients and back."""

import numpy as np
from numpy.typing import NDArray

from engine.cost.memory import MemoryFit
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.coflow_classes import CoflowClasses
from engine.sim.placement import Placement
from engine.sim.routing import Router, RouteTable
from engine.sim.tables import FabricTables, ReplicaTables


def replica_tables(
    placement: Placement,
    memory: MemoryFit,
    fabric: FabricTables,
    routes: Router,
    collectives: CoflowClasses,
) -> ReplicaTables:
    """One row a replica: clients take turns, and a replica's number is that of its flows.

    Raises:
        ScenarioError: a replica has no path from or to its client.
    """
    count = len(placement.chips)
    first = placement.chips[:, 0]
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
    return ReplicaTables(
        placement.chips,
        hosts,
        np.full(count, memory.kv_tokens, np.int64),
        *collectives.csr(),
        *way_in[:3],
        *way_out[:3],
    )


def host_of_nodes(fabric: FabricTables) -> NDArray[np.int32]:
    """The host that each node hangs on over PCIe (its first link to one), -1 for none; [nodes]."""
    host = np.full(len(fabric.node_kind), -1, np.int32)
    to_host = fabric.link_class == LinkClass.PCIE
    to_host &= fabric.node_kind[fabric.link_target] == NodeKind.HOST
    links = np.flatnonzero(to_host)[::-1]  # of several the first one stays
    host[fabric.link_source[links]] = fabric.link_target[links]
    return host
