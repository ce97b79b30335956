"""Resources of a run, one of which is made better: what if it were 10 % or twice as good?

This and `places` are the only ones of the study that know the columns of the tables.
"""

import dataclasses
from enum import StrEnum

import msgspec
import numpy as np

from engine.catalog.devices import DeviceKind
from engine.cost.memory import chips_per_replica
from engine.scenario.design import Deployment, Design
from engine.sim.codes import Cause, LinkClass
from engine.sim.lower import Lowered
from engine.sim.services import service_tables
from engine.study.places import Place, chips_of, hosts_of, links_of

ROUNDING = 0.05  # whole things may miss a factor by so much of it


class Resource(StrEnum):
    """What can hold requests up."""

    ARITHMETIC = "chip arithmetic"
    HBM_BANDWIDTH = "HBM bandwidth"
    KV_MEMORY = "KV memory"
    OVERHEAD = "launch and scheduler overhead"
    COLLECTIVE_LATENCY = "latency of collectives"
    SCALE_UP = "scale-up bandwidth"
    SCALE_OUT = "scale-out bandwidth"
    CLIENT_LINKS = "client links"
    PCIE = "PCIe"
    STORAGE_LINKS = "storage links"
    HOST_CORES = "host cores"
    BATCH_SLOTS = "batch slots"
    TOKEN_BUDGET = "tokens a step"
    REPLICAS = "replicas"


_CAUSES = {
    Resource.HBM_BANDWIDTH: Cause.MEMORY_BANDWIDTH,
    Resource.ARITHMETIC: Cause.COMPUTE,
    Resource.OVERHEAD: Cause.OVERHEAD,
    Resource.COLLECTIVE_LATENCY: Cause.NETWORK_LATENCY,
}
_PARTS = {  # of a step's time beside `dense_s`, by what bounds them
    Resource.HBM_BANDWIDTH: ("head_s", "decode_base_s", "decode_context_s"),
    Resource.ARITHMETIC: ("prefill_area_s",),
    Resource.OVERHEAD: ("sequence_s", "prompt_s"),
    Resource.COLLECTIVE_LATENCY: (),
}
_LINKS = {
    Resource.SCALE_UP: LinkClass.SCALE_UP,
    Resource.SCALE_OUT: LinkClass.SCALE_OUT,
    Resource.CLIENT_LINKS: LinkClass.CLIENT,
    Resource.PCIE: LinkClass.PCIE,
    Resource.STORAGE_LINKS: LinkClass.STORAGE,
}
_LIMITS = {
    Resource.BATCH_SLOTS: "max_num_seqs",
    Resource.TOKEN_BUDGET: "max_num_batched_tokens",
}


def place_of(lowered: Lowered, resource: Resource) -> Place:
    """Where a resource is drawn: its links, hosts, or the chips that serve."""
    if resource in _LINKS:
        return links_of(lowered, _LINKS[resource])
    if resource is Resource.HOST_CORES:
        return hosts_of(lowered)
    if resource is Resource.COLLECTIVE_LATENCY:
        place = links_of(lowered, LinkClass.SCALE_UP)
        return place if place.element_ids or place.link_ids else chips_of(lowered)
    return chips_of(lowered)


def changes_design(resource: Resource) -> bool:
    """True if more of the resource is another design, which is lowered anew."""
    return resource in _LIMITS or resource is Resource.REPLICAS


def improved_design(design: Design, resource: Resource, factor: float) -> Design | None:
    """The design with a limit of all its pools, or with its replicas, `factor` times as large.

    None where whole numbers do not allow it: 10 % more than one batch slot.
    """
    if resource is Resource.REPLICAS:
        return _more_replicas(design, factor)
    name = _LIMITS[resource]

    def better(pool: Deployment) -> Deployment:
        limit = round(getattr(pool, name) * factor)
        if name == "max_num_seqs":  # a step gives every sequence its token
            tokens = max(pool.max_num_batched_tokens, limit)
            return msgspec.structs.replace(pool, max_num_seqs=limit, max_num_batched_tokens=tokens)
        return msgspec.structs.replace(pool, max_num_batched_tokens=limit)

    found = msgspec.structs.replace(
        design,
        deployment=better(design.deployment),
        pools=tuple(better(pool) for pool in design.pools),
    )
    return found if found != design else None


