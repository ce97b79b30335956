"""Some seconds of random events; `make soak` does ten minutes."""

import pytest
from pytestqt.qtbot import QtBot

from tests.soak.monkey import run

SECONDS = 5.0


@pytest.mark.parametrize("seed", [1, 2])
def test_random_events_raise_nothing_and_no_message_of_qt(qtbot: QtBot, seed: int) -> None:
    done, _ = run(SECONDS, seed)
    assert done > 10
