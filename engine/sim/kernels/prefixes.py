"""Where the prefix of a prompt lies: in this replica's KV, in its lower tiers, or at another one."""

from engine.sim.kernels.cache import cache_row, is_fresh, lower_touch
from engine.sim.kernels.compiling import bare, inlined
from engine.sim.kernels.stretches import catch_up
from engine.sim.kernels.world import FROM_HOST, FROM_PEER, FROM_STORAGE, UP, World
from engine.sim.state import PASSED, Records, State


@inlined
def looks_elsewhere(w: World, s: State, r: int, q: int) -> bool:
    """A replica has lower tiers or fetches from others, and computes this prompt itself."""
    limits = w.pools[s.rep[r].pool]
    elsewhere: bool = limits.shares or limits.host_tokens > 0 or limits.storage_tokens > 0
    return elsewhere and limits.prefix_cache and s.req[q].source < 0


@bare
def find_elsewhere(w: World, s: State, r: int, q: int, have: int, pinned: int, now: float) -> None:
    """How much more of a prefix than is in KV could come from elsewhere, and from where.

    `have` tokens, or `pinned` entries of a trace, are in the replica's KV. Of a lower tier and
    another replica the one that has more is chosen, of equals the lower tier.
    """
    req = s.req
    if q < w.agents.agents:
        _find_context(w, s, r, q, have, now)
    elif w.requests.entry_tokens > 0:
        _find_entries(w, s, r, q, pinned, now)
    if req[q].fetch == 0:
        return
    req[q].way = w.transfers.host[r]
    if req[q].fetch_kind == FROM_STORAGE:
        req[q].way = w.transfers.storage[r]
    elif req[q].fetch_kind == FROM_PEER:
        req[q].way = w.transfers.peer[r] + s.rep[req[q].fetch_source].seat
    if req[q].way < 0 or not w.transfers.alive[req[q].way]:
        req[q].fetch = 0


@inlined
def _note(s: State, q: int, tokens: int, kind: int, source: int) -> None:
    s.req[q].fetch = tokens
    s.req[q].fetch_kind = kind
    s.req[q].fetch_source = source


@bare
def _find_context(w: World, s: State, r: int, q: int, have: int, now: float) -> None:
    """The context of an agent."""
    cache, req = s.cache, s.req
    limits = w.pools[s.rep[r].pool]
    row = cache_row(cache, r)
    most = req[q].target - 1
    best = have
    if cache[row, q].low > 0 and is_fresh(cache[row, q].low_used_s, limits.ttl_s, now):
        tokens = min(cache[row, q].low, most)
        if tokens > best:
            best = tokens
            _note(s, q, best - have, FROM_STORAGE if cache[row, q].tier else FROM_HOST, -1)
    h = cache[0, q].holder
    if limits.shares and _can_give(w, s, r, h, now) and _is_here(cache, h, q, limits.ttl_s, now):
        tokens = min(cache[h, q].tokens, most)
        if tokens > best:
            _note(s, q, tokens - have, FROM_PEER, h)


@bare
def _find_entries(w: World, s: State, r: int, q: int, pinned: int, now: float) -> None:
    """The entries of a trace's request that follow on those in KV."""
    cache, req, entry = s.cache, s.req, w.requests.entry
    limits = w.pools[s.rep[r].pool]
    own = w.agents.agents
    first, last = w.requests.entry_start[req[q].row], w.requests.entry_start[req[q].row + 1]
    longest = min(last - first, (req[q].target - 1) // w.requests.entry_tokens)
    if pinned >= longest:
        return
    at, tier = pinned, -1
    while at < longest:
        e = own + entry[first + at]
        if cache[r, e].low == 0 or not is_fresh(cache[r, e].low_used_s, limits.ttl_s, now):
            break
        if tier >= 0 and cache[r, e].tier != tier:
            break
        tier = cache[r, e].tier
        at += 1
    best = at - pinned
    if best > 0:
        _note(s, q, best * w.requests.entry_tokens, FROM_STORAGE if tier else FROM_HOST, -1)
    h = cache[0, own + entry[first + pinned]].holder
    if limits.shares and _can_give(w, s, r, h, now):
        at = pinned
        while at < longest and _is_here(cache, h, own + entry[first + at], limits.ttl_s, now):
            at += 1
        if at - pinned > best:
            _note(s, q, (at - pinned) * w.requests.entry_tokens, FROM_PEER, h)


@inlined
def _can_give(w: World, s: State, r: int, h: int, now: float) -> bool:
    """Another replica of the list is there to fetch from; its steps that have ended are counted."""
    if h < 0 or h == r or s.cache.shape[0] == 1:
        return False
    if s.rep[h].list != s.rep[r].list or not s.rep[h].up:
        return False
    if s.rep[h].ahead > 0:  # they may have evicted what is looked for
        catch_up(w, s, h, now, h < s.whole[PASSED])
    return True


@inlined
def _is_here(cache: Records, r: int, e: int, ttl_s: float, now: float) -> bool:
    """An entry is in the KV of a replica and not too old."""
    here: bool = cache[r, e].blocks > 0
    return here and (cache[r, e].pins > 0 or is_fresh(cache[r, e].used_s, ttl_s, now))


@bare
def touch_fetched(w: World, s: State, r: int, q: int, pinned: int, now: float) -> None:
    """What a request reads in a lower tier has been used now."""
    if s.req[q].fetch_kind == FROM_PEER:
        return
    if q < w.agents.agents:
        lower_touch(s.lower, s.cache, r, q, now)
        return
    first = w.requests.entry_start[s.req[q].row] + pinned
    for at in range(s.req[q].fetch // w.requests.entry_tokens):
        lower_touch(s.lower, s.cache, r, w.agents.agents + w.requests.entry[first + at], now)


@bare
def prefix_holder(w: World, s: State, number: int, q: int, now: float) -> int:
    """The replica of a list that has the longest prefix of a prompt, as far as is known; or -1.

    For an agent the one that had its context last; for a request of a trace the one that had the
    deepest of its entries last, if it has the first one too, else the one that had the first.
    """
    cache = s.cache
    if w.services.cached[number] == 0:
        return -1
    if q < w.agents.agents:
        h = cache[0, q].holder
        return int(h) if _serves(w, s, number, h, q, now) else -1
    own, entry = w.agents.agents, w.requests.entry
    first, last = w.requests.entry_start[s.req[q].row], w.requests.entry_start[s.req[q].row + 1]
    for at in range(last - 1, first - 1, -1):
        h = cache[0, own + entry[at]].holder
        if _serves(w, s, number, h, own + entry[at], now):
            if _serves(w, s, number, h, own + entry[first], now):
                return int(h)
            break
    if last > first:
        h = cache[0, own + entry[first]].holder
        if _serves(w, s, number, h, own + entry[first], now):
            return int(h)
    return -1


@bare
def _serves(w: World, s: State, number: int, h: int, e: int, now: float) -> bool:
    """A replica of the list is up and has an entry in one of its tiers."""
    rep, cache = s.rep, s.cache
    if h < 0 or rep[h].list != number or rep[h].up != UP:
        return False
    if rep[h].ahead > 0:
        catch_up(w, s, h, now, True)
    row = cache_row(cache, h)
    ttl_s = w.pools[rep[h].pool].ttl_s
    if _is_here(cache, row, e, ttl_s, now):
        return True
    low: bool = cache[row, e].low > 0
    return low and is_fresh(cache[row, e].low_used_s, ttl_s, now)
