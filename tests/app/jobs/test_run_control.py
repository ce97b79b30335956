"""The run's thread plays, pauses, steps, ends and leaves nothing behind.

A made-up simulation stands for the engine where pacing is tested; the last tests run the real one.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs.run_control import MAX_SPEED, RunUpdate
from app.jobs.run_controller import RunController, RunState
from app.shell.files import example_path
from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import ScenarioError
from engine.scenario.faults import FaultEvent, FaultKind, FaultPlan
from engine.sim.link_loads import LinkMap, LinkSums, LinkUse
from engine.sim.results import Frame, Series
from engine.topology.changes import SetSection

WAIT_MS = 60_000  # a cold kernel cache compiles first


class MadeUpSimulation:
    """Time passes as asked; an event every simulated millisecond."""

    def __init__(self, until_s: float) -> None:
        self.time_s = 0.0
        self.until_s = until_s
        self.frames = 0
        self.injected: list[tuple[float, FaultEvent]] = []
        self.slices = 0
        self.threads: set[str] = set()

    def warm_up(self) -> None:
        self.threads.add(threading.current_thread().name)

    def advance(self, until_s: float, budget_events: int) -> bool:
        self.slices += 1
        self.threads.add(threading.current_thread().name)
        self.time_s = min(until_s, self.time_s + budget_events * 1e-3, self.until_s)
        return self.time_s >= self.until_s

    def frame(self) -> Frame:
        self.frames += 1
        none = np.zeros(0)
        names = list(Series.__dataclass_fields__)
        return Frame(
            time_s=self.time_s,
            until_s=self.until_s,
            finished=self.time_s >= self.until_s,
            chip_utilisation=none,
            link_use=LinkUse(LinkMap(none.astype(np.int32), none, none), LinkSums(none, none)),
            host_utilisation=none,
            replica_running=np.zeros(0, np.int32),
            replica_waiting=np.zeros(0, np.int32),
            replica_kv_occupancy=none,
            requests_completed=0,
            events=0,
            series=Series(**dict.fromkeys(names, none)),
            replica_up=np.ones(0, np.bool_),
            faults=None,
        )

    def inject(self, events: list[FaultEvent]) -> None:
        self.injected += [(self.time_s, event) for event in events]

    def cause_seconds(self) -> np.ndarray:
        return np.zeros(0)

    def results(self) -> float:
        return self.time_s


class Watch:
    """Keeps what a controller said."""

    def __init__(self, run: RunController) -> None:
        self.states: list[RunState] = []
        self.updates: list[RunUpdate] = []
        self.errors: list[str] = []
        run.state_changed.connect(self.states.append)
        run.updated.connect(self.updates.append)
        run.failed.connect(self.errors.append)

    @property
    def time_s(self) -> float:
        return self.updates[-1].frame.time_s if self.updates else 0.0


@pytest.fixture(scope="module")
def shop() -> Catalog:
    return load_catalog()


@pytest.fixture
def run(qtbot: QtBot, shop: Catalog) -> Iterator[RunController]:
    document = Document(shop)
    made = RunController(document)
    yield made
    made.shut_down()
    assert "rackflow-run" not in {thread.name for thread in threading.enumerate()}


def document_of(run: RunController) -> Document:
    return run._document


def set_horizon(run: RunController, until_s: float) -> None:
    document = document_of(run)
    changed = msgspec.structs.replace(document.design().run, until_s=until_s)
    assert document.perform("Horizon", SetSection("run", changed)).ok


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> list[MadeUpSimulation]:
    """Replaces the engine's simulation; the list holds those that were made."""
    import app.jobs.run_loop as loop
    from engine.sim import prepare

    made: list[MadeUpSimulation] = []

    def prepare_simulation(scenario: Any, *, may_inject: bool) -> tuple[MadeUpSimulation, str]:
        assert may_inject
        if scenario.until_s == 13.0:
            raise ScenarioError("the drawing", "it has no chips", "draw some")
        made.append(MadeUpSimulation(scenario.until_s))
        return made[-1], "tables"

    monkeypatch.setattr(prepare, "prepare_simulation", prepare_simulation)
    monkeypatch.setattr(loop, "rank", lambda *_: ())
    monkeypatch.setattr(loop, "summarise", lambda results, *_: f"until {results}")
    return made


