"""What may be linked, with the reason where it may not."""

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.findings import Severity
from engine.topology.changes import PutLinks
from engine.topology.elements import Element, Endpoint, Override
from engine.topology.generators import cable, draw
from engine.topology.model import Topology
from engine.topology.rules import (
    Proposal,
    Verdict,
    best_ports,
    check_topology,
    legal_targets,
    link_of,
    may_connect,
)


def drawn(shop: Catalog, **specs: str) -> Topology:
    return Topology([draw(shop, spec, name, name.title(), 0, 0) for name, spec in specs.items()])


def end(name: str, port: str) -> Endpoint:
    return Endpoint(element=name, port=port)


def test_one_gesture_joins_a_rack_and_a_leaf_by_all_free_ports(shop: Catalog) -> None:
    topology = drawn(shop, rack="panjiu-al128-2x64", leaf="hpn7-leaf")
    offer = best_ports(topology, shop, "rack", "leaf")
    assert isinstance(offer, Proposal)
    assert (offer.a.port, offer.b.port, offer.cables) == ("uplink", "port", 128)
    topology.apply(PutLinks((link_of(offer, "k"),)))
    again = best_ports(topology, shop, "rack", "leaf")
    assert isinstance(again, Verdict)
    assert "ports free" in again.reason


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (("chip", "icn"), ("leaf", "port"), "icn"),
        (("leaf", "port"), ("leaf", "port"), "two different"),
        (("leaf", "nose"), ("rack", "uplink"), "no port"),
        (("ghost", "x"), ("rack", "uplink"), "no element"),
        (("gate", "eth"), ("store", "eth"), "switch"),
    ],
)
def test_refusals_say_why(
    shop: Catalog, a: tuple[str, str], b: tuple[str, str], reason: str
) -> None:
    topology = drawn(
        shop, chip="zhenwu-m890", leaf="hpn7-leaf", rack="panjiu-al128-2x64",
        gate="client-gateway", store="flash-storage",
    )  # fmt: skip
    verdict = may_connect(topology, shop, end(*a), end(*b))
    assert not verdict.ok
    assert reason in verdict.reason


def test_a_named_port_is_kept(shop: Catalog) -> None:
    topology = drawn(shop, chip="zhenwu-m890", host="x86-host")
    offer = best_ports(topology, shop, "chip", "host", "pcie")
    assert isinstance(offer, Proposal)
    assert offer.a.port == "pcie"
    refused = best_ports(topology, shop, "chip", "host", "icn")
    assert isinstance(refused, Verdict)


def test_targets_tell_before_the_release(shop: Catalog) -> None:
    topology = drawn(shop, rack="panjiu-al128-2x64", leaf="hpn7-leaf", chip="zhenwu-m890")
    verdicts = legal_targets(topology, shop, "rack")
    assert verdicts["leaf"].ok
    assert not verdicts["chip"].ok
    assert verdicts["chip"].reason


def test_findings_name_what_is_wrong(shop: Catalog) -> None:
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0)
    alone = draw(shop, "hpn7-leaf", "alone", "Alone", 0, 0)
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(2)]
    over = [cable(shop, f"k{i}", (rack, "uplink"), (leaf, "port"), 128) for i, rack in
            enumerate(racks)]  # fmt: skip
    found = check_topology(Topology([leaf, alone, *racks], over), shop)
    codes = {finding.code: finding for finding in found}
    assert codes["port-twice"].subject == "leaf"
    assert codes["alone"].subject == "alone"
    assert codes["alone"].severity is Severity.WARNING


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_own_values_that_cannot_be_are_errors(shop: Catalog, value: float) -> None:
    chip = draw(shop, "zhenwu-m890", "chip", "Chip", 0, 0)
    own: Element = msgspec.structs.replace(
        chip, overrides={"power_w": Override(value=value, reason="test")}
    )
    assert "bad-figure" in {f.code for f in check_topology(Topology([own]), shop)}


def test_an_unknown_device_is_an_error_not_a_crash(shop: Catalog) -> None:
    chip = msgspec.structs.replace(draw(shop, "zhenwu-m890", "c", "C", 0, 0), spec="gone")
    assert [f.code for f in check_topology(Topology([chip]), shop)] == ["unknown-device"]
