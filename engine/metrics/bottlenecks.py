"""Ranking of bottlenecks: which cause holds the requests' time, and where it sits on the drawing.

The share of a cause is its part of the latency of all requests (finished and running); tools run
outside a request, and only their wait for host cores is ranked. A cause names its resource: the
busiest link of its class, or the chips, hosts or limits behind it.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.sim.codes import Cause, LinkClass, NodeKind
from engine.sim.lower import Lowered

SMALLEST_SHARE = 0.001


class Bottleneck(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ranking: `share` of all requests' latency, and where to look."""

    resource: str
    cause: str
    share: float
    seconds: float
    text: str
    element_ids: tuple[str, ...] = ()
    link_ids: tuple[str, ...] = ()


_PLAIN: dict[Cause, tuple[str, str]] = {
    Cause.QUEUE: (
        "queue before the batch",
        "Requests wait for the step in progress to end, for the token budget of a step or for "
        "one of the batch's slots. Shorter steps, more replicas or, where all slots are taken, "
        "a higher max_num_seqs shorten it.",
    ),
    Cause.KV_MEMORY: (
        "KV memory",
        "Requests wait for KV blocks, or are computed again after they were pushed out. More "
        "memory for KV (more chips a replica, a smaller KV format) removes it.",
    ),
    Cause.COMPUTE: (
        "chip arithmetic",
        "Steps are bound by arithmetic, which is mostly prefill of new tokens. More FLOP/s, more "
        "replicas or a better cache hit shorten it.",
    ),
    Cause.MEMORY_BANDWIDTH: (
        "HBM bandwidth",
        "Steps are bound by reading weights and KV from HBM. More bandwidth, a smaller weight "
        "format or a larger batch for the same weights help.",
    ),
    Cause.OVERHEAD: (
        "launch and scheduler overhead",
        "Steps are bound by kernel launches, the scheduler and work per sequence, not by the "
        "chips' figures. Fewer layers in flight, graphs or larger batches help.",
    ),
    Cause.NETWORK_LATENCY: (
        "latency of collectives",
        "The many small collectives of a step wait for the fabric's latency. A lower TP or "
        "in-switch reduction helps; more bandwidth does not.",
    ),
    Cause.SCALE_UP: (
        "scale-up bandwidth",
        "Collectives inside a domain move at the bandwidth of the scale-up links.",
    ),
    Cause.SCALE_OUT: (
        "scale-out network",
        "Traffic through NICs, leaves and to the clients holds requests up.",
    ),
    Cause.KV_TRANSFER: (
        "KV on its way",
        "The KV of prompts moves from prefill to decode replicas. More bandwidth between the pools, "
        "or pools that share a domain, shorten it.",
    ),
    Cause.ADMISSION: (
        "admission at the gate",
        "Requests are held by their tenant's rate or by its limit of requests in flight.",
    ),
    Cause.FAULT: (
        "faults",
        "Work was lost with a failed part and done again, or waited for its repair.",
    ),
    Cause.HOST: (
        "host cores",
        "Tools of agents wait for a core of their host. More hosts or cores shorten it.",
    ),
}

_LINK_CLASSES: dict[Cause, tuple[LinkClass, ...]] = {
    Cause.SCALE_UP: (LinkClass.SCALE_UP,),
    Cause.NETWORK_LATENCY: (LinkClass.SCALE_UP,),
    Cause.SCALE_OUT: (LinkClass.SCALE_OUT, LinkClass.CLIENT, LinkClass.STORAGE),
    Cause.KV_TRANSFER: (LinkClass.SCALE_OUT, LinkClass.SCALE_UP, LinkClass.PCIE),
}


