"""What has failed in a run, and what it cost."""

from typing import NamedTuple

from engine.sim.faults import Faults, LoggedFault


class FaultReport(NamedTuple):
    """The faults of a run so far."""

    log: tuple[LoggedFault, ...]  # the first `engine.sim.faults.MOST_LOGGED`
    counts: dict[str, int]  # faults by kind of component
    down_replica_s: dict[str, float]  # replica seconds lost by kind of component
    availability: float  # share of replica seconds that were served


def fault_report(faults: Faults, now_s: float) -> FaultReport:
    """The report at a time."""
    lost = faults.down_seconds(now_s)
    whole = faults.replicas * now_s
    return FaultReport(
        log=tuple(faults.state.log),
        counts=dict(faults.state.counts),
        down_replica_s=lost,
        availability=1.0 - sum(lost.values()) / whole if whole > 0 else 1.0,
    )
