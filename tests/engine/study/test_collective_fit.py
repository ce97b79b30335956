"""The fit finds what made its data, gives the same numbers twice, and pools what it has not seen."""

import csv
from pathlib import Path

import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.cost.collectives import chip_fabric, collective_s, load_collective_parameters
from engine.cost.collectives.parameters import load_calibration
from engine.errors import FileError
from engine.study.calibration.collective_fit import fit_rows, measured_rows, predict_rows
from engine.study.calibration.collective_records import weighted_quantiles
from engine.study.calibration.collectives import calibrate_collectives, fit_collectives
from engine.study.calibration.hierarchy import Factor, fit_pooled

SIZES = [2.0**k for k in range(9, 30, 3)]
OPS = ("all_reduce", "all_gather", "all_to_all")
CHIPS = {"A100-SXM-80G": "nvidia-a100-sxm-80g", "H100": "nvidia-h100", "L40S": "nvidia-l40s"}


def table(path: Path, shop: Catalog, factor: float, skip: tuple[str, str] = ("", "")) -> Path:
    """Times of the shipped model, all longer by a factor, with a little noise."""
    noise = np.random.default_rng(1)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["hardware", "n", "op", "bytes", "time_us", "impl", "cluster"])
        for name, chip in CHIPS.items():
            spec = shop.device(chip)
            fabric = chip_fabric(spec)
            parameters = load_collective_parameters(spec.family, "nccl", fabric.kind)
            for op in OPS:
                if (name, op) == skip:
                    continue
                for ranks in (2, 4, 8):
                    for size in SIZES:
                        seconds = collective_s(op, ranks, size, fabric, parameters) * factor
                        micros = seconds * 1e6 * float(noise.normal(1.0, 0.01))
                        writer.writerow(
                            [name, ranks, op, size, micros, "NCCL", f"{name}{ranks}{op}"]
                        )
    return path


def test_the_fit_finds_the_times_that_it_was_given(tmp_path: Path, shop: Catalog) -> None:
    rows = measured_rows(table(tmp_path / "t.csv", shop, 1.3), shop)
    found = predict_rows(fit_rows(rows), rows)
    error = np.abs(found / np.array([row.measured_s for row in rows]) - 1)
    assert len(rows) == 3 * 3 * 3 * len(SIZES)
    assert np.median(error) < 0.02
    assert error.max() < 0.12


def test_a_cell_that_was_not_seen_leans_on_its_chip_and_operation(
    tmp_path: Path, shop: Catalog
) -> None:
    seen = measured_rows(table(tmp_path / "a.csv", shop, 1.3, ("H100", "all_gather")), shop)
    everything = measured_rows(table(tmp_path / "b.csv", shop, 1.3), shop)
    fit = fit_rows(seen)
    new = [row for row in everything if (row.hardware, row.op) == ("nvidia-h100", "all_gather")]
    error = np.abs(predict_rows(fit, new) / np.array([row.measured_s for row in new]) - 1)
    assert np.median(error) < 0.15


def test_the_file_is_the_same_twice_and_readable(tmp_path: Path, shop: Catalog) -> None:
    source = table(tmp_path / "t.csv", shop, 1.3)
    lines = calibrate_collectives(source, tmp_path / "a.json")
    calibrate_collectives(source, tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    content = load_calibration(tmp_path / "a.json")
    assert {record.implementation for record in content.records} == {"nccl"}
    parameters = load_collective_parameters("hopper", kind="nvlink", path=tmp_path / "a.json")
    fabric = chip_fabric(shop.device("nvidia-h100"))
    shipped = load_collective_parameters("hopper", kind="nvlink")
    ratio = collective_s("all_gather", 8, 1e8, fabric, parameters) / collective_s(
        "all_gather", 8, 1e8, fabric, shipped
    )
    assert ratio == pytest.approx(1.3, rel=0.05)
    assert any("worst cells" in line for line in lines)


def test_the_report_scores_cells_and_bands(tmp_path: Path, shop: Catalog) -> None:
    report = fit_collectives(table(tmp_path / "t.csv", shop, 0.8)).report
    assert report.total.cells == 27
    assert report.total.median <= report.total.p90
    assert report.total.median < 0.03
    assert {part.name for part in report.parts} == {f"nccl {op}" for op in OPS}
    assert 0.5 < report.total.covered <= 1.0


def test_a_table_without_times_is_refused(tmp_path: Path, shop: Catalog) -> None:
    path = tmp_path / "t.csv"
    path.write_text("hardware,n,op,bytes,time_us\nH100,8,all_reduce,1024,\n")
    with pytest.raises(FileError, match="no row"):
        measured_rows(path, shop)


def test_levels_with_few_rows_stay_near_the_general_value() -> None:
    rng = np.random.default_rng(2)
    labels = ("a",) * 60 + ("b",) * 60 + ("c",)
    truth = np.array([0.3] * 60 + [0.5] * 60 + [2.0])
    measured = truth + rng.normal(0, 0.01, 121)
    rows = np.arange(121)
    fit = fit_pooled(
        lambda logs: (logs[:, 0], rows),
        measured,
        np.r_[np.full(120, 1.0), 0.01],
        np.zeros(1),
        [Factor(name="level", labels=labels, sigma=np.array([0.3]))],
    )
    mean, deviation = fit.estimate({"level": "a"})
    assert mean[0] == pytest.approx(0.3, abs=0.02)
    lone, wide = fit.estimate({"level": "c"})
    unseen, widest = fit.estimate({"level": "z"})
    assert unseen[0] == 0.0
    assert lone[0] < 1.5  # one row of small weight moves it little
    assert deviation[0] < wide[0] <= widest[0]


def test_quantiles_count_weights() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert weighted_quantiles(values, np.ones(4), (0.5,)) == [2.5]
    heavy = weighted_quantiles(values, np.array([100.0, 1.0, 1.0, 1.0]), (0.5,))
    assert heavy[0] < 1.1
