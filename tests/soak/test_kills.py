"""A dozen kills of an editing program; `make soak` does two hundred."""

import os

import pytest

from tests.soak.kills import kill_once

KILLS = 12


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("seed", range(1000, 1000 + KILLS))
def test_nothing_saved_is_lost_and_one_command_at_most(seed: int) -> None:
    last, there = kill_once(seed)
    assert there in (last, last + 1)
