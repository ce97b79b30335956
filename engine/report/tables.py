"""Plain-text tables for the shell: what a summary says, a line each."""

from collections.abc import Iterable, Sequence

from engine.metrics.percentiles import Spread
from engine.metrics.summary import Summary
from engine.units import format_quantity


def summary_lines(summary: Summary) -> list[str]:
    """The summary of a run for a reader at a terminal."""
    lines = [
        f"{summary.design}  (design {summary.design_hash}, seed {summary.seed})",
        f"simulated {summary.simulated_s:,.1f} s in {summary.wall_s:.2f} s, "
        f"{summary.events:,} events, {summary.steps:,} steps",
        f"requests: {summary.requests_completed:,} completed of {summary.requests_arrived:,}, "
        f"{summary.requests_in_flight:,} in flight, {summary.requests_rejected:,} rejected",
        f"tokens/s: {summary.output_tokens_per_s:,.1f} out, {summary.input_tokens_per_s:,.1f} in"
        + _share(", cache hit ", summary.cache_hit_ratio),
        *aligned(
            [
                ("", "p50", "p90", "p95", "p99", "mean"),
                ("TTFT", *_cells(summary.ttft_s)),
                ("TPOT", *_cells(summary.tpot_s)),
                ("end to end", *_cells(summary.e2e_s)),
            ]
        ),
        f"goodput: {summary.goodput.requests_per_s:.3f} requests/s within TTFT "
        f"{summary.slo.ttft_s:g} s, TPOT {summary.slo.tpot_s:g} s"
        + _share(", ", summary.goodput.share),
        f"power: {format_quantity(summary.power_w, 'W')}"
        + _value(", ", summary.energy_per_output_token_j, "J", " an output token"),
        "bottlenecks:",
        *aligned([(f"  {row.share:6.1%}", row.resource) for row in summary.bottlenecks]),
        "busiest links:",
        *aligned([(f"  {row.utilisation:6.1%}", row.link, row.tier) for row in summary.links]),
        summary.estimates,
    ]
    if summary.overloaded:
        lines.append("overloaded: the backlog grows; the figures depend on the horizon")
    return lines


def _cells(spread: Spread) -> tuple[str, ...]:
    values = (spread.p50, spread.p90, spread.p95, spread.p99, spread.mean)
    return tuple("-" if value is None else format_quantity(value, "s") for value in values)


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
