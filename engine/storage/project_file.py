"""The .rackflow file: readable JSON in, readable JSON out, nothing half-loaded.

Layout: `format`, `version`, `app`, `catalogue_version`, then the sections of the design. Fields
that this version does not know are kept in the record's `extra` and written back.
"""

import json
import math
import re
import types
import typing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine import __version__
from engine.catalog.catalog import Catalog
from engine.catalog.device_rules import check_device
from engine.catalog.llm_rules import llm_faults
from engine.errors import (
    CatalogError,
    DamagedFileError,
    FileError,
    NotOursError,
    TooLargeError,
)
from engine.scenario.design import Design
from engine.scenario.notes import MOST_TEXT
from engine.scenario.own_models import OWN
from engine.storage.atomic import write_atomic
from engine.storage.upgrades import upgrade

FORMAT = "rackflow"
VERSION = "1.0"
MAX_BYTES = 100_000_000
MAX_DEPTH = 60
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS = re.compile(rb"[^\[\]{}]+")
HEADER = ("format", "version", "app", "catalogue_version")


class LoadedDesign(NamedTuple):
    """A design as read, and what its file says of itself."""

    design: Design
    format_version: str
    app: str
    catalogue_version: str
    warnings: tuple[str, ...]


def load_design(path: Path | str) -> LoadedDesign:
    """The design of a file.

    Raises:
        TooLargeError: over 100 MB.
        NotOursError: no JSON object with `"format": "rackflow"`.
        NewerVersionError: written by a newer major version of the format.
        DamagedFileError: broken, contradictory or of wrong types; names the place in the file.
        FileError: cannot be read.
    """
    place = Path(path)
    try:
        size = place.stat().st_size
        if size > MAX_BYTES:
            raise TooLargeError(
                place, f"it has {size:,} bytes, over {MAX_BYTES:,}", "open a smaller design"
            )
        data = place.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(place, reason, "check the name and the rights") from error
    return decode_design(data, place)


def decode_design(data: bytes, place: Path | str) -> LoadedDesign:
    """The design of a file's bytes; `place` names it in errors. Raises as `load_design`."""
    raw = _parse(data, place)
    if raw.get("format") != FORMAT:
        raise NotOursError(place, "is not a Rackflow design", "open a .rackflow file")
    version = raw.get("version")
    if not isinstance(version, str):
        raise DamagedFileError(place, "$.version is missing", "restore an earlier copy")
    raw = upgrade(raw, version, VERSION, place)
    header = {name: str(raw.pop(name, "")) for name in HEADER}
    design = _convert(raw, place)
    check_design(design, place)
    warnings = []
    if header["version"] != version:
        warnings.append(f"was written in format {version}, is now {header['version']}")
    if _minor(version) > _minor(VERSION):
        warnings.append(f"was written in the newer format {version}: fields not known are kept")
    return LoadedDesign(
        design, version, header["app"], header["catalogue_version"], tuple(warnings)
    )


def save_design(path: Path | str, design: Design, catalog: Catalog) -> None:
    """Writes a design atomically: the old file stays whole until the new one is complete.

    Raises:
        FileError: the place cannot be written; the old file is unharmed.
    """
    write_atomic(Path(path), encode_design(design, catalog))


def encode_design(design: Design, catalog: Catalog) -> bytes:
    """The bytes of a design's file: JSON with two spaces of indent, keys in their order."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "app": f"rackflow {__version__}",
        "catalogue_version": catalog.version,
        **_plain(design),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _parse(data: bytes, place: Path | str) -> dict[str, Any]:
    try:
        _check_depth(data, place)
        raw = json.loads(
            data.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite_number
        )
        if b"\\u" in data:
            json.dumps(raw, ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        looks_ours = b'"rackflow"' in data[:300]
        kind = DamagedFileError if looks_ours else NotOursError
        raise kind(place, f"is no whole JSON text ({error})", "restore an earlier copy") from error
    if not isinstance(raw, dict):
        raise NotOursError(place, "is not a Rackflow design", "open a .rackflow file")
    return raw


def _finite_number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        message = f"the number {text[:40]} is too large"
        raise ValueError(message)
    return value


def _no_constant(name: str) -> float:
    message = f"the number {name} is not allowed"
    raise ValueError(message)


def _check_depth(data: bytes, place: Path | str) -> None:
    """Refuses nesting that no design has before a parser meets it."""
    brackets = _NOT_BRACKETS.sub(b"", _TEXTS.sub(b"", data))
    depth = 0
    for byte in brackets:
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            raise DamagedFileError(place, f"is nested over {MAX_DEPTH} deep", "check its origin")


def _convert(raw: dict[str, Any], place: Path | str) -> Design:
    try:
        return msgspec.convert(gather(raw, Design), Design, strict=True)
    except msgspec.ValidationError as error:
        raise DamagedFileError(
            place, where_of(str(error)), "correct it or restore a copy"
        ) from error


def where_of(text: str) -> str:
    """A decoder's complaint with its place first."""
    reason, _, place = text.partition(" - at ")
    return f"{place.strip('`')}: {reason}" if place else f"$: {reason}"