def test_faults_reach_the_run_and_do_not_make_it_stale(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    document = run._document
    run.set_speed(1.0)
    with qtbot.waitSignal(run.updated, timeout=WAIT_MS):
        run.play()
    event = FaultEvent(at_s=0.0, kind=FaultKind.CHIP, target="chip")
    document.perform("Let selection fail", SetSection("faults", FaultPlan(events=(event,))))
    assert run.is_stale
    run.inject([event])
    assert not run.is_stale
    qtbot.waitUntil(lambda: bool(made_up[0].injected), timeout=WAIT_MS)
    assert [found for _, found in made_up[0].injected] == [event]
    document.perform("Set seed", SetSection("name", "other"))
    run.inject([event])
    assert run.is_stale
    run.pause()
    assert len(made_up[0].injected) == 1


def test_a_run_at_full_speed_plays_to_its_end(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.set_speed(MAX_SPEED)
    with qtbot.waitSignal(run.finished, timeout=WAIT_MS) as ended:
        run.play()
    assert ended.args == ["until 600.0"]
    assert watch.updates[-1].frame.finished
    assert watch.states[0] is RunState.PREPARING
    assert run.state is RunState.FINISHED
    assert made_up[0].threads == {"rackflow-run"}


def test_pause_stops_time_and_play_goes_on(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.play()
    qtbot.waitUntil(lambda: watch.time_s > 0, timeout=WAIT_MS)
    run.pause()
    qtbot.wait(150)
    stopped = made_up[0].time_s
    qtbot.wait(150)
    assert made_up[0].time_s == stopped
    assert watch.time_s == stopped
    assert run.state is RunState.PAUSED
    run.play()
    qtbot.waitUntil(lambda: made_up[0].time_s > stopped, timeout=WAIT_MS)
    assert len(made_up) == 1


def test_a_run_that_keeps_its_pace_does_not_spin(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    """A thread that loops without a pause holds the interpreter and starves the window."""
    watch = Watch(run)
    run.set_speed(1.0)
    run.play()
    qtbot.waitUntil(lambda: watch.time_s > 0.4, timeout=WAIT_MS)
    run.pause()
    simulation = made_up[0]
    assert simulation.slices < 300 * simulation.time_s


def test_a_step_advances_exactly_and_pauses(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.set_speed(10.0)
    run.step()
    qtbot.waitUntil(lambda: watch.time_s > 0, timeout=WAIT_MS)
    assert watch.time_s == pytest.approx(1.0)
    run.step()
    qtbot.waitUntil(lambda: watch.time_s > 1.5, timeout=WAIT_MS)
    assert watch.time_s == pytest.approx(2.0)
    assert run.state is RunState.PAUSED


def test_no_second_frame_before_the_first_was_taken(
    qtbot: QtBot, shop: Catalog, made_up: list[MadeUpSimulation]
) -> None:
    from app.jobs.run_worker import RunWorker
    from engine.scenario.design import Design
    from engine.scenario.scenario import Scenario

    scenario = Scenario(design=Design(), catalog=shop, until_s=1e9, seed=1)
    worker = RunWorker(scenario, 1.0)
    seen: list[RunUpdate] = []
    worker.updated.connect(seen.append)
    worker.start()
    worker.play()
    qtbot.waitUntil(lambda: bool(seen), timeout=WAIT_MS)
    qtbot.wait(200)
    assert len(seen) == 1
    worker.frame_taken()
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=WAIT_MS)
    worker.stop()
    assert not worker.is_alive


def test_stopping_never_waits_for_a_frame_to_be_taken(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    run.set_speed(MAX_SPEED)
    run.play()
    qtbot.waitUntil(lambda: bool(made_up), timeout=WAIT_MS)
    time.sleep(0.1)  # frames are made while the window does not look
    run.shut_down()
    assert made_up[0].frames <= 3


def test_an_edit_during_a_run_marks_it_stale_and_undo_clears_the_mark(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.play()
    qtbot.waitUntil(lambda: watch.time_s > 0, timeout=WAIT_MS)
    document_of(run).perform("Rename", SetSection("name", "Other"))
    assert run.is_stale
    assert run.state is RunState.PLAYING
    document_of(run).undo_stack.undo()
    assert not run.is_stale


def test_play_after_an_edit_runs_the_new_drawing(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.play()
    qtbot.waitUntil(lambda: watch.time_s > 0, timeout=WAIT_MS)
    run.pause()
    set_horizon(run, 77.0)
    run.play()
    qtbot.waitUntil(lambda: len(made_up) == 2, timeout=WAIT_MS)
    assert made_up[1].until_s == 77.0
    assert not run.is_stale


def test_an_engine_error_is_told_and_leaves_no_thread(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    set_horizon(run, 13.0)
    with qtbot.waitSignal(run.failed, timeout=WAIT_MS):
        run.play()
    assert watch.errors == ["the drawing: it has no chips; draw some"]
    assert run.state is RunState.FAILED


def test_jump_to_start_forgets_the_run(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.play()
    qtbot.waitUntil(lambda: watch.time_s > 0, timeout=WAIT_MS)
    with qtbot.waitSignal(run.cleared):
        run.reset()
    assert run.state is RunState.IDLE
    shown = len(watch.updates)
    qtbot.wait(100)
    assert len(watch.updates) == shown


def test_the_numbers_of_an_unfinished_run_can_be_asked_for(
    run: RunController, made_up: list[MadeUpSimulation], qtbot: QtBot
) -> None:
    watch = Watch(run)
    run.play()
    qtbot.waitUntil(lambda: watch.time_s > 0, timeout=WAIT_MS)
    with qtbot.waitSignal(run.summarised, timeout=WAIT_MS) as told:
        run.request_summary()
    assert told.args is not None
    assert str(told.args[0]).startswith("until ")


def test_speeds_go_up_and_down_and_stay_in_range(run: RunController) -> None:
    for _ in range(30):
        run.faster()
    assert run.speed == MAX_SPEED
    for _ in range(30):
        run.slower()
    assert run.speed == pytest.approx(0.01)


@pytest.mark.slow
def test_the_real_example_plays_to_its_end(run: RunController, qtbot: QtBot) -> None:
    watch = Watch(run)
    document_of(run).open(example_path())
    set_horizon(run, 0.5)
    run.set_speed(MAX_SPEED)
    with qtbot.waitSignal(run.finished, timeout=4 * WAIT_MS) as ended:
        run.play()
    assert watch.errors == []
    assert ended.args is not None
    assert ended.args[0].simulated_s == pytest.approx(0.5)
    frame = watch.updates[-1].frame
    assert frame.time_s == pytest.approx(0.5)
    assert np.nanmax(frame.chip_utilisation) > 0


def test_an_empty_design_is_refused_in_words(run: RunController, qtbot: QtBot) -> None:
    watch = Watch(run)
    with qtbot.waitSignal(run.failed, timeout=WAIT_MS):
        run.play()
    assert watch.errors[0]
    assert "Traceback" not in watch.errors[0]
