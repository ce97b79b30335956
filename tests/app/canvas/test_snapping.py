"""Snapping: the grid, or the edge or middle of another box where one is near."""

import numpy as np
import pytest

from app.canvas.snapping import snapped

OTHER = np.array([[100.0, 200.0, 60.0, 40.0]])  # edges 100, 160, middle 130; 200, 240, 220


def test_far_from_others_a_box_rests_on_the_grid() -> None:
    place, guides = snapped((1003.0, 989.0, 50.0, 50.0), OTHER, 1.0)
    assert place == (1008.0, 992.0)
    assert guides == []


@pytest.mark.parametrize(
    ("x", "rests"),
    [(101.0, 100.0), (157.0, 160.0), (53.0, 50.0), (106.5, 105.0), (108.0, 110.0)],
)
def test_an_edge_or_the_middle_lines_up_with_the_nearest_line(x: float, rests: float) -> None:
    place, guides = snapped((x, 1000.0, 50.0, 50.0), OTHER, 1.0)
    assert place[0] == rests
    assert guides[0][0][0] == guides[0][1][0]  # upright
    assert (guides[0][0][1], guides[0][1][1]) == (200.0, 1050.0)  # over both boxes


def test_guides_reach_as_many_pixels_at_every_zoom() -> None:
    assert snapped((110.0, 1000.0, 8.0, 50.0), OTHER, 0.25).guides
    assert not snapped((110.0, 1000.0, 8.0, 50.0), OTHER, 4.0).guides


def test_without_others_there_is_only_the_grid() -> None:
    place, guides = snapped((7.9, 8.1, 1.0, 1.0), np.empty((0, 4)), 1.0)
    assert (place, guides) == ((0.0, 16.0), [])
