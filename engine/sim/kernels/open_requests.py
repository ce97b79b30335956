"""Where the time of unfinished requests has gone so far."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.codes import CAUSES
from engine.sim.kernels.compiling import bare, bare_kernel, inlined
from engine.sim.kernels.waits import lost_cause, waited_down, waited_kv
from engine.sim.kernels.world import (
    ADMISSION,
    AT_GATE,
    AT_RATE,
    FAULT,
    KV_MEMORY,
    KV_TRANSFER,
    ON_THE_WAY,
    QUEUE,
    RESENT,
    SCALE_OUT,
)
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
        if s.req[q].phase == AT_RATE or s.req[q].phase == AT_GATE:
            total[ADMISSION] += now - s.req[q].arrive_s
        elif s.req[q].phase == ON_THE_WAY:
            _add_since(s, q, SCALE_OUT, now, total)
        elif s.req[q].phase == RESENT:
            _add_since(s, q, FAULT, now, total)
    for tenant in range(s.tenant.size):
        q = s.tenant[tenant].gate_head
        while q >= 0:
            total[ADMISSION] += now - s.req[q].arrive_s
            q = s.req[q].queue_next
    for r in range(s.rep.size):
        _add_list(s, s.rep[r].in_head, SCALE_OUT, now, total)
        _add_list(s, s.rep[r].pull_head, KV_TRANSFER, now, total)
        _add_list(s, s.rep[r].join_head, QUEUE, now, total)
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
                total[lost_cause(s.req, q)] += now - s.req[q].mark_s
            q = s.req[q].run_next


@inlined
def _add_since(s: State, q: int, cause: int, now: float, total: F8) -> None:
    """What a request has spent, and what it has waited for one cause since its mark."""
    total[cause] += now - s.req[q].mark_s
    for c in range(CAUSES):
        total[c] += s.req_cause[q, c]


@bare
def _add_list(s: State, first: int, cause: int, now: float, total: F8) -> None:
    q = first
    while q >= 0:
        _add_since(s, q, cause, now, total)
        q = s.req[q].queue_next


@inlined
def _add_waiting(s: State, r: int, q: int, now: float, total: F8) -> None:
    req = s.req
    waited = now - req[q].mark_s
    if req[q].preempted:
        total[lost_cause(req, q)] += waited
    else:
        down = min(max(waited_down(s.rep, r, now) - req[q].mark_down, 0.0), waited)
        lacked = min(max(waited_kv(s.rep, r, now) - req[q].mark_kv, 0.0), waited - down)
        total[FAULT] += down
        total[KV_MEMORY] += lacked
        total[QUEUE] += waited - down - lacked
    for c in range(CAUSES):
        total[c] += s.req_cause[q, c]
