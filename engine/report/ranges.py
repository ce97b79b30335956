"""Ranges around the numbers of a run: nominal value times the band's factors, as text and record.

The window, the shell and the JSON of a run all take their ranges from here, so that they agree.
A band says how far step times may be off; an open loop that keeps up with its arrivals keeps its
rate whatever its step times are, and its range is then wider than need be.
"""

import math
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:  # these pull numba and the cost model in, which a window does not wait for
    from engine.metrics.percentiles import Spread
    from engine.metrics.summary import Summary
    from engine.study.design_bands import Band, DesignBands

SHARE = 0.8  # of the worlds that lie inside a band
PENDING = "…"
NO_BAND = "no band: the design has no chip that its model fits"

_TIME_STEPS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_POINTS = ("p50", "p90", "p95", "p99", "mean")


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Low and high end of a band, in the unit of the value that it is around."""

    low: float
    high: float


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """What the step times behind a result rest on."""

    sentence: str
    chip: str
    basis: str  # fitted, shrunken, prior
    rows: int  # measured rows behind the terms
    clusters: int
    why: str
    spread_rows: int  # rows held out behind the spread of TPOT


def summary_bands(summary: "Summary", bands: "DesignBands") -> dict[str, Any]:
    """The ranges of a run's throughput and latencies, and the factors that made them."""
    e2e = e2e_band(summary, bands)
    times = (
        ("ttft_s", summary.ttft_s, bands.ttft),
        ("tpot_s", summary.tpot_s, bands.tpot),
        ("e2e_s", summary.e2e_s, e2e),
    )
    rates = ("output_tokens_per_s", "input_tokens_per_s", "requests_per_s")
    return {
        "share": SHARE,
        "factors": {
            "rate": _interval(1.0, bands.rate),
            "ttft": _interval(1.0, bands.ttft),
            "tpot": _interval(1.0, bands.tpot),
            "e2e": _interval(1.0, e2e),
        },
        **{name: _interval(getattr(summary, name), bands.rate) for name in rates},
        **{name: _intervals(spread, band) for name, spread, band in times},
        "step": {
            "sequences": bands.sequences,
            "context_tokens": bands.context_tokens,
            "prompt_tokens": bands.prompt_tokens,
            "tpot_s": bands.nominal_tpot_s,
            "tpot_band_s": _interval(bands.nominal_tpot_s, bands.tpot),
            "prefill_s": bands.nominal_prefill_s,
            "prefill_band_s": _interval(bands.nominal_prefill_s, bands.ttft),
        },
    }


def validation_of(bands: "DesignBands") -> Validation:
    """The validation behind a result as a record."""
    basis = bands.basis
    return Validation(
        sentence=bands.sentence(),
        chip=bands.chip,
        basis=basis.kind,
        rows=basis.rows,
        clusters=basis.clusters,
        why=basis.why,
        spread_rows=bands.spread_rows,
    )


def summary_report(summary: "Summary", bands: "DesignBands | None") -> dict[str, Any]:
    """A run's summary as JSON is made of it, with `bands` and `validation` (null without)."""
    return {
        **msgspec.to_builtins(summary),
        "bands": None if bands is None else msgspec.to_builtins(summary_bands(summary, bands)),
        "validation": None if bands is None else msgspec.to_builtins(validation_of(bands)),
    }


def e2e_band(summary: "Summary", bands: "DesignBands") -> "Band":
    """Factors of the whole latency: those of TTFT and TPOT, weighted by their mean shares.

    Both ends assume that prompts and decoding are off in the same direction, the widest case.
    """
    first, whole = summary.ttft_s.mean, summary.e2e_s.mean
    share = min(1.0, first / whole) if first is not None and whole else 0.0
    ttft, tpot = bands.ttft, bands.tpot
    return type(tpot)(
        low=share * ttft.low + (1.0 - share) * tpot.low,
        high=share * ttft.high + (1.0 - share) * tpot.high,
    )


def rate_text(value: float, band: "Band | None", unit: str = "", *, pending: bool = False) -> str:
    """A rate with its range: "3,499 tok/s (1,980-5,250)"; without a band the rate alone."""
    if not math.isfinite(value):
        return "-"
    shown = f"{whole(value)} {unit}".strip()
    if band is None:
        return f"{shown} ({PENDING})" if pending else shown
    return f"{shown} ({rate_range(value, band)})"


def rate_range(value: float, band: "Band") -> str:
    """The range of a rate alone: "1,980-5,250"."""
    return f"{rough(value * band.low)}-{rough(value * band.high)}"


def time_text(value_s: float, band: "Band | None", *, pending: bool = False) -> str:
    """A time with its range in one unit: "33 ms (23-53)"; without a band the time alone."""
    if not math.isfinite(value_s):
        return "-"
    scale, unit = _time_step(value_s)
    shown = f"{rough(value_s / scale)} {unit}"
    if band is None:
        return f"{shown} ({PENDING})" if pending else shown
    low, high = value_s * band.low / scale, value_s * band.high / scale
    return f"{shown} ({rough(low)}-{rough(high)})"


def time_range(value_s: float, band: "Band") -> str:
    """The range of a time alone: "23-53 ms"."""
    scale, unit = _time_step(value_s)
    return f"{rough(value_s * band.low / scale)}-{rough(value_s * band.high / scale)} {unit}"


def tokens_text(tokens: float) -> str:
    """A length in tokens: "875", "119k"."""
    return f"{tokens / 1000:,.0f}k" if tokens >= 10_000 else f"{tokens:,.0f}"


def whole(value: float) -> str:
    """A rate: whole from 100 on, else three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rough(value: float) -> str:
    """A time or an end of a range: three digits from 100 on, two below."""
    if value == 0:
        return "0"
    digits = 3 if abs(value) >= 100 else 2
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):,.{max(0, places)}f}"


def _time_step(value_s: float) -> tuple[float, str]:
    return next(
        (step for step in _TIME_STEPS if abs(value_s) >= step[0] * 0.9995), _TIME_STEPS[-1]
    )


def _interval(value: float, band: "Band") -> Interval:
    return Interval(low=value * band.low, high=value * band.high)


def _intervals(spread: "Spread", band: "Band") -> dict[str, Interval | None]:
    values = {name: getattr(spread, name) for name in _POINTS}
    return {name: None if v is None else _interval(v, band) for name, v in values.items()}