def rank(
    cause_seconds: NDArray[np.float64],
    lowered: Lowered,
    design: Design,
    catalog: Catalog,
    link_utilisation: NDArray[np.float64],
    chip_utilisation: NDArray[np.float64],
) -> tuple[Bottleneck, ...]:
    """Causes by their share of the requests' latency, largest first.

    Args:
        cause_seconds: [CAUSES] request seconds by cause.
        lowered: the tables, to find places on the drawing.
        design: the drawing that was lowered.
        catalog: for the names of devices.
        link_utilisation: [links] share of capacity.
        chip_utilisation: [nodes] busy share, nan where not a chip.
    """
    shown = [cause for cause in _PLAIN if cause_seconds[cause] > 0]
    total = float(sum(cause_seconds[cause] for cause in shown))
    rows = []
    for cause in shown:
        seconds = float(cause_seconds[cause])
        if seconds / total < SMALLEST_SHARE:
            continue
        resource, text = _PLAIN[cause]
        elements, links, place = _place(
            cause, lowered, design, catalog, link_utilisation, chip_utilisation
        )
        rows.append(
            Bottleneck(
                resource=f"{resource}{place}",
                cause=cause.name.lower(),
                share=seconds / total,
                seconds=seconds,
                text=text,
                element_ids=elements,
                link_ids=links,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.share, row.cause)))


def link_name(link: int, lowered: Lowered, design: Design) -> str:
    """A directed link in the user's words: its ends' names, and the part of a rack it is in."""
    fabric = lowered.fabric
    return " to ".join(
        _node_name(int(end[link]), lowered, design)
        for end in (fabric.link_source, fabric.link_target)
    )


def _node_name(node: int, lowered: Lowered, design: Design) -> str:
    fabric = lowered.fabric
    index = int(fabric.node_element[node])
    element = design.elements[index]
    kind = NodeKind(int(fabric.node_kind[node]))
    alone = element.count == 1 and element.kind.value == kind.name.lower()
    if alone:
        return element.name
    return f"{element.name} {kind.name.lower()} {int(fabric.node_member[node])}"


def _place(
    cause: Cause,
    lowered: Lowered,
    design: Design,
    catalog: Catalog,
    link_utilisation: NDArray[np.float64],
    chip_utilisation: NDArray[np.float64],
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Element ids, link ids and a text after the resource's name."""
    fabric = lowered.fabric
    classes = _LINK_CLASSES.get(cause)
    if classes is not None:
        rows = np.flatnonzero(np.isin(fabric.link_class, classes))
        if len(rows):
            hottest = int(rows[np.argmax(link_utilisation[rows])])
            drawn = int(fabric.link_drawn[hottest])
            ends = [int(fabric.link_source[hottest]), int(fabric.link_target[hottest])]
            names = dict.fromkeys(
                lowered.element_ids[int(fabric.node_element[node])] for node in ends
            )
            links = (lowered.link_ids[drawn],) if drawn >= 0 else ()
            if cause is Cause.NETWORK_LATENCY:
                owner = design.elements[int(fabric.node_element[ends[0]])].name
                return tuple(names), links, f" on the scale-up links of {owner}"
            return tuple(names), links, f": {link_name(hottest, lowered, design)}"
    if cause in (Cause.ADMISSION, Cause.FAULT):
        return (), (), ""
    if cause is Cause.HOST:
        hosts = np.flatnonzero(lowered.host_cores > 0)
        owners = np.unique(fabric.node_element[hosts]).tolist()
        return tuple(lowered.element_ids[owner] for owner in owners), (), ""
    used = lowered.replicas.chip
    busy = np.nan_to_num(chip_utilisation[used])
    order = used[np.argsort(-busy, kind="stable")]
    elements = tuple(
        dict.fromkeys(lowered.element_ids[int(fabric.node_element[node])] for node in order[:64])
    )
    spec = catalog.device(design.elements[lowered.first.placement.spec_element].spec)
    chip = catalog.device(spec.rack.chip) if spec.rack is not None else spec
    if cause is Cause.QUEUE:
        return (
            elements,
            (),
            f" (max_num_seqs {lowered.first.limits.max_seqs}) of {chip.name} replicas",
        )
    return elements, (), f" of {chip.name}"
