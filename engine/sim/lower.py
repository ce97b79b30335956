"""From a scenario to tables: the one place where the drawing becomes numbers for the kernels."""

import dataclasses
import math
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Figure
from engine.catalog.llms import LlmSpec
from engine.cost.collectives.fabric import CollectiveFabric, chip_fabric
from engine.cost.communication import exchange_shares
from engine.cost.efficiency import load_terms
from engine.cost.layers import Load
from engine.cost.memory import MemoryFit, chips_per_replica, fit
from engine.cost.timing import USUAL_LOAD, compile_timing
from engine.errors import DoesNotFitError, ScenarioError
from engine.scenario.design import Deployment, Design, Router, Routing, ServingEngine
from engine.scenario.own_models import design_catalog
from engine.scenario.scenario import Scenario
from engine.sim.codes import LinkClass
from engine.sim.coflow_classes import coflow_classes
from engine.sim.coflows import check_collective_algorithm
from engine.sim.node_figures import host_cores, node_power
from engine.sim.placement import Placement, place
from engine.sim.replicas import replica_tables
from engine.sim.requests import agent_tables, request_tables
from engine.sim.routing import Router as FabricRouter
from engine.sim.tables import (
    AgentTables,
    FabricTables,
    Limits,
    ReplicaTables,
    RequestTables,
    TimingTables,
)
from engine.topology.elements import Element
from engine.topology.expand import expand
from engine.workload.profiles import clipped_mean

MAX_BATCHED_TOKENS = 1_000_000
MAX_SHARDS = 1_000_000

