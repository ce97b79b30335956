"""Bands: reproducible, wider where less is known, around the nominal value."""

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.cost.curves import load_curves
from engine.cost.efficiency import Spread, basis_of, load_system, load_terms
from engine.cost.layers import Load
from engine.scenario.design import Deployment, Precision
from engine.study.design_bands import design_bands
from engine.study.pricing import TPOT, ledger_of, priced
from engine.study.schedule import static_batch
from engine.study.uncertainty import DRAWN, Bands, _two_piece, bands, spread_of
from tests.helpers import worlds

DEPLOYMENT = Deployment(model="qwen3_32b", precision=Precision.FP8, tp=4)
SCHEDULE = static_batch(64, 8192, 32)
LOAD = Load(8192.0, 8200.0)


def found(shop: Catalog, chip: str, **changes: int) -> Bands:
    return bands(
        SCHEDULE, DEPLOYMENT, shop.llm("qwen3_32b"), shop.device(chip), LOAD, load_curves(),
        load_system(), frontend_s=0.0, spreads=DRAWN, **changes,
    )  # fmt: skip


def nominal_tpot_s(shop: Catalog, chip: str) -> float:
    device = shop.device(chip)
    ledger = ledger_of(
        SCHEDULE, DEPLOYMENT, shop.llm("qwen3_32b"), device, LOAD, load_curves(), 0.0
    )
    return float(priced(ledger, load_terms(device.family, DEPLOYMENT))[TPOT])


@pytest.mark.parametrize("chip", ["nvidia-h100", "zhenwu-m890", "ascend-910b"])
def test_a_band_holds_the_nominal_value(shop: Catalog, chip: str) -> None:
    low, high = found(shop, chip).tpot_s
    assert 0 < low < nominal_tpot_s(shop, chip) < high


def test_equal_seeds_give_equal_bands_and_others_nearly(shop: Catalog) -> None:
    one, same, other = (found(shop, "zhenwu-m890", seed=s) for s in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    np.testing.assert_allclose(one.tpot_s, other.tpot_s, rtol=0.25)
    assert (one.tpot_s != other.tpot_s).any()


def test_an_unmeasured_chip_has_a_wider_band(shop: Catalog) -> None:
    def width(chip: str) -> float:
        low, high = found(shop, chip).tpot_s
        return float(high / low)

    assert width("zhenwu-m890") > 1.1 * width("nvidia-h100")


def test_a_wider_range_of_a_figure_widens_the_band(shop: Catalog) -> None:
    device = shop.device("zhenwu-m890")
    figure = device.figures["memory_bandwidth_bytes_per_s"]
    sure = msgspec.structs.replace(figure, low=figure.value, high=figure.value)
    figures = {**device.figures, "memory_bandwidth_bytes_per_s": sure}
    known = msgspec.structs.replace(device, figures=figures)

    def width(chip: object) -> float:
        low, high = bands(
            SCHEDULE, DEPLOYMENT, shop.llm("qwen3_32b"), chip, LOAD, load_curves(),  # type: ignore[arg-type]
            load_system(), frontend_s=0.0,
        ).tpot_s  # fmt: skip
        return float(high / low)

    assert width(device) > 1.05 * width(known)


def test_draws_of_a_lopsided_spread_have_its_quantiles() -> None:
    normal = np.random.default_rng(0).standard_normal(200_000)
    drawn = _two_piece(Spread(low=-0.1, high=0.4, rows=9), normal)
    assert np.quantile(drawn, [0.1, 0.9]) == pytest.approx([-0.1, 0.4], abs=0.01)


def test_spreads_of_the_shipped_fit_are_sensible() -> None:
    system = load_system()
    for metric in ("throughput", "burst", "static", "tpot", "prefill", "ttft"):
        spread = spread_of(system, metric, "hopper")
        assert -1.5 < spread.low < 0 < spread.high < 1.5
        wide = spread_of(system, metric, "zhenwu")
        assert wide.high - wide.low > system.spreads[metric]["all"].high - (
            system.spreads[metric]["all"].low
        )
    assert basis_of("zhenwu").kind == "prior"
    assert basis_of("hopper").kind == "fitted"
    assert basis_of("ascend").kind == "shrunken"


def test_a_design_names_its_band_and_what_it_rests_on(shop: Catalog) -> None:
    found = design_bands(worlds.eight_chips(shop), shop)
    assert found is not None
    assert found.tpot.low < 1 < found.tpot.high
    assert found.rate.low < 1 < found.rate.high
    assert found.basis.kind == "prior"
    assert "no published measurement" in found.sentence()


def test_a_design_without_chips_or_room_has_no_band(shop: Catalog) -> None:
    design = worlds.one_chip(shop)
    assert design_bands(msgspec.structs.replace(design, elements=()), shop) is None
    large = msgspec.structs.replace(design.deployment, model="deepseek_v3")
    assert design_bands(msgspec.structs.replace(design, deployment=large), shop) is None
