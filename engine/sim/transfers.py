"""The ways of KV from prefill to decode replicas, over the drawn links."""

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapacityError
from engine.sim.routing import Router
from engine.sim.tables import ReplicaTables, ServiceTables, TransferTables, no_transfers

MOST_PAIRS = 100_000  # of a prefill and a decode replica
SET_UP_S = 50e-6  # of one transfer: an estimate, handshake and launch of the copies


def transfer_tables(
    replicas: ReplicaTables,
    services: ServiceTables,
    routes: Router,
    down: NDArray[np.bool_] | None = None,
) -> TransferTables:
    """One way for each pair of a prefill and a decode replica of a service.

    Every chip of the decode replica pulls its part of the bytes from the chip of the prefill
    replica that has it: ranks are matched in order, several to one where the numbers differ.
    With `down` [replicas] a pair with one of them, or without a path, has no links.

    Raises:
        ScenarioError: a pair has no path.
        CapacityError: there are more pairs than fit in memory.
    """
    first = np.full(replicas.total, -1, np.int64)
    pairs: list[tuple[int, int]] = []
    for service in range(len(services.router) // 2):
        sources = _members(services, 2 * service)
        targets = _members(services, 2 * service + 1)
        if len(pairs) + len(sources) * len(targets) > MOST_PAIRS:
            raise CapacityError(
                "pairs of prefill and decode replicas",
                MOST_PAIRS,
                "use fewer, larger replicas or a service for each part of the hall",
            )
        for target in targets:
            first[target] = len(pairs)
            pairs += [(source, target) for source in sources]
    if not pairs:
        return no_transfers(replicas.total)
    return _tables(first, pairs, replicas, routes, down)


def _members(services: ServiceTables, number: int) -> list[int]:
    rows = services.replica[services.start[number] : services.start[number + 1]]
    return [int(row) for row in rows]


def _tables(
    first: NDArray[np.int64],
    pairs: list[tuple[int, int]],
    replicas: ReplicaTables,
    routes: Router,
    down: NDArray[np.bool_] | None,
) -> TransferTables:
    ends = [_ranks(replicas, source, target) for source, target in pairs]
    sizes = np.array([len(sources) for sources, _ in ends])
    owner = np.repeat(np.arange(len(pairs)), sizes)
    sources = np.concatenate([sources for sources, _ in ends])
    targets = np.concatenate([targets for _, targets in ends])
    if down is None:
        table = routes.require_all(sources, targets, lambda row: _name(pairs[int(owner[row])]))
    else:
        table = routes.routes(sources, targets)
    hop_owner = np.repeat(owner, np.diff(table.start))
    weights = table.shares / sizes[hop_owner]
    key, inverse = np.unique(
        np.stack([hop_owner, table.links.astype(np.int64)]), axis=1, return_inverse=True
    )
    latency = np.zeros(len(pairs))
    np.maximum.at(latency, owner, np.nan_to_num(table.latency_s))
    counts = np.bincount(key[0], minlength=len(pairs))
    return TransferTables(
        first=first,
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        link=key[1].astype(np.int32),
        weight=np.bincount(inverse.ravel(), weights=weights, minlength=key.shape[1]).astype(
            np.float64
        ),
        latency_s=latency + SET_UP_S,
    )


def _ranks(
    replicas: ReplicaTables, source: int, target: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Chips that send and chips that receive, one row each."""
    mine, theirs = _chips(replicas, source), _chips(replicas, target)
    count = max(len(mine), len(theirs))
    turn = np.arange(count)
    return mine[turn * len(mine) // count], theirs[turn * len(theirs) // count]


def _chips(replicas: ReplicaTables, number: int) -> NDArray[np.int32]:
    return replicas.chip[replicas.chip_start[number] : replicas.chip_start[number + 1]]


def _name(pair: tuple[int, int]) -> str:
    return f"KV from prefill replica {pair[0]} to decode replica {pair[1]}"
