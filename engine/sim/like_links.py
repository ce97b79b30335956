"""Links that all routes use alike: one of them stands for all in the network.

Bytes sprayed over sixteen equal cables load each of them alike for ever. Such links have the same
capacity and the same users with the same weights, so their constraints on the rates are the same
and one is enough: max-min rates do not change. In a hall of two tiers a route of 230 links has ten
left.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.like_links import sign_links

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]


class LikeLinks(NamedTuple):
    """The links of a network, and what they stand for."""

    bytes_per_s: F8  # [kept] capacity of the links that stand for others
    route_start: I8  # [routes + 1]
    route_link: I4  # [hops] number of a kept link
    route_weight: F8  # [hops]
    link: I8  # [used] every link that a route uses
    kept: I8  # [used] the kept link that stands for it


def merge_links(
    link_bytes_per_s: F8, route_start: I8, route_link: I4, route_weight: F8
) -> LikeLinks:
    """Routes over one link of each kind; links that no route uses are left out.

    Args:
        link_bytes_per_s: [links] capacity.
        route_start: [routes + 1] where a route's hops begin.
        route_link: [hops] links.
        route_weight: [hops] use of a link per unit of the route's rate.
    """
    signature = np.zeros((len(link_bytes_per_s), 2), np.uint64)
    weight = np.ascontiguousarray(route_weight, np.float64)
    sign_links(route_start, route_link, weight.view(np.uint64), signature)
    used = np.zeros(len(link_bytes_per_s), np.bool_)
    used[route_link] = True
    link = np.flatnonzero(used)
    keys = (link, signature[link, 0], signature[link, 1], link_bytes_per_s[link])
    order = np.lexsort(keys)
    new = np.ones(len(link), np.bool_)
    for key in keys[1:]:
        new[1:] &= key[order][1:] == key[order][:-1]
    new[1:] = ~new[1:]
    # kept links are numbered in the order of the links, as they would be without merging
    first = link[order][new]
    stands = first[np.cumsum(new) - 1]
    number = np.full(len(link_bytes_per_s), -1, np.int64)
    number[np.sort(first)] = np.arange(len(first))
    kept = np.empty(len(link), np.int64)
    kept[order] = number[stands]
    stays = number[route_link] >= 0
    hops = np.concatenate([[0], np.cumsum(stays)])[route_start]
    return LikeLinks(
        bytes_per_s=link_bytes_per_s[np.sort(first)],
        route_start=hops.astype(np.int64),
        route_link=number[route_link[stays]].astype(np.int32),
        route_weight=weight[stays],
        link=link,
        kept=kept,
    )
