"""What the ranks of a replica exchange in a step, in seconds alone and in bytes of a port.

TP: an all-reduce after attention and one after the feed-forward of each layer, as the serving
engine runs it. Attention-DP: the routed experts are reached by a dispatch and a combine all-to-all
over all chips of the stage. PP: every rank hands the activations of each of the pipeline's
micro-batches to its peer of the next stage.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.llms import LlmSpec
from engine.cost.collectives.closed_forms import Algorithm, all_reduce_link_bytes
from engine.cost.collectives.fabric import CollectiveFabric
from engine.cost.collectives.model import collective_s
from engine.cost.collectives.parameters import load_collective_parameters
from engine.cost.collectives.selection import all_reduce_share
from engine.cost.collectives.serving import serving_all_reduce_s
from engine.cost.collectives.work import domains_of
from engine.cost.llm_counts import (
    kv_bytes_per_token_per_chip,
    moe_layers,
    state_bytes_per_sequence_per_chip,
)
from engine.scenario.design import CollectiveAlgorithm, Deployment

F8 = NDArray[np.float64]

ACTIVATION_BYTES = 2.0  # BF16
KV_TRANSFER_S = 50e-6  # set-up of a transfer between pools: handshake, descriptors


class ExchangeShares(NamedTuple):
    """Parts of `StepCommunication.bytes`, whatever the tokens; they add up to 1 (or all are 0)."""

    reduce: float  # all-reduce of TP
    experts: float  # dispatch and combine over the stage
    pipeline: float  # to the next stage; the last one has none


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
        reduces = _reduces(deployment, llm)
        taken = taken + reduces * _all_reduce_s(deployment, message, fabric, family)
        moved = moved + reduces * _all_reduce_share(deployment, fabric) * message
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
        moved = moved + pp * message
    return StepCommunication(np.where(tokens > 0, taken, 0.0), moved)


def exchange_shares(
    deployment: Deployment, llm: LlmSpec, fabric: CollectiveFabric
) -> ExchangeShares:
    """How the bytes of a step divide among TP, experts and pipeline; all scale with the tokens."""
    tp, dp, pp = deployment.tp, deployment.attention_dp, deployment.pp
    message = llm.hidden * ACTIVATION_BYTES  # of one token of a rank's micro-batch
    reduce = experts = 0.0
    if tp > 1:
        reduce = _reduces(deployment, llm) * _all_reduce_share(deployment, fabric) * message
    if dp > 1:
        sent = 1 / tp * min(llm.active_experts, tp * dp) * llm.hidden
        widths = 1.0 + ACTIVATION_BYTES
        experts = moe_layers(llm) * sent * widths * (tp * dp - 1) / (tp * dp)
    pipeline = pp * message if pp > 1 else 0.0
    total = reduce + experts + pipeline
    if total <= 0:
        return ExchangeShares(0.0, 0.0, 0.0)
    return ExchangeShares(reduce / total, experts / total, pipeline / total)


def _reduces(deployment: Deployment, llm: LlmSpec) -> int:
    """All-reduces of a step: two a layer, one where experts are reached by all-to-all."""
    return 2 * llm.layers - (moe_layers(llm) if deployment.attention_dp > 1 else 0)


def _all_reduce_share(deployment: Deployment, fabric: CollectiveFabric) -> float:
    """Bytes of a port per byte of one all-reduce, under the deployment's algorithm."""
    tp, chosen = deployment.tp, deployment.collective_algorithm
    if chosen is CollectiveAlgorithm.AUTO:
        return all_reduce_link_bytes(tp, 1.0)
    return all_reduce_share(Algorithm(chosen.value), tp, domains_of(tp, fabric)[0])


def _all_reduce_s(
    deployment: Deployment, message: F8, fabric: CollectiveFabric, family: str
) -> F8:
    """Seconds of one all-reduce: of the engine's choice, or of the deployment's algorithm."""
    tp, chosen = deployment.tp, deployment.collective_algorithm
    engine = "trtllm" if deployment.engine.value.startswith("tensorrt") else "vllm"
    if chosen is CollectiveAlgorithm.AUTO:
        return serving_all_reduce_s(tp, message, fabric, family, engine)
    algorithm = Algorithm(chosen.value)
    own = algorithm in (Algorithm.ONE_SHOT, Algorithm.TWO_SHOT)
    parameters = load_collective_parameters(family, engine if own else "nccl", kind=fabric.kind)
    found = collective_s("all_reduce", tp, message, fabric, parameters, algorithm)
    return np.asarray(found, np.float64)


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
