"""What replicas have done so far, read at one instant: closed stretches and the one that runs.

Nothing is closed by a look, so that a run does not depend on who looks. The formulas are those of
`stretches`.
"""

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.compiling import bare_kernel
from engine.sim.kernels.stretches import context_of, grown_block_s, stretch_end
from engine.sim.kernels.world import COMPUTE, MEMORY, SCALE_OUT, SCALE_UP, World
from engine.sim.state import NOW, State

F8 = NDArray[np.float64]

BUSY_S, COMPUTE_S, KV_TOKEN_S, OWN_LINK_S, OWN_LINK_BYTES = range(5)  # rows of `read_replicas`


@bare_kernel
def read_replicas(w: World, s: State, out: F8) -> None:
    """Sums of every replica up to now into `out` [5, replicas]."""
    rep, now = s.rep, s.real[NOW]
    for r in range(rep.size):
        done = rep[r].done
        attention_s = rep[r].slope_s * context_of(rep, r, done)
        begun_s = stretch_end(rep, r, done)
        running_s = now - begun_s if rep[r].mode != 0 else 0.0
        context = rep[r].first_context + rep[r].decoding * done
        step_compute_s = rep[r].base_s + rep[r].slope_s * context
        link_s = 0.0
        if not rep[r].shared:
            link_s = min(max(running_s - step_compute_s, 0.0), rep[r].link_s)
        share = link_s / rep[r].link_s if rep[r].link_s > 0.0 else 0.0
        used = rep[r].blocks - rep[r].free - rep[r].loose - rep[r].kept
        kv = used * max(running_s, 0.0)
        kv += rep[r].kept_s + rep[r].kept * (now - rep[r].kept_mark)
        if done > 0:
            kv += rep[r].used * (begun_s - rep[r].start_s) + grown_block_s(rep, r)
        out[BUSY_S, r] = rep[r].busy_s + done * rep[r].base_s + attention_s
        out[BUSY_S, r] += min(max(running_s, 0.0), step_compute_s)
        out[COMPUTE_S, r] = rep[r].compute_s + done * s.step_cause[r, COMPUTE]
        out[KV_TOKEN_S, r] = rep[r].kv_token_s + kv * w.pools[rep[r].pool].block_tokens
        out[OWN_LINK_S, r] = rep[r].own_link_s + done * rep[r].link_s + link_s
        out[OWN_LINK_BYTES, r] = rep[r].own_link_bytes + (done + share) * rep[r].moved


@bare_kernel
def read_causes(s: State, out: F8) -> None:
    """Seconds of the steps that have ended by now into `out` [replicas, CAUSES]."""
    rep = s.rep
    for r in range(rep.size):
        done = rep[r].done
        for c in range(CAUSES):
            out[r, c] = s.rep_cause[r, c] + done * s.step_cause[r, c]
        out[r, MEMORY] += rep[r].slope_s * context_of(rep, r, done)
        out[r, SCALE_OUT if rep[r].remote else SCALE_UP] += done * rep[r].link_s
