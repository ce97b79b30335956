"""Changes and their inverses: any sequence can be undone exactly and done again."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import TopologyError
from engine.scenario.design import Deployment, Design
from engine.scenario.editor import DesignEditor
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropGroups,
    DropLinks,
    MoveElements,
    PutElements,
    PutGroups,
    PutLinks,
    SetSection,
)
from engine.topology.elements import Element, Group
from engine.topology.generators import cable, draw
from engine.topology.model import Topology

SHOP = load_catalog()
NAMES = [f"e{i}" for i in range(6)]


def element(name: str, group: str = "", count: int = 1) -> Element:
    made = draw(SHOP, "hpn7-leaf", name, name.upper(), 0, 0, count)
    return msgspec.structs.replace(made, group=group)


@st.composite
def changes(draw_from: st.DrawFn) -> Change:
    kind = draw_from(st.integers(0, 8))
    name, other = draw_from(st.sampled_from(NAMES)), draw_from(st.sampled_from(NAMES))
    if kind <= 1:
        group = draw_from(st.sampled_from(["", "", "g1"]))
        return PutElements((element(name, group, draw_from(st.integers(1, 3))),))
    if kind == 2:
        return DropElements((name,))
    if kind <= 4:
        link = cable(SHOP, f"{name}-{other}", (element(name), "port"), (element(other), "port"), 1)
        return PutLinks((link,))
    if kind == 5:
        return DropLinks((f"{name}-{other}",))
    if kind == 6:
        return MoveElements((name,), ((draw_from(st.floats(-9, 9)), 3.0),))
    if kind == 7:
        return draw_from(
            st.sampled_from([PutGroups((Group(id="g1", name="G"),)), DropGroups(("g1",))])
        )
    return SetSection("deployment", Deployment(tp=draw_from(st.integers(1, 9))))


@given(st.lists(st.one_of(changes(), st.lists(changes(), max_size=4).map(lambda c: Batch(tuple(c)))),
                max_size=25))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_undoing_everything_restores_the_design_and_redoing_it_the_last(
    sequence: list[Change],
) -> None:
    editor = DesignEditor(Design(), SHOP)
    first = editor.snapshot()
    done: list[tuple[Change, Change]] = []
    for change in sequence:
        before = editor.snapshot()
        try:
            done.append((change, editor.apply(change)))
        except TopologyError:
            assert editor.snapshot() == before  # a refusal changes nothing
    last = editor.snapshot()
    for _, inverse in reversed(done):
        editor.apply(inverse)
    assert editor.snapshot() == first
    for change, _ in done:
        editor.apply(change)
    assert editor.snapshot() == last


def test_the_order_of_elements_survives_a_drop_and_its_undo() -> None:
    topology = Topology([element(name) for name in NAMES])
    inverse = topology.apply(DropElements(("e2", "e0", "e4")))
    assert list(topology.elements) == ["e1", "e3", "e5"]
    topology.apply(inverse)
    assert list(topology.elements) == NAMES


def test_an_element_with_links_is_not_dropped_alone() -> None:
    a, b = element("e0"), element("e1")
    topology = Topology([a, b], [cable(SHOP, "k", (a, "port"), (b, "port"), 1)])
    with pytest.raises(TopologyError, match="still has links"):
        topology.apply(DropElements(("e0",)))


def test_ports_used_counts_members_of_the_other_end() -> None:
    a, b = element("e0", count=2), element("e1", count=3)
    topology = Topology([a, b], [cable(SHOP, "k", (a, "port"), (b, "port"), 4)])
    assert topology.ports_used("e0", "port") == 12
    assert topology.ports_used("e1", "port") == 8


def test_a_section_takes_its_own_type_only(shop: Catalog) -> None:
    editor = DesignEditor(Design(), shop)
    with pytest.raises(TopologyError, match="takes a Deployment"):
        editor.apply(SetSection("deployment", "no"))
    with pytest.raises(TopologyError, match="does not exist"):
        editor.apply(SetSection("nothing", 1))
