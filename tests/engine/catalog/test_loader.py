"""Catalogue files are checked when they are read."""

import json
from pathlib import Path

import pytest

from engine.catalog import loader
from engine.catalog.resources import resource_path
from engine.errors import CatalogError


def copy_of_the_shop(folder: Path) -> Path:
    for path in resource_path("catalog", "").glob("*.json"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_copy_of_the_catalogue_loads(tmp_path: Path) -> None:
    assert len(loader.load_catalog(copy_of_the_shop(tmp_path)).devices) >= 57


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"confidence"', '"confidense"'),
        ('"unit": "B"', '"unit": "bananas"'),
        ('"value": ', '"value": "x", "was": '),
        (
            "{",
            "[",
        ),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path, old: str, new: str) -> None:
    folder = copy_of_the_shop(tmp_path)
    path = folder / "zhenwu.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(CatalogError, match=r"zhenwu\.json"):
        loader.load_catalog(folder)


def test_an_id_twice_is_refused(tmp_path: Path) -> None:
    folder = copy_of_the_shop(tmp_path)
    path = folder / "amd.json"
    data = json.loads(path.read_text())
    rows = data["devices"] if isinstance(data, dict) else data
    rows.append(rows[0])
    path.write_text(json.dumps(data))
    with pytest.raises(CatalogError, match="amd-mi300x"):
        loader.load_catalog(folder)
