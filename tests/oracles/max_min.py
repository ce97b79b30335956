"""Weighted max-min fair rates by progressive filling, and a fluid simulation on top of it."""

import math


def rates(capacity: list[float], routes: list[list[int]], weight: list[float]) -> list[float]:
    """Rates of flows: all grow in step with their weights until a link of theirs is full."""
    rate = [0.0] * len(routes)
    fixed = [not route for route in routes]
    while not all(fixed):
        level = math.inf
        for link, room in enumerate(capacity):
            load = sum(w for r, w, f in zip(routes, weight, fixed, strict=True)
                       if not f and link in r)  # fmt: skip
            used = sum(x for r, x, f in zip(routes, rate, fixed, strict=True) if f and link in r)
            if load > 0:
                level = min(level, max(room - used, 0.0) / load)
        for i in range(len(routes)):
            if not fixed[i]:
                rate[i] = level * weight[i]
        full = {
            link
            for link, room in enumerate(capacity)
            if sum(x for r, x in zip(routes, rate, strict=True) if link in r) >= room * (1 - 1e-12)
        }
        for i, route in enumerate(routes):
            fixed[i] = fixed[i] or bool(full & set(route))
    return rate


def finish_times(
    capacity: list[float], routes: list[list[int]], start: list[float], size: list[float]
) -> list[float]:
    """When each flow ends; rates are solved anew after every event."""
    left = list(size)
    done = [math.nan] * len(size)
    now = 0.0
    while any(math.isnan(d) for d in done):
        active = [i for i in range(len(size)) if start[i] <= now and math.isnan(done[i])]
        rate = rates(capacity, [routes[i] for i in active], [1.0] * len(active))
        ends = [now + left[i] / r for i, r in zip(active, rate, strict=True)]
        coming = [s for s, d in zip(start, done, strict=True) if math.isnan(d) and s > now]
        following = min(ends + coming)
        for i, r, end in zip(active, rate, ends, strict=True):
            left[i] -= r * (following - now)
            if end <= following * (1 + 1e-12):
                done[i] = following
        now = following
    return done
