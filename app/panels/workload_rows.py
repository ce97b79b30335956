"""All fields of a workload as sections of a form: of the design's own one and of tenants."""

from PySide6.QtCore import QCoreApplication

from app.panels.fields import ButtonsRow, Form, Section, TextRow
from app.panels.folds import FoldSection
from app.panels.record_rows import RecordRows
from engine.sim.distributions import check_distribution
from engine.units import format_quantity
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace_source import ROLES, TIME, columns_of

MOST_AGENTS = 1_000_000
MOST_VALUE = 1e12
MOST_STEPS = 1e6
SMALLEST = 1e-6
TRACE_FORMATS = ("azure", "mooncake", "bailian", "burstgpt", "servegen", "csv")


def _tr(text: str) -> str:
    return QCoreApplication.translate("WorkloadRows", text)


def add_workload(form: Form, rows: RecordRows) -> None:
    """Adds a section for a workload, and one that folds for each of its distributions.

    Args:
        form: gets the sections at its end.
        rows: over the workload; the fields of its present kind are shown.
    """
    kinds = [
        (WorkloadKind.AGENTS.value, _tr("Agents (closed loop)")),
        (WorkloadKind.CLIENTS.value, _tr("Clients (closed loop)")),
        (WorkloadKind.POISSON.value, _tr("Poisson (open loop)")),
        (WorkloadKind.TRACE.value, _tr("Trace file")),
    ]
    section = form.section(_tr("Workload"))
    tip = _tr(
        "Open loop: requests come whatever the cluster does. Closed loop: they wait for answers"
    )
    section.add(rows.choice("kind", _tr("Kind"), kinds, WorkloadKind, tip))
    kind = rows.value("kind")
    if kind is WorkloadKind.AGENTS:
        _add_agents(form, section, rows)
    elif kind is WorkloadKind.CLIENTS:
        _add_clients(form, section, rows)
    elif kind is WorkloadKind.POISSON:
        _add_poisson(form, section, rows)
    else:
        _add_trace(form, section, rows)


def _add_agents(form: Form, section: Section, rows: RecordRows) -> None:
    tip = _tr("Sessions that ask, use tools and think, each in a loop")
    section.add(rows.whole("agents", _tr("Agents"), 1, tip, MOST_AGENTS))
    tip = _tr("Mean number of steps before the agent thinks")
    section.add(
        rows.quantity("steps_per_task", _tr("Steps a task"), "count", 1.0, MOST_STEPS, tip)
    )
    tip = _tr("Share of what a step appends and writes that stays in the context")
    section.add(rows.quantity("growth_ratio", _tr("Growth"), "ratio", 0.0, 1.0, tip))
    tip = _tr("Share of the model's window that is left when a context that is full is compacted")
    section.add(
        rows.quantity("compact_to", _tr("Compacted to"), "ratio", SMALLEST, 1.0 - SMALLEST, tip)
    )
    tip = _tr("Agents begin with their context cached, each at another point of its loop")
    section.add(rows.check("warm_start", _tr("Warm start"), tip))
    _add_failures(section, rows)
    for name, label, unit, tip in (
        (
            "prefix_tokens",
            _tr("First context"),
            "tokens",
            _tr("Context at the start of a session"),
        ),
        ("append_tokens", _tr("Append a step"), "tokens", _tr("New prompt tokens of a step")),
        ("output_tokens", _tr("Output a step"), "tokens", _tr("Tokens that a step generates")),
        ("tool_s", _tr("Tool time"), "s", _tr("Time that a tool takes on an idle host")),
        ("think_s", _tr("Think time"), "s", _tr("Pause between two tasks")),
        ("tool_cpu_s", _tr("Tool CPU time"), "s", _tr("Time of a host core that a tool burns")),
        (
            "subagent_prefix_tokens",
            _tr("Sub-agent context"),
            "tokens",
            _tr("Context that a sub-agent begins with; no cache has it"),
        ),
        (
            "error_tokens",
            _tr("Error text"),
            "tokens",
            _tr("Tokens that a failed or cancelled tool gives in place of a result"),
        ),
    ):
        _add_distribution(form, rows, name, label, unit, tip)


