"""Files: equal after a round trip, refused with a reason, never half loaded, never lost."""

import itertools
import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.errors import (
    DamagedFileError,
    EngineError,
    FileError,
    NewerVersionError,
    NotOursError,
    TooLargeError,
)
from engine.scenario.design import (
    CollectiveAlgorithm,
    Deployment,
    Design,
    FabricSettings,
    PriceEntry,
    PriceList,
    Routing,
    Slo,
)
from engine.scenario.hashing import design_hash
from engine.storage import project_file
from engine.storage.project_file import decode_design, encode_design, load_design, save_design
from engine.topology.elements import Element, Group, Override
from engine.topology.generators import cable, draw
from engine.workload.spec import WorkloadSpec

SHOP = load_catalog()
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
FLOATS = st.floats(-1e9, 1e9, allow_nan=False)


@st.composite
def designs(draw_from: st.DrawFn) -> Design:
    count = draw_from(st.integers(0, 5))
    groups = (Group(id="g", name=draw_from(TEXT)),) if draw_from(st.booleans()) else ()
    elements: list[Element] = []
    for i in range(count):
        spec = draw_from(st.sampled_from(["hpn7-leaf", "panjiu-al128-2x64", "zhenwu-m890"]))
        made = draw(SHOP, spec, f"e{i}", draw_from(TEXT), 0, 0, draw_from(st.integers(1, 4)))
        elements.append(
            msgspec.structs.replace(
                made,
                x=draw_from(FLOATS),
                y=draw_from(FLOATS),
                group="g" if groups and draw_from(st.booleans()) else "",
                overrides={"power_w": Override(value=draw_from(st.floats(0, 1e6)), reason="r")}
                if draw_from(st.booleans())
                else {},
            )
        )
    leaves = [e for e in elements if e.spec == "hpn7-leaf"]
    links = tuple(
        cable(SHOP, f"k{i}", (a, "port"), (b, "port"), draw_from(st.integers(1, 9)))
        for i, (a, b) in enumerate(itertools.pairwise(leaves))
    )
    prices = PriceList(entries={"hpn7-leaf": PriceEntry(amount=draw_from(FLOATS), currency="CNY")})
    return Design(
        name=draw_from(TEXT), note=draw_from(TEXT), elements=tuple(elements), links=links,
        groups=groups, deployment=Deployment(tp=draw_from(st.integers(1, 64))),
        workload=WorkloadSpec(agents=draw_from(st.integers(1, 999))),
        slo=Slo(ttft_s=draw_from(st.floats(0.01, 100))), prices=prices,
    )  # fmt: skip


@given(design=designs())
@settings(max_examples=120, deadline=None)
def test_random_designs_are_equal_after_a_round_trip(design: Design) -> None:
    read = decode_design(encode_design(design, SHOP), "x").design
    assert read == design
    assert design_hash(read) == design_hash(design)


def example() -> bytes:
    return Path(resource_path("examples", "al128-agents.rackflow")).read_bytes()


def test_a_file_is_readable_json_with_its_header() -> None:
    raw = json.loads(example())
    assert raw["format"] == "rackflow"
    assert set(raw) >= {"format", "version", "app", "catalogue_version", "elements", "links"}
    assert example().count(b"\n") > 50


def test_unknown_fields_survive_at_every_level(shop: Catalog) -> None:
    raw = json.loads(example())
    raw["future"] = {"a": [1, 2]}
    raw["elements"][0]["colour"] = "red"
    raw["links"][0]["a"]["lane"] = 3
    raw["deployment"]["speculative"] = True
    raw["workload"]["prefix_tokens"]["shape"] = "x"
    design = decode_design(json.dumps(raw).encode(), "x").design
    again = json.loads(encode_design(design, shop))
    assert again["future"] == {"a": [1, 2]}
    assert again["elements"][0]["colour"] == "red"
    assert again["links"][0]["a"]["lane"] == 3
    assert again["deployment"]["speculative"] is True
    assert again["workload"]["prefix_tokens"]["shape"] == "x"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NotOursError),
        (b"PK\x03\x04 zip", NotOursError),
        (b"[1, 2]", NotOursError),
        (b'{"format": "drawio"}', NotOursError),
        (b'{"format": "rackflow", "version": "2.0"}', NewerVersionError),
        (b'{"format": "rackflow", "version": "x"}', DamagedFileError),
        (b'{"format": "rackflow"}', DamagedFileError),
        (b'{"format": "rackflow", "version": "1.0", "elements": 3}', DamagedFileError),
        (b'{"format": "rackflow", "version": "1.0", "run": {"until_s": NaN}}', DamagedFileError),
        (b'{"format": "rackflow", "version": "1.0", "name": ' + b"[" * 5000, DamagedFileError),
        (b'{"format": "rackflow", "version": "1.0", "elements"', DamagedFileError),
        (b"\xff\xfe\x00", NotOursError),
        ('{"format": "rackflow", "version": "1.\u00b2"}'.encode(), DamagedFileError),
        (b'{"format": "rackflow", "version": "1.0", "name": "\\ud800"}', DamagedFileError),
        (b'{"format": "rackflow", "version": "1.0", "run": {"until_s": 1e400}}', DamagedFileError),
    ],
)
def test_refusals_have_a_reason_and_a_name(data: bytes, error: type[EngineError]) -> None:
    with pytest.raises(error, match=r"thing\.rackflow"):
        decode_design(data, "thing.rackflow")


