"""The operators of a transformer as work: ideal seconds and shape, for `engine.cost.curves`.

FLOPs and bytes are those of the algorithms, whatever a kernel does: 2mnk for a GEMM (Golub and Van
Loan, "Matrix Computations"), 4 d h per query-key pair of an attention (Dao, "FlashAttention-2",
2023), the latent's width for multi-head latent attention in its absorbed form (DeepSeek-V2 report,
section 2.1), a state of d_k x d_v a head for a gated delta net (Yang et al., 2024).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.cost.curves import Work

F8 = NDArray[np.float64]

ACTIVATION_BYTES = 2.0  # BF16 between operators
TILE = 128.0  # rows and columns of an output tile
KV_TILE = 256.0  # cached tokens that one block of a decode kernel reads
DELTA_CHUNK = 64.0  # tokens of a chunk of the delta rule


class ChipRates(NamedTuple):
    """What a chip's data sheet says, with the number of its multiprocessors."""

    family: str
    memory_bytes_per_s: float
    bf16_flops: float
    multiprocessors: float


class NumberFormat(NamedTuple):
    """How an operator keeps its weights and in which arithmetic it multiplies."""

    name: str
    weight_bytes: float
    activation_bytes: float
    flops: float  # peak FLOP/s of the arithmetic on the chip


def _lb(values: ArrayLike) -> F8:
    return np.log2(np.maximum(np.asarray(values, np.float64), 1e-9))


def _reals(*values: ArrayLike) -> list[F8]:
    return [np.asarray(value, np.float64) for value in values]


def _wide(*columns: ArrayLike) -> F8:
    return np.stack(np.broadcast_arrays(*(np.asarray(c, np.float64) for c in columns)), axis=-1)


def gemm(
    rows: ArrayLike, columns: ArrayLike, depth: ArrayLike, form: NumberFormat, chip: ChipRates
) -> Work:
    """A GEMM of [rows, depth] by [depth, columns] weights."""
    columns, depth = _reals(columns, depth)
    m = np.asarray(rows, np.float64)
    compute = 2.0 * m * columns * depth / form.flops
    moved = columns * depth * form.weight_bytes + m * depth * form.activation_bytes
    moved = (moved + m * columns * ACTIVATION_BYTES) * (m > 0)
    waves = np.maximum(np.ceil(m / TILE), 1.0) * np.ceil(columns / TILE) / chip.multiprocessors
    shape = _wide(
        _lb(m) / 5 - 1.2,
        _lb(columns) / 3 - 4,
        _lb(depth) / 3 - 4,
        np.clip(np.log(np.ceil(waves) / waves), 0, 3) - 1,
        _lb(waves) / 4,
        m <= 16,
    )
    return Work(compute, moved / chip.memory_bytes_per_s, shape)


def decode_attention(
    sequences: ArrayLike,
    context: ArrayLike,
    *,
    heads: ArrayLike,
    kv_heads: ArrayLike,
    head_dim: ArrayLike,
    kv_bytes: float,
    window: ArrayLike,
    chip: ChipRates,
) -> Work:
    """One new token of each sequence against its cached keys and values on one chip.

    Args:
        sequences: in the batch of this chip.
        context: cached tokens of each.
        heads: query heads of this chip.
        kv_heads: of this chip.
        head_dim: width of a head.
        kv_bytes: of one cached element.
        window: tokens that a head sees at most, 0 for all.
        chip: its rates.
    """
    heads, kv_heads, head_dim = _reals(heads, kv_heads, head_dim)
    b, c = np.asarray(sequences, np.float64), np.maximum(np.asarray(context, np.float64), 1.0)
    seen = _seen(c, window)
    moved = b * (seen * kv_heads * head_dim * 2 * kv_bytes + 2 * heads * head_dim * 2)
    compute = 4.0 * b * heads * head_dim * seen / chip.bf16_flops
    units = np.maximum(b, 1.0) * kv_heads * np.ceil(seen / KV_TILE) / chip.multiprocessors
    shape = _wide(
        _lb(b) / 4 - 1.3,
        _lb(seen) / 5 - 2,
        _lb(kv_heads),
        _lb(heads / kv_heads) / 3,
        _lb(head_dim / 128.0),
        _lb(c / seen) / 5,
        np.log(units) / 4,
    )
    return Work(compute, moved / chip.memory_bytes_per_s, shape)


