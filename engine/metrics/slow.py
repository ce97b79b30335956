"""The slowest requests of a run, each with where its time went: what a waterfall shows."""

import msgspec
import numpy as np

from engine.scenario.design import Design
from engine.sim.codes import Cause
from engine.sim.results import RunResults

SHOWN = 30


class SlowRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One finished request; the seconds of its causes add up to `e2e_s`."""

    arrival_s: float
    ttft_s: float
    e2e_s: float
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    replica: int
    tenant: str  # '' where the design has none of its own
    causes: dict[str, float]  # seconds by cause, in the order of `engine.sim.codes.Cause`


def slowest(results: RunResults, design: Design, most: int = SHOWN) -> tuple[SlowRequest, ...]:
    """The requests with the longest latency, longest first; of equal ones the earlier row."""
    latency = results.finish_s - results.arrival_s
    order = np.lexsort((np.arange(len(latency)), -latency))[:most]
    names = [tenant.name for tenant in design.all_tenants()]
    return tuple(
        SlowRequest(
            arrival_s=float(results.arrival_s[row]),
            ttft_s=float(results.first_token_s[row] - results.arrival_s[row]),
            e2e_s=float(latency[row]),
            input_tokens=int(results.input_tokens[row]),
            cached_tokens=int(results.cached_tokens[row]),
            output_tokens=int(results.output_tokens[row]),
            replica=int(results.replica[row]),
            tenant=names[int(results.tenant[row])],
            causes={
                cause.name.lower(): float(results.cause_seconds[row, cause])
                for cause in Cause
                if results.cause_seconds[row, cause] > 0
            },
        )
        for row in order.tolist()
    )
