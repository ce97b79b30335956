"""Agents and their tools: thought, steps of a task, host cores, contexts."""

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.cache import (
    cache_put,
    cache_row,
    cache_take,
    lower_drop,
    lower_put,
)
from engine.sim.kernels.compiling import bare, bare_kernel, inlined
from engine.sim.kernels.heap import heap_set
from engine.sim.kernels.random import log_normal, uniform
from engine.sim.kernels.stretches import catch_up
from engine.sim.kernels.world import (
    CORE_QUEUE,
    CPU,
    ERROR,
    IDLE,
    ON_CORE,
    PREFIX,
    PREFIX_AFFINITY,
    SENT_OUT,
    SESSION_STICKY,
    SUB_PREFIX,
    THINK,
    THINKING,
    TOOL,
    TOOL_TIME,
    UP,
    World,
)
from engine.sim.state import PASSED, TOOL_WAIT, State

F8 = NDArray[np.float64]


@bare
def draw(w: World, s: State, a: int, which: int) -> float:
    """The next draw of an agent from one row of the distributions."""
    s.agent[a].counter += 1
    row = w.agents.distributions[w.agents.tenant[a], which]
    seed, drawn = w.seed, s.agent[a].counter
    value: float = log_normal(row[0], row[1], row[2], row[3], seed, a, drawn, which)
    return value


@bare
def _chance(w: World, s: State, a: int) -> float:
    s.agent[a].counter += 1
    share: float = uniform(w.seed, a, s.agent[a].counter, 99)
    return share


@bare
def draw_steps(w: World, s: State, a: int) -> int:
    """Steps of a task: geometric with the mean of the profile, at least one."""
    if w.agents.parent[a] >= 0:
        mean = w.agents.subagent_steps[w.agents.tenant[a]]
    else:
        mean = w.agents.steps_per_task[w.agents.tenant[a]]
    if mean <= 1.0:
        return 1
    u = _chance(w, s, a)
    return 1 + int(np.log(u) / np.log(1.0 - 1.0 / mean))


@bare
def _biased(w: World, s: State, a: int, row: F8) -> float:
    """What is left of an interval met at a random time: a uniform part of a length-biased draw.

    The length-biased log-normal has the median m exp(sigma^2); the draw is clipped as the law is.
    """
    s.agent[a].counter += 1
    median = row[0] * np.exp(row[1] * row[1])
    length: float = log_normal(median, row[1], row[2], row[3], w.seed, a, s.agent[a].counter, 50)
    left: float = length * _chance(w, s, a)
    return left


@inlined
def home_of(w: World, a: int) -> int:
    """The replica that an agent stays with."""
    number = 2 * w.tenants[w.agents.tenant[a]].service
    first = w.services.start[number]
    home: int = w.services.replica[first + a % (w.services.start[number + 1] - first)]
    return home


@inlined
def _is_kept_at_home(w: World, s: State, a: int) -> bool:
    """The context of an agent is cached, and by one replica at first."""
    number = 2 * w.tenants[w.agents.tenant[a]].service
    cached: bool = w.services.cached[number] > 0
    router = w.services.router[number]
    return cached and (router in (SESSION_STICKY, PREFIX_AFFINITY))


@bare
def _warm(w: World, s: State, a: int) -> None:
    r = home_of(w, a)
    if s.rep[r].up != UP:  # turned off: it begins with an empty cache
        return
    size = w.pools[s.rep[r].pool].block_tokens
    tokens = int(s.agent[a].context)
    blocks = (tokens + size - 1) // size
    if blocks > 0 and blocks <= s.rep[r].free:
        s.rep[r].free -= blocks
        cache_put(s.rep, s.cache, r, a, tokens, blocks, 0.0)
    elif blocks > 0 and s.lower.size > 0:
        s.cache[0, a].holder = r
        lower_put(s.lower, s.cache, r, a, tokens, 0.0)


@bare_kernel
def begin_agents(w: World, s: State) -> None:
    """Gives every agent its context and its first waking; with a warm start caches the contexts."""
    for a in range(w.agents.agents):
        s.agent[a].host = w.agents.host_of_agent[a]
        if w.agents.parent[a] >= 0:
            continue
        tenant = w.agents.tenant[a]
        window = float(w.agents.window_tokens[tenant])
        laws = w.agents.distributions[tenant]
        s.agent[a].context = min(draw(w, s, a, PREFIX), 0.95 * window)
        if w.agents.warm_start[tenant]:
            if _is_kept_at_home(w, s, a):
                _warm(w, s, a)
            if _chance(w, s, a) >= w.think_share[tenant]:
                s.agent[a].steps_left = draw_steps(w, s, a)
                wake(s, a, TOOL, _biased(w, s, a, laws[TOOL_TIME]))
            else:
                wake(s, a, THINKING, _biased(w, s, a, laws[THINK]))
        else:
            wake(s, a, THINKING, _chance(w, s, a) * laws[THINK, 0])


@bare
def forget(w: World, s: State, a: int, now: float) -> None:
    """A compacted context is new to every cache."""
    if s.cache.shape[1] <= a:  # nobody keeps prefixes
        return
    if s.cache.shape[0] == 1:
        if s.cache[0, a].holder >= 0:
            _forget_at(w, s, a, s.cache[0, a].holder, now)
        return
    number = 2 * w.tenants[w.agents.tenant[a]].service
    for at in range(w.services.start[number], w.services.start[number + 1]):
        _forget_at(w, s, a, w.services.replica[at], now)