def _seen(tokens: F8, window: ArrayLike) -> F8:
    w = np.asarray(window, np.float64)
    return np.where(w > 0, np.minimum(tokens, w), tokens)


def causal_area(tokens: ArrayLike, window: ArrayLike = 0.0) -> F8:
    """Query-key pairs of a causal prompt in token^2: n^2/2, or n w - w^2/2 under a window w."""
    n = np.asarray(tokens, np.float64)
    w = _seen(n, window)
    return np.asarray(n * w - w * w / 2)


def prefill_attention(
    prompts: ArrayLike,
    tokens: ArrayLike,
    *,
    heads: ArrayLike,
    kv_heads: ArrayLike,
    head_dim: ArrayLike,
    window: ArrayLike,
    chip: ChipRates,
) -> Work:
    """`prompts` prompts of `tokens` tokens each against themselves, causal, on one chip."""
    heads, kv_heads, head_dim = _reals(heads, kv_heads, head_dim)
    b, n = np.asarray(prompts, np.float64), np.maximum(np.asarray(tokens, np.float64), 1.0)
    seen = _seen(n, window)
    compute = 4.0 * heads * head_dim * b * causal_area(n, window) / chip.bf16_flops
    moved = b * n * head_dim * ACTIVATION_BYTES * (2 * heads + 2 * kv_heads)
    shape = _wide(
        _lb(b) / 4 - 1,
        _lb(n) / 4 - 2.5,
        _lb(kv_heads) / 3,
        _lb(heads) / 3 - 1,
        _lb(head_dim / 128.0),
        _lb(n / seen) / 4,
        np.log(np.maximum(b, 1e-9) * heads * np.ceil(n / TILE) / chip.multiprocessors) / 4,
    )
    return Work(compute, moved / chip.memory_bytes_per_s, shape)


def mla_decode(
    sequences: ArrayLike,
    context: ArrayLike,
    *,
    heads: ArrayLike,
    latent: float,
    rope: float,
    kv_bytes: float,
    chip: ChipRates,
) -> Work:
    """Absorbed latent attention: every head of the chip reads one latent of each cached token."""
    (heads,) = _reals(heads)
    b, c = np.asarray(sequences, np.float64), np.maximum(np.asarray(context, np.float64), 1.0)
    width = latent + rope
    moved = b * (c * width * kv_bytes + heads * (width + latent) * ACTIVATION_BYTES)
    compute = 2.0 * b * c * heads * (width + latent) / chip.bf16_flops
    one = np.maximum(b, 1.0) / chip.multiprocessors
    shape = _wide(
        _lb(b) / 4 - 1.3,
        _lb(c) / 5 - 2,
        _lb(heads) / 3 - 1,
        np.log(one * np.ceil(c / KV_TILE)) / 4,
        np.log(one * np.ceil(heads / 64.0) * np.ceil(c / 64.0)) / 4,
    )
    return Work(compute, moved / chip.memory_bytes_per_s, shape)


def mla_prefill(
    prompts: ArrayLike,
    tokens: ArrayLike,
    *,
    heads: ArrayLike,
    qk: float,
    v: float,
    chip: ChipRates,
) -> Work:
    """Latent attention of whole prompts in its unfolded form: keys of `qk`, values of `v`."""
    (heads,) = _reals(heads)
    b, n = np.asarray(prompts, np.float64), np.maximum(np.asarray(tokens, np.float64), 1.0)
    compute = 2.0 * heads * (qk + v) * b * causal_area(n) / chip.bf16_flops
    moved = b * n * heads * (2 * qk + 2 * v) * ACTIVATION_BYTES
    shape = _wide(
        _lb(b) / 4 - 1,
        _lb(n) / 4 - 2.5,
        _lb(heads) / 3 - 1,
        np.log(np.maximum(b, 1e-9) * heads * np.ceil(n / TILE) / chip.multiprocessors) / 4,
    )
    return Work(compute, moved / chip.memory_bytes_per_s, shape)


def experts_hit(tokens: ArrayLike, experts: float, active: float) -> F8:
    """Expected share-weighted distinct experts that tokens meet: E (1 - (1 - k/E)^tokens)."""
    return np.asarray(experts * (1.0 - (1.0 - active / experts) ** np.asarray(tokens, np.float64)))


