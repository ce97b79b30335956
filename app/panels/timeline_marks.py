"""Marks of the timeline: faults that are planned and what has happened in a run, as plain data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from engine.scenario.design import Design
from engine.scenario.faults import FaultEvent, FaultKind
from engine.units import format_quantity

if TYPE_CHECKING:  # the module pulls numba in, which the window does not wait for
    from engine.sim.faults import LoggedFault

SMALLEST_TIME_S = 1e-6
TICK_UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("\u00b5s", 1e-6))


class MarkKind(StrEnum):
    """What a mark stands for; each has a shape of its own."""

    PLANNED = "planned"
    FAILED = "fails"  # these three are the log's own words
    REPAIRED = "is repaired"
    SERVES = "serves again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One moment: `target` is an id of the drawing ('' for several), `row` that of the plan."""

    time_s: float
    kind: MarkKind
    text: str
    target: str = ""
    row: int = -1


def target_names(design: Design) -> dict[str, str]:
    """Ids of all elements and links with what the user calls them."""
    names = {element.id: element.name for element in design.elements}
    for link in design.links:
        ends = (names.get(link.a.element, ""), names.get(link.b.element, ""))
        names[link.id] = " - ".join(ends)
    return names


def logged_text(line: "LoggedFault", names: Mapping[str, str]) -> str:
    """A line of a run's log in the user's words, without its time."""
    name = line.name
    if line.target:
        name = name.replace(line.target, names.get(line.target, line.target))
    return f"{name[:1].upper()}{name[1:]} {line.what}"


def planned_marks(design: Design) -> tuple[Mark, ...]:
    """The faults by hand, in the order of the plan."""
    names = target_names(design)
    return tuple(
        Mark(
            time_s=event.at_s,
            kind=MarkKind.PLANNED,
            text=planned_text(event, names),
            target=event.target,
            row=row,
        )
        for row, event in enumerate(design.faults.events)
    )


def planned_text(event: FaultEvent, names: Mapping[str, str]) -> str:
    """What shall fail and for how long."""
    tr = QCoreApplication.translate
    name = names.get(event.target, event.target)
    kind = event.kind.value
    if event.kind in (FaultKind.PLANE, FaultKind.PORT):
        kind = f"{kind} {event.part}"
    which = kind if event.member < 0 else f"{kind} {event.member}"
    if event.kind in (FaultKind.PLANE, FaultKind.PORT) and event.member >= 0:
        which = tr("Timeline", "{0} at {1}").format(kind, event.member)
    text = tr("Timeline", "{0} of {1} shall fail").format(f"{which[:1].upper()}{which[1:]}", name)
    if event.repair_s > 0:
        text += tr("Timeline", " for {0}").format(format_quantity(event.repair_s, "s"))
    return text


def logged_marks(log: "Sequence[LoggedFault]", names: Mapping[str, str]) -> tuple[Mark, ...]:
    """What a run has seen fail, be repaired and serve again."""
    return tuple(
        Mark(
            time_s=line.time_s,
            kind=MarkKind(line.what),
            text=logged_text(line, names),
            target=line.target,
        )
        for line in log
    )


def mark_text(mark: Mark) -> str:
    """When, and what."""
    return f"{format_quantity(mark.time_s, 's', 4)}  {mark.text}"


def ticks(until_s: float, most: int) -> list[tuple[float, str]]:
    """Round times from 0 to the end with their texts, all in one unit; at most so many steps."""
    if until_s <= 0 or most < 1:
        return []
    step = next(step for step in _steps() if until_s / step <= most)
    unit, size = next((row for row in TICK_UNITS if step >= row[1]), TICK_UNITS[-1])
    times = [number * step for number in range(int(until_s / step + 1e-9) + 1)]
    return [(time_s, f"{time_s / size:g} {unit}") for time_s in times]


def _steps() -> Iterator[float]:
    """Steps of an axis of time, ever larger."""
    power = SMALLEST_TIME_S
    while power < 10.0:
        yield from (power, 2 * power, 5 * power)
        power *= 10
    yield from (10.0, 20.0, 30.0)
    yield from (60.0 * minutes for minutes in (1, 2, 5, 10, 20, 30))
    power = 3600.0
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def rounded_time(time_s: float, pixel_s: float) -> float:
    """A time as short a number as a pixel allows: 12.3 s where a pixel is a tenth of a second."""
    step = SMALLEST_TIME_S
    while step * 10 <= pixel_s:
        step *= 10
    digits = 6
    while step > 10.0**-digits * 1.5 and digits > 0:
        digits -= 1
    return max(0.0, round(round(time_s / step) * step, digits))
