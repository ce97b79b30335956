"""The gate before the service: what can never fit, a tenant's rate, and its requests in flight.

The rate is kept by the generic cell rate algorithm (ITU-T I.371): `free_s` is the theoretical
arrival time of the next request, and one that comes earlier than `burst` - 1 intervals before it
waits until then, or is refused if that is too long.
"""

from engine.sim.codes import CAUSES
from engine.sim.kernels.agents import after_step, leave_holder, wake
from engine.sim.kernels.choice import assign, choose
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.losing import let_go
from engine.sim.kernels.slots import give_slot
from engine.sim.kernels.world import (
    ADMISSION,
    AT_GATE,
    AT_RATE,
    FAULT,
    IDLE,
    ON_THE_WAY,
    PREFILL_ROLE,
    World,
)
from engine.sim.state import ARRIVED, IN_SYSTEM, OCCUPANCY, OCCUPANCY_MARK, REJECTED, State


@inlined
def occupy(s: State, delta: int, now: float) -> None:
    """Counts the requests in the system over time; `delta` come or go."""
    real, whole = s.real, s.whole
    real[OCCUPANCY] += whole[IN_SYSTEM] * (now - real[OCCUPANCY_MARK])
    real[OCCUPANCY_MARK] = now
    whole[IN_SYSTEM] += delta


@inlined
def arrive(w: World, s: State, q: int, tenant: int, prompt: int, output: int, now: float) -> int:
    """A request comes, is held or refused; its slot if it is at its replica's door at once."""
    req = s.req
    s.whole[ARRIVED] += 1
    s.tenant[tenant].arrived += 1
    req[q].tenant = tenant
    req[q].output = output
    if not _can_fit(w, w.tenants[tenant].service, prompt, output):
        s.whole[REJECTED] += 1
        s.tenant[tenant].rejected += 1
        _turn_away(w, s, q, now)
        return -1
    wait_s = _rate_wait(w, s, tenant, now)
    if wait_s > w.tenants[tenant].longest_wait_s or _is_overfull(w, s, tenant):
        s.whole[REJECTED] += 1
        s.tenant[tenant].refused += 1
        _turn_away(w, s, q, now)
        return -1
    if w.tenants[tenant].rate_per_s > 0.0:
        s.tenant[tenant].free_s = max(s.tenant[tenant].free_s, now) + (
            1.0 / w.tenants[tenant].rate_per_s
        )
    occupy(s, 1, now)
    req[q].priority = w.tenants[tenant].priority
    req[q].source = -1
    req[q].held = 0
    req[q].fetch = 0
    req[q].arrive_s = now
    req[q].first_s = 0.0
    req[q].prompt = prompt
    req[q].target = prompt
    req[q].filled = 0
    req[q].chunk = 0
    req[q].cached = 0
    req[q].emitted = 0
    req[q].blocks = 0
    req[q].pinned = 0
    req[q].preempted = 0
    for c in range(CAUSES):
        s.req_cause[q, c] = 0.0
    if wait_s > 0.0:
        wake(s, q, AT_RATE, now + wait_s)
        return -1
    through: int = pass_rate(w, s, q, now)
    return through


@bare
def _turn_away(w: World, s: State, q: int, now: float) -> None:
    if q < w.agents.agents:
        s.req[q].output = 0
        after_step(w, s, q, now)
    else:
        give_slot(s, q)


@inlined
def _can_fit(w: World, service: int, prompt: int, output: int) -> bool:
    """Every replica that a request may be sent to can hold it and begin its prompt."""
    services = w.services
    entry, decode = 2 * service, 2 * service + 1
    whole = prompt + output
    if whole > services.window_tokens[entry] or prompt > services.longest_prompt[entry]:
        return False
    if services.start[decode + 1] == services.start[decode]:
        alone: bool = whole <= services.capacity_tokens[entry]
        return alone
    fits: bool = prompt <= services.capacity_tokens[entry]
    return fits and whole <= services.capacity_tokens[decode]


