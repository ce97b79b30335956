"""One collective on the drawing as a coflow: its algorithm and why, its time, its busiest links.

The coflow runs alone in the network of `engine.sim.flows`; nothing of a library's launches or
efficiencies counts here (`engine.sim.drawn_collective` has those).
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.selection import (
    GATHER_SOURCE,
    GATHERS,
    LONG_GATHER_BYTES,
    MODEL_SOURCE,
    Kind,
    automatic,
    closed_form_s,
    level_shares,
    runnable,
)
from engine.cost.memory import fit
from engine.errors import ScenarioError
from engine.scenario.design import Design
from engine.scenario.own_models import design_catalog
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.coflows import switches_of
from engine.sim.collective_phases import Ends, phases
from engine.sim.collective_routes import link_loads
from engine.sim.drawn_chips import drawn_chip
from engine.sim.drawn_collective import DrawnRanks, drawn_ranks, link_name
from engine.sim.flows import simulate_flows
from engine.sim.tables import FabricTables
from engine.topology.expand import expand

AUTO = "auto"
BUSIEST = 5


class Coflow(NamedTuple):
    """Links of a collective, bytes on each per byte of its size, and its latency.

    `phased_s_per_byte` is the time per byte if no phase overlaps another: halving-doubling and
    hierarchical algorithms lie between it and the coflow's own.
    """

    links: NDArray[np.int32]
    weights: NDArray[np.float64]
    latency_s: float
    hop_s: float
    phased_s_per_byte: float

    def alone_s(self, size_bytes: float, link_bytes_per_s: NDArray[np.float64]) -> float:
        """Seconds on an idle fabric: the largest of weight S / capacity, and the latency."""
        busy = self.weights / link_bytes_per_s[self.links]
        return size_bytes * float(busy.max(initial=0.0)) + self.latency_s


class BusyLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link of the coflow, bytes on it, and the share of the collective's time that it is full."""

    link: str
    link_class: str
    bytes: float
    share: float


class CollectiveTime(msgspec.Struct, frozen=True, kw_only=True):
    """A collective on the drawing. Times in seconds, thresholds in bytes of the collective.

    `seconds` is the coflow's time alone on the drawn links with its latency, `closed_form_s` the
    textbook's on an unblocked fabric of the port's rate, `phased_s` that of phases one by one.
    """

    kind: str
    size_bytes: float
    ranks: int
    domains: int
    algorithm: str
    reason: str
    source: str
    thresholds: dict[str, float]  # smallest size from which an algorithm is taken
    others: dict[str, float]
    seconds: float
    closed_form_s: float
    phased_s: float
    port_bytes_per_s: float
    hop_s: float
    busiest: tuple[BusyLink, ...]


def collective_time(
    design: Design,
    catalog: Catalog,
    kind: str,
    size_bytes: float,
    *,
    algorithm: str = AUTO,
    ranks: int = 0,
    elements: frozenset[str] = frozenset(),
    per_pair: bool = False,
) -> CollectiveTime:
    """How long a collective alone takes on the drawn links, and by which algorithm.

    Args:
        design: the drawing.
        catalog: the shop.
        kind: a `Kind`; its module says what the size counts.
        size_bytes: from 0.
        algorithm: an `Algorithm`, or auto for a library's choice.
        ranks: the first so many chips of the drawing (0: all).
        elements: ids whose chips take part (empty: all).
        per_pair: the size is what each rank sends to each other one: 1/n of its buffer.

    Raises:
        ScenarioError: unknown kind or rank count, an algorithm that cannot run it here, no path, no storage.
    """
    wanted = _kind(kind)
    if not (np.isfinite(size_bytes) and size_bytes >= 0):
        raise ScenarioError("collective", f"its size is {size_bytes}", "use bytes from 0")
    fabric = FabricTables(*expand(design.elements, design.links, catalog))
    if ranks < 0:
        raise ScenarioError("collective", f"it has {ranks} ranks", "use 2 or more, or 0 for all")
    drawn = drawn_ranks(design, catalog, fabric, elements, ranks)
    if per_pair:
        size_bytes *= drawn.count
    regular = len({len(group) for group in drawn.groups}) == 1
    domains = len(drawn.groups) if regular else 1
    can = runnable(wanted, drawn.count, domains, in_switch=drawn.in_switch)
    if algorithm == AUTO:
        options = automatic(wanted, drawn.count, domains, size_bytes, in_switch=drawn.in_switch)
    else:
        options = (_algorithm(algorithm, wanted, drawn, can),)
    coflows = {option: collective_coflow(fabric, drawn, wanted, option) for option in options}
    rates = fabric.link_bytes_per_s
    times = {option: flow.alone_s(size_bytes, rates) for option, flow in coflows.items()}
    taken = min(times, key=lambda option: times[option])
    flow = coflows[taken]
    port = _port_bytes_per_s(fabric, flow, drawn, wanted)
    chosen = algorithm == AUTO and (wanted in GATHERS or len(options) > 1)
    source = GATHER_SOURCE if wanted in GATHERS else MODEL_SOURCE
    return CollectiveTime(
        kind=wanted.value,
        size_bytes=size_bytes,
        ranks=drawn.count,
        domains=len(drawn.groups),
        algorithm=taken.value,
        reason=_reason(wanted, taken, options, automatic=algorithm == AUTO, count=drawn.count),
        source=source if chosen else "",
        thresholds=_thresholds(wanted, coflows, rates) if chosen else {},
        others={option.value: value for option, value in times.items() if option != taken},
        seconds=run_coflow(fabric, flow, size_bytes),
        closed_form_s=_closed_s(fabric, flow, drawn, wanted, taken, domains, port, size_bytes),
        phased_s=size_bytes * flow.phased_s_per_byte + flow.latency_s,
        port_bytes_per_s=port,
        hop_s=flow.hop_s,
        busiest=_busiest(design, fabric, flow, size_bytes),
    )


