"""The ladder of file versions: one pure function from each older version to the next."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import DamagedFileError, NewerVersionError

Raw = dict[str, Any]


def upgrade(raw: Raw, version: str, current: str, place: Path | str) -> Raw:
    """A file's data in the current version; minor versions above it are read as they are.

    Raises:
        NewerVersionError: the major version is above the current one.
        DamagedFileError: the version is none, or has no step to the next.
    """
    major = _major(version, place)
    if major > _major(current, place):
        raise NewerVersionError(
            place,
            f"was written in format {version}, this program reads up to {current}",
            "open it with a newer Rackflow",
        )
    result = dict(raw)
    seen = version
    while _major(seen, place) < _major(current, place):
        step = LADDER.get(seen)
        if step is None:
            raise DamagedFileError(place, f"has the unknown version {seen}", "restore a copy")
        result, seen = step(result, place)
        result["version"] = seen
    return result


def _major(version: str, place: Path | str) -> int:
    parts = version.split(".")
    if not 1 <= len(parts) <= 3 or not all(
        part.isascii() and part.isdigit() and len(part) < 6 for part in parts
    ):
        raise DamagedFileError(place, f"$.version: '{version[:20]}' is none", "restore a copy")
    return int(parts[0])


def _from_0_9(raw: Raw, place: Path | str) -> tuple[Raw, str]:
    """0.9 named elements `devices`, and their ends of a link `from` and `to` as "element:port"."""
    result = {key: value for key, value in raw.items() if key not in {"devices", "cables"}}
    devices, cables = raw.get("devices", []), raw.get("cables", [])
    if not isinstance(devices, list) or not isinstance(cables, list):
        raise DamagedFileError(place, "$.devices and $.cables must be lists", "restore a copy")
    result["elements"] = devices
    result["links"] = [_cable(cable, index, place) for index, cable in enumerate(cables)]
    return result, "1.0"


def _cable(cable: Any, index: int, place: Path | str) -> Raw:
    if not isinstance(cable, dict):
        raise DamagedFileError(place, f"$.cables[{index}] is no object", "restore a copy")
    link = {key: value for key, value in cable.items() if key not in {"from", "to"}}
    for old, new in (("from", "a"), ("to", "b")):
        element, colon, port = str(cable.get(old, "")).partition(":")
        if not colon:
            raise DamagedFileError(
                place, f"$.cables[{index}].{old}: not of the form element:port", "restore a copy"
            )
        link[new] = {"element": element, "port": port}
    return link


LADDER: dict[str, Callable[[Raw, Path | str], tuple[Raw, str]]] = {"0.9": _from_0_9}
