"""Operators of a transformer step: FLOPs and bytes on one chip, and their times.

Each function takes arrays or numbers alike. Arithmetic and memory times are returned apart; the
slower one is the operator's time (Williams, Waterman, Patterson, "Roofline", 2009).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

F8 = NDArray[np.float64]

_TILES = (16.0, 32.0, 64.0, 128.0)


class Rates(NamedTuple):
    """What one chip reaches, efficiencies applied: FLOP/s and bytes/s."""

    gemm_flops: float  # in the weight format's arithmetic
    wide_flops: float  # BF16 arithmetic of attention
    memory_bytes_per_s: float


class OperatorTime(NamedTuple):
    """Seconds of arithmetic and of memory traffic; the operator takes the larger."""

    compute_s: F8
    memory_s: F8


def tile_rows(rows: ArrayLike) -> F8:
    """Rows that a GEMM computes: rounded up to 16, 32, 64, then to multiples of 128."""
    values = np.asarray(rows, np.float64)
    padded = np.ceil(values / _TILES[-1]) * _TILES[-1]
    for tile in reversed(_TILES[:-1]):
        padded = np.where(values <= tile, tile, padded)
    return np.where(values <= 0, 0.0, padded)


def gemm(
    tokens: ArrayLike, parameters: float, bytes_per_weight: float, rates: Rates
) -> OperatorTime:
    """Weights read once, 2 x rows x parameters FLOPs with tile quantisation of the rows."""
    rows = tile_rows(tokens)
    read = np.where(rows > 0, parameters * bytes_per_weight / rates.memory_bytes_per_s, 0.0)
    return OperatorTime(2.0 * rows * parameters / rates.gemm_flops, read)


def experts_hit(tokens: ArrayLike, experts: int, active: int) -> F8:
    """Expected distinct experts that tokens meet: E (1 - (1 - k/E)^tokens)."""
    values = np.asarray(tokens, np.float64)
    return np.asarray(experts * (1.0 - (1.0 - active / experts) ** values))


def moe(
    tokens: ArrayLike,
    experts: int,
    active: int,
    expert_parameters: float,
    bytes_per_weight: float,
    rates: Rates,
    imbalance: float = 1.0,
) -> OperatorTime:
    """Routed experts on one chip: the experts hit are read, each computes its padded rows.

    Args:
        tokens: tokens of the step.
        experts: routed experts of a layer.
        active: experts that a token meets.
        expert_parameters: parameters of one expert on this chip (sharded by TP or spread by EP).
        bytes_per_weight: of the weight format.
        rates: of the chip.
        imbalance: busiest rank over the mean (1 without EP).
    """
    values = np.asarray(tokens, np.float64)
    hit = experts_hit(values, experts, active)
    rows = np.divide(values * active, hit, out=np.zeros_like(hit), where=hit > 0)
    flops = 2.0 * hit * tile_rows(rows) * expert_parameters * imbalance
    read = hit * expert_parameters * bytes_per_weight * imbalance
    return OperatorTime(flops / rates.gemm_flops, read / rates.memory_bytes_per_s)


def elementwise(tokens: ArrayLike, hidden: int, passes: float, rates: Rates) -> OperatorTime:
    """Norms, residuals, rotary, activations: `passes` BF16 reads or writes of the hidden vector."""
    values = np.asarray(tokens, np.float64)
    seconds = values * hidden * 2.0 * passes / rates.memory_bytes_per_s
    return OperatorTime(np.zeros_like(seconds), seconds)


def prefill_attention_s_per_area(heads: int, qk_dim: int, v_dim: int, rates: Rates) -> float:
    """Seconds per token^2 of one layer: 2 heads (d_qk + d_v) FLOPs, causal area given by caller."""
    return 2.0 * heads * (qk_dim + v_dim) / rates.wide_flops


def decode_attention_s_per_token(kv_bytes: float, flops: float, rates: Rates) -> float:
    """Seconds per cached token of one layer: KV bytes read or arithmetic, the slower."""
    return max(kv_bytes / rates.memory_bytes_per_s, flops / rates.wide_flops)
