"""What requests wait for: a replica that is down, KV blocks, a place in the batch."""

from engine.sim.kernels.compiling import inlined
from engine.sim.kernels.world import FAULT, KV_MEMORY, LOST, QUEUE
from engine.sim.state import Records, State


@inlined
def waited_kv(rep: Records, r: int, now: float) -> float:
    """Seconds so far in which the head of the queue lacked KV blocks."""
    waited: float = rep[r].wait_kv
    if rep[r].blocked:
        waited += now - rep[r].wait_mark
    return waited


@inlined
def waited_down(rep: Records, r: int, now: float) -> float:
    """Seconds so far in which the replica was down."""
    waited: float = rep[r].down_s
    if not rep[r].up:
        waited += now - rep[r].down_mark
    return waited


@inlined
def lost_cause(req: Records, q: int) -> int:
    """The cause of a request's being computed again."""
    return FAULT if req[q].preempted == LOST else KV_MEMORY


@inlined
def count_wait(s: State, r: int, q: int, waited: float, now: float) -> None:
    """Gives a wait in a queue to its cause: what it is computed again for, or what it lacks."""
    if s.req[q].preempted:
        s.req_cause[q, lost_cause(s.req, q)] += waited
    else:
        count_queued(s, r, q, waited, now)


@inlined
def count_queued(s: State, r: int, q: int, waited: float, now: float) -> None:
    """Splits a wait in a queue: the replica was down, KV blocks lacked, a place in the batch did."""
    rep, req = s.rep, s.req
    down = min(waited_down(rep, r, now) - req[q].mark_down, waited)
    lacked = min(waited_kv(rep, r, now) - req[q].mark_kv, waited - down)
    s.req_cause[q, FAULT] += down
    s.req_cause[q, KV_MEMORY] += lacked
    s.req_cause[q, QUEUE] += waited - down - lacked
