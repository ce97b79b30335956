"""The headless verbs: what they print, and their exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.cli import FAILED, OK, USAGE, main
from engine.scenario.design import Autoscale, Design
from engine.storage.project_file import load_design, save_design
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

EXAMPLE = str(resource_path("examples", "al128-agents.rackflow"))


@pytest.fixture
def small(tmp_path: Path, shop: Catalog) -> Path:
    path = tmp_path / "small.rackflow"
    save_design(path, worlds.one_chip(shop), shop)
    return path


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    report = json.loads(capsys.readouterr().out)
    assert isinstance(report, dict)
    return report


def test_validate_is_content_with_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", EXAMPLE, "--json"]) == OK
    assert printed(capsys)["ok"] is True


def test_validate_fails_with_findings(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    design = worlds.one_chip(shop)
    big = msgspec.structs.replace(design.deployment, model="qwen35_397b_a17b")
    path = tmp_path / "big.rackflow"
    save_design(path, msgspec.structs.replace(design, deployment=big), shop)
    assert main(["validate", str(path)]) == FAILED
    assert "does not fit" in capsys.readouterr().out


def test_analyse_answers_every_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", EXAMPLE, "--json", "--from", "gateway", "--to", "rack"]) == OK
    report = printed(capsys)
    assert set(report) >= {
        "connectivity", "weak_points", "tiers", "bisection", "distances", "memory_fit", "power",
        "price", "max_flow_bytes_per_s",
    }  # fmt: skip
    assert main(["analyse", EXAMPLE]) == OK
    text = capsys.readouterr().out
    assert "bisection" in text
    assert "estimate" in text


NEEDED = {
    "requests_completed", "output_tokens_per_s", "input_tokens_per_s", "ttft_s", "tpot_s", "e2e_s",
    "goodput", "slo", "power_w", "energy_per_output_token_j", "utilisation", "links",
    "bottlenecks", "events", "wall_s", "design_hash", "seed",
}  # fmt: skip


def test_simulate_gives_every_figure(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(small), "--until", "60", "--seed", "5", "--json"]) == OK
    report = printed(capsys)
    assert set(report) >= NEEDED
    for name in ("ttft_s", "tpot_s", "e2e_s"):
        spread = report[name]
        assert isinstance(spread, dict)
        assert set(spread) >= {"p50", "p90", "p95", "p99", "mean"}
    assert report["seed"] == 5
    bottlenecks = report["bottlenecks"]
    assert isinstance(bottlenecks, list)
    assert sum(row["share"] for row in bottlenecks) == pytest.approx(1.0, abs=0.01)


def test_simulate_repeats_itself(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = []
    for _ in range(2):
        assert main(["simulate", str(small), "--until", "40", "--json"]) == OK
        report = printed(capsys)
        report.pop("wall_s")
        reports.append(report)
    assert reports[0] == reports[1]


def test_simulate_drains_a_trace(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n"
                     "2023-11-16 18:17:03.9,500,7\n2023-11-16 18:17:05.0,40,3\n")  # fmt: skip
    command = ["simulate", str(small), "--trace", str(trace), "--trace-format", "azure", "--json"]
    assert main(command) == OK
    report = printed(capsys)
    assert report["requests_completed"] == 2
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\nnow,1,1\n")
    assert main(command) == FAILED
    assert "line 2" in capsys.readouterr().err


def test_export_writes_both_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    assert main(["export", EXAMPLE, "--png", str(png), "--svg", str(svg)]) == OK
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_text().startswith("<?xml")
    assert main(["export", EXAMPLE]) == USAGE
    capsys.readouterr()


@pytest.mark.parametrize(
    "command",
    [
        ["nonsense"],
        ["simulate"],
        ["simulate", EXAMPLE, "--until", "-3"],
        ["simulate", EXAMPLE, "--until", "soon"],
        ["simulate", EXAMPLE, "--trace-format", "excel"],
        ["flows", "--links", "x"],
    ],
)
def test_wrong_usage_is_status_2(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == USAGE
    assert capsys.readouterr().err


@pytest.mark.parametrize("verb", ["validate", "analyse", "simulate"])
def test_a_missing_or_foreign_file_is_status_1_with_its_name(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, str(tmp_path / "gone.rackflow")]) == FAILED
    assert "gone.rackflow" in capsys.readouterr().err
    foreign = tmp_path / "foreign.rackflow"
    foreign.write_bytes(b"<mxfile/>")
    assert main([verb, str(foreign), "--json"]) == FAILED
    output = capsys.readouterr()
    assert json.loads(output.out)["ok"] is False
    assert "foreign.rackflow" in output.err


def test_a_design_that_cannot_run_says_what_to_do(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.rackflow"
    save_design(path, Design(), shop)
    assert main(["simulate", str(path)]) == FAILED
    assert "chip" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["validate", "analyse", "simulate", "export"])
def test_headless_verbs_load_no_qt(verb: str, tmp_path: Path, small: Path) -> None:
    arguments = {"simulate": ["--until", "1"], "export": ["--svg", str(tmp_path / "x.svg")]}
    file = EXAMPLE if verb == "validate" else str(small)
    code = (
        "import sys\nfrom app.main import main\n"
        f"status = main({[verb, file, *arguments.get(verb, [])]!r})\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('PySide6', 'shiboken6', 'pyqtgraph')]\n"
        "assert not bad, bad\nsys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == OK, done.stderr


def test_a_port_used_twice_is_refused_before_a_run(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.topology.generators import cable, draw

    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 0, 0)
    racks = [draw(shop, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(2)]
    links = [
        cable(shop, f"k{i}", (rack, "uplink"), (leaf, "port"), 128) for i, rack in enumerate(racks)
    ]
    path = tmp_path / "twice.rackflow"
    save_design(path, Design(elements=(leaf, *racks), links=tuple(links)), shop)
    for verb in ("validate", "simulate"):
        assert main([verb, str(path)]) == FAILED
        output = capsys.readouterr()
        assert "ports" in output.out + output.err
        assert "Leaf" in output.out + output.err


def test_without_a_display_the_window_says_so(tmp_path: Path) -> None:
    gone = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in gone}
    done = subprocess.run(
        [sys.executable, "-m", "app"], capture_output=True, text=True, check=False,
        env=environment, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    if sys.platform.startswith("linux"):
        assert done.returncode == FAILED
        assert "no display" in done.stderr


def test_a_saved_small_design_opens_again(small: Path) -> None:
    assert load_design(small).design.name == "small"


CONFIGS = Path(__file__).parent / "storage" / "configs"


def test_import_model_says_what_a_model_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-model", str(CONFIGS / "DeepSeek-R1")]) == OK
    text = capsys.readouterr().out
    for part in ("671.03 B, 36.63 B active", "native format: fp8", "KV a token", "nvfp4"):
        assert part in text
    assert main(["import-model", str(CONFIGS / "gpt-oss-120b" / "config.json"), "--json"]) == OK
    report = printed(capsys)
    assert report["window_tokens"] == 128
    assert report["kv_bytes_per_token"]["bf16"] == 18 * 2 * 8 * 64 * 2.0


def test_import_model_into_a_design_makes_it_the_deployments(
    small: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the second time it is there already
        assert main(["import-model", str(CONFIGS / "Qwen3-8B"), "--into", str(small)]) == OK
    assert "added to" in capsys.readouterr().out
    design = load_design(small).design
    assert [llm.id for llm in design.llms] == ["own:qwen3_8b"]
    served = msgspec.structs.replace(design.deployment, model="own:qwen3_8b")
    save_design(small, msgspec.structs.replace(design, deployment=served), shop)
    assert main(["simulate", str(small), "--until", "2"]) == OK
    capsys.readouterr()
    assert main(["analyse", str(small), "--json"]) == OK
    assert "Qwen3-8B" in printed(capsys)["memory_fit"]["reason"]


def test_import_model_refuses_with_a_way_out(
    tmp_path: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small.read_bytes()
    config = json.loads((CONFIGS / "Qwen3-8B" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "new"}))
    assert main(["import-model", str(tmp_path), "--into", str(small)]) == FAILED
    assert "--generic" in capsys.readouterr().err
    assert small.read_bytes() == before
    assert main(["import-model", str(tmp_path), "--generic"]) == OK
    assert "generically" in capsys.readouterr().out


def test_explain_ranks_resources_and_tries_fixes(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.rackflow"
    save_design(path, worlds.one_chip(shop), shop)
    assert main(["explain", str(path), "--until", "5", "--runs", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"HBM bandwidth", "replicas", "host cores"} <= {
        r["resource"] for r in report["resources"]
    }
    assert report["seeds"] == [1, 2]
    assert all(row["reason"] for row in report["dropped"])
    assert all(fix["proposal"]["text"] for fix in report["fixes"])
    assert all("tokens_per_s_a_kw" in fix["worth"] for fix in report["fixes"])
    assert any(row["place"]["element_ids"] for row in report["resources"])
    assert main(["explain", str(path), "--until", "5", "--runs", "2", "--no-fixes"]) == 0
    assert "what would help" in capsys.readouterr().out


def test_explain_says_what_fixes_bring_for_money_and_power(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.rackflow"
    save_design(path, worlds.one_chip(shop), shop)
    assert main(["explain", str(path), "--until", "5", "--runs", "2"]) == 0
    head = next(line for line in capsys.readouterr().out.splitlines() if "goodput  price" in line)
    assert "tokens/s a kCNY  latency a MCNY  tokens/s a kW  latency a kW" in head


def test_studies_of_few_requests_and_of_scaled_pools_say_so(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    design = worlds.one_chip(shop)
    pool = msgspec.structs.replace(design.deployment, autoscale=Autoscale(min_replicas=1))
    path = tmp_path / "small.rackflow"
    save_design(path, msgspec.structs.replace(design, deployment=pool), shop)
    assert main(["explain", str(path), "--until", "0.5", "--runs", "2", "--no-fixes"]) == OK
    assert "requests have finished in a run" in capsys.readouterr().out
    assert main(["outages", str(path), "--until", "0.5"]) == OK
    told = capsys.readouterr().out
    assert "requests have finished in a run" in told
    assert "pools are scaled" in told


def test_explain_and_outages_read_the_trace_that_the_design_names(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{n / 10},100,5\n" for n in range(20))
    (tmp_path / "t.csv").write_text(f"arrival_s,input_tokens,output_tokens\n{rows}")
    load = WorkloadSpec(kind=WorkloadKind.TRACE, trace_path=str(tmp_path / "t.csv"))
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    path = tmp_path / "traced.rackflow"
    save_design(path, design, shop)
    assert main(["explain", str(path), "--until", "5", "--runs", "2", "--no-fixes"]) == OK
    assert "all seeds give the same run" in capsys.readouterr().out
    assert main(["outages", str(path), "--until", "5"]) == OK
    (tmp_path / "t.csv").write_text("nothing that is a trace\n")
    assert main(["explain", str(path), "--until", "5", "--runs", "2"]) == FAILED
    assert "no format that is known" in capsys.readouterr().err


def test_trace_says_what_is_in_a_file_and_finds_its_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.jsonl"
    rows = [{"timestamp": 1000 * n, "input_length": 1024, "output_length": 5, "hash_ids": [0, n]}
            for n in range(5)]  # fmt: skip
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert main(["trace", str(path), "--json"]) == OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["format"], facts["requests"], facts["rate_per_s"]) == ("mooncake", 5, 1.0)
    assert (facts["blocks"], facts["distinct_blocks"], facts["reused_blocks"]) == (10, 5, 5)
    path.write_text("nothing that is known\n")
    assert main(["trace", str(path)]) == FAILED
    assert "no format that is known" in capsys.readouterr().err


def test_a_trace_may_be_made_denser_and_longer(
    tmp_path: Path, shop: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = tmp_path / "small.rackflow", tmp_path / "t.csv"
    save_design(path, worlds.one_chip(shop), shop)
    trace.write_text("arrival_s,input_tokens,output_tokens\n0,100,4\n10,100,4\n")
    plain = ["simulate", str(path), "--trace", str(trace), "--json"]
    assert main([*plain, "--rate-scale", "2", "--output-scale", "3"]) == OK
    report = json.loads(capsys.readouterr().out)
    assert report["requests_completed"] == 2
    assert report["simulated_s"] < 10
    assert main([*plain, "--rate-scale", "0"]) == FAILED
