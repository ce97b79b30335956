"""Collapsed groups: who is hidden, and cells that stay inside the box."""

import numpy as np
import pytest

from engine.catalog.devices import DeviceKind
from engine.topology.collapse import HEAD, HEIGHT, WIDTH, cell_grid, owners, toggled
from engine.topology.elements import Element, Group


def thing(name: str, group: str) -> Element:
    return Element(id=name, kind=DeviceKind.CHIP, spec="x", name=name, x=0, y=0, group=group)


def test_the_first_of_a_collapsed_group_stands_for_all_of_it() -> None:
    elements = [thing("a", ""), thing("b", "g"), thing("c", "open"), thing("d", "g")]
    groups = [Group(id="g", name="G", collapsed=True), Group(id="open", name="O")]
    found = owners(elements, groups)
    assert found.hidden.tolist() == [False, True, False, True]
    assert found.leader.tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 128, 1000, 8192, 131_072])
def test_every_chip_has_a_cell_of_its_own_inside_the_box(count: int) -> None:
    cells = cell_grid(count)
    assert cells.shape == (count, 4)
    if count:
        assert (cells[:, :2] >= (0, HEAD)).all()
        assert (cells[:, :2] + cells[:, 2:] <= (WIDTH, HEIGHT)).all()
        assert len(np.unique(cells[:, :2], axis=0)) == count


def test_some_open_groups_are_collapsed_and_all_collapsed_ones_expanded() -> None:
    groups = {
        name: Group(id=name, name=name, collapsed=closed)
        for name, closed in (("a", True), ("b", False))
    }
    change = toggled(groups, frozenset("ab"))
    assert change is not None
    assert [(g.id, g.collapsed) for g in change.groups] == [("b", True)]
    change = toggled(groups, frozenset("a"))
    assert change is not None
    assert [(g.id, g.collapsed) for g in change.groups] == [("a", False)]
    assert toggled(groups, frozenset("z")) is None