def _more_replicas(design: Design, factor: float) -> Design | None:
    """`factor` times the racks and chips with their cables, and the replicas that are asked for.

    None where that would not be the same replicas again: an opened rack is wired for its own chips,
    and of twice the chips on a host other ones would make a replica.
    """
    pools = design.all_pools()
    grown = [e for e in design.elements if e.kind in (DeviceKind.RACK, DeviceKind.CHIP)]
    bare = any(element.kind is DeviceKind.CHIP for element in grown)
    if any(group.template for group in design.groups) or (
        bare and any(chips_per_replica(pool) > 1 for pool in pools)
    ):
        return None
    sizes = [element.count for element in grown] + [pool.replicas for pool in pools]
    if any(abs(round(size * factor) / size / factor - 1) > ROUNDING for size in sizes if size):
        return None
    larger = {e.id: msgspec.structs.replace(e, count=round(e.count * factor)) for e in grown}
    deployment, *others = (
        msgspec.structs.replace(pool, replicas=round(pool.replicas * factor)) for pool in pools
    )
    return msgspec.structs.replace(
        design,
        elements=tuple(larger.get(element.id, element) for element in design.elements),
        deployment=deployment,
        pools=tuple(others),
    )


def improved(lowered: Lowered, resource: Resource, factor: float) -> Lowered | None:
    """The tables with one resource `factor` times as good, all else equal.

    The tables themselves where they hold nothing of the resource; None where whole numbers do not
    allow the factor: 10 % more than one core.

    Args:
        lowered: the tables of the design.
        resource: not one for which `changes_design` is true.
        factor: above 0.
    """
    if resource in _CAUSES:
        return _faster_steps(lowered, resource, factor)
    if resource in _LINKS:
        fabric = lowered.fabric
        rows = fabric.link_class == _LINKS[resource]
        if not rows.any():
            return lowered
        rates = np.where(rows, fabric.link_bytes_per_s * factor, fabric.link_bytes_per_s)
        return dataclasses.replace(lowered, fabric=fabric._replace(link_bytes_per_s=rates))
    if resource is Resource.KV_MEMORY:
        return _more_kv(lowered, factor)
    if lowered.agents is None or not lowered.host_cores.any():
        return lowered
    cores = np.round(lowered.host_cores * factor)
    if np.array_equal(cores, lowered.host_cores):
        return None
    return dataclasses.replace(lowered, host_cores=cores)


def _faster_steps(lowered: Lowered, resource: Resource, factor: float) -> Lowered:
    timing, cause = lowered.timing, _CAUSES[resource]
    parts = {name: getattr(timing, name) for name in _PARTS[resource]}
    if not timing.dense_s[..., cause].any() and not any(part.any() for part in parts.values()):
        return lowered
    dense = timing.dense_s.copy()
    dense[..., cause] /= factor
    better = {name: part / factor for name, part in parts.items()}
    return dataclasses.replace(lowered, timing=timing._replace(dense_s=dense, **better))


def _more_kv(lowered: Lowered, factor: float) -> Lowered:
    replicas = lowered.replicas
    blocks = np.array([pool.limits.block_tokens for pool in lowered.pools])[replicas.pool]
    tokens = (replicas.kv_tokens * factor).astype(np.int64) // blocks * blocks
    limits = [pool.limits for pool in lowered.pools]
    return dataclasses.replace(
        lowered,
        replicas=replicas._replace(kv_tokens=tokens),
        services=service_tables(limits, replicas.pool, tokens),
    )
