"""The network of a run is another one from now on: running flows and steps move over."""

from engine.sim.kernels.compiling import bare_kernel
from engine.sim.kernels.network import Network, net_left_bytes, net_start
from engine.sim.kernels.stretches import cut_stretch
from engine.sim.kernels.world import IDLE, World
from engine.sim.state import State


@bare_kernel
def move_flows(old: Network, new: Network, now: float) -> None:
    """Starts what is left of every running flow in another network, in the same slot."""
    for slot in range(old.flow.size):
        route = old.flow[slot].route
        if route >= 0:
            left = net_left_bytes(old, slot, now) if old.flow[slot].hops > 0 else 0.0
            net_start(new, slot, route, left, now)


@bare_kernel
def end_stretches(w: World, s: State, now: float) -> None:
    """Steps after the running ones are planned no more, and begin stretches of their own."""
    for r in range(s.rep.size):
        if s.rep[r].ahead > 0:
            cut_stretch(w, s, r, now, True)
        if s.rep[r].mode != IDLE:
            s.rep[r].stale = 1
