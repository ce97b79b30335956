"""What a schedule costs under any system terms: one product of numbers, priced in microseconds.

A `Ledger` has the seconds of each kind of work in each metric, before the system terms stretch
them. Its sums follow `engine.cost.timing.assemble`, so that

    metric = constant + ledger . terms

equals what the event loop measures with those terms, up to the repair that keeps the loop's table
monotone in the tokens (a test compares them, to 3 %).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.communication import step_communication
from engine.cost.curves import CurveSet
from engine.cost.efficiency import SystemTerms
from engine.cost.layers import Load, accepted_per_step, step_parts
from engine.scenario.design import Deployment
from engine.study.schedule import METRICS, Schedule

F8 = NDArray[np.float64]

COLUMNS = (
    "gemm_compute", "gemm_memory", "experts_compute", "experts_memory", "decode",
    "prefill_attention", "communication", "layer_s", "step_s", "sequence_s", "eager_s",
)  # fmt: skip
MAKESPAN, TTFT, TPOT = range(len(METRICS))


class Ledger(NamedTuple):
    """Seconds (factors) and counts (seconds each) by column of `COLUMNS`, in each metric."""

    sums: F8  # [metrics, columns]
    constant_s: F8  # [metrics] of the run that was simulated, front end included
    frontend_s: float  # of that run; 0 where it had none, as a static batch
    output_tokens: int


def ledger_of(
    schedule: Schedule,
    deployment: Deployment,
    llm: LlmSpec,
    chip: DeviceSpec,
    load: Load,
    curves: CurveSet,
    frontend_s: float,
) -> Ledger:
    """The work of a schedule on a chip.

    Raises:
        ScenarioError: a figure of the chip is missing.
    """
    parts = step_parts(deployment, llm, chip, load, curves)
    exchange = step_communication(deployment, llm, parts.tokens, chip_fabric(chip), chip.family)
    tokens, decoding, sampled, chunks = schedule.counts.astype(np.float64).T
    verified = deployment.speculative_tokens + 1
    speculates = (decoding > 0) & (verified > 1)
    share = np.where(speculates, 1.0 / accepted_per_step(deployment, llm), 1.0)
    batches = decoding + chunks
    fill = np.where(batches < deployment.pp, deployment.pp / np.maximum(batches, 1.0), 1.0)
    whole = (tokens + decoding * (verified - 1)) * fill

    def dense(values: F8) -> F8:
        row = np.asarray(np.interp(whole, parts.tokens, values), np.float64)
        if verified == 1:
            return row
        alone = np.interp(decoding * verified * fill, parts.tokens, values)
        return np.asarray(np.where(speculates, alone * share + row - alone, row))

    def by_count(values: F8, count: F8) -> F8:
        return np.asarray(np.interp(count, parts.sequences, values) * share)

    head = by_count(parts.head_s, sampled)
    per_step = (
        dense(parts.gemm_compute_s + parts.linear_s),
        dense(parts.gemm_memory_s + parts.elementwise_s) + head,
        dense(parts.moe_compute_s),
        dense(parts.moe_memory_s),
        by_count(parts.decode_base_s, decoding),
        np.zeros_like(tokens),
        dense(exchange.seconds),
        share * parts.layers,
        share * deployment.pp,
        sampled * share,
        (chunks > 0) * parts.layers,
    )
    sums = np.stack([schedule.weight.T @ column for column in per_step], axis=1)
    slope = by_count(parts.decode_context_s, decoding) * fill
    sums[:, COLUMNS.index("decode")] += schedule.context.T @ slope
    area_s = np.interp(whole, parts.tokens, parts.prefill_area_s) * fill
    sums[:, COLUMNS.index("prefill_attention")] += schedule.area.T @ area_s
    return Ledger(sums, schedule.constant_s, frontend_s, schedule.output_tokens)


def terms_vector(terms: SystemTerms) -> F8:
    """The terms in the order of `COLUMNS`."""
    return np.array([getattr(terms, name) for name in COLUMNS])


def priced(ledger: Ledger, terms: SystemTerms) -> F8:
    """The metrics in seconds [metrics] under some terms."""
    shift = np.zeros(len(METRICS))
    if ledger.frontend_s > 0.0:
        shift[TTFT] = terms.frontend_s - ledger.frontend_s
    seconds = ledger.constant_s + ledger.sums @ terms_vector(terms) + shift
    return np.maximum(np.asarray(seconds, np.float64), 1e-9)
