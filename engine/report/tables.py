"""Plain-text tables for the shell: what a summary says, a line each."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.metrics.percentiles import Spread
from engine.metrics.summary import Summary
from engine.report.ranges import (
    NO_BAND,
    e2e_band,
    rate_range,
    time_range,
    time_text,
    tokens_text,
)
from engine.units import format_quantity

if TYPE_CHECKING:
    from engine.study.design_bands import Band, DesignBands


def summary_lines(summary: Summary, bands: "DesignBands | None" = None) -> list[str]:
    """The summary of a run for a reader at a terminal; with bands the 80 % range of each figure."""
    lines = [
        f"{summary.design}  (design {summary.design_hash}, seed {summary.seed})",
        f"simulated {summary.simulated_s:,.1f} s in {summary.wall_s:.2f} s, "
        f"{summary.events:,} events, {summary.steps:,} steps",
        f"requests: {summary.requests_completed:,} completed of {summary.requests_arrived:,}, "
        f"{summary.requests_in_flight:,} in flight, {summary.requests_rejected:,} rejected"
        + (f", {summary.requests_failed:,} failed" if summary.outages else ""),
        f"tokens/s: {_rate(summary.output_tokens_per_s, bands)} out, "
        f"{_rate(summary.input_tokens_per_s, bands)} in"
        + _share(", cache hit ", summary.cache_hit_ratio)
        + _fetched(summary),
        *aligned(_latency_rows(summary, bands)),
        f"goodput: {summary.goodput.requests_per_s:.3f} requests/s within TTFT "
        f"{summary.slo.ttft_s:g} s, TPOT {summary.slo.tpot_s:g} s"
        + _share(", ", summary.goodput.share),
        *_tenant_lines(summary),
        *_pool_lines(summary),
        *_agents_lines(summary),
        *_scaling_lines(summary),
        *_outage_lines(summary),
        *_drift_lines(summary),
        f"power: {format_quantity(summary.power_w, 'W')}"
        + _value(", ", summary.energy_per_output_token_j, "J", " an output token"),
        "bottlenecks:",
        *aligned([(f"  {row.share:6.1%}", row.resource) for row in summary.bottlenecks]),
        "busiest links:",
        *aligned([(f"  {row.utilisation:6.1%}", row.link, row.tier) for row in summary.links]),
        summary.estimates,
        *_validation_lines(bands),
    ]
    if summary.overloaded:
        lines.append("overloaded: the backlog grows; the figures depend on the horizon")
    return lines


def _fetched(summary: Summary) -> str:
    """Where hits came from that were not in the replica's KV memory."""
    if summary.fetched is None:
        return ""
    parts = (
        ("host memory", summary.fetched.host),
        ("storage", summary.fetched.storage),
        ("other replicas", summary.fetched.peers),
    )
    return " (" + ", ".join(f"{share:.1%} from {name}" for name, share in parts if share) + ")"


def _tenant_lines(summary: Summary) -> list[str]:
    """A line a tenant: what it got of what it asked for."""
    if not summary.tenants:
        return []
    head = ("tenant", "priority", "done", "of", "refused", "TTFT p95", "TPOT p95", "good")
    rows: list[tuple[str, ...]] = [head]
    for tenant in summary.tenants:
        turned_away = tenant.requests_refused + tenant.requests_rejected
        rows.append(
            (
                f"  {tenant.name}",
                str(tenant.priority),
                f"{tenant.requests_completed:,}",
                f"{tenant.requests_arrived:,}",
                f"{turned_away:,}",
                _seconds(tenant.ttft_s.p95),
                _seconds(tenant.tpot_s.p95),
                "-" if tenant.good_share is None else f"{tenant.good_share:.1%}",
            )
        )
    return list(aligned(rows))


def _pool_lines(summary: Summary) -> list[str]:
    """A line a pool, where there are several."""
    if len(summary.pools) < 2:
        return []
    rows: list[tuple[str, ...]] = [("pool", "role", "model", "replicas", "chips", "busy", "KV")]
    rows += [
        (
            f"  {pool.name}",
            pool.role,
            pool.model,
            str(pool.replicas),
            str(pool.chips),
            f"{pool.utilisation:.1%}",
            f"{pool.kv_memory:.1%}",
        )
        for pool in summary.pools
    ]
    return list(aligned(rows))


