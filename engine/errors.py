"""The error tree of the engine: everything a user can cause is an EngineError.

Constructors take facts; the text names the thing, the reason and the way out. Whatever is not an
EngineError is a defect of the program and goes to the crash handler.
"""

from pathlib import Path


class EngineError(Exception):
    """Root of all errors that a user can cause and mend."""


class CatalogError(EngineError):
    """A catalogue file or a figure in it is missing, incomplete or out of bounds."""

    def __init__(
        self, place: str, reason: str, way_out: str = "correct the catalogue file"
    ) -> None:
        self.place, self.reason, self.way_out = place, reason, way_out
        super().__init__(f"{place}: {reason}; {way_out}")


class UnitError(EngineError):
    """A text is not a number with a known unit of the wanted quantity."""

    def __init__(self, text: str, wanted: str) -> None:
        self.text, self.wanted = text, wanted
        super().__init__(f"'{text}' is not {wanted}")


class TopologyError(EngineError):
    """A change does not fit the drawing: unknown element, port used twice, rule broken."""

    def __init__(self, subject: str, reason: str, way_out: str = "") -> None:
        self.subject, self.reason, self.way_out = subject, reason, way_out
        super().__init__(f"{subject}: {reason}" + (f"; {way_out}" if way_out else ""))


class FileError(EngineError):
    """A file cannot be read or written; nothing of it was loaded."""

    def __init__(self, path: Path | str, reason: str, way_out: str = "") -> None:
        self.path, self.reason, self.way_out = Path(path), reason, way_out
        super().__init__(f"{path}: {reason}" + (f"; {way_out}" if way_out else ""))


class NotOursError(FileError):
    """The file is not a Rackflow design."""


class NewerVersionError(FileError):
    """The file was written by a newer major version of the format."""


class DamagedFileError(FileError):
    """The file is a Rackflow design but parts of it are missing, broken or contradictory."""


class TooLargeError(FileError):
    """The file is over the size that a reader accepts."""


class TraceError(FileError):
    """A trace file has a wrong value; names file, line and column."""

    def __init__(
        self, path: Path | str, line: int, column: str, reason: str, way_out: str = ""
    ) -> None:
        self.line, self.column = line, column
        super().__init__(path, f"line {line}, column '{column}': {reason}", way_out)


class ModelConfigError(FileError):
    """A model's config.json lacks a field or has a value that no LLM has; names the field."""

    def __init__(
        self, path: Path | str, field: str, reason: str, way_out: str = "correct the file"
    ) -> None:
        self.field = field
        super().__init__(path, f"field '{field}': {reason}" if field else reason, way_out)


class UnknownArchitectureError(ModelConfigError):
    """A model's config.json is of a family that no reader knows; a generic reading may serve."""


class ScenarioError(EngineError):
    """A design cannot be simulated: no deployment, no chips, bad workload figures."""

    def __init__(self, subject: str, reason: str, way_out: str = "") -> None:
        self.subject, self.reason, self.way_out = subject, reason, way_out
        super().__init__(f"{subject}: {reason}" + (f"; {way_out}" if way_out else ""))


class DoesNotFitError(ScenarioError):
    """A deployment needs more memory than its chips have; the reason is in numbers."""


class CapacityError(EngineError):
    """A fixed capacity of the simulation was reached; names the table and its limit."""

    def __init__(self, table: str, limit: int, way_out: str) -> None:
        self.table, self.limit, self.way_out = table, limit, way_out
        super().__init__(f"{table} is full at {limit} entries; {way_out}")
