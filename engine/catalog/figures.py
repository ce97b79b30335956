"""Figure: a number that carries its unit, range, confidence and source."""

from enum import StrEnum

import msgspec


class Confidence(StrEnum):
    """How far a figure can be trusted, best first."""

    PUBLISHED = "published"
    REPORTED = "reported"
    DERIVED = "derived"
    ESTIMATE = "estimate"


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One catalogue value in SI with `low <= value <= high`, where it is from and how sure.

    `unit` is an SI unit text: B, B/s, FLOP/s, W, s, Hz, count, ratio, CNY, USD, tokens, m, kg.
    """

    value: float
    unit: str
    confidence: Confidence
    source: tuple[str, ...]
    date: str
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def low_value(self) -> float:
        """The lower end of the range; the value itself where no range is known."""
        return self.value if self.low is None else self.low

    @property
    def high_value(self) -> float:
        """The upper end of the range; the value itself where no range is known."""
        return self.value if self.high is None else self.high

    @property
    def is_estimate(self) -> bool:
        """True where the window must show a badge."""
        return self.confidence is Confidence.ESTIMATE
