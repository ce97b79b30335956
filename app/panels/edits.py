"""How panels edit: through the document's one door, with refusals as errors for inline display."""

import re
from typing import Any

import msgspec
from PySide6.QtCore import QCoreApplication

from app.document import Document
from engine.errors import TopologyError, UnitError
from engine.topology.changes import Change, SetSection
from engine.units import format_quantity, parse_quantity


def perform(document: Document, text: str, change: Change) -> None:
    """Performs a change as one command.

    Raises:
        TopologyError: the change does not fit the drawing; nothing was done.
    """
    verdict = document.perform(text, change)
    if not verdict.ok:
        raise TopologyError(text, verdict.reason)


def set_field(document: Document, section: str, name: str, value: Any, text: str) -> None:
    """Replaces one field of a section of the design; nothing happens if it is equal."""
    record = getattr(document.design(), section)
    if getattr(record, name) != value:
        changed = msgspec.structs.replace(record, **{name: value})
        perform(document, text, SetSection(section, changed))


_PREFIX_GAP = re.compile(r"(?<=[kMGTP])\s+(?=[A-Za-z])")


def parse_shown(text: str, unit: str) -> float:
    """A quantity as the inspector shows it: also with a gap after the prefix, as in 90 k CNY.

    Raises:
        UnitError: the text is no number with a unit of that quantity.
    """
    return parse_quantity(_PREFIX_GAP.sub("", text), unit)


def parse_whole(text: str, low: int, high: int = 10_000_000) -> int:
    """A whole number between two bounds, from a text such as `4*128`.

    Raises:
        UnitError: it is not a number, not whole, or out of bounds.
    """
    value = parse_quantity(text, "count")
    if value != int(value) or not low <= value <= high:
        raise UnitError(text, f"a whole number from {low:,} to {high:,}")
    return int(value)


def parse_between(text: str, unit: str, low: float, high: float, wanted: str) -> float:
    """A quantity between two bounds.

    Raises:
        UnitError: it cannot be read or is out of bounds; `wanted` says what is allowed.
    """
    value = parse_shown(text, unit)
    if not low <= value <= high:
        raise UnitError(text, wanted)
    return value


def shown(value: float, unit: str) -> str:
    """A value of a field as text that the same field can read back."""
    if unit in ("ratio", "count"):
        return f"{value:.6g}"
    if unit == "1/s":
        return f"{value:.6g} /s"
    return format_quantity(value, unit, 6)


def read_typed(text: str, unit: str, low: float, high: float, wanted: str) -> float:
    """The value of a typed text within bounds.

    Raises:
        UnitError: it cannot be read or is out of bounds.
    """
    if unit == "1/s":
        text, unit = text.removesuffix("/s").strip(), "count"
    value = parse_shown(text, unit)
    if not low <= value <= high:
        raise UnitError(text, wanted)
    return value


def models_of(document: Document) -> list[tuple[str, str]]:
    """Ids and names of the models to choose from: the design's own first, then the shop's."""
    own = [
        (llm.id, QCoreApplication.translate("DesignForm", "{0} (own)").format(llm.name))
        for llm in document.design().llms
    ]
    shop = [(llm.id, llm.name) for llm in document.catalog.llms.values()]
    return own + sorted(shop, key=lambda model: model[1].casefold())
