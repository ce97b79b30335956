"""The plots of the page: predicted against measured, errors, coverage and residuals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from engine.study.validation.chart import FAINT, GRID, INK, SHAPES, Box, Chart, Scale, number_text
from engine.study.validation.compare import METRICS, Comparison
from engine.study.validation.scores import Score, by_group, by_metric, coverage, score

WIDTH = 840
# Okabe and Ito's colours, told apart by colour-blind readers too
FAMILY_COLOURS = {
    "ampere": "#e69f00", "ada": "#009e73", "hopper": "#0072b2", "blackwell": "#d55e00",
    "blackwell-rtx": "#cc79a7", "cdna3": "#56b4e9", "cdna4": "#8a6d3b", "ascend": "#111111",
}  # fmt: skip
OTHER_COLOUR = "#7f7f7f"
FIRST, SECOND = "#0072b2", "#e69f00"
MAIN = ("throughput", "tpot", "prefill", "ttft", "burst", "collective")
COVERED_METRICS = ("throughput", "tpot", "prefill", "ttft", "queued-ttft", "burst", "collective")
FEWEST = 5  # numbers in a group that is drawn
BAND = 0.8


class Plot(NamedTuple):
    """A picture with its place in the page."""

    name: str
    title: str
    alt: str
    width: int
    height: int
    png: bytes


def all_plots(comparisons: Sequence[Comparison]) -> list[Plot]:
    """Every plot that the comparisons suffice for."""
    metrics = by_metric(comparisons)
    present = [name for name in MAIN if name in metrics]
    plots = [_scatters(present[i : i + 2], metrics) for i in range(0, len(present), 2)]
    plots += [_errors(name, metrics[name]) for name in ("throughput", "tpot") if name in metrics]
    plots.append(_coverages(metrics))
    for name, dimension in (
        ("tpot", "concurrency"), ("ttft", "concurrency"), ("throughput", "tp"), ("tpot", "tp"),
        ("collective", "chips"),
    ):  # fmt: skip
        if name in metrics:
            plots.append(_residuals(name, dimension, metrics[name]))
    return plots


def colour_of(family: str) -> tuple[str, str]:
    """Colour and shape of a family's marks."""
    names = list(FAMILY_COLOURS)
    shape = SHAPES[names.index(family) % len(SHAPES)] if family in names else "circle"
    return FAMILY_COLOURS.get(family, OTHER_COLOUR), shape


def _scatters(names: Sequence[str], metrics: Mapping[str, list[Comparison]]) -> Plot:
    height = 440
    chart = Chart(WIDTH, height)
    for place, name in enumerate(names):
        left = place * WIDTH / 2
        box = Box(left + 66, 34, left + WIDTH / 2 - 12, height - 74)
        _scatter(chart, box, name, metrics[name])
    families = {c.groups["family"] for name in names for c in metrics[name]}
    _legend(chart, sorted(families), height - 18)
    titles = " and ".join(METRICS[name].title for name in names)
    counts = ", ".join(f"{len(metrics[name]):,} numbers" for name in names)
    return Plot(
        f"scatter-{names[0]}", f"Predicted against measured: {titles}",
        f"Scatter of predicted against measured, {titles} ({counts}), both axes logarithmic, "
        "coloured by chip family, with the diagonal and lines 20 % off it.",
        WIDTH, height, chart.png(),
    )  # fmt: skip


