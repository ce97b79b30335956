"""Names and ids for new things: short, unique, the same for the same drawing."""

import re
from collections.abc import Collection


def free_id(stem: str, taken: Collection[str]) -> str:
    """An id that is not taken: the stem in lower case with the next number."""
    base = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "item"
    number = 1
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def free_name(stem: str, taken: Collection[str]) -> str:
    """A name that is not taken: the stem itself, or the stem without its number and the next."""
    if stem not in taken:
        return stem
    base = re.sub(r"\s+\d+$", "", stem)
    number = 2
    while f"{base} {number}" in taken:
        number += 1
    return f"{base} {number}"
