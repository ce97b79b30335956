"""Weighted max-min fair rates by progressive filling, and a fluid simulation on top of it."""

import math
from collections.abc import Sequence

Change = tuple[float, int, float]  # time, link, capacity from then on


def rates(
    capacity: Sequence[float],
    routes: list[list[int]],
    weight: list[float],
    hops: list[list[float]] | None = None,
) -> list[float]:
    """Rates of flows: all grow in step with their weights until a link of theirs is full.

    Args:
        capacity: of each link.
        routes: links of each flow.
        weight: of each flow.
        hops: use of each link of a route per unit of the flow's rate, 1 where not given.
    """
    use = _use(routes, hops)
    rate = [0.0] * len(routes)
    fixed = [not route for route in routes]
    while not all(fixed):
        level = math.inf
        for link, room in enumerate(capacity):
            load = sum(w * u.get(link, 0.0) for u, w, f in zip(use, weight, fixed, strict=True)
                       if not f)  # fmt: skip
            used = sum(x * u.get(link, 0.0) for u, x, f in zip(use, rate, fixed, strict=True) if f)
            if load > 0:
                level = min(level, max(room - used, 0.0) / load)
        for i in range(len(routes)):
            if not fixed[i]:
                rate[i] = level * weight[i]
        full = {
            link
            for link, room in enumerate(capacity)
            if sum(x * u.get(link, 0.0) for u, x in zip(use, rate, strict=True))
            >= room * (1 - 1e-12)
        }
        for i, route in enumerate(routes):
            fixed[i] = fixed[i] or bool(full & set(route))
    return rate


def finish_times(
    capacity: Sequence[float],
    routes: list[list[int]],
    start: list[float],
    size: list[float],
    weight: list[float] | None = None,
    hops: list[list[float]] | None = None,
    changes: Sequence[Change] = (),
) -> list[float]:
    """When each flow ends; rates are solved anew after every event."""
    room = list(capacity)
    share = weight or [1.0] * len(size)
    left = list(size)
    done = [math.nan] * len(size)
    now = 0.0
    while any(math.isnan(d) for d in done):
        for at, link, value in changes:
            if at == now:
                room[link] = value
        active = [i for i in range(len(size)) if start[i] <= now and math.isnan(done[i])]
        rate = rates(
            room,
            [routes[i] for i in active],
            [share[i] for i in active],
            hops and [hops[i] for i in active],
        )
        ends = [
            now + left[i] / r if r > 0 else (now if left[i] <= 0 else math.inf)
            for i, r in zip(active, rate, strict=True)
        ]
        coming = [s for s, d in zip(start, done, strict=True) if math.isnan(d) and s > now]
        coming += [at for at, _, _ in changes if at > now]
        following = min(ends + coming)
        for i, r, end in zip(active, rate, ends, strict=True):
            left[i] -= r * (following - now)
            if end <= following * (1 + 1e-12):
                done[i] = following
        now = following
    return done


def unfair(
    capacity: Sequence[float],
    routes: list[list[int]],
    weight: list[float],
    hops: list[list[float]],
    rate: list[float],
    tolerance: float = 1e-9,
) -> list[str]:
    """Where rates break the definition of weighted max-min fairness; empty if nowhere.

    No link carries more than its capacity, and every flow has a full link on which no other flow
    has a larger rate per weight.
    """
    use = _use(routes, hops)
    found = []
    full, fastest = set(), {}
    for link, room in enumerate(capacity):
        carried = sum(x * u.get(link, 0.0) for u, x in zip(use, rate, strict=True))
        if carried > room * (1 + tolerance):
            found.append(f"link {link} carries {carried} of {room}")
        if carried >= room * (1 - tolerance):
            full.add(link)
        over = [x / w for u, x, w in zip(use, rate, weight, strict=True) if link in u]
        fastest[link] = max(over, default=0.0)
    for i, route in enumerate(routes):
        level = rate[i] / weight[i]
        if not any(k in full and level >= fastest[k] * (1 - tolerance) for k in route):
            found.append(f"flow {i} at {rate[i]} has no full link on which it is a fastest")
    return found


def _use(routes: list[list[int]], hops: list[list[float]] | None) -> list[dict[int, float]]:
    weights = hops or [[1.0] * len(route) for route in routes]
    return [dict(zip(route, row, strict=True)) for route, row in zip(routes, weights, strict=True)]
