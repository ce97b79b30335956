"""Repairs: what is offered removes its finding, and nothing else breaks."""

from collections.abc import Callable

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, Medium
from engine.findings import Finding, Severity
from engine.scenario.design import Design
from engine.scenario.editor import DesignEditor
from engine.sim.preflight import preflight
from engine.study.repairs import repairs
from engine.topology.elements import Endpoint, Override
from engine.topology.model import Topology
from engine.topology.quick_add import fitting, linked_element, new_element
from tests.helpers import worlds

Break = Callable[[Design], Design]


def linked(shop: Catalog) -> Design:
    """A chip with its host."""
    design = worlds.one_chip(shop)
    drawn = Topology(design.elements, design.links)
    fit = next(f for f in fitting(drawn, shop, "chip", "pcie") if f.spec.kind is DeviceKind.HOST)
    drawn.apply(linked_element(drawn, fit, 300.0, 0.0)[1])
    return msgspec.structs.replace(
        design, elements=tuple(drawn.elements.values()), links=tuple(drawn.links.values())
    )


def with_element(design: Design, index: int, **changes: object) -> Design:
    elements = list(design.elements)
    elements[index] = msgspec.structs.replace(elements[index], **changes)
    return msgspec.structs.replace(design, elements=tuple(elements))


def with_link(design: Design, **changes: object) -> Design:
    link = msgspec.structs.replace(design.links[0], **changes)
    return msgspec.structs.replace(design, links=(link, *design.links[1:]))


def unknown(design: Design) -> Design:
    return with_element(design, 0, spec="nobody-sells-it")


def wrong_kind(design: Design) -> Design:
    return with_element(design, 0, kind=DeviceKind.HOST)


def bad_override(design: Design) -> Design:
    return with_element(design, 0, overrides={"power_w": Override(value=-5.0, reason="x")})


def outside(design: Design) -> Design:
    return with_element(design, 0, overrides={"power_w": Override(value=1e9, reason="x")})


def too_many_cables(design: Design) -> Design:
    return with_link(design, count=design.links[0].count + 1)


def bad_rate(design: Design) -> Design:
    return with_link(design, bandwidth_bytes_per_s=-1.0)


def wrong_medium(design: Design) -> Design:
    return with_link(design, medium=Medium.NVLINK)


def no_such_port(design: Design) -> Design:
    end = Endpoint(element=design.links[0].a.element, port="nowhere")
    return with_link(design, a=end)


@pytest.mark.parametrize(
    ("broken", "code", "offer"),
    [
        (unknown, "unknown-device", "Remove"),
        (wrong_kind, "wrong-kind", "Draw it as chip"),
        (bad_override, "bad-figure", "Use the catalogue's values"),
        (outside, "outside-range", "Use the catalogue's values"),
        (too_many_cables, "port-twice", "Remove the cables beyond its ports"),
        (bad_rate, "bad-figure", "Draw it anew with its ports' figures"),
        (wrong_medium, "bad-link", "Draw it anew with its ports' figures"),
        (no_such_port, "bad-link", "Remove the link"),
    ],
)
def test_each_kind_of_finding_has_a_repair_that_removes_it(
    shop: Catalog, broken: Break, code: str, offer: str
) -> None:
    design = broken(linked(shop))
    finding = next(f for f in preflight(design, shop) if f.code == code)
    offers = repairs(design, shop, finding)
    assert any(repair.text.startswith(offer) for repair in offers)
    for repair in offers:
        editor = DesignEditor(design, shop)
        inverse = editor.apply(repair.change)
        after = preflight(editor.snapshot(), shop)
        assert all((f.code, f.subject) != (code, finding.subject) for f in after)
        editor.apply(inverse)
        assert editor.snapshot() == design


def test_a_lonely_device_is_linked_to_what_takes_it_or_removed(shop: Catalog) -> None:
    design = worlds.one_chip(shop)
    drawn = Topology(design.elements, design.links)
    lonely = new_element(drawn, shop.device("xuantie-c950-host"), 900.0, 0.0)
    chip = new_element(drawn, shop.device("zhenwu-m890"), 700.0, 0.0)
    design = msgspec.structs.replace(design, elements=(*design.elements, lonely, chip))
    finding = next(f for f in preflight(design, shop) if f.subject == lonely.id)
    texts = [repair.text for repair in repairs(design, shop, finding)]
    assert texts[0].startswith(f"Link it to {chip.name}")
    assert texts[-1] == f"Remove {lonely.name}"


def test_a_model_that_does_not_fit_is_offered_what_makes_it_fit(shop: Catalog) -> None:
    design = worlds.one_chip(shop)
    pool = msgspec.structs.replace(design.deployment, replicas=50)
    design = msgspec.structs.replace(design, deployment=pool)
    (finding,) = [f for f in preflight(design, shop) if f.severity is Severity.ERROR]
    offers = repairs(design, shop, finding)
    assert offers[0].text == "Use as many replicas as fit"
    for repair in offers:
        editor = DesignEditor(design, shop)
        editor.apply(repair.change)
        assert all(f.severity is not Severity.ERROR for f in preflight(editor.snapshot(), shop))


def test_what_nobody_knows_to_mend_has_no_repair(shop: Catalog) -> None:
    design = worlds.one_chip(shop)
    finding = Finding(severity=Severity.ERROR, code="check", subject="", text="?")
    assert repairs(design, shop, finding) == []
