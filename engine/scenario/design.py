"""The design document: everything that a .rackflow file holds, as one immutable record.

A section is edited by replacing it (`SetSection`); the drawing by the changes of
`engine.topology.changes`. `engine.scenario.editor.DesignEditor` holds the mutable state.
"""

from enum import StrEnum
from typing import Any

import msgspec

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.scenario.faults import FaultPlan
from engine.topology.elements import Element, Group, Link
from engine.workload.spec import WorkloadKind, WorkloadSpec


class Router(StrEnum):
    """How requests are sent to replicas."""

    ROUND_ROBIN = "round-robin"
    LEAST_LOADED = "least-loaded"
    SESSION_STICKY = "session-sticky"
    PREFIX_AFFINITY = "prefix-affinity"


class Precision(StrEnum):
    """Weight formats; bits per weight are in `engine.cost.memory`."""

    BF16 = "bf16"
    FP8 = "fp8"
    INT8 = "int8"
    MXFP4 = "mxfp4"
    NVFP4 = "nvfp4"
    INT4 = "int4"


class ServingEngine(StrEnum):
    """The program that serves: its scheduler, launches and front end cost time of their own."""

    VLLM = "vllm"
    SGLANG = "sglang"
    TENSORRT_LLM = "tensorrt-llm"
    TENSORRT_ENGINE = "tensorrt-llm-engine"  # before its rewrite in Python (1.0)
    TENSORRT_STATIC = "tensorrt-llm-static"  # before continuous batching: whole batches
    VLLM_2023 = "vllm-2023"  # before its rewrite (V1)


class CollectiveAlgorithm(StrEnum):
    """How the ranks of a replica reduce; the names of `engine.cost.collectives.Algorithm`."""

    AUTO = "auto"  # as the serving engine and its library choose
    RING = "ring"
    TREE = "tree"
    HALVING_DOUBLING = "halving-doubling"
    ONE_SHOT = "one-shot"
    TWO_SHOT = "two-shot"
    IN_SWITCH = "in-switch"
    HIERARCHICAL = "hierarchical"  # also of the experts' all-to-all


class Routing(StrEnum):
    """How a fabric uses paths of equal cost; the rules are in `engine.sim.routing`."""

    SPRAY = "spray"  # packet by packet over all of them
    ECMP = "ecmp"  # a hash of each flow takes one


class PoolRole(StrEnum):
    """What the replicas of a deployment do for their service."""

    MIXED = "mixed"  # prefill and decode
    PREFILL = "prefill"  # prompts; their KV goes to a decode replica of the same service
    DECODE = "decode"


