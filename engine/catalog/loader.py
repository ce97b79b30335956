"""Reads the catalogue's files, strictly: every figure whole, every reference there."""

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Figure
from engine.catalog.llms import LlmSpec
from engine.catalog.resources import resource_path
from engine.errors import CatalogError

MAX_BYTES = 20_000_000

UNITS = frozenset(
    {
        "B", "B/s", "FLOP/s", "W", "s", "Hz", "count", "ratio", "CNY", "USD", "tokens", "m", "kg",
        "params", "CNY/J", "CNY/USD", "CNY/Mtok", "USD/Mtok", "score", "tok/s",
    }
)  # fmt: skip


class CatalogFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of `resources/catalog`: any of devices, LLMs and general figures."""

    version: str
    devices: tuple[DeviceSpec, ...] = ()
    llms: tuple[LlmSpec, ...] = ()
    figures: dict[str, Figure] = {}


def load_catalog(folder: Path | None = None) -> Catalog:
    """The catalogue of a folder, or the one that comes with the program (read once).

    Raises:
        CatalogError: a file is missing, damaged or contradicts itself; names file, entry, field.
    """
    return _shipped() if folder is None else _read(folder)


@lru_cache(maxsize=1)
def _shipped() -> Catalog:
    return _read(resource_path("catalog"))


def _read(folder: Path) -> Catalog:
    devices: dict[str, DeviceSpec] = {}
    llms: dict[str, LlmSpec] = {}
    figures: dict[str, Figure] = {}
    versions: list[str] = []
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise CatalogError(str(folder), "has no catalogue files", "install the program again")
    for path in paths:
        content = _decode(path)
        versions.append(content.version)
        for spec in content.devices:
            _add(devices, spec.id, spec, path)
            _check_device(spec, path)
        for llm in content.llms:
            _add(llms, llm.id, llm, path)
            for part in (llm.published_total_parameters, llm.published_active_parameters):
                _check_figure(part, f"{path.name}: {llm.id}")
        for name, figure in content.figures.items():
            _add(figures, name, figure, path)
            _check_figure(figure, f"{path.name}: {name}")
    for spec in devices.values():
        _check_rack(spec, devices)
    return Catalog(version=max(versions), devices=devices, llms=llms, figures=figures)


def _decode(path: Path) -> CatalogFile:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CatalogError(path.name, f"is over {MAX_BYTES:,} bytes")
        return msgspec.json.decode(path.read_bytes(), type=CatalogFile)
    except OSError as error:
        raise CatalogError(path.name, f"cannot be read ({error})", "check the file") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogError(path.name, str(error)) from error


def _add(known: dict[str, Any], name: str, item: object, path: Path) -> None:
    if name in known:
        raise CatalogError(f"{path.name}: {name}", "is in the catalogue twice")
    known[name] = item


def _check_device(spec: DeviceSpec, path: Path) -> None:
    for name, figure in spec.figures.items():
        _check_figure(figure, f"{path.name}: {spec.id}.{name}")
    for port in spec.ports:
        place = f"{path.name}: {spec.id} port {port.name}"
        if port.count < 1:
            raise CatalogError(place, f"has {port.count} ports")
        _check_figure(port.bandwidth_bytes_per_s, place)
        _check_figure(port.latency_s, place)
    if spec.rack is not None:
        _check_figure(spec.rack.plane_link_bytes_per_s, f"{path.name}: {spec.id} plane link")
        _check_figure(spec.rack.switch_latency_s, f"{path.name}: {spec.id} switch latency")


def _check_figure(figure: Figure, place: str) -> None:
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


def _check_rack(spec: DeviceSpec, devices: dict[str, DeviceSpec]) -> None:
    if spec.rack is None:
        if spec.kind is DeviceKind.RACK:
            raise CatalogError(spec.id, "is a rack without an inside")
        return
    rack = spec.rack
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
    counts = (rack.domains, rack.chips_per_domain, rack.chips_per_tray, rack.chips_per_host)
    if min(counts) < 1 or rack.planes < 1 or rack.nics_per_chip < 0:
        raise CatalogError(f"{spec.id}.rack", "has a count below 1")
    if rack.fabric not in {"switched", "mesh"}:
        raise CatalogError(
            f"{spec.id}.rack", f"fabric '{rack.fabric}' is neither switched nor mesh"
        )