def _add_failures(section: Section, rows: RecordRows) -> None:
    """Sub-agents, and tools that fail or are cancelled."""
    tip = _tr("Share of steps after which an agent sends out sub-agents and waits for all of them")
    section.add(rows.quantity("fanout_share", _tr("Steps that fan out"), "ratio", 0.0, 1.0, tip))
    tip = _tr("Sub-agents that are sent out at once")
    section.add(rows.whole("subagents", _tr("Sub-agents"), 1, tip, 1000))
    tip = _tr("Mean number of steps of a sub-agent's task")
    section.add(rows.quantity("subagent_steps", _tr("Their steps"), "count", 1.0, MOST_STEPS, tip))
    tip = _tr("Share of tools that fail; the agent reads the error and tries again")
    section.add(
        rows.quantity("tool_fail_share", _tr("Failing tools"), "ratio", 0.0, 1.0 - SMALLEST, tip)
    )
    tip = _tr("A tool that takes longer is cancelled; 0: never")
    section.add(rows.quantity("tool_timeout_s", _tr("Tool time limit"), "s", 0.0, 1e9, tip))


def _add_poisson(form: Form, section: Section, rows: RecordRows) -> None:
    tip = _tr("Requests that arrive in a second")
    section.add(rows.quantity("rate_per_s", _tr("Rate"), "1/s", SMALLEST, 1e6, tip))
    section.add(rows.whole("requests", _tr("Requests"), 0, _tr("0: no end")))
    _add_lengths(form, rows)


def _add_clients(form: Form, section: Section, rows: RecordRows) -> None:
    tip = _tr("Each sends its next request as soon as its last one is answered")
    section.add(rows.whole("clients", _tr("Clients"), 1, tip, MOST_AGENTS))
    tip = _tr("Of all clients; 0: ten for each client")
    section.add(rows.whole("requests", _tr("Requests"), 0, tip))
    _add_lengths(form, rows)


def _add_trace(form: Form, section: Section, rows: RecordRows) -> None:
    tip = _tr("A file of requests; a run reads the trace of the first tenant that has one")
    section.add(rows.text("trace_path", _tr("Trace file"), tip))
    formats = [("", _tr("found by itself")), *((name, name) for name in TRACE_FORMATS)]
    format_tip = _tr("How the file is read; found by itself from its first rows")
    section.add(rows.choice("trace_format", _tr("Format"), formats, str, format_tip))
    tip = _tr("Columns of a CSV that are the arrival, the input and the output of a request")
    section.add(TextRow(_tr("Columns"), lambda: _columns_text(rows.value("")), tip))
    file_tip = _tr(
        "Choose a file; its format is found by itself, of another CSV you say the columns"
    )
    section.add(
        ButtonsRow(
            "",
            [
                (_tr("File..."), file_tip, form.trace_requested.emit),
                (_tr("Columns..."), tip, form.trace_columns_requested.emit),
            ],
        )
    )


def _columns_text(workload: WorkloadSpec) -> str:
    """Which column is what, where the workload says so."""
    columns = columns_of(workload)
    if workload.trace_format not in ("", "csv") or not columns:
        return _tr("as the format names them")
    names = [columns.get(role, role) for role in ROLES]
    return _tr("{0} ({3}), {1}, {2}").format(*names, columns.get(TIME, "s"))


def _add_lengths(form: Form, rows: RecordRows) -> None:
    _add_distribution(
        form, rows, "input_tokens", _tr("Input"), "tokens", _tr("Prompt tokens of a request")
    )
    _add_distribution(
        form,
        rows,
        "output_tokens",
        _tr("Output"),
        "tokens",
        _tr("Tokens that a request generates"),
    )


def _add_distribution(
    form: Form, rows: RecordRows, name: str, label: str, unit: str, tip: str
) -> None:
    """Median, sigma and bounds of a log-normal."""

    def summary() -> str:
        law = rows.value(name)
        return f"{format_quantity(law.median, unit, 3)}, \u03c3 {law.sigma:.3g}"

    law = rows.inner(name, label, lambda changed: check_distribution(label, changed))
    fold = FoldSection(label, summary)
    fold.setToolTip(tip)
    text = _tr("{0}: half of all are below").format(tip)
    fold.add(law.quantity("median", _tr("Median"), unit, SMALLEST, MOST_VALUE, text))
    text = _tr("Of the logarithm; 0: always the median, 1: a 95th percentile of five medians")
    fold.add(law.quantity("sigma", _tr("Sigma"), "count", 0.0, 10.0, text))
    text = _tr("Smaller values are drawn as this one")
    fold.add(law.quantity("low", _tr("At least"), unit, 0.0, MOST_VALUE, text))
    text = _tr("Larger values are drawn as this one")
    fold.add(law.quantity("high", _tr("At most"), unit, 0.0, MOST_VALUE, text))
    form.add_section(fold)
