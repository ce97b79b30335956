"""Batch prediction: columns, statuses, bands, and that nothing measured is used."""

import csv
import json
from pathlib import Path

import pytest

from engine.catalog.catalog import Catalog
from engine.cli import FAILED, OK, USAGE, main
from engine.study.predict import NEW_COLUMNS, predict_file, predict_row
from tests.engine.study.test_cells import ROW

CELLS = (
    ROW,
    {**ROW, "scenario": "prefill-latency-b1", "concurrency": "1", "osl": "1"},
    {**ROW, "scenario": "offline-max", "concurrency": "inf", "isl": "2048", "osl": "128"},
    {**ROW, "model": "Eliza"},
    {**ROW, "tp": "P4/D4", "scenario": "disagg-closed-loop"},
    {**ROW, "scenario": "static-batch", "concurrency": "4"},
)


def write(path: Path, rows: tuple[dict[str, str], ...]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["id", *ROW])
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({"id": str(number), **row})
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_comes_back_with_predictions_or_a_reason(tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.csv", CELLS), tmp_path / "out.csv"
    shares: list[float] = []
    counts = predict_file(source, target, jobs=1, progress=shares.append)
    rows = read(target)
    assert [row["id"] for row in rows] == list("012345")
    assert counts == {"ok": 4, "unknown model": 1, "disaggregated": 1}
    assert shares[-1] == 1.0
    assert set(NEW_COLUMNS) <= set(rows[0])
    for number in (0, 1, 2, 5):
        row = rows[number]
        assert row["status"] == "ok"
        main_metric = row["pred_band_of"]
        value = float(row[f"pred_{main_metric}"])
        assert float(row["pred_low"]) < value < float(row["pred_high"])
        assert row["pred_low"] == row[f"pred_{main_metric}_low"]
    assert [rows[n]["pred_band_of"] for n in (0, 1, 2)] == [
        "tpot_ms", "ttft_ms", "out_tok_s_per_accel",
    ]  # fmt: skip
    assert rows[1]["pred_tpot_ms"] == ""
    assert rows[3]["pred_ttft_ms"] == ""


def test_a_row_of_one_token_has_a_first_token_and_no_tpot(shop: Catalog) -> None:
    found = predict_row({**ROW, "osl": "1"}, shop)
    assert found["status"] == "ok"
    assert found["pred_band_of"] == "ttft_ms"
    assert "pred_tpot_ms" not in found
    assert float(found["pred_low"]) < float(found["pred_ttft_ms"]) < float(found["pred_high"])


def test_a_longer_static_prompt_takes_longer_whatever_the_budget(shop: Catalog) -> None:
    def first_token(isl: str) -> float:
        row = {**ROW, "scenario": "prefill-latency-b1", "concurrency": "1", "osl": "1", "isl": isl}
        return float(predict_row(row, shop)["pred_ttft_ms"])

    assert first_token("32768") > 3.5 * first_token("8192")


def test_processes_change_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", CELLS)
    predict_file(source, tmp_path / "one.csv", jobs=1)
    predict_file(source, tmp_path / "two.csv", jobs=2)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_what_was_measured_does_not_reach_a_prediction(shop: Catalog) -> None:
    blank = predict_row(ROW, shop)
    told = predict_row({**ROW, "tpot_ms_mean": "99", "out_tok_s_per_accel": "1"}, shop)
    assert blank == told


def test_a_prediction_is_stamped_out_again_in_place(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", CELLS[:1])
    predict_file(source, source, jobs=1)
    first = source.read_bytes()
    predict_file(source, source, jobs=1)
    assert source.read_bytes() == first


def test_more_clients_wait_longer_and_get_more_out_of_the_chips(shop: Catalog) -> None:
    few, many = (
        {k: float(v) for k, v in predict_row({**ROW, "concurrency": c}, shop).items()
         if k in ("pred_tpot_ms", "pred_out_tok_s_per_accel")}
        for c in ("2", "64")
    )  # fmt: skip
    assert many["pred_tpot_ms"] > few["pred_tpot_ms"]
    assert many["pred_out_tok_s_per_accel"] > 4 * few["pred_out_tok_s_per_accel"]


def test_the_verb_says_how_many_rows_have_which_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = write(tmp_path / "in.csv", CELLS[3:5]), tmp_path / "out.csv"
    assert main(["predict", "--in", str(source), "--out", str(target), "--json"]) == OK
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == 2
    assert report["statuses"] == {"unknown model": 1, "disaggregated": 1}
    assert target.exists()


def test_the_verb_predicts_collectives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "id,hardware,n,op,bytes,fabric,impl,note\n"
        'a,H100,8,all_reduce,1048576,"NVLink4+NVSwitch, 8-GPU node",NCCL 2.29.2,\n'
    )
    arguments = ["predict", "--collectives", "--in", str(source), "--out", str(target)]
    assert main(arguments) == OK
    row = read(target)[0]
    assert row["status"] == "ok"
    assert float(row["pred_low"]) < float(row["pred_time_us"]) < float(row["pred_high"])
    assert "1 rows" in capsys.readouterr().out


def test_a_table_that_is_none_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(b"")
    assert main(["predict", "--in", str(source), "--out", str(target)]) == FAILED
    assert "is empty" in capsys.readouterr().err
    assert not target.exists()
    assert main(["predict", "--in", str(source)]) == USAGE
