"""The N-1 table for a reader at a terminal."""

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.metrics.summary import Summary
from engine.report.tables import aligned
from engine.study.outage_table import OutageRow
from engine.study.whatif import FEW, fewest_completed
from engine.study.worth import Gain


def outage_report(
    base: Sequence[Summary], rows: Sequence[OutageRow], *, scaled: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """The object that is printed as JSON, and the lines of the table; `scaled`: by autoscaling."""
    report = {"seeds": [summary.seed for summary in base], "classes": list(rows)}
    table: list[tuple[str, ...]] = [
        ("loss of one", "of", "number", "replicas down", "goodput", "tokens/s", "latency")
    ]
    table += [
        (
            f"  {row.kind}",
            row.target,
            f"{row.components:,}",
            str(row.replicas_down),
            _change(row.effect.goodput),
            _change(row.effect.output_tokens_per_s),
            _change(row.effect.latency, -1.0),
        )
        for row in rows
    ]
    title = f"{base[0].design}, seeds {base[0].seed} to {base[-1].seed}: N-1, for the whole run"
    notes = []
    if fewest_completed(base) < FEW:
        notes.append(
            f"only {fewest_completed(base)} requests have finished in a run: these figures say "
            "little, run longer (--until)"
        )
    if scaled:
        notes.append(
            "pools are scaled: their spare replicas start in place of lost ones, which is in these "
            "figures"
        )
    return msgspec.to_builtins(report), [title, *aligned(table), *notes]


def _change(gain: Gain | None, sign: float = 1.0) -> str:
    return "-" if gain is None else f"{sign * gain.mean:+.1%}"
