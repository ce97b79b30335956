"""A table of collectives comes back with a time, a band and a status for every row."""

import csv
import io
import math
from pathlib import Path

import pytest

from engine.catalog.catalog import Catalog
from engine.errors import FileError
from engine.study.collective_rows import CollectiveRow, implementation_of, read_row
from engine.study.predict_collectives import predict_collectives

COLUMNS = (
    "id,source,hardware,n,op,bytes,time_us,busbw_GBs,note,fabric,impl,license,tier,cluster,split"
)
LL = "128 tokens/rank, hidden 7168, top-8, FP8 dispatch BF16 combine; RDMA logical bandwidth"
HT = "4096 tokens/rank, hidden 7168, top-4 groups, top-8, FP8 dispatch BF16 combine"
ROWS = (
    "a,s,H100,8,all_reduce,67108864,,,,NVLink4+NVSwitch,NCCL 2.29,x,A,c1,t",
    "b,s,A100-SXM-80G,4,all_gather,1048576,,,,NVLink3+NVSwitch,NCCL 2.27,x,A,c2,t",
    "c,s,L40S,8,reduce_scatter,1048576,,,,PCIe Gen4,NCCL,x,A,c3,t",
    "d,s,B200,8,all_reduce,262144,,,,NVLink5,vllm 0.24 custom all-reduce,x,A,c4,t",
    f'e,s,H100,16,ep_dispatch_ll,,,,"{LL}",8x400G IB pure RDMA (NVLink disabled),DeepEP LL,x,A,c5,t',
    f'f,s,H200,32,ep_combine_ht,,,,"{HT}",NVLink / EFA 16x200G (p5en),UCCL-EP normal,x,A,c6,t',
    'g,s,GB200,64,alltoall_dispatch,,,,"64 tokens per rank, hidden 7168, top-8, 256 experts, '
    'dtype nvfp4, balanced routing",NVL72,TensorRT-LLM NVLinkTwoSided,x,B,c7,t',
    "h,s,MI300X,2,rdma_read_batch128,1048576,,,,Broadcom Thor2 400G RoCE 1 NIC,MORI-IO,x,A,c8,t",
    "i,s,GB300,8,all_reduce,67108864,,,,NVLink5,NCCL,x,A,c9,t",
    "j,s,SM90,16,all_to_all,1048576,,,,CX7 RDMA,NCCL,x,A,c10,t",
)  # fmt: skip
BAD = {
    "k,s,TPUv9,8,all_reduce,1024,,,,,NCCL,x,A,c,t": "unknown hardware 'TPUv9'",
    "l,s,H100,8,telepathy,1024,,,,,NCCL,x,A,c,t": "unknown op 'telepathy'",
    "m,s,H100,8,all_reduce,,10,,,,NCCL,x,A,c,t": "no size",
    "n,s,H100,many,all_reduce,1024,,,,,NCCL,x,A,c,t": "n 'many' is no number",
    "o,s,H100,8,all_reduce,-5,,,,,NCCL,x,A,c,t": "bytes -5 is not a number from 0 to 1e+15",
    "p,s,H100,,all_reduce,1024,,,,,NCCL,x,A,c,t": "no n",
    "q,s,H100,2.5,all_reduce,1024,,,,,NCCL,x,A,c,t": "n 2.5 is not a number from 1 to 1e+06",
    "r,s,H100,8,all_reduce,inf,,,,,NCCL,x,A,c,t": "bytes inf is not a number from 0 to 1e+15",
    "s,s,,8,all_reduce,1024,,,,,NCCL,x,A,c,t": "no hardware",
    "t,s,H100,8,,1024,,,,,NCCL,x,A,c,t": "no op",
}


def run(tmp_path: Path, text: str) -> list[dict[str, str]]:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(text.encode())
    predict_collectives(source, target)
    return list(csv.DictReader(io.StringIO(target.read_text())))


def test_every_kind_of_row_is_predicted_inside_its_band(tmp_path: Path) -> None:
    rows = run(tmp_path, "\n".join([COLUMNS, *ROWS]))
    assert [row["id"] for row in rows] == list("abcdefghij")
    for row in rows:
        assert row["status"] == "ok", row
        low, middle, high = (
            float(row[name]) for name in ("pred_low", "pred_time_us", "pred_high")
        )
        assert 1.0 < low <= middle <= high < 1e6, row


def test_bad_cells_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = run(tmp_path, "\n".join([COLUMNS, *BAD, ROWS[0]]))
    for row, reason in zip(rows, BAD.values(), strict=False):
        assert row["status"] == reason
        assert row["pred_time_us"] == row["pred_low"] == row["pred_high"] == ""
    assert rows[-1]["status"] == "ok"