def chip_weight_bytes(design: Design, catalog: Catalog) -> float:
    """Bytes of weights that each chip of the deployment holds, for the kind weight-load.

    Raises:
        ScenarioError: no chip is drawn for it.
    """
    chip = drawn_chip(design, catalog)
    if chip is None:
        raise ScenarioError("weight-load", "there is no chip to load", "draw chips or a rack")
    llm = design_catalog(design, catalog).llm(design.deployment.model)
    return fit(design.deployment, llm, chip).weight_bytes


def collective_coflow(
    fabric: FabricTables, ranks: DrawnRanks, kind: Kind, algorithm: Algorithm
) -> Coflow:
    """The coflow of a collective among drawn ranks.

    Raises:
        ScenarioError: two of its ends have no path; no storage to load from; no two equal halves.
    """
    ends = _ends(fabric, ranks)
    if kind is Kind.WEIGHT_LOAD and not ends.storage:
        raise ScenarioError("weight-load", "no storage is drawn", "draw a storage and link it")
    if kind is Kind.KV_TRANSFER and ranks.count % 2:
        raise ScenarioError(
            "kv-transfer",
            f"{ranks.count} ranks are no two halves of prefill and decode",
            "take an even number",
        )
    total = np.zeros(len(fabric.link_source))
    latency_s = hop_s = phased = 0.0
    for phase in phases(kind, algorithm, ranks.groups, ends):
        loads = link_loads(fabric, phase.traffic)
        used = loads.per_byte > 0
        total += loads.per_byte
        latency_s += phase.steps * loads.latency_s
        hop_s = max(hop_s, loads.latency_s)
        busy = loads.per_byte[used] / fabric.link_bytes_per_s[used]
        phased += float(busy.max(initial=0.0))
    links = np.flatnonzero(total > 0).astype(np.int32)
    return Coflow(links, total[links], latency_s, hop_s, phased)


def run_coflow(fabric: FabricTables, flow: Coflow, size_bytes: float) -> float:
    """Seconds of a coflow alone in the network model, with its latency."""
    if size_bytes == 0:
        return flow.latency_s
    found = simulate_flows(
        fabric.link_bytes_per_s,
        np.array([0, len(flow.links)], np.int64),
        flow.links,
        np.zeros(1),
        np.array([size_bytes]),
        flow.weights,
    )
    return float(found.finish_s[0]) + flow.latency_s


def _kind(text: str) -> Kind:
    if text not in list(Kind):
        raise ScenarioError("collective", f"'{text}' is unknown", f"use one of {', '.join(Kind)}")
    return Kind(text)


def _algorithm(text: str, kind: Kind, ranks: DrawnRanks, can: tuple[Algorithm, ...]) -> Algorithm:
    names = ", ".join(option.value for option in can)
    if text in can:
        return Algorithm(text)
    if text not in list(Algorithm):
        why = f"'{text}' is no algorithm"
    elif text == Algorithm.IN_SWITCH and kind is Kind.ALL_REDUCE:
        why = f"no switch that all {ranks.count} ranks hang on can add up"
    elif text == Algorithm.HALVING_DOUBLING and (kind in GATHERS or kind is Kind.ALL_REDUCE):
        why = f"halving-doubling needs a power of two of ranks, not {ranks.count}"
    elif text == Algorithm.HIERARCHICAL and kind not in GATHERS:
        why = "its ranks span no two domains of equally many"
    else:
        why = f"{text} does not run {kind.value}"
    raise ScenarioError("collective algorithm", why, f"use auto or one of {names}")


