"""Where the time of unfinished requests has gone so far."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.compiling import bare_kernel, inlined
from engine.sim.kernels.scheduler import waited_kv
from engine.sim.kernels.world import KV_MEMORY, ON_THE_WAY, QUEUE, SCALE_OUT
from engine.sim.state import NOW, State

F8 = NDArray[np.float64]


@bare_kernel
def open_causes(s: State, step_causes: F8, total: F8) -> None:
    """Adds the seconds of requests on the way, in queues and in batches to `total` [CAUSES].

    `step_causes` [replicas, CAUSES] are the seconds of the steps that have ended by now. Only open
    requests are visited, so that a long list of others costs nothing.
    """
    now = s.real[NOW]
    for at in range(s.req_heap.size[0]):
        q = s.req_heap.items[at]
        if s.req[q].phase == ON_THE_WAY:
            total[SCALE_OUT] += now - s.req[q].arrive_s
    for r in range(s.rep.size):
        q = s.rep[r].in_head
        while q >= 0:
            total[SCALE_OUT] += now - s.req[q].arrive_s
            q = s.req[q].queue_next
        q = s.rep[r].wait_head
        while q >= 0:
            _add_waiting(s, r, q, now, total)
            q = s.req[q].queue_next
        q = s.rep[r].run_head
        while q >= 0:
            for c in range(CAUSES):
                total[c] += s.req_cause[q, c]
                if not s.req[q].preempted:
                    total[c] += step_causes[r, c] - s.mark_cause[q, c]
            if s.req[q].preempted:
                total[KV_MEMORY] += now - s.req[q].mark_s
            q = s.req[q].run_next


@inlined
def _add_waiting(s: State, r: int, q: int, now: float, total: F8) -> None:
    waited = now - s.req[q].mark_s
    lacked = waited
    if not s.req[q].preempted:
        lacked = min(max(waited_kv(s.rep, r, now) - s.req[q].mark_kv, 0.0), waited)
    total[KV_MEMORY] += lacked
    total[QUEUE] += waited - lacked
    for c in range(CAUSES):
        total[c] += s.req_cause[q, c]
