"""The all-reduce of serving engines: a kernel of their own for small messages, NCCL for large.

Limits of the own kernels as the engines set them: vLLM's custom all-reduce 8 MiB, its symmetric-
memory all-reduce by compute capability and ranks (vllm/distributed/device_communicators/
all_reduce_utils.py); TensorRT-LLM's workspace of 16 MB for two ranks and 8 MB for more
(tensorrt_llm/plugin/plugin.py, max_workspace_size_auto).
"""

import numpy as np
from numpy.typing import NDArray

from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.fabric import CollectiveFabric
from engine.cost.collectives.model import collective_s
from engine.cost.collectives.parameters import CollectiveParameters, load_collective_parameters

F8 = NDArray[np.float64]
MIB = 2.0**20

OWN_KERNELS = ("vllm", "trtllm")
_SYMMETRIC = {  # bytes by family and ranks
    "hopper": {2: 64 * MIB, 4: 32 * MIB, 6: 64 * MIB, 8: 64 * MIB},
    "blackwell": {2: 8 * MIB, 4: 32 * MIB, 6: 128 * MIB, 8: 128 * MIB},
}
_DIRECT_RANKS = 8


def own_limit_bytes(implementation: str, family: str, ranks: int, kind: str) -> float:
    """The largest message that an engine's own kernel takes, 0 where it is not used."""
    if kind == "pcie" and ranks > 2:
        return 0.0  # both engines want peers that reach each other directly
    if implementation == "trtllm":
        return 16e6 if ranks <= 2 else 8e6
    if implementation == "vllm" and ranks <= _DIRECT_RANKS:
        return _SYMMETRIC.get(family, {}).get(ranks, 8 * MIB - 1)
    return 0.0


def serving_all_reduce_s(
    ranks: int,
    size_bytes: float | F8,
    fabric: CollectiveFabric,
    family: str,
    implementation: str = "vllm",
    own: CollectiveParameters | None = None,
    general: CollectiveParameters | None = None,
) -> F8:
    """Seconds of the all-reduce of a serving engine for each size: the better of its kernels.

    Args:
        ranks: of the tensor-parallel group.
        size_bytes: one size or an array.
        fabric: of the group.
        family: of the chip.
        implementation: vllm (also for SGLang, which has the same kernels) or trtllm.
        own: parameters of the engine's kernels in place of the shipped ones.
        general: parameters of NCCL in place of the shipped ones.

    Raises:
        ValueError: a size that is negative or not finite.
    """
    sizes = np.asarray(size_bytes, np.float64)
    if general is None:
        general = load_collective_parameters(family, kind=fabric.kind)
    times = np.asarray(collective_s("all_reduce", ranks, sizes, fabric, general), np.float64)
    limit = own_limit_bytes(implementation, family, ranks, fabric.kind)
    if ranks < 2 or ranks > fabric.ranks_per_domain or limit <= 0:
        return times
    if own is None:
        own = load_collective_parameters(family, implementation, fabric.kind)
    for algorithm in (Algorithm.ONE_SHOT, Algorithm.TWO_SHOT):
        quick = collective_s("all_reduce", ranks, sizes, fabric, own, algorithm)
        times = np.where(sizes <= limit, np.minimum(times, quick), times)
    return times
