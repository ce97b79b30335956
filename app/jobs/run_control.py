"""What the window and the run's thread say to each other; light to import."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.metrics.bottlenecks import Bottleneck
    from engine.scenario.faults import FaultEvent
    from engine.sim.results import Frame

MAX_SPEED = 0.0  # this speed means: as fast as the machine can


class Stopped(Exception):  # noqa: N818 - not an error
    """The window asked the thread to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUpdate:
    """What the window gets: a frame, and now and then a new ranking of bottlenecks."""

    frame: "Frame"
    bottlenecks: "tuple[Bottleneck, ...] | None"
    speed: float  # simulated seconds per wall second, measured since the last update


@dataclass(slots=True)
class RunControl:
    """What the window asks of the thread; read and written under `condition` only."""

    condition: threading.Condition = field(default_factory=threading.Condition)
    playing: bool = False
    stop: bool = False
    step_s: float = 0.0
    speed: float = 1.0
    frame_on_its_way: bool = False
    frame_wanted: bool = False
    summary_wanted: bool = False
    faults: "list[FaultEvent]" = field(default_factory=list)  # to be injected

    def check_stop(self) -> None:
        """Leaves the loop if the window asked for it.

        Raises:
            Stopped: it did.
        """
        if self.stop:
            raise Stopped
