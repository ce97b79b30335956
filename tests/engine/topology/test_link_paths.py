"""Paths of links: all at once equal to one by one, and as a reader of drawings expects them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.devices import DeviceKind, Medium
from engine.catalog.loader import load_catalog
from engine.topology.elements import Element, Endpoint, Link
from engine.topology.link_paths import link_paths, link_routes
from tests.helpers.slow_paths import slow_link_routes

SHOP = load_catalog()
SPECS = {DeviceKind.SWITCH: "hpn7-leaf", DeviceKind.HOST: "xuantie-c950-host"}


def element(number: int, kind: DeviceKind, x: float, y: float) -> Element:
    return Element(id=f"e{number:03}", kind=kind, spec=SPECS[kind], name=f"E{number}", x=x, y=y)


def link(number: int, a: int, b: int) -> Link:
    return Link(
        id=f"l{number:03}",
        a=Endpoint(element=f"e{a:03}", port="port"),
        b=Endpoint(element=f"e{b:03}", port="port"),
        medium=Medium.ETHERNET,
        count=1,
        bandwidth_bytes_per_s=1.0,
        latency_s=0.0,
    )


@st.composite
def drawings(take: st.DrawFn) -> tuple[list[Element], list[Link]]:
    places = st.integers(-4, 4).map(lambda step: 48.0 * step)
    count = take(st.integers(2, 12))
    elements = [
        element(n, take(st.sampled_from(list(SPECS))), take(places) * 4, take(places) * 4)
        for n in range(count)
    ]
    number = st.integers(0, count - 1)
    pairs = take(st.lists(st.tuples(number, number).filter(lambda p: p[0] != p[1]), max_size=30))
    return elements, [link(n, *pair) for n, pair in enumerate(pairs)]


@given(drawing=drawings())
@settings(max_examples=300, deadline=None)
def test_all_at_once_equals_one_by_one(
    drawing: tuple[list[Element], list[Link]],
) -> None:
    elements, links = drawing
    specs = {e.id: SHOP.device(e.spec) for e in elements}
    fast, slow = link_routes(elements, links, specs), slow_link_routes(elements, links, specs)
    assert list(fast) == list(slow)
    for name, path in slow.items():
        np.testing.assert_allclose(fast[name], path, rtol=0, atol=1e-9)


def test_paths_are_orthogonal_and_end_at_the_edges() -> None:
    boxes = np.array(
        [[0.0, 0.0, 100.0, 50.0], [300.0, 200.0, 80.0, 40.0], [500.0, 10.0, 60.0, 60.0]]
    )
    first, second = np.array([0, 0, 2]), np.array([1, 2, 1])
    for path, a, b in zip(link_paths(boxes, first, second), first, second, strict=True):
        steps = np.diff(path, axis=0)
        assert ((steps == 0).any(axis=1)).all()
        for point, box in ((path[0], boxes[a]), (path[-1], boxes[b])):
            right, bottom = box[0] + box[2], box[1] + box[3]
            assert point[0] in (box[0], right) or point[1] in (box[1], bottom)


def test_links_of_a_side_fan_out_without_crossing() -> None:
    boxes = np.array(
        [[200.0, 0.0, 100.0, 40.0]] + [[150.0 * n, 200.0, 80.0, 40.0] for n in range(4)]
    )
    order = np.array([4, 2, 1, 3])
    paths = link_paths(boxes, np.zeros(4, np.int64), order)
    starts = dict(zip(order.tolist(), paths[:, 0, 0].tolist(), strict=True))
    assert [starts[n] for n in (1, 2, 3, 4)] == sorted(starts.values())
    assert sorted(starts.values()) == pytest.approx([220.0, 240.0, 260.0, 280.0])
    assert len(set(paths[:, 1, 1].tolist())) == 4  # lanes of their own


def test_no_links_have_no_paths() -> None:
    none = np.empty(0, np.int64)
    assert link_paths(np.empty((0, 4)), none, none).shape == (0, 4, 2)
