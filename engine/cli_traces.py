"""The verb `trace`: what is in a trace; and the options that make one denser, longer or shorter."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.errors import FileError
from engine.workload.trace import RequestTrace

FORMATS = ("azure", "mooncake", "bailian", "burstgpt", "servegen", "csv")
QUANTILES = (0.5, 0.9, 0.99)


class Lengths(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts of the requests of a trace."""

    mean: float
    p50: float
    p90: float
    p99: float


class TraceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a trace; `gap_cv` is the coefficient of variation of the gaps (1: Poisson)."""

    name: str
    format: str
    requests: int
    skipped_rows: int
    duration_s: float
    rate_per_s: float | None
    gap_cv: float | None
    input_tokens: Lengths
    output_tokens: Lengths
    block_tokens: int
    blocks: int
    distinct_blocks: int
    reused_blocks: int
    reuse_share: float  # hit rate of a cache without limits


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    verb.add_argument("file", type=Path)
    verb.add_argument(
        "--format", choices=FORMATS, default=None, help="found by itself if not said"
    )
    verb.add_argument(
        "--columns",
        default="",
        metavar="arrival_s=A,input_tokens=B,output_tokens=C,time=s|ms|date",
    )


def add_scaling(verb: argparse.ArgumentParser) -> None:
    """The options that change a trace before a run."""
    for name, text in (
        ("rate", "requests come so many times as fast"),
        ("input", "factor of prompt lengths"),
        ("output", "factor of output lengths"),
    ):
        verb.add_argument(f"--{name}-scale", type=float, default=1.0, metavar="X", help=text)


def scaled(trace: RequestTrace, options: argparse.Namespace) -> RequestTrace:
    """The trace as the options say."""
    from engine.workload.scaling import scale_trace

    factors = (options.rate_scale, options.input_scale, options.output_scale)
    if factors == (1.0, 1.0, 1.0):
        return trace
    return scale_trace(trace, rate=factors[0], inputs=factors[1], outputs=factors[2])


def describe(
    options: argparse.Namespace,
    columns: dict[str, str] | None,
    say: Callable[[argparse.Namespace, Any, list[str]], None],
) -> None:
    """Reads a trace and prints what is in it.

    Raises:
        TraceError: a wrong value, with its place.
        FileError: the file cannot be read, or its format is not known.
    """
    from engine.workload.traces import detect_format, read_trace

    kind = options.format or detect_format(options.file)
    if not kind:
        raise FileError(
            options.file, "is of no format that is known", f"say --format {', '.join(FORMATS)}"
        )
    facts = facts_of(read_trace(options.file, kind, columns), kind)
    say(options, msgspec.to_builtins(facts), _lines(facts))


def facts_of(trace: RequestTrace, kind: str) -> TraceFacts:
    """What is in a trace."""
    from engine.workload.blocks import infinite_reuse

    reuse = infinite_reuse(trace)
    gaps = np.diff(trace.arrival_s)
    duration = float(trace.arrival_s[-1])
    mean = float(gaps.mean()) if len(gaps) else 0.0
    return TraceFacts(
        name=trace.name,
        format=kind,
        requests=len(trace.arrival_s),
        skipped_rows=trace.skipped_rows,
        duration_s=duration,
        rate_per_s=(len(gaps) / duration) if duration > 0 else None,
        gap_cv=float(gaps.std()) / mean if mean > 0 else None,
        input_tokens=_lengths(trace.input_tokens),
        output_tokens=_lengths(trace.output_tokens),
        block_tokens=trace.block_tokens,
        blocks=reuse.blocks,
        distinct_blocks=reuse.distinct,
        reused_blocks=reuse.hits,
        reuse_share=reuse.share,
    )


def _lengths(tokens: np.ndarray) -> Lengths:
    p50, p90, p99 = (float(value) for value in np.quantile(tokens, QUANTILES))
    return Lengths(mean=float(tokens.mean()), p50=p50, p90=p90, p99=p99)


def _lines(facts: TraceFacts) -> list[str]:
    rate = "-" if facts.rate_per_s is None else f"{facts.rate_per_s:.4g}/s"
    spread = "-" if facts.gap_cv is None else f"{facts.gap_cv:.3g}"
    lines = [
        f"{facts.name} ({facts.format}): {facts.requests:,} requests in {facts.duration_s:,.1f} s, "
        f"{facts.skipped_rows:,} rows without input or output left out",
        f"rate {rate}, coefficient of variation of the gaps {spread} (1: Poisson)",
    ]
    for name, tokens in (("input", facts.input_tokens), ("output", facts.output_tokens)):
        lines.append(
            f"{name} tokens: mean {tokens.mean:,.0f}, p50 {tokens.p50:,.0f}, p90 {tokens.p90:,.0f}, "
            f"p99 {tokens.p99:,.0f}"
        )
    if facts.blocks:
        lines.append(
            f"blocks of {facts.block_tokens} tokens: {facts.blocks:,}, of which {facts.distinct_blocks:,} "
            f"are distinct; a cache without limits hits {facts.reuse_share:.2%} "
            f"({facts.reused_blocks:,})"
        )
    return lines
