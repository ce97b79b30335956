"""The verb that times a collective on a drawing."""

import json
from pathlib import Path

import pytest

from engine.catalog.resources import resource_path
from engine.cli import FAILED, OK, main

EXAMPLE = resource_path("examples", "al128-agents.rackflow")


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["analyse", str(EXAMPLE), *words])
    return status, capsys.readouterr().out


def test_a_collective_is_timed_and_its_bottleneck_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, text = asked(capsys, "--collective", "all_reduce", "--bytes", "64MiB", "--json")
    answer = json.loads(text)["collective"]
    assert status == OK
    assert answer["size_bytes"] == 64 * 2**20
    assert answer["ranks"] == 128
    assert answer["low_s"] < answer["seconds"] < answer["high_s"]
    assert answer["ideal_s"] < answer["seconds"]
    assert " to " in answer["bottleneck"]
    bus = 2 * 127 / 128 * answer["size_bytes"] / answer["seconds"]
    assert answer["bus_bytes_per_s"] == pytest.approx(bus)


def test_the_answer_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = asked(capsys, "--collective", "all_to_all", "--bytes", "1 GB")
    assert status == OK
    assert "all_to_all of 1 GB among 128 chips" in text
    assert "bottleneck" in text


@pytest.mark.parametrize(
    "words",
    [
        ("--collective", "telepathy"),
        ("--collective", "all_reduce", "--bytes", "cat"),
        ("--collective", "all_reduce", "--ranks", "nobody"),
    ],
)
def test_a_question_without_answer_fails(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    status, _ = asked(capsys, *words)
    assert status == FAILED


def test_a_file_that_is_none_fails(tmp_path: Path) -> None:
    assert main(["analyse", str(tmp_path / "x.rackflow"), "--collective", "all_reduce"]) == FAILED


def test_the_verb_prints_algorithm_closed_form_and_busiest_links(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["collective", str(EXAMPLE), "--kind", "all-to-all", "--size", "64KiB", "--per-pair"]
    assert main([*words, "--ranks", "64"]) == OK
    text = capsys.readouterr().out
    assert "algorithm     direct" in text
    assert "closed form" in text
    assert "busy 100.0%" in text
    assert main([*words, "--ranks", "64", "--json"]) == OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["size_bytes"] == 64 * 65536
    assert answer["seconds"] == pytest.approx(answer["closed_form_s"], rel=1e-9)
    assert main([*words, "--algorithm", "in-switch"]) == FAILED


def test_a_run_says_its_algorithms_and_takes_another(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", str(EXAMPLE), "--until", "10", "--json"]
    assert main(words) == OK
    plain = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in plain["collectives"]] == ["all-reduce"]
    assert "even exchange" in plain["collectives"][0]["reason"]
    assert main([*words, "--algorithm", "ring"]) == OK
    ring = json.loads(capsys.readouterr().out)
    assert ring["collectives"][0]["algorithm"] == "ring"
    assert ring["design_hash"] != plain["design_hash"]
    assert ring["steps"] < plain["steps"]
    assert main([*words, "--algorithm", "in-switch"]) == FAILED
    assert "cannot add up" in capsys.readouterr().err


def test_weights_of_a_replica_come_in_at_the_rate_of_their_storage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["collective", str(EXAMPLE), "--kind", "weight-load", "--ranks", "8", "--json"]
    assert main(words) == OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["size_bytes"] == pytest.approx(27.1e9, rel=0.01)  # as the memory bar says
    rate = answer["port_bytes_per_s"]
    bytes_over_rate = 8 * answer["size_bytes"] / rate
    assert answer["seconds"] == pytest.approx(bytes_over_rate + answer["hop_s"], rel=1e-9)
    assert "Model store" in answer["busiest"][0]["link"]


def test_a_run_routes_as_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["simulate", str(EXAMPLE), "--until", "5", "--json"]
    assert main(words) == OK
    sprayed = json.loads(capsys.readouterr().out)
    assert main([*words, "--routing", "ecmp"]) == OK
    hashed = json.loads(capsys.readouterr().out)
    assert hashed["design_hash"] != sprayed["design_hash"]