def _scatter(chart: Chart, box: Box, name: str, comparisons: Sequence[Comparison]) -> None:
    values = np.array([(c.measured, c.predicted) for c in comparisons])
    low, high = float(values.min()) / 1.3, float(values.max()) * 1.3
    across = Scale(low, high, box.left, box.right, log=True)
    up = Scale(low, high, box.bottom, box.top, log=True)
    metric = METRICS[name]
    chart.text((box.left + box.right) / 2, 10, metric.title, anchor="ma", size=13)
    for value in across.ticks():
        chart.line([(across.at(value), box.top), (across.at(value), box.bottom)], GRID)
        chart.line([(box.left, up.at(value)), (box.right, up.at(value))], GRID)
        label = number_text(value)
        chart.text(across.at(value), box.bottom + 5, label, anchor="ma", colour=FAINT)
        chart.text(box.left - 6, up.at(value), label, anchor="rm", colour=FAINT)
    for factor in (0.8, 1.2):
        first, last = max(low, low / factor), min(high, high / factor)
        chart.dashed(
            (across.at(first), up.at(first * factor)), (across.at(last), up.at(last * factor)),
            FAINT,
        )  # fmt: skip
    chart.line([(box.left, box.bottom), (box.right, box.top)], INK, 1.2)
    for comparison in comparisons:
        colour, shape = colour_of(comparison.groups["family"])
        x, y = across.at(comparison.measured), up.at(comparison.predicted)
        chart.mark(x, y, colour, shape, 2.6)
    chart.frame(box)
    middle = (box.left + box.right) / 2
    chart.text(middle, box.bottom + 22, f"measured, {metric.unit}", anchor="ma")
    chart.upright(box.left - 52, (box.top + box.bottom) / 2, f"predicted, {metric.unit}")


def _legend(chart: Chart, families: Sequence[str], y: float) -> None:
    x = 66.0
    for family in families:
        colour, shape = colour_of(family)
        chart.mark(x, y, colour, shape, 4)
        chart.text(x + 9, y, family, anchor="lm")
        x += 30 + chart.text_width(family)
    chart.dashed((x, y), (x + 24, y), FAINT)
    chart.text(x + 30, y, "20 % off", anchor="lm")


def _errors(name: str, comparisons: Sequence[Comparison]) -> Plot:
    groups = {
        hardware: found
        for hardware, own in by_group(comparisons, "hardware").items()
        if (found := score(own)) is not None
    }
    height = 84 + 30 * len(groups)
    chart = Chart(WIDTH, height)
    box = Box(250, 34, WIDTH - 30, height - 46)
    target = METRICS[name].target
    most = max([found.p90 for found in groups.values()] + [0.2])
    across = Scale(0.0, most * 1.05, box.left, box.right)
    _percent_axis(chart, box, across)
    chart.text(
        box.left, 10, f"{METRICS[name].title}: absolute relative error by hardware", size=13
    )
    for i, (hardware, found) in enumerate(groups.items()):
        y = box.top + 15 + 30 * i
        _error_bar(chart, across, box.left, y, hardware, found)
    if target is not None:
        x = across.at(target)
        chart.dashed((x, box.top), (x, box.bottom), "#b00020")
    chart.frame(box)
    words = "bar: median over cells, whisker: 0.9 quantile" + (
        f", dashed: aimed at {100 * target:.0f} %" if target else ""
    )
    chart.text(box.right, height - 8, words, anchor="rd", colour=FAINT)
    listed = "; ".join(
        f"{hardware} {100 * found.median:.0f} % and {100 * found.p90:.0f} %"
        for hardware, found in groups.items()
    )
    return Plot(
        f"errors-{name}", f"Error by hardware: {METRICS[name].title}",
        f"Bars of the median error and the 0.9 quantile by hardware: {listed}.",
        WIDTH, height, chart.png(),
    )  # fmt: skip


def _error_bar(
    chart: Chart, across: Scale, left: float, y: float, hardware: str, found: Score
) -> None:
    label = f"{hardware} ({found.clusters} cell{'s' * (found.clusters != 1)})"
    chart.text(left - 8, y, label, anchor="rm")
    chart.bar(Box(across.at(0), y - 8, across.at(found.median), y + 8), FIRST)
    chart.line([(across.at(found.median), y), (across.at(found.p90), y)], INK, 1.4)
    chart.line([(across.at(found.p90), y - 6), (across.at(found.p90), y + 6)], INK, 1.4)


def _percent_axis(chart: Chart, box: Box, across: Scale) -> None:
    for value in across.ticks():
        x = across.at(value)
        chart.line([(x, box.top), (x, box.bottom)], GRID)
        chart.text(x, box.bottom + 5, f"{100 * value:.0f} %", anchor="ma", colour=FAINT)


