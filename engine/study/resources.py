"""Resources of a run, one of which is made better: what if it were 10 % or twice as good?"""

import dataclasses
from enum import StrEnum

import msgspec
import numpy as np

from engine.scenario.design import Deployment, Design
from engine.sim.codes import Cause, LinkClass
from engine.sim.lower import Lowered
from engine.sim.services import service_tables


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
    HOST_CORES = "host cores"
    BATCH_SLOTS = "batch slots"
    TOKEN_BUDGET = "tokens a step"


_CAUSES = {
    Resource.HBM_BANDWIDTH: (Cause.MEMORY_BANDWIDTH,),
    Resource.ARITHMETIC: (Cause.COMPUTE,),
    Resource.OVERHEAD: (Cause.OVERHEAD,),
    Resource.COLLECTIVE_LATENCY: (Cause.NETWORK_LATENCY,),
}
_LINKS = {
    Resource.SCALE_UP: LinkClass.SCALE_UP,
    Resource.SCALE_OUT: LinkClass.SCALE_OUT,
    Resource.CLIENT_LINKS: LinkClass.CLIENT,
    Resource.PCIE: LinkClass.PCIE,
}
_LIMITS = {
    Resource.BATCH_SLOTS: "max_num_seqs",
    Resource.TOKEN_BUDGET: "max_num_batched_tokens",
}


def changes_design(resource: Resource) -> bool:
    """True if the resource is a limit of the deployments: another design is lowered then."""
    return resource in _LIMITS


def improved_design(design: Design, resource: Resource, factor: float) -> Design:
    """The design with a limit of all its pools `factor` times as large."""
    name = _LIMITS[resource]

    def better(pool: Deployment) -> Deployment:
        limit = round(getattr(pool, name) * factor)
        if name == "max_num_seqs":  # a step gives every sequence its token
            tokens = max(pool.max_num_batched_tokens, limit)
            return msgspec.structs.replace(pool, max_num_seqs=limit, max_num_batched_tokens=tokens)
        return msgspec.structs.replace(pool, max_num_batched_tokens=limit)

    return msgspec.structs.replace(
        design,
        deployment=better(design.deployment),
        pools=tuple(better(pool) for pool in design.pools),
    )


def improved(lowered: Lowered, resource: Resource, factor: float) -> Lowered:
    """The tables with one resource `factor` times as good, all else equal.

    Args:
        lowered: the tables of the design.
        resource: not one for which `changes_design` is true.
        factor: above 0.
    """
    if resource in _CAUSES:
        return _faster_steps(lowered, resource, factor)
    if resource in _LINKS:
        fabric = lowered.fabric
        rates = fabric.link_bytes_per_s.copy()
        rates[fabric.link_class == _LINKS[resource]] *= factor
        return dataclasses.replace(lowered, fabric=fabric._replace(link_bytes_per_s=rates))
    if resource is Resource.KV_MEMORY:
        return _more_kv(lowered, factor)
    cores = np.floor(lowered.host_cores * factor)
    return dataclasses.replace(lowered, host_cores=cores)


def _faster_steps(lowered: Lowered, resource: Resource, factor: float) -> Lowered:
    timing = lowered.timing
    dense = timing.dense_s.copy()
    dense[..., list(_CAUSES[resource])] /= factor
    changes: dict[str, np.ndarray] = {"dense_s": dense}
    if resource is Resource.HBM_BANDWIDTH:
        for name in ("head_s", "decode_base_s", "decode_context_s"):
            changes[name] = getattr(timing, name) / factor
    elif resource is Resource.ARITHMETIC:
        changes["prefill_area_s"] = timing.prefill_area_s / factor
    elif resource is Resource.OVERHEAD:
        changes["sequence_s"] = timing.sequence_s / factor
        changes["prompt_s"] = timing.prompt_s / factor
    return dataclasses.replace(lowered, timing=timing._replace(**changes))


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
