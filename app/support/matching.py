"""How well a typed query matches a text: what palettes and searches rank by.

Every word of the query must be found; a word at the start of a word counts most, then one inside,
then letters in order ("al128" in "Panjiu AL128", "fsel" in "Fit selection").
"""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

WHOLE, START, INSIDE, IN_ORDER = 4.0, 3.0, 2.0, 1.0
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")


def match(query: str, text: str) -> float | None:
    """The score of a text, higher is better; None where it does not match, 0 for no query."""
    text = text.casefold()
    words = query.casefold().split()
    total = 0.0
    for word in words:
        score = _word(word, text)
        if score is None:
            return None
        total += score
    return total - len(text) * 1e-3 if words else 0.0


def ranked(query: str, rows: Iterable[tuple[str, T]], most: int) -> list[T]:
    """What matches best of (text, thing) pairs, at most so many; equal ones keep their order."""
    scored: list[tuple[float, int, T]] = []
    for place, (text, thing) in enumerate(rows):
        score = match(query, text)
        if score is not None:
            scored.append((-score, place, thing))
    scored.sort(key=lambda row: row[:2])
    return [thing for _, _, thing in scored[:most]]


def _word(word: str, text: str) -> float | None:
    starts = [found.start() for found in _WORD_START.finditer(text)]
    for start in starts:
        if text.startswith(word, start):
            end = start + len(word)
            return WHOLE if end == len(text) or not text[end].isalnum() else START
    if word in text:
        return INSIDE
    return IN_ORDER if _in_order(word, text, starts) else None


def _in_order(word: str, text: str, starts: Sequence[int]) -> bool:
    """All letters come in order, the first of them at the start of a word."""
    for start in starts:
        if text[start] != word[0]:
            continue
        rest = iter(text[start:])
        if all(letter in rest for letter in word):
            return True
    return False
