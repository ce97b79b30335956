"""Shortest paths and what they carry, on arrays: search around one node, then walk to its ends.

A search gives distances from or to one node, the anchor; every walk between the anchor and an end
then meets only links on shortest paths. What a route is, and for whom, is in `engine.sim.routing`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sim.kernels.compiling import inner, kernel
from engine.sim.kernels.random import GOLDEN, MIX_A, MIX_B, mix

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
B1 = NDArray[np.bool_]

TOUCHED, WALKED, LEVELS, ENTRIES, POOL = range(5)  # of `Scratch.counts`
PAIRWISE = 128  # numpy adds up to so many numbers in eight lanes, and halves longer rows


class Graph(NamedTuple):
    """Links by the node they leave: those of node n are rows first[n] to first[n + 1]."""

    first: I8  # [nodes + 1]
    link: I4  # [rows] number of the link; those of a node ascend; link ^ 1 is the way back
    peer: I4  # [rows] node that it leads to
    cost_ps: F8  # [rows] whole picoseconds, at least 1
    capacity: F8  # [rows] bytes/s, 0 for a dead link
    back: F8  # [rows] bytes/s of the way back
    twin: I4  # [rows] row of the way back
    relays: B1  # [nodes] whether traffic of others may pass
    hashed: B1  # [rows] whether a flow of a hashing fabric takes one of several such links


class Scratch(NamedTuple):
    """Room for one search and one walk; between calls of a kernel all of it is as it began."""

    level_ps: F8  # [rows + 1] distances that nodes wait at, falling: few of them are different
    level_head: I4  # [rows + 1] first entry of each, -1 for none
    entry: I4  # [rows + 1] a node that waits at a level; in a walk, a row that leads on
    entry_next: I4  # [rows + 1] the next entry of the same level or node, -1 for none
    distance_ps: F8  # [nodes] inf where not reached
    wanted: B1  # [nodes] ends that the search still looks for
    listed: I8  # [nodes] where `pool` has the tight rows of a node, -1 unless it was met
    listed_end: I8  # [nodes]
    pool: I4  # [rows] tight rows: out of a node one step nearer to the anchor
    on_way: B1  # [nodes] nodes of the walk from the anchor to its end
    fan: I4  # [nodes] first entry of the rows that lead on from a node, -1 for none
    inflow: F8  # [nodes] share of the traffic that reaches a node
    touched: I4  # [nodes] nodes whose distance is set
    walked: I4  # [nodes] nodes whose `on_way` is set
    tight: I8  # [widest node] rows of next hops
    part: F8  # [widest node] their capacities
    counts: I8  # [5] of touched, walked, levels, entries, pool


class Rule(NamedTuple):
    """Which way the traffic of an anchor goes, and how it divides."""

    anchor: int
    to_anchor: bool  # the anchor is the target of all routes, else their source
    hashing: bool  # a flow takes one next hop, else it divides in proportion to capacity
    seed: int


class Found(NamedTuple):
    """Routes one after the other: route k has the rows start[k] to start[k + 1]."""

    start: I8  # [routes + 1]
    link: I4  # [capacity] ascending in a route
    share: F8  # [capacity]
    latency_s: F8  # [routes] nan where there is no path


@kernel
def find_routes(g: Graph, s: Scratch, rule: Rule, ends: I4, flows: I8, done: int, f: Found) -> int:
    """Routes between an anchor and its ends, from end number `done` on; fills `f`.

    Returns how many ends are done: fewer than all where `f.link` had no room for the next route.
    """
    _search(g, s, rule, ends, done)
    while done < len(ends):
        end = ends[done]
        if end != rule.anchor and not np.isfinite(s.distance_ps[end]):
            f.latency_s[done] = np.nan
            f.start[done + 1] = f.start[done]
        else:
            used = _walk(g, s, rule, end, flows[done], f, f.start[done])
            if used < 0:
                break
            f.latency_s[done] = s.distance_ps[end] * 1e-12
            f.start[done + 1] = used
        done += 1
    for at in range(s.counts[TOUCHED]):
        node = s.touched[at]
        s.distance_ps[node] = np.inf
        s.listed[node] = -1
    s.counts[TOUCHED] = s.counts[LEVELS] = s.counts[ENTRIES] = s.counts[POOL] = 0
    return done


@inner
def _search(g: Graph, s: Scratch, rule: Rule, ends: I4, done: int) -> None:
    """Distances of all ends (and of what is nearer) to the anchor or from it."""
    left = 0
    for at in range(done, len(ends)):
        if not s.wanted[ends[at]]:
            s.wanted[ends[at]] = True
            left += 1
    _reach(s, rule.anchor, 0.0)
    while s.counts[LEVELS] > 0 and left > 0:
        level = s.counts[LEVELS] - 1
        entry = s.level_head[level]
        if entry < 0:
            s.counts[LEVELS] = level
            continue
        s.level_head[level] = s.entry_next[entry]
        node = s.entry[entry]
        if s.distance_ps[node] != s.level_ps[level]:
            continue  # it was found nearer since
        if s.wanted[node]:
            s.wanted[node] = False
            left -= 1
        if node == rule.anchor or g.relays[node]:
            _leave(g, s, rule, node)
    for at in range(done, len(ends)):
        s.wanted[ends[at]] = False


@inner
def _leave(g: Graph, s: Scratch, rule: Rule, node: int) -> None:
    """Finds the neighbours of a node whose distance is final."""
    so_far = s.distance_ps[node]
    for row in range(g.first[node], g.first[node + 1]):
        peer = g.peer[row]
        if so_far + g.cost_ps[row] < s.distance_ps[peer] and (g.relays[peer] or s.wanted[peer]):
            alive = g.back[row] > 0 if rule.to_anchor else g.capacity[row] > 0
            if alive:
                _reach(s, peer, so_far + g.cost_ps[row])


@inner
def _reach(s: Scratch, node: int, distance: float) -> None:
    """A new or shorter distance; the node waits at its level, which is made if need be."""
    if not np.isfinite(s.distance_ps[node]):
        s.touched[s.counts[TOUCHED]] = node
        s.counts[TOUCHED] += 1
    s.distance_ps[node] = distance
    low, high = 0, s.counts[LEVELS]
    while low < high:  # the first level that is not farther
        middle = (low + high) // 2
        if s.level_ps[middle] > distance:
            low = middle + 1
        else:
            high = middle
    if low == s.counts[LEVELS] or s.level_ps[low] != distance:
        for at in range(s.counts[LEVELS], low, -1):
            s.level_ps[at] = s.level_ps[at - 1]
            s.level_head[at] = s.level_head[at - 1]
        s.level_ps[low] = distance
        s.level_head[low] = -1
        s.counts[LEVELS] += 1
    entry = s.counts[ENTRIES]
    s.counts[ENTRIES] = entry + 1
    s.entry[entry] = node
    s.entry_next[entry] = s.level_head[low]
    s.level_head[low] = entry


@inner
def _walk(g: Graph, s: Scratch, rule: Rule, end: int, flow: int, f: Found, used: int) -> int:
    """Pours one unit from source to target; returns the rows used then, -1 without room."""
    source = end if rule.to_anchor else rule.anchor
    target = rule.anchor if rule.to_anchor else end
    key = mix(mix(mix(np.uint64(rule.seed) + GOLDEN) ^ np.uint64(flow)) ^ np.uint64(source))
    key = mix(key ^ (np.uint64(target) * MIX_A + GOLDEN))
    _collect(g, s, rule, end)
    nodes = s.counts[WALKED]
    _order(s.walked, nodes, s.distance_ps, -1.0 if rule.to_anchor else 1.0)
    begin = used
    s.inflow[source] = 1.0
    for at in range(nodes):
        node = s.walked[at]
        amount = s.inflow[node]
        s.inflow[node] = 0.0
        s.on_way[node] = False
        if used < 0 or node == target or amount == 0.0:
            s.fan[node] = -1
            continue
        count = 0
        if rule.to_anchor:
            for place in range(s.listed[node], s.listed_end[node]):
                s.tight[count] = s.pool[place]
                count += 1
        else:
            entry = s.fan[node]
            s.fan[node] = -1
            while entry >= 0:
                s.tight[count] = s.entry[entry]
                count += 1
                entry = s.entry_next[entry]
            _ascend(s.tight, count)
        if used + count > len(f.link):
            used = -1
            continue
        if rule.hashing and count > 1 and g.hashed[s.tight[:count]].any():
            choice = mix(key ^ (np.uint64(node) * MIX_B + GOLDEN)) % np.uint64(count)
            s.tight[0] = s.tight[np.int64(choice)]
            count = 1
        for place in range(count):
            s.part[place] = g.capacity[s.tight[place]]
        whole = _sum(s.part, 0, count)
        for place in range(count):
            row = s.tight[place]
            moved = amount * (s.part[place] / whole)
            s.inflow[g.peer[row]] += moved
            f.link[used] = g.link[row]
            f.share[used] = moved
            used += 1
    s.counts[WALKED] = 0
    if used > begin:
        _sort(f.link, f.share, begin, used)
    return used


@inner
def _collect(g: Graph, s: Scratch, rule: Rule, end: int) -> None:
    """Nodes on shortest paths between an end and the anchor into `walked`; their `fan`."""
    s.on_way[end] = True
    s.walked[0] = end
    count = 1
    at = 0
    entries = 0
    while at < count:
        node = s.walked[at]
        at += 1
        if node == rule.anchor:
            continue
        if s.listed[node] < 0:
            _list(g, s, rule, node)
        for place in range(s.listed[node], s.listed_end[node]):
            row = s.pool[place]
            peer = g.peer[row]
            if not s.on_way[peer]:
                s.on_way[peer] = True
                s.walked[count] = peer
                count += 1
            if not rule.to_anchor:
                s.entry[entries] = g.twin[row]
                s.entry_next[entries] = s.fan[peer]
                s.fan[peer] = entries
                entries += 1
    s.counts[WALKED] = count


@inner
def _order(nodes: I4, count: int, distance_ps: F8, sign: float) -> None:
    """Orders nodes by (sign * distance, number)."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(gap, count):
            node, place = nodes[at], at
            away = sign * distance_ps[node]
            while place >= gap:
                other = nodes[place - gap]
                apart = sign * distance_ps[other]
                if apart < away or (apart == away and other < node):
                    break
                nodes[place] = other
                place -= gap
            nodes[place] = node
        gap //= 3


