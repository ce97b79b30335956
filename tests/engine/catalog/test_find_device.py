"""Public names lead to the chip that they mean, and every chip knows its family."""

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.device_names import find_by_name, plain_name
from engine.catalog.devices import DeviceKind

PUBLIC = {
    "H100": "nvidia-h100", "H100-PCIe": "nvidia-h100-pcie", "H200": "nvidia-h200",
    "H800": "nvidia-h800", "H20": "nvidia-h20", "GH200-144G": "nvidia-gh200-144g",
    "B200": "nvidia-b200", "B300": "nvidia-b300", "GB200": "nvidia-gb200",
    "GB300": "nvidia-gb300", "A100-SXM-80G": "nvidia-a100-sxm-80g",
    "A100-SXM-40G": "nvidia-a100-sxm-40g", "A100-PCIe-80G": "nvidia-a100-pcie-80g",
    "L40S": "nvidia-l40s", "RTXPRO6000": "nvidia-rtxpro6000", "MI300X": "amd-mi300x",
    "MI325X": "amd-mi325x", "MI350X": "amd-mi350x", "MI355X": "amd-mi355x",
    "Ascend-910B": "ascend-910b", "Ascend 910C": "ascend-910c", "RTX 4090": "nvidia-rtx4090",
    "NVIDIA H100 80GB HBM3": "nvidia-h100", "nvidia_h100": "nvidia-h100",
    "AMD Instinct MI300X": "amd-mi300x", "  m890 ": "zhenwu-m890",
}  # fmt: skip
FAMILIES = {
    "ampere", "ada", "hopper", "blackwell", "blackwell-rtx", "cdna2", "cdna3", "cdna4", "ascend",
    "zhenwu",
}  # fmt: skip


@pytest.mark.parametrize(("name", "wanted"), PUBLIC.items())
def test_public_names_are_found(shop: Catalog, name: str, wanted: str) -> None:
    found = shop.find_device(name)
    assert found is not None
    assert found.id == wanted


@pytest.mark.parametrize("name", ["", "  ", "-", "nvidia", "H10", "H1000", "x" * 100_000])
def test_other_names_are_none(shop: Catalog, name: str) -> None:
    assert shop.find_device(name) is None


def test_every_name_leads_back_to_its_own_device(shop: Catalog) -> None:
    for spec in shop.devices.values():
        assert shop.find_device(spec.id) is spec
        assert shop.find_device(spec.name) is spec, spec.name
        for alias in spec.aliases:
            assert shop.find_device(alias) is spec, alias


def test_chips_have_a_family_and_dense_rates_in_order(shop: Catalog) -> None:
    for spec in shop.devices.values():
        if spec.kind is not DeviceKind.CHIP:
            assert not spec.family, spec.id
            continue
        assert spec.family in FAMILIES, spec.id
        bf16, fp8, fp4 = (spec.value(f"{x}_flops") for x in ("bf16", "fp8", "fp4"))
        assert bf16 > 0, spec.id
        assert not fp8 or 1.9 <= fp8 / bf16 <= 2.1, spec.id
        assert not fp4 or 1.9 <= fp4 / fp8 <= 4.1, spec.id
        ports = max((p.count * p.bandwidth_bytes_per_s.value for p in spec.ports), default=0.0)
        assert ports == pytest.approx(spec.value("scale_up_bytes_per_s"), rel=0.02), spec.id


def test_chips_of_measured_systems_know_their_multiprocessors(shop: Catalog) -> None:
    for wanted in set(PUBLIC.values()):
        figure = shop.device(wanted).figure("multiprocessors")
        assert figure is not None, wanted
        assert 8 <= figure.value <= 400
        assert figure.value == int(figure.value)


def test_an_id_goes_before_an_alias_of_another(shop: Catalog) -> None:
    h100, h200 = shop.device("nvidia-h100"), shop.device("nvidia-h200")
    assert find_by_name([h200, h100], "h100") is h100
    assert plain_name(" H100_SXM-80.G ") == "h100sxm80g"
