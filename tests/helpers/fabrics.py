"""Small fabrics for tests of routes: nodes and links as lists."""

from collections.abc import Sequence

import numpy as np

from engine.sim.codes import LinkClass
from engine.sim.tables import FabricTables


def fabric(kinds: Sequence[int], links: list[tuple[int, int, float, float]]) -> FabricTables:
    """Nodes of `kinds` and undirected links (a, b, bytes/s, seconds)."""
    both = [
        row for a, b, rate, delay in links for row in ((a, b, rate, delay), (b, a, rate, delay))
    ]
    count = len(both)
    return FabricTables(
        node_kind=np.array(kinds, np.int8),
        node_element=np.arange(len(kinds), dtype=np.int32),
        node_member=np.zeros(len(kinds), np.int32),
        node_domain=np.full(len(kinds), -1, np.int32),
        link_source=np.array([row[0] for row in both], np.int32),
        link_target=np.array([row[1] for row in both], np.int32),
        link_bytes_per_s=np.array([row[2] for row in both]),
        link_latency_s=np.array([row[3] for row in both]),
        link_class=np.full(count, LinkClass.SCALE_OUT, np.int8),
        link_drawn=np.arange(count, dtype=np.int32) // 2,
        link_multiplicity=np.ones(count, np.int32),
    )
