"""What examples have in common: prices from the catalogue and an open loop of chats."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from engine.scenario.prices import seed_prices
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec

ESTIMATES = (
    "The M890's HBM bandwidth, FLOPS, power and price, the rack's hosts and NICs and all prices "
    "are estimates of the catalogue."
)


def priced(design: Design, catalog: Catalog) -> Design:
    """The design with the catalogue's prices in its own list."""
    return msgspec.structs.replace(design, prices=seed_prices(design, catalog))


def chats(rate_per_s: float) -> WorkloadSpec:
    """An open loop: so many a second, a thousand tokens in and two hundred out in the median."""
    return WorkloadSpec(
        kind=WorkloadKind.POISSON,
        profile="",
        rate_per_s=rate_per_s,
        input_tokens=LogNormal(median=1000.0, sigma=0.8, low=16.0, high=16384.0),
        output_tokens=LogNormal(median=200.0, sigma=0.7, low=8.0, high=4096.0),
    )
