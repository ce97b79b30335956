"""Rows of a form over one record: each field a row, each edit one command."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from PySide6.QtCore import QCoreApplication

from app.panels.edits import parse_whole, read_typed, shown
from app.panels.fields import CheckRow, ChoiceRow, FieldRow, LineRow
from engine.errors import UnitError

MOST = 10_000_000

Record = Any  # a msgspec struct of one section, or of a list of it


class RecordRows:
    """Makes rows that read and write fields of a record; a name may be a path, as `slo.ttft_s`."""

    def __init__(self, read: Callable[[], Record], write: Callable[[Record, str], None]) -> None:
        """Makes nothing yet.

        Args:
            read: the record as it is now.
            write: performs the change to another record under an undo text.
        """
        self._read, self._write = read, write

    def inner(
        self, name: str, label: str, check: Callable[[Record], None] | None = None
    ) -> "RecordRows":
        """Rows over a field that is a record itself.

        Args:
            name: of the field.
            label: names the record in undo texts.
            check: raises an EngineError for a record that cannot be.
        """

        def write(record: Record, text: str) -> None:
            if check is not None:
                check(record)
            whole = msgspec.structs.replace(self._read(), **{name: record})
            self._write(whole, f"{text} ({label})")

        return RecordRows(lambda: getattr(self._read(), name), write)

    def value(self, name: str) -> Any:
        """A field as it is now, the record itself for no name."""
        found = self._read()
        for part in name.split(".") if name else ():
            found = getattr(found, part)
        return found

    def put(self, name: str, value: Any, label: str) -> None:
        """Writes a field; nothing happens if it is equal.

        Raises:
            EngineError: the change is refused.
        """
        if self.value(name) != value:
            text = QCoreApplication.translate("DesignForm", "Set {0}").format(label)
            self._write(_with(self._read(), name, value), text)

    def choice(
        self,
        name: str,
        label: str,
        choices: Sequence[tuple[str, str]],
        cast: Callable[[str], Any],
        tooltip: str = "",
    ) -> FieldRow:
        """One of several values."""
        return ChoiceRow(
            label,
            choices,
            lambda: str(self.value(name)),
            lambda value: self.put(name, cast(value), label),
            tooltip,
        )

    def check(self, name: str, label: str, tooltip: str = "") -> FieldRow:
        """Yes or no."""
        return CheckRow(
            label,
            lambda: bool(self.value(name)),
            lambda value: self.put(name, value, label),
            tooltip,
        )

    def whole(self, name: str, label: str, low: int, tooltip: str, high: int = MOST) -> FieldRow:
        """A whole number."""
        bounds = f"{low:,} ... {high:,}"
        return LineRow(
            label,
            lambda: f"{self.value(name):,}",
            lambda typed: self.put(name, parse_whole(typed.replace(",", ""), low, high), label),
            f"{tooltip} ({bounds})" if tooltip else bounds,
        )

    def quantity(
        self, name: str, label: str, unit: str, low: float, high: float, tooltip: str
    ) -> FieldRow:
        """A number with a unit."""
        ends = (shown(low, unit), shown(high, unit))
        wanted = QCoreApplication.translate("DesignForm", "between {0} and {1}").format(*ends)

        def write(typed: str) -> None:
            if typed != shown(self.value(name), unit):  # what is shown may be rounded
                self.put(name, read_typed(typed, unit, low, high, wanted), label)

        bounds = " ... ".join(ends)
        return LineRow(
            label,
            lambda: shown(self.value(name), unit),
            write,
            f"{tooltip} ({bounds})" if tooltip else bounds,
        )

    def text(self, name: str, label: str, tooltip: str = "", *, required: str = "") -> FieldRow:
        """A text; with `required`, the words for what it has to be, one that is not empty."""

        def write(typed: str) -> None:
            if required and not typed:
                raise UnitError(typed, required)
            self.put(name, typed, label)

        return LineRow(label, lambda: str(self.value(name)), write, tooltip)


def _with(record: Record, path: str, value: Any) -> Record:
    first, _, rest = path.partition(".")
    inner = _with(getattr(record, first), rest, value) if rest else value
    return msgspec.structs.replace(record, **{first: inner})
