"""The summary of a run: the numbers that people read, and that `simulate --json` prints."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.metrics.bottlenecks import Bottleneck, link_name, rank
from engine.metrics.drift import RunDrift, run_drift
from engine.metrics.outages import Outages, outages
from engine.metrics.percentiles import Spread, spread
from engine.metrics.shares import (
    AgentsSummary,
    Fetched,
    PoolSummary,
    TenantSummary,
    agents_summary,
    fetched,
    good_requests,
    latencies,
    met_at_p95,
    pool_summaries,
    tenant_summaries,
)
from engine.metrics.slow import SlowRequest, slowest
from engine.scenario.scenario import Scenario
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.lower import Lowered
from engine.sim.results import RunResults

TOP_LINKS = 10


class LinkUse(msgspec.Struct, frozen=True, kw_only=True):
    """One of the busiest links: mean share of its capacity over the run, bytes it carried."""

    link: str
    link_id: str  # of the drawing, '' inside a rack
    tier: str
    utilisation: float
    bytes: float
    capacity_bytes_per_s: float


class Goodput(msgspec.Struct, frozen=True, kw_only=True):
    """Requests per second that held every limit of the SLO, and their share of the completed."""

    requests_per_s: float
    share: float | None


class SloText(msgspec.Struct, frozen=True, kw_only=True):
    """The design's limits (seconds; 0: not asked for); tenants are held against their own."""

    ttft_s: float
    tpot_s: float
    e2e_s: float
    met_at_p95: bool | None


class Utilisation(msgspec.Struct, frozen=True, kw_only=True):
    """Mean busy share of each resource class in the run (None: the class is not drawn)."""

    chips: float | None
    chip_compute: float | None
    hosts: float | None
    kv_memory: float | None
    scale_up_links: float | None
    pcie_links: float | None
    scale_out_links: float | None
    client_links: float | None
    storage_links: float | None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What one run gave; times in seconds, tokens as counted by the model."""

    design: str
    design_hash: str
    seed: int
    simulated_s: float
    requests_arrived: int
    requests_completed: int
    requests_rejected: int
    requests_in_flight: int
    requests_per_s: float
    output_tokens_per_s: float
    input_tokens_per_s: float
    cache_hit_ratio: float | None
    fetched: Fetched | None  # parts of the hits that were moved; None where none was
    ttft_s: Spread
    tpot_s: Spread
    e2e_s: Spread
    goodput: Goodput
    slo: SloText
    tenants: tuple[TenantSummary, ...]
    pools: tuple[PoolSummary, ...]
    outages: Outages | None  # None without a plan of faults
    agents: AgentsSummary | None  # None without agents that use tools
    replica_starts: int  # by autoscaling
    drift: RunDrift
    requests_failed: int
    slowest: tuple[SlowRequest, ...]
    tool_wait_s: float  # all that tools of agents have waited for host cores
    replicas: int
    chips_used: int
    preemptions: int
    power_w: float
    energy_per_output_token_j: float | None
    utilisation: Utilisation
    links: tuple[LinkUse, ...]
    bottlenecks: tuple[Bottleneck, ...]
    overloaded: bool
    estimates: str
    events: int
    steps: int
    wall_s: float


def summarise(results: RunResults, lowered: Lowered, scenario: Scenario) -> Summary:
    """The summary of a run; requests that arrived before the warm-up's end are left out."""
    design = scenario.design
    span = max(results.time_s, 1e-12)
    kept = results.arrival_s >= design.run.warmup_s
    window = max(results.time_s - design.run.warmup_s, 1e-12)
    tokens = results.output_tokens[kept]
    ttft, tpot, e2e = latencies(results, kept)
    tpot = tpot[tokens > 1]
    chip_share, link_share = _shares(results, lowered, span)
    power = _power_w(results, lowered, span)
    each = results.requests_a_row
    output_rate = each * float(tokens.sum()) / window
    good = good_requests(results, design, kept)
    inputs = float(results.input_tokens[kept].sum())
    return Summary(
        design=design.name,
        design_hash=results.design_hash,
        seed=results.seed,
        simulated_s=results.time_s,
        requests_arrived=results.arrived,
        requests_completed=results.completed,
        requests_rejected=results.rejected,
        requests_in_flight=results.in_flight,
        requests_per_s=each * float(kept.sum()) / window,
        output_tokens_per_s=output_rate,
        input_tokens_per_s=each * inputs / window,
        cache_hit_ratio=float(results.cached_tokens[kept].sum()) / inputs if inputs else None,
        fetched=fetched(results),
        ttft_s=spread(ttft),
        tpot_s=spread(tpot),
        e2e_s=spread(e2e),
        goodput=Goodput(
            requests_per_s=each * float(good.sum()) / window,
            share=float(good.mean()) if len(good) else None,
        ),
        slo=SloText(
            ttft_s=design.slo.ttft_s,
            tpot_s=design.slo.tpot_s,
            e2e_s=design.slo.e2e_s,
            met_at_p95=met_at_p95(design.slo, ttft, tpot, e2e),
        ),
        tenants=tenant_summaries(results, design, kept, window),
        pools=pool_summaries(results, lowered, span),
        outages=outages(results, lowered.replicas.total),
        agents=agents_summary(results),
        replica_starts=0 if results.scaling is None else results.scaling.starts,
        drift=run_drift(results.series),
        requests_failed=int(results.tenants.failed.sum()),
        slowest=slowest(results, design),
        tool_wait_s=results.tool_wait_s,
        replicas=lowered.replicas.total,
        chips_used=len(lowered.replicas.chip),
        preemptions=results.preemptions,
        power_w=power,
        energy_per_output_token_j=power / output_rate if output_rate > 0 else None,
        utilisation=_utilisation(results, lowered, chip_share, link_share, span),
        links=_top_links(results, lowered, scenario, link_share),
        bottlenecks=rank(
            results.ended_cause_seconds + results.open_cause_seconds,
            lowered,
            design,
            scenario.catalog,
            link_share,
            chip_share,
        ),
        overloaded=_overloaded(results),
        estimates=_estimates(lowered, scenario),
        events=results.events,
        steps=results.steps,
        wall_s=results.wall_s,
    )


