"""What a device and its figures must hold: asked of the catalogue and of a design's own devices."""

import math
from collections.abc import Mapping

from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Figure
from engine.errors import CatalogError

UNITS = frozenset(
    {
        "B", "B/s", "FLOP/s", "W", "s", "Hz", "count", "ratio", "CNY", "USD", "tokens", "m", "kg",
        "params", "CNY/J", "CNY/USD", "CNY/Mtok", "USD/Mtok", "score", "tok/s",
    }
)  # fmt: skip
MOST_PORTS, MOST_CHIPS = 1_000_000, 100_000  # of a device, of a rack
FABRICS = ("switched", "mesh")


def check_device(spec: DeviceSpec, place: str) -> None:
    """Refuses a device that cannot be.

    Raises:
        CatalogError: a figure, a port or the inside of a rack; `place` stands before it.
    """
    for name, figure in spec.figures.items():
        check_figure(figure, f"{place}.{name}")
    names = [port.name for port in spec.ports]
    if len(set(names)) != len(names) or not all(names):
        raise CatalogError(place, "has ports of one name, or of none")
    for port in spec.ports:
        here = f"{place} port {port.name}"
        if not 1 <= port.count <= MOST_PORTS:
            raise CatalogError(here, f"has {port.count} ports", f"use 1 to {MOST_PORTS:,}")
        check_figure(port.bandwidth_bytes_per_s, here)
        check_figure(port.latency_s, here)
    if spec.rack is None and spec.kind is DeviceKind.RACK:
        raise CatalogError(place, "is a rack without an inside")
    if spec.rack is not None:
        check_figure(spec.rack.plane_link_bytes_per_s, f"{place} plane link")
        check_figure(spec.rack.switch_latency_s, f"{place} switch latency")
        _check_counts(spec, place)


def check_figure(figure: Figure, place: str) -> None:
    """Refuses a figure without unit, source or date, or outside its range.

    Raises:
        CatalogError: it is one of these.
    """
    if figure.unit not in UNITS:
        raise CatalogError(place, f"has the unknown unit '{figure.unit}'", "use an SI unit")
    if not figure.source or not all(text.strip() for text in figure.source):
        raise CatalogError(place, "names no source")
    if not figure.date:
        raise CatalogError(place, "has no date")
    values = (figure.low_value, figure.value, figure.high_value)
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise CatalogError(place, f"has the values {values}", "use finite numbers from 0")
    if not values[0] <= values[1] <= values[2]:
        raise CatalogError(place, f"is outside its range {values[0]:g} to {values[2]:g}")


def check_parts(spec: DeviceSpec, devices: Mapping[str, DeviceSpec]) -> None:
    """Refuses a rack whose parts are not among the devices.

    Raises:
        CatalogError: one is missing or of another kind.
    """
    rack = spec.rack
    if rack is None:
        return
    wanted = {
        rack.chip: DeviceKind.CHIP,
        rack.host: DeviceKind.HOST,
        rack.nic: DeviceKind.NIC,
        rack.switch: DeviceKind.SWITCH,
    }
    for name, kind in wanted.items():
        found = devices.get(name)
        if found is None or found.kind is not kind:
            raise CatalogError(f"{spec.id}.rack", f"'{name}' is no {kind.value} of the catalogue")


def _check_counts(spec: DeviceSpec, place: str) -> None:
    rack = spec.rack
    if rack is None:
        return
    counts = (rack.domains, rack.chips_per_domain, rack.chips_per_tray, rack.chips_per_host)
    if min(counts) < 1 or rack.planes < 1 or rack.nics_per_chip < 0:
        raise CatalogError(f"{place}.rack", "has a count below 1")
    most = max(*counts, rack.planes, rack.nics_per_chip, rack.domains * rack.chips_per_domain)
    if most > MOST_CHIPS:
        raise CatalogError(f"{place}.rack", f"has a count of {most:,}", f"up to {MOST_CHIPS:,}")
    if rack.fabric not in FABRICS:
        raise CatalogError(f"{place}.rack", f"fabric '{rack.fabric}' is neither switched nor mesh")
