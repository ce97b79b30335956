"""What fails in a run: by hand at given times, and at random with a mean time between failures."""

from enum import StrEnum
from typing import Any

import msgspec


class FaultKind(StrEnum):
    """What can fail."""

    CHIP = "chip"
    HOST = "host"
    NIC = "nic"
    SWITCH = "switch"  # one that is drawn
    PLANE = "plane"  # one of the parallel planes of a rack's scale-up domain: a switch tray
    PORT = "port"  # one chip's link to one plane
    LINK = "link"  # one cable of a drawn link
    RACK = "rack"
    FEED = "feed"  # a power feed: the racks that hang on it


class FaultPolicy(StrEnum):
    """What becomes of the requests of a replica that fails."""

    RETRY = "retry"  # sent again to another replica; what was generated is kept
    FAIL = "fail"  # their clients get an error
    WAIT = "wait"  # they wait for the repair
    MIGRATE = "migrate"  # where its memory can be read they move on with their KV, else as RETRY


class FaultEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing fails at a time, for a time.

    `target` is an element, or for `link` a link of the drawing. `member` is the number of the chip,
    host, NIC, switch or rack in it (of the cable for a link; -1: all of them), `part` the plane.
    """

    at_s: float
    kind: FaultKind
    target: str
    member: int = 0
    part: int = 0
    repair_s: float = 0.0  # until it is whole again, 0: not in this run
    extra: dict[str, Any] = {}


class FaultRate(msgspec.Struct, frozen=True, kw_only=True):
    """Random faults of one kind: exponential times to failure of each one, and to repair."""

    kind: FaultKind
    mtbf_h: float
    repair_h: float
    source: str = ""  # where the figures come from
    extra: dict[str, Any] = {}


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All faults of a run and what is done about them.

    `detect_s` passes until a request of a failed replica is sent again, `restart_s` until a replica
    serves again once its parts are whole and its weights have come from the drawn storage (at once
    without one): the process starts.
    """

    events: tuple[FaultEvent, ...] = ()
    rates: tuple[FaultRate, ...] = ()
    policy: FaultPolicy = FaultPolicy.RETRY
    detect_s: float = 5.0
    restart_s: float = 180.0
    racks_a_feed: int = 1
    extra: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        """Nothing fails."""
        return not self.events and not self.rates
