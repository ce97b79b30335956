"""The verbs `explain` (why a design is slow, which fixes help) and `outages` (N-1)."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design

Opened = tuple[Design, Catalog, Any]


def add_arguments(verb: argparse.ArgumentParser, *, runs: int) -> None:
    """The options that both verbs have; `runs` seeds if nothing is said."""
    verb.add_argument("file", type=Path)
    verb.add_argument("--until", type=float, default=None, metavar="SECONDS")
    verb.add_argument("--runs", type=int, default=runs, help="seeds of each variant")
    verb.add_argument("--jobs", type=int, default=0, help="threads (0: one a core)")


def outages(
    options: argparse.Namespace,
    opened: Opened,
    say: Callable[[argparse.Namespace, dict[str, Any], list[str]], None],
    progress: Callable[[float], None],
) -> None:
    """Loses one component of every class and prints what that costs."""
    from engine.report.outages import outage_report
    from engine.scenario.scenario import Scenario
    from engine.study.outage_table import outage_table

    design, catalog, _ = opened
    until_s = options.until or design.run.until_s
    scenario = Scenario(design=design, catalog=catalog, until_s=until_s, seed=design.run.seed)
    told = None if options.json else progress
    say(options, *outage_report(*outage_table(scenario, options.runs, options.jobs, told)))


def explain(
    options: argparse.Namespace,
    opened: Opened,
    say: Callable[[argparse.Namespace, dict[str, Any], list[str]], None],
    progress: Callable[[float], None],
) -> None:
    """Runs the study and prints it."""
    from engine.report.whatif import whatif_report
    from engine.scenario.scenario import Scenario
    from engine.study.fixes import try_fixes
    from engine.study.whatif import what_if

    design, catalog, _ = opened
    scenario = Scenario(
        design=design,
        catalog=catalog,
        until_s=options.until or design.run.until_s,
        seed=design.run.seed,
    )
    told = None if options.json else progress
    base, found = what_if(scenario, options.runs, options.jobs, told)
    fixes = [] if options.no_fixes else try_fixes(scenario, base, told)
    report, lines = whatif_report(base, found, fixes, design.prices.currency)
    say(options, report, lines)