@inner
def _ascend(values: I8, count: int) -> None:
    """Orders the first whole numbers of a row, which mostly fall."""
    for at in range(count // 2):
        values[at], values[count - 1 - at] = values[count - 1 - at], values[at]
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(gap, count):
            value, place = values[at], at
            while place >= gap and values[place - gap] > value:
                values[place] = values[place - gap]
                place -= gap
            values[place] = value
        gap //= 3


@inner
def _list(g: Graph, s: Scratch, rule: Rule, node: int) -> None:
    """Puts the rows out of a node that lead nearer to the anchor into the pool."""
    s.listed[node] = s.counts[POOL]
    here = s.distance_ps[node]
    for row in range(g.first[node], g.first[node + 1]):
        peer = g.peer[row]
        if s.distance_ps[peer] + g.cost_ps[row] != here:
            continue
        alive = g.capacity[row] > 0 if rule.to_anchor else g.back[row] > 0
        if alive and (peer == rule.anchor or g.relays[peer]):
            s.pool[s.counts[POOL]] = row
            s.counts[POOL] += 1
    s.listed_end[node] = s.counts[POOL]


@inner
def _sum(values: F8, first: int, last: int) -> float:
    """The sum of up to some thousand numbers, rounded as numpy rounds it."""
    if last - first < 8:
        total = 0.0
        for at in range(first, last):
            total += values[at]
        return total
    if last - first <= PAIRWISE:
        lanes: float = _eight_lanes(values, first, last)
        return lanes
    # halves, as deep as they go: a stack of bounds in place of a recursion
    stack_first = np.empty(64, np.int64)
    stack_last = np.empty(64, np.int64)
    state = np.zeros(64, np.int64)
    left = np.zeros(64)
    depth = 0
    stack_first[0], stack_last[0] = first, last
    answer = 0.0
    while depth >= 0:
        a, b = stack_first[depth], stack_last[depth]
        half = (b - a) // 2
        half -= half % 8
        if b - a <= PAIRWISE:
            answer = _eight_lanes(values, a, b)
            depth -= 1
        elif state[depth] == 0:
            state[depth] = 1
            stack_first[depth + 1], stack_last[depth + 1] = a, a + half
            state[depth + 1] = 0
            depth += 1
        elif state[depth] == 1:
            left[depth] = answer
            state[depth] = 2
            stack_first[depth + 1], stack_last[depth + 1] = a + half, b
            state[depth + 1] = 0
            depth += 1
        else:
            answer = left[depth] + answer
            depth -= 1
    return answer


@inner
def _eight_lanes(values: F8, first: int, last: int) -> float:
    """A sum in eight lanes, joined by pairs; what fills no lane comes last."""
    a, b, c, d = values[first], values[first + 1], values[first + 2], values[first + 3]
    e, f, g, h = values[first + 4], values[first + 5], values[first + 6], values[first + 7]
    at = first + 8
    whole = last - (last - first) % 8
    while at < whole:
        a += values[at]
        b += values[at + 1]
        c += values[at + 2]
        d += values[at + 3]
        e += values[at + 4]
        f += values[at + 5]
        g += values[at + 6]
        h += values[at + 7]
        at += 8
    total: float = ((a + b) + (c + d)) + ((e + f) + (g + h))
    while at < last:
        total += values[at]
        at += 1
    return total


@inner
def _sort(links: I4, shares: F8, begin: int, end: int) -> None:
    """Orders the rows of one route by link."""
    gap = 1
    while gap < (end - begin) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(begin + gap, end):
            link, share, place = links[at], shares[at], at
            while place - gap >= begin and links[place - gap] > link:
                links[place] = links[place - gap]
                shares[place] = shares[place - gap]
                place -= gap
            links[place] = link
            shares[place] = share
        gap //= 3
