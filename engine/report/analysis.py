"""What an analysis says, with the memory fit, power and price of the design beside it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.analysis.analyse import Analysis
from engine.catalog.catalog import Catalog
from engine.cost.memory import MemoryFit, fit
from engine.errors import EngineError
from engine.report.tables import aligned
from engine.scenario.design import Design
from engine.scenario.own_models import design_catalog
from engine.scenario.prices import power_sum, price_sum
from engine.sim.checks import check_deployment
from engine.sim.drawn_chips import drawn_chip
from engine.sim.prepare import refuse_broken_drawing
from engine.units import format_quantity

_SHOWN = 12


def memory_fit(design: Design, catalog: Catalog) -> MemoryFit | str:
    """The memory fit on the first chips that are drawn, or why there is none."""
    try:
        check_deployment(design.deployment)
        refuse_broken_drawing(design, catalog)
        llm = design_catalog(design, catalog).llm(design.deployment.model)
        chip = drawn_chip(design, catalog)
    except EngineError as error:
        return str(error)
    return "no chips are drawn" if chip is None else fit(design.deployment, llm, chip)


def analysis_report(design: Design, catalog: Catalog, analysis: Analysis) -> dict[str, Any]:
    """Everything `analyse` answers, as plain data in SI units."""
    power, price = power_sum(design, catalog), price_sum(design, catalog)
    memory = memory_fit(design, catalog)
    report: dict[str, Any] = {"design": design.name}
    report.update(msgspec.to_builtins(analysis))
    report["memory_fit"] = (
        {"ok": False, "reason": memory} if isinstance(memory, str) else msgspec.to_builtins(memory)
    )
    report["power"] = power._asdict()
    report["price"] = {**price._asdict(), "lines": [line._asdict() for line in price.lines]}
    return report


def analysis_lines(report: dict[str, Any]) -> list[str]:
    """The report for a reader at a terminal."""
    lines = [
        f"{report['design']}: {report['chips']:,} chips, {report['devices']:,} devices and racks, "
        f"{report['cables']:,} cables",
        *_connectivity(report),
        *_weak_points(report["weak_points"]),
        "tiers (offered against carried, one direction):",
        *aligned([_tier(row) for row in report["tiers"]]),
        "cut and bisection of each tier, of the group with the least (one direction):",
        *aligned(
            [
                ("  tier", "group", "groups", "cut", "bisection", "offered : cut"),
                *map(_cut, report["cuts"]),
            ]
        ),
        _bisection(report["bisection"]),
        *_all_to_all(report["all_to_all"]),
        *_losses(report["losses"]),
        _distances(report["distances"]),
    ]
    if "collective" in report:
        lines += _collective(report["collective"])
    if "max_flow_bytes_per_s" in report:
        flow = format_quantity(report["max_flow_bytes_per_s"], "B/s")
        lines.append(f"maximum flow between the selections: {flow}")
    return [*lines, *_memory(report["memory_fit"]), *_sums(report["power"], report["price"])]


def _connectivity(report: dict[str, Any]) -> Iterator[str]:
    parts = report["connectivity"]["parts"]
    if report["connectivity"]["connected"]:
        yield "connected"
        return
    yield f"not connected: {len(parts)} parts"
    for names in parts[:_SHOWN]:
        yield "  " + ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")


def _weak_points(points: list[dict[str, Any]]) -> Iterator[str]:
    if not points:
        yield "no single point of failure cuts chips off"
        return
    yield f"{len(points)} single points of failure:"
    for point in points[:_SHOWN]:
        yield f"  {point['name']} ({point['kind']}): cuts {point['chips']:,} chips off"
    if len(points) > _SHOWN:
        yield f"  ... and {len(points) - _SHOWN} more"


def _tier(row: dict[str, Any]) -> tuple[str, ...]:
    ratio = row["oversubscription"]
    return (
        f"  {row['tier']}",
        row["where"],
        format_quantity(row["offered_bytes_per_s"], "B/s"),
        format_quantity(row["carried_bytes_per_s"], "B/s"),
        "-" if ratio is None else f"{ratio:.2f}:1",
    )


def _bisection(row: dict[str, Any] | None) -> str:
    if row is None:
        return "bisection: there are no two scale-up domains to divide"
    value = format_quantity(row["bytes_per_s"], "B/s")
    ratio = row["oversubscription"]
    over = "nothing crosses" if ratio is None else f"{ratio:.2f}:1 oversubscribed"
    proven = row["proven_bytes_per_s"]
    least = "" if proven is None else f"; no half has less than {_rate(proven)}"
    return f"bisection between scale-up domains: {value} ({over}; cut: {row['cut']}{least})"


def _rate(value: float | None) -> str:
    return "-" if value is None else format_quantity(value, "B/s")


def _cut(row: dict[str, Any]) -> tuple[str, ...]:
    ratio = row["oversubscription"]
    return (
        f"  {row['tier']}",
        f"{row['where']}, {row['chips']:,} chips",
        f"{row['groups']:,}",
        _rate(row["cut_bytes_per_s"]),
        _rate(row["bisection_bytes_per_s"]),
        _ratio(ratio, row["cut_bytes_per_s"]),
    )


def _ratio(ratio: float | None, cut: float | None) -> str:
    if ratio is not None:
        return f"{ratio:.2f}:1"
    return "nothing leaves" if cut == 0 else "-"


def _all_to_all(row: dict[str, Any] | None) -> Iterator[str]:
    if row is None:
        return
    yield (
        f"all-to-all of all chips: {_rate(row['bytes_per_s'])} a chip, full first: "
        f"{row['bottleneck']}"
    )


def _losses(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield "one component lost (the worst of each class):"
    head = ("  lost", "worst", "chips cut off", "bisection left", "domain left")
    yield from aligned([head, *map(_loss, rows)])


def _loss(row: dict[str, Any]) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.2f} %"

    return (
        f"  {row['component']}",
        row["name"] + ("" if row["exact"] else " (of those weighed)"),
        f"{row['chips']:,}",
        share(row["bisection_left"]),
        share(row["domain_left"]),
    )


def _distances(row: dict[str, Any] | None) -> str:
    if row is None:
        return "distances: fewer than two chips that can talk"
    ends = f" ({' to '.join(row['farthest'])})" if row["farthest"] else " (inside a rack)"
    return (
        f"diameter {row['diameter_hops']} links{ends}, worst one-way latency "
        f"{format_quantity(row['worst_latency_s'], 's')}, {row['disjoint_paths']:,} disjoint and "
        f"{row['equal_paths']:,} shortest ways"
        + (f"; {row['unreachable_pairs']:,} pairs have none" if row["unreachable_pairs"] else "")
        + ("" if row["exact"] else " (measured from a part of the chips)")
    )


def _collective(row: dict[str, Any]) -> Iterator[str]:
    def seconds(value: float) -> str:
        return format_quantity(value, "s")

    yield (
        f"{row['op']} of {format_quantity(row['size_bytes'], 'B')} among {row['ranks']:,} chips in "
        f"{row['domains']:,} domains: {seconds(row['seconds'])} "
        f"({seconds(row['low_s'])} to {seconds(row['high_s'])}), {row['algorithm']}, bus bandwidth "
        f"{format_quantity(row['bus_bytes_per_s'], 'B/s')}"
    )
    basis = "measured rows" if row["measured_rows"] else "rows: a prior of the class"
    yield (
        f"  bottleneck {row['bottleneck']} ({row['bottleneck_class']}): its bytes alone take "
        f"{seconds(row['ideal_s'])}; calibrated on {row['measured_rows']:,} {basis}"
    )
    for name, value in row["others"].items():
        yield f"  {name} would take {seconds(value)}"


def _memory(row: dict[str, Any]) -> Iterator[str]:
    yield f"memory: {row['reason']}"
    if row.get("way_out"):
        yield f"  way out: {row['way_out']}"


def _sums(power: dict[str, Any], price: dict[str, Any]) -> Iterator[str]:
    mark = " (estimate)" if power["estimate"] else ""
    yield (
        f"power at full load {format_quantity(power['total_w'], 'W')}{mark}, "
        f"{format_quantity(power['low_w'], 'W')} to {format_quantity(power['high_w'], 'W')}"
    )
    mark = " (estimate)" if price["estimate"] else ""
    unit = price["currency"]
    yield (
        f"price {format_quantity(price['total'], unit)}{mark}, "
        f"{format_quantity(price['low'], unit)} to {format_quantity(price['high'], unit)}"
    )
    if price["missing"]:
        yield f"  without a price: {', '.join(price['missing'])}"
