"""The benchmarks' own input is what it says: counts, loads, sizes, and the same for equal seeds."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.storage.flow_files import run_flow_files
from tests.benchmarks import peers, prefixes, scenarios, serving
from tests.benchmarks.scenarios import ENDPOINTS, EVERY, NIC_BYTES_PER_S, TEN, Scenario
from tests.helpers import worlds

STAND_IN = """
import sys, numpy as np
given = np.load(sys.argv[1])
np.savez(sys.argv[2], finish_s=given["start_s"] + given["size"], seconds=0.5)
"""


@pytest.mark.parametrize("name", list(TEN))
def test_routes_are_whole_and_equal_seeds_give_equal_flows(name: str) -> None:
    one, same, other = TEN[name](1), TEN[name](1), TEN[name](2)
    assert one.route_start[-1] == len(one.route_link)
    assert (np.diff(one.route_start) >= 2).all()
    assert one.route_link.min() >= 0
    assert one.route_link.max() < len(one.link_bytes_per_s)
    assert (one.source != one.target).all()
    assert (np.diff(one.start_s) >= 0).all()
    assert (one.size_bytes > 0).all()
    for a, b in zip(one[1:], same[1:], strict=True):
        assert np.array_equal(a, b)
    if name not in ("a1", "a2"):
        assert not np.array_equal(one.route_link, other.route_link) or not np.array_equal(
            one.size_bytes, other.size_bytes
        )


def test_counts_are_those_of_the_published_shapes() -> None:
    counts = {name: len(make(1).source) for name, make in TEN.items()}
    assert counts == {
        "a1": 16_256, "a2": 16_256, "a3": 16_256, "b1": 1024, "b2": 1024, "b3": 10_000,
        "b4": 10_000, "c1": 50_000, "c2": 50_000, "c3": 5_000,
    }  # fmt: skip


def hops_are_joined(scenario: Scenario, ends: list[tuple[int, int]]) -> None:
    for flow in range(0, len(scenario.source), 97):
        first, last = scenario.route_start[flow], scenario.route_start[flow + 1]
        path = [ends[link] for link in scenario.route_link[first:last]]
        assert path[0][0] == scenario.source[flow]
        assert path[-1][1] == scenario.target[flow]
        assert all(a[1] == b[0] for a, b in itertools.pairwise(path))


def test_paths_of_the_fat_tree_lead_from_source_to_target() -> None:
    hosts = 1024
    edge, agg, core = 2_000, 3_000, 4_000  # names of switches
    ends = [(h, edge + h // 8) for h in range(hosts)] + [(edge + h // 8, h) for h in range(hosts)]
    for e in range(128):
        for a in range(8):
            up = (edge + e, agg + e // 8 * 8 + a)
            ends += [up, up[::-1]]
    for a in range(128):
        for c in range(8):
            up = (agg + a, core + a % 8 * 8 + c)
            ends += [up, up[::-1]]
    hops_are_joined(scenarios.b3(1), ends)


def test_paths_between_racks_lead_over_rails_and_one_spine() -> None:
    chips = 8 * ENDPOINTS
    inside, leaf, spine = 10_000, 20_000, 30_000
    ends = [(c, inside + c // 128) for c in range(chips)]
    ends += [(inside + c // 128, c) for c in range(chips)]
    ends += [(c, leaf + c // 128 * 8 + c % 8) for c in range(chips)]
    ends += [(leaf + c // 128 * 8 + c % 8, c) for c in range(chips)]
    for at in range(64):
        for s in range(4):
            ends += [(leaf + at, spine + s), (spine + s, leaf + at)]
    scenario = scenarios.c3(1)
    hops_are_joined(scenario, ends)
    away = np.diff(scenario.route_start) == 4
    assert 0.46 < away.mean() < 0.54


def test_load_sizes_and_hot_spot_are_as_asked() -> None:
    sizes = scenarios.bounded_pareto(np.random.default_rng(0), 400_000)
    assert sizes.min() >= 1e4
    assert sizes.max() <= 1e9
    assert np.median(sizes) == pytest.approx(1e4 * 2 ** (1 / 1.2), rel=0.01)
    assert scenarios.pareto_mean() == pytest.approx(5.4e4, rel=0.01)
    b3, b4 = scenarios.b3(1), scenarios.b4(1)
    rate = len(b3.source) / b3.start_s[-1]
    assert rate * scenarios.pareto_mean() == pytest.approx(0.6 * 1024 * NIC_BYTES_PER_S, rel=0.05)
    assert np.sort(np.bincount(b4.target))[-16:].min() > 1.3 * np.bincount(b3.target).max()
    logs = np.log(scenarios.a3(1).size_bytes / 2**20)
    assert abs(logs.mean()) < 0.03
    assert logs.std() == pytest.approx(1.0, abs=0.02)


def test_written_files_run_and_give_the_times_of_the_arrays(tmp_path: Path) -> None:
    from engine.sim.flows import simulate_flows

    scenario = scenarios.c3(3)
    scenarios.write(scenario, tmp_path)
    run_flow_files(tmp_path / "links.csv", tmp_path / "flows.csv", tmp_path / "out.csv")
    rows = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    plain = simulate_flows(
        scenario.link_bytes_per_s, scenario.route_start, scenario.route_link,
        scenario.start_s, scenario.size_bytes,
    )  # fmt: skip
    np.testing.assert_allclose([float(row[1]) for row in rows], plain.finish_s, rtol=1e-12)


def test_a_peer_runs_in_a_child_process_and_its_failure_is_said(tmp_path: Path) -> None:
    import sys

    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(STAND_IN)
    bad.write_text("raise SystemExit('no licence')")
    scenario = scenarios.b1(1)
    found = peers.run_simgrid(sys.executable, scenario, good)
    assert isinstance(found, peers.PeerRun)
    assert found.cpu_s == 0.5
    assert np.array_equal(found.finish_s, scenario.start_s + scenario.size_bytes)
    assert peers.run_simgrid(sys.executable, scenario, bad) == "no licence"


def test_vidur_gets_the_requests_as_a_list(tmp_path: Path) -> None:
    import sys

    peer = tmp_path / "peer.py"
    peer.write_text(
        "import sys, numpy as np\n"
        "rows = np.loadtxt(sys.argv[1], delimiter=',', skiprows=1)\n"
        "np.savez(sys.argv[2], seconds=rows[:, 1].sum())\n"
    )
    requests = serving.chats(50, 8.0, 1)
    assert peers.run_vidur(sys.executable, requests, peer) == requests.input_tokens.sum()


def test_every_scenario_has_a_line_that_says_what_it_is() -> None:
    assert all(make.__doc__ for make in EVERY.values())


def test_dynosim_gets_the_trace_in_mooncake_s_schema_and_refusals_are_told(
    tmp_path: Path,
) -> None:
    case = prefixes.Case("two", prefixes.conversations(10, 5), 2, 100)
    peer = tmp_path / "peer.py"
    peer.write_text(
        "import json, sys\nimport numpy as np\n"
        "rows = json.loads(open(sys.argv[1]).read())['rows']\n"
        "tokens = [row['input_length'] for row in rows]\n"
        "assert all(len(r['hash_ids']) == -(-r['input_length'] // 512) for r in rows)\n"
        "np.savez(sys.argv[2], seconds=0.5, rows=np.array(tokens, float))\n"
    )
    found = peers.run_dynosim(sys.executable, prefixes.asked_of_peer(case), peer)
    assert isinstance(found, peers.ReplayRun)
    assert found.rows.tolist() == case.trace.input_tokens.tolist()
    peer.write_text("raise SystemExit('no such engine')\n")
    refused = peers.run_dynosim(sys.executable, prefixes.asked_of_peer(case), peer)
    assert refused == "no such engine"


def test_the_compared_step_times_are_those_of_both_simulators() -> None:
    trace = worlds.trace([0.0], [100], [5], [[]], 16)
    _, results = prefixes.run(prefixes.Case("one", trace, 1, 4000))
    assert results.first_token_s[0] == pytest.approx(prefixes.PREFILL_S)
    assert results.finish_s[0] == pytest.approx(prefixes.PREFILL_S + 4 * prefixes.DECODE_S)
