"""What a drawing costs and draws, from the design's own price list and the catalogue's power."""

from typing import NamedTuple

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.catalog.figures import Figure
from engine.errors import ScenarioError
from engine.scenario.design import Design, PriceEntry, PriceList
from engine.topology.elements import Element
from engine.topology.expand import figure_value

_CURRENCIES = {"price_cny": "CNY", "price_usd": "USD"}


class PriceLine(NamedTuple):
    """One spec of the drawing: pieces and their sum in the list's currency."""

    spec: str
    name: str
    pieces: int
    amount: float
    estimate: bool


class PriceSum(NamedTuple):
    """The price of a drawing with its range; `missing` names specs without a price."""

    total: float
    low: float
    high: float
    currency: str
    estimate: bool
    lines: tuple[PriceLine, ...]
    missing: tuple[str, ...]


class PowerSum(NamedTuple):
    """Full-load power of a drawing in W with its range; `missing` names specs without one."""

    total_w: float
    low_w: float
    high_w: float
    estimate: bool
    missing: tuple[str, ...]


def seed_price(spec: DeviceSpec) -> PriceEntry | None:
    """The catalogue's price of a device as an entry of a design's own list."""
    for name, currency in _CURRENCIES.items():
        figure = spec.figure(name)
        if figure is not None:
            return PriceEntry(
                amount=figure.value,
                currency=currency,
                estimate=True,
                low=figure.low_value,
                high=figure.high_value,
                note=f"from the catalogue ({figure.confidence.value})",
            )
    return None


def seed_prices(design: Design, catalog: Catalog) -> PriceList:
    """The design's price list with an entry, marked as estimate, for every spec without one."""
    entries = dict(design.prices.entries)
    for element in design.elements:
        spec = catalog.devices.get(element.spec)
        entry = seed_price(spec) if spec is not None and spec.id not in entries else None
        if spec is not None and entry is not None:
            entries[spec.id] = entry
    return PriceList(
        currency=design.prices.currency,
        cny_per_usd=design.prices.cny_per_usd,
        entries=entries,
        extra=design.prices.extra,
    )


def price_sum(design: Design, catalog: Catalog) -> PriceSum:
    """What is drawn at the design's own prices; the catalogue's where the list has none."""
    prices = seed_prices(design, catalog)
    pieces: dict[str, int] = {}
    for element in design.elements:
        pieces[element.spec] = pieces.get(element.spec, 0) + element.count
    lines, missing = [], []
    low = high = 0.0
    for spec_id, count in pieces.items():
        entry = prices.entries.get(spec_id)
        if entry is None:
            missing.append(spec_id)
            continue
        rate = _rate(entry.currency, prices)
        lines.append(
            PriceLine(
                spec_id,
                catalog.devices[spec_id].name if spec_id in catalog.devices else spec_id,
                count,
                entry.amount * count * rate,
                entry.estimate,
            )
        )
        low += (entry.amount if entry.low is None else entry.low) * count * rate
        high += (entry.amount if entry.high is None else entry.high) * count * rate
    return PriceSum(
        total=sum(line.amount for line in lines),
        low=low,
        high=high,
        currency=prices.currency,
        estimate=any(line.estimate for line in lines),
        lines=tuple(lines),
        missing=tuple(missing),
    )


def piece_price(prices: PriceList, spec: DeviceSpec) -> tuple[float, bool] | None:
    """One piece at the list's or else the catalogue's price, in the list's currency.

    Also whether it is an estimate; None where nobody knows a price.
    """
    entry = prices.entries.get(spec.id) or seed_price(spec)
    return (
        None if entry is None else (entry.amount * _rate(entry.currency, prices), entry.estimate)
    )


def _rate(currency: str, prices: PriceList) -> float:
    """Factor from an entry's currency into the list's."""
    if currency == prices.currency:
        return 1.0
    if not prices.cny_per_usd > 0:
        raise ScenarioError(
            "prices", f"a dollar is {prices.cny_per_usd:g} yuan", "give a rate above 0"
        )
    return prices.cny_per_usd if currency == "USD" else 1.0 / prices.cny_per_usd


def power_sum(design: Design, catalog: Catalog) -> PowerSum:
    """Full-load power of everything drawn; a rack's own figure stands for its inside."""
    total = low = high = 0.0
    estimate = False
    missing = []
    for element in design.elements:
        spec = catalog.devices.get(element.spec)
        figure = spec.figure("power_w") if spec is not None else None
        if spec is None or (figure is None and "power_w" not in element.overrides):
            missing.append(element.spec)
            continue
        bounds = _power_bounds(element, spec, figure)
        total += bounds[0] * element.count
        low += bounds[1] * element.count
        high += bounds[2] * element.count
        estimate = estimate or (figure is not None and figure.is_estimate)
    return PowerSum(total, low, high, estimate, tuple(dict.fromkeys(missing)))


def _power_bounds(
    element: Element, spec: DeviceSpec, figure: Figure | None
) -> tuple[float, float, float]:
    value = figure_value(element, spec, "power_w")
    if figure is None or "power_w" in element.overrides:
        return value, value, value
    return value, figure.low_value, figure.high_value
