"""Ways of replicas over a damaged fabric: only those that used what has changed are found anew."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.design import Routing
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.coflows import replica_coflow
from engine.sim.damage import common_share
from engine.sim.lower import Lowered
from engine.sim.routing import Router
from engine.sim.tables import FabricTables, ReplicaTables, TransferTables
from engine.sim.transfers import transfer_tables

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
B1 = NDArray[np.bool_]

Row = tuple[I4, F8]
NO_ROW: Row = (np.empty(0, np.int32), np.empty(0))


class Rerouted(NamedTuple):
    """Tables over a damaged fabric, and who cannot serve on it."""

    fabric: FabricTables
    link_shares: F8  # [links] share of the capacity that is left
    replicas: ReplicaTables
    transfers: TransferTables
    out: B1  # [replicas] dead parts, or no way from or to the client, or between ranks


def reroute(
    lowered: Lowered, link_shares: F8, planes: I8, blocked: B1, routing: Routing, seed: int
) -> Rerouted:
    """The ways over what is left of a fabric.

    Args:
        lowered: the whole one.
        link_shares: [links] share of the capacity that is left.
        planes: [pairs of links] dead planes as bits.
        blocked: [replicas] that do not serve anyway.
        routing: how equal paths are used.
        seed: of hashed routes.
    """
    base = lowered.replicas
    changed = link_shares < 1.0
    fabric = lowered.fabric._replace(
        link_bytes_per_s=lowered.fabric.link_bytes_per_s * link_shares
    )
    routes = Router(fabric, routing, seed)
    cut_off = np.zeros(base.total, np.bool_)
    coflows = _coflows(lowered, fabric, routes, changed, planes, blocked, cut_off)
    ways = _ways(lowered, fabric, routes, changed, blocked, cut_off)
    replicas = base._replace(
        **_replaced(base, "coflow", coflows),
        **_replaced(base, "ingress", ways[0]),
        **_replaced(base, "egress", ways[1]),
    )
    out = blocked | cut_off
    transfers = _transfers(lowered, routes, changed, planes, out)
    return Rerouted(fabric, link_shares, replicas, transfers, out)


def _users(start: I8, link: I4, changed: B1) -> I8:
    """Rows that use a changed link."""
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.unique(owner[changed[link]])


def _coflows(
    lowered: Lowered, fabric: FabricTables, routes: Router, changed: B1, planes: I8, blocked: B1,
    cut_off: B1,
) -> dict[int, Row]:  # fmt: skip
    base = lowered.replicas
    rows: dict[int, Row] = {}
    for number in _users(base.coflow_start, base.coflow_link, changed).tolist():
        rows[number] = NO_ROW
        if blocked[number]:
            continue
        pool = lowered.pools[int(base.pool[number])]
        chips = base.chip[base.chip_start[number] : base.chip_start[number + 1]]
        try:
            links, weights, _ = replica_coflow(
                chips, pool.deployment, fabric, routes, pool.exchange
            )
        except ScenarioError:
            cut_off[number] = True
            continue
        rows[number] = (links, weights / _usable(links, fabric, planes))
        cut_off[number] = not np.isfinite(rows[number][1]).all()
        if cut_off[number]:
            rows[number] = NO_ROW
    return rows


def _usable(links: I4, fabric: FabricTables, planes: I8) -> F8:
    """[links] of one user: the share of each that planes alive on all of them have."""
    share = np.ones(len(links))
    up = fabric.link_class[links] == LinkClass.SCALE_UP
    share[up] = common_share(links[up].astype(np.int64), planes, fabric.link_multiplicity)
    with np.errstate(divide="ignore"):
        return np.where(share > 0, share, 0.0)


def _ways(
    lowered: Lowered, fabric: FabricTables, routes: Router, changed: B1, blocked: B1, cut_off: B1
) -> tuple[dict[int, Row], dict[int, Row]]:
    base = lowered.replicas
    clients = np.flatnonzero(fabric.node_kind == NodeKind.CLIENT).astype(np.int32)
    found: list[dict[int, Row]] = []
    for name in ("ingress", "egress"):
        start, link = getattr(base, f"{name}_start"), getattr(base, f"{name}_link")
        numbers = _users(start, link, changed)
        rows = {int(number): NO_ROW for number in numbers}
        kept = numbers[~blocked[numbers]]
        if len(kept):
            chips = base.chip[base.chip_start[kept]]
            ends = np.where(base.host[kept] >= 0, base.host[kept], chips).astype(np.int32)
            client = clients[kept % len(clients)]
            pair = (client, ends) if name == "ingress" else (ends, client)
            table = routes.routes(*pair, kept)
            cut_off[kept[np.isnan(table.latency_s)]] = True
            for at, number in enumerate(kept.tolist()):
                mine = slice(int(table.start[at]), int(table.start[at + 1]))
                rows[number] = (table.links[mine], table.shares[mine])
        found.append(rows)
    return found[0], found[1]


def _replaced(base: ReplicaTables, name: str, rows: Mapping[int, Row]) -> dict[str, NDArray]:  # type: ignore[type-arg]
    """The three fields of one kind of way with some rows replaced."""
    start, link = getattr(base, f"{name}_start"), getattr(base, f"{name}_link")
    weight = getattr(base, f"{name}_weight")
    fields = _with_rows(start, link, weight, rows)
    return dict(zip((f"{name}_start", f"{name}_link", f"{name}_weight"), fields, strict=True))


def _with_rows(start: I8, link: I4, weight: F8, rows: Mapping[int, Row]) -> tuple[I8, I4, F8]:
    if not rows:
        return start, link, weight
    sizes = np.diff(start)
    for number, (links, _) in rows.items():
        sizes[number] = len(links)
    fresh = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    links_out, weights_out = np.empty(fresh[-1], np.int32), np.empty(fresh[-1])
    replaced = np.zeros(len(sizes), np.bool_)
    replaced[list(rows)] = True
    kept = np.repeat(~replaced, np.diff(start))
    place = np.repeat(~replaced, sizes)
    links_out[place], weights_out[place] = link[kept], weight[kept]
    for number, (links, weights) in rows.items():
        links_out[fresh[number] : fresh[number + 1]] = links
        weights_out[fresh[number] : fresh[number + 1]] = weights
    return fresh, links_out, weights_out


def _transfers(
    lowered: Lowered, routes: Router, changed: B1, planes: I8, down: B1
) -> TransferTables:
    """The ways of KV and weights; all anew if one has changed."""
    base = lowered.transfers
    if not changed[base.link].any():
        return base
    limits = [pool.limits for pool in lowered.pools]
    alone = ~np.array([limit.shares for limit in limits])[lowered.replicas.pool]
    found = transfer_tables(
        lowered.replicas,
        lowered.services,
        limits,
        lowered.fabric,
        routes,
        loads=bool((base.storage >= 0).any()),
        migrates=bool((base.peer[alone] >= 0).any()),
        down=down,
    )
    found = _with_dead_ways(found, base)
    owner = np.repeat(np.arange(len(found.start) - 1), np.diff(found.start))
    weight = found.weight.copy()
    for number in np.unique(owner).tolist():
        mine = slice(int(found.start[number]), int(found.start[number + 1]))
        weight[mine] /= np.maximum(_usable(found.link[mine], lowered.fabric, planes), 1e-9)
    return found._replace(weight=weight)


def _with_dead_ways(found: TransferTables, base: TransferTables) -> TransferTables:
    """What has no path any more keeps the one it had: nothing moves on it until it is whole."""
    lost = np.flatnonzero(found.alive == 0)
    rows: dict[int, Row] = {}
    for number in lost.tolist():
        mine = slice(int(base.start[number]), int(base.start[number + 1]))
        rows[number] = (base.link[mine], base.weight[mine])
    start, link, weight = _with_rows(found.start, found.link, found.weight, rows)
    return found._replace(start=start, link=link, weight=weight)


def damaged(lowered: Lowered, rerouted: Rerouted) -> Lowered:
    """The tables of a run on the damaged fabric."""
    return dataclasses.replace(
        lowered,
        fabric=rerouted.fabric,
        replicas=rerouted.replicas,
        transfers=rerouted.transfers,
    )
