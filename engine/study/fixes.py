"""Fixes: proposals tried under the same seeds as the base, with what they bring and cost."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from engine.errors import EngineError
from engine.metrics.summary import Summary
from engine.scenario.design import Design
from engine.scenario.editor import DesignEditor
from engine.scenario.prices import PriceSum, price_sum
from engine.scenario.scenario import Scenario
from engine.sim.prepare import refuse_broken_drawing
from engine.study.places import Place, touched
from engine.study.proposals import Proposal, proposed
from engine.study.whatif import (
    SMALLEST,
    Effect,
    Told,
    effect_of,
    run_scenario,
    student,
    workers,
)
from engine.study.worth import Worth, worth_of

MOST_FIXES = 12
CABLES = "cables"  # in place of a spec: the price list has none of them


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that was tried: its effects, and what it adds to price and power."""

    proposal: Proposal
    effect: Effect
    price: float  # in the design's currency, beyond the base
    power_w: float  # mean of the runs, beyond the base
    power_low_w: float = 0.0  # of its interval over the seeds
    power_high_w: float = 0.0
    unpriced: tuple[str, ...] = ()  # specs that it adds and that the price list does not have
    worth: Worth = Worth()
    place: Place = Place()  # of what it changes

    @property
    def helps(self) -> bool:
        """It shortens the latency for certain, or brings more tokens/s and does not lengthen it."""
        latency, tokens = self.effect.latency, self.effect.output_tokens_per_s
        shorter = latency is not None and latency.low > 0 and latency.mean > SMALLEST
        more = tokens is not None and tokens.low > 0 and tokens.mean > SMALLEST
        return shorter or (more and (latency is None or latency.high >= 0))

    @property
    def harms(self) -> bool:
        """It lengthens the latency for certain."""
        latency = self.effect.latency
        return latency is not None and latency.high < 0 and latency.mean < -SMALLEST

    @property
    def is_idle(self) -> bool:
        """It changes neither the latency nor tokens/s, for certain."""
        known = [
            g for g in (self.effect.latency, self.effect.output_tokens_per_s) if g is not None
        ]
        return bool(known) and all(max(abs(g.low), abs(g.high)) <= SMALLEST for g in known)


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that cannot be drawn, lowered or run, and why."""

    text: str
    reason: str
    place: Place = Place()  # of what it would change


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the proposals: fixes by the latency that they take away, and those refused."""

    fixes: tuple[Fix, ...]
    dropped: tuple[Dropped, ...]


def try_fixes(
    scenario: Scenario,
    base: Sequence[Summary],
    progress: Callable[[float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> list[Fix]:
    """The fixes of a `trial` on one thread."""
    return list(trial(scenario, base, 1, progress, stopped).fixes)


def trial(
    scenario: Scenario,
    base: Sequence[Summary],
    jobs: int = 0,
    progress: Callable[[float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Trial:
    """Tries what may help against what holds the base runs up.

    Args:
        scenario: of the base; its runs had the seeds that the summaries name.
        base: their summaries.
        jobs: threads, 0 for one a core; results do not depend on it.
        progress: gets the share that is done.
        stopped: asked before every run.

    Raises:
        Stopped: `stopped` said so.
    """
    proposals = list(proposed(scenario.design, scenario.catalog, base[0]))[:MOST_FIXES]
    told = Told(len(proposals) * len(base), progress, stopped)
    price = price_sum(scenario.design, scenario.catalog)

    def tried(proposal: Proposal) -> Fix | Dropped:
        try:
            return _tried(scenario, proposal, base, price, told)
        except EngineError as error:
            told.tell(len(base))
            place = touched(scenario.design, proposal.change)
            return Dropped(text=proposal.text, reason=str(error), place=place)

    with ThreadPoolExecutor(workers(jobs, len(proposals)), thread_name_prefix="fixes") as pool:
        answers = list(pool.map(tried, proposals))
    fixes = [answer for answer in answers if isinstance(answer, Fix)]
    return Trial(
        fixes=tuple(sorted(fixes, key=_place)),
        dropped=tuple(answer for answer in answers if isinstance(answer, Dropped)),
    )


def _place(fix: Fix) -> float:
    return -(fix.effect.latency.mean if fix.effect.latency else 0.0)


def _tried(
    scenario: Scenario,
    proposal: Proposal,
    base: Sequence[Summary],
    price: PriceSum,
    told: Told,
) -> Fix:
    """A fix and its runs.

    Raises:
        EngineError: the change cannot be drawn, lowered or run.
        Stopped: the study is not wanted any more.
    """
    design = _changed(scenario, proposal)
    summaries = []
    for summary in base:
        told.ask()
        summaries.append(
            run_scenario(dataclasses.replace(scenario, design=design, seed=summary.seed))
        )
    told.tell(len(base))
    now = price_sum(design, scenario.catalog)
    watts = student(
        np.array([b.power_w - a.power_w for a, b in zip(base, summaries, strict=True)])
    )
    unpriced = _unpriced(scenario.design, design, now.missing)
    more = now.total - price.total
    effect = effect_of(base, summaries)
    tokens_per_s = float(np.mean([summary.output_tokens_per_s for summary in base]))
    known = None if unpriced else more
    return Fix(
        proposal=proposal,
        effect=effect,
        price=more,
        power_w=watts.mean,
        power_low_w=watts.low,
        power_high_w=watts.high,
        unpriced=unpriced,
        worth=worth_of(effect.latency, effect.output_tokens_per_s, tokens_per_s, known, watts),
        place=touched(scenario.design, proposal.change),
    )


def _unpriced(before: Design, after: Design, missing: Sequence[str]) -> tuple[str, ...]:
    """Specs that a change adds and that have no price; cables alone have none either."""
    old = {element.id: element.count for element in before.elements}
    grown = {e.spec for e in after.elements if e.count > old.get(e.id, 0)}
    if not grown and sum(link.count for link in after.links) > sum(
        link.count for link in before.links
    ):
        return (CABLES,)
    return tuple(spec for spec in missing if spec in grown)


def _changed(scenario: Scenario, proposal: Proposal) -> Design:
    """The design after the change, whose drawing keeps the rules."""
    editor = DesignEditor(scenario.design, scenario.catalog)
    editor.apply(proposal.change)
    design = editor.snapshot()
    refuse_broken_drawing(design, scenario.catalog)
    return design
