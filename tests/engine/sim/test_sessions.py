"""Sessions of agents: sub-agents that join, tools that fail or are cancelled, hosts that die."""

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import ScenarioError
from engine.scenario.design import Design
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan
from engine.scenario.scenario import Scenario
from engine.sim.lower import Lowered, lower
from engine.sim.prepare import prepare_simulation
from engine.sim.results import RunResults
from engine.sim.run import Simulation
from engine.topology.generators import cable, draw
from engine.workload.spec import WorkloadKind, WorkloadSpec
from tests.helpers import worlds

STEP_S = 0.01


def session(**changes: object) -> WorkloadSpec:
    """One agent whose every figure is known: a step every 0.1 s of tool, 1 s of thought."""
    load = WorkloadSpec(
        kind=WorkloadKind.AGENTS,
        agents=1,
        prefix_tokens=worlds.fixed(100),
        append_tokens=worlds.fixed(10),
        output_tokens=worlds.fixed(5),
        tool_s=worlds.fixed(0.1),
        think_s=worlds.fixed(1.0),
        tool_cpu_s=worlds.fixed(0.02),
        error_tokens=worlds.fixed(3),
        subagent_prefix_tokens=worlds.fixed(50),
        steps_per_task=5.0,
        growth_ratio=1.0,
        warm_start=False,
    )
    return msgspec.structs.replace(load, **changes)


def stepped(design: Design, shop: Catalog, until_s: float, seed: int = 1) -> Lowered:
    lowered = worlds.lowered_world(design, shop, until_s, seed)
    return worlds.with_step_time(lowered, base_s=STEP_S)


def run(shop: Catalog, load: WorkloadSpec, until_s: float = 60.0, seed: int = 1) -> RunResults:
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=load)
    simulation = worlds.simulation(stepped(design, shop, until_s, seed), until_s, seed)
    simulation.run_to_end()
    return simulation.results()


def test_an_agent_waits_for_all_sub_agents_and_reads_what_they_report(shop: Catalog) -> None:
    load = session(fanout_share=1.0, subagents=3, subagent_steps=1.0, steps_per_task=2.0)
    results = run(shop, load)
    sent = int(results.tenants.subagents[0])
    assert sent > 0
    assert sent % 3 == 0
    children = results.input_tokens == 60  # 50 of their own and 10 appended
    assert children.sum() == sent
    finish, arrival = results.finish_s, results.arrival_s
    # three begin at one instant, when the agent's step ends, and it goes on when the last has ended
    begun, counts = np.unique(arrival[children], return_counts=True)
    assert (counts == 3).all()
    parents = np.flatnonzero(~children)
    for at_s in begun.tolist():
        ended_s = finish[children & (arrival == at_s)].max()
        assert finish[parents].tolist().count(at_s) == 1
        following = parents[arrival[parents] == ended_s]
        assert len(following) == 1
        before = parents[finish[parents] == at_s][0]
        grown = results.input_tokens[following[0]] - results.input_tokens[before]
        assert grown == 5 + 10 + 3 * 5  # its output, what is appended, and three reports


def test_sub_agents_begin_with_contexts_that_no_cache_knows(shop: Catalog) -> None:
    load = session(fanout_share=1.0, subagents=2, subagent_steps=1.0)
    results = run(shop, load)
    children = results.input_tokens == 60
    assert children.sum() > 4
    assert (results.cached_tokens[children] == 0).all()


def test_sub_agents_run_several_steps_with_tools_of_their_own(shop: Catalog) -> None:
    once, often = (
        run(shop, session(fanout_share=0.5, subagents=2, subagent_steps=steps), 300.0)
        for steps in (1.0, 6.0)
    )
    each = [r.completed / r.tenants.subagents[0] for r in (once, often)]
    assert each[1] > each[0] + 3
    assert often.tenants.tools[0] > once.tenants.tools[0]


def test_the_share_of_steps_that_fan_out_is_the_one_asked_for(shop: Catalog) -> None:
    load = session(fanout_share=0.25, subagents=1, subagent_steps=1.0, agents=20)
    results = run(shop, load, 200.0)
    fans, tools = results.tenants.subagents[0], results.tenants.tools[0]
    share = fans / (fans + tools)
    assert share == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / (fans + tools)))


