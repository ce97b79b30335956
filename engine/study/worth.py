"""What a fix brings for what it adds: gains for money and for power, where both are known."""

import msgspec

MONEY = 1_000.0  # tokens/s are given for so much of the currency
LARGE_MONEY = 1_000_000.0  # and shares of the latency, which a thousand hardly moves
POWER_W = 1_000.0
LEAST = 0.5  # of the currency or of watts: less is nothing
LEAST_GAIN = 1e-4  # 0.01 %


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """A relative gain with its interval over the seeds; more is better, whatever the figure."""

    mean: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """The interval is on one side of zero, and the gain is more than nothing."""
        return (self.low > 0 or self.high < 0) and abs(self.mean) > LEAST_GAIN


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """Gains for money and power.

    None: the gain is not certain or a loss, nothing is added, or nobody knows what it costs.
    """

    tokens_per_s_a_thousand: float | None = None  # of the design's currency
    latency_a_million: float | None = None  # share of the latency
    tokens_per_s_a_kw: float | None = None
    latency_a_kw: float | None = None

    @property
    def is_known(self) -> bool:
        """There is one."""
        return any(getattr(self, name) is not None for name in self.__struct_fields__)


def worth_of(
    latency: Gain | None,
    tokens: Gain | None,
    tokens_per_s: float,
    price: float | None,
    watts: Gain,
) -> Worth:
    """The gains of a fix for each unit of what it adds.

    Args:
        latency: share of the latency that it takes away.
        tokens: share of the output tokens/s that it adds.
        tokens_per_s: mean of the base.
        price: beyond the base, in the design's currency; None: not known.
        watts: mean power beyond the base, with its interval.
    """
    shorter = latency.mean if latency is not None and _is_gain(latency) else None
    more = tokens.mean * tokens_per_s if tokens is not None and _is_gain(tokens) else None
    paid = price if price is not None and price >= LEAST else None
    power = watts.mean if watts.low > 0 and watts.mean >= LEAST else None
    return Worth(
        tokens_per_s_a_thousand=_each(more, paid, MONEY),
        latency_a_million=_each(shorter, paid, LARGE_MONEY),
        tokens_per_s_a_kw=_each(more, power, POWER_W),
        latency_a_kw=_each(shorter, power, POWER_W),
    )


def _is_gain(gain: Gain) -> bool:
    return gain.is_certain and gain.mean > 0


def _each(gain: float | None, added: float | None, unit: float) -> float | None:
    return None if gain is None or added is None else gain * unit / added