@bare
def _forget_at(w: World, s: State, a: int, r: int, now: float) -> None:
    row = cache_row(s.cache, r)
    if s.cache[row, a].blocks == 0 and s.cache[row, a].low == 0:
        return
    if s.rep[r].ahead > 0:  # its steps may have evicted the context
        catch_up(w, s, r, now, r < s.whole[PASSED])
    if s.cache[row, a].blocks > 0 and s.cache[row, a].pins == 0:
        s.rep[r].free += cache_take(s.rep, s.cache, r, a)
    if s.cache[row, a].low > 0:
        lower_drop(s.lower, s.cache, r, a)


@inlined
def leave_holder(w: World, s: State, a: int, r: int, now: float) -> None:
    """The context of an agent that is sent elsewhere is not kept at the replica that has it."""
    if s.cache.shape[1] <= a or s.cache[0, a].holder < 0 or s.cache[0, a].holder == r:
        return
    if s.cache[0, a].blocks > 0 or s.cache[0, a].low > 0:
        _forget_at(w, s, a, s.cache[0, a].holder, now)


@bare
def after_step(w: World, s: State, a: int, now: float) -> None:
    """A tool runs, sub-agents are sent out, or the task is done: a person thinks, or it reports."""
    tenant, parent = w.agents.tenant[a], w.agents.parent[a]
    s.agent[a].steps_left -= 1
    if s.agent[a].steps_left <= 0 and parent >= 0:
        s.req[a].phase = IDLE
        s.agent[parent].extra += s.req[a].output
        s.agent[parent].pending -= 1
        if s.agent[parent].pending == 0:
            wake(s, parent, TOOL, now)
        return
    if s.agent[a].steps_left <= 0:
        wake(s, a, THINKING, now + draw(w, s, a, THINK))
        return
    share = w.agents.fanout_share[tenant]
    if w.agents.first_child[a] >= 0 and share > 0.0 and _chance(w, s, a) < share:
        _send_out(w, s, a, now)
        return
    _draw_tool(w, s, a)
    host = s.agent[a].host
    home = w.agents.host_of_agent[a]
    if host != home and not s.host[home].down:  # its own is back
        host = home
        s.agent[a].host = home
    if host < 0 or w.host_cores[host] < 1.0:
        wake(s, a, TOOL, now + s.agent[a].tool_s)
    elif s.host[host].busy < w.host_cores[host]:
        host_mark(s, host, now)
        s.host[host].busy += 1
        wake(s, a, ON_CORE, now + s.agent[a].cpu_s)
    else:
        s.req[a].phase = CORE_QUEUE
        s.req[a].mark_s = now
        s.req[a].queue_next = -1
        if s.host[host].tail >= 0:
            s.req[s.host[host].tail].queue_next = a
        else:
            s.host[host].head = a
        s.host[host].tail = a


@bare
def _send_out(w: World, s: State, a: int, now: float) -> None:
    """Sub-agents begin with contexts of their own, new to every cache."""
    tenant = w.agents.tenant[a]
    count = w.agents.subagents[tenant]
    window = float(w.agents.window_tokens[tenant])
    for c in range(w.agents.first_child[a], w.agents.first_child[a] + count):
        forget(w, s, c, now)
        s.agent[c].context = min(draw(w, s, c, SUB_PREFIX), 0.95 * window)
        s.agent[c].steps_left = draw_steps(w, s, c)
        s.agent[c].extra = 0.0
        wake(s, c, TOOL, now)
    s.tenant[tenant].subagents += count
    s.agent[a].pending = count
    s.req[a].phase = SENT_OUT


@bare
def _draw_tool(w: World, s: State, a: int) -> None:
    """How long the next tool takes, and what becomes of it."""
    tenant = w.agents.tenant[a]
    tool_s = draw(w, s, a, TOOL_TIME)
    cpu_s = draw(w, s, a, CPU)
    fails, longest_s = w.agents.tool_fail_share[tenant], w.agents.tool_timeout_s[tenant]
    s.tenant[tenant].tools += 1
    failed = fails > 0.0 and _chance(w, s, a) < fails
    if failed:
        tool_s *= _chance(w, s, a)
    cancelled = longest_s > 0.0 and tool_s > longest_s
    if cancelled:
        tool_s = longest_s
        s.tenant[tenant].tools_cancelled += 1
    elif failed:
        s.tenant[tenant].tools_failed += 1
    s.agent[a].tool_s = tool_s
    s.agent[a].cpu_s = min(cpu_s, tool_s)
    s.agent[a].tooling = 1
    if failed or cancelled:
        tool_error(w, s, a)


@bare
def tool_error(w: World, s: State, a: int) -> None:
    """The next step has an error to read in place of a result, and another follows it."""
    s.agent[a].failed = 1
    s.agent[a].extra = draw(w, s, a, ERROR)
    s.agent[a].steps_left += 1


@bare
def host_mark(s: State, host: int, now: float) -> None:
    """Counts the core seconds of a host up to now."""
    s.host[host].busy_core_s += s.host[host].busy * (now - s.host[host].mark_s)
    s.host[host].mark_s = now


@bare
def core_free(w: World, s: State, a: int, now: float) -> None:
    """A tool leaves its core; the next in line takes it."""
    host = s.agent[a].host
    host_mark(s, host, now)
    following = s.host[host].head
    if following < 0:
        s.host[host].busy -= 1
        return
    s.host[host].head = s.req[following].queue_next
    if s.host[host].head < 0:
        s.host[host].tail = -1
    s.req[following].queue_next = -1
    s.real[TOOL_WAIT] += now - s.req[following].mark_s
    wake(s, following, ON_CORE, now + s.agent[following].cpu_s)


@bare
def wake(s: State, q: int, phase: int, at_s: float) -> None:
    """Sets the next timed event of a slot."""
    req = s.req
    req[q].phase = phase
    heap_set(s.req_heap, q, at_s)
