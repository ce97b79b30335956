"""Collectives: textbook closed forms, and the same fitted to what libraries reach.

Here belong formulas and parameters on a fabric of a few numbers; a drawn fabric is measured by
`engine.sim.collective_routes`, the fit lives in `engine.study.calibration`.
"""

from engine.cost.collectives.closed_forms import (
    Algorithm,
    all_gather_s,
    all_reduce_latency_s,
    all_reduce_link_bytes,
    all_reduce_s,
    all_to_all_link_bytes,
    all_to_all_oversubscribed_s,
    all_to_all_s,
    incast_s,
    point_to_point_s,
    reduce_scatter_s,
)
from engine.cost.collectives.fabric import CollectiveFabric, chip_fabric
from engine.cost.collectives.model import Choice, choose, collective_s
from engine.cost.collectives.parameters import (
    CollectiveParameters,
    Estimate,
    OpParameters,
    load_collective_parameters,
)
from engine.cost.collectives.serving import serving_all_reduce_s
from engine.cost.collectives.work import ExpertTraffic, Work, work_of

__all__ = [
    "Algorithm",
    "Choice",
    "CollectiveFabric",
    "CollectiveParameters",
    "Estimate",
    "ExpertTraffic",
    "OpParameters",
    "Work",
    "all_gather_s",
    "all_reduce_latency_s",
    "all_reduce_link_bytes",
    "all_reduce_s",
    "all_to_all_link_bytes",
    "all_to_all_oversubscribed_s",
    "all_to_all_s",
    "chip_fabric",
    "choose",
    "collective_s",
    "incast_s",
    "load_collective_parameters",
    "point_to_point_s",
    "reduce_scatter_s",
    "serving_all_reduce_s",
    "work_of",
]
