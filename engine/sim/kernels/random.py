"""Counter-based random numbers: a draw depends on (seed, stream, counter, purpose), not on order.

SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014) hashes the
four numbers; normals by Box and Muller from two hashes.
"""

import numpy as np

from engine.sim.kernels.compiling import inner

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)
S30, S27, S31, S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@inner
def mix(value: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64: every bit of the answer depends on every bit of the number."""
    value = (value ^ (value >> S30)) * MIX_A
    value = (value ^ (value >> S27)) * MIX_B
    return value ^ (value >> S31)


@inner
def uniform(seed: int, stream: int, counter: int, purpose: int) -> float:
    """A number in (0, 1): never 0 nor 1."""
    value = mix(np.uint64(seed) + GOLDEN)
    value = mix(value ^ (np.uint64(stream) * MIX_A + GOLDEN))
    value = mix(value ^ (np.uint64(counter) * MIX_B + GOLDEN))
    value = mix(value ^ (np.uint64(purpose) + GOLDEN))
    share: float = (np.float64(value >> S11) + 0.5) * (1.0 / 9007199254740992.0)
    return share


@inner
def normal(seed: int, stream: int, counter: int, purpose: int) -> float:
    """A standard normal draw."""
    radius = uniform(seed, stream, counter, 2 * purpose)
    angle = uniform(seed, stream, counter, 2 * purpose + 1)
    value: float = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * angle)
    return value


@inner
def log_normal(
    median: float, sigma: float, low: float, high: float, seed: int, stream: int, counter: int,
    purpose: int,
) -> float:  # fmt: skip
    """A clipped log-normal draw."""
    value: float = median * np.exp(sigma * normal(seed, stream, counter, purpose))
    return min(max(value, low), high)