def _shares(
    results: RunResults, lowered: Lowered, span: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    chips = lowered.fabric.node_kind == NodeKind.CHIP
    chip_share = np.where(chips, results.chip_busy_s / span, np.nan)
    return chip_share, results.link_busy_s / span


def _power_w(results: RunResults, lowered: Lowered, span: float) -> float:
    """Mean draw of everything drawn: idle plus the busy share of what lies above idle.

    Switches, NICs, storage and clients without an idle figure draw their full power.
    """
    share = np.zeros(len(lowered.node_power_w))
    kind = lowered.fabric.node_kind
    chips, hosts = kind == NodeKind.CHIP, kind == NodeKind.HOST
    share[chips] = results.chip_busy_s[chips] / span
    cores = np.maximum(lowered.host_cores[hosts], 1.0)
    share[hosts] = results.host_busy_core_s[hosts] / span / cores
    above = lowered.node_power_w - lowered.node_idle_w
    return float((lowered.node_idle_w + above * np.clip(share, 0.0, 1.0)).sum())


def _utilisation(
    results: RunResults,
    lowered: Lowered,
    chip_share: NDArray[np.float64],
    link_share: NDArray[np.float64],
    span: float,
) -> Utilisation:
    fabric = lowered.fabric
    used = lowered.replicas.chip
    hosts = (fabric.node_kind == NodeKind.HOST) & (lowered.host_cores > 0)
    capacity = lowered.replicas.kv_tokens.astype(np.float64) * span

    def tier(code: LinkClass) -> float | None:
        rows = fabric.link_class == code
        return float(link_share[rows].mean()) if rows.any() else None

    return Utilisation(
        chips=float(chip_share[used].mean()),
        chip_compute=float(results.chip_compute_s[used].mean() / span),
        hosts=float(results.host_busy_core_s[hosts].sum() / lowered.host_cores[hosts].sum() / span)
        if hosts.any()
        else None,
        kv_memory=float(results.kv_used_token_s.sum() / capacity.sum())
        if capacity.sum() > 0
        else None,
        scale_up_links=tier(LinkClass.SCALE_UP),
        pcie_links=tier(LinkClass.PCIE),
        scale_out_links=tier(LinkClass.SCALE_OUT),
        client_links=tier(LinkClass.CLIENT),
        storage_links=tier(LinkClass.STORAGE),
    )


def _top_links(
    results: RunResults, lowered: Lowered, scenario: Scenario, share: NDArray[np.float64]
) -> tuple[LinkUse, ...]:
    fabric = lowered.fabric
    order = np.lexsort((np.arange(len(share)), -share))[:TOP_LINKS]
    rows = []
    for link in order.tolist():
        drawn = int(fabric.link_drawn[link])
        rows.append(
            LinkUse(
                link=link_name(link, lowered, scenario.design),
                link_id=lowered.link_ids[drawn] if drawn >= 0 else "",
                tier=LinkClass(int(fabric.link_class[link])).name.lower(),
                utilisation=float(share[link]),
                bytes=float(results.link_bytes[link]),
                capacity_bytes_per_s=float(fabric.link_bytes_per_s[link]),
            )
        )
    return tuple(rows)


def _overloaded(results: RunResults) -> bool:
    """True where the backlog grows: more wait in the last quarter than ever completed a batch.

    Compares the mean number waiting in the last quarter of the samples with that of the second
    quarter; growth by half and by more than the number running says that arrivals outrun service.
    """
    waiting = results.series.waiting
    quarter = len(waiting) // 4
    if quarter < 2:
        return False
    early = float(waiting[quarter : 2 * quarter].mean())
    late = float(waiting[-quarter:].mean())
    return late > 1.5 * early and late > float(results.series.running[-quarter:].mean()) + 1


def _estimates(lowered: Lowered, scenario: Scenario) -> str:
    """What of the chip's figures is estimated, in one sentence for the reader of the numbers."""
    element = scenario.design.elements[lowered.first.placement.spec_element]
    spec = scenario.catalog.device(element.spec)
    chip = scenario.catalog.device(spec.rack.chip) if spec.rack is not None else spec
    names = sorted(name for name, figure in chip.figures.items() if figure.is_estimate)
    if not names:
        return f"every figure of {chip.name} is published, reported or derived"
    return f"estimates of {chip.name}: {', '.join(names)}; results carry their uncertainty"
