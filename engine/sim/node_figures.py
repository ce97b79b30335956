"""Figures of the devices behind the nodes of a fabric: watts and cores, by element and kind."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.errors import ScenarioError
from engine.scenario.design import Design
from engine.sim.codes import NodeKind
from engine.sim.replicas import host_of_nodes
from engine.sim.tables import FabricTables, Limits, ReplicaTables
from engine.topology.elements import Element
from engine.topology.expand import figure_value

F8 = NDArray[np.float64]


def host_cores(
    design: Design, specs: tuple[DeviceSpec, ...], fabric: FabricTables, catalog: Catalog
) -> F8:
    """Cores of each node that is a host, 0 elsewhere; [nodes]."""
    cores = np.zeros(len(fabric.node_kind))
    for element, spec, rows in _nodes_of(design, specs, fabric):
        host = catalog.device(spec.rack.host) if spec.rack is not None else spec
        hosts = fabric.node_kind[rows] == NodeKind.HOST
        cores[rows][hosts] = figure_value(element, host, "cores", 0.0)
    return cores


def as_fast_as_flash(
    fabric: FabricTables, design: Design, specs: tuple[DeviceSpec, ...]
) -> FabricTables:
    """The fabric with the links out of each storage no faster in sum than its flash is read."""
    rates = np.full(len(fabric.node_kind), np.inf)
    for element, spec, rows in _nodes_of(design, specs, fabric):
        if spec.kind is DeviceKind.STORAGE:
            rates[rows] = figure_value(element, spec, "ssd_bytes_per_s", np.inf)
    if not np.isfinite(rates).any():
        return fabric
    out = np.bincount(fabric.link_source, fabric.link_bytes_per_s, len(rates))
    share = np.minimum(1.0, rates / np.maximum(out, 1e-12))
    return fabric._replace(link_bytes_per_s=fabric.link_bytes_per_s * share[fabric.link_source])


def check_host_memory(
    limits: Sequence[Limits],
    replicas: ReplicaTables,
    design: Design,
    specs: tuple[DeviceSpec, ...],
    fabric: FabricTables,
    catalog: Catalog,
) -> None:
    """Refuses prefixes that the memory of the hosts cannot hold.

    Raises:
        ScenarioError: names the host and the numbers.
    """
    asked = np.array([limit.host_tokens * limit.kv_bytes for limit in limits])[replicas.pool]
    if not asked.any():
        return
    hosts = host_of_nodes(fabric)[replicas.chip]
    each = np.diff(replicas.chip_start)
    share = np.repeat(asked / each, each)
    kept = np.bincount(hosts[hosts >= 0], share[hosts >= 0], len(fabric.node_kind))
    for element, spec, rows in _nodes_of(design, specs, fabric):
        host = catalog.device(spec.rack.host) if spec.rack is not None else spec
        room = figure_value(element, host, "host_memory_bytes", np.inf)
        most = float(kept[rows].max(initial=0.0))
        if most > room:
            raise ScenarioError(
                element.name or element.id,
                f"its replicas keep {most / 1e9:,.0f} GB of prefixes in the memory of one host, "
                f"which has {room / 1e9:,.0f} GB",
                "lower host_kv_gb, or draw hosts with more memory",
            )


def node_power(
    design: Design, specs: tuple[DeviceSpec, ...], fabric: FabricTables, catalog: Catalog
) -> tuple[F8, F8]:
    """Full-load and idle watts of each node; a domain switch of a rack stands for its planes."""
    power = np.zeros(len(fabric.node_kind))
    idle = np.zeros(len(fabric.node_kind))
    racks: dict[str, tuple[F8, F8]] = {}
    for element, spec, rows in _nodes_of(design, specs, fabric):
        if spec.rack is None:
            own = figure_value(element, spec, "power_w")
            power[rows], idle[rows] = own, spec.value("idle_power_w", own)
            continue
        if spec.id not in racks:
            racks[spec.id] = _by_kind(spec, catalog)
        full, low = racks[spec.id]
        kinds = fabric.node_kind[rows]
        power[rows], idle[rows] = full[kinds], low[kinds]
    return power, idle


def _by_kind(spec: DeviceSpec, catalog: Catalog) -> tuple[F8, F8]:
    """Full-load and idle watts of a rack's parts, [NodeKind]."""
    rack = spec.rack
    assert rack is not None
    full, low = np.zeros(len(NodeKind)), np.zeros(len(NodeKind))
    parts = (
        (NodeKind.CHIP, rack.chip, 1.0),
        (NodeKind.HOST, rack.host, 1.0),
        (NodeKind.NIC, rack.nic, 1.0),
        (NodeKind.SWITCH, rack.switch, float(rack.planes)),
    )
    for kind, name, times in parts:
        part = catalog.device(name)
        own = part.value("power_w")
        full[kind], low[kind] = own * times, part.value("idle_power_w", own) * times
    return full, low


def _nodes_of(
    design: Design, specs: tuple[DeviceSpec, ...], fabric: FabricTables
) -> Iterator[tuple[Element, DeviceSpec, slice]]:
    """Each element with its nodes, which lie together in the order of the elements."""
    bounds = np.searchsorted(fabric.node_element, np.arange(len(specs) + 1))
    for index, (element, spec) in enumerate(zip(design.elements, specs, strict=True)):
        yield element, spec, slice(int(bounds[index]), int(bounds[index + 1]))
