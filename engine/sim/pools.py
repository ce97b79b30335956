"""One pool of a design as tables: where its replicas lie, what they hold, how long a step takes."""

import dataclasses
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.collectives.fabric import CollectiveFabric, chip_fabric
from engine.cost.communication import ExchangeShares, exchange_shares
from engine.cost.efficiency import load_terms
from engine.cost.layers import Load
from engine.cost.memory import MemoryFit, chips_per_replica, fit
from engine.cost.timing import CompiledTiming, compile_timing
from engine.errors import DoesNotFitError
from engine.scenario.design import Deployment, Design, PoolRole, Router, ServingEngine
from engine.scenario.own_models import design_catalog
from engine.sim.codes import LinkClass, Role
from engine.sim.coflow_classes import CoflowClasses, coflow_classes
from engine.sim.coflows import check_collective_algorithm
from engine.sim.drawn_chips import chip_of
from engine.sim.placement import Placement
from engine.sim.routing import Router as FabricRouter
from engine.sim.tables import FabricTables, Limits

RESERVING_ENGINES = (  # admit a request only when its whole output has room
    ServingEngine.TENSORRT_LLM,
    ServingEngine.TENSORRT_ENGINE,
    ServingEngine.TENSORRT_STATIC,
)
ROUTER_CODE = {
    Router.ROUND_ROBIN: 0,
    Router.LEAST_LOADED: 1,
    Router.SESSION_STICKY: 2,
    Router.PREFIX_AFFINITY: 3,
}
ROLE_CODE = {
    PoolRole.MIXED: Role.MIXED,
    PoolRole.PREFILL: Role.PREFILL,
    PoolRole.DECODE: Role.DECODE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredPool:
    """What is known of a pool before the run; `limits` and `timing` are for the kernels."""

    deployment: Deployment
    placement: Placement
    memory: MemoryFit
    limits: Limits
    frontend_s: float  # of a request outside the chips, before its first token
    exchange: ExchangeShares | None = None  # parts of its collectives' bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolParts:
    """A lowered pool, and what goes into the tables of all pools."""

    pool: LoweredPool
    collectives: CoflowClasses
    timing: CompiledTiming


def lower_pool(
    deployment: Deployment,
    placement: Placement,
    design: Design,
    catalog: Catalog,
    fabric: FabricTables,
    routes: FabricRouter,
    load: Load,
    service: int,
) -> PoolParts:
    """The tables of one pool.

    Args:
        deployment: how it serves.
        placement: where its replicas lie.
        design: that was drawn.
        catalog: the shop.
        fabric: the expanded drawing.
        routes: over it.
        load: prompts and contexts that are expected.
        service: number of the service that it is part of.

    Raises:
        DoesNotFitError: the model does not fit the chips of a replica; the text has the numbers.
        ScenarioError: ranks without a path, a collective that cannot run, a missing figure.
        CatalogError: a model that the catalogue does not have.
    """
    element = design.elements[placement.spec_element]
    chip = chip_of(element, catalog.device(element.spec), catalog)
    llm = design_catalog(design, catalog).llm(deployment.model)
    memory = fit(deployment, llm, chip)
    if not memory.ok:
        raise DoesNotFitError(f"{llm.name} on {chip.name}", memory.reason, memory.way_out)
    own = msgspec.structs.replace(design, deployment=deployment)
    check_collective_algorithm(own, catalog, fabric, placement.chips)
    ranks = _collective_fabric(chip, placement.chips, fabric, 0.0)
    shares = exchange_shares(deployment, llm, ranks)
    collectives = coflow_classes(placement.chips, deployment, fabric, routes, shares)
    ranks = dataclasses.replace(ranks, hop_s=collectives.latency_s or ranks.hop_s)
    return PoolParts(
        pool=LoweredPool(
            deployment=deployment,
            placement=placement,
            memory=memory,
            limits=limits_of(deployment, llm, memory, service),
            frontend_s=load_terms(chip.family, deployment).frontend_s,
            exchange=shares,
        ),
        collectives=collectives,
        timing=compile_timing(deployment, llm, chip, ranks, load),
    )


def limits_of(deployment: Deployment, llm: LlmSpec, memory: MemoryFit, service: int = 0) -> Limits:
    """The scheduler limits of a deployment as plain numbers.

    KV that comes from elsewhere is written to every chip that keeps a copy of it.
    """
    kv_bytes = memory.kv_bytes_per_token * deployment.tp * deployment.pp
    cached = deployment.prefix_cache and deployment.role is not PoolRole.DECODE
    tier = 1e9 / kv_bytes if cached and kv_bytes > 0 else 0.0  # tokens of a GB
    return Limits(
        max_seqs=deployment.max_num_seqs,
        max_batched_tokens=deployment.max_num_batched_tokens,
        chunked_prefill=deployment.chunked_prefill,
        prefix_cache=deployment.prefix_cache,
        block_tokens=deployment.kv_block_tokens,
        router=ROUTER_CODE[deployment.router],
        window_tokens=llm.context_tokens,
        no_evict=deployment.engine in RESERVING_ENGINES,
        role=int(ROLE_CODE[deployment.role]),
        service=service,
        slack=deployment.affinity_slack,
        shares=deployment.share_prefixes and cached,
        host_tokens=int(deployment.host_kv_gb * tier),
        storage_tokens=int(deployment.storage_kv_gb * tier),
        ttl_s=deployment.prefix_ttl_s,
        kv_bytes=kv_bytes,
        weight_bytes=memory.weight_bytes * chips_per_replica(deployment),
    )


def _collective_fabric(
    chip: DeviceSpec, chips: NDArray[np.int32], fabric: FabricTables, hop_s: float
) -> CollectiveFabric:
    """What the ranks of a replica are joined by in the drawing: ports, hops and domains."""
    usual = chip_fabric(chip)
    first = int(chips[0][0])
    out = fabric.link_source == first
    up = out & (fabric.link_class == LinkClass.SCALE_UP)
    beyond = out & (fabric.link_class != LinkClass.SCALE_UP)
    scale_up = float(fabric.link_bytes_per_s[up].sum())
    outside = float(fabric.link_bytes_per_s[beyond].sum())
    domain = int(fabric.node_domain[first])
    members = int((fabric.node_domain[chips[0]] == domain).sum()) if domain >= 0 else 1
    return dataclasses.replace(
        usual,
        port_bytes_per_s=scale_up or outside or usual.port_bytes_per_s,
        hop_s=hop_s or usual.hop_s,
        ranks_per_domain=max(members, 1) if scale_up else len(chips[0]),
        nic_bytes_per_s=outside or usual.nic_bytes_per_s,
    )
