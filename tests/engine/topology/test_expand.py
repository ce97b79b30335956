"""A drawing becomes nodes and links: counts, capacities and domains of small worlds."""

from typing import Any, cast

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Medium, PortSpec, RackTemplate, Status
from engine.catalog.figures import Confidence, Figure
from engine.sim.codes import LinkClass, NodeKind
from engine.topology.elements import Element, Endpoint, Link, Override
from engine.topology.expand import KIND_CODE, Tier, expand


def figure(value: float, unit: str) -> Figure:
    return Figure(
        value=value, unit=unit, confidence=Confidence.ESTIMATE, source=("test",), date="2026-01-01"
    )


def spec(
    name: str, kind: DeviceKind, ports: tuple[PortSpec, ...] = (), **values: Any
) -> DeviceSpec:
    rack = values.pop("rack", None)
    return DeviceSpec(
        id=name,
        kind=kind,
        name=name,
        vendor="test",
        status=Status.AVAILABLE,
        figures={key: figure(value, "B/s") for key, value in values.items()},
        ports=ports,
        rack=rack,
    )


def port(name: str, medium: Medium, count: int) -> PortSpec:
    return PortSpec(
        name=name,
        medium=medium,
        count=count,
        bandwidth_bytes_per_s=figure(50e9, "B/s"),
        latency_s=figure(200e-9, "s"),
    )


def rack_template(fabric: str = "switched") -> RackTemplate:
    return RackTemplate(
        chip="chip",
        host="host",
        nic="nic",
        switch="switch",
        domains=2,
        chips_per_domain=4,
        chips_per_tray=2,
        chips_per_host=4,
        nics_per_chip=1,
        fabric=fabric,
        planes=8,
        plane_link_bytes_per_s=figure(50e9, "B/s"),
        switch_latency_s=figure(100e-9, "s"),
        medium=Medium.ICN,
    )


class SmallCatalog:
    """The few devices that these worlds use."""

    def __init__(self, fabric: str = "switched") -> None:
        self.devices = {
            "chip": spec(
                "chip",
                DeviceKind.CHIP,
                (port("icn", Medium.ICN, 8), port("pcie", Medium.PCIE, 1)),
                pcie_bytes_per_s=63e9,
            ),
            "host": spec("host", DeviceKind.HOST, pcie_bytes_per_s=63e9),
            "nic": spec("nic", DeviceKind.NIC, pcie_bytes_per_s=126e9),
            "switch": spec("switch", DeviceKind.SWITCH, efficiency=0.8, latency_s=100e-9),
            "client": spec("client", DeviceKind.CLIENT),
            "rack": spec("rack", DeviceKind.RACK, rack=rack_template(fabric)),
        }

    def device(self, name: str) -> DeviceSpec:
        return self.devices[name]


def catalog(fabric: str = "switched") -> Catalog:
    return cast("Catalog", SmallCatalog(fabric))


def element(name: str, of: str, kind: DeviceKind, count: int = 1, **more: Any) -> Element:
    return Element(id=name, kind=kind, spec=of, name=name, x=0.0, y=0.0, count=count, **more)


def link(name: str, a: str, b: str, medium: Medium, count: int = 1, member: int = -1) -> Link:
    return Link(
        id=name,
        a=Endpoint(element=a, port="p", member=member),
        b=Endpoint(element=b, port="p"),
        medium=medium,
        count=count,
        bandwidth_bytes_per_s=50e9,
        latency_s=1e-6,
    )


def test_codes_agree_with_those_of_the_tables() -> None:
    for kind in NodeKind:
        assert KIND_CODE[DeviceKind(kind.name.lower())] == kind
    assert [(t.name, t.value) for t in Tier] == [(c.name, c.value) for c in LinkClass]


def test_a_switched_rack_has_its_chips_domains_hosts_and_nics() -> None:
    fabric = expand((element("r", "rack", DeviceKind.RACK),), (), catalog())
    counts = np.bincount(fabric.node_kind, minlength=6)
    assert counts.tolist() == [8, 2, 2, 8, 0, 0]
    assert sorted(set(fabric.node_domain.tolist())) == [-1, 0, 1]
    icn = fabric.link_class == LinkClass.SCALE_UP
    assert icn.sum() == 2 * 8
    assert fabric.link_bytes_per_s[icn] == pytest.approx(8 * 50e9 * 0.8)
    assert fabric.link_latency_s[icn] == pytest.approx(250e-9)
    assert (fabric.link_multiplicity[icn] == 8).all()


def test_a_mesh_rack_joins_every_pair_inside_a_domain() -> None:
    fabric = expand((element("r", "rack", DeviceKind.RACK),), (), catalog("mesh"))
    icn = fabric.link_class == LinkClass.SCALE_UP
    assert icn.sum() == 2 * 2 * 6
    assert np.bincount(fabric.node_kind, minlength=6)[NodeKind.SWITCH] == 0
    same = fabric.node_domain[fabric.link_source] == fabric.node_domain[fabric.link_target]
    assert same[icn].all()


