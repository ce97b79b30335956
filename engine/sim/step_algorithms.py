"""What runs the exchanges of a step, and why: the algorithms of a deployment in words.

Here is said what `engine.cost.communication` times and `engine.sim.coflows` puts on links.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.collectives.serving import OWN_KERNELS, own_limit_bytes
from engine.scenario.design import CollectiveAlgorithm, Deployment, Design
from engine.sim.drawn_chips import drawn_chip
from engine.sim.placement import Placement
from engine.sim.tables import FabricTables


class StepAlgorithm(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of exchange of a step: ranks, algorithm, and the reason with its limits."""

    kind: str
    ranks: int
    algorithm: str
    reason: str
    source: str


def drawn_algorithms(
    design: Design, catalog: Catalog, placement: Placement, fabric: FabricTables
) -> tuple[StepAlgorithm, ...]:
    """The exchanges of a design's steps, of the chips that a run has placed."""
    chip = drawn_chip(design, catalog)
    return () if chip is None else step_algorithms(design.deployment, chip, placement, fabric)


def step_algorithms(
    deployment: Deployment, chip: DeviceSpec, placement: Placement, fabric: FabricTables
) -> tuple[StepAlgorithm, ...]:
    """The exchanges of the first replica's steps; empty for replicas of one chip."""
    tp, dp, pp = deployment.tp, deployment.attention_dp, deployment.pp
    row = placement.chips[0]
    found = []
    if tp > 1:
        found.append(_reduction(deployment, chip, one_domain=_in_one_domain(row[:tp], fabric)))
    if dp > 1:
        one = _in_one_domain(row[: tp * dp], fabric)
        rails = deployment.collective_algorithm is CollectiveAlgorithm.HIERARCHICAL and not one
        found.append(
            StepAlgorithm(
                kind="all-to-all",
                ranks=tp * dp,
                algorithm="hierarchical" if rails else "direct",
                reason="asked for" if rails else "every rank sends straight to every other",
                source="engine.cost.collectives.work",
            )
        )
    if pp > 1:
        found.append(
            StepAlgorithm(
                kind="point-to-point",
                ranks=pp,
                algorithm="direct",
                reason="each rank hands its activations to its peer of the next stage",
                source="engine.cost.communication",
            )
        )
    return tuple(found)


def _reduction(deployment: Deployment, chip: DeviceSpec, *, one_domain: bool) -> StepAlgorithm:
    tp, chosen = deployment.tp, deployment.collective_algorithm
    if chosen is not CollectiveAlgorithm.AUTO:
        return StepAlgorithm(
            kind="all-reduce",
            ranks=tp,
            algorithm=chosen.value,
            reason="asked for",
            source="design",
        )
    engine = OWN_KERNELS[deployment.engine.value.startswith("tensorrt")]
    limit = own_limit_bytes(engine, chip.family, tp, chip_fabric(chip).kind) if one_domain else 0.0
    if limit > 0:
        reason = (
            f"up to {limit:,.0f} bytes the quickest of {engine}'s one-shot and two-shot kernels "
            "and NCCL, above NCCL alone; on links an even exchange inside the domain"
        )
    elif one_domain:
        reason = "NCCL's quickest; on links an even exchange inside the domain"
    else:
        reason = "NCCL's quickest; on links a ring over the domains"
    return StepAlgorithm(
        kind="all-reduce",
        ranks=tp,
        algorithm="two-shot" if one_domain else "ring",
        reason=reason,
        source="engine.cost.collectives.serving: limits as the engines set them",
    )


def _in_one_domain(chips: NDArray[np.int32], fabric: FabricTables) -> bool:
    domains = np.unique(fabric.node_domain[chips])
    return len(domains) == 1 and int(domains[0]) >= 0
