"""Finding: one thing that a check has to say about a design."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters: an error stops a run, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement of a check: what (code, text), where (subject id or ''), way out (hint)."""

    severity: Severity
    code: str
    subject: str
    text: str
    hint: str = ""
