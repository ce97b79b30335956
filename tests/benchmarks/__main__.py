"""Prints speeds of this machine: `make bench`, `make bench ONLY=network`.

`python -m tests.benchmarks [SUBJECT ...] [--markdown FILE]`; with --markdown the tables also go
into FILE, between the two marks that it has for them. `profile SUBJECT` runs a subject under the
profiler in place of that.
"""

import argparse
import cProfile
import datetime as dt
import importlib.metadata
import platform
import pstats
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import (
    analysis,
    blocking,
    canvas,
    hall,
    long_runs,
    lowering,
    network,
    prefixes,
    serving,
    start,
    steps,
    window,
)
from tests.benchmarks.timing import Table

SUBJECTS: dict[str, Callable[[], Iterator[Table]]] = {
    module.__name__.rsplit(".", maxsplit=1)[-1]: module.measure
    for module in (
        network,
        serving,
        prefixes,
        long_runs,
        hall,
        lowering,
        window,
        analysis,
        steps,
        start,
        canvas,
        blocking,
    )
}
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
VERSIONS = ("numpy", "numba", "networkx", "scipy", "PySide6-Essentials")


def machine() -> str:
    """What the figures were taken on, and when."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = re.findall(r"model name\s*:\s*(.+)", info.read_text())
        cpu = f"{names[0]}, {len(names)} cores" if names else cpu
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    day = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return f"{day}, {cpu}, {platform.system()}, Python {platform.python_version()}, {versions}."


def run(names: list[str]) -> list[str]:
    """Prints every table as soon as it is there; returns all lines."""
    lines = [machine(), ""]
    sys.stdout.write("\n".join(lines) + "\n")
    for name in names:
        for table in SUBJECTS[name]():
            text = table.lines()
            lines += text
            sys.stdout.write("\n".join(text) + "\n")
            sys.stdout.flush()
    return lines


def put_into(path: Path, lines: list[str]) -> None:
    """Replaces what stands between the marks of a file."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines).rstrip() + f"\n\n{END}{after}")


def main() -> None:
    """Measures what the command line names, by default everything."""
    parser = argparse.ArgumentParser(description="Measure the speed of this machine.")
    parser.add_argument("subject", nargs="*", choices=[*SUBJECTS, "profile", []], default=[])
    parser.add_argument("--markdown", type=Path, default=None)
    options = parser.parse_args()
    names = [name for name in options.subject if name != "profile"] or list(SUBJECTS)
    if "profile" in options.subject:
        profiler = cProfile.Profile()
        profiler.runcall(run, names)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(40)
        return
    lines = run(names)
    if options.markdown is not None:
        put_into(options.markdown, lines)


if __name__ == "__main__":
    main()
