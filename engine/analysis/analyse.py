"""Questions on the drawn graph, answered without a run."""

import msgspec

from engine.analysis.bisection import Bisection, bisection_of, flow_between, least_cut
from engine.analysis.capacity import TierCapacity, scale_up_tiers, switch_tiers
from engine.analysis.cuts import Connectivity, WeakPoint, connectivity, unit_graph, weak_points
from engine.analysis.distances import Distances, distances
from engine.analysis.fold import fold_twins
from engine.analysis.losses import Loss, losses
from engine.analysis.quotient import Drawing
from engine.analysis.routes import AllToAll, all_to_all, routes_of
from engine.analysis.tiers import TierCut, tier_cuts
from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.scenario.design import Design
from engine.topology.elements import Link


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What the graph of a design says: parts, weak points, capacities and distances."""

    chips: int
    devices: int
    cables: int
    connectivity: Connectivity
    weak_points: tuple[WeakPoint, ...]
    tiers: tuple[TierCapacity, ...]
    cuts: tuple[TierCut, ...]
    bisection: Bisection | None
    all_to_all: AllToAll | None
    losses: tuple[Loss, ...]
    distances: Distances | None


def analyse(design: Design, catalog: Catalog) -> Analysis:
    """Answers all questions about a drawing; arrays and racks are folded by their symmetry.

    Raises:
        CatalogError: an element's spec is not in the catalogue.
    """
    drawing = Drawing(design, catalog)
    graph = unit_graph(drawing)
    design_folded, origins = fold_twins(design)
    folded = Drawing(design_folded, catalog)
    cut = least_cut(folded, origins)
    routes = routes_of(folded)
    exchange = all_to_all(routes)
    return Analysis(
        chips=sum(drawing.chips(e) * e.count for e in design.elements),
        devices=sum(element.count for element in design.elements),
        cables=sum(_cables(drawing, link) for link in design.links),
        connectivity=connectivity(drawing, graph),
        weak_points=weak_points(drawing, graph),
        tiers=(*scale_up_tiers(folded), *switch_tiers(folded)),
        cuts=tier_cuts(folded, cut),
        bisection=None if cut is None else bisection_of(cut, _outside(exchange)),
        all_to_all=exchange,
        losses=losses(folded, cut),
        distances=distances(folded, unit_graph(folded), routes),
    )


def _outside(exchange: AllToAll | None) -> float | None:
    return None if exchange is None else exchange.between_bytes_per_s


def _cables(drawing: Drawing, link: Link) -> int:
    times = link.count
    for end in (link.a, link.b):
        times *= 1 if end.member >= 0 else drawing.elements[end.element].count
    return times


def max_flow(
    design: Design, catalog: Catalog, sources: frozenset[str], targets: frozenset[str]
) -> float:
    """The maximum flow between two selections of elements, bytes/s in one direction.

    Raises:
        TopologyError: an id is not drawn, or is on both sides.
    """
    drawing = Drawing(fold_twins(design, sources | targets).design, catalog)
    known = {element.id for element in design.elements}
    for element_id in sorted(sources | targets):
        if element_id not in known:
            raise TopologyError(
                f"element {element_id}", "is not in the drawing", "use ids of its elements"
            )
    both = sorted(sources & targets)
    if both:
        raise TopologyError(f"element {both[0]}", "is on both sides", "choose two selections")
    return flow_between(drawing, sources, targets)
