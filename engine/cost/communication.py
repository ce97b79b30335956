"""What the ranks of a replica exchange in a step, in seconds alone and in bytes of a port.

TP: an all-reduce after attention and one after the feed-forward of each layer, as the serving
engine runs it. Attention-DP: the routed experts are reached by a dispatch and a combine all-to-all
over all chips of the stage. PP: one activation between stages for each micro-batch.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.llms import LlmSpec
from engine.cost.collectives.closed_forms import all_reduce_link_bytes
from engine.cost.collectives.fabric import CollectiveFabric
from engine.cost.collectives.model import collective_s
from engine.cost.collectives.parameters import load_collective_parameters
from engine.cost.collectives.serving import serving_all_reduce_s
from engine.cost.llm_counts import (
    kv_bytes_per_token_per_chip,
    moe_layers,
    state_bytes_per_sequence_per_chip,
)
from engine.scenario.design import Deployment

F8 = NDArray[np.float64]

ACTIVATION_BYTES = 2.0  # BF16
KV_TRANSFER_S = 50e-6  # set-up of a transfer between pools: handshake, descriptors


class StepCommunication(NamedTuple):
    """Collectives of all layers of one step, on a grid of batch tokens."""

    seconds: F8  # [grid] of an isolated replica
    bytes: F8  # [grid] through the busiest port, one direction


def step_communication(
    deployment: Deployment, llm: LlmSpec, tokens: F8, fabric: CollectiveFabric, family: str
) -> StepCommunication:
    """The collectives of a deployment for each token count."""
    tp, dp, pp = deployment.tp, deployment.attention_dp, deployment.pp
    batch = tokens / pp
    own = batch / dp
    sparse = moe_layers(llm)
    message = own * llm.hidden * ACTIVATION_BYTES
    taken, moved = np.zeros_like(tokens), np.zeros_like(tokens)
    if tp > 1:
        reduces = 2 * llm.layers - (sparse if dp > 1 else 0)
        engine = "trtllm" if deployment.engine.value.startswith("tensorrt") else "vllm"
        once = serving_all_reduce_s(tp, message, fabric, family, engine)
        taken = taken + reduces * once
        moved = moved + reduces * all_reduce_link_bytes(tp, 1.0) * message
    if dp > 1 and sparse:
        ranks = tp * dp
        sent = own / tp * min(llm.active_experts, ranks) * llm.hidden
        parameters = load_collective_parameters(family, kind=fabric.kind)
        for width in (1.0, ACTIVATION_BYTES):  # dispatch in FP8, combine in BF16
            once = np.asarray(
                collective_s("all_to_all", ranks, sent * width, fabric, parameters), np.float64
            )
            taken = taken + sparse * once
            moved = moved + sparse * sent * width * (ranks - 1) / ranks
    if pp > 1:
        hop_s = fabric.hop_s + message / fabric.port_bytes_per_s
        taken = taken + (pp - 1) * hop_s
        if tp == 1 and dp == 1:
            moved = moved + message
    return StepCommunication(np.where(tokens > 0, taken, 0.0), moved)


def kv_transfer_s(
    deployment: Deployment, llm: LlmSpec, tokens: float, path_bytes_per_s: float, hop_s: float
) -> float:
    """Seconds to hand the cache of one prompt to a decode pool: 50 us and its bytes over the path.

    Args:
        deployment: of the prefill pool; its ranks send their shards at once.
        llm: the model.
        tokens: of the prompt.
        path_bytes_per_s: fair share of one rank's path, one direction.
        hop_s: latency of the path.

    Every rank sends what it holds: `kv_bytes_per_token_per_chip` a token (copies of KV heads and the
    latent included) and the constant state of one sequence.
    """
    shards = deployment.tp
    moved = tokens * kv_bytes_per_token_per_chip(llm, deployment.kv_precision, shards)
    moved += state_bytes_per_sequence_per_chip(llm, deployment.kv_precision, shards)
    return KV_TRANSFER_S + hop_s + moved / deployment.pp / path_bytes_per_s