def test_contradictions_are_refused_with_their_place() -> None:
    raw = json.loads(example())
    raw["links"][0]["a"]["element"] = "ghost"
    with pytest.raises(DamagedFileError, match="ghost"):
        decode_design(json.dumps(raw).encode(), "x")
    raw = json.loads(example())
    raw["elements"][1]["id"] = raw["elements"][0]["id"]
    with pytest.raises(DamagedFileError):
        decode_design(json.dumps(raw).encode(), "x")


@given(place=st.integers(0, 10_000), byte=st.binary(min_size=1, max_size=3))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_byte_is_read_or_refused_never_worse(place: int, byte: bytes) -> None:
    data = bytearray(example())
    at = place % len(data)
    data[at : at + len(byte)] = byte
    try:
        decode_design(bytes(data), "x")
    except FileError:
        return


@given(cut=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_cut_file_is_refused(cut: int) -> None:
    data = example()
    with pytest.raises(FileError):
        decode_design(data[: cut % (len(data) - 3)], "x")


def test_a_file_of_version_0_9_opens() -> None:
    old = {
        "format": "rackflow", "version": "0.9", "name": "old",
        "devices": [
            {"id": "a", "kind": "switch", "spec": "hpn7-leaf", "name": "A", "x": 0, "y": 0},
            {"id": "b", "kind": "switch", "spec": "hpn7-leaf", "name": "B", "x": 9, "y": 0},
        ],
        "cables": [
            {"id": "k", "from": "a:port", "to": "b:port", "medium": "ethernet", "count": 2,
             "bandwidth_bytes_per_s": 5e10, "latency_s": 1e-6}
        ],
    }  # fmt: skip
    loaded = decode_design(json.dumps(old).encode(), "old.rackflow")
    assert loaded.design.links[0].b.element == "b"
    assert loaded.format_version == "0.9"
    assert any("0.9" in text for text in loaded.warnings)


def test_a_newer_minor_version_opens_with_a_warning() -> None:
    raw = json.loads(example())
    raw["version"] = "1.9"
    assert any("newer" in text for text in decode_design(json.dumps(raw).encode(), "x").warnings)


def test_a_file_over_the_limit_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.rackflow"
    path.write_bytes(example())
    monkeypatch.setattr(project_file, "MAX_BYTES", 100)
    with pytest.raises(TooLargeError, match=r"big\.rackflow"):
        load_design(path)


def test_a_failed_save_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: Catalog
) -> None:
    path = tmp_path / "d.rackflow"
    save_design(path, Design(name="first"), shop)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileError, match="No space left"):
        save_design(path, Design(name="second"), shop)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["d.rackflow"]


def test_a_saved_file_keeps_its_mode(tmp_path: Path, shop: Catalog) -> None:
    path = tmp_path / "d.rackflow"
    save_design(path, Design(), shop)
    path.chmod(0o640)
    save_design(path, Design(name="again"), shop)
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_algorithm_of_collectives_is_kept_and_automatic_in_older_files() -> None:
    ring = Design(deployment=Deployment(collective_algorithm=CollectiveAlgorithm.RING))
    raw = json.loads(encode_design(ring, SHOP))
    assert raw["deployment"]["collective_algorithm"] == "ring"
    assert decode_design(json.dumps(raw).encode(), "x").design == ring
    del raw["deployment"]["collective_algorithm"]
    older = decode_design(json.dumps(raw).encode(), "x").design
    assert older.deployment.collective_algorithm is CollectiveAlgorithm.AUTO
    raw["deployment"]["collective_algorithm"] = "magic"
    with pytest.raises(DamagedFileError, match="collective_algorithm"):
        decode_design(json.dumps(raw).encode(), "x")


def test_routing_is_kept_and_sprays_in_older_files() -> None:
    hashed = Design(fabric=FabricSettings(routing=Routing.ECMP))
    raw = json.loads(encode_design(hashed, SHOP))
    assert raw["fabric"]["routing"] == "ecmp"
    assert decode_design(json.dumps(raw).encode(), "x").design == hashed
    del raw["fabric"]
    assert decode_design(json.dumps(raw).encode(), "x").design.fabric.routing is Routing.SPRAY
