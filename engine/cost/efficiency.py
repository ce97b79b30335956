"""The few named efficiencies of a chip class, with ranges; shared by all its models.

They are the priors of the class: no chip here is fitted to measurements yet, so every prediction
carries their range. Values follow published fits of serving engines on current accelerators: a
compute efficiency near 0.73 and a memory efficiency near 0.9, some tens of microseconds of launch
overhead a layer, 0.6 ms a step and about 19 us a sequence.
"""

from typing import NamedTuple


class Ranged(NamedTuple):
    """A value with the range that it was seen in."""

    value: float
    low: float
    high: float


class Efficiencies(NamedTuple):
    """What a chip reaches of its figures, and fixed times of the serving engine."""

    gemm: Ranged  # share of peak FLOP/s in large GEMMs
    prefill_attention: Ranged  # share of BF16 peak
    linear_attention: Ranged  # share of BF16 peak in chunked recurrences
    memory: Ranged  # share of HBM bandwidth
    layer_s: Ranged  # launches and small kernels of one layer
    step_s: Ranged  # scheduler, sampling, input preparation of one step
    sequence_s: Ranged  # per sampled sequence
    collective_s: Ranged  # launch of one collective, beside the fabric's latency
    expert_imbalance: Ranged  # busiest EP rank over the mean


CLASS_PRIOR = Efficiencies(
    gemm=Ranged(0.73, 0.55, 0.82),
    prefill_attention=Ranged(0.60, 0.45, 0.68),
    linear_attention=Ranged(0.30, 0.15, 0.45),
    memory=Ranged(0.88, 0.70, 0.94),
    layer_s=Ranged(40e-6, 25e-6, 60e-6),
    step_s=Ranged(0.6e-3, 0.1e-3, 1.2e-3),
    sequence_s=Ranged(19e-6, 4e-6, 30e-6),
    collective_s=Ranged(4e-6, 3e-6, 8e-6),
    expert_imbalance=Ranged(1.2, 1.0, 1.6),
)
