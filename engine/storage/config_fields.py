"""Fields: typed, bounded access to a model's config.json, with errors that name the field.

Nothing of the file is ever executed: `auto_map` and the like are ignored.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import ModelConfigError, TooLargeError

FILE_NAME = "config.json"
MAX_BYTES = 1 << 20  # 1 MiB; published ones take some kilobytes
MAX_NUMBER = 1_000_000_000
MAX_TEXT = 200
SHOWN = 60


class Fields:
    """The values of one JSON object; a field that it lacks is looked up in `outer`."""

    def __init__(
        self, path: Path, raw: dict[str, Any], place: str = "", outer: "Fields | None" = None
    ) -> None:
        self.path = path
        self._raw = raw
        self._place = place
        self._outer = outer
        self.assumed: list[str] = []  # fields that were not there, with what they were taken as

    def __contains__(self, name: str) -> bool:
        return self._raw.get(name) is not None

    def wrong(self, name: str, reason: str, way_out: str = "correct the file") -> ModelConfigError:
        """An error that names a field of this object."""
        return ModelConfigError(self.path, f"{self._place}{name}", reason, way_out)

    def require(self, *groups: str) -> None:
        """Refuses an object that lacks fields, all at once; `a|b` takes either, named by `a`.

        Raises:
            ModelConfigError: names every missing field.
        """
        missing = [group for group in groups if not any(n in self for n in group.split("|"))]
        if missing:
            names = ", ".join(group.split("|")[0] for group in missing)
            verb = "are" if len(missing) > 1 else "is"
            raise self.wrong(names, f"{verb} missing", "add what the model's card gives")

    def whole(
        self, names: str, default: int | None = None, *, low: int = 1, high: int = MAX_NUMBER
    ) -> int:
        """A whole number under the first of `a|b|c` that is there.

        Raises:
            ModelConfigError: missing without a default, of another type, or out of bounds.
        """
        name = self._first(names)
        if not name:
            if default is None:
                self.require(names)
                raise AssertionError(names)
            return default
        value = self._raw[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, f"is {_shown(value)}, not a whole number")
        if not low <= value <= high:
            raise self.wrong(name, f"is {_shown(value)}, not between {low} and {high:,}")
        return value

    def assume(self, names: str, default: int, *, low: int = 1) -> int:
        """A whole number whose default belongs to the family; the spec's note tells of it."""
        if not self._first(names):
            self.assumed.append(f"{names.split('|')[0]} {default}")
        return self.whole(names, default, low=low)

    def flag(self, name: str, default: bool) -> bool:
        """A truth value, from the outer object where this one has none."""
        if name not in self:
            return self._outer.flag(name, default) if self._outer else default
        value = self._raw[name]
        if not isinstance(value, bool):
            raise self.wrong(name, f"is {_shown(value)}, not true or false")
        return value

    def text(self, name: str, default: str = "") -> str:
        """A text of bounded length, from the outer object where this one has none."""
        if name not in self:
            return self._outer.text(name, default) if self._outer else default
        value = self._raw[name]
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise self.wrong(
                name, f"is {_shown(value)}, not a text of up to {MAX_TEXT} characters"
            )
        return value

    def items(self, name: str) -> list[Any]:
        """A list, empty where there is none."""
        value = self._raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, f"is {_shown(value)}, not a list")
        return value

    def indices(self, name: str, count: int) -> set[int]:
        """A list of numbers of layers below `count`."""
        found = self.items(name)
        for item in found:
            if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < count:
                raise self.wrong(name, f"holds {_shown(item)}, not a layer below {count}")
        return set(found)

    def per_layer(self, name: str, layers: int, allowed: tuple[Any, ...]) -> list[Any]:
        """A list with one of the allowed values for each layer, empty where there is none."""
        found = self.items(name)
        if found and len(found) != layers:
            raise self.wrong(name, f"has {len(found)} entries for {layers} layers")
        for item in found:
            if isinstance(item, bool) or item not in allowed:
                choice = ", ".join(str(value) for value in allowed)
                raise self.wrong(name, f"holds {_shown(item)}, not one of {choice}")
        return found

    def inside(self, name: str) -> "Fields | None":
        """The object under a field, None where there is none."""
        value = self._raw.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, f"is {_shown(value)}, not an object")
        return Fields(self.path, value, f"{self._place}{name}.", self)

    def first_inside(self, name: str) -> "Fields | None":
        """The object under a field here or in the outer object."""
        found = self.inside(name)
        return found or (self._outer.first_inside(name) if self._outer else None)

    def completed(self, values: Mapping[str, int | None], *, over: bool = False) -> "Fields":
        """The same object with values for fields that it lacks, or `over` those it has.

        What was filled in counts as assumed, unless it replaced or hid a field.
        """
        added = {name: value for name, value in values.items() if over or name not in self}
        if not over:
            self.assumed += [f"{name} {value}" for name, value in added.items() if value]
        made = Fields(self.path, {**self._raw, **added}, self._place, self._outer)
        made.assumed = self.assumed
        return made

    def objects(self) -> list["Fields"]:
        """Every object that is a value here."""
        inner = [self.inside(name) for name, value in self._raw.items() if isinstance(value, dict)]
        return [found for found in inner if found is not None]

    def _first(self, names: str) -> str:
        return next((name for name in names.split("|") if name in self), "")


def find_config(path: Path) -> Path:
    """The file itself, or the config.json of a folder.

    Raises:
        ModelConfigError: there is no such file or it cannot be looked at.
    """
    try:
        place = path / FILE_NAME if path.is_dir() else path
        found = place.is_file()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not found:
        raise ModelConfigError(place, "", "is no file", "choose a model's config.json")
    return place


def read_fields(path: Path) -> Fields:
    """The fields of a config.json file.

    Raises:
        TooLargeError: over 1 MiB.
        ModelConfigError: cannot be read, or is no JSON object with unique keys.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(data) > MAX_BYTES:
        raise TooLargeError(path, f"it has over {MAX_BYTES:,} bytes", "choose a config.json")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for key, value in pairs:
            if key in known:
                raise ModelConfigError(
                    path, _shown(key).strip("'\""), "is there twice", "remove one of them"
                )
            known[key] = value
        return known

    try:
        raw = json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        reason = f"is no whole JSON text ({_shown(str(error))})"
        raise ModelConfigError(path, "", reason, "fetch it again") from error
    if not isinstance(raw, dict):
        raise ModelConfigError(path, "", "is no JSON object", "choose a model's config.json")
    return Fields(path, raw)


def _unreadable(path: Path, error: OSError | ValueError) -> ModelConfigError:
    reason = getattr(error, "strerror", None) or str(error)
    return ModelConfigError(path, "", reason, "check the name and the rights")


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**SHOWN:
        return "a number of over 60 digits"
    text = repr(value) if isinstance(value, (str, int, float, bool)) else type(value).__name__
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