def _ends(fabric: FabricTables, ranks: DrawnRanks) -> Ends:
    chips = [chip for group in ranks.groups for chip in group]
    storage = np.flatnonzero(fabric.node_kind == NodeKind.STORAGE)
    return switches_of(chips, fabric)._replace(storage=storage.tolist())


def _port_bytes_per_s(fabric: FabricTables, flow: Coflow, ranks: DrawnRanks, kind: Kind) -> float:
    """Rate of the port that the closed form divides by: of the sender, receiver or storage."""
    first = ranks.groups[0][0]
    if kind is Kind.WEIGHT_LOAD:
        out = fabric.node_kind[fabric.link_source[flow.links]] == NodeKind.STORAGE
    elif kind is Kind.INCAST:
        out = fabric.link_target[flow.links] == first
    else:
        out = fabric.link_source[flow.links] == first
    return float(fabric.link_bytes_per_s[flow.links[out]].sum())


def _closed_s(
    fabric: FabricTables,
    flow: Coflow,
    ranks: DrawnRanks,
    kind: Kind,
    algorithm: Algorithm,
    domains: int,
    port_bytes_per_s: float,
    size_bytes: float,
) -> float:
    """The textbook's seconds; over several domains the slower of a rank's ports and its NIC."""
    shares = level_shares(kind, algorithm, ranks.count // domains, domains)
    if shares is None:
        return closed_form_s(
            kind, algorithm, ranks.count, size_bytes, port_bytes_per_s, flow.hop_s
        )
    own = flow.links[fabric.link_source[flow.links] == ranks.groups[0][0]]
    rates, up = fabric.link_bytes_per_s[own], fabric.link_class[own] == LinkClass.SCALE_UP
    near, far = float(rates[up].sum()), float(rates[~up].sum())
    volume = max(
        (share / rate for share, rate in zip(shares, (near, far), strict=True) if rate > 0),
        default=0.0,
    )
    return size_bytes * volume + flow.latency_s


def _thresholds(
    kind: Kind, coflows: dict[Algorithm, Coflow], rates: NDArray[np.float64]
) -> dict[str, float]:
    """The size from which each algorithm is the quickest; those that never are are left out."""
    if kind in GATHERS:
        return {Algorithm.RING.value: LONG_GATHER_BYTES}
    lines = {
        option: (flow.latency_s, flow.alone_s(1.0, rates) - flow.latency_s)
        for option, flow in coflows.items()
    }
    found: dict[str, float] = {}
    size = 0.0
    best = min(lines, key=lambda option: lines[option])
    while True:
        found[best.value] = size
        floor, slope = lines[best]
        crossings = [
            ((other[0] - floor) / (slope - other[1]), other[1], option)
            for option, other in lines.items()
            if slope - other[1] > 1e-12 * slope and other[0] >= floor
        ]
        if not crossings:
            return found
        size, _, best = min(crossings)


def _reason(
    kind: Kind, taken: Algorithm, options: tuple[Algorithm, ...], *, automatic: bool, count: int
) -> str:
    if not automatic:
        return "asked for"
    if kind in GATHERS:
        side = "under" if taken is Algorithm.HALVING_DOUBLING else "not both under"
        return f"{side} {LONG_GATHER_BYTES:,.0f} bytes and a power of two of ranks ({count})"
    if len(options) == 1:
        return "the only one for this kind here"
    return f"the quickest of {', '.join(option.value for option in options)} at this size"


def _busiest(
    design: Design, fabric: FabricTables, flow: Coflow, size_bytes: float
) -> tuple[BusyLink, ...]:
    busy = flow.weights / fabric.link_bytes_per_s[flow.links]
    order = np.argsort(-busy, kind="stable")[:BUSIEST]
    return tuple(
        BusyLink(
            link=link_name(design, fabric, int(flow.links[row])),
            link_class=LinkClass(int(fabric.link_class[flow.links[row]]))
            .name.lower()
            .replace("_", "-"),
            bytes=size_bytes * float(flow.weights[row]),
            share=float(busy[row] / busy[order[0]]),
        )
        for row in order.tolist()
    )
