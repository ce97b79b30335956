"""Ranking of what is typed into palettes."""

import pytest

from app.support.matching import match, ranked


@pytest.mark.parametrize(
    ("query", "text"),
    [("fit", "Fit selection"), ("al128", "Panjiu AL128 (2 x 64)"), ("fsel", "Fit selection"),
     ("SEL fit", "Fit selection"), ("", "anything"), ("128", "AL128")],
)  # fmt: skip
def test_what_is_meant_is_found(query: str, text: str) -> None:
    assert match(query, text) is not None


@pytest.mark.parametrize(("query", "text"), [("x", "Fit"), ("fit y", "Fit"), ("tif", "Fit")])
def test_what_is_not_meant_is_not(query: str, text: str) -> None:
    assert match(query, text) is None


def test_whole_words_come_before_starts_and_starts_before_parts() -> None:
    rows = ["outfit", "fitness room", "first in turn", "the fit"]
    assert ranked("fit", [(row, "", row) for row in rows], 10) == [
        "the fit", "fitness room", "outfit", "first in turn",
    ]  # fmt: skip


def test_without_a_query_the_order_is_kept_and_cut() -> None:
    assert ranked("", [("b", "", 1), ("a", "", 2), ("c", "", 3)], 2) == [1, 2]


def test_a_description_is_searched_by_starts_of_words_and_counts_least() -> None:
    rows = [("Save", "keeps the fit", 1), ("outfit", "", 2), ("Quit", "lists files", 3)]
    assert ranked("fit", rows, 10) == [2, 1]
