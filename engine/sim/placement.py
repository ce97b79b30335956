"""Placement: which chips serve which replica, in the order of the drawing, TP inside a domain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.cost.memory import chips_per_replica
from engine.errors import ScenarioError
from engine.scenario.design import Deployment
from engine.sim.codes import NodeKind
from engine.sim.tables import FabricTables


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Chips of each replica and what the deployment asked for but did not get."""

    chips: NDArray[np.int32]  # [replicas, chips per replica] nodes; row-major by PP stage then TP
    asked: int
    unused_chips: int
    spec_element: int  # an element whose chips are used: all have the same spec


def place_pools(
    deployments: Sequence[Deployment],
    fabric: FabricTables,
    element_ids: tuple[str, ...],
    element_chips: tuple[str, ...],
) -> list[Placement]:
    """Placements of several pools, none of whose chips are another's.

    Those that name their elements choose first, then those that say how many replicas they want,
    then those that take what is left; among equals in the order given. Raises as `place` does.
    """
    taken = np.zeros(len(fabric.node_kind), np.bool_)
    order = sorted(
        range(len(deployments)),
        key=lambda at: (not deployments[at].chips, deployments[at].replicas == 0, at),
    )
    placements: dict[int, Placement] = {}
    for at in order:
        placements[at] = place(deployments[at], fabric, element_ids, element_chips, taken)
        taken[placements[at].chips] = True
    return [placements[at] for at in range(len(deployments))]


def place(
    deployment: Deployment,
    fabric: FabricTables,
    element_ids: tuple[str, ...],
    element_chips: tuple[str, ...],
    taken: NDArray[np.bool_] | None = None,
) -> Placement:
    """Replicas packed into scale-up domains first, then over what is left.

    Args:
        deployment: how many chips a replica takes and which elements it may use.
        fabric: the expanded drawing.
        element_ids: id of each element, by `node_element`.
        element_chips: spec id of each element's chips, by `node_element` ('' without chips).
        taken: [nodes] chips of other pools.

    Raises:
        ScenarioError: no chips, mixed chips, or too few for one replica.
    """
    chips = np.flatnonzero(fabric.node_kind == NodeKind.CHIP).astype(np.int32)
    if deployment.chips:
        named = set(deployment.chips)
        wanted = [index for index, name in enumerate(element_ids) if name in named]
        chips = chips[np.isin(fabric.node_element[chips], wanted)]
    if taken is not None and len(chips) and taken[chips].all():
        raise ScenarioError(
            f"pool {deployment.name}",
            "other pools have taken all chips that it may use",
            "say how many replicas each pool has, or name the elements of each",
        )
    if taken is not None:
        chips = chips[~taken[chips]]
    if not len(chips):
        raise ScenarioError("deployment", "there is no chip to serve it", "draw chips or a rack")
    specs = {element_chips[int(index)] for index in np.unique(fabric.node_element[chips])}
    if len(specs) > 1:
        names = ", ".join(sorted(specs))
        raise ScenarioError(
            "deployment",
            f"its chips are of different kinds ({names}), but one replica's step time needs one",
            "name the elements to use in the deployment's chips",
        )
    each = chips_per_replica(deployment)
    rows = _pack(chips, fabric.node_domain[chips], each)
    asked = deployment.replicas
    if not len(rows) or (asked and len(rows) < asked):
        raise ScenarioError(
            "deployment",
            f"{asked or 1} replica(s) of {each} chips need {(asked or 1) * each}, "
            f"the drawing has {len(chips)}",
            "add chips, or lower TP, PP, EP or the replicas",
        )
    if asked:
        rows = rows[:asked]
    return Placement(
        chips=rows,
        asked=asked,
        unused_chips=len(chips) - len(rows) * each,
        spec_element=int(fabric.node_element[rows[0, 0]]),
    )


def _pack(chips: NDArray[np.int32], domains: NDArray[np.int32], each: int) -> NDArray[np.int32]:
    """Rows of `each` chips: whole ones of each domain in the order they are met, then the rest."""
    _, met, label = np.unique(domains, return_index=True, return_inverse=True)
    turn = np.empty(len(met), np.int64)
    turn[np.argsort(met, kind="stable")] = np.arange(len(met))
    order = np.argsort(turn[label], kind="stable")
    chips, domains, label = chips[order], domains[order], turn[label][order]
    sizes = np.bincount(label)
    begins = np.cumsum(sizes) - sizes
    place = np.arange(len(chips)) - begins[label]
    inside = (place < sizes[label] // each * each) & (domains >= 0)
    left = chips[~inside]
    rows = np.concatenate([chips[inside], left[: len(left) // each * each]])
    return np.asarray(rows.reshape(-1, each), np.int32)