class Autoscale(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a pool's replicas serve: `min_replicas` (0: all, always) up to all that it has.

    Every `every_s` as many are wanted as give each `target_in_flight` requests, as Kubernetes'
    horizontal autoscaler counts. More start at once: they load their weights from the drawn storage
    and start their process in `start_s`. Fewer only if no more were wanted in the last `idle_s`; the
    ones that go get no new requests and are turned off when they have none left.
    """

    min_replicas: int = 0
    target_in_flight: float = 32.0
    every_s: float = 15.0
    idle_s: float = 300.0
    start_s: float = 60.0
    extra: dict[str, Any] = {}


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """How one LLM is served: replicas of TP x attention-DP x PP chips, limits, caches.

    Attention is sharded over `tp` chips and repeated on `attention_dp` ranks, each with its own
    sequences; experts lie over all `tp x attention_dp` chips of a stage, on `ep` ranks of whole
    experts. `speculative_tokens` are drafted for each sequence a step and `acceptance_length`
    tokens come out of it in the mean (1: none accepted). `expert_skew` is the exponent of the
    power law of expert popularity. `collective_algorithm` replaces the library's choice for the
    all-reduce of tensor parallelism. `replicas` 0 means as many as fit; `chips` lists element ids to
    use (empty: all chips).

    Prefixes that are evicted from KV memory go on to `host_kv_gb` of host memory and then to
    `storage_kv_gb` on the drawn storage, both of each replica, and come back over the drawn links.
    With `share_prefixes` a replica fetches a prefix that only another one has. `prefix_ttl_s` after
    its last use a prefix is forgotten (0: never). Under prefix affinity a request goes to the
    replica that has its prefix, unless that has `affinity_slack` requests more than the least
    loaded.

    A design may have several deployments, its pools. Those of one `service` answer the same
    requests, with the same model: `mixed` ones alone, `prefill` ones hand over to `decode` ones.
    """

    name: str = "main"
    service: str = "main"
    role: PoolRole = PoolRole.MIXED
    model: str = "qwen35_397b_a17b"
    precision: Precision = Precision.MXFP4
    kv_precision: Precision = Precision.FP8
    replicas: int = 0
    tp: int = 8
    pp: int = 1
    ep: int = 1
    attention_dp: int = 1
    max_num_seqs: int = 256
    max_num_batched_tokens: int = 8192
    chunked_prefill: bool = True
    prefix_cache: bool = True
    kv_block_tokens: int = 16
    memory_utilisation: float = 0.9
    engine: ServingEngine = ServingEngine.VLLM
    speculative_tokens: int = 0
    acceptance_length: float = 1.0
    expert_skew: float = 1.01
    collective_algorithm: CollectiveAlgorithm = CollectiveAlgorithm.AUTO
    router: Router = Router.SESSION_STICKY
    affinity_slack: int = 8
    prefix_ttl_s: float = 0.0
    share_prefixes: bool = False
    host_kv_gb: float = 0.0
    storage_kv_gb: float = 0.0
    chips: tuple[str, ...] = ()
    autoscale: Autoscale = Autoscale()
    extra: dict[str, Any] = {}


class FabricSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the drawn network does that no single device of it says."""

    routing: Routing = Routing.SPRAY
    extra: dict[str, Any] = {}


class Slo(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer wants to hold, in seconds; a request is good if it holds all of them."""

    ttft_s: float = 2.0
    tpot_s: float = 0.05
    e2e_s: float = 0.0  # 0: not asked for
    extra: dict[str, Any] = {}


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """Who shares the fabric: a workload, the service that it asks, its rights and its SLO.

    Requests over `rate_limit_per_s` (at most `burst` at once) wait up to `longest_wait_s` at the
    gate and are refused beyond; over `most_in_flight` they are held there, `most_held` of them.
    Requests of a lower `priority` number are admitted first, and are the last to be pushed out.
    """

    name: str
    workload: WorkloadSpec
    service: str = "main"
    slo: Slo = Slo()
    priority: int = 1
    rate_limit_per_s: float = 0.0  # 0: no limit
    burst: int = 1
    longest_wait_s: float = 60.0
    most_in_flight: int = 0  # 0: no limit
    most_held: int = 1_000_000
    extra: dict[str, Any] = {}


class PriceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The design's own price of one spec; `estimate` marks a seed from the catalogue."""

    amount: float
    currency: str
    estimate: bool = True
    low: float | None = None
    high: float | None = None
    note: str = ""
    extra: dict[str, Any] = {}


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """Prices by spec id, and the currency in which sums are shown."""

    currency: str = "CNY"
    cny_per_usd: float = 7.14
    entries: dict[str, PriceEntry] = {}
    extra: dict[str, Any] = {}


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults of a run: horizon in simulated seconds, seed, warm-up left out of the metrics."""

    until_s: float = 600.0
    seed: int = 1
    warmup_s: float = 0.0
    extra: dict[str, Any] = {}


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the drawing under a name: the scene point in the middle, and the scale."""

    name: str
    x: float
    y: float
    scale: float
    extra: dict[str, Any] = {}


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text on the drawing: its top left corner and width in scene units."""

    id: str
    text: str
    x: float
    y: float
    width: float = 240.0
    extra: dict[str, Any] = {}


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """A whole design at one moment; equal designs have equal `design_hash`es."""

    name: str = "Untitled"
    note: str = ""
    elements: tuple[Element, ...] = ()
    links: tuple[Link, ...] = ()
    groups: tuple[Group, ...] = ()
    deployment: Deployment = Deployment()
    pools: tuple[Deployment, ...] = ()  # beside `deployment`, which is the first
    tenants: tuple[Tenant, ...] = ()  # none: one with the design's `workload` and `slo`
    fabric: FabricSettings = FabricSettings()
    faults: FaultPlan = FaultPlan()
    workload: WorkloadSpec = WorkloadSpec()
    slo: Slo = Slo()
    prices: PriceList = PriceList()
    run: RunSettings = RunSettings()
    llms: tuple[LlmSpec, ...] = ()  # the design's own models, ids `own:...`
    devices: tuple[DeviceSpec, ...] = ()  # the design's own devices, ids `own:...`
    views: tuple[SavedView, ...] = ()
    notes: tuple[Note, ...] = ()
    extra: dict[str, Any] = {}

    def all_pools(self) -> tuple[Deployment, ...]:
        """The deployment and the pools beside it."""
        return (self.deployment, *self.pools)

    def all_tenants(self) -> tuple[Tenant, ...]:
        """The tenants, or the one that stands for the design's own workload."""
        if self.tenants:
            return self.tenants
        service = self.deployment.service
        return (Tenant(name="", workload=self.workload, service=service, slo=self.slo),)

    def traced(self) -> WorkloadSpec | None:
        """The workload whose trace file a run reads: of the first tenant that has one."""
        loads = [tenant.workload for tenant in self.all_tenants()]
        return next((load for load in loads if load.kind is WorkloadKind.TRACE), None)

    def untraced(self) -> "Design":
        """The design with a small open loop in place of every trace, to be checked without files."""

        def plain(load: WorkloadSpec) -> WorkloadSpec:
            if load.kind is not WorkloadKind.TRACE:
                return load
            return msgspec.structs.replace(load, kind=WorkloadKind.POISSON)

        tenants = tuple(
            msgspec.structs.replace(tenant, workload=plain(tenant.workload))
            for tenant in self.tenants
        )
        return msgspec.structs.replace(self, workload=plain(self.workload), tenants=tenants)

    def ids(self) -> list[str]:
        """Ids of all elements, then of all links."""
        return [*(element.id for element in self.elements), *(link.id for link in self.links)]


SECTIONS: dict[str, type] = {
    "name": str,
    "note": str,
    "deployment": Deployment,
    "pools": tuple,
    "tenants": tuple,
    "fabric": FabricSettings,
    "faults": FaultPlan,
    "workload": WorkloadSpec,
    "slo": Slo,
    "prices": PriceList,
    "run": RunSettings,
    "llms": tuple,
    "devices": tuple,
    "views": tuple,
    "notes": tuple,
}
