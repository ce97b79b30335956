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
    """A name that is not taken: the stem itself, or the next letter or number: Leaf B, Rack 2."""
    if stem not in taken:
        return stem
    head, _, tail = stem.rpartition(" ")
    if head and len(tail) == 1 and "A" <= tail <= "Y":
        for code in range(ord(tail) + 1, ord("Z") + 1):
            if f"{head} {chr(code)}" not in taken:
                return f"{head} {chr(code)}"
    base = re.sub(r"\s+\d+$", "", stem)
    number = 2
    while f"{base} {number}" in taken:
        number += 1
    return f"{base} {number}"
