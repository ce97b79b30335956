"""Quantities as text: SI numbers to and from what people write ("400 GB/s", "144 GiB").

Decimal prefixes are powers of 1,000; Ki, Mi, Gi, Ti, Pi are powers of 1,024. `b` or `bit` is a bit,
`B` a byte: "400 Gb/s" is 50 GB/s. Inside the engine every value is in plain SI units.
"""

import math
import re
from collections.abc import Iterator

from engine.errors import UnitError

_DECIMAL = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SMALL = {"m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}

_WANTED = {
    "B": "a size in bytes, such as 144 GiB",
    "B/s": "a bandwidth, such as 50 GB/s or 400 Gb/s",
    "FLOP/s": "a compute rate, such as 356 TFLOP/s",
    "W": "a power, such as 120 kW",
    "s": "a time, such as 50 ms",
    "m": "a length, such as 3 m",
    "CNY": "a price, such as 90k",
    "USD": "a price, such as 30k",
    "ratio": "a share, such as 0.9 or 90 %",
    "count": "a number",
    "tokens": "a number of tokens, such as 8k",
    "Hz": "a frequency, such as 3.2 GHz",
}

# unit texts that a reader may write for an SI unit, with their factor
_UNITS: dict[str, dict[str, float]] = {
    "B": {"B": 1.0, "b": 0.125, "bit": 0.125},
    "B/s": {"B/s": 1.0, "b/s": 0.125, "bit/s": 0.125, "bps": 0.125},
    "FLOP/s": {"FLOP/s": 1.0, "FLOPS": 1.0, "OPS": 1.0, "OP/s": 1.0},
    "W": {"W": 1.0},
    "s": {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0},
    "m": {"m": 1.0, "km": 1e3, "cm": 1e-2},
    "CNY": {"CNY": 1.0, "RMB": 1.0},
    "USD": {"USD": 1.0},
    "ratio": {"": 1.0, "%": 0.01},
    "count": {"": 1.0},
    "tokens": {"": 1.0, "tokens": 1.0, "tok": 1.0},
    "Hz": {"Hz": 1.0},
}

_BARE_LINK_RATE = 0.125  # "400G" at a link means 400 Gbit/s, as every port is sold

_TOKEN = re.compile(r"\s*(?:(\d[\d_,]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([-+*/()]))")
MAX_TEXT = 200
MAX_DEPTH = 20


def parse_quantity(text: str, unit: str) -> float:
    """The value in SI of a number or simple expression with an optional unit.

    "4*128" and "(2+6) x 50 GB/s" are expressions; a missing unit is the SI unit itself, but for a
    bandwidth a bare "400G" is 400 Gbit/s.

    Args:
        text: what the user wrote.
        unit: the SI unit wanted: B, B/s, FLOP/s, W, s, Hz, m, CNY, USD, ratio, count, tokens.

    Raises:
        UnitError: the text is no finite number with a unit of that quantity.
    """
    wanted = _WANTED.get(unit, f"a number in {unit}")
    clean = text.strip().replace("\u00d7", "*")
    clean = re.sub(r"(?<=[\d)])\s*x\s*(?=[\d(])", "*", clean)
    if not clean or len(clean) > MAX_TEXT:
        raise UnitError(text[:MAX_TEXT], wanted)
    match = re.match(r"^(.*?[\d.)])\s*([^\d.()+*]*)$", clean)
    if match is None:
        raise UnitError(text, wanted)
    factor = _factor(match.group(2).strip(), unit)
    value = _evaluate(match.group(1))
    if factor is None or value is None or not math.isfinite(value * factor):
        raise UnitError(text, wanted)
    return value * factor


def _factor(suffix: str, unit: str) -> float | None:
    known = _UNITS.get(unit, {unit: 1.0})
    if suffix in known:
        return known[suffix]
    if unit == "B/s" and suffix in _DECIMAL:
        return _DECIMAL[suffix] * (_BARE_LINK_RATE if suffix else 1.0)
    for prefixes in (_BINARY, _DECIMAL, _SMALL):
        for prefix, scale in prefixes.items():
            rest = suffix.removeprefix(prefix) if prefix and suffix.startswith(prefix) else None
            if rest is not None and (rest in known or rest == ""):
                return scale * known.get(rest, 1.0)
    return None


def _evaluate(text: str) -> float | None:
    """The value of + - * / and parentheses over plain numbers; None where it is none."""
    tokens = list(_tokens(text))
    if not tokens or None in tokens:
        return None
    parser = _Parser([token for token in tokens if token is not None])
    try:
        value = parser.sum(0)
    except (ValueError, ZeroDivisionError, OverflowError, IndexError):
        return None
    return value if parser.done() else None


def _tokens(text: str) -> Iterator[str | None]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            yield None
            return
        yield match.group(1) or match.group(2)
        position = match.end()


class _Parser:
    """Recursive descent over + - * / ( ) and numbers, bounded in depth."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0

    def done(self) -> bool:
        return self._next == len(self._tokens)

    def sum(self, depth: int) -> float:
        value = self._product(depth)
        while not self.done() and self._tokens[self._next] in "+-":
            sign = self._take()
            term = self._product(depth)
            value = value + term if sign == "+" else value - term
        return value

    def _product(self, depth: int) -> float:
        value = self._atom(depth)
        while not self.done() and self._tokens[self._next] in "*/":
            sign = self._take()
            factor = self._atom(depth)
            value = value * factor if sign == "*" else value / factor
        return value

    def _atom(self, depth: int) -> float:
        if depth > MAX_DEPTH:
            message = "nested too deep"
            raise ValueError(message)
        token = self._take()
        if token == "(":
            value = self.sum(depth + 1)
            if self._take() != ")":
                message = "unbalanced"
                raise ValueError(message)
            return value
        if token in "+-":
            value = self._atom(depth + 1)
            return -value if token == "-" else value
        return float(token.replace(",", "").replace("_", ""))

    def _take(self) -> str:
        token = self._tokens[self._next]
        self._next += 1
        return token


_STEPS = (
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
)
_SMALL_STEPS = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def format_quantity(value: float, unit: str, digits: int = 3) -> str:
    """A value in SI as people read it: "400 GB/s", "350 kW", "12.4 ms", "90 k CNY"."""
    if not math.isfinite(value):
        return "-"
    if unit == "s":
        return _format_seconds(value, digits)
    if unit == "ratio":
        return f"{_rounded(value * 100, digits)} %"
    if value == 0:
        return "0" if unit == "count" else f"0 {unit}"
    if unit == "B" and value % 2**30 == 0:
        return f"{_rounded(value / 2**30, digits)} GiB"
    steps = (
        _STEPS if abs(value) >= 1 or unit in {"count", "CNY", "USD", "tokens"} else _SMALL_STEPS
    )
    scale, prefix = next(
        ((s, p) for s, p in steps if abs(value) >= s * (1 - 0.5 * 10.0**-digits)), steps[-1]
    )
    number = _rounded(value / scale, digits)
    if unit in {"CNY", "USD", "tokens", "count"}:
        spaced = f"{number} {prefix}".strip()
        return spaced if unit == "count" else f"{spaced} {unit}"
    return f"{number} {prefix}{unit}"


def _format_seconds(value: float, digits: int) -> str:
    size = abs(value)
    if size >= 2 * 86400:
        return f"{_rounded(value / 86400, digits)} d"
    if size >= 2 * 3600:
        return f"{_rounded(value / 3600, digits)} h"
    if size >= 120:
        return f"{_rounded(value / 60, digits)} min"
    scale, prefix = next(((s, p) for s, p in _SMALL_STEPS if size >= s * 0.9995), _SMALL_STEPS[-1])
    if value == 0:
        return "0 s"
    return f"{_rounded(value / scale, digits)} {prefix}s"


def _rounded(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
