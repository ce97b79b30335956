"""Links by the keyboard: two devices, or many with one switch, as one step."""

from app.commands import linking
from app.document import Document
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


def test_several_devices_are_linked_to_the_one_switch_in_one_step(shop: Catalog) -> None:
    document = drawn_document(shop)
    hosts = more(document, shop, "xuantie-c950-host")
    before = document.design()
    document.select(frozenset({*hosts, "leaf"}))
    verdict = linking.link_selected(document)
    assert verdict is not None
    assert verdict.ok, verdict.reason
    made = [link for link in document.design().links if link not in before.links]
    assert {link.a.element for link in made} | {link.b.element for link in made} == {
        *hosts,
        "leaf",
    }
    assert len(made) == 2
    document.undo_stack.undo()
    assert document.design() == before


def test_where_one_link_is_refused_none_is_drawn(shop: Catalog) -> None:
    document = drawn_document(shop)
    racks = more(document, shop, "panjiu-al128-2x64")
    before = document.design()
    document.select(frozenset({*racks, "leaf"}))  # it has no ports left
    verdict = linking.link_selected(document)
    assert verdict is not None
    assert "0 of 128" in verdict.reason
    document.select(frozenset({*racks, "rack"}))
    verdict = linking.link_selected(document)
    assert verdict is not None
    assert "one switch" in verdict.reason
    assert document.design() == before


def more(document: Document, shop: Catalog, spec_id: str) -> list[str]:
    """Two more devices of a kind; their ids."""
    ids = []
    for number in range(2):
        made = new_element(document.topology, shop.device(spec_id), 900.0 * number, 1500.0, 1)
        assert document.perform("Add", PutElements((made,))).ok
        ids.append(made.id)
    return ids
