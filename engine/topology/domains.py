"""Scale-up domains of a fabric: which nodes scale-up links join."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

I4 = NDArray[np.int32]


def scale_up_domains(nodes: int, source: I4, target: I4) -> I4:
    """The domain of each node, numbered in node order, -1 for none; [nodes].

    Args:
        nodes: how many there are.
        source: [links] of scale-up links only.
        target: [links].
    """
    domain = np.full(nodes, -1, np.int32)
    if not len(source):
        return domain
    graph = coo_array((np.ones(len(source), np.int8), (source, target)), shape=(nodes, nodes))
    _, label = connected_components(graph.tocsr(), directed=False)
    touched = np.unique(source)
    _, first, inverse = np.unique(label[touched], return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    domain[touched] = order[inverse].astype(np.int32)
    return domain
