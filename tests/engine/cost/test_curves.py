"""Efficiency curves: what the closed form says, where it is clipped, what a file must be."""

from pathlib import Path

import numpy as np
import pytest

from engine.cost import curves
from engine.cost.curves import (
    CORRECTION_LIMIT,
    Curve,
    CurveSet,
    Work,
    closed_form_s,
    load_curves,
    save_curves,
    seconds,
    split_seconds,
)
from engine.errors import CatalogError


def flat(features: int = 2, *, constant: float = 0.0, sharpness: float = 2.0) -> Curve:
    """A curve with efficiencies 0.5 and 0.8, 5 us at least and the same correction everywhere."""
    return Curve(
        theta=np.log([0.5, 0.8, 5e-6, sharpness]),
        low=np.full(features, -1.0),
        high=np.full(features, 1.0),
        w1=np.zeros((features, 3)),
        b1=np.zeros(3),
        w2=np.zeros((3, 3)),
        b2=np.zeros(3),
        w3=np.array([0.0, 0.0, 0.0, constant]),
        rows=10,
        error=0.1,
    )


def work(compute: list[float], memory: list[float]) -> Work:
    return Work(np.array(compute), np.array(memory), np.zeros((len(compute), 2)))


def test_a_large_operator_takes_its_binding_resource_at_its_efficiency() -> None:
    taken = seconds(work([1.0, 1e-9], [1e-9, 1.0]), flat())
    assert taken == pytest.approx([2.0, 1.25], rel=1e-4)


def test_a_small_operator_takes_the_least_time() -> None:
    assert seconds(work([1e-12], [1e-12]), flat())[0] == pytest.approx(5e-6, rel=1e-4)


def test_nothing_takes_no_time() -> None:
    assert seconds(work([0.0], [0.0]), flat()).tolist() == [0.0]
    assert [part.tolist() for part in split_seconds(work([0.0], [0.0]), flat())] == [[0.0], [0.0]]


@pytest.mark.parametrize("sharpness", [1.0, 1.7, 12.0])
def test_the_parts_of_arithmetic_and_memory_are_the_whole(sharpness: float) -> None:
    generator = np.random.default_rng(1)
    some = Work(10.0 ** generator.uniform(-7, -2, 50), 10.0 ** generator.uniform(-7, -2, 50),
                np.zeros((50, 2)))  # fmt: skip
    curve = flat(constant=0.3, sharpness=sharpness)
    compute, memory = split_seconds(some, curve)
    np.testing.assert_allclose(compute + memory, seconds(some, curve), rtol=1e-12)
    assert (compute[some.compute_s > 20 * some.memory_s] > 0).all()


def test_a_correction_is_bounded_and_shapes_are_taken_at_the_edge() -> None:
    wild = flat(constant=50.0)
    limit = float(np.exp(CORRECTION_LIMIT))
    assert seconds(work([1.0], [0.0]), wild)[0] <= 2.0 * limit * 1.001
    sloped = flat()._replace(w1=np.ones((2, 3)), w2=np.eye(3), w3=np.array([0.3, 0.3, 0.3, 0.0]))
    inside = Work(np.ones(1), np.zeros(1), np.ones((1, 2)))
    outside = inside._replace(shape=np.full((1, 2), 40.0))
    assert seconds(outside, sloped) == pytest.approx(seconds(inside, sloped))


def test_curves_come_back_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "operators.npz"
    save_curves(path, {("hopper", "gemm", "bf16"): flat(constant=0.25)})
    monkeypatch.setattr(curves, "curves_path", lambda: path)
    load_curves.cache_clear()
    try:
        found = load_curves().find("hopper", "gemm", "bf16")
        some = work([1e-4, 2e-3], [3e-4, 1e-5])
        np.testing.assert_allclose(seconds(some, found), seconds(some, flat(constant=0.25)), 1e-6)
        assert (found.rows, found.error) == (10, 0.1)
    finally:
        load_curves.cache_clear()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"not an archive at all"])
def test_a_damaged_file_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / "operators.npz"
    path.write_bytes(content)
    monkeypatch.setattr(curves, "curves_path", lambda: path)
    load_curves.cache_clear()
    try:
        with pytest.raises(CatalogError, match="make calibrate"):
            load_curves()
    finally:
        load_curves.cache_clear()


def test_a_pickled_object_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "operators.npz"
    np.savez(path, index=np.array([{"family": "x"}], dtype=object))
    monkeypatch.setattr(curves, "curves_path", lambda: path)
    load_curves.cache_clear()
    try:
        with pytest.raises(CatalogError):
            load_curves()
    finally:
        load_curves.cache_clear()


def test_a_family_without_a_curve_takes_the_nearest_format_then_the_class() -> None:
    own, near, pooled = flat(), flat(constant=0.1), flat(constant=0.2)
    shelf = CurveSet(
        {
            ("hopper", "gemm", "bf16"): own,
            ("hopper", "gemm", "fp8"): near,
            ("class", "gemm", "bf16"): pooled,
        }
    )
    assert shelf.find("hopper", "gemm", "bf16") is own
    assert shelf.find("hopper", "gemm", "nvfp4") is near
    assert shelf.find("zhenwu", "gemm", "mxfp4") is pooled
    with pytest.raises(CatalogError, match="attention"):
        shelf.find("hopper", "attention", "bf16")


def test_the_shipped_curves_cover_every_operator_for_every_family() -> None:
    shelf = load_curves()
    for family in ("hopper", "blackwell", "ampere", "ada", "zhenwu"):
        for operator in ("gemm", "decode", "prefill", "mla_decode", "mla_prefill", "moe",
                         "delta_prefill", "delta_decode"):  # fmt: skip
            for form in ("bf16", "fp8", "nvfp4", "mxfp4", "int4", "int8"):
                assert shelf.find(family, operator, form).rows > 0
    assert shelf.measured("hopper")
    assert not shelf.measured("zhenwu")


def test_the_shipped_curves_predict_held_out_shapes_better_than_their_closed_form() -> None:
    errors = [c.error for (owner, _, _), c in load_curves().curves.items() if owner == "hopper"]
    assert float(np.median(errors)) < 0.12


def test_closed_form_is_at_least_each_of_its_terms() -> None:
    some = work([1e-4, 2e-3, 1e-7], [3e-4, 1e-5, 1e-7])
    taken = closed_form_s(some, flat().theta)
    assert (taken >= some.compute_s / 0.5).all()
    assert (taken >= some.memory_s / 0.8).all()