@inlined
def _rate_wait(w: World, s: State, tenant: int, now: float) -> float:
    """Seconds until a tenant's rate lets its next request in."""
    if w.tenants[tenant].rate_per_s <= 0.0:
        return 0.0
    early_s = (w.tenants[tenant].burst - 1.0) / w.tenants[tenant].rate_per_s
    wait_s: float = max(0.0, s.tenant[tenant].free_s - early_s - now)
    return wait_s


@inlined
def _is_overfull(w: World, s: State, tenant: int) -> bool:
    """As many as may be in flight are, and as many as may be held are held."""
    most = w.tenants[tenant].most_in_flight
    if most == 0 or s.tenant[tenant].in_flight < most:
        return False
    full: bool = s.tenant[tenant].held >= w.tenants[tenant].most_held
    return full


@inlined
def pass_rate(w: World, s: State, q: int, now: float) -> int:
    """The rate lets a request in: it goes on, or is held until another one ends."""
    tenant = s.tenant[s.req[q].tenant]
    most = w.tenants[s.req[q].tenant].most_in_flight
    if most == 0 or tenant.in_flight < most:
        entered: int = enter(w, s, q, now)
        return entered
    s.req[q].phase = AT_GATE
    s.req[q].queue_next = -1
    if tenant.gate_tail >= 0:
        s.req[tenant.gate_tail].queue_next = q
    else:
        tenant.gate_head = q
    tenant.gate_tail = q
    tenant.held += 1
    return -1


@inlined
def enter(w: World, s: State, q: int, now: float) -> int:
    """A request is let in and gets its replica; its slot if it is at its door at once."""
    req = s.req
    s.tenant[req[q].tenant].in_flight += 1
    s.req_cause[q, ADMISSION] += now - req[q].arrive_s
    r = choose(w, s, 2 * w.tenants[req[q].tenant].service, q, now)
    assign(w, s, r, 1)
    req[q].replica = r
    req[q].mark_s = now
    if q < w.agents.agents and s.cache.shape[0] == 1:
        leave_holder(w, s, q, r, now)
    if s.rep[r].latency_s > 0.0:
        wake(s, q, ON_THE_WAY, now + s.rep[r].latency_s)
        return -1
    return q


@bare
def resend(w: World, s: State, q: int, now: float) -> int:
    """A request that a fault has cut off is sent again; its slot if it is at the door at once."""
    req = s.req
    s.req_cause[q, FAULT] += now - req[q].mark_s
    number = 2 * w.tenants[req[q].tenant].service
    source = req[q].source
    if source >= 0:
        number = s.rep[source].list
        if w.pools[s.rep[source].pool].role == PREFILL_ROLE:
            number += 1
    elif req[q].target > w.services.capacity_tokens[number]:  # what it has said no longer fits
        give_up(w, s, q, now)
        return -1
    r = choose(w, s, number, q, now)
    assign(w, s, r, 1)
    req[q].replica = r
    req[q].mark_s = now
    if q < w.agents.agents and s.cache.shape[0] == 1 and req[q].source < 0:
        leave_holder(w, s, q, r, now)
    if s.rep[r].latency_s > 0.0 and req[q].source < 0:
        wake(s, q, ON_THE_WAY, now + s.rep[r].latency_s)
        return -1
    return q


@bare
def give_up(w: World, s: State, q: int, now: float) -> None:
    """A request has failed: its client gets an error."""
    occupy(s, -1, now)
    leave_service(w, s, q, now)
    s.tenant[s.req[q].tenant].failed += 1
    for c in range(CAUSES):
        s.sum_cause[c] += s.req_cause[q, c]
    if s.req[q].source >= 0:
        let_go(w, s, q, now)
    if q < w.agents.agents:
        after_step(w, s, q, now)
    else:
        s.req[q].phase = IDLE
        give_slot(s, q)


@inlined
def leave_service(w: World, s: State, q: int, now: float) -> None:
    """A request has ended: the first of its tenant that is held may pass."""
    tenant = s.tenant[s.req[q].tenant]
    tenant.in_flight -= 1
    held = tenant.gate_head
    if held >= 0:
        tenant.gate_head = s.req[held].queue_next
        if tenant.gate_head < 0:
            tenant.gate_tail = -1
        s.req[held].queue_next = -1
        tenant.held -= 1
        wake(s, held, AT_GATE, now)
