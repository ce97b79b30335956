"""What a page is made of, before HTML or Markdown: headings, paragraphs, lists, tables, plots."""

from dataclasses import dataclass

from engine.study.validation.plots import Plot


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 3."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Points, each with a name in front."""

    points: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; all columns but the first `words` hold numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


Block = Heading | Paragraph | Listing | Table | Plot
