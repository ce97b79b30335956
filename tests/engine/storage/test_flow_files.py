"""The flows verb's files."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from engine.storage.flow_files import run_flow_files

LINKS = "link_id,name,bandwidth_Bps\n0,a,10\n1,b,5\n"
FLOWS = "flow_id,src,dst,start_s,size_B,route\n7,x,y,0,10,0\n8,x,y,0,10,0 1\n"


def files(folder: Path, links: str, flows: str) -> tuple[Path, Path, Path]:
    (folder / "l.csv").write_text(links)
    (folder / "f.csv").write_text(flows)
    return folder / "l.csv", folder / "f.csv", folder / "out.csv"


def test_finish_times_are_written_by_flow_id(tmp_path: Path) -> None:
    paths = files(tmp_path, LINKS, FLOWS)
    run_flow_files(*paths)
    rows = paths[2].read_text().split()
    assert rows[0] == "flow_id,finish_s"
    assert {row.split(",")[0]: float(row.split(",")[1]) for row in rows[1:]} == {
        "7": 2.0,
        "8": 2.0,
    }


@pytest.mark.parametrize(
    ("links", "flows", "named"),
    [
        (LINKS.replace("10", "ten"), FLOWS, "line 2"),
        (LINKS, FLOWS.replace("0 1", "0 9"), "line 3"),
        (LINKS, FLOWS.replace("size_B", "size"), "size_B"),
        (LINKS, FLOWS.replace(",0,10,0\n", ",0,-1,0\n"), "line 2"),
        ("", FLOWS, "l.csv"),
    ],
)
def test_a_wrong_value_names_its_place_and_nothing_is_written(
    tmp_path: Path, links: str, flows: str, named: str
) -> None:
    paths = files(tmp_path, links, flows)
    with pytest.raises(EngineError, match=named):
        run_flow_files(*paths)
    assert not paths[2].exists()


def finish(folder: Path, links: str, flows: str, changes: str = "") -> dict[str, float]:
    paths = files(folder, links, flows)
    (folder / "c.csv").write_text(changes)
    run_flow_files(*paths, folder / "c.csv" if changes else None)
    rows = [row.split(",") for row in paths[2].read_text().split()[1:]]
    return {row[0]: float(row[1]) for row in rows}


def test_latency_of_the_path_delays_and_weights_share_unevenly(tmp_path: Path) -> None:
    links = "link_id,name,bandwidth_Bps,latency_s\n0,a,10,0.5\n1,b,100,0.25\n"
    flows = "flow_id,src,dst,start_s,size_B,route,note,weight\n"
    flows += "7,x,y,0,10,0 1,,\n8,x,y,5,30,0,,3\n9,x,y,5,10,0,,1\n"
    assert finish(tmp_path, links, flows) == {"7": 1.75, "8": 9.5, "9": 9.5}


def test_a_link_fails_and_is_repaired_at_the_times_of_the_changes(tmp_path: Path) -> None:
    changes = "time_s,link_id,bandwidth_Bps\n3,0,10\n1,0,0\n"
    assert finish(tmp_path, LINKS, FLOWS, changes) == {"7": 4.0, "8": 4.0}
    with pytest.raises(EngineError, match="never end"):
        finish(tmp_path, LINKS, FLOWS, "time_s,link_id,bandwidth_Bps\n1,0,0\n")
    with pytest.raises(EngineError, match=r"line 2.*no link 'x'"):
        finish(tmp_path, LINKS, FLOWS, "time_s,link_id,bandwidth_Bps\n1,x,0\n")


def test_ten_orders_of_the_rows_give_the_same_digits(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    links = "link_id,name,bandwidth_Bps\n" + "".join(f"{i},l,{7 + i % 3}\n" for i in range(12))
    rows = [
        f"{number},x,y,{float(draw.integers(0, 3) / 7)!r},{float(draw.integers(1, 4) / 3)!r},"
        + " ".join(map(str, draw.permutation(12)[: draw.integers(1, 5)]))
        for number in range(80)
    ]
    head = "flow_id,src,dst,start_s,size_B,route\n"
    first = finish(tmp_path, links, head + "\n".join(rows) + "\n")
    for _ in range(10):
        mixed = [rows[i] for i in draw.permutation(len(rows))]
        assert finish(tmp_path, links, head + "\n".join(mixed) + "\n") == first
