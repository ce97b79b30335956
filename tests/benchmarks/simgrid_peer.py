"""SimGrid on one flow scenario, run in a process of its own: `python simgrid_peer.py IN OUT`.

IN is an npz file with the arrays of a `Scenario`, OUT gets the finish times and the CPU seconds of
the run itself. Every flow has a pair of hosts of its own joined by exactly its links; one actor
starts all transfers at their times, so that SimGrid's solver does the work and not its actors.
Latency is zero and all factors are ideal. This file imports nothing of the project: the interpreter
that has SimGrid need not have the rest.
"""

import sys
import time

import numpy as np
from simgrid import ActivitySet, Comm, Engine, TimeoutException, this_actor


def play(starts, sizes, ends, finish):
    """Starts every transfer at its time, then takes them as they end."""
    running, numbers = ActivitySet(), {}

    def collect(until):
        while not running.empty():
            left = -1.0 if until is None else until - Engine.clock
            if until is not None and left <= 0.0:
                return
            try:
                done = running.wait_any() if until is None else running.wait_any_for(left)
            except TimeoutException:  # the time is up: the next transfer begins
                return
            finish[numbers.pop(done.name)] = done.finish_time

    order = np.argsort(starts, kind="stable").tolist()
    for number in order:
        if starts[number] > Engine.clock:
            collect(starts[number])
            this_actor.sleep_until(starts[number])
        comm = Comm.sendto_init(*ends[number])
        comm.set_payload_size(float(sizes[number]))
        comm.set_name(str(number))
        comm.start()
        numbers[comm.name] = number
        running.push(comm)
    collect(None)


def main():
    """Builds the platform, runs, writes what came out."""
    given = np.load(sys.argv[1])
    engine = Engine([
        "peer", "--cfg=network/model:CM02", "--cfg=network/crosstraffic:0",
        "--cfg=precision/timing:1e-12", "--log=root.thres:critical",
    ])  # fmt: skip
    zone = engine.netzone_root
    links = [zone.add_link(f"l{i}", float(rate)) for i, rate in enumerate(given["rate"])]
    first, route, ends = given["route_start"], given["route_link"], []
    for number in range(len(first) - 1):
        pair = zone.add_host(f"s{number}", 1.0), zone.add_host(f"d{number}", 1.0)
        path = [links[i] for i in route[first[number] : first[number + 1]]]
        zone.add_route(*pair, path, False)
        ends.append(pair)
    zone.seal()
    finish = np.full(len(ends), np.nan)
    hub = ends[0][0]
    hub.add_actor("play", play, given["start_s"], given["size"], ends, finish)
    began = time.process_time()
    engine.run()
    np.savez(sys.argv[2], finish_s=finish, seconds=time.process_time() - began)


if __name__ == "__main__":
    main()
