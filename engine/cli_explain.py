"""The verbs `explain` (why a design is slow, which fixes help) and `outages` (N-1)."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design

if TYPE_CHECKING:
    from engine.scenario.scenario import Scenario

Opened = tuple[Design, Catalog, Any]
Say = Callable[[argparse.Namespace, dict[str, Any], list[str]], None]
Progress = Callable[[float], None]


def add_arguments(verb: argparse.ArgumentParser, *, runs: int) -> None:
    """The options that both verbs have; `runs` seeds if nothing is said."""
    verb.add_argument("file", type=Path)
    verb.add_argument("--until", type=float, default=None, metavar="SECONDS")
    verb.add_argument("--runs", type=int, default=runs, help="seeds of each variant")
    verb.add_argument("--jobs", type=int, default=0, help="threads (0: one a core)")


def outages(options: argparse.Namespace, opened: Opened, say: Say, progress: Progress) -> None:
    """Loses one component of every class and prints what that costs."""
    from engine.report.outages import outage_report
    from engine.study.outage_table import outage_table

    scenario = _scenario(options, opened)
    told = None if options.json else progress
    base, rows = outage_table(scenario, options.runs, options.jobs, told)
    scaled = any(pool.autoscale.min_replicas for pool in scenario.design.all_pools())
    say(options, *outage_report(base, rows, scaled=scaled))


def explain(options: argparse.Namespace, opened: Opened, say: Say, progress: Progress) -> None:
    """Runs the study and prints it."""
    from engine.report.whatif import whatif_report
    from engine.study.fixes import trial
    from engine.study.whatif import what_if

    scenario = _scenario(options, opened)
    told = None if options.json else progress
    base, found = what_if(scenario, options.runs, options.jobs, told)
    tried = None if options.no_fixes else trial(scenario, base, options.jobs, told)
    report, lines = whatif_report(base, found, tried, scenario.design.prices.currency)
    say(options, report, lines)


def _scenario(options: argparse.Namespace, opened: Opened) -> "Scenario":
    """The design as the options run it, with the trace that its workload names.

    Raises:
        FileError: the trace cannot be read, or its format is not known.
    """
    from engine.scenario.scenario import Scenario

    design, catalog, _ = opened
    traced, trace = design.traced(), None
    if traced is not None and traced.trace_path:
        from engine.workload.trace_source import trace_of

        trace = trace_of(traced)
    return Scenario(
        design=design,
        catalog=catalog,
        until_s=options.until or design.run.until_s,
        seed=design.run.seed,
        trace=trace,
    )
