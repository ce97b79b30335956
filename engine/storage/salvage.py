"""Damaged designs: what of them can still be read, and a list of what cannot.

The result is to be looked at, not to be saved over the file: something of it is missing. A device whose
record is broken but which has a place stays as a placeholder.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine.catalog.devices import DeviceKind
from engine.errors import DamagedFileError, FileError, NotOursError, TooLargeError
from engine.scenario.design import SECTIONS, Design
from engine.storage.project_file import (
    FORMAT,
    HEADER,
    MAX_BYTES,
    VERSION,
    check_design,
    gather,
    where_of,
)
from engine.storage.upgrades import upgrade
from engine.topology.elements import Element, Group, Link

MOST_NOTES = 200
PLACEHOLDER = "unreadable"  # the spec of a device whose record is broken
_LISTS: dict[str, type] = {"elements": Element, "links": Link, "groups": Group}
_CLOSERS = {"{": "}", "[": "]"}


class Salvaged(NamedTuple):
    """What was read of a damaged file, and what is missing or was made up, a line each."""

    design: Design
    missing: tuple[str, ...]


def salvage_design(path: Path) -> Salvaged:
    """Reads what can be read of a damaged design.

    Raises:
        FileError: it cannot be opened, is too large, is no design of ours, or of a newer format.
        DamagedFileError: nothing of it can be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLargeError(path, f"is over {MAX_BYTES:,} bytes", "open a smaller design")
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise FileError(path, error.strerror or str(error), "check the file") from error
    notes: list[str] = []
    raw = _object_of(text, path, notes)
    if raw.get("format", FORMAT) != FORMAT:
        raise NotOursError(path, "is not a Rackflow design", "open a .rackflow file")
    version = raw.get("version")
    raw = upgrade(raw, version if isinstance(version, str) else VERSION, VERSION, path)
    for name in HEADER:
        raw.pop(name, None)
    values = {name: _records(raw.pop(name, []), name, notes) for name in _LISTS}
    design = Design(**_sections(raw, notes))
    design = msgspec.structs.replace(design, **_without_contradictions(values, notes))
    try:
        check_design(design, path)
    except DamagedFileError as error:
        design = msgspec.structs.replace(design, links=(), llms=(), devices=())
        notes.append(f"links and own models: {error}")
    return Salvaged(design, tuple(notes[:MOST_NOTES]))


def _object_of(text: str, path: Path, notes: list[str]) -> dict[str, Any]:
    """The JSON object of a text; of one that breaks off or is broken what stands before."""
    try:
        raw = json.loads(text, parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", len(text))
        notes.append(f"the text is broken at character {place:,}: what follows is lost")
        try:
            raw = json.loads(_closed(text[:place]), parse_constant=lambda _name: None)
        except (ValueError, RecursionError):
            raise DamagedFileError(path, "nothing of it can be read", "restore a copy") from error
    if not isinstance(raw, dict):
        raise NotOursError(path, "is not a Rackflow design", "open a .rackflow file")
    return raw


def _closed(text: str) -> str:
    """The text up to the last value that is whole, with its open brackets closed."""
    stack: list[str] = []
    whole, kept = 0, ""
    inside = escaped = False
    for place, char in enumerate(text):
        if inside:
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            inside = True
        elif char in "{[":
            stack.append(char)
        elif char in "}]" and stack:
            stack.pop()
            whole, kept = place + 1, "".join(stack)
        elif char == ",":
            whole, kept = place, "".join(stack)
    return text[:whole] + "".join(_CLOSERS[char] for char in reversed(kept))


def _records(raw: Any, name: str, notes: list[str]) -> list[Any]:
    """The records of a list that are what they should be."""
    if not isinstance(raw, list):
        notes.append(f"{name}: is no list")
        return []
    found: list[Any] = []
    for place, item in enumerate(raw):
        try:
            found.append(msgspec.convert(gather(item, _LISTS[name]), _LISTS[name], strict=True))
        except (msgspec.ValidationError, TypeError) as error:
            made = _placeholder(item) if name == "elements" else None
            if made is not None:
                found.append(made)
            where = where_of(str(error))
            notes.append(
                f"{name}[{place}] {where}" + (": a placeholder stands for it" if made else "")
            )
    return found


def _placeholder(raw: Any) -> Element | None:
    """What stands for a device whose record is broken but says where it is."""
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        return None
    try:
        kind = DeviceKind(str(raw.get("kind")))
    except ValueError:
        kind = DeviceKind.CLIENT
    x, y = (_number(raw.get(name)) for name in ("x", "y"))
    spec = raw.get("spec")
    return Element(
        id=raw["id"], kind=kind, spec=spec if isinstance(spec, str) else PLACEHOLDER,
        name=str(raw.get("name") or raw["id"])[:200], x=x, y=y,
    )  # fmt: skip


def _number(value: Any) -> float:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) and abs(value) < 1e9 else 0.0


def _sections(raw: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Every section that can be read; the others are as in a new design."""
    hints: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Design)}
    found: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in SECTIONS:
            continue
        try:
            found[name] = msgspec.convert(gather(value, hints[name]), hints[name], strict=True)
        except (msgspec.ValidationError, TypeError) as error:
            notes.append(f"{name} {where_of(str(error))}: as in a new design")
    return found


def _without_contradictions(values: dict[str, list[Any]], notes: list[str]) -> dict[str, Any]:
    """Ids once each, ends and groups that are there, places and counts that can be."""
    groups = _once(values["groups"], "groups", notes, lambda _group: True)
    known = {group.id for group in groups}
    elements = []
    for element in _once(values["elements"], "elements", notes, _is_placed):
        own = element
        if element.group and element.group not in known:
            notes.append(f"{element.name}: its group '{element.group}' is not there")
            own = msgspec.structs.replace(element, group="")
        elements.append(own)
    counts = {element.id: element.count for element in elements}

    def is_whole(link: Link) -> bool:
        ends = all(
            end.element in counts and -1 <= end.member < counts[end.element]
            for end in (link.a, link.b)
        )
        rate = link.bandwidth_bytes_per_s
        return ends and link.count >= 1 and math.isfinite(rate) and 0 < rate < 1e12

    links = _once(values["links"], "links", notes, is_whole)
    return {"elements": tuple(elements), "links": tuple(links), "groups": tuple(groups)}


def _is_placed(element: Element) -> bool:
    places = (element.x, element.y)
    fits = all(math.isfinite(place) and abs(place) < 1e12 for place in places)
    return fits and 1 <= element.count <= 1_000_000


def _once(
    records: list[Any], name: str, notes: list[str], is_good: Callable[[Any], bool]
) -> list[Any]:
    seen: set[str] = set()
    found = []
    for record in records:
        if not record.id or record.id in seen or not is_good(record):
            notes.append(f"{name}: '{record.id}' is there twice or contradicts the rest, left out")
            continue
        seen.add(record.id)
        found.append(record)
    return found