RESERVING_ENGINES = (  # admit a request only when its whole output has room
    ServingEngine.TENSORRT_LLM,
    ServingEngine.TENSORRT_ENGINE,
    ServingEngine.TENSORRT_STATIC,
)
ROUTER_CODE = {Router.ROUND_ROBIN: 0, Router.LEAST_LOADED: 1, Router.SESSION_STICKY: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """Everything a run reads, and the way back from rows to the drawing."""

    fabric: FabricTables
    replicas: ReplicaTables
    timing: TimingTables
    limits: Limits
    requests: RequestTables | None
    agents: AgentTables | None
    host_cores: NDArray[np.float64]  # [nodes], 0 where not a host
    node_power_w: NDArray[np.float64]  # [nodes] at full load
    node_idle_w: NDArray[np.float64]  # [nodes]
    frontend_s: float  # of a request outside the chips, before its first token
    element_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    placement: Placement
    memory: MemoryFit


def lower(scenario: Scenario) -> Lowered:
    """The tables of a scenario.

    Raises:
        ScenarioError: no chips, no path between what must talk, or bad workload figures.
        DoesNotFitError: the model does not fit the chips of a replica; the text has the numbers.
        CatalogError: a spec or model that the catalogue does not have.
    """
    design, catalog = scenario.design, scenario.catalog
    routing = design.fabric.routing
    expanded = expand(design.elements, design.links, catalog, split_cables=routing is Routing.ECMP)
    fabric = FabricTables(*expanded)
    specs = tuple(catalog.device(element.spec) for element in design.elements)
    element_ids = tuple(element.id for element in design.elements)
    deployment = design.deployment
    llm = design_catalog(design, catalog).llm(deployment.model)
    check_deployment(deployment)
    check_run(scenario)
    placement = place(deployment, fabric, element_ids, tuple(_chip_id(spec) for spec in specs))
    chip = _drawn_chip(
        design.elements[placement.spec_element], specs[placement.spec_element], catalog
    )
    memory = fit(deployment, llm, chip)
    if not memory.ok:
        raise DoesNotFitError(f"{llm.name} on {chip.name}", memory.reason, memory.way_out)
    routes = FabricRouter(fabric, routing, scenario.seed)
    check_collective_algorithm(design, catalog, fabric, placement.chips)
    ranks = _collective_fabric(chip, placement.chips, fabric, 0.0)
    shares = exchange_shares(deployment, llm, ranks)
    collectives = coflow_classes(placement.chips, deployment, fabric, routes, shares)
    ranks = dataclasses.replace(ranks, hop_s=collectives.latency_s or ranks.hop_s)
    replicas = replica_tables(placement, memory, fabric, routes, collectives)
    requests = request_tables(scenario)
    agents = agent_tables(scenario, fabric, llm.context_tokens)
    compiled = compile_timing(deployment, llm, chip, ranks, expected_load(requests, agents))
    power, idle = node_power(design, specs, fabric, catalog)
    limits = limits_of(deployment, llm)
    return Lowered(
        fabric=fabric,
        replicas=replicas,
        timing=TimingTables(*compiled),
        limits=limits,
        requests=requests,
        agents=agents,
        host_cores=host_cores(design, specs, fabric, catalog),
        node_power_w=power,
        node_idle_w=idle,
        frontend_s=load_terms(chip.family, deployment).frontend_s,
        element_ids=element_ids,
        link_ids=tuple(link.id for link in design.links),
        placement=placement,
        memory=memory,
    )


def check_run(scenario: Scenario) -> None:
    """Refuses a horizon, seed or number of requests that no run can have.

    Raises:
        ScenarioError: names the number.
    """
    workload = scenario.design.workload
    if not (math.isfinite(scenario.until_s) and scenario.until_s > 0):
        raise ScenarioError("run", f"its end is at {scenario.until_s} s", "set a time above 0")
    if not 0 <= scenario.seed < 2**63:
        raise ScenarioError("run", f"its seed is {scenario.seed}", "use 0 to 2^63 - 1")
    if workload.requests < 0:
        raise ScenarioError(
            "workload", f"it asks for {workload.requests} requests", "use 0 or more"
        )


def check_deployment(deployment: Deployment) -> None:
    """Refuses limits that no scheduler can work with.

    Raises:
        ScenarioError: a count below one, or a memory share outside 0..1.
    """
    for name in (
        "tp",
        "pp",
        "ep",
        "attention_dp",
        "max_num_seqs",
        "max_num_batched_tokens",
        "kv_block_tokens",
    ):
        if getattr(deployment, name) < 1:
            raise ScenarioError(
                f"deployment {name}", f"it is {getattr(deployment, name)}", "set it to 1 or more"
            )
    if (deployment.tp * deployment.attention_dp) % deployment.ep:
        raise ScenarioError(
            "deployment ep",
            f"{deployment.ep} expert ranks do not divide the TP{deployment.tp} x "
            f"DP{deployment.attention_dp} chips of a stage",
            "set EP to a divisor of TP x attention-DP",
        )
    if not 0 <= deployment.speculative_tokens <= 64 or not (
        1.0 <= deployment.acceptance_length <= deployment.speculative_tokens + 1
    ):
        raise ScenarioError(
            "deployment acceptance_length",
            f"{deployment.acceptance_length:g} tokens of a step with "
            f"{deployment.speculative_tokens} drafted ones",
            "draft 0 to 64 tokens and accept from 1 to one more than are drafted",
        )
    if not 0.0 <= deployment.expert_skew <= 3.0:
        raise ScenarioError(
            "deployment expert_skew", f"it is {deployment.expert_skew:g}", "set 0 to 3"
        )
    if deployment.max_num_batched_tokens < deployment.max_num_seqs:
        raise ScenarioError(
            "deployment max_num_batched_tokens",
            f"{deployment.max_num_batched_tokens} is less than max_num_seqs "
            f"{deployment.max_num_seqs}: a step cannot give every sequence its token",
            "raise the one or lower the other",
        )
    largest = max(deployment.max_num_batched_tokens, deployment.kv_block_tokens)
    if largest > MAX_BATCHED_TOKENS or chips_per_replica(deployment) * deployment.ep > MAX_SHARDS:
        raise ScenarioError(
            "deployment",
            f"it asks for {largest:,} tokens a step or block and TP{deployment.tp} x "
            f"PP{deployment.pp}, EP{deployment.ep}",
            f"stay below {MAX_BATCHED_TOKENS:,} tokens and {MAX_SHARDS:,} shards",
        )
    if deployment.replicas < 0:
        raise ScenarioError("deployment replicas", "it is negative", "set 0 for as many as fit")
    if not 0.0 < deployment.memory_utilisation <= 1.0:
        raise ScenarioError(
            "deployment memory_utilisation",
            f"it is {deployment.memory_utilisation}",
            "set a share between 0 and 1",
        )


def drawn_chip(design: Design, catalog: Catalog) -> DeviceSpec | None:
    """The first chip that the deployment may use, with the user's own figures; None without."""
    allowed = set(design.deployment.chips)
    for element in design.elements:
        spec = catalog.device(element.spec)
        if _chip_id(spec) and (not allowed or element.id in allowed):
            return _drawn_chip(element, spec, catalog)
    return None


def _chip_id(spec: DeviceSpec) -> str:
    if spec.kind is DeviceKind.CHIP:
        return spec.id
    return spec.rack.chip if spec.rack is not None else ""


def _drawn_chip(element: Element, spec: DeviceSpec, catalog: Catalog) -> DeviceSpec:
    """The chip with the user's own figures in place of the catalogue's."""
    chip = catalog.device(_chip_id(spec))
    figures = dict(chip.figures)
    for name, override in element.overrides.items():
        known = figures.get(name)
        if known is not None and not (spec.rack is not None and name in spec.figures):
            figures[name] = Figure(
                value=override.value,
                unit=known.unit,
                confidence=known.confidence,
                source=(f"own value: {override.reason}",),
                date=known.date,
            )
    return msgspec.structs.replace(chip, figures=figures)


def limits_of(deployment: Deployment, llm: LlmSpec) -> Limits:
    """The scheduler limits of a deployment as plain numbers."""
    return Limits(
        max_seqs=deployment.max_num_seqs,
        max_batched_tokens=deployment.max_num_batched_tokens,
        chunked_prefill=deployment.chunked_prefill,
        prefix_cache=deployment.prefix_cache,
        block_tokens=deployment.kv_block_tokens,
        router=ROUTER_CODE[deployment.router],
        window_tokens=llm.context_tokens,
        no_evict=deployment.engine in RESERVING_ENGINES,
    )


def expected_load(requests: RequestTables | None, agents: AgentTables | None) -> Load:
    """Mean prompt part that is computed and mean context, where attention is made affine."""
    if agents is not None:
        prefix, append = agents.distributions[0], agents.distributions[1]
        computed = clipped_mean(append[0], append[1], append[3])
        return Load(max(computed, 1.0), float(min(prefix[0], agents.window_tokens)))
    if requests is None or not len(requests.input_tokens):
        return USUAL_LOAD
    prompt, output = float(requests.input_tokens.mean()), float(requests.output_tokens.mean())
    return Load(prompt, prompt + output / 2)


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
