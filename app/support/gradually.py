"""Work of the window's thread in small parts, between which events are handled."""

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


class Gradually(QObject):
    """Does parts in their order, one each time the event loop has nothing else to do."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._parts: deque[Callable[[], object]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._do_next)

    def add(self, part: Callable[[], object]) -> None:
        """Adds a part to those that wait."""
        self._parts.append(part)
        self._timer.start()

    def complete(self) -> None:
        """Does all parts that wait."""
        while self._parts:
            self._parts.popleft()()

    def clear(self) -> None:
        """Forgets all parts that wait."""
        self._parts.clear()

    def _do_next(self) -> None:
        if self._parts:
            self._parts.popleft()()
        if not self._parts:
            self._timer.stop()
