"""Why it is slow and what would help, for a reader at a terminal."""

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.metrics.summary import Summary
from engine.report.tables import aligned
from engine.study.fixes import Fix, Trial
from engine.study.whatif import CONFIDENCE, FEW, Effect, WhatIf, fewest_completed, held_s
from engine.study.worth import Gain, Worth
from engine.units import format_quantity


def whatif_report(
    base: Sequence[Summary], found: Sequence[WhatIf], trial: Trial | None, currency: str
) -> tuple[dict[str, Any], list[str]]:
    """The object that is printed as JSON, and the lines of the tables; no trial, no fixes."""
    tried = trial or Trial(fixes=(), dropped=())
    report = {
        "seeds": [summary.seed for summary in base],
        "fewest_completed": fewest_completed(base),
        "bottlenecks": base[0].bottlenecks,
        "resources": list(found),
        "fixes": [{**msgspec.to_builtins(fix), "helps": fix.helps} for fix in tried.fixes],
        "dropped": list(tried.dropped),
        "currency": currency,
    }
    seeds = f"seeds {base[0].seed} to {base[-1].seed}"
    lines = [
        f"{base[0].design}, {seeds}: where the time of requests goes",
        *aligned([(f"  {row.share:6.1%}", row.resource) for row in base[0].bottlenecks]),
        f"what would help ({CONFIDENCE:.0%} intervals; gains of twice as much of each;"
        " + is better everywhere: a latency that falls is a gain)",
        *aligned(_resource_rows(found)),
    ]
    fewest = fewest_completed(base)
    if fewest < FEW:
        lines.append(
            f"  only {fewest} requests have finished in a run: these figures say little, run longer "
            "(--until)"
        )
    if len({held_s(summary) for summary in base}) == 1:
        lines.append("  all seeds give the same run: the intervals say nothing about chance")
    if tried.fixes:
        lines += ["fixes that were tried", *aligned(_fix_rows(tried.fixes, currency))]
    if tried.dropped:
        lines += [
            "fixes that cannot be",
            *(f"  {row.text}: {row.reason}" for row in tried.dropped),
        ]
    return msgspec.to_builtins(report), lines


def _resource_rows(found: Sequence[WhatIf]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "", "latency", "10 % more", "tokens/s", "TTFT p50", "p95", "TPOT p50", "p95",
         "goodput", "")
    ]  # fmt: skip
    for place, row in enumerate(found):
        with_others = [other.resource for other in found if other.group == row.group]
        note = "" if row.helps else "no help"
        if row.helps and len(with_others) > 1:
            note = "inseparable from " + ", ".join(n for n in with_others if n != row.resource)
        rows.append(
            (
                f"  {place + 1}.",
                row.resource,
                _gain(row.large.latency, interval=True),
                _gain(row.small.latency),
                *_figures(row.large),
                note,
            )
        )
    return rows


def _fix_rows(fixes: Sequence[Fix], currency: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "latency", "tokens/s", "TTFT p50", "p95", "TPOT p50", "p95", "goodput", "price",
         "power", f"tokens/s a k{currency}", f"latency a M{currency}", "tokens/s a kW",
         "latency a kW", "")
    ]  # fmt: skip
    rows += [
        (
            f"  {fix.proposal.text}",
            _gain(fix.effect.latency, interval=True),
            *_figures(fix.effect),
            "not known" if fix.unpriced else _more(fix.price, currency),
            _more(fix.power_w, "W"),
            *_worth(fix.worth),
            _verdict(fix),
        )
        for fix in fixes
    ]
    return rows


def _verdict(fix: Fix) -> str:
    if fix.helps:
        return ""
    if fix.harms:
        return "worse"
    return "no change" if fix.is_idle else "not certain"


def _worth(worth: Worth) -> list[str]:
    """Tokens/s and shares of the latency for money and power; '-' where there is no such figure."""
    rates = (worth.tokens_per_s_a_thousand, worth.tokens_per_s_a_kw)
    shares = (worth.latency_a_million, worth.latency_a_kw)
    money, power = (
        ("-" if rate is None else f"{rate:+.3g}", "-" if share is None else f"{share:+.2%}")
        for rate, share in zip(rates, shares, strict=True)
    )
    return [*money, *power]


def _figures(effect: Effect) -> list[str]:
    gains = (
        effect.output_tokens_per_s, effect.ttft_p50, effect.ttft_p95, effect.tpot_p50,
        effect.tpot_p95, effect.goodput,
    )  # fmt: skip
    return [_gain(gain) for gain in gains]


def _gain(gain: Gain | None, *, interval: bool = False) -> str:
    """A gain in percent; latencies that fall are gains, so that more is better everywhere."""
    if gain is None:
        return "-"
    text = f"{gain.mean:+.1%}"
    return f"{text} ({gain.low:+.1%} to {gain.high:+.1%})" if interval else text


def _more(value: float, unit: str) -> str:
    if abs(value) < 0.5:
        return "-"
    return ("+" if value > 0 else "-") + format_quantity(abs(value), unit, 3)
