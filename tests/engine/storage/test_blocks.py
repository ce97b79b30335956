"""Blocks: written and read again; what is damaged is told and offered to nobody."""

from pathlib import Path

import msgspec
import pytest

from engine.catalog.devices import DeviceKind, Medium
from engine.errors import DamagedFileError, FileError, TooLargeError
from engine.storage.blocks import (
    ENDING,
    MAX_BYTES,
    Block,
    Fragment,
    load_blocks,
    read_block,
    save_block,
    shift_to,
)
from engine.topology.elements import Element, Endpoint, Link


def block(name: str = "Pod", x: float = 0.0) -> Block:
    ends = [
        Element(id=n, kind=DeviceKind.CHIP, spec="s", name=n, x=x + 10 * i, y=-5.0 * i)
        for i, n in enumerate("ab")
    ]
    link = Link(
        id="l", a=Endpoint(element="a", port="p"), b=Endpoint(element="b", port="p"),
        medium=Medium.ICN, count=1, bandwidth_bytes_per_s=1e9, latency_s=1e-6,
    )  # fmt: skip
    return Block(name=name, parts=Fragment(elements=tuple(ends), links=(link,)))


def test_a_block_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    path = save_block(tmp_path / "new", block("Pod \u4e00 / ..\\x"))
    assert path.parent == tmp_path / "new"
    assert read_block(path) == block("Pod \u4e00 / ..\\x")
    save_block(tmp_path / "new", block("Pod \u4e00 / ..\\x", x=7.0))  # the same name: replaced
    save_block(tmp_path / "new", block("\u4e00"))
    found, wrong = load_blocks(tmp_path / "new")
    assert sorted(b.name for b in found.values()) == ["Pod \u4e00 / ..\\x", "\u4e00"]
    assert wrong == []
    assert load_blocks(tmp_path / "none") == ({}, [])


def test_its_upper_left_corner_goes_where_it_is_wanted() -> None:
    assert shift_to(block(x=3.0).parts, 100.0, 50.0) == (97.0, 55.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no block"),
        (b"[" * 100_000, "no block"),
        (b'{"name": "x", "parts": {"elements": []}}', "nothing in it"),
        (b'{"format": "other", "name": "x", "parts": {"elements": []}}', "not rackflow-block"),
        (b'{"version": 9, "name": "x", "parts": {"elements": []}}', "update"),
    ],
)
def test_what_is_no_block_is_told_with_its_file(tmp_path: Path, text: bytes, words: str) -> None:
    bad = tmp_path / f"bad{ENDING}"
    bad.write_bytes(text)
    with pytest.raises(DamagedFileError) as caught:
        read_block(bad)
    assert words in str(caught.value)
    assert str(bad) in str(caught.value)
    save_block(tmp_path, block())
    found, wrong = load_blocks(tmp_path)
    assert [b.name for b in found.values()] == ["Pod"]
    assert len(wrong) == 1


def test_parts_far_away_links_to_nothing_and_huge_files_are_refused(tmp_path: Path) -> None:
    far = save_block(tmp_path, block("far", x=1e300))
    with pytest.raises(DamagedFileError, match="far away"):
        read_block(far)
    whole = block("lost")
    lost = msgspec.structs.replace(
        whole, parts=msgspec.structs.replace(whole.parts, elements=whole.parts.elements[:1])
    )
    with pytest.raises(DamagedFileError, match="links"):
        read_block(save_block(tmp_path, lost))
    huge = tmp_path / f"huge{ENDING}"
    huge.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(TooLargeError):
        read_block(huge)
    with pytest.raises(FileError, match="cannot be read"):
        read_block(tmp_path / f"none{ENDING}")
