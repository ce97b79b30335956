"""What replicas have done so far, as arrays for those who look at a run."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.reading import read_causes, read_replicas
from engine.sim.kernels.serving import bring_up
from engine.sim.kernels.world import World
from engine.sim.state import State

F8 = NDArray[np.float64]


class Stretches(NamedTuple):
    """Sums of every replica up to now."""

    busy_s: F8  # [replicas] chips compute
    compute_s: F8  # [replicas] of which arithmetic bound; counts steps that have ended
    kv_token_s: F8  # [replicas] integral of used KV tokens
    own_link_s: F8  # [replicas] seconds on links of their own
    own_link_bytes: F8  # [replicas] bytes over them


def read_stretches(state: State, world: World) -> Stretches:
    """Sums up to the time that the run has reached."""
    bring_up(world, state)
    sums = np.zeros((5, len(state.rep)))
    read_replicas(world, state, sums)
    return Stretches(*sums)


def step_causes(state: State, world: World) -> F8:
    """[replicas, CAUSES] seconds of the steps that have ended by now."""
    bring_up(world, state)
    causes = np.zeros((len(state.rep), CAUSES))
    read_causes(state, causes)
    return causes
