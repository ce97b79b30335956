"""Proposals: changes of the design that may help, by what holds its requests up. None is run here."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.cost.memory import chips_per_replica
from engine.metrics.summary import Summary
from engine.scenario.design import Deployment, Design, PoolRole, Precision, Router
from engine.study.growth import more_cables, one_more, spare_chips, with_chips
from engine.topology.changes import Batch, Change, SetSection

SHIFT = 2  # factor of limits
HOST_KV_GB = 64.0  # of each replica, an estimate of what a host can spare


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the design that can be applied as one step, in plain words."""

    text: str
    why: str
    change: Change


def proposed(design: Design, catalog: Catalog, summary: Summary) -> Iterator[Proposal]:
    """Changes that fit the causes of a run, those of the largest causes first."""
    seen: set[str] = set()
    for proposal in _all(design, catalog, summary):
        if proposal.text not in seen:
            seen.add(proposal.text)
            yield proposal


def _all(design: Design, catalog: Catalog, summary: Summary) -> Iterator[Proposal]:
    yield from _spare(design, catalog, summary)
    for row in summary.bottlenecks:
        for maker in _MAKERS.get(row.cause, ()):
            yield from maker(design, catalog, row.link_ids)
    yield from _more_chips(design, catalog)


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


def _slots(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    def wider(pool: Deployment) -> Deployment:
        limit = SHIFT * pool.max_num_seqs
        tokens = max(pool.max_num_batched_tokens, limit)
        return msgspec.structs.replace(pool, max_num_seqs=limit, max_num_batched_tokens=tokens)

    yield from _deployment(
        design,
        f"Raise the batch slots to {SHIFT * design.deployment.max_num_seqs}",
        "Requests wait for a place in the batch.",
        wider,
    )


def _budget(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    tokens = SHIFT * design.deployment.max_num_batched_tokens
    yield from _deployment(
        design, f"Let a step compute {tokens:,} tokens",
        "Prompts need fewer steps, each with its weights and launches.",
        lambda pool: msgspec.structs.replace(
            pool, max_num_batched_tokens=SHIFT * pool.max_num_batched_tokens
        ),
    )  # fmt: skip


def _router(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Send requests to the least loaded replica",
        "Some replicas have a queue while others have room.",
        lambda pool: msgspec.structs.replace(pool, router=Router.LEAST_LOADED),
    )  # fmt: skip


def _to_their_prefix(
    design: Design, _catalog: Catalog, _links: Sequence[str]
) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Send requests to the replica that has their prefix",
        "What one replica has cached is computed again at another one.",
        lambda pool: (
            msgspec.structs.replace(pool, router=Router.PREFIX_AFFINITY)
            if pool.prefix_cache else pool
        ),
    )  # fmt: skip


def _into_host_memory(
    design: Design, _catalog: Catalog, _links: Sequence[str]
) -> Iterator[Proposal]:
    yield from _deployment(
        design, f"Keep {HOST_KV_GB:g} GB of evicted prefixes in host memory",
        "Prefixes that KV memory has no room for come back over PCIe.",
        lambda pool: (
            msgspec.structs.replace(pool, host_kv_gb=HOST_KV_GB)
            if pool.prefix_cache and pool.chunked_prefill and not pool.host_kv_gb else pool
        ),
    )  # fmt: skip


def _smaller_kv(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Keep KV in FP8", "Half the bytes a token hold twice the tokens.",
        lambda pool: msgspec.structs.replace(pool, kv_precision=Precision.FP8),
    )  # fmt: skip


def _more_kv(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Let KV fill 95 % of the memory", "Requests wait for KV blocks.",
        lambda pool: msgspec.structs.replace(
            pool, memory_utilisation=max(pool.memory_utilisation, 0.95)
        ),
    )  # fmt: skip


def _twice_tp(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    fewer = any(pool.replicas != 1 for pool in design.all_pools())
    yield from _deployment(
        design,
        f"Use TP{2 * design.deployment.tp}" + (", half as many replicas" if fewer else ""),
        "The weights are kept once on twice the chips: more room for KV, shorter steps.",
        lambda pool: msgspec.structs.replace(
            pool, tp=2 * pool.tp, replicas=-(-pool.replicas // 2)
        ),
    )


def _half_tp(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    if all(pool.tp > 1 for pool in design.all_pools()):
        yield from _deployment(
            design, f"Use TP{design.deployment.tp // 2}, twice as many replicas",
            "Fewer ranks exchange less.",
            lambda pool: msgspec.structs.replace(pool, tp=pool.tp // 2, replicas=2 * pool.replicas),
        )  # fmt: skip


def _four_bits(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    wide = (Precision.BF16, Precision.FP8, Precision.INT8)
    yield from _deployment(
        design, "Use MXFP4 weights",
        "Steps read fewer bytes; see that the model's answers stay good enough.",
        lambda pool: msgspec.structs.replace(
            pool, precision=Precision.MXFP4 if pool.precision in wide else pool.precision
        ),
    )  # fmt: skip


def _keep_prefixes(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    yield from _deployment(
        design, "Keep prefixes in the cache", "What was computed before is not computed again.",
        lambda pool: msgspec.structs.replace(pool, prefix_cache=True),
    )  # fmt: skip


def _apart(design: Design, _catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    """Prefill and decode on replicas of their own, where it is said how many there are."""
    pool = design.deployment
    if design.pools or pool.replicas < 4:
        return
    prefill = pool.replicas // 4
    first = msgspec.structs.replace(pool, role=PoolRole.PREFILL, replicas=prefill)
    rest = msgspec.structs.replace(
        pool, name="decode", role=PoolRole.DECODE, replicas=pool.replicas - prefill
    )
    yield Proposal(
        text=f"Prefill on {prefill} replicas, decode on {pool.replicas - prefill}",
        why="Prompts do not hold up the steps of others.",
        change=Batch((SetSection("deployment", first), SetSection("pools", (rest,)))),
    )


def _cables(design: Design, catalog: Catalog, links: Sequence[str]) -> Iterator[Proposal]:
    for link in design.links:
        if link.id not in links:
            continue
        count, change = more_cables(design, catalog, link, SHIFT)
        ends = [e for e in design.elements if e.id in (link.a.element, link.b.element)]
        between = " and ".join(element.name for element in ends)
        yield Proposal(
            text=f"Use {count} cables between {between} in place of {link.count}",
            why="This link carries most of what waits for the network.",
            change=change,
        )
        for element in ends:
            if element.kind in (DeviceKind.CLIENT, DeviceKind.STORAGE, DeviceKind.SWITCH):
                change, fewer = one_more(design, catalog, element)
                yield Proposal(
                    text=f"Add one to {element.name}{fewer}",
                    why="Its ports carry most of what waits for the network.",
                    change=change,
                )


def _hosts(design: Design, catalog: Catalog, _links: Sequence[str]) -> Iterator[Proposal]:
    for element in design.elements:
        if element.kind is DeviceKind.HOST:
            change, fewer = one_more(design, catalog, element, element.count)
            yield Proposal(
                text=f"Use {2 * element.count} of {element.name}{fewer}",
                why="Tools wait for host cores.",
                change=change,
            )


def _spare(design: Design, catalog: Catalog, summary: Summary) -> Iterator[Proposal]:
    """More replicas on chips that are drawn and serve nothing."""
    pool = design.deployment
    more = spare_chips(design, catalog, summary.chips_used) // chips_per_replica(pool)
    if pool.replicas and more:
        wider = msgspec.structs.replace(pool, replicas=pool.replicas + more)
        yield Proposal(
            text=f"Run {wider.replicas} replicas in place of {pool.replicas}",
            why="Chips that are drawn serve nothing.",
            change=Batch((SetSection("deployment", wider),)),
        )


def _more_chips(design: Design, catalog: Catalog) -> Iterator[Proposal]:
    """One more of each rack that is drawn, or chips for one more replica: the expensive way."""
    for element in design.elements:
        if element.kind in (DeviceKind.RACK, DeviceKind.CHIP):
            count, change, fewer = with_chips(design, catalog, element)
            name = catalog.device(element.spec).name
            yield Proposal(
                text=f"Add {'one' if count == 1 else count} {name}{fewer}",
                why="More replicas share the load.",
                change=change,
            )


_Maker = Callable[[Design, Catalog, Sequence[str]], Iterator[Proposal]]
_MAKERS: dict[str, tuple[_Maker, ...]] = {
    "queue": (_slots, _budget, _router, _to_their_prefix),
    "kv_memory": (_smaller_kv, _more_kv, _into_host_memory, _twice_tp),
    "memory_bandwidth": (_four_bits, _smaller_kv, _twice_tp),
    "compute": (
        _keep_prefixes,
        _to_their_prefix,
        _into_host_memory,
        _four_bits,
        _apart,
        _twice_tp,
    ),
    "overhead": (_budget, _half_tp),
    "network_latency": (_half_tp,),
    "scale_up": (_half_tp,),
    "scale_out": (_cables,),
    "kv_transfer": (_cables,),
    "host": (_hosts,),
}
