"""Reads the catalogue's files, strictly: every figure whole, every reference there."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.device_rules import check_device, check_figure, check_parts
from engine.catalog.devices import DeviceSpec
from engine.catalog.figures import Figure
from engine.catalog.llms import LlmSpec
from engine.catalog.resources import resource_path
from engine.errors import CatalogError

MAX_BYTES = 20_000_000


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
            check_device(spec, f"{path.name}: {spec.id}")
        for llm in content.llms:
            _add(llms, llm.id, llm, path)
            for part in (llm.published_total_parameters, llm.published_active_parameters):
                check_figure(part, f"{path.name}: {llm.id}")
        for name, figure in content.figures.items():
            _add(figures, name, figure, path)
            check_figure(figure, f"{path.name}: {name}")
    for spec in devices.values():
        check_parts(spec, devices)
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
