"""Which chips a replica takes, on fabrics of a few chips."""

import msgspec
import numpy as np
import pytest

from engine.errors import ScenarioError
from engine.scenario.design import Deployment
from engine.sim.codes import NodeKind
from engine.sim.placement import place
from engine.sim.tables import FabricTables


def chips_in_domains(domains: list[int], elements: list[int]) -> FabricTables:
    count = len(domains)
    empty4, empty8 = np.empty(0, np.int32), np.empty(0)
    return FabricTables(
        node_kind=np.full(count, NodeKind.CHIP, np.int8),
        node_element=np.array(elements, np.int32),
        node_member=np.arange(count, dtype=np.int32),
        node_domain=np.array(domains, np.int32),
        link_source=empty4,
        link_target=empty4,
        link_bytes_per_s=empty8,
        link_latency_s=empty8,
        link_class=np.empty(0, np.int8),
        link_drawn=empty4,
        link_multiplicity=empty4,
    )


def test_replicas_stay_inside_a_domain_while_they_fit() -> None:
    fabric = chips_in_domains([0, 1] * 4, [0] * 8)
    placed = place(Deployment(tp=2), fabric, ("a",), ("m890",))
    assert placed.chips.tolist() == [[0, 2], [4, 6], [1, 3], [5, 7]]
    assert placed.unused_chips == 0


def test_left_over_chips_of_domains_make_a_spanning_replica() -> None:
    fabric = chips_in_domains([0, 0, 0, 1, 1, 1], [0] * 6)
    placed = place(Deployment(tp=2), fabric, ("a",), ("m890",))
    assert placed.chips.tolist() == [[0, 1], [3, 4], [2, 5]]


def test_an_asked_number_of_replicas_leaves_the_rest_unused() -> None:
    fabric = chips_in_domains([0] * 8, [0] * 8)
    placed = place(Deployment(tp=2, replicas=3), fabric, ("a",), ("m890",))
    assert placed.chips.shape == (3, 2)
    assert placed.unused_chips == 2


def test_too_few_chips_are_refused_with_both_numbers() -> None:
    fabric = chips_in_domains([0] * 8, [0] * 8)
    with pytest.raises(ScenarioError, match=r"2 replica\(s\) of 8 chips need 16, .* has 8"):
        place(Deployment(tp=8, replicas=2), fabric, ("a",), ("m890",))


def test_no_chip_at_all_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no chip"):
        place(Deployment(tp=1), chips_in_domains([], []), ("a",), ("",))


def test_mixed_chips_are_refused_unless_the_elements_are_named() -> None:
    fabric = chips_in_domains([0, 0, 1, 1], [0, 0, 1, 1])
    with pytest.raises(ScenarioError, match="different kinds"):
        place(Deployment(tp=2), fabric, ("a", "b"), ("m890", "h20"))
    chosen = msgspec.structs.replace(Deployment(tp=2), chips=("b",))
    assert place(chosen, fabric, ("a", "b"), ("m890", "h20")).chips.tolist() == [[2, 3]]
