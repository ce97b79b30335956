"""How well a typed query matches a text: what palettes and searches rank by.

Every word of the query must be found; a word at the start of a word counts most, then one inside,
then letters in order of which each begins a word or follows the one before ("fsel" in "Fit selection").
"""

import re
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

LONGEST_INITIALS = 12
WHOLE, START, INSIDE, IN_ORDER, DESCRIBED = 4.0, 3.0, 2.0, 1.0, 0.5
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")


def match(query: str, text: str, more: str = "") -> float | None:
    """The score of a text, higher is better; None where it does not match, 0 for no query.

    Args:
        query: what was typed.
        text: what is shown.
        more: what describes it: a word of the query may begin one of its words, for less.
    """
    text, more = text.casefold(), more.casefold()
    words = query.casefold().split()
    total = 0.0
    for word in words:
        score = _word(word, text)
        if score is None:
            if not more or re.search(rf"\b{re.escape(word)}", more) is None:
                return None
            score = DESCRIBED
        total += score
    return total - len(text) * 1e-3 if words else 0.0


def ranked(query: str, rows: Iterable[tuple[str, str, T]], most: int) -> list[T]:
    """What matches best of (text, more, thing), at most so many; equal ones keep their order."""
    scored: list[tuple[float, int, T]] = []
    for place, (text, more, thing) in enumerate(rows):
        score = match(query, text, more)
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
    return IN_ORDER if _in_order(word, text) else None


def _in_order(word: str, text: str) -> bool:
    """Each letter follows the one before or begins a later word, as "fsel" in "fit selection"."""
    if len(word) > LONGEST_INITIALS:
        return False
    letters = [re.escape(letter) for letter in word]
    pattern = rf"\b{letters[0]}" + "".join(rf"(?:|.*?\b){letter}" for letter in letters[1:])
    return re.search(pattern, text) is not None