def moe(
    tokens: ArrayLike,
    *,
    hidden: ArrayLike,
    width: ArrayLike,
    experts: ArrayLike,
    active: ArrayLike,
    ranks: ArrayLike,
    skew: float,
    matrices: float,
    form: NumberFormat,
    chip: ChipRates,
) -> Work:
    """Routed experts of one layer on the busiest of `ranks` expert-parallel ranks.

    Args:
        tokens: of all ranks together.
        hidden: of the model.
        width: of an expert on one chip (its intermediate size over MoE-TP).
        experts: of the layer.
        active: that a token meets.
        ranks: over which the experts are spread.
        skew: exponent of the power law of expert popularity; 0 balanced, 1 and 1.2 measured.
        matrices: 3 for a gated expert, 2 for a plain one.
        form: number format of the experts.
        chip: its rates.
    """
    hidden, width, experts, active, ranks = _reals(hidden, width, experts, active, ranks)
    m = np.asarray(tokens, np.float64)
    local = experts / ranks
    rows = m * active / ranks
    hit = np.maximum(local * (1.0 - (1.0 - active / experts) ** m), 1e-9)
    compute = 2.0 * matrices * rows * hidden * width / form.flops
    moved = hit * matrices * hidden * width * form.weight_bytes
    moved = (moved + rows * (2 * hidden + 3 * width) * form.activation_bytes) * (m > 0)
    shape = _wide(
        _lb(m) / 5 - 1.2,
        _lb(local) / 4 - 1,
        _lb(active) / 3 - 0.5,
        _lb(hidden) / 2 - 6,
        _lb(width) / 3 - 3,
        _lb(ranks) / 4,
        skew_feature(skew),
        _lb(np.maximum(rows / hit, 0.01)) / 5,
        _lb(hit) / 4 - 1,
    )
    return Work(compute, moved / chip.memory_bytes_per_s, shape)


def skew_feature(skew: float) -> float:
    """Where a power-law exponent lies between balanced (-1) and the measured 1.01 and 1.2."""
    return float(np.interp(skew, [0.0, 1.01, 1.2, 1.5], [-1.0, 0.0, 0.6, 1.0]))


def delta_prefill(
    tokens: ArrayLike,
    *,
    k_heads: ArrayLike,
    v_heads: ArrayLike,
    head_dim: ArrayLike,
    chip: ChipRates,
) -> Work:
    """Convolution and chunked gated delta rule of prompt tokens on one chip."""
    k_heads, v_heads, head_dim = _reals(k_heads, v_heads, head_dim)
    m = np.asarray(tokens, np.float64)
    per_token = v_heads * (4.0 * head_dim * head_dim + 4.0 * DELTA_CHUNK * head_dim)
    moved = m * head_dim * (4 * k_heads + 6 * v_heads) * ACTIVATION_BYTES
    shape = _wide(_lb(m) / 5 - 1.2, _lb(v_heads) / 2 - 2, _lb(v_heads / k_heads))
    return Work(m * per_token / chip.bf16_flops, moved / chip.memory_bytes_per_s, shape)


def delta_decode(
    sequences: ArrayLike,
    *,
    k_heads: ArrayLike,
    v_heads: ArrayLike,
    head_dim: ArrayLike,
    chip: ChipRates,
) -> Work:
    """One new token of each sequence: its FP32 state is read and written once."""
    k_heads, v_heads, head_dim = _reals(k_heads, v_heads, head_dim)
    b = np.asarray(sequences, np.float64)
    state = v_heads * head_dim * head_dim
    shape = _wide(_lb(b) / 4 - 1.3, _lb(v_heads) / 2 - 2, _lb(v_heads / k_heads))
    return Work(
        6.0 * b * state / chip.bf16_flops, b * state * 8.0 / chip.memory_bytes_per_s, shape
    )


def elementwise_s(tokens: ArrayLike, hidden: float, passes: float, chip: ChipRates) -> F8:
    """Norms, residuals, rotary, activations: `passes` BF16 reads or writes of the hidden vector."""
    moved = np.asarray(tokens, np.float64) * hidden * ACTIVATION_BYTES * passes
    return np.asarray(moved / chip.memory_bytes_per_s)