def test_uplink_cables_spread_evenly_over_the_nics_and_keep_their_sum() -> None:
    elements = (
        element("r", "rack", DeviceKind.RACK),
        element("leaf", "switch", DeviceKind.SWITCH),
    )
    fabric = expand(elements, (link("l", "r", "leaf", Medium.ETHERNET, 4),), catalog())
    drawn = fabric.link_drawn == 0
    assert drawn.sum() == 2 * 8
    assert fabric.link_bytes_per_s[drawn][::2].sum() == pytest.approx(4 * 50e9 * 0.8)
    assert set(fabric.node_kind[fabric.link_source[drawn]]) == {NodeKind.NIC, NodeKind.SWITCH}
    assert fabric.link_latency_s[drawn] == pytest.approx(1e-6 + 50e-9)


def test_every_second_link_is_the_way_back() -> None:
    elements = (
        element("r", "rack", DeviceKind.RACK, 3),
        element("leaf", "switch", DeviceKind.SWITCH),
    )
    fabric = expand(elements, (link("l", "r", "leaf", Medium.ETHERNET, 4),), catalog())
    assert (fabric.link_source[::2] == fabric.link_target[1::2]).all()
    assert (fabric.link_target[::2] == fabric.link_source[1::2]).all()
    assert (fabric.link_bytes_per_s[::2] == fabric.link_bytes_per_s[1::2]).all()


def test_an_array_of_racks_equals_as_many_single_racks() -> None:
    leaf = element("leaf", "switch", DeviceKind.SWITCH)
    one = expand(
        (element("r", "rack", DeviceKind.RACK, 3), leaf),
        (link("l", "r", "leaf", Medium.ETHERNET, 4),),
        catalog(),
    )
    racks = tuple(element(f"r{i}", "rack", DeviceKind.RACK) for i in range(3))
    many = expand(
        (*racks, leaf),
        tuple(link(f"l{i}", f"r{i}", "leaf", Medium.ETHERNET, 4) for i in range(3)),
        catalog(),
    )
    assert (one.node_kind == many.node_kind).all()
    assert (one.node_domain == many.node_domain).all()
    assert (one.link_source == many.link_source).all()
    assert (one.link_target == many.link_target).all()
    assert (one.link_bytes_per_s == many.link_bytes_per_s).all()


def test_members_of_an_array_are_numbered_through() -> None:
    fabric = expand((element("r", "rack", DeviceKind.RACK, 3),), (), catalog())
    chips = fabric.node_kind == NodeKind.CHIP
    assert fabric.node_member[chips].tolist() == list(range(24))


def test_two_arrays_are_joined_member_by_member() -> None:
    elements = (
        element("leaf", "switch", DeviceKind.SWITCH, 3),
        element("spine", "switch", DeviceKind.SWITCH, 2),
    )
    fabric = expand(elements, (link("l", "leaf", "spine", Medium.ETHERNET, 2),), catalog())
    assert len(fabric.link_source) == 2 * 3 * 2
    assert fabric.link_bytes_per_s == pytest.approx(2 * 50e9 * 0.8)


def test_a_link_may_name_one_member_of_an_array() -> None:
    elements = (
        element("leaf", "switch", DeviceKind.SWITCH, 3),
        element("spine", "switch", DeviceKind.SWITCH),
    )
    fabric = expand(elements, (link("l", "leaf", "spine", Medium.ETHERNET, 1, 1),), catalog())
    assert fabric.link_source.tolist() == [1, 3]


def test_loose_chips_on_one_switch_are_one_domain() -> None:
    elements = (
        element("c", "chip", DeviceKind.CHIP, 4),
        element("s", "switch", DeviceKind.SWITCH),
    )
    fabric = expand(elements, (link("l", "c", "s", Medium.ICN, 2),), catalog())
    assert (fabric.node_domain == 0).all()
    assert (fabric.link_class == LinkClass.SCALE_UP).all()


def test_a_users_own_figure_replaces_that_of_the_catalogue() -> None:
    own = element(
        "r",
        "rack",
        DeviceKind.RACK,
        overrides={"pcie_bytes_per_s": Override(value=32e9, reason="x8")},
    )
    fabric = expand((own,), (), catalog())
    chips = fabric.node_kind[fabric.link_source] == NodeKind.CHIP
    hosts = fabric.node_kind[fabric.link_target] == NodeKind.HOST
    assert fabric.link_bytes_per_s[chips & hosts] == pytest.approx(32e9)


def test_whole_racks_are_one_node_each() -> None:
    fabric = expand((element("r", "rack", DeviceKind.RACK, 5),), (), catalog(), whole_racks=True)
    assert fabric.node_kind.tolist() == [6] * 5


def test_a_hall_expands_without_an_object_per_chip() -> None:
    elements = (
        element("r", "rack", DeviceKind.RACK, 1024),
        element("s", "switch", DeviceKind.SWITCH),
    )
    fabric = expand(elements, (link("l", "r", "s", Medium.ETHERNET, 4),), catalog())
    assert (fabric.node_kind == NodeKind.CHIP).sum() == 8 * 1024
    assert fabric.node_domain.max() == 2 * 1024 - 1
