"""Which device a public name means; spelling habits live here, the names are in the catalogue."""

import re
from collections.abc import Iterable, Iterator

from engine.catalog.devices import DeviceSpec

MAX_NAME = 200

_SEPARATORS = re.compile(r"[\s\-_./]+")


def find_by_name(devices: Iterable[DeviceSpec], name: str) -> DeviceSpec | None:
    """The first device whose id, name or alias is `name`, or None.

    Ids go before names and names before aliases, so that one part's alias never hides another.
    Case, blanks, `-`, `_`, `.`, `/` and a leading vendor name are ignored.
    """
    if len(name) > MAX_NAME:
        return None
    known = list(devices)
    wanted = plain_name(name)
    if not wanted:
        return None
    for place in (_ids, _names, _aliases):
        for spec in known:
            vendor = plain_name(spec.vendor)
            keys = {plain_name(text) for text in place(spec)}
            bare = {key.removeprefix(vendor) or key for key in keys}
            if wanted in keys or (wanted.removeprefix(vendor) or wanted) in bare:
                return spec
    return None


def plain_name(text: str) -> str:
    """A name without case and separators: "RTX PRO 6000" and "rtx-pro-6000" are one."""
    return _SEPARATORS.sub("", text).casefold()


def _ids(spec: DeviceSpec) -> Iterator[str]:
    yield spec.id


def _names(spec: DeviceSpec) -> Iterator[str]:
    yield spec.name


def _aliases(spec: DeviceSpec) -> Iterator[str]:
    yield from spec.aliases
