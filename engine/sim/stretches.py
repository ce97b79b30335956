"""What replicas have done so far: closed stretches and the one that runs, read at one instant.

The kernels' twin for reading (`engine.sim.kernels.stretches` has the formulas): nothing is closed
by a look, so that a run does not depend on who looks.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import Cause
from engine.sim.kernels.world import World
from engine.sim.state import NOW, State

F8 = NDArray[np.float64]


class Stretches(NamedTuple):
    """Sums of every replica up to now; causes and compute_s count steps when they have ended."""

    causes: F8  # [replicas, CAUSES] seconds of steps
    busy_s: F8  # [replicas] chips compute
    compute_s: F8  # [replicas] of which arithmetic bound
    kv_token_s: F8  # [replicas] integral of used KV tokens
    own_link_s: F8  # [replicas] seconds on links of their own
    own_link_bytes: F8  # [replicas] bytes over them


def read_stretches(state: State, world: World) -> Stretches:
    """Sums up to the time that the run has reached."""
    rep, now = state.rep, float(state.real[NOW])
    done, decoding = rep["done"], rep["decoding"]
    context = done * rep["first_context"] + decoding * (done * (done - 1) // 2)
    attention_s = rep["slope_s"] * context
    compute_s = done * rep["base_s"] + attention_s
    own = world.own_bytes_per_s > 0
    step_s = rep["base_s"] + rep["link_s"]
    span_s = done * step_s + attention_s
    begun_s = rep["start_s"] + span_s
    running = np.where(rep["mode"] != 0, now - begun_s, 0.0)
    step_compute_s = rep["base_s"] + rep["slope_s"] * (rep["first_context"] + decoding * done)
    on_links = np.where(own, np.clip(running - step_compute_s, 0.0, rep["link_s"]), 0.0)
    share = np.divide(on_links, rep["link_s"], out=np.zeros(len(rep)), where=rep["link_s"] > 0)
    used = rep["blocks"] - rep["free"] - rep["loose"]
    kv = rep["used"] * span_s + step_s * rep["growth_sum"]
    moment = rep["first_context"] * rep["growth_sum"] + decoding * rep["growth_moment"]
    kv = np.where(done > 0, kv + rep["slope_s"] * moment, 0.0) + used * np.maximum(running, 0.0)
    return Stretches(
        causes=_causes(state, done, attention_s),
        busy_s=rep["busy_s"] + compute_s + np.clip(running, 0.0, step_compute_s),
        compute_s=rep["compute_s"] + done * state.step_cause[:, Cause.COMPUTE],
        kv_token_s=rep["kv_token_s"] + kv * world.limits.block_tokens,
        own_link_s=rep["own_link_s"] + done * rep["link_s"] + on_links,
        own_link_bytes=rep["own_link_bytes"] + (done + share) * rep["moved"],
    )


def _causes(state: State, done: NDArray[np.int64], attention_s: F8) -> F8:
    rep = state.rep
    causes = state.rep_cause + done[:, None] * state.step_cause
    causes[:, Cause.MEMORY_BANDWIDTH] += attention_s
    link_s = done * rep["link_s"]
    causes[:, Cause.SCALE_OUT] += np.where(rep["remote"] != 0, link_s, 0.0)
    causes[:, Cause.SCALE_UP] += np.where(rep["remote"] == 0, link_s, 0.0)
    return np.asarray(causes, np.float64)
