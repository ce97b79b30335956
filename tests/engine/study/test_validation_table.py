"""The shipped table: licences, sources, and the way it is written and read."""

import csv
import gzip

import pytest

from engine.errors import FileError
from engine.study.validation import table
from engine.study.validation.table import (
    COLLECTIVE_COLUMNS,
    LICENCES,
    SERVING_COLUMNS,
    load_tables,
    may_be_carried,
    read_csv,
    ship,
    shipped_path,
)


@pytest.fixture(scope="module")
def shipped():
    return load_tables()


def test_every_shipped_row_may_be_passed_on_and_says_where_it_is_from(shipped):
    assert shipped.shipped
    for rows, source in ((shipped.serving, "source_url"), (shipped.collectives, "source")):
        assert len(rows) > 1000
        assert len({row["id"] for row in rows}) == len(rows)
        for row in rows:
            assert row["license"] in LICENCES
            assert row[source].startswith("https://")
            assert row["cluster"]
            assert row["tier"] in ("A", "B")
    assert all(row["source_date"] for row in shipped.serving)


def test_the_shipped_table_holds_no_column_that_is_not_needed(shipped):
    assert tuple(shipped.serving[0]) == SERVING_COLUMNS
    assert tuple(shipped.collectives[0]) == COLLECTIVE_COLUMNS


@pytest.mark.parametrize("kind", ["serving", "collectives"])
def test_the_archive_has_no_date(kind):
    assert shipped_path(kind).read_bytes()[4:8] == bytes(4)


@pytest.mark.parametrize(
    ("licence", "carried"),
    [("MIT", True), ("CC0-1.0", True), ("Apache-2.0", True), ("apache", False), ("", False),
     ("Apache-2.0 repo; MLPerf name/usage rules", False), ("facts only", False),
     ("facts from a public thread", False),
     ("InferenceX results (benchmark repo Apache-2.0; app repo GPL-3.0)", False)],
)  # fmt: skip
def test_the_licence_column_decides(licence, carried):
    assert may_be_carried({"license": licence}) is carried


def _folder(path, licences):
    for kind, names in (("serving", SERVING_COLUMNS), ("collectives", COLLECTIVE_COLUMNS)):
        with (path / f"{kind}_calibrate.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, [*names, "split"], restval="x")
            writer.writeheader()
            writer.writerows(
                {"id": str(i), "license": licence} for i, licence in enumerate(licences)
            )
    return path


def test_shipping_filters_and_gives_the_same_bytes_twice(tmp_path, monkeypatch):
    folder = _folder(tmp_path, ["MIT", "facts only", "Apache-2.0"])
    monkeypatch.setattr(table, "resource_path", lambda *parts: tmp_path.joinpath("res", *parts))
    assert ship(folder) == {"serving": (2, 3), "collectives": (2, 3)}
    first = shipped_path("serving").read_bytes()
    rows = load_tables().serving
    assert [row["id"] for row in rows] == ["0", "2"]
    assert "split" not in rows[0]
    ship(folder)
    assert shipped_path("serving").read_bytes() == first


def test_a_folder_stands_in_for_the_shipped_table(tmp_path):
    found = load_tables(_folder(tmp_path, ["facts only"]))
    assert not found.shipped
    assert len(found.serving) == 1


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b broken", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_a_damaged_table_is_named(tmp_path, data):
    for name in ("t.csv", "t.csv.gz"):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FileError, match=r"t\.csv"):
            read_csv(path, SERVING_COLUMNS)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MOST_BYTES", 1000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"id\n" + b"0\n" * 10_000))
    with pytest.raises(FileError, match="more than"):
        read_csv(path, ("id",))
