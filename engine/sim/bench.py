"""A replica on a test bench: its chips around one non-blocking switch, clients on the same host.

Published measurements are of such machines: one server or rack, nothing else on its network. The
bench needs no drawing, and gives the same tables as one.
"""

import msgspec
import numpy as np

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.curves import CurveSet
from engine.cost.efficiency import SystemTerms, load_terms
from engine.cost.memory import chips_per_replica, fit
from engine.cost.timing import compile_timing
from engine.errors import DoesNotFitError
from engine.scenario.design import Deployment
from engine.sim.checks import check_deployment
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.lower import Lowered
from engine.sim.placement import Placement
from engine.sim.pools import LoweredPool, limits_of
from engine.sim.services import service_tables
from engine.sim.tables import (
    FabricTables,
    ReplicaTables,
    RequestTables,
    TenantLimits,
    no_transfers,
)
from engine.sim.tenants import request_load
from engine.sim.timings import stack_timings


def on_bench(
    deployment: Deployment,
    llm: LlmSpec,
    chip: DeviceSpec,
    requests: RequestTables,
    *,
    terms: SystemTerms | None = None,
    curves: CurveSet | None = None,
    kv_tokens: int | None = None,
) -> Lowered:
    """The tables of one replica on a bench.

    Args:
        deployment: how the model is served.
        llm: the model.
        chip: of which the replica takes as many as it needs.
        requests: what is asked.
        terms: system terms in place of the fitted ones.
        curves: efficiency curves in place of the fitted ones.
        kv_tokens: KV capacity in place of what fits.

    Raises:
        ScenarioError: limits that no scheduler can work with, or a figure that is missing.
        DoesNotFitError: the model does not fit; the text has the numbers.
    """
    check_deployment(deployment)
    memory = fit(deployment, llm, chip)
    if kv_tokens is not None:
        memory = msgspec.structs.replace(memory, ok=True, kv_tokens=kv_tokens)
    if not memory.ok:
        raise DoesNotFitError(f"{llm.name} on {chip.name}", memory.reason, memory.way_out)
    ranks = chip_fabric(chip)
    chosen = terms or load_terms(chip.family, deployment)
    timing = compile_timing(
        deployment, llm, chip, ranks, request_load(requests), terms=chosen, curves=curves
    )
    count = chips_per_replica(deployment)
    limits = limits_of(deployment, llm, memory)
    longest = int((requests.input_tokens + requests.output_tokens).max())  # was served, so it was
    limits = limits._replace(window_tokens=max(limits.window_tokens, longest))
    fabric = _star(count, ranks.port_bytes_per_s)
    replicas = _replica(count, memory.kv_tokens)
    pool = LoweredPool(
        deployment=deployment,
        placement=Placement(
            chips=np.arange(count, dtype=np.int32)[None, :],
            asked=1,
            unused_chips=0,
            spec_element=0,
        ),
        memory=memory,
        limits=limits,
        frontend_s=chosen.frontend_s,
    )
    return Lowered(
        fabric=fabric,
        pools=(pool,),
        replicas=replicas,
        timing=stack_timings([timing]),
        services=service_tables([limits], replicas.pool, replicas.kv_tokens),
        transfers=no_transfers(1),
        tenants=(TenantLimits(),),
        requests=requests,
        agents=None,
        host_cores=np.zeros(len(fabric.node_kind)),
        node_power_w=np.zeros(len(fabric.node_kind)),
        node_idle_w=np.zeros(len(fabric.node_kind)),
        element_ids=("bench",),
        racks=(False,),
        link_ids=(),
    )


def _star(chips: int, port_bytes_per_s: float) -> FabricTables:
    """Chips 0..n-1 and a switch n; link 2i leads from chip i to the switch, 2i + 1 back."""
    ends = np.arange(chips, dtype=np.int32)
    centre = np.full(chips, chips, np.int32)
    kind = np.full(chips + 1, NodeKind.CHIP, np.int8)
    kind[chips] = NodeKind.SWITCH
    return FabricTables(
        node_kind=kind,
        node_element=np.zeros(chips + 1, np.int32),
        node_member=np.append(ends, 0).astype(np.int32),
        node_domain=np.append(np.zeros(chips, np.int32), -1).astype(np.int32),
        link_source=np.stack([ends, centre], axis=1).ravel(),
        link_target=np.stack([centre, ends], axis=1).ravel(),
        link_bytes_per_s=np.full(2 * chips, port_bytes_per_s),
        link_latency_s=np.zeros(2 * chips),
        link_class=np.full(2 * chips, LinkClass.SCALE_UP, np.int8),
        link_drawn=np.full(2 * chips, -1, np.int32),
        link_multiplicity=np.ones(2 * chips, np.int32),
    )


def _replica(chips: int, kv_tokens: int) -> ReplicaTables:
    """One replica whose collectives use every port evenly, without a client's way in or out."""
    hops = 2 * chips if chips > 1 else 0
    empty, nobody = np.zeros(2, np.int64), np.empty(0, np.int32)
    return ReplicaTables(
        np.zeros(1, np.int32),
        np.array([0, chips], np.int64),
        np.arange(chips, dtype=np.int32),
        np.array([-1], np.int32),
        np.array([kv_tokens], np.int64),
        np.array([0, hops], np.int64),
        np.arange(hops, dtype=np.int32),
        np.ones(hops),
        empty,
        nobody,
        np.empty(0),
        empty,
        nobody,
        np.empty(0),
    )
