"""Several runs of one scenario, for a reader at a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.metrics.summary import Summary
from engine.report.tables import aligned
from engine.study.seeds import CONFIDENCE, Chance
from engine.units import format_quantity

_NAMES = {
    "ttft_p50_s": ("TTFT p50", "s"),
    "ttft_p95_s": ("TTFT p95", "s"),
    "tpot_p50_s": ("TPOT p50", "s"),
    "tpot_p95_s": ("TPOT p95", "s"),
    "e2e_p95_s": ("end to end p95", "s"),
    "requests_per_s": ("requests/s", "count"),
    "output_tokens_per_s": ("output tokens/s", "count"),
    "goodput_per_s": ("goodput, requests/s", "count"),
    "power_w": ("power", "W"),
}


def seeds_report(
    summaries: Sequence[Summary], found: Mapping[str, Chance]
) -> tuple[dict[str, Any], list[str]]:
    """The object that is printed as JSON, and the lines of the table."""
    seeds = [summary.seed for summary in summaries]
    report = {"seeds": seeds, "chances": found, "runs": list(summaries)}
    head = ("", "mean", f"{CONFIDENCE:.0%} of the mean", "least", "most")
    rows: list[tuple[str, ...]] = [head]
    for name, chance in found.items():
        text, unit = _NAMES[name]
        mean, low, high, least, most = (
            format_quantity(value, unit)
            for value in (chance.mean, chance.low, chance.high, chance.least, chance.most)
        )
        rows.append((text, mean, f"{low} to {high}", least, most))
    title = f"{summaries[0].design}, seeds {seeds[0]} to {seeds[-1]}: what is chance in a run"
    return msgspec.to_builtins(report), [title, *aligned(rows)]
