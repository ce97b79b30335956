"""Kills an editing program at random moments: nothing saved is lost, one command at most unsaved."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from app.shell.recovery import crashed, restored
from engine.catalog.loader import load_catalog
from engine.scenario.hashing import design_hash
from engine.storage.project_file import load_design
from tests.soak.editing import SAVE_EVERY, states

LONGEST_S = 1.2  # of a run before it is killed


def kill_once(seed: int) -> tuple[int, int]:
    """Runs the program, kills it and looks at what is left.

    Returns:
        Commands that were done, and those that are still there.

    Raises:
        AssertionError: something saved is lost, or more than one command.
    """
    shop = load_catalog()
    known = states(seed, shop)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.editing", name, str(seed)],
            stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdin is not None
        with child.stdout, child.stdin:
            assert child.stdout.readline().strip() == "ready"
            time.sleep(np.random.default_rng(seed).uniform(0.0, LONGEST_S))
            child.send_signal(signal.SIGKILL)
            child.wait()
            done = [int(line) for line in child.stdout.read().split()]
        last = done[-1] if done else 0
        there = _left(folder, known, last)
        assert there >= last, f"seed {seed}: {last} commands were done, {there} are left"
        return last, there


def _left(folder: Path, known: list[str], last: int) -> int:
    """The latest command whose state is there, in the file or in the journal."""
    shop = load_catalog()
    found = 0
    saved = folder / "design.rackflow"
    if saved.exists():
        state = design_hash(load_design(saved).design)  # whole, or this raises
        places = [n for n in range(min(last + 1, len(known) - 1) + 1) if known[n] == state]
        assert places, "the saved file holds a design that never was"
        assert places[-1] >= last // SAVE_EVERY * SAVE_EVERY - SAVE_EVERY, "a save is lost"
        found = places[-1]
    for one in crashed(folder / "data" / "journals"):
        design, failed = restored(one, shop)
        # a kill may tear the line of a command that was still being written
        assert failed == one.lost, "edits of the journal could not be done again"
        assert one.lost <= 1, f"{one.lost} lines of the journal are lost"
        state = design_hash(design)
        places = [n for n in range(min(last + 1, len(known) - 1) + 1) if known[n] == state]
        assert places, "the journal gives a design that never was"
        found = max(found, places[-1])
    return found


def main(kills: int) -> None:
    """So many kills, with a line for each."""
    for seed in range(kills):
        last, there = kill_once(seed)
        print(f"kill {seed + 1} of {kills}: {last} commands done, {there} left")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
