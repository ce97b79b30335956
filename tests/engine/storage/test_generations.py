"""Earlier versions: the last three of each file, and nothing for what did not change."""

from pathlib import Path

from engine.storage.generations import content_hash, generations, keep_generation


def test_the_last_three_versions_are_kept_newest_first(tmp_path: Path) -> None:
    file, root = tmp_path / "a.rackflow", tmp_path / "kept"
    for number in range(6):
        file.write_text(f"version {number}")
        keep_generation(file, root)
    found = generations(file, root)
    assert [one.path.read_text() for one in found] == ["version 5", "version 4", "version 3"]
    assert found[0].saved_s > found[1].saved_s > found[2].saved_s
    assert generations(tmp_path / "b.rackflow", root) == []


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    file, root = tmp_path / "a.rackflow", tmp_path / "kept"
    file.write_text("same")
    for _ in range(3):
        keep_generation(file, root)
    assert len(generations(file, root)) == 1


def test_what_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    keep_generation(tmp_path / "missing", tmp_path / "kept")
    (tmp_path / "blocked").write_text("")
    file = tmp_path / "a.rackflow"
    file.write_text("x")
    keep_generation(file, tmp_path / "blocked")
    assert generations(file, tmp_path / "blocked") == []


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    first = content_hash(file)
    file.write_text("2")
    assert first != content_hash(file)
    assert content_hash(tmp_path / "missing") == ""
