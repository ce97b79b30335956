"""The scene: arrays in drawing order; moved or made anew it is the same picture."""

from dataclasses import fields

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.canvas.scene import Scene, make_scene, moved_scene
from engine.catalog.loader import load_catalog
from engine.scenario.design import Design
from engine.topology.elements import Group
from engine.topology.generators import HallPlan, hall
from engine.topology.model import Topology
from engine.topology.quick_add import new_element

SHOP = load_catalog()


def same(one: Scene, other: Scene) -> None:
    for item in fields(Scene):
        if item.name in ("shapes", "elements", "links"):
            continue
        a, b = getattr(one, item.name), getattr(other, item.name)
        if item.name == "groups":
            a, b = ([(g.id, g.name, g.box, g.collapsed) for g in groups] for groups in (a, b))
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=item.name)
        else:
            assert a == b, item.name


@pytest.fixture(scope="module")
def mixed() -> Design:
    """Racks as an array, leaves, a chip and a host."""
    drawing = hall(SHOP, HallPlan(4, clients=1))
    topology = Topology(drawing.elements, drawing.links)
    extra = [
        new_element(topology, SHOP.device(spec), 900.0 * n, 1500.0, count)
        for n, (spec, count) in enumerate(
            (("zhenwu-m890", 9), ("xuantie-c950-host", 1), ("nvl72", 2))
        )
        if spec in SHOP.devices
    ]
    group = Group(id="g", name="Pair")
    grouped = tuple(msgspec.structs.replace(element, group="g") for element in extra[:2])
    return Design(
        elements=(*drawing.elements, *grouped, *extra[2:]), links=drawing.links, groups=(group,)
    )


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_drag_shows_what_the_drawing_will_be(
    data: st.DataObject,
    mixed: Design,
) -> None:
    place = st.floats(-5000, 5000, width=32)
    ids = [element.id for element in mixed.elements]
    moved = data.draw(st.dictionaries(st.sampled_from(ids), st.tuples(place, place)))
    elements = tuple(
        msgspec.structs.replace(e, x=moved[e.id][0], y=moved[e.id][1]) if e.id in moved else e
        for e in mixed.elements
    )
    drawn = make_scene(msgspec.structs.replace(mixed, elements=elements), SHOP, {})
    same(moved_scene(make_scene(mixed, SHOP, {}), moved), drawn)
    same(make_scene(mixed, SHOP, moved), drawn)


def test_bodies_are_the_rows_of_the_arrays(mixed: Design) -> None:
    scene = make_scene(mixed, SHOP, {})
    assert list(scene.bodies) == [element.id for element in mixed.elements]
    for body in scene.bodies.values():
        count = body.element.count
        assert len(body.members) == count
        left, top = body.members[:, :2].min(axis=0)
        right, bottom = (body.members[:, :2] + body.members[:, 2:]).max(axis=0)
        assert (left, top, right - left, bottom - top) == pytest.approx(body.box)
        cells = scene.cells[body.first_cell : body.first_cell + body.cells]
        assert len(cells) % count == 0
        assert (cells[:, 0] >= left).all()
        assert (cells[:, 1] + cells[:, 3] <= bottom).all()


def test_an_element_without_a_device_is_a_placeholder_with_its_links(mixed: Design) -> None:
    lost = msgspec.structs.replace(mixed.elements[0], spec="nobody")
    design = msgspec.structs.replace(mixed, elements=(lost, *mixed.elements[1:]))
    scene = make_scene(design, SHOP, {})
    body = scene.bodies[lost.id]
    assert (body.spec.name, body.spec.ports, body.cells) == ("nobody", (), 0)
    assert list(scene.links) == [link.id for link in mixed.links]


def test_bounds_hold_elements_and_links(mixed: Design) -> None:
    scene = make_scene(mixed, SHOP, {})
    everything = scene.bounds()
    assert everything is not None
    assert scene.bounds([*scene.ids, "unknown"]) == everything
    assert scene.bounds(["unknown"]) is None
    one = scene.bounds([scene.link_ids[0]])
    path = scene.routes[0]
    assert one == pytest.approx((*path.min(axis=0), *(path.max(axis=0) - path.min(axis=0))))