def _coverages(metrics: Mapping[str, list[Comparison]]) -> Plot:
    lines: list[tuple[str, float, int, bool]] = []
    for name in COVERED_METRICS:
        if name not in metrics:
            continue
        own = metrics[name]
        lines.append((METRICS[name].title, coverage(own), len(own), True))
        for family, part in by_group(own, "family").items():
            if len(part) >= FEWEST:
                lines.append((family, coverage(part), len(part), False))
    height = 78 + 20 * len(lines)
    chart = Chart(WIDTH, height)
    box = Box(300, 34, WIDTH - 30, height - 40)
    across = Scale(0.0, 1.0, box.left, box.right)
    _percent_axis(chart, box, across)
    chart.text(box.left, 10, "Share of rows inside the 80 % band", size=13)
    for i, (label, share, rows, whole) in enumerate(lines):
        y = box.top + 10 + 20 * i
        chart.text(
            box.left - 8, y, f"{label} ({rows:,})", anchor="rm", colour=INK if whole else FAINT
        )
        chart.bar(Box(across.at(0), y - 6, across.at(share), y + 6), FIRST if whole else SECOND)
    x = across.at(BAND)
    chart.line([(x, box.top), (x, box.bottom)], "#b00020", 1.4)
    chart.frame(box)
    listed = "; ".join(f"{label} {100 * share:.0f} %" for label, share, _, whole in lines if whole)
    return Plot(
        "coverage", "Coverage of the band by metric and family",
        f"Bars of the share of rows inside the 80 % band, by metric and family: {listed}.",
        WIDTH, height, chart.png(),
    )  # fmt: skip


def _residuals(name: str, dimension: str, comparisons: Sequence[Comparison]) -> Plot:
    groups = {
        value: np.array([c.predicted / c.measured for c in own])
        for value, own in by_group(comparisons, dimension).items()
        if len(own) >= FEWEST
    } or {"all": np.array([c.predicted / c.measured for c in comparisons])}
    height = 300
    chart = Chart(WIDTH, height)
    box = Box(66, 34, WIDTH - 20, height - 62)
    spread = [float(v) for values in groups.values() for v in np.quantile(values, [0.1, 0.9])]
    reach = max(1.5, *(max(v, 1 / v) for v in spread)) * 1.1
    up = Scale(1 / reach, reach, box.bottom, box.top, log=True)
    for tick in (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0):
        if 1 / reach < tick < reach:
            y = up.at(tick)
            chart.line([(box.left, y), (box.right, y)], INK if tick == 1.0 else GRID)
            chart.text(box.left - 6, y, f"{tick:g}", anchor="rm", colour=FAINT)
    words = {"tp": "tensor parallelism", "chips": "chips"}.get(dimension, dimension)
    title = f"{METRICS[name].title}: predicted / measured by {words}"
    chart.text(box.left, 10, title, size=13)
    for i, (value, ratios) in enumerate(groups.items()):
        x = box.left + (i + 0.5) * (box.right - box.left) / len(groups)
        _box(chart, up, x, ratios)
        chart.text(x, box.bottom + 5, f"{value} ({len(ratios):,})", anchor="ma")
    chart.frame(box)
    note = "box: quartiles, line: median, whiskers: 0.1 and 0.9 quantiles, in brackets: rows"
    chart.text(box.right, height - 8, note, anchor="rd", colour=FAINT)
    listed = "; ".join(f"{value} {np.median(ratios):.2f}" for value, ratios in groups.items())
    return Plot(
        f"residual-{name}-{dimension}", f"Residual by {words}: {METRICS[name].title}",
        f"Boxes of predicted over measured by {words}; medians: {listed}.",
        WIDTH, height, chart.png(),
    )  # fmt: skip


def _box(chart: Chart, up: Scale, x: float, ratios: Iterable[float]) -> None:
    low, first, middle, third, high = (
        up.at(float(v)) for v in np.quantile(np.asarray(ratios), [0.1, 0.25, 0.5, 0.75, 0.9])
    )
    half = 22.0
    chart.line([(x, low), (x, high)], INK, 1.2)
    chart.bar(Box(x - half, third, x + half, first), "#9ec5e3")
    chart.line([(x - half, middle), (x + half, middle)], INK, 1.8)
    for y in (low, high):
        chart.line([(x - half / 2, y), (x + half / 2, y)], INK, 1.2)