def _agents_lines(summary: Summary) -> list[str]:
    """What agents did besides asking, where some of it failed or was sent out."""
    agents = summary.agents
    if agents is None or not (agents.subagents or agents.tools_failed or agents.tools_cancelled):
        return []
    return [
        f"agents: {agents.tools:,} tools, {agents.tools_failed:,} failed, "
        f"{agents.tools_cancelled:,} cancelled; {agents.subagents:,} sub-agents sent out"
    ]


def _scaling_lines(summary: Summary) -> list[str]:
    """How many replicas were paid for, where pools are scaled."""
    scaled = [pool for pool in summary.pools if pool.replicas_paid < pool.replicas]
    if not scaled:
        return []
    each = ", ".join(
        f"{pool.name} {pool.replicas_paid:.2f} of {pool.replicas} replicas" for pool in scaled
    )
    return [f"autoscaling: {each} in the mean, {summary.replica_starts:,} started"]


def _outage_lines(summary: Summary) -> list[str]:
    """Availability and a line for each kind of component that failed."""
    if summary.outages is None:
        return []
    rows: list[tuple[str, ...]] = [("faults", "number", "replica time lost")]
    rows += [
        (f"  {row.kind}", str(row.faults), f"{row.unavailability:.3%}")
        for row in summary.outages.classes
    ]
    return [f"availability of replicas: {summary.outages.availability:.4%}", *aligned(rows)]


def _drift_lines(summary: Summary) -> list[str]:
    """Which figures change over the run, with intervals; nothing where the run is too short."""
    told = []
    for name, found in (
        ("tokens/s", summary.drift.output_tokens_per_s),
        ("TTFT", summary.drift.ttft_p50_s),
        ("TPOT", summary.drift.tpot_p50_s),
        ("KV in use", summary.drift.kv_occupancy),
    ):
        if found.change is not None:
            word = {True: "steady", False: f"{found.change:+.1%}", None: "cannot tell"}
            told.append(f"{name} {word[found.steady]} ({found.low:+.1%} to {found.high:+.1%})")
    return [f"drift over the run: {', '.join(told)}"] if told else []


def _seconds(value: float | None) -> str:
    return "-" if value is None else format_quantity(value, "s")


def _latency_rows(summary: Summary, bands: "DesignBands | None") -> list[tuple[str, ...]]:
    """Percentiles of each latency; with bands a row below with the range of each."""
    rows: list[tuple[str, ...]] = [("", "p50", "p90", "p95", "p99", "mean")]
    for name, spread, band in (
        ("TTFT", summary.ttft_s, None if bands is None else bands.ttft),
        ("TPOT", summary.tpot_s, None if bands is None else bands.tpot),
        ("end to end", summary.e2e_s, None if bands is None else e2e_band(summary, bands)),
    ):
        rows.append((name, *_cells(spread)))
        if band is not None:
            rows.append(("  80 % band", *_range_cells(spread, band)))
    return rows


def _validation_lines(bands: "DesignBands | None") -> list[str]:
    if bands is None:
        return [f"validation: {NO_BAND}"]
    return [
        f"step: TPOT {time_text(bands.nominal_tpot_s, bands.tpot)} at {bands.sequences} sequences "
        f"x {tokens_text(bands.context_tokens)} tokens, one prompt of "
        f"{tokens_text(bands.prompt_tokens)} tokens "
        f"{time_text(bands.nominal_prefill_s, bands.ttft)}",
        "ranges: 80 % bands of step times; goodput, power and shares are nominal",
        f"validation: {bands.sentence()}",
    ]


def _rate(value: float, bands: "DesignBands | None") -> str:
    return f"{value:,.1f}" + ("" if bands is None else f" ({rate_range(value, bands.rate)})")


def _range_cells(spread: Spread, band: "Band") -> tuple[str, ...]:
    values = (spread.p50, spread.p90, spread.p95, spread.p99, spread.mean)
    return tuple("-" if value is None else time_range(value, band) for value in values)


def _cells(spread: Spread) -> tuple[str, ...]:
    values = (spread.p50, spread.p90, spread.p95, spread.p99, spread.mean)
    return tuple(_seconds(value) for value in values)


def _share(before: str, value: float | None) -> str:
    return "" if value is None else f"{before}{value:.1%}"


def _value(before: str, value: float | None, unit: str, after: str) -> str:
    return "" if value is None else f"{before}{format_quantity(value, unit)}{after}"


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Rows with their columns padded to one width."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
