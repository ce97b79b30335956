"""Numbers with units as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UnitError
from engine.units import format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("400G", "B/s", 50e9),
        ("400 Gb/s", "B/s", 50e9),
        ("1.2 TB/s", "B/s", 1.2e12),
        ("50 GB/s", "B/s", 50e9),
        ("120 kW", "W", 120e3),
        ("2 ms", "s", 2e-3),
        ("1.5 us", "s", 1.5e-6),
        ("80 GB", "B", 80e9),
        ("80 GiB", "B", 80 * 2**30),
        ("4*128", "count", 512),
        ("(2+6) x 50 GB/s", "B/s", 400e9),
        ("90 k", "CNY", 90e3),
        ("50 %", "ratio", 0.5),
        ("0.5", "ratio", 0.5),
    ],
)
def test_reads(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("", "B"), ("abc", "W"), ("5 W", "B"), ("1/0", "count"), ("1e999", "s"), ("nan", "s"),
        ("__import__('os')", "count"), ("9**9**9", "count"), ("(" * 500 + "1" + ")" * 500, "count"),
        ("1 2", "count"), ("5 GB", "B/s"),
    ],
)  # fmt: skip
def test_refuses_what_is_no_quantity(text: str, unit: str) -> None:
    with pytest.raises(UnitError):
        parse_quantity(text, unit)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_never_worse(text: str) -> None:
    try:
        value = parse_quantity(text, "B/s")
    except UnitError:
        return
    assert value == value  # not nan


@given(st.floats(1e-9, 1e18))
def test_what_is_shown_can_be_read_again(value: float) -> None:
    shown = format_quantity(value, "B/s", digits=6)
    assert parse_quantity(shown, "B/s") == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (50e9, "B/s", "50 GB/s"), (0.0, "B/s", "0 B/s"), (0.0, "s", "0 s"), (0.0124, "s", "12.4 ms"),
        (350e3, "W", "350 kW"), (float("nan"), "W", "-"), (2**34, "B", "16 GiB"),
    ],
)  # fmt: skip
def test_shows(value: float, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text
