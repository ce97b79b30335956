"""Signatures of links: two are equal when the same routes use both with the same weights."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import bare_kernel
from engine.sim.kernels.random import GOLDEN, MIX_A, MIX_B, mix

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
U8 = NDArray[np.uint64]


@bare_kernel
def sign_links(route_start: I8, route_link: I4, weight_bits: U8, signature: U8) -> None:
    """Adds 128 bits of every (route, weight) of a link to `signature` [links, 2].

    Sums of well-mixed words do not depend on the order of the routes. Different links collide with
    a chance of links^2 / 2^128.
    """
    for route in range(route_start.size - 1):
        name = np.uint64(route) * GOLDEN + MIX_A
        for at in range(route_start[route], route_start[route + 1]):
            word = mix(mix(name) ^ weight_bits[at])
            signature[route_link[at], 0] += word
            signature[route_link[at], 1] += mix(word + MIX_B)