def gather(raw: Any, kind: Any) -> Any:
    """The same data with the fields that a record does not know moved into its `extra`."""
    kind = _record_type(kind)
    if isinstance(raw, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        known = {k: gather(v, hints[k]) for k, v in raw.items() if k in hints and k != "extra"}
        unknown = {k: v for k, v in raw.items() if k not in hints or k == "extra"}
        return {**known, "extra": unknown} if unknown else known
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(raw, list) and origin is tuple and args:
        return [gather(item, args[0]) for item in raw]
    if isinstance(raw, dict) and origin is dict and args:
        return {key: gather(value, args[1]) for key, value in raw.items()}
    return raw


def _record_type(kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        options = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return options[0] if len(options) == 1 else kind
    return kind


def _plain(value: Any) -> Any:
    """Builtins of a record with its `extra` merged back among its fields."""
    if isinstance(value, msgspec.Struct):
        fields = {
            name: _plain(getattr(value, name))
            for name in value.__struct_fields__
            if name != "extra"
        }
        return {**fields, **getattr(value, "extra", {})}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "value"):
        return value.value
    return value


def check_design(design: Design, place: Path | str) -> None:
    """Refuses contradictions that the types allow: ids, ends, counts, numbers out of range.

    Raises:
        DamagedFileError: names the place.
    """
    for name, ids in (
        ("elements", [element.id for element in design.elements]),
        ("links", [link.id for link in design.links]),
        ("groups", [group.id for group in design.groups]),
    ):
        seen: set[str] = set()
        for index, own in enumerate(ids):
            if own in seen or not own:
                raise DamagedFileError(
                    place, f"$.{name}[{index}].id: '{own}' is there twice or empty", "rename it"
                )
            seen.add(own)
    for index, element in enumerate(design.elements):
        if not (_finite(element.x) and _finite(element.y) and 1 <= element.count <= 1_000_000):
            raise DamagedFileError(
                place, f"$.elements[{index}]: place or count cannot be", "correct it"
            )
    groups = {group.id for group in design.groups}
    for index, element in enumerate(design.elements):
        if element.group and element.group not in groups:
            raise DamagedFileError(
                place, f"$.elements[{index}].group: no group '{element.group}'", "clear it"
            )
    _check_looks(design, place)
    _check_links(design, place)
    _check_llms(design, place)
    _check_devices(design, place)


def _check_looks(design: Design, place: Path | str) -> None:
    """Saved views and notes."""
    for index, view in enumerate(design.views):
        if not (_finite(view.x) and _finite(view.y) and 0 < view.scale < 1e6):
            raise DamagedFileError(
                place, f"$.views[{index}]: place or scale cannot be", "remove it"
            )
    seen_notes: set[str] = set()
    for index, note in enumerate(design.notes):
        if note.id in seen_notes or not note.id or len(note.text) > MOST_TEXT:
            raise DamagedFileError(
                place, f"$.notes[{index}]: its id is there twice or its text too long", "remove it"
            )
        if not (_finite(note.x) and _finite(note.y) and 16 <= note.width <= 1e5):
            raise DamagedFileError(
                place, f"$.notes[{index}]: place or width cannot be", "remove it"
            )
        seen_notes.add(note.id)


def _check_links(design: Design, place: Path | str) -> None:
    counts = {element.id: element.count for element in design.elements}
    for index, link in enumerate(design.links):
        for side, end in (("a", link.a), ("b", link.b)):
            if end.element not in counts:
                raise DamagedFileError(
                    place,
                    f"$.links[{index}].{side}.element: there is no element '{end.element}'",
                    "remove the link",
                )
            if not -1 <= end.member < counts[end.element]:
                raise DamagedFileError(
                    place,
                    f"$.links[{index}].{side}.member: {end.member} is not there",
                    "correct it",
                )
        if (
            link.count < 1
            or not _finite(link.bandwidth_bytes_per_s)
            or link.bandwidth_bytes_per_s <= 0
        ):
            raise DamagedFileError(
                place, f"$.links[{index}]: count or bandwidth cannot be", "correct it"
            )


def _check_llms(design: Design, place: Path | str) -> None:
    seen: set[str] = set()
    for index, llm in enumerate(design.llms):
        if llm.id in seen or not llm.id.startswith(OWN):
            raise DamagedFileError(
                place,
                f"$.llms[{index}].id: '{llm.id}' is there twice or not {OWN}...",
                "rename it",
            )
        seen.add(llm.id)
        for fault in llm_faults(llm):
            raise DamagedFileError(
                place, f"$.llms[{index}].{fault.field}: {fault.reason}", "correct it"
            )


def _check_devices(design: Design, place: Path | str) -> None:
    seen: set[str] = set()
    for index, spec in enumerate(design.devices):
        where = f"$.devices[{index}]"
        if not spec.id.startswith(OWN) or spec.id in seen or not spec.name.strip():
            raise DamagedFileError(
                place,
                f"{where}.id: '{spec.id}' is there twice, has no name or does not begin with own:",
                "rename it",
            )
        seen.add(spec.id)
        try:
            check_device(spec, where)
        except CatalogError as error:
            raise DamagedFileError(place, f"{error.place}: {error.reason}", "correct it") from None


def _finite(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 1e12


def _minor(version: str) -> int:
    parts = version.split(".")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
