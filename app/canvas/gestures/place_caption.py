"""What placing devices changes: price, power and capacity of the whole drawing, before the drop."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.scenario.design import Design
from engine.scenario.prices import piece_price, power_sum, price_sum
from engine.units import format_quantity


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


class PlaceCaption:
    """Lines of a ghost; the sums of the drawing are made once."""

    def __init__(
        self, design: Design, catalog: Catalog, parts: Sequence[tuple[DeviceSpec, int]], name: str
    ) -> None:
        """What `parts`, devices with how many of each, add under a name."""
        self._name = name
        prices = [piece_price(design.prices, spec) for spec, _ in parts]
        known = [price for price in prices if price is not None]
        self._price = None
        if len(known) == len(parts):
            amount = sum(a * n for (a, _), (_, n) in zip(known, parts, strict=True))
            self._price = amount, any(estimate for _, estimate in known)
        powers = [(spec.figure("power_w"), number) for spec, number in parts]
        self._adds_w = sum(figure.value * n for figure, n in powers if figure is not None)
        self._power_estimate = any(f is not None and f.is_estimate for f, _ in powers)
        self._prices = price_sum(design, catalog)
        self._power_w = power_sum(design, catalog).total_w
        self._capacity: dict[tuple[str, str], float] = {}
        for spec, number in parts:
            for value, unit, what in capacity_of(spec, catalog):
                key = unit, what
                self._capacity[key] = self._capacity.get(key, 0.0) + value * number

    def text(self, count: int, last: str = "") -> str:
        """Name, then what so many of them add and what the drawing has with them."""
        lines = [self._name if count == 1 else f"{count} x {self._name}"]
        if self._price is not None:
            amount, estimate = self._price
            mark = _tr(" (estimate)") if estimate else ""
            unit = self._prices.currency
            lines.append(
                _tr("+{0}{1}, {2} in all").format(
                    format_quantity(amount * count, unit),
                    mark,
                    format_quantity(self._prices.total + amount * count, unit),
                )
            )
        else:
            lines.append(_tr("no price known"))
        if self._adds_w:
            mark = _tr(" (estimate)") if self._power_estimate else ""
            lines.append(
                _tr("+{0}{1}, {2} in all").format(
                    format_quantity(self._adds_w * count, "W"),
                    mark,
                    format_quantity(self._power_w + self._adds_w * count, "W"),
                )
            )
        lines += [
            f"+{format_quantity(value * count, unit)} {what}"
            for (unit, what), value in self._capacity.items()
        ]
        lines.append(last or _tr("digits: how many   Alt: no snap"))
        return "\n".join(lines)


def capacity_of(spec: DeviceSpec, catalog: Catalog) -> list[tuple[float, str, str]]:
    """What a device brings: chips, their memory, cores, ports or storage, as (value, unit, words)."""
    if spec.rack is not None:
        chips = spec.rack.domains * spec.rack.chips_per_domain
        chip = catalog.devices.get(spec.rack.chip)
        memory = chip.value("memory_bytes", 0.0) * chips if chip is not None else 0.0
        rows = [(float(chips), "count", _tr("chips")), (memory, "B", _tr("of chip memory"))]
    else:
        switching = spec.value("switch_bytes_per_s", 0.0)
        rows = [
            (spec.value("memory_bytes", 0.0), "B", _tr("of memory")),
            (spec.value("cores", 0.0), "count", _tr("cores")),
            (switching, "B/s", _tr("switching, one direction")),
            (spec.value("ssd_bytes", 0.0), "B", _tr("of storage")),
        ]
    return [row for row in rows if row[0] > 0]
