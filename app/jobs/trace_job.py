"""Reading a trace in a thread of its own, to say what it holds before it is taken."""

import threading
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.run_worker import lower_priority
from engine.errors import EngineError

Asked = tuple[Path, str, dict[str, str]]  # file, format, columns


class TraceJob(QObject):
    """One reading at a time; of those asked for meanwhile only the last is done."""

    read = Signal(object)  # TraceCounts
    failed = Signal(str)

    _done = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._next: Asked | None = None
        self._done.connect(self._on_done)

    @property
    def is_running(self) -> bool:
        """A trace is being read."""
        return self._thread is not None

    def ask(self, path: Path, kind: str, columns: Mapping[str, str]) -> None:
        """Reads a trace, after the one that is under way."""
        self._next = (path, kind, dict(columns))
        if self._thread is None:
            self._start()

    def shut_down(self) -> None:
        """Ends; waits for the file that is being read."""
        self._next = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _start(self) -> None:
        asked, self._next = self._next, None
        if asked is not None:
            self._thread = threading.Thread(
                target=self._work, args=asked, name="rackflow-trace", daemon=True
            )
            self._thread.start()

    def _work(self, path: Path, kind: str, columns: dict[str, str]) -> None:
        from engine.workload.trace_preview import counts_of
        from engine.workload.traces import read_trace

        lower_priority()
        counts, text = None, ""
        try:
            counts = counts_of(read_trace(path, kind, columns))
        except EngineError as error:
            text = str(error)
        except MemoryError:
            text = self.tr("The machine has not enough memory for this trace.")
        self._done.emit(counts, text)

    def _on_done(self, counts: object, text: str) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._next is not None:
            self._start()  # what was read is not wanted any more
        elif counts is not None:
            self.read.emit(counts)
        else:
            self.failed.emit(text)
