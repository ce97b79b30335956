"""Parts of work are done in order, one at a time, all at once when asked, or not at all."""

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.support.gradually import Gradually


def test_parts_are_done_in_order_while_events_are_handled(qtbot: QtBot) -> None:
    owner = QObject()
    work, done = Gradually(owner), list[int]()
    for number in range(5):
        work.add(lambda number=number: done.append(number))
    assert done == []
    qtbot.waitUntil(lambda: done == [0, 1, 2, 3, 4])
    assert not work._timer.isActive()
    work.add(lambda: done.append(5))
    work.complete()
    assert done[-1] == 5
    work.add(lambda: done.append(6))
    work.clear()
    qtbot.waitUntil(lambda: not work._timer.isActive())
    assert done[-1] == 5
