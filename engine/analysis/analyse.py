"""Questions on the drawn graph, answered without a run."""

import msgspec

from engine.analysis.capacity import (
    Bisection,
    TierCapacity,
    bisection,
    flow_between,
    scale_up_tiers,
    switch_tiers,
)
from engine.analysis.cuts import Connectivity, WeakPoint, connectivity, unit_graph, weak_points
from engine.analysis.distances import Distances, distances
from engine.analysis.fold import fold_twins
from engine.analysis.quotient import Drawing
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
    bisection: Bisection | None
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
    return Analysis(
        chips=sum(drawing.chips(e) * e.count for e in design.elements),
        devices=sum(element.count for element in design.elements),
        cables=sum(_cables(drawing, link) for link in design.links),
        connectivity=connectivity(drawing, graph),
        weak_points=weak_points(drawing, graph),
        tiers=(*scale_up_tiers(folded), *switch_tiers(folded)),
        bisection=bisection(folded, origins),
        distances=distances(drawing, graph),
    )


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
