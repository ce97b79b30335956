"""The band around the results of a drawn design: how far its step times may be off.

A run of a design is one nominal world. How far off its latencies and rates may be follows from
its step times: Monte Carlo over the chip's ranges and the fit's spread, on a decode batch and a
prompt of the size that its workload asks for, as factors of the nominal values.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.curves import load_curves
from engine.cost.efficiency import Basis, basis_of, load_system, load_terms
from engine.cost.layers import Load
from engine.cost.memory import fit
from engine.errors import EngineError
from engine.scenario.design import Deployment, Design
from engine.scenario.own_models import design_catalog
from engine.sim.drawn_chips import drawn_chip
from engine.study.pricing import MAKESPAN, TPOT, TTFT, ledger_of, priced
from engine.study.schedule import static_batch
from engine.study.uncertainty import DRAWN, bands, spread_of
from engine.workload.profiles import clipped_mean
from engine.workload.spec import WorkloadKind, WorkloadSpec

USUAL_SEQUENCES = 32  # of a decode batch; the band hardly depends on it
DECODED_TOKENS = 16  # steps that stand for a decode
LONGEST_PROMPT = 8192


_Asked = tuple[DeviceSpec, Deployment, LlmSpec, int, int]


class Band(NamedTuple):
    """Factors of a nominal value that the middle 80 % of worlds lie between."""

    low: float
    high: float


class DesignBands(NamedTuple):
    """Bands of a design's results, its nominal step, and the validation behind them."""

    chip: str
    rate: Band  # tokens/s, requests/s
    ttft: Band
    tpot: Band
    nominal_tpot_s: float  # of a batch of `sequences` at the workload's context
    nominal_prefill_s: float  # of one prompt alone
    sequences: int
    context_tokens: int
    prompt_tokens: int
    basis: Basis
    spread_rows: int  # rows held out behind the spread of TPOT; 0 where the class stands in

    def sentence(self) -> str:
        """What the numbers rest on, for people."""
        known = {
            "fitted": "Step times fitted to published measurements",
            "shrunken": "Step times fitted to few measurements, drawn to the prior",
            "prior": "Step times are a prior",
        }[self.basis.kind]
        return f"{known} ({self.chip}: {self.basis.why})."


def design_bands(design: Design, catalog: Catalog) -> DesignBands | None:
    """The bands of a design; None where it has no chip or its model does not fit.

    Takes up to a second for a chip with ranges; equal designs are computed once.
    """
    deployment = design.deployment
    try:
        chip = drawn_chip(design, catalog)
        if chip is None:
            return None
        llm = design_catalog(design, catalog).llm(deployment.model)
        if not fit(deployment, llm, chip).ok:
            return None
        prompt, context = _lengths(design.workload, llm.context_tokens)
        asked = (chip, deployment, llm, prompt, context)
        return _bands(msgspec.json.encode(asked, order="deterministic"))
    except EngineError:
        return None


def _lengths(workload: WorkloadSpec, window: int) -> tuple[int, int]:
    """(prompt part that is computed, context) of a workload, in tokens."""
    if workload.kind is WorkloadKind.AGENTS:
        append = workload.append_tokens
        prompt = clipped_mean(append.median, append.sigma, append.high)
        context = workload.prefix_tokens.median
    else:
        prompt = workload.input_tokens.median
        context = prompt + workload.output_tokens.median / 2
    return (
        int(max(1, min(prompt, window, LONGEST_PROMPT))),
        int(max(1, min(context, window))),
    )


@lru_cache(maxsize=32)
def _bands(asked: bytes) -> DesignBands:
    """The bands of (chip, deployment, model, prompt, context), written as JSON to be a key."""
    chip, deployment, llm, prompt, context = msgspec.json.decode(asked, type=_Asked)
    system, curves = load_system(), load_curves()
    load = Load(float(prompt), float(context))
    sequences = min(USUAL_SEQUENCES, deployment.max_num_seqs)
    terms = load_terms(chip.family, deployment)
    decode = static_batch(sequences, context, DECODED_TOKENS)
    first = static_batch(1, prompt, 1)

    def nominal_and_band(metric: int, prompts: bool) -> tuple[float, Band]:
        schedule = first if prompts else decode
        ledger = ledger_of(schedule, deployment, llm, chip, load, curves, 0.0)
        nominal = float(priced(ledger, terms)[metric])
        found = bands(
            schedule, deployment, llm, chip, load, curves, system, frontend_s=0.0,
            spreads=DRAWN,
        )  # fmt: skip
        low, high = found[metric]
        return nominal, Band(float(low) / nominal, float(high) / nominal)

    prefill_s, ttft = nominal_and_band(TTFT, prompts=True)
    tpot_s, tpot = nominal_and_band(TPOT, prompts=False)
    _, makespan = nominal_and_band(MAKESPAN, prompts=True)
    return DesignBands(
        chip=chip.name,
        rate=Band(1.0 / makespan.high, 1.0 / makespan.low),
        ttft=ttft,
        tpot=tpot,
        nominal_tpot_s=tpot_s,
        nominal_prefill_s=prefill_s,
        sequences=sequences,
        context_tokens=context,
        prompt_tokens=prompt,
        basis=basis_of(chip.family, system),
        spread_rows=spread_of(system, "tpot", chip.family).rows,
    )
