"""What every link carries, from the few sums that a run keeps.

The network keeps one link for all that are used alike, a replica keeps what its own links have
carried. A link of the drawing reads one of these sums and scales it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.network import Network, read_links
from engine.sim.like_links import LikeLinks
from engine.sim.own_links import OwnLinks
from engine.sim.stretches import Stretches

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]


class LinkSums(NamedTuple):
    """Sums up to an instant: of kept links of the network, then of replicas, then a zero."""

    moved_bytes: F8  # [sums]
    busy_s: F8  # [sums] integral of utilisation


class LinkMap(NamedTuple):
    """Where a link finds its figures; the last sum is the zero of links that nothing uses."""

    sum: I4  # [links] number of a sum
    bytes_share: F8  # [links] of its bytes
    busy_share: F8  # [links] of its busy seconds

    def moved_bytes(self, sums: LinkSums, links: I8 | slice = slice(None)) -> F8:
        """Bytes of some links, by default all."""
        return np.asarray(sums.moved_bytes[self.sum[links]] * self.bytes_share[links])

    def busy_s(self, sums: LinkSums, links: I8 | slice = slice(None)) -> F8:
        """Integrals of utilisation of some links, by default all."""
        return np.asarray(sums.busy_s[self.sum[links]] * self.busy_share[links])


class LinkUse(NamedTuple):
    """Mean use of links over a frame; a link's figures are worked out when they are asked for."""

    links: LinkMap
    per_second: LinkSums

    def utilisation(self, links: I8 | slice = slice(None)) -> F8:
        """Shares of capacity of some links, by default all."""
        return np.clip(self.links.busy_s(self.per_second, links), 0.0, 1.0)

    def bytes_per_s(self, links: I8 | slice = slice(None)) -> F8:
        """Rates of some links, by default all."""
        return np.maximum(self.links.moved_bytes(self.per_second, links), 0.0)


def link_map(links: int, routes: LikeLinks, own: OwnLinks, replicas: int) -> LinkMap:
    """The map of a run's links; a link is on a route or a replica's own, never both."""
    kept = len(routes.bytes_per_s)
    number = np.full(links, kept + replicas, np.int32)
    bytes_share, busy_share = np.ones(links), np.ones(links)
    number[routes.link] = routes.kept
    number[own.link] = kept + own.replica
    bytes_share[own.link] = own.weight
    busy_share[own.link] = own.utilisation
    return LinkMap(number, bytes_share, busy_share)


def link_sums(network: Network, stretches: Stretches, now_s: float) -> LinkSums:
    """Sums up to now."""
    rate, moved, busy = (np.zeros(len(network.link)) for _ in range(3))
    read_links(network, now_s, rate, moved, busy)
    return LinkSums(
        np.concatenate([moved, stretches.own_link_bytes, [0.0]]),
        np.concatenate([busy, stretches.own_link_s, [0.0]]),
    )


def use_between(links: LinkMap, before: LinkSums, after: LinkSums, span_s: float) -> LinkUse:
    """Mean use from one instant to another."""
    return LinkUse(
        links,
        LinkSums(
            (after.moved_bytes - before.moved_bytes) / span_s,
            (after.busy_s - before.busy_s) / span_s,
        ),
    )
