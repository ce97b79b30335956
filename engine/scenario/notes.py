"""Texts on the drawing: how large they are, and changes that add, edit, move and remove them."""

import unicodedata
from collections.abc import Mapping, Sequence

import msgspec

from engine.errors import TopologyError
from engine.scenario.design import Design, Note
from engine.topology.changes import SetSection
from engine.topology.naming import free_id

LINE, PADDING = 17.0, 10.0
CHARACTER = 6.7  # mean width of a letter at 12 px; a Chinese one is twice as wide
MOST_TEXT, MOST_NOTES = 4000, 2000  # characters of one, and how many


def lines_of(note: Note) -> list[str]:
    """The text broken at spaces, and within words that are too long for the width."""
    most = max(4, int((note.width - 2 * PADDING) / CHARACTER))
    return [line for part in note.text.split("\n") for line in _broken(part, most)]


def box_of(note: Note) -> tuple[float, float, float, float]:
    """x, y, width, height in scene units."""
    height = 2 * PADDING + LINE * max(len(lines_of(note)), 1)
    return note.x, note.y, note.width, height


def added(design: Design, text: str, x: float, y: float) -> tuple[SetSection, str]:
    """The change that adds a note, and its id.

    Raises:
        TopologyError: no text, too long a text, or too many notes.
    """
    _refuse_many(len(design.notes) + 1)
    name = free_id("note", {note.id for note in design.notes} | set(design.ids()))
    note = Note(id=name, text=_checked(text), x=x, y=y)
    return SetSection("notes", (*design.notes, note)), name


def edited(design: Design, note_id: str, text: str) -> SetSection:
    """The change that gives a note another text.

    Raises:
        TopologyError: no text, or too long a one.
    """
    return _changed(design, note_id, text=_checked(text))


def moved(design: Design, places: Mapping[str, tuple[float, float]]) -> SetSection:
    """The change that puts notes elsewhere, by their ids."""
    notes = tuple(
        msgspec.structs.replace(note, x=places[note.id][0], y=places[note.id][1])
        if note.id in places
        else note
        for note in design.notes
    )
    return SetSection("notes", notes)


def copied(
    design: Design, notes: Sequence[Note], dx: float, dy: float
) -> tuple[SetSection, frozenset[str]]:
    """The change that adds copies of notes, moved by so much, and their new ids.

    Raises:
        TopologyError: too many notes, or one with no text or too long a one.
    """
    taken = {note.id for note in design.notes} | set(design.ids())
    made = list(design.notes)
    for note in notes:
        name = free_id("note", taken)
        taken.add(name)
        text = _checked(note.text)
        made.append(
            msgspec.structs.replace(note, id=name, text=text, x=note.x + dx, y=note.y + dy)
        )
    _refuse_many(len(made))
    return SetSection("notes", tuple(made)), frozenset(n.id for n in made[len(design.notes) :])


def removed(design: Design, note_ids: frozenset[str]) -> SetSection:
    """The change that removes notes."""
    return SetSection("notes", tuple(note for note in design.notes if note.id not in note_ids))


def _refuse_many(number: int) -> None:
    if number > MOST_NOTES:
        raise TopologyError("notes", f"there would be {number:,} of {MOST_NOTES:,}", "remove some")


def _checked(text: str) -> str:
    text = text.strip()
    if not text or len(text) > MOST_TEXT:
        raise TopologyError("note", f"its text has {len(text):,} characters",
                            f"write 1 to {MOST_TEXT:,}")  # fmt: skip
    return text


def _changed(design: Design, note_id: str, **fields: object) -> SetSection:
    notes = tuple(
        msgspec.structs.replace(note, **fields) if note.id == note_id else note
        for note in design.notes
    )
    return SetSection("notes", notes)


def _broken(text: str, most: int) -> list[str]:
    lines, line, wide = [], "", 0
    for word in text.split(" "):
        size = _width(word)
        if line and wide + 1 + size > most:
            lines.append(line)
            line, wide = "", 0
        while size > most:
            cut = _fitting(word, most)
            lines.append(word[:cut])
            word = word[cut:]  # noqa: PLW2901 - what is left of it
            size = _width(word)
        line = f"{line} {word}" if line else word
        wide = _width(line)
    return [*lines, line]


def _fitting(word: str, most: int) -> int:
    """Letters of a word that a line holds, at least one."""
    wide = 0
    for place, letter in enumerate(word):
        wide += _width(letter)
        if wide > most:
            return max(place, 1)
    return len(word)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
