"""Damaged designs: what is whole is read, the rest is named, nothing crashes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.errors import FileError, NewerVersionError, NotOursError
from engine.storage.project_file import decode_design, encode_design, load_design
from engine.storage.salvage import salvage_design

SHOP = load_catalog()
DESIGN = load_design(resource_path("examples", "al128-agents.rackflow")).design
TEXT = encode_design(DESIGN, SHOP).decode()


def damaged(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    raw = json.loads(TEXT)
    change(raw)
    path = folder / "d.rackflow"
    path.write_text(json.dumps(raw))
    return path


def test_a_whole_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "d.rackflow"
    path.write_text(TEXT)
    assert salvage_design(path) == (DESIGN, ())


def test_a_broken_device_with_a_place_stays_as_a_placeholder(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["elements"][0]["count"] = "many"

    found = salvage_design(damaged(tmp_path, change))
    first = DESIGN.elements[0]
    assert (found.design.elements[0].id, found.design.elements[0].x) == (first.id, first.x)
    assert len(found.design.links) == len(DESIGN.links)
    assert len(found.missing) == 1
    assert "placeholder" in found.missing[0]


def test_links_and_sections_that_are_broken_are_left_out_and_named(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["links"][0]["a"]["element"] = "nobody"
        raw["links"][1] = 7
        raw["deployment"]["tp"] = "eight"

    found = salvage_design(damaged(tmp_path, change))
    assert len(found.design.links) == len(DESIGN.links) - 2
    assert found.design.deployment.tp == 8
    assert found.design.workload == DESIGN.workload
    assert len(found.missing) == 3


def test_ids_that_are_there_twice_are_kept_once(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["elements"].append(raw["elements"][0])

    found = salvage_design(damaged(tmp_path, change))
    assert found.design.elements == DESIGN.elements
    assert "twice" in found.missing[0]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97])
def test_of_a_file_that_breaks_off_the_beginning_is_read(tmp_path: Path, share: float) -> None:
    path = tmp_path / "d.rackflow"
    path.write_text(TEXT[: int(len(TEXT) * share)])
    found = salvage_design(path)
    assert found.missing
    names = {element.id for element in DESIGN.elements}
    assert {element.id for element in found.design.elements} <= names
    decode_design(encode_design(found.design, SHOP), path)  # is sound


@given(cut=st.integers(0, len(TEXT)), noise=st.text(max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_broken_is_an_error_or_a_sound_design(
    cut: int, noise: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("s") / "d.rackflow"
    path.write_bytes((TEXT[:cut] + noise + TEXT[cut + 3 :]).encode("utf-8", "surrogatepass"))
    try:
        found = salvage_design(path)
    except FileError:
        return
    decode_design(encode_design(found.design, SHOP), path)


def test_what_is_none_of_ours_or_newer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.rackflow"
    path.write_text('{"format": "other"}')
    with pytest.raises(NotOursError):
        salvage_design(path)
    path.write_text('{"format": "rackflow", "version": "9.0"}')
    with pytest.raises(NewerVersionError):
        salvage_design(path)
    path.write_text("[]")
    with pytest.raises(NotOursError):
        salvage_design(path)
