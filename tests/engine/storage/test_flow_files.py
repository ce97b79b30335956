"""The flows verb's files."""

from pathlib import Path

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
