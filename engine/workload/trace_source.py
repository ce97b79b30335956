"""The trace that a workload names: its file, its format, and for a CSV which column is what.

The mapping of columns is kept beside the workload's fields, under `trace_columns`: the columns named
arrival_s, input_tokens and output_tokens, and under `time` how arrivals are written (s, ms, date).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import FileError, ScenarioError
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace import RequestTrace
from engine.workload.traces import detect_format, read_trace

FIELD = "trace_columns"
ROLES = ("arrival_s", "input_tokens", "output_tokens")
TIME = "time"
_BETWEEN = re.compile(rf",(?=\s*(?:{'|'.join((*ROLES, TIME))})\s*=)")


def columns_of(workload: WorkloadSpec) -> dict[str, str]:
    """The mapping that a workload keeps; empty where it has none, or one that is no mapping."""
    kept: Any = workload.extra.get(FIELD)
    if not isinstance(kept, Mapping):
        return {}
    names = (*ROLES, TIME)
    return {name: str(kept[name]) for name in names if isinstance(kept.get(name), str)}


def parse_columns(text: str) -> dict[str, str]:
    """The mapping of 'arrival_s=A,input_tokens=B,output_tokens=C,time=ms'; names may hold commas.

    Raises:
        ScenarioError: a part that is no such mapping, or is there twice.
    """
    if not text.strip():
        return {}
    found: dict[str, str] = {}
    for part in _BETWEEN.split(text):
        role, equals, name = (piece.strip() for piece in part.partition("="))
        if role not in (*ROLES, TIME) or not equals or not name or role in found:
            raise ScenarioError(
                "columns", f"'{part.strip()}' names no column",
                f"say role=column, roles are {', '.join((*ROLES, TIME))}, each once",
            )  # fmt: skip
        found[role] = name
    return found


def with_trace_file(
    workload: WorkloadSpec, path: str, kind: str, columns: Mapping[str, str] | None = None
) -> WorkloadSpec:
    """The workload with another trace; without columns it keeps no mapping."""
    extra = {name: value for name, value in workload.extra.items() if name != FIELD}
    if columns:
        extra[FIELD] = dict(columns)
    return msgspec.structs.replace(
        workload, kind=WorkloadKind.TRACE, trace_path=path, trace_format=kind, extra=extra
    )


def trace_of(workload: WorkloadSpec) -> RequestTrace:
    """The requests of the trace that a workload names; its format is found if it is not said.

    Raises:
        TraceError: a value is missing or wrong; names line and column.
        FileError: there is no file, it cannot be read, or its format is not known.
    """
    path = Path(workload.trace_path)
    if not workload.trace_path:
        raise FileError(path, "the workload names no trace", "choose a file in the workload")
    kind = workload.trace_format or detect_format(path)
    if not kind:
        raise FileError(path, "is of no format that is known", "set it in the workload")
    return read_trace(path, kind, columns_of(workload) if kind == "csv" else None)
