"""What the faults of a run cost, in numbers that people read."""

import msgspec

from engine.sim.results import RunResults


class FaultClass(msgspec.Struct, frozen=True, kw_only=True):
    """Faults of one kind of component."""

    kind: str
    faults: int
    down_replica_s: float  # replica seconds that were not served because of it
    unavailability: float  # its share of all replica seconds


class Outages(msgspec.Struct, frozen=True, kw_only=True):
    """Availability, by the kind of component that cost it, and what happened when."""

    availability: float
    classes: tuple[FaultClass, ...]
    requests_failed: int
    log: tuple[tuple[float, str, str, int], ...]  # time, name, what, replicas down after it


def outages(results: RunResults, replicas: int) -> Outages | None:
    """The outages of a run; None for one without a plan of faults."""
    report = results.faults
    if report is None:
        return None
    whole_s = max(replicas * results.time_s, 1e-12)
    kinds = sorted({*report.counts, *report.down_replica_s})
    return Outages(
        availability=report.availability,
        classes=tuple(
            FaultClass(
                kind=kind,
                faults=report.counts.get(kind, 0),
                down_replica_s=report.down_replica_s.get(kind, 0.0),
                unavailability=report.down_replica_s.get(kind, 0.0) / whole_s,
            )
            for kind in kinds
        ),
        requests_failed=int(results.tenants.failed.sum()),
        log=tuple((line.time_s, line.name, line.what, line.replicas) for line in report.log),
    )
