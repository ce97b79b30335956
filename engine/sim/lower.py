"""From a scenario to tables: the one place where the drawing becomes numbers for the kernels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scenario.design import Routing
from engine.scenario.faults import FaultPolicy
from engine.scenario.own_models import design_catalog
from engine.scenario.scenario import Scenario
from engine.sim.checks import check_autoscale, check_deployment, check_run
from engine.sim.drawn_chips import chip_id
from engine.sim.node_figures import as_fast_as_flash, check_host_memory, host_cores, node_power
from engine.sim.placement import place_pools
from engine.sim.pools import LoweredPool, lower_pool
from engine.sim.replicas import replica_tables
from engine.sim.routing import Router as FabricRouter
from engine.sim.services import service_names, service_tables
from engine.sim.tables import (
    AgentTables,
    FabricTables,
    ReplicaTables,
    RequestTables,
    ServiceTables,
    TenantLimits,
    TimingTables,
    TransferTables,
)
from engine.sim.tenants import agent_tables, expected_load, request_tables, tenant_limits
from engine.sim.timings import stack_timings
from engine.sim.transfers import transfer_tables
from engine.topology.expand import expand


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """Everything a run reads, and the way back from rows to the drawing."""

    fabric: FabricTables
    pools: tuple[LoweredPool, ...]
    replicas: ReplicaTables
    timing: TimingTables
    services: ServiceTables
    transfers: TransferTables
    tenants: tuple[TenantLimits, ...]
    requests: RequestTables | None
    agents: AgentTables | None
    host_cores: NDArray[np.float64]  # [nodes], 0 where not a host
    node_power_w: NDArray[np.float64]  # [nodes] at full load
    node_idle_w: NDArray[np.float64]  # [nodes]
    element_ids: tuple[str, ...]
    racks: tuple[bool, ...]  # by element: it is one rack or several
    link_ids: tuple[str, ...]

    @property
    def first(self) -> LoweredPool:
        """The pool of the design's own deployment."""
        return self.pools[0]


def lower(scenario: Scenario, *, may_fail: bool = False) -> Lowered:
    """The tables of a scenario; `may_fail`: faults may come though the design plans none.

    Raises:
        ScenarioError: no chips, no path between what must talk, or bad workload figures.
        DoesNotFitError: the model does not fit the chips of a replica; the text has the numbers.
        CatalogError: a spec or model that the catalogue does not have.
        CapacityError: more pairs of replicas that exchange KV than fit in memory.
    """
    design, catalog = scenario.design, scenario.catalog
    routing = design.fabric.routing
    expanded = expand(design.elements, design.links, catalog, split_cables=routing is Routing.ECMP)
    fabric = FabricTables(*expanded)
    specs = tuple(catalog.device(element.spec) for element in design.elements)
    fabric = as_fast_as_flash(fabric, design, specs)
    element_ids = tuple(element.id for element in design.elements)
    deployments = design.all_pools()
    names = service_names(design)
    llms = [design_catalog(design, catalog).llm(pool.model) for pool in deployments]
    for deployment in deployments:
        check_deployment(deployment)
    check_run(scenario)
    placements = place_pools(
        deployments, fabric, element_ids, tuple(chip_id(spec) for spec in specs)
    )
    for deployment, placement in zip(deployments, placements, strict=True):
        check_autoscale(deployment, len(placement.chips))
    windows = {
        pool.service: llm.context_tokens for pool, llm in zip(deployments, llms, strict=True)
    }
    requests = request_tables(scenario)
    agents = agent_tables(scenario, fabric, windows)
    tenants = tenant_limits(design, names)
    scaled = any(pool.autoscale.min_replicas for pool in deployments)
    loads = may_fail or scaled or not design.faults.is_empty
    routes = FabricRouter(fabric, routing, scenario.seed)
    parts = [
        lower_pool(
            deployment, placement, design, catalog, fabric, routes,
            expected_load(requests, agents, tenants, names.index(deployment.service)),
            names.index(deployment.service),
        )
        for deployment, placement in zip(deployments, placements, strict=True)
    ]  # fmt: skip
    pools = tuple(part.pool for part in parts)
    replicas = replica_tables(parts, fabric, routes)
    services = service_tables([pool.limits for pool in pools], replicas.pool, replicas.kv_tokens)
    check_host_memory([pool.limits for pool in pools], replicas, design, specs, fabric, catalog)
    power, idle = node_power(design, specs, fabric, catalog)
    return Lowered(
        fabric=fabric,
        pools=pools,
        replicas=replicas,
        timing=stack_timings([part.timing for part in parts]),
        services=services,
        transfers=transfer_tables(
            replicas,
            services,
            [pool.limits for pool in pools],
            fabric,
            routes,
            loads=loads,
            migrates=loads and design.faults.policy is FaultPolicy.MIGRATE,
        ),
        tenants=tenants,
        requests=requests,
        agents=agents,
        host_cores=host_cores(design, specs, fabric, catalog),
        node_power_w=power,
        node_idle_w=idle,
        element_ids=element_ids,
        racks=tuple(spec.rack is not None for spec in specs),
        link_ids=tuple(link.id for link in design.links),
    )