def test_failed_tools_are_tried_again_and_their_agents_read_the_error(shop: Catalog) -> None:
    plain, failing = (
        run(shop, session(tool_fail_share=share, agents=20), 200.0) for share in (0.0, 0.3)
    )
    counts = failing.tenants
    share = counts.tools_failed[0] / counts.tools[0]
    assert share == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / counts.tools[0]))
    assert plain.tenants.tools_failed[0] == 0
    # a step after a failure reads 3 tokens instead of 10; the last token before is computed, too
    again = failing.cached_tokens > 0
    computed = (failing.input_tokens - failing.cached_tokens)[again]
    assert set(computed.tolist()) == {1 + 3, 1 + 10}
    assert (computed == 4).sum() == pytest.approx(counts.tools_failed[0], abs=20)
    assert plain.tenants.tools_cancelled[0] == failing.tenants.tools_cancelled[0] == 0


def test_a_tool_is_cancelled_at_its_time_limit(shop: Catalog) -> None:
    load = session(tool_s=worlds.fixed(4.0), tool_timeout_s=0.5, steps_per_task=2.0)
    results = run(shop, load, 30.0)
    counts = results.tenants
    assert counts.tools_cancelled[0] == counts.tools[0] > 5
    gaps = np.diff(np.sort(results.arrival_s))
    assert gaps.max() < 2.0  # never the four seconds of the tool
    assert np.isclose(gaps, 0.5 + 5 * STEP_S, rtol=1e-9).any()


def test_one_that_fails_before_its_limit_has_failed_and_was_not_cancelled(shop: Catalog) -> None:
    load = session(tool_s=worlds.fixed(1.0), tool_timeout_s=0.5, tool_fail_share=0.999)
    results = run(shop, load, 100.0)
    counts = results.tenants
    assert counts.tools_failed[0] + counts.tools_cancelled[0] == counts.tools[0]
    share = counts.tools_failed[0] / counts.tools[0]  # half of the times are before 0.5 s
    assert share == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / counts.tools[0]))


@pytest.mark.parametrize(
    "changes",
    [{"fanout_share": 1.5}, {"subagents": 0}, {"subagent_steps": 0.0}, {"tool_fail_share": 1.0},
     {"tool_timeout_s": -1.0}, {"tool_timeout_s": 1e300}, {"steps_per_task": 1e300}],
)  # fmt: skip
def test_sessions_that_cannot_be_are_refused(shop: Catalog, changes: dict[str, float]) -> None:
    design = msgspec.structs.replace(worlds.one_chip(shop), workload=session(**changes))
    with pytest.raises(
        ScenarioError, match=f"workload {next(iter(changes))}: it is .*set a value"
    ):
        lower(Scenario(design=design, catalog=shop, until_s=1.0, seed=1))


def two_hosts(shop: Catalog, load: WorkloadSpec, plan: FaultPlan) -> Design:
    """A chip of its own serves; two hosts beside it run the tools."""
    chip = draw(shop, "zhenwu-m890", "chip", "Chip", 0, 0)
    home = draw(shop, "xuantie-c950-host", "home", "Home", 200, 0)
    tools = draw(shop, "xuantie-c950-host", "tools", "Tools", 200, 200)
    design = worlds.one_chip(shop)
    return msgspec.structs.replace(
        design,
        elements=(chip, home, tools),
        links=(cable(shop, "l", (chip, "pcie"), (home, "pcie"), 1),),
        workload=load,
        faults=plan,
    )


def faulty(design: Design, shop: Catalog, until_s: float) -> Simulation:
    scenario = Scenario(design=design, catalog=shop, until_s=until_s, seed=1)
    simulation, lowered = prepare_simulation(scenario)
    slow = worlds.with_step_time(lowered, base_s=STEP_S)
    return Simulation(slow, "test", 1, until_s, faults=simulation._faults)


def test_tools_on_a_dead_host_fail_and_their_agents_go_on_at_another(shop: Catalog) -> None:
    load = session(
        agents=40, tool_s=worlds.fixed(2.0), tool_cpu_s=worlds.fixed(2.0),
        think_s=worlds.fixed(0.1),
    )  # fmt: skip
    dead = FaultEvent(at_s=10.0, kind=FaultKind.HOST, target="tools", repair_s=20.0)
    plan = FaultPlan(events=(dead,), detect_s=1.0)
    simulation = faulty(two_hosts(shop, load, plan), shop, 60.0)
    busy = []
    for at_s in (9.9, 10.1, 29.9, 40.0):
        while not simulation.reached(at_s):
            simulation.advance(at_s)
        hosts = simulation._state.host
        busy.append([int(hosts["busy"][node]) for node in (1, 2)])
    assert busy[0][1] > 10
    assert busy[1][1] == busy[2][1] == 0
    assert busy[2][0] > busy[0][0]
    assert busy[3][1] > 10  # it is back
    simulation.run_to_end()
    results = simulation.results()
    lost = busy[0][1]
    assert results.tenants.tools_failed[0] == pytest.approx(lost, abs=4)
    assert results.arrived == results.completed + results.in_flight
