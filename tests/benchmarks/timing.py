"""How the benchmarks measure, and how they say what they found."""

import gc
import resource
import sys
import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One line of a table: what was measured and the figures, as texts."""

    case: str
    figures: tuple[str, ...]


class Table(NamedTuple):
    """The figures of one subject."""

    title: str
    columns: tuple[str, ...]  # of the figures
    rows: list[Row]
    note: str = ""

    def lines(self) -> list[str]:
        """The table as markdown."""
        head = ["", *self.columns]
        lines = [f"### {self.title}", "", f"| {' | '.join(head)} |"]
        lines.append("|" + "---|" * len(head))
        lines += [f"| {' | '.join((row.case, *row.figures))} |" for row in self.rows]
        return [*lines, "", self.note, ""] if self.note else [*lines, ""]


def cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds of some runs; the first one, which may compile, does not count."""
    work()
    return least_cpu_s(work, times)


def least_cpu_s(work: Callable[[], object], times: int) -> float:
    """The least CPU seconds of some runs."""
    seconds = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def peak_bytes() -> int:
    """Peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def seconds(value: float) -> str:
    """A duration with three digits."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return "0 s"


def bytes_text(value: float) -> str:
    """A size in MB or GB."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:,.1f}x" if value < 100 else f"{value:,.0f}x"
