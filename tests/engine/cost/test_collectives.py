"""Collectives: closed forms, the fitted curve's monotony, the library's choice, the fallbacks."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.cost import collectives as c
from engine.cost.collectives import Algorithm, CollectiveFabric
from engine.cost.collectives.curve import power_sum
from engine.cost.collectives.parameters import NAMES, load_calibration
from engine.cost.collectives.serving import own_limit_bytes
from engine.cost.collectives.work import OPS, algorithms_of, distinct
from engine.errors import CatalogError

MIB = 2.0**20
NODE = CollectiveFabric(
    port_bytes_per_s=450e9, hop_s=0.95e-6, in_switch=True, kind="nvlink", ranks_per_domain=8
)
HOPPER = c.load_collective_parameters("hopper", "nccl", "nvlink")


def test_textbook_forms() -> None:
    assert c.all_reduce_s(8, 1e9, 1e11) == pytest.approx(2 * 7 / 8 * 1e-2)
    assert c.all_gather_s(4, 1e9, 1e11, 1e-6) == pytest.approx(0.75e-2 + 3e-6)
    assert c.reduce_scatter_s(4, 1e9, 1e11) == c.all_gather_s(4, 1e9, 1e11)
    assert c.all_to_all_s(128, 65536, 50e9) == pytest.approx(166.461e-6, rel=1e-5)
    assert c.all_to_all_oversubscribed_s(1024, 128, 4, 65536, 50e9) == pytest.approx(
        4.69762e-3, rel=1e-5
    )
    assert c.point_to_point_s(1e9, 1e11, 2e-6) == pytest.approx(1.0002e-2)


@pytest.mark.parametrize(
    ("op", "algorithm", "port", "nic"),
    [
        ("all_reduce", Algorithm.RING, 2 * 15 / 16, 2 * 15 / 16 / 8),
        ("all_reduce", Algorithm.TREE, 2 * 7 / 8, 2 * 1 / 2 / 8),
        ("all_gather", Algorithm.RING, 15 / 16, 1 / 16),
        ("reduce_scatter", Algorithm.RING, 15 / 16, 1 / 16),
        ("all_to_all", Algorithm.DIRECT, 7 / 16, 8 / 16),
        ("ep_dispatch_ll", Algorithm.DIRECT, 7 / 16, 8 / 16),
    ],
)
def test_bytes_of_two_domains_of_eight(
    op: str, algorithm: Algorithm, port: float, nic: float
) -> None:
    work = c.work_of(op, algorithm, 16, NODE)
    assert work.port == pytest.approx(port)
    assert work.nic == pytest.approx(nic)


@pytest.mark.parametrize(
    ("algorithm", "port"),
    [
        (Algorithm.RING, 14 / 8),
        (Algorithm.ONE_SHOT, 7),
        (Algorithm.TWO_SHOT, 14 / 8),
        (Algorithm.IN_SWITCH, 9 / 8),
    ],
)
def test_bytes_of_an_all_reduce_in_one_domain(algorithm: Algorithm, port: float) -> None:
    work = c.work_of("all_reduce", algorithm, 8, NODE)
    assert work.port == pytest.approx(port)
    assert work.nic == 0.0


def test_dispatch_sends_one_copy_to_each_node_that_a_token_goes_to() -> None:
    hit = 2 * (1 - 0.5**8)
    assert distinct(2, 8) == pytest.approx(hit)
    work = c.work_of("ep_dispatch_ht", Algorithm.DIRECT, 16, NODE)
    assert work.nic == pytest.approx(hit / 2 / 8)
    limited = c.work_of(
        "ep_dispatch_ht", Algorithm.DIRECT, 64, NODE, c.ExpertTraffic(top_k=8, node_limit=4)
    )
    assert limited.nic == pytest.approx(4 * (1 - 0.75**8) * 7 / 8 / 8)
    assert limited.fan_out == 0.0
    assert c.work_of("ep_dispatch_ht", Algorithm.DIRECT, 64, NODE).fan_out > 1.0


def test_the_power_sum_joins_floor_and_volume() -> None:
    floor, volume = np.array(3.0), np.array([0.0, 4.0, 1e300])
    assert power_sum(floor, volume, np.array(2.0))[:2].tolist() == [3.0, 5.0]
    assert power_sum(floor, volume, np.array(0.6))[2] == pytest.approx(1e300)


@settings(max_examples=80, deadline=None)
@given(
    op=st.sampled_from(OPS),
    ranks=st.integers(2, 256),
    size=st.floats(0, 1e12),
    more=st.floats(1, 1e3),
    family=st.sampled_from(["ampere", "hopper", "blackwell", "cdna3", "ascend", "zhenwu", ""]),
    kind=st.sampled_from(["nvlink", "xgmi", "hccs", "icn", "pcie"]),
)
def test_more_bytes_are_never_faster_nor_a_better_fabric_slower(
    op: str, ranks: int, size: float, more: float, family: str, kind: str
) -> None:
    fabric = replace(NODE, kind=kind, in_switch=kind == "nvlink")
    parameters = c.load_collective_parameters(family, "nccl", kind)
    for option in algorithms_of(op, ranks, fabric):
        here = c.collective_s(op, ranks, size, fabric, parameters, option)
        assert math.isfinite(here)
        assert here > 0
        larger = c.collective_s(op, ranks, size * more, fabric, parameters, option)
        assert larger >= here * (1 - 1e-12)
        for better in (
            replace(fabric, port_bytes_per_s=fabric.port_bytes_per_s * more),
            replace(fabric, nic_bytes_per_s=fabric.nic_bytes_per_s * more),
            replace(fabric, hop_s=fabric.hop_s / more),
            replace(fabric, nic_latency_s=fabric.nic_latency_s / more),
        ):
            quicker = c.collective_s(op, ranks, size, better, parameters, option)
            assert quicker <= here * (1 + 1e-12)
        slower = replace(fabric, oversubscription=more)
        late = c.collective_s(op, ranks, size, slower, parameters, option)
        assert late >= here * (1 - 1e-12)


def test_sizes_may_be_an_array() -> None:
    sizes = np.array([0.0, 1e3, 1e6, 1e9])
    times = c.collective_s("all_gather", 8, sizes, NODE, HOPPER)
    assert times.shape == sizes.shape
    for size, value in zip(sizes, times, strict=True):
        assert c.collective_s("all_gather", 8, float(size), NODE, HOPPER) == pytest.approx(value)
    assert (np.diff(times) > 0).all()
    assert c.collective_s("all_gather", 1, sizes, NODE, HOPPER).tolist() == [0.0] * 4


@pytest.mark.parametrize("size", [-1.0, math.nan, math.inf])
def test_a_size_that_is_none_is_refused(size: float) -> None:
    with pytest.raises(ValueError, match="sizes"):
        c.collective_s("all_reduce", 8, size, NODE, HOPPER)
    with pytest.raises(ValueError, match="all_reduce"):
        c.work_of("sum", Algorithm.RING, 8, NODE)


def test_the_switch_adds_up_large_messages() -> None:
    large = c.choose("all_reduce", 8, 1e9, NODE, HOPPER)
    assert large.algorithm is Algorithm.IN_SWITCH
    plain = replace(NODE, in_switch=False)
    ring = c.choose("all_reduce", 8, 1e9, plain, HOPPER)
    assert ring.algorithm is Algorithm.RING
    assert ring.seconds > large.seconds
    assert c.choose("all_reduce", 2, 1e9, NODE, HOPPER).algorithm is Algorithm.RING
    assert c.choose("all_reduce", 16, 1e9, NODE, HOPPER).algorithm in (
        Algorithm.RING,
        Algorithm.TREE,
    )
    forced = c.collective_s("all_reduce", 8, 1e9, NODE, HOPPER, Algorithm.RING)
    assert forced == pytest.approx(ring.seconds)


@pytest.mark.parametrize(
    ("chip", "bus", "tolerance"),
    [
        ("nvidia-a100-sxm-80g", 230e9, 0.10),
        ("nvidia-h100", 480e9, 0.10),
        ("nvidia-h200", 475e9, 0.10),
    ],
)
def test_bus_bandwidth_of_eight_chips_is_the_known(
    shop: Catalog, chip: str, bus: float, tolerance: float
) -> None:
    spec, size = shop.device(chip), 4e9
    fabric = c.chip_fabric(spec)
    parameters = c.load_collective_parameters(spec.family, "nccl", fabric.kind)
    seconds = c.collective_s("all_reduce", 8, size, fabric, parameters)
    assert 2 * 7 / 8 * size / seconds == pytest.approx(bus, rel=tolerance)


def test_a_mesh_of_links_gives_few_ranks_few_links(shop: Catalog) -> None:
    fabric = c.chip_fabric(shop.device("amd-mi300x"))
    assert fabric.usable_port_bytes_per_s(8) == pytest.approx(448e9)
    assert fabric.usable_port_bytes_per_s(2) == pytest.approx(64e9)
    assert c.chip_fabric(shop.device("nvidia-h100")).usable_port_bytes_per_s(2) == 450e9


def test_an_engine_runs_the_better_of_its_kernels() -> None:
    sizes = np.array([1e3, 1e5, 1e6, 32 * MIB, 65 * MIB, 1e9])
    for name in ("vllm", "trtllm"):
        own = c.serving_all_reduce_s(8, sizes, NODE, "hopper", name)
        general = c.collective_s("all_reduce", 8, sizes, NODE, HOPPER)
        assert (own <= general * (1 + 1e-12)).all()
        assert own[0] < 0.6 * general[0]  # 16 us of NCCL against 5 us and less
        assert own[-1] == pytest.approx(general[-1])
        assert (np.diff(own) > 0).all()
    across = c.serving_all_reduce_s(16, sizes, NODE, "hopper", "vllm")
    assert across.tolist() == c.collective_s("all_reduce", 16, sizes, NODE, HOPPER).tolist()
    assert own_limit_bytes("vllm", "ampere", 8, "nvlink") < 8 * MIB
    assert own_limit_bytes("vllm", "hopper", 8, "pcie") == 0.0


def test_fabrics_without_measurements_take_their_class_with_a_wider_range() -> None:
    measured = HOPPER.estimates_of("all_reduce", Algorithm.RING)
    prior = c.load_collective_parameters("zhenwu", "nccl", "icn").estimates_of(
        "all_reduce", Algorithm.RING
    )
    assert measured["efficiency"].rows > 0
    assert prior["efficiency"].rows == 0
    for name in ("launch_s", "step_s", "efficiency"):
        wide = prior[name].high / prior[name].low
        assert wide > measured[name].high / measured[name].low, name


def test_shipped_records_are_whole_and_inside_their_ranges() -> None:
    content = load_calibration()
    assert len(content.records) > 100
    for record in content.records:
        assert set(record.estimates) == set(NAMES)
        for name, estimate in record.estimates.items():
            assert estimate.low <= estimate.value <= estimate.high, (record.key, name)
    for spread in content.spreads:
        assert spread.low <= 1.0 <= spread.high


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version":"1","source":"x","records":[{}]}'])
def test_a_damaged_calibration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "collectives.json"
    path.write_text(text)
    with pytest.raises(CatalogError, match=r"collectives\.json"):
        c.load_collective_parameters("hopper", path=path)
    with pytest.raises(CatalogError, match="cannot be read"):
        c.load_collective_parameters("hopper", path=tmp_path / "none.json")


def test_a_calibration_that_lacks_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "collectives.json"
    path.write_text(
        '{"version":"1","source":"x","spreads":[],"records":[{"implementation":"nccl","rows":0,'
        '"key":"all_reduce:ring","estimates":{"launch_s":{"value":1e-6,"low":1e-7,"high":1e-5}}}]}'
    )
    with pytest.raises(CatalogError, match="lacks step_s"):
        c.load_collective_parameters("hopper", path=path)
