"""Services: which pools answer the same requests, and the lists of replicas that routers choose from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScenarioError
from engine.scenario.design import Deployment, Design, PoolRole
from engine.sim.codes import Role
from engine.sim.kernels.world import LEAST_LOADED, PREFIX_AFFINITY
from engine.sim.tables import Limits, ServiceTables

NO_LIMIT = 2**62


def service_names(design: Design) -> tuple[str, ...]:
    """Names of the services in the order of their first pools; a service's number is its place.

    Raises:
        ScenarioError: pools of one name, roles that do not go together, models that differ, or a
            tenant without service.
    """
    pools = design.all_pools()
    names = [pool.name for pool in pools]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"pool {name}", "two pools have this name", "rename one")
    services = tuple(dict.fromkeys(pool.service for pool in pools))
    for service in services:
        _check_service(service, [pool for pool in pools if pool.service == service])
    tenants = [tenant.name for tenant in design.all_tenants()]
    for tenant in design.all_tenants():
        if tenant.service not in services:
            known = ", ".join(services)
            raise ScenarioError(
                f"tenant {tenant.name}",
                f"no pool has the service '{tenant.service}'",
                f"choose one of {known}",
            )
        if tenants.count(tenant.name) > 1:
            raise ScenarioError(
                f"tenant {tenant.name}", "two tenants have this name", "rename one"
            )
    return services


def _check_service(name: str, pools: Sequence[Deployment]) -> None:
    roles = {pool.role for pool in pools}
    split = roles & {PoolRole.PREFILL, PoolRole.DECODE}
    if split and roles != {PoolRole.PREFILL, PoolRole.DECODE}:
        have = " and ".join(sorted(role.value for role in roles))
        raise ScenarioError(
            f"service {name}",
            f"its pools are {have}",
            "give it prefill and decode pools, or only mixed ones",
        )
    if len({pool.model for pool in pools}) > 1:
        raise ScenarioError(
            f"service {name}", "its pools serve different models", "use one service for each model"
        )
    if len({pool.kv_precision for pool in pools}) > 1 and split:
        raise ScenarioError(
            f"service {name}",
            "its pools keep KV in different formats, which cannot be handed over",
            "use one KV format",
        )


def service_tables(
    limits: Sequence[Limits], pool: NDArray[np.int32], kv_tokens: NDArray[np.int64]
) -> ServiceTables:
    """The lists of all services.

    Args:
        limits: of each pool; its `service` and `role` say where its replicas belong.
        pool: [replicas] of each.
        kv_tokens: [replicas] capacity.
    """
    members: list[NDArray[np.int64]] = []
    services = 1 + max(limit.service for limit in limits)
    columns: dict[str, list[int]] = {
        name: []
        for name in ("router", "capacity", "prompt", "window", "cached", "places", "slack")
    }
    for service in range(services):
        for decode in (False, True):
            chosen = [
                number
                for number, limit in enumerate(limits)
                if limit.service == service and (limit.role == Role.DECODE) == decode
            ]
            rows = np.flatnonzero(np.isin(pool, chosen))
            members.append(rows)
            own = [limits[number] for number in chosen]
            sizes = np.array([limit.block_tokens for limit in limits])[pool[rows]]
            columns["router"].append(own[0].router if own else 0)
            columns["capacity"].append(
                int((kv_tokens[rows] // sizes * sizes).min(initial=NO_LIMIT))
            )
            columns["prompt"].append(
                min((_longest_prompt(limit) for limit in own), default=NO_LIMIT)
            )
            columns["window"].append(min((limit.window_tokens for limit in own), default=NO_LIMIT))
            columns["cached"].append(int(all(limit.prefix_cache for limit in own)))
            balanced = bool(own) and own[0].router in (LEAST_LOADED, PREFIX_AFFINITY)
            columns["slack"].append(own[0].slack if own else 0)
            columns["places"].append(2 * _power_of_two(len(rows)) if balanced else 0)
    return ServiceTables(
        start=_starts([len(rows) for rows in members]),
        replica=np.concatenate(members).astype(np.int32),
        router=np.array(columns["router"], np.int64),
        capacity_tokens=np.array(columns["capacity"], np.int64),
        longest_prompt=np.array(columns["prompt"], np.int64),
        window_tokens=np.array(columns["window"], np.int64),
        cached=np.array(columns["cached"], np.int64),
        tree=_starts(columns["places"]),
        slack=np.array(columns["slack"], np.int64),
    )


def _longest_prompt(limit: Limits) -> int:
    return NO_LIMIT if limit.chunked_prefill else limit.max_batched_tokens


def _starts(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _power_of_two(count: int) -> int:
    return 1 << max(count - 1, 0).bit_length()
