"""`make validate`: predicts the table of published measurements and writes the page.

Without a folder the shipped table is taken and the page goes to `resources/docs`; a folder of
the whole data or a sample leaves that page alone and writes to `out/`. Equal data give equal files.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.cost.efficiency import load_system
from engine.errors import EngineError
from engine.storage.atomic import write_atomic
from engine.study.validation.blocks import Table
from engine.study.validation.compare import compare_collectives, compare_serving
from engine.study.validation.held_out import collectives_with_held_out, with_held_out
from engine.study.validation.page import TITLE, Outcome, blocks_of, summary_table
from engine.study.validation.render import html, markdown
from engine.study.validation.scores import by_metric
from engine.study.validation.table import Row, Tables, load_tables, ship

PAGE = "validation.html"
SHORT_PAGE = "validation.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Validates, or writes the shipped table; 0 when done."""
    parser = argparse.ArgumentParser(prog="validate", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the whole data")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="rows of each table")
    parser.add_argument("--jobs", type=int, default=0, help="processes (0: one a core)")
    parser.add_argument("--out", type=Path, default=None, help="folder for the page")
    parser.add_argument("--ship", type=Path, metavar="FOLDER", help="write the shipped table")
    options = parser.parse_args(argv)
    try:
        if options.ship:
            for kind, (taken, rows) in ship(options.ship).items():
                print(f"{kind}: {taken:,} of {rows:,} rows may be carried")
            return 0
        return _validate(options)
    except (EngineError, OSError) as error:
        print(f"validate: {error}", file=sys.stderr)
        return 1


def _validate(options: argparse.Namespace) -> int:
    outcome = outcome_of(load_tables(options.data), options.sample, options.jobs, tell=True)
    whole = options.data is None and not options.sample
    folder = options.out or (resource_path("docs") if whole else Path("out"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(outcome).items():
        write_atomic(folder / name, text.encode())
    for line in table_lines(summary_table(by_metric(outcome.comparisons))):
        print(line)
    print(f"wrote {folder / PAGE} and {folder / SHORT_PAGE}")
    return 0


def outcome_of(tables: Tables, sample: int = 0, jobs: int = 0, tell: bool = False) -> Outcome:
    """Runs and compares the tables, or evenly spaced rows of them without held-out fits."""
    if sample > 0:
        tables = tables._replace(
            serving=spaced(tables.serving, sample), collectives=spaced(tables.collectives, sample)
        )
    results = compare_serving(
        tables.serving, jobs=jobs, observed=not sample, progress=_told if tell else None
    )
    collectives, used, statuses = compare_collectives(tables.collectives)
    if not sample:
        collectives = collectives_with_held_out(collectives, used)
    return Outcome(
        tables=tables,
        comparisons=[*with_held_out(results), *collectives],
        serving_status=[result.status for result in results],
        collective_status=statuses,
        sample=sample,
    )


def spaced(rows: list[Row], count: int) -> list[Row]:
    """At most `count` rows at even distances."""
    if len(rows) <= count:
        return rows
    return [rows[i * len(rows) // count] for i in range(count)]


def pages(outcome: Outcome) -> dict[str, str]:
    """Text by file name of the page and its short form."""
    blocks = blocks_of(outcome, load_catalog(), load_system())
    return {PAGE: html(TITLE, blocks), SHORT_PAGE: markdown(blocks)}


def table_lines(table: Table) -> list[str]:
    """A table for a terminal."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
    return [
        "  ".join(
            text.ljust(width) if i < table.words else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _told(share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:4.0%}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
