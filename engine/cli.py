"""The headless verbs, from validate to import-model. No Qt is loaded here.

Exit status: 0 ok, 1 findings or failed, 2 wrong usage. `--json` prints one JSON object on
standard output; messages go to standard error.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine import __version__, cli_explain, cli_traces
from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.errors import EngineError
from engine.findings import Finding, Severity
from engine.scenario.design import CollectiveAlgorithm, Design, Routing
from engine.scenario.own_devices import with_own_devices

OK, FAILED, USAGE = 0, 1, 2

VERBS = (
    "validate",
    "analyse",
    "collective",
    "simulate",
    "explain",
    "outages",
    "trace",
    "flows",
    "predict",
    "export",
    "import-model",
)

DRAIN_S = 30 * 86_400.0  # a trace without --until runs until it is drained, at most so long


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit status."""
    parser = build_parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    verb: Callable[[argparse.Namespace], int] = options.run
    try:
        return verb(options)
    except EngineError as error:
        return _failed(options, str(error), type(error).__name__)
    except (OSError, MemoryError) as error:
        return _failed(options, f"{type(error).__name__}: {error}", type(error).__name__)
    except KeyboardInterrupt:
        return _failed(options, "interrupted", "KeyboardInterrupt")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all headless verbs."""
    parser = argparse.ArgumentParser(
        prog="rackflow",
        description="Designs AI inference clusters and simulates LLM serving on them.",
        epilog="rackflow [FILE] opens the window, rackflow demo the example, playing.",
    )
    parser.add_argument("--version", action="version", version=f"rackflow {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> Any:
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(run=run)
        verb.add_argument("--json", action="store_true", help="print one JSON object")
        return verb

    verb = add("validate", "check a design and say what is wrong", _validate)
    verb.add_argument("file", type=Path)
    verb = add("analyse", "answer questions on the drawn graph without a run", _analyse)
    verb.add_argument("file", type=Path)
    verb.add_argument("--from", dest="sources", default="", help="element ids, comma separated")
    verb.add_argument("--to", dest="targets", default="", help="element ids for max-flow")
    verb.add_argument("--collective", default="", metavar="OP", help="time one, e.g. all_reduce")
    verb.add_argument("--bytes", dest="size", default="64 MiB", help="size of the collective")
    verb.add_argument("--ranks", default="", help="element ids whose chips take part (all)")
    verb.add_argument("--library", default="nccl", help="whose calibration: nccl, vllm, deepep")
    verb = add("collective", "time one collective alone on the drawn links", _collective_verb)
    _collective_options(verb)
    _add_simulate(add("simulate", "run the design's workload or a trace", _simulate))
    verb = add("explain", "why the design is slow, and which fixes help", _explain)
    cli_explain.add_arguments(verb, runs=5)
    verb.add_argument("--no-fixes", action="store_true", help="leave the fixes out")
    verb = add("outages", "what the loss of one component of each kind leaves (N-1)", _outages)
    cli_explain.add_arguments(verb, runs=2)
    cli_traces.add_arguments(add("trace", "say what is in a trace of requests", _trace))
    verb = add("flows", "completion times of flows on links (network model alone)", _flows)
    verb.add_argument("--links", type=Path, required=True)
    verb.add_argument("--flows", type=Path, required=True)
    verb.add_argument(
        "--changes", type=Path, default=None, help="csv: time_s,link_id,bandwidth_Bps (0: dead)"
    )
    verb.add_argument("--out", type=Path, required=True)
    verb = add("predict", "predict measured cells of a CSV file, in batch", _predict)
    verb.add_argument("--in", dest="source", type=Path, required=True, metavar="CSV")
    verb.add_argument("--out", dest="target", type=Path, required=True, metavar="CSV")
    verb.add_argument("--collectives", action="store_true", help="the rows are collectives")
    verb.add_argument("--jobs", type=int, default=0, help="processes (0: one a core)")
    verb = add("export", "write the drawing as a picture", _export)
    verb.add_argument("file", type=Path)
    verb.add_argument("--png", type=Path, default=None)
    verb.add_argument("--svg", type=Path, default=None)
    verb = add("import-model", "read a model's config.json and say what it takes", _import_model)
    verb.add_argument("path", type=Path, help="config.json or a folder that holds one")
    verb.add_argument(
        "--generic", action="store_true", help="read a plain dense or MoE transformer"
    )
    verb.add_argument("--into", type=Path, default=None, metavar="FILE", help="add it to a design")
    return parser


def _collective_options(verb: Any) -> None:
    verb.add_argument("file", type=Path)
    verb.add_argument(
        "--kind", default="all-reduce", help="all-reduce, all-to-all, weight-load..."
    )
    verb.add_argument("--size", default="", help="bytes of a rank (64 MiB; a chip's weights)")
    verb.add_argument("--per-pair", action="store_true", help="the size is that of each pair")
    verb.add_argument("--ranks", type=int, default=0, help="the first so many chips (0: all)")
    verb.add_argument("--elements", default="", help="element ids whose chips take part (all)")
    verb.add_argument("--algorithm", default="auto", help="auto, ring, tree, in-switch, ...")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e12:
        message = f"{text} is not a number of seconds above 0"
        raise argparse.ArgumentTypeError(message)
    return value


def _add_simulate(verb: argparse.ArgumentParser) -> None:
    """The options of the verb simulate."""
    verb.add_argument("file", type=Path)
    verb.add_argument("--until", type=_seconds, default=None, metavar="SECONDS")
    verb.add_argument("--seed", type=int, default=None)
    verb.add_argument("--runs", type=int, default=1, help="seeds one after the other, from --seed")
    verb.add_argument("--jobs", type=int, default=0, help="threads of the runs (0: one a core)")
    verb.add_argument(
        "--algorithm",
        choices=[item.value for item in CollectiveAlgorithm],
        default=None,
        help="of the all-reduces, in place of the design's",
    )
    verb.add_argument(
        "--routing",
        choices=[item.value for item in Routing],
        default=None,
        help="over paths of equal cost, in place of the design's",
    )
    verb.add_argument("--trace", type=Path, default=None)
    verb.add_argument("--trace-format", choices=cli_traces.FORMATS, default=None)
    verb.add_argument(
        "--trace-columns",
        default="",
        metavar="arrival_s=A,input_tokens=B,output_tokens=C,time=s|ms|date",
        help="columns of a generic csv trace",
    )
    cli_traces.add_scaling(verb)


def _validate(options: argparse.Namespace) -> int:
    from engine.sim.preflight import preflight

    design, catalog, warnings = _open(options.file)
    findings = [*warnings, *preflight(design, catalog)]
    bad = [f for f in findings if f.severity is not Severity.NOTE]
    _say(
        options,
        {"file": str(options.file), "ok": not bad, "findings": findings},
        [_finding_line(f) for f in findings] or ["no findings"],
    )
    return FAILED if bad else OK


def _analyse(options: argparse.Namespace) -> int:
    from engine.analysis.analyse import analyse, max_flow
    from engine.report.analysis import analysis_lines, analysis_report

    design, catalog, _ = _open(options.file)
    report = analysis_report(design, catalog, analyse(design, catalog))
    sources, targets = _ids(options.sources), _ids(options.targets)
    if sources and targets:
        report["max_flow_bytes_per_s"] = max_flow(design, catalog, sources, targets)
    if options.collective:
        report["collective"] = _collective(options, design, catalog)
    _say(options, report, analysis_lines(report))
    return OK


def _collective(options: argparse.Namespace, design: Design, catalog: Catalog) -> Any:
    from engine.sim.drawn_collective import drawn_collective
    from engine.units import parse_quantity

    answer = drawn_collective(
        design,
        catalog,
        options.collective,
        parse_quantity(options.size, "B"),
        elements=_ids(options.ranks),
        implementation=options.library,
    )
    return msgspec.to_builtins(answer)


def _collective_verb(options: argparse.Namespace) -> int:
    from engine.report.collective import collective_lines
    from engine.sim.collective_time import chip_weight_bytes, collective_time
    from engine.units import parse_quantity

    design, catalog, _ = _open(options.file)
    size = options.size or ("" if options.kind == "weight-load" else "64 MiB")
    answer = collective_time(
        design,
        catalog,
        options.kind,
        parse_quantity(size, "B") if size else chip_weight_bytes(design, catalog),
        algorithm=options.algorithm,
        ranks=options.ranks,
        elements=_ids(options.elements),
        per_pair=options.per_pair,
    )
    _say(options, msgspec.to_builtins(answer), collective_lines(answer))
    return OK


def _ids(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _as_asked(design: Design, options: argparse.Namespace) -> Design:
    """The design with what the command line says in its place."""
    if options.algorithm is not None:
        deployment = msgspec.structs.replace(
            design.deployment, collective_algorithm=CollectiveAlgorithm(options.algorithm)
        )
        design = msgspec.structs.replace(design, deployment=deployment)
    if options.routing is not None:
        fabric = msgspec.structs.replace(design.fabric, routing=Routing(options.routing))
        design = msgspec.structs.replace(design, fabric=fabric)
    return design


def _simulate(options: argparse.Namespace) -> int:
    from engine.metrics.summary import summarise
    from engine.report.collective import algorithm_lines
    from engine.report.ranges import summary_report
    from engine.report.tables import summary_lines
    from engine.scenario.scenario import Scenario
    from engine.sim.prepare import prepare_simulation
    from engine.sim.step_algorithms import drawn_algorithms
    from engine.study.design_bands import design_bands

    design, catalog, _ = _open(options.file)
    design = _as_asked(design, options)
    trace = None
    until_s = options.until or design.run.until_s
    traced = design.traced()
    own = Path(traced.trace_path) if traced is not None and traced.trace_path else None
    path = options.trace or own
    if path is not None:
        from engine.workload.trace_source import columns_of
        from engine.workload.traces import detect_format, read_trace

        kind = (
            options.trace_format or (traced.trace_format if traced else "") or detect_format(path)
        )
        if not kind:
            print("rackflow simulate: say --trace-format", file=sys.stderr)
            return USAGE
        kept = columns_of(traced) if traced is not None and path == own else None
        trace = read_trace(path, kind, _columns(options.trace_columns) or kept)
        trace = cli_traces.scaled(trace, options)
        if options.until is None:
            until_s = float(trace.arrival_s[-1]) + DRAIN_S
    scenario = Scenario(
        design=design,
        catalog=catalog,
        until_s=until_s,
        seed=design.run.seed if options.seed is None else options.seed,
        trace=trace,
    )
    if options.runs != 1:
        return _simulate_seeds(options, scenario)
    simulation, lowered = prepare_simulation(scenario)
    simulation.run_to_end(None if options.json else _progress)
    summary = summarise(simulation.results(), lowered, scenario)
    bands = design_bands(design, catalog)
    algorithms = drawn_algorithms(design, catalog, lowered.first.placement, lowered.fabric)
    report = {**summary_report(summary, bands), "collectives": msgspec.to_builtins(algorithms)}
    _say(options, report, [*summary_lines(summary, bands), *algorithm_lines(algorithms)])
    return OK


def _simulate_seeds(options: argparse.Namespace, scenario: Any) -> int:
    from engine.report.seeds import seeds_report
    from engine.study.seeds import chances, run_seeds

    seeds = [scenario.seed + number for number in range(options.runs)]
    summaries = run_seeds(scenario, seeds, options.jobs, None if options.json else _progress)
    _say(options, *seeds_report(summaries, chances(summaries)))
    return OK


def _columns(text: str) -> dict[str, str] | None:
    from engine.workload.trace_source import parse_columns

    return parse_columns(text) or None


def _progress(share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:6.1%}", end="" if share < 1 else "\n", file=sys.stderr, flush=True)


def _outages(options: argparse.Namespace) -> int:
    cli_explain.outages(options, _open(options.file), _say, _progress)
    return OK


def _trace(options: argparse.Namespace) -> int:
    cli_traces.describe(options, _columns(options.columns), _say)
    return OK


def _explain(options: argparse.Namespace) -> int:
    cli_explain.explain(options, _open(options.file), _say, _progress)
    return OK


def _flows(options: argparse.Namespace) -> int:
    from engine.storage.flow_files import run_flow_files

    report = run_flow_files(options.links, options.flows, options.out, options.changes)
    _say(options, report, [f"{key}: {value}" for key, value in report.items()])
    return OK


def _predict(options: argparse.Namespace) -> int:
    from engine.study.predict import predict_file
    from engine.study.predict_collectives import predict_collectives

    if options.jobs < 0:
        print("rackflow predict: --jobs is 0 or more", file=sys.stderr)
        return USAGE
    if options.collectives:
        counts = dict(predict_collectives(options.source, options.target))
    else:
        progress = None if options.json else _progress
        counts = predict_file(options.source, options.target, jobs=options.jobs, progress=progress)
    rows = sum(counts.values())
    report = {"out": str(options.target), "rows": rows, "statuses": counts}
    lines = [f"{count:>6}  {status}" for status, count in sorted(counts.items())]
    _say(options, report, [f"wrote {options.target}, {rows} rows", *lines])
    return OK


def _export(options: argparse.Namespace) -> int:
    from engine.report.picture import design_picture
    from engine.report.png import write_png
    from engine.report.svg import write_svg

    if options.png is None and options.svg is None:
        print("rackflow export: give --png or --svg (or both)", file=sys.stderr)
        return USAGE
    design, catalog, _ = _open(options.file)
    picture = design_picture(design, catalog, None)
    written: list[str] = []
    if options.png is not None:
        write_png(picture, options.png)
        written.append(str(options.png))
    if options.svg is not None:
        write_svg(picture, options.svg)
        written.append(str(options.svg))
    _say(options, {"written": written}, [f"wrote {name}" for name in written])
    return OK


def _import_model(options: argparse.Namespace) -> int:
    from engine.report.model import model_lines, model_report
    from engine.scenario.own_models import with_own_model
    from engine.storage.llm_config import read_llm_config
    from engine.storage.project_file import save_design

    llm = read_llm_config(options.path, generic=options.generic)
    added = []
    if options.into is not None:
        design, catalog, _ = _open(options.into)
        llms, llm = with_own_model(design.llms, llm)
        save_design(options.into, msgspec.structs.replace(design, llms=llms), catalog)
        added = [f"added to {options.into} as {llm.id}"]
    report = {**model_report(llm), "into": str(options.into or "")}
    _say(options, report, [*model_lines(llm), *added])
    return OK


def _open(path: Path) -> tuple[Design, Catalog, list[Finding]]:
    from engine.storage.project_file import load_design

    loaded = load_design(path)
    warnings = [
        Finding(severity=Severity.NOTE, code="file", subject=str(path), text=text)
        for text in loaded.warnings
    ]
    return loaded.design, with_own_devices(loaded.design, load_catalog()), warnings


def _finding_line(finding: Finding) -> str:
    where = f" {finding.subject}" if finding.subject else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.severity.value}{where}: {finding.text}{hint}"


def _say(options: argparse.Namespace, report: Any, lines: Sequence[str]) -> None:
    if options.json:
        sys.stdout.write(
            msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
        )
    else:
        for line in lines:
            print(line)


def _failed(options: argparse.Namespace, text: str, kind: str) -> int:
    if getattr(options, "json", False):
        report = {"ok": False, "error": text, "kind": kind}
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    print(f"rackflow: {text}", file=sys.stderr)
    return FAILED
