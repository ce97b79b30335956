"""Links by the keyboard: two devices, or many with one switch, as one step."""

from app.commands import linking
from engine.catalog.catalog import Catalog
from engine.topology.changes import DropLinks, PutElements
from engine.topology.quick_add import new_element
from tests.helpers.windows import drawn_document


def test_two_devices_are_linked_by_their_free_ports(shop: Catalog) -> None:
    document = drawn_document(shop)
    (old,) = document.topology.links
    assert document.perform("Unlink", DropLinks((old,))).ok
    document.select(frozenset({"rack"}))
    assert linking.link_selected(document) is None
    document.select(frozenset({"rack", "leaf"}))
    verdict = linking.link_selected(document)
    assert verdict is not None
    assert verdict.ok, verdict.reason
    (link,) = document.topology.links.values()
    assert {link.a.element, link.b.element} == {"rack", "leaf"}
    assert document.selection == {link.id}


def test_several_devices_are_linked_to_the_one_switch_or_none_is(shop: Catalog) -> None:
    document = drawn_document(shop)
    more = []
    for number in range(2):
        made = new_element(
            document.topology, shop.device("xuantie-c950-host"), 900.0 * number, 1500.0, 1
        )
        assert document.perform("Host", PutElements((made,))).ok
        more.append(made.id)
    before = document.design()
    document.select(frozenset({*more, "leaf"}))
    verdict = linking.link_selected(document)
    assert verdict is not None
    if verdict.ok:
        assert len(document.topology.links) == len(before.links) + len(more)
        document.undo_stack.undo()
    else:
        assert verdict.reason
    assert document.design() == before
    document.select(frozenset({*more, "rack"}))
    verdict = linking.link_selected(document)
    assert verdict is not None
    assert not verdict.ok
    assert document.design() == before
