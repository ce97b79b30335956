"""The ways of KV and of weights into replicas, over the drawn links.

From prefill to decode replicas, between replicas that share prefixes, from host memory over PCIe,
and from the drawn storage.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapacityError, ScenarioError
from engine.sim.codes import NodeKind, Role
from engine.sim.replicas import host_of_nodes
from engine.sim.routing import Router
from engine.sim.tables import (
    FabricTables,
    Limits,
    ReplicaTables,
    ServiceTables,
    TransferTables,
    no_transfers,
)

I4 = NDArray[np.int32]
B1 = NDArray[np.bool_]

MOST_PAIRS = 100_000  # of replicas that exchange KV
SET_UP_S = 50e-6  # of one transfer: an estimate, handshake and launch of the copies


class Way(NamedTuple):
    """One route: row i goes from source[i] to target[i] and has an equal part of the bytes."""

    source: I4
    target: I4
    name: str


class _Ways:
    """Ways found so far."""

    def __init__(self, replicas: ReplicaTables, fabric: FabricTables) -> None:
        self.rows: list[Way] = []
        self._replicas = replicas
        self._hosts = host_of_nodes(fabric)
        self._storage = np.flatnonzero(fabric.node_kind == NodeKind.STORAGE).astype(np.int32)

    def between(self, sources: Sequence[int], target: int, name: str) -> int:
        """Ways into a replica from others; the number of the first.

        Every chip pulls its part of the bytes from the chip that has it: ranks are matched in
        order, several to one where the numbers differ.
        """
        if len(self.rows) + len(sources) > MOST_PAIRS:
            raise CapacityError(
                "pairs of replicas that exchange KV",
                MOST_PAIRS,
                "use fewer, larger replicas or a service for each part of the hall",
            )
        first = len(self.rows)
        theirs = self._chips(target)
        for source in sources:
            mine = self._chips(source)
            turn = np.arange(max(len(mine), len(theirs)))
            ends = (mine[turn * len(mine) // len(turn)], theirs[turn * len(theirs) // len(turn)])
            self.rows.append(Way(*ends, f"KV from replica {source} to {name} replica {target}"))
        return first

    def from_host(self, target: int) -> int:
        """The way from the hosts of a replica's chips to these."""
        chips = self._chips(target)
        hosts = self._hosts[chips]
        if (hosts < 0).any():
            raise ScenarioError(
                f"replica {target}",
                "it keeps prefixes in host memory, and its chips hang on no host",
                "link a host to them, or set host_kv_gb to 0",
            )
        name = f"KV from host memory to replica {target}"
        self.rows.append(Way(hosts, chips, name))
        return len(self.rows) - 1

    def from_storage(self, target: int) -> int:
        """The way from the drawn storage to the chips of a replica; -1 without storage."""
        if not len(self._storage):
            return -1
        chips = self._chips(target)
        sources = self._storage[np.arange(len(chips)) % len(self._storage)]
        self.rows.append(Way(sources, chips, f"storage to replica {target}"))
        return len(self.rows) - 1

    def _chips(self, number: int) -> I4:
        start = self._replicas.chip_start
        return self._replicas.chip[start[number] : start[number + 1]]


def transfer_tables(
    replicas: ReplicaTables,
    services: ServiceTables,
    limits: Sequence[Limits],
    fabric: FabricTables,
    routes: Router,
    *,
    loads: bool,
    migrates: bool,
    down: B1 | None = None,
) -> TransferTables:
    """All ways into replicas that a run may need.

    Args:
        replicas: that are placed.
        services: their lists.
        limits: of the pools.
        fabric: the drawn one.
        routes: over it.
        loads: replicas load their weights in the run.
        migrates: sequences move to other replicas with their KV.
        down: [replicas] a way with one of them, or without a path, has no links; without it each
            must have a path.

    Raises:
        ScenarioError: a pair has no path, or a tier is not drawn.
        CapacityError: there are more pairs than fit in memory.
    """
    count = replicas.total
    first, peer, host, storage = (np.full(count, -1, np.int64) for _ in range(4))
    ways = _Ways(replicas, fabric)
    for number in range(len(services.router)):
        members = _members(services, number)
        sources = _members(services, number - 1) if number % 2 else []
        for target in members:
            own = limits[int(replicas.pool[target])]
            if own.role == Role.DECODE:
                first[target] = ways.between(sources, target, "decode")
            if (own.shares or migrates) and len(members) > 1:
                peer[target] = ways.between(members, target, "another")
            if own.host_tokens:
                host[target] = ways.from_host(target)
            if own.storage_tokens or loads:
                storage[target] = ways.from_storage(target)
            if own.storage_tokens and storage[target] < 0:
                raise ScenarioError(
                    f"replica {target}",
                    "it keeps prefixes on storage, and none is drawn",
                    "draw a storage and link it, or set storage_kv_gb to 0",
                )
    if not ways.rows:
        return no_transfers(count)
    return TransferTables(first, peer, host, storage, *_tables(ways.rows, routes, down))


def _members(services: ServiceTables, number: int) -> list[int]:
    rows = services.replica[services.start[number] : services.start[number + 1]]
    return [int(row) for row in rows]


def _tables(
    ways: Sequence[Way], routes: Router, down: B1 | None
) -> tuple[NDArray[np.int64], I4, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Starts, links, weights and latencies of the ways, and which have a path."""
    sizes = np.array([len(way.source) for way in ways])
    owner = np.repeat(np.arange(len(ways)), sizes)
    sources = np.concatenate([way.source for way in ways])
    targets = np.concatenate([way.target for way in ways])
    apart = sources != targets
    if down is None:
        table = routes.require_all(
            sources[apart], targets[apart], lambda row: ways[int(owner[apart][row])].name
        )
    else:
        table = routes.routes(sources[apart], targets[apart])
    hop_owner = np.repeat(owner[apart], np.diff(table.start))
    weights = table.shares / sizes[hop_owner]
    key, inverse = np.unique(
        np.stack([hop_owner, table.links.astype(np.int64)]), axis=1, return_inverse=True
    )
    latency = np.zeros(len(ways))
    np.maximum.at(latency, owner[apart], np.nan_to_num(table.latency_s))
    counts = np.bincount(key[0], minlength=len(ways))
    weight = np.bincount(inverse.ravel(), weights=weights, minlength=key.shape[1])
    return (
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        key[1].astype(np.int32),
        weight.astype(np.float64),
        latency + SET_UP_S,
        (np.bincount(owner[apart][np.isnan(table.latency_s)], minlength=len(ways)) == 0).astype(
            np.int64
        ),
    )
