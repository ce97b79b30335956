"""Columns of record tables: a field as text, numbers with units, choices."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from PySide6.QtCore import QCoreApplication

from app.models.record_table import Column, Record
from app.panels.edits import parse_whole, read_typed, shown
from engine.errors import UnitError


def text_column(name: str, title: str, tooltip: str) -> Column:
    """A field that is a text, which may not be empty."""

    def write(record: Record, typed: str) -> Record:
        if not typed:
            raise UnitError(typed, QCoreApplication.translate("RecordView", "a name"))
        return msgspec.structs.replace(record, **{name: typed})

    return Column(
        title=title, tooltip=tooltip, read=lambda record: str(getattr(record, name)), write=write
    )


def whole_column(
    name: str, title: str, tooltip: str, low: int = 0, high: int = 10_000_000
) -> Column:
    """A field that is a whole number."""

    def write(record: Record, typed: str) -> Record:
        value = parse_whole(typed.replace(",", ""), low, high)
        return msgspec.structs.replace(record, **{name: value})

    return Column(
        title=title, tooltip=tooltip, read=lambda record: f"{getattr(record, name):,}", write=write
    )


def quantity_column(
    path: str, title: str, tooltip: str, unit: str, *, low: float = 0.0, high: float = 1e12,
    none: str = "",
) -> Column:  # fmt: skip
    """A field that is a quantity; `path` may name a field of a field, as in `slo.ttft_s`.

    With `none` the value 0 is shown as that word.
    """

    def read(record: Record) -> str:
        value = _at(record, path)
        return none if none and value == 0 else shown(value, unit)

    def write(record: Record, typed: str) -> Record:
        wanted = QCoreApplication.translate("RecordView", "between {0} and {1}")
        wanted = wanted.format(shown(low, unit), shown(high, unit))
        value = 0.0 if none and typed == none else read_typed(typed, unit, low, high, wanted)
        return _with(record, path, value)

    return Column(title=title, tooltip=tooltip, read=read, write=write)


def choice_column(
    name: str,
    title: str,
    tooltip: str,
    choices: Callable[[], Sequence[tuple[str, str]]],
    cast: Callable[[str], Any] = str,
) -> Column:
    """A field with some allowed values."""

    def read(record: Record) -> str:
        value = getattr(record, name)
        return value.value if isinstance(value, StrEnum) else str(value)

    return Column(
        title=title,
        tooltip=tooltip,
        read=read,
        write=lambda record, typed: msgspec.structs.replace(record, **{name: cast(typed)}),
        choices=choices,
    )


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """The wanted name, with a number behind it if it is taken."""
    if wanted not in taken:
        return wanted
    base = wanted.rstrip("0123456789 ")
    number = 2
    while f"{base} {number}" in taken:
        number += 1
    return f"{base} {number}"


def _at(record: Record, path: str) -> float:
    for name in path.split("."):
        record = getattr(record, name)
    return float(record)


def _with(record: Record, path: str, value: float) -> Record:
    first, _, rest = path.partition(".")
    inner = _with(getattr(record, first), rest, value) if rest else value
    return msgspec.structs.replace(record, **{first: inner})
