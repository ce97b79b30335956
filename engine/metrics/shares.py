"""What each tenant got and what each pool did: the parts of a run's summary."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.metrics.percentiles import Spread, spread
from engine.scenario.design import Design, Slo
from engine.sim.lower import Lowered
from engine.sim.results import RunResults

F8 = NDArray[np.float64]
B1 = NDArray[np.bool_]


class TenantSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's requests, held against its own SLO; times in seconds."""

    name: str
    service: str
    priority: int
    requests_arrived: int
    requests_completed: int
    requests_rejected: int  # can never fit
    requests_refused: int  # at the gate
    requests_failed: int  # lost with a replica
    output_tokens_per_s: float
    ttft_s: Spread
    tpot_s: Spread
    e2e_s: Spread
    goodput_per_s: float
    good_share: float | None
    met_at_p95: bool | None


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of all prompt tokens whose KV came from elsewhere instead of being computed."""

    host: float  # from host memory
    storage: float  # from the drawn storage
    peers: float  # from other replicas


class AgentsSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the agents of all tenants have done besides asking."""

    tools: int  # begun
    tools_failed: int
    tools_cancelled: int  # at their time limit
    subagents: int  # sent out


class PoolSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One pool: what it is made of, and how busy it was (means over the run)."""

    name: str
    service: str
    role: str
    model: str
    replicas: int
    chips: int
    utilisation: float
    kv_memory: float
    replicas_paid: float  # mean number that serve, start or drain; all without autoscaling


def latencies(results: RunResults, kept: B1) -> tuple[F8, F8, F8]:
    """TTFT, TPOT (0 for a request of one token) and end-to-end latency of some requests."""
    ttft = (results.first_token_s - results.arrival_s)[kept]
    e2e = (results.finish_s - results.arrival_s)[kept]
    tokens = results.output_tokens[kept]
    decode = (results.finish_s - results.first_token_s)[kept]
    return ttft, decode / np.maximum(tokens - 1, 1), e2e


def good_requests(results: RunResults, design: Design, kept: B1) -> B1:
    """Which requests held every limit of their tenant; one of one token has no TPOT and holds it."""
    slos = [tenant.slo for tenant in design.all_tenants()]
    tenant = results.tenant[kept]
    good = np.ones(len(tenant), np.bool_)
    names = ("ttft_s", "tpot_s", "e2e_s")
    for name, value in zip(names, latencies(results, kept), strict=True):
        limit = np.array([getattr(slo, name) for slo in slos])[tenant]
        good &= (limit <= 0) | (value <= limit)
    return good


def met_at_p95(slo: Slo, ttft: F8, tpot: F8, e2e: F8) -> bool | None:
    """Whether the 95th percentiles hold the limits; None where nothing is asked or measured."""
    pairs = ((ttft, slo.ttft_s), (tpot, slo.tpot_s), (e2e, slo.e2e_s))
    asked = [(values, limit) for values, limit in pairs if limit > 0 and len(values)]
    if not asked:
        return None
    return all(float(np.percentile(values, 95)) <= limit for values, limit in asked)


def tenant_summaries(
    results: RunResults, design: Design, kept: B1, window_s: float
) -> tuple[TenantSummary, ...]:
    """One row a tenant of the design; none where the design has no tenants of its own.

    Args:
        results: of the run.
        design: with the tenants.
        kept: [completed] requests that count.
        window_s: seconds in which they came.
    """
    good = good_requests(results, design, kept)
    owner, counts = results.tenant[kept], results.tenants
    ttft, tpot, e2e = latencies(results, kept)
    tokens = results.output_tokens[kept]
    each = results.requests_a_row
    rows = []
    for number, tenant in enumerate(design.tenants):
        mine = owner == number
        decoded = mine & (tokens > 1)
        own = (ttft[mine], tpot[decoded], e2e[mine])
        rows.append(
            TenantSummary(
                name=tenant.name,
                service=tenant.service,
                priority=tenant.priority,
                requests_arrived=int(counts.arrived[number]),
                requests_completed=int(counts.completed[number]),
                requests_rejected=int(counts.rejected[number]),
                requests_refused=int(counts.refused[number]),
                requests_failed=int(counts.failed[number]),
                output_tokens_per_s=each * float(tokens[mine].sum()) / window_s,
                ttft_s=spread(own[0]),
                tpot_s=spread(own[1]),
                e2e_s=spread(own[2]),
                goodput_per_s=each * float(good[mine].sum()) / window_s,
                good_share=float(good[mine].mean()) if mine.any() else None,
                met_at_p95=met_at_p95(tenant.slo, *own),
            )
        )
    return tuple(rows)


def fetched(results: RunResults) -> Fetched | None:
    """What came from lower tiers and other replicas; None where nothing did."""
    counts = results.tenants
    tokens = [
        int(rows.sum()) for rows in (counts.host_tokens, counts.storage_tokens, counts.peer_tokens)
    ]
    inputs = int(counts.input_tokens.sum())
    if not any(tokens) or not inputs:
        return None
    host, storage, peers = (count / inputs for count in tokens)
    return Fetched(host=host, storage=storage, peers=peers)


def agents_summary(results: RunResults) -> AgentsSummary | None:
    """Tools and sub-agents; None where there are no agents."""
    counts = results.tenants
    if not counts.tools.any() and not counts.subagents.any():
        return None
    return AgentsSummary(
        tools=int(counts.tools.sum()),
        tools_failed=int(counts.tools_failed.sum()),
        tools_cancelled=int(counts.tools_cancelled.sum()),
        subagents=int(counts.subagents.sum()),
    )


def pool_summaries(
    results: RunResults, lowered: Lowered, span_s: float
) -> tuple[PoolSummary, ...]:
    """One row a pool, in the order of the design."""
    replicas = lowered.replicas
    chip_pool = replicas.pool[replicas.owner]
    busy = results.chip_busy_s[replicas.chip] / span_s
    paid_s = results.scaling.paid_s if results.scaling is not None else {}
    rows = []
    for number, pool in enumerate(lowered.pools):
        mine = replicas.pool == number
        room = replicas.kv_tokens[mine].sum() * span_s
        rows.append(
            PoolSummary(
                name=pool.deployment.name,
                service=pool.deployment.service,
                role=pool.deployment.role.value,
                model=pool.deployment.model,
                replicas=int(mine.sum()),
                chips=int((chip_pool == number).sum()),
                utilisation=float(busy[chip_pool == number].mean()),
                replicas_paid=paid_s.get(number, float(mine.sum()) * span_s) / span_s,
                kv_memory=float(results.kv_used_token_s[mine].sum() / room) if room else 0.0,
            )
        )
    return tuple(rows)
