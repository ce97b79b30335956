"""Lines that say how a collective runs on the drawing. No computing here."""

from collections.abc import Sequence

from engine.sim.collective_time import CollectiveTime
from engine.sim.step_algorithms import StepAlgorithm
from engine.units import format_quantity


def collective_lines(answer: CollectiveTime) -> list[str]:
    """The answer of `engine.sim.collective_time` for a reader."""
    lines = [
        f"{answer.kind} of {format_quantity(answer.size_bytes, 'B')} among {answer.ranks} chips "
        f"in {answer.domains} domain(s)",
        f"algorithm     {answer.algorithm}: {answer.reason}",
    ]
    if answer.source:
        lines.append(f"source        {answer.source}")
    for name, size in answer.thresholds.items():
        lines.append(f"threshold     {name} from {format_quantity(size, 'B')}")
    for name, seconds in answer.others.items():
        lines.append(f"instead       {name}: {format_quantity(seconds, 's')}")
    port, hop = format_quantity(answer.port_bytes_per_s, "B/s"), format_quantity(answer.hop_s, "s")
    lines += [
        f"closed form   {answer.closed_form_s * 1e6:,.6g} us (port {port}, hop {hop}, unblocked)",
        f"drawn links   {answer.seconds * 1e6:,.6g} us",
    ]
    if answer.phased_s > answer.seconds * 1.001:
        lines.append(f"              {answer.phased_s * 1e6:,.6g} us if no phase overlaps another")
    lines += [
        f"busy {link.share:6.1%}   {link.link} ({link.link_class}), "
        f"{format_quantity(link.bytes, 'B')}"
        for link in answer.busiest
    ]
    return lines


def algorithm_lines(algorithms: Sequence[StepAlgorithm]) -> list[str]:
    """What runs the exchanges of a step, a line each; nothing where a replica is one chip."""
    lines = [f"  {a.kind} of {a.ranks} ranks: {a.algorithm} ({a.reason})" for a in algorithms]
    return ["collectives of a step:", *lines] if lines else []
