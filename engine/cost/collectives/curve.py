"""The curve that is fitted: seconds from work, fabric and ten numbers, on arrays.

t = (t0^p + v^p)^(1/p) with t0 = launch + steps x step (+ NIC steps) and v the bytes on the busiest
port or NIC over its usable rate. p about 0.6 says that protocols change between small and large
messages (NCCL's LL, LL128 and Simple); p = 1 is alpha-beta (Hockney, 1994).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cost.collectives.fabric import REFERENCE_HOP_S, CollectiveFabric
from engine.cost.collectives.parameters import OpParameters
from engine.cost.collectives.work import Work

F8 = NDArray[np.float64]

SMALLEST_STEP = 0.25  # of the measured step: what is left of it when hops cost nothing
_FEW, _ONE_BRIDGE = 2, 4  # cards that share no path of PCIe, and that hang on one bridge


class Terms(NamedTuple):
    """Work and fabric of each row (or of all rows, as arrays without axes)."""

    port: F8  # bytes on the busiest port per byte of size
    local: F8  # bytes that stay at home per byte of size
    nic: F8  # bytes on a rank's NIC per byte of size
    steps: F8
    nic_steps: F8
    fan_out: F8
    port_bytes_per_s: F8
    nic_bytes_per_s: F8
    beyond_s: F8  # the hop's latency less that of the measured fabrics
    nic_latency_s: F8
    shared: F8  # 1 where more than two cards share PCIe
    bridged: F8  # 1 where more than four do


class Numbers(NamedTuple):
    """The parameters of each row, in the order and units of `OpParameters`."""

    launch_s: F8
    step_s: F8
    nic_step_s: F8
    efficiency: F8
    nic_efficiency: F8
    sharpness: F8
    local_share: F8
    shared_path: F8
    bridge_path: F8
    fan_out: F8


def terms_of(work: Work, ranks: int, fabric: CollectiveFabric) -> tuple[float, ...]:
    """The fields of `Terms` for one collective."""
    pcie = fabric.kind == "pcie"
    return (
        work.port,
        work.local,
        work.nic,
        work.steps,
        work.nic_steps,
        work.fan_out,
        fabric.usable_port_bytes_per_s(ranks),
        fabric.nic_bytes_per_s / max(fabric.oversubscription, 1.0),
        fabric.hop_s - REFERENCE_HOP_S.get(fabric.kind, fabric.hop_s),
        fabric.nic_latency_s,
        float(pcie and ranks > _FEW),
        float(pcie and ranks > _ONE_BRIDGE),
    )


def numbers_of(parameters: OpParameters) -> Numbers:
    """One set of parameters for all rows."""
    values = (getattr(parameters, name) for name in Numbers._fields)
    return Numbers(*(np.asarray(value, np.float64) for value in values))


def curve_s(sizes: F8, terms: Terms, numbers: Numbers) -> F8:
    """Seconds for each size in bytes."""
    return power_sum(
        floor_s(terms, numbers), sizes * volume_s_per_byte(terms, numbers), numbers.sharpness
    )


def volume_s_per_byte(terms: Terms, numbers: Numbers) -> F8:
    """Seconds per byte of size on the busiest of port and NIC, at their usable rates."""
    port = terms.port_bytes_per_s * numbers.efficiency
    port = port * np.where(terms.shared > 0, numbers.shared_path, 1.0)
    port = port * np.where(terms.bridged > 0, numbers.bridge_path, 1.0)
    on_port = (terms.port + numbers.local_share * terms.local) / port
    nic = terms.nic * (1.0 + numbers.fan_out * terms.fan_out)
    return np.asarray(np.maximum(on_port, nic / (terms.nic_bytes_per_s * numbers.nic_efficiency)))


def floor_s(terms: Terms, numbers: Numbers) -> F8:
    """Seconds that no bandwidth shortens: launch, and each step with its hop."""
    step = np.maximum(numbers.step_s + terms.beyond_s, SMALLEST_STEP * numbers.step_s)
    across = terms.nic_steps * (numbers.nic_step_s + terms.nic_latency_s)
    return np.asarray(numbers.launch_s + terms.steps * step + across)


def power_sum(floor: F8, volume: F8, sharpness: F8) -> F8:
    """(t0^p + v^p)^(1/p), relative to the larger so that nothing overflows; t0 is above 0."""
    largest = np.maximum(floor, volume)
    ratio = np.minimum(floor, volume) / largest
    return np.asarray(largest * (1.0 + ratio**sharpness) ** (1.0 / sharpness))
