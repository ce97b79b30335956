"""Fixes: changes of the design that may help, tried under the same seeds, with what they cost."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.errors import EngineError
from engine.metrics.summary import Summary
from engine.scenario.design import Deployment, Design, PoolRole, Precision, Router
from engine.scenario.editor import DesignEditor
from engine.scenario.prices import price_sum
from engine.scenario.scenario import Scenario
from engine.study.whatif import Effect, Stopped, effect_of, run_scenario
from engine.topology.changes import Batch, Change, PutElements, PutLinks, SetSection

MOST_FIXES = 8


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the design that can be applied as one step, in plain words."""

    text: str
    why: str
    change: Change


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that was tried: its effects, and what it adds to price and power."""

    proposal: Proposal
    effect: Effect
    price: float  # in the design's currency, beyond the base
    power_w: float  # mean of the runs, beyond the base


def try_fixes(
    scenario: Scenario,
    base: Sequence[Summary],
    progress: Callable[[float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> list[Fix]:
    """Fixes for what holds the base runs up, by the latency that they take away.

    Args:
        scenario: of the base; its runs had the seeds that the summaries name.
        base: their summaries.
        progress: gets the share that is done.
        stopped: asked before every run.

    Raises:
        Stopped: `stopped` said so.
    """
    proposals = list(proposed(scenario.design, scenario.catalog, base[0]))[:MOST_FIXES]
    price = price_sum(scenario.design, scenario.catalog).total
    power_w = sum(summary.power_w for summary in base) / len(base)
    fixes = []
    for number, proposal in enumerate(proposals):
        runs = _tried(scenario, proposal, base, stopped)
        if progress is not None:
            progress((number + 1) / len(proposals))
        if runs is None:
            continue
        design, summaries = runs
        mean_w = sum(summary.power_w for summary in summaries) / len(summaries)
        fixes.append(
            Fix(
                proposal=proposal,
                effect=effect_of(base, summaries),
                price=price_sum(design, scenario.catalog).total - price,
                power_w=mean_w - power_w,
            )
        )
    return sorted(fixes, key=lambda fix: -(fix.effect.latency.mean if fix.effect.latency else 0.0))


def _tried(
    scenario: Scenario,
    proposal: Proposal,
    base: Sequence[Summary],
    stopped: Callable[[], bool] | None,
) -> tuple[Design, list[Summary]] | None:
    """The changed design and its runs; None where it cannot be drawn, lowered or run."""
    editor = DesignEditor(scenario.design, scenario.catalog)
    try:
        editor.apply(proposal.change)
        design = editor.snapshot()
        summaries = []
        for summary in base:
            if stopped is not None and stopped():
                raise Stopped
            own = dataclasses.replace(scenario, design=design, seed=summary.seed)
            summaries.append(run_scenario(own))
    except EngineError:
        return None
    return design, summaries


def proposed(design: Design, catalog: Catalog, summary: Summary) -> Iterator[Proposal]:
    """Changes that fit the causes of a run, those of the largest causes first."""
    seen: set[str] = set()
    for row in summary.bottlenecks:
        for proposal in _MAKERS.get(row.cause, _no_idea)(design, row.link_ids):
            if proposal.text not in seen:
                seen.add(proposal.text)
                yield proposal
    for proposal in _more_chips(design, catalog):
        if proposal.text not in seen:
            yield proposal


def _no_idea(_design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    return iter(())


def _deployment(
    design: Design, text: str, why: str, change: Callable[[Deployment], Deployment]
) -> Iterator[Proposal]:
    """The same change of every pool, nothing where it changes nothing."""
    first = change(design.deployment)
    pools = tuple(change(pool) for pool in design.pools)
    parts: list[Change] = []
    if first != design.deployment:
        parts.append(SetSection("deployment", first))
    if pools != design.pools:
        parts.append(SetSection("pools", pools))
    if parts:
        yield Proposal(text=text, why=why, change=Batch(tuple(parts)))


def _for_queue(design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    slots = 2 * design.deployment.max_num_seqs

    def wider(pool: Deployment) -> Deployment:
        limit = 2 * pool.max_num_seqs
        tokens = max(pool.max_num_batched_tokens, limit)
        return msgspec.structs.replace(pool, max_num_seqs=limit, max_num_batched_tokens=tokens)

    yield from _deployment(
        design,
        f"Raise the batch slots to {slots}",
        "Requests wait for a place in the batch.",
        wider,
    )
    tokens = 2 * design.deployment.max_num_batched_tokens
    yield from _deployment(
        design, f"Let a step compute {tokens:,} tokens", "Prompts wait for the budget of a step.",
        lambda pool: msgspec.structs.replace(
            pool, max_num_batched_tokens=2 * pool.max_num_batched_tokens
        ),
    )  # fmt: skip
    yield from _deployment(
        design, "Send requests to the least loaded replica",
        "Some replicas have a queue while others have room.",
        lambda pool: msgspec.structs.replace(pool, router=Router.LEAST_LOADED),
    )  # fmt: skip


def _for_kv(design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Keep KV in FP8", "Half the bytes a token hold twice the tokens.",
        lambda pool: msgspec.structs.replace(pool, kv_precision=Precision.FP8),
    )  # fmt: skip
    yield from _deployment(
        design, "Let KV fill 95 % of the memory", "Requests wait for KV blocks.",
        lambda pool: msgspec.structs.replace(
            pool, memory_utilisation=max(pool.memory_utilisation, 0.95)
        ),
    )  # fmt: skip
    yield from _twice_tp(design)


def _twice_tp(design: Design) -> Iterator[Proposal]:
    yield from _deployment(
        design, f"Use TP{2 * design.deployment.tp}, half as many replicas",
        "The weights are kept once on twice the chips: more room for KV, shorter steps.",
        lambda pool: msgspec.structs.replace(pool, tp=2 * pool.tp, replicas=pool.replicas // 2),
    )  # fmt: skip


def _half_tp(design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    if all(pool.tp > 1 for pool in design.all_pools()):
        yield from _deployment(
            design, f"Use TP{design.deployment.tp // 2}, twice as many replicas",
            "Fewer ranks exchange less.",
            lambda pool: msgspec.structs.replace(pool, tp=pool.tp // 2, replicas=2 * pool.replicas),
        )  # fmt: skip


def _for_bandwidth(design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Use MXFP4 weights", "Steps read fewer bytes.",
        lambda pool: msgspec.structs.replace(pool, precision=Precision.MXFP4),
    )  # fmt: skip
    yield from _twice_tp(design)


def _for_compute(design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    if design.pools:
        return
    pool = design.deployment
    if pool.replicas >= 4:  # known how many: a quarter of them prefills
        prefill = max(1, pool.replicas // 4)
        first = msgspec.structs.replace(pool, role=PoolRole.PREFILL, replicas=prefill)
        rest = msgspec.structs.replace(
            pool, name="decode", role=PoolRole.DECODE, replicas=pool.replicas - prefill
        )
        change = Batch((SetSection("deployment", first), SetSection("pools", (rest,))))
        yield Proposal(
            text=f"Prefill on {prefill} replicas, decode on {pool.replicas - prefill}",
            why="Prompts do not hold up the steps of others.",
            change=change,
        )


def _for_links(design: Design, links: Sequence[str]) -> Iterator[Proposal]:
    for link in design.links:
        if link.id in links:
            more = msgspec.structs.replace(link, count=2 * link.count)
            yield Proposal(
                text=f"Use {more.count} cables in place of {link.count}",
                why="This link carries most of what waits for the network.",
                change=PutLinks((more,)),
            )


def _for_hosts(design: Design, _links: Sequence[str]) -> Iterator[Proposal]:
    for element in design.elements:
        if element.kind is DeviceKind.HOST:
            more = msgspec.structs.replace(element, count=2 * element.count)
            yield Proposal(
                text=f"Use {more.count} of {element.name}",
                why="Tools wait for host cores.",
                change=PutElements((more,)),
            )


def _more_chips(design: Design, catalog: Catalog) -> Iterator[Proposal]:
    """One more of each rack or chip that is drawn: the expensive way."""
    for element in design.elements:
        if element.kind in (DeviceKind.RACK, DeviceKind.CHIP):
            more = msgspec.structs.replace(element, count=element.count + 1)
            name = catalog.device(element.spec).name
            yield Proposal(
                text=f"Add one {name}",
                why="More replicas share the load.",
                change=PutElements((more,)),
            )


_MAKERS: dict[str, Callable[[Design, Sequence[str]], Iterator[Proposal]]] = {
    "queue": _for_queue,
    "kv_memory": _for_kv,
    "memory_bandwidth": _for_bandwidth,
    "compute": _for_compute,
    "network_latency": _half_tp,
    "scale_up": _half_tp,
    "scale_out": _for_links,
    "kv_transfer": _for_links,
    "host": _for_hosts,
}