def test_counts_say_how_many_rows_have_each_status(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("\n".join([COLUMNS, *ROWS, *list(BAD)[:1]]))
    counts = predict_collectives(source, tmp_path / "out.csv")
    assert counts["ok"] == len(ROWS)
    assert sum(counts.values()) == len(ROWS) + 1


def test_measured_columns_change_nothing(tmp_path: Path) -> None:
    blank = run(tmp_path, "\n".join([COLUMNS, *ROWS]))
    filled = [row.replace(",,,", ",1,2,", 1) if ",67108864,,," in row else row for row in ROWS]
    assert filled != list(ROWS)
    for old, new in zip(blank, run(tmp_path, "\n".join([COLUMNS, *filled])), strict=True):
        assert old["pred_time_us"] == new["pred_time_us"]


def test_columns_may_be_missing_more_or_marked(tmp_path: Path) -> None:
    text = (
        "\ufeffop,hardware,extra,n,bytes\nall_reduce,H100, keep me ,8,1048576\nall_reduce,H100\n"
    )
    first, second = run(tmp_path, text)
    assert first["extra"] == " keep me "
    assert first["status"] == "ok"
    assert second["status"] == "no n"
    again = run(tmp_path, (tmp_path / "out.csv").read_text())
    assert again[0] == first


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"\n\n"])
def test_what_is_no_table_is_refused_and_nothing_written(tmp_path: Path, data: bytes) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(data)
    with pytest.raises(FileError, match=r"in\.csv"):
        predict_collectives(source, target)
    assert not target.exists()
    with pytest.raises(FileError, match="cannot be read"):
        predict_collectives(tmp_path / "none.csv", target)


def cells(line: str) -> dict[str, str]:
    return next(csv.DictReader(io.StringIO(f"{COLUMNS}\n{line}\n")))


def parsed(line: str, shop: Catalog) -> CollectiveRow:
    row = read_row(0, cells(line), shop)
    assert row.problem == ""
    assert row.fabric is not None
    return row


def test_sizes_come_from_notes(shop: Catalog) -> None:
    assert parsed(ROWS[4], shop).size_bytes == 128 * 8 * (7168 + 7168 / 32)
    assert parsed(ROWS[5], shop).size_bytes == 4096 * 8 * 2 * 7168
    assert parsed(ROWS[6], shop).size_bytes == 64 * 8 * (7168 / 2 + 7168 / 16)
    assert parsed(ROWS[5], shop).traffic.node_limit == 4


def test_fabrics_come_from_their_text(shop: Catalog) -> None:
    pure, efa, rdma = (parsed(ROWS[i], shop).fabric for i in (4, 5, 7))
    assert pure is not None
    assert efa is not None
    assert rdma is not None
    assert pure.ranks_per_domain == 1
    assert pure.nic_bytes_per_s == 50e9
    assert efa.nic_bytes_per_s == 50e9  # 16 x 200G for eight GPUs
    assert efa.nic_latency_s > pure.nic_latency_s
    assert rdma.ranks_per_domain == 1
    few = parsed(
        "z,s,H100,2,all_reduce,1e6,,,,\"2 nodes, 1 GPU each, 4 x 400G NIC, RoCE\",NCCL,x,A,c,t",
        shop,
    ).fabric  # fmt: skip
    assert few is not None
    assert few.ranks_per_domain == 1
    assert few.nic_bytes_per_s == 50e9


def test_times_come_from_bandwidths(shop: Catalog) -> None:
    ring = parsed("z,s,H100,8,all_reduce,1e9,,250,,NVLink,NCCL,x,A,c,t", shop)
    assert ring.measured_s == pytest.approx(1e9 * 14 / 8 / 250e9)
    line = f'z,s,H100,16,ep_dispatch_ht,,,79.7,"{HT}",NVLink + 8x400G IB,DeepEP V1,x,A,c,t'
    copies = 2 * (1 - 0.5**8)
    assert parsed(line, shop).measured_s == pytest.approx(4096 * 7392 * copies / 79.7e9)
    assert parsed(ROWS[0], shop).measured_s is None
    odd = parsed("z,s,H100,8,all_reduce,1e9,nan,250,,NVLink,NCCL,x,A,c,t", shop)
    assert odd.measured_s is None


@pytest.mark.parametrize(
    ("text", "op", "name"),
    [
        ("NCCL 2.29.2 (nccl-tests)", "all_reduce", "nccl"),
        ("vllm 0.24.0 custom all-reduce", "all_reduce", "vllm"),
        ("trtllm 1.3 custom all-reduce", "all_reduce", "trtllm"),
        ("TensorRT-LLM NVLinkOneSided", "alltoall_dispatch", "trtllm-one-sided"),
        ("DeepEP V2 12 SM", "ep_dispatch_ht", "deepep"),
        ("UCCL-EP LL", "ep_combine_ll", "uccl"),
        ("something new", "ep_combine_ll", ""),
        ("", "all_to_all", "nccl"),
    ],
)
def test_libraries_are_known_by_their_texts(text: str, op: str, name: str) -> None:
    assert implementation_of(text, op) == name


def test_a_new_library_is_predicted_with_the_band_of_all(tmp_path: Path) -> None:
    line = f'z,s,H100,16,ep_dispatch_ll,,,,"{LL}",8x400G IB,Novel EP,x,A,c,t'
    (row,) = run(tmp_path, f"{COLUMNS}\n{line}")
    assert row["status"] == "ok"
    assert math.log(float(row["pred_high"]) / float(row["pred_low"])) > 0.2
